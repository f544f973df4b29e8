"""The whole stack against the bare engine: files a second end to end, and where the CPU time goes.

Both sides analyse the same synthesized files in the same run: ``samplemind analyze --jobs 2`` first, then
``samplemind submit --wait`` with private services of its own that are already up. CPU time is that of the processes
and all their children, by part.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from benchmarks import library
from config.settings import Settings
from samplemind_worker.local_services import ensure_running, stop
from samplemind_worker.local_services.home import Home
from samplemind_worker.store.cache import Board

JOBS = 2


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU seconds of a process and of all its descendants, those included that have ended."""
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        # Each process counts the children that it has waited for: the sandbox replaces decoders.
        total += times.user + times.system + times.children_user + times.children_system
    return total


def processes(home: Path) -> dict[str, psutil.Process]:
    """Return the process of each private service."""
    return {name: psutil.Process(service.pid) for name, service in Home(home).read_state().services.items()}


def run(command: list[str], environment: Mapping[str, str]) -> tuple[str, float, float]:
    """Run a command; return its output, wall seconds and CPU seconds. If it fails, end with what it says."""
    before = os.times()
    started = time.perf_counter()
    done = subprocess.run(command, env=dict(environment), check=False, capture_output=True, text=True)
    wall = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return done.stdout, wall, cpu


def wait_for_workers(settings: Settings) -> None:
    """Wait until both workers take work: what is measured is the work, not Python's imports."""
    assert settings.redis_url is not None
    board = Board(settings.redis_url.get_secret_value(), settings.database)
    deadline = time.monotonic() + 60
    while len(board.workers()) < 2:
        if time.monotonic() > deadline:
            raise SystemExit("the workers did not come up within 60 s")
        time.sleep(0.1)
    board.close()


def compare(name: str, folder: Path, *, home: Path, samplemind: str) -> dict[str, float]:
    """Measure one folder both ways, print the table, and return the milliseconds of CPU per file of each part."""
    environment = {**os.environ, "SAMPLEMIND_HOME": str(home)}
    lines, bare_wall, bare_cpu = run([samplemind, "analyze", str(folder), "--json", "--jobs", str(JOBS)], environment)
    files = len(lines.splitlines())
    settings = Settings(home=home)
    settings = ensure_running(settings)
    wait_for_workers(settings)
    stack = processes(home)
    before = {part: cpu_seconds(process) for part, process in stack.items()}
    output, wall, cli_cpu = run([samplemind, "submit", str(folder), "--wait", "--json"], environment)
    if processes(home) != stack:
        raise SystemExit(f"{name}: a service was started anew meanwhile, so that its CPU time is not known")
    after = {part: cpu_seconds(process) for part, process in stack.items()}
    batch = json.loads(output)
    if batch["completed"] != files:
        raise SystemExit(f"{name}: {batch}")
    rate, bare_rate = files / wall, files / bare_wall
    print(f"\n{name}: {files} files")
    print(f"  analyze --jobs {JOBS}   {bare_rate:9.1f} files/s  {1000 * bare_cpu / files:8.2f} ms CPU a file")
    parts = {"cli": cli_cpu, **{part: after[part] - before[part] for part in after}}
    total = sum(parts.values())
    print(f"  submit --wait      {rate:9.1f} files/s  {1000 * total / files:8.2f} ms CPU a file")
    print(f"  ratio              {rate / bare_rate:9.2f}")
    for part, seconds in sorted(parts.items(), key=lambda pair: -pair[1]):
        print(f"    {part:<12} {1000 * seconds / files:8.2f} ms a file  {100 * seconds / total:5.1f} %")
    return {part: 1000 * seconds / files for part, seconds in parts.items()}


def main() -> None:
    """Run the comparison on one-shots and on tracks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oneshots", type=int, default=2000)
    parser.add_argument("--tracks", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    samplemind = str(Path(sys.executable).with_name("samplemind"))
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        top = Path(folder)
        home = top / "home"
        library.main(["oneshots", str(top / "oneshots"), "--count", str(options.oneshots)])
        library.main(["tracks", str(top / "tracks"), "--count", str(options.tracks), "--seconds", str(options.seconds)])
        try:
            compare("one-shots", top / "oneshots", home=home, samplemind=samplemind)
            compare("tracks", top / "tracks", home=home, samplemind=samplemind)
        finally:
            stop(Settings(home=home))


if __name__ == "__main__":
    main()
