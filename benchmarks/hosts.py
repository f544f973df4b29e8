"""Two hosts against one: files per second, decodes per file, and the efficiency of the second host.

A host is a network namespace with one cpu worker that is held to one core; Redis, MongoDB, Chroma, the io worker and
beat run on the other cores of the machine. With too few cores they share those of the hosts: then the ratio of the CPU
time per file says more than that of the speeds, and the benchmark says so. Files are synthesized; each run has stores
of its own. The speed is that of the middle of a batch, from the first to the last tenth of its files.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import library
from benchmarks.pipeline import cpu_seconds
from tests.chaos.stack import AS_SHIPPED, Stack, write_files
from tests.hosts.network import Network, obstacle


@dataclass(frozen=True, slots=True)
class Run:
    """The measurements of one batch."""

    files: int
    whole_seconds: float
    rate: float
    """Files per second in the middle of the batch."""
    cpu_ms: float
    """CPU time of the hosts per file."""
    reads: float
    """How often a file was read, hashed and decoded."""


def measure(folder: Path, scratch: Path, sounds: Path, warm_up: Path, cores: Sequence[int]) -> Run:
    """Analyse a folder with one host per core."""
    reads = folder / "reads"
    stack = Stack(folder, own_workers=True, **AS_SHIPPED, SAMPLEMIND_CONCURRENCY="1", CHAOS_READS=str(reads))
    network = None
    try:
        sockets = Path(stack.home.read_state().sockets)
        names = {"redis": "valkey", "mongodb": "mongod", "chroma": "chroma"}
        network = Network({name: sockets / f"{process}.sock" for name, process in names.items()})
        stack.add("worker", "--role", "io", SAMPLEMIND_HOST="stores")
        stack.add("beat", SAMPLEMIND_HOST="stores")
        workers: list[psutil.Process] = []
        for number, core in enumerate(cores, 1):
            host = network.add(f"host{number}")
            worker = stack.add(
                *("worker", "--role", "cpu"),
                prefix=(*host.prefix, "taskset", "--cpu-list", str(core)),
                SAMPLEMIND_HOME=str(folder / host.name),
                SAMPLEMIND_SCRATCH=str(scratch / host.name),
                **host.environment,
            )
            workers.append(psutil.Process(worker.process.pid))
        stack.wait_for_workers(1 + len(cores))
        _wait(stack, stack.submit(warm_up))
        reads.unlink()
        before = sum(map(cpu_seconds, workers))
        started = time.monotonic()
        batch_id = stack.submit(sounds)
        rate = _wait(stack, batch_id)
        whole = time.monotonic() - started
        report = stack.report(batch_id)
        files = report["completed"]
        if files != sum(path.suffix != ".csv" for path in sounds.rglob("*.*")) or any(
            worker.starts > 1 for worker in stack.workers
        ):
            raise SystemExit(f"not all went well: {report}")
        cpu = sum(map(cpu_seconds, workers)) - before
        return Run(files, whole, rate, 1000 * cpu / files, len(reads.read_text().splitlines()) / files)
    finally:
        stack.close()
        if network is not None:
            network.close()


def _wait(stack: Stack, batch_id: str) -> float:
    """Wait for a batch, and return how many files ended per second in its middle."""
    total = stack.report(batch_id)["total_files"]
    marks: list[tuple[float, int]] = []
    while not stack.has_ended(batch_id):
        done = stack.progress(batch_id)
        if total / 10 <= done <= total * 9 / 10:
            marks.append((time.monotonic(), done))
        time.sleep(0.1)
    if len(marks) < 2:
        return 0.0
    (begin, first), (end, last) = marks[0], marks[-1]
    return (last - first) / (end - begin)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oneshots", type=int, default=4000)
    parser.add_argument("--tracks", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of a track")
    parser.add_argument("--hosts", type=int, default=2, help="most hosts; each needs a core")
    options = parser.parse_args()
    # What it has started is ended, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    why = obstacle()
    if why is not None:
        raise SystemExit(why)
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < options.hosts:
        raise SystemExit(f"{options.hosts} hosts need as many cores; there are {len(cores)}")
    of_hosts, of_stores = cores[: options.hosts], cores[options.hosts :]
    if of_stores:
        os.sched_setaffinity(0, of_stores)  # what this process starts inherits it
    print(f"cores of the hosts: {of_hosts}; of the stores: {of_stores or 'the same, so compare the CPU time'}")
    memory = Path("/dev/shm")  # noqa: S108 -- where scratch is by default
    with (
        tempfile.TemporaryDirectory(prefix="samplemind-hosts-") as name,
        tempfile.TemporaryDirectory(prefix="samplemind-hosts-", dir=memory if memory.is_dir() else None) as scratch,
    ):
        top = Path(name)
        write_files(top / "warm-up", 50)
        library.main(["oneshots", str(top / "one-shots"), "--count", str(options.oneshots)])
        library.main(["tracks", str(top / "tracks"), "--count", str(options.tracks), "--seconds", str(options.seconds)])
        print(
            f"{'':12}{'hosts':>6}{'files':>7}{'s':>8}{'files/s':>9}{'ms CPU':>9}{'reads':>7}{'speed':>8}{'by CPU':>8}"
        )
        for kind in ("one-shots", "tracks"):
            runs: list[Run] = []
            for count in range(1, options.hosts + 1):
                folder = top / f"{kind}-{count}"
                folder.mkdir()
                run = measure(folder, Path(scratch) / folder.name, top / kind, top / "warm-up", of_hosts[:count])
                runs.append(run)
                speed, by_cpu = run.rate / runs[0].rate, count * runs[0].cpu_ms / run.cpu_ms
                print(
                    f"{kind:12}{count:6}{run.files:7}{run.whole_seconds:8.1f}{run.rate:9.2f}{run.cpu_ms:9.1f}"
                    f"{run.reads:7.2f}{speed:8.2f}{by_cpu:8.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
