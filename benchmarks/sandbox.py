"""What the sandbox costs: decoding short files in it, against decoding the same files in this process.

Both ways take turns over the same files in the same run. Counted are seconds on the wall, which is what a parcel waits,
and CPU seconds of this process and of all of the sandbox.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil

from benchmarks import library
from config.settings import Settings
from samplemind_worker import dsp
from samplemind_worker.errors import PermanentError
from samplemind_worker.pipeline.audio_sandbox import audio_sandbox
from samplemind_worker.pipeline.reader import Source, bounds, read_signals
from samplemind_worker.pipeline.signals import limits, read_signal

SETTINGS = Settings()
LIMITS = limits(SETTINGS)

Way = Callable[[Sequence[Source]], None]


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and of those below it."""
    total = time.process_time()
    for one in psutil.Process().children(recursive=True):
        times = one.cpu_times()
        # A decoder that was put away counts with those who waited for it.
        total += times.user + times.system + times.children_user + times.children_system
    return total


def here(sources: Sequence[Source]) -> None:
    """Decode in this process."""
    for source in sources:
        source.file.seek(0)
        read_signal(source.file, name=source.name, file_id=source.file_id, limits=LIMITS)


def confined(sources: Sequence[Source]) -> None:
    """Decode in the sandbox."""
    for signal in read_signals(sources, SETTINGS):
        if isinstance(signal, PermanentError):
            raise signal


def measure(way: Way, parcels: Sequence[Sequence[Path]]) -> tuple[float, float]:
    """Return the seconds and the CPU seconds that one way takes for all parcels."""
    cpu, started = cpu_seconds(), time.perf_counter()
    for parcel in parcels:
        with ExitStack() as files:
            way([Source(files.enter_context(path.open("rb")), os.fsencode(path.name), "0" * 64) for path in parcel])
    return time.perf_counter() - started, cpu_seconds() - cpu


def compare(paths: Sequence[Path], *, size: int, rounds: int) -> None:
    """Print the cost of both ways with parcels of one size."""
    parcels = [paths[at : at + size] for at in range(0, len(paths), size)]
    plain, boxed = [], []
    for way in (here, confined):
        measure(way, parcels[:1])
    for _ in range(rounds):
        plain.append(measure(here, parcels))
        boxed.append(measure(confined, parcels))
    for k, clock in enumerate(("wall", "CPU")):
        ms = [1000 * statistics.median(run[k] for run in runs) / len(paths) for runs in (plain, boxed)]
        title = f"{size} files at a time, {clock}"
        print(f"{title:<30} {ms[0]:8.2f} {ms[1]:9.2f} {ms[1] - ms[0]:+7.2f} ms {ms[1] / ms[0]:7.2f} x")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    dsp.warm_up()
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        library.write(Path(folder), list(library.oneshots(options.files)))
        paths = sorted(Path(folder).rglob("*.wav"))
        audio_sandbox().protections(bounds(SETTINGS))
        print(f"{'ms a one-shot, medians':<30} {'in here':>8} {'confined':>9} {'more':>10} {'ratio':>9}")
        for size in (64, 8, 1):
            compare(paths, size=size, rounds=options.rounds)


if __name__ == "__main__":
    main()
