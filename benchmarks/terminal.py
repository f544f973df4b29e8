"""What a terminal costs: how long `samplemind --help` takes, and `browse` until its first row, and per key.

The library of `browse` has the entries of `benchmarks.many`. Each figure is the median of several runs; times of the
machine under load say little, so that processor seconds and an interpreter that does nothing are beside them.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from benchmarks import many
from config.settings import Settings
from samplemind_worker.local_services import ensure_running, stop
from samplemind_worker.store import mongo
from tests.terminal import Terminal

_COMMAND = str(Path(sys.executable).with_name("samplemind"))
_KEYS = 40  # presses of a key


def _run(line: Sequence[str]) -> tuple[float, float]:
    """Run a command, and return its wall and processor seconds."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(line, check=True, capture_output=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _medians(measure: Callable[[], tuple[float, float]], times: int) -> tuple[float, float]:
    found = [measure() for _ in range(times)]
    return statistics.median(wall for wall, _ in found), statistics.median(used for _, used in found)


def start(times: int) -> None:
    """Print how long the help takes, as a ratio against an interpreter that does nothing."""
    nothing, nothing_used = _medians(lambda: _run([sys.executable, "-c", "pass"]), times)
    wall, used = _medians(lambda: _run([_COMMAND, "--help"]), times)
    print(f"samplemind --help: {wall:.3f} s ({wall / nothing:.1f} times `python -c pass`), ", end="")
    print(f"processor {used:.3f} s ({used / nothing_used:.1f} times)", flush=True)


class _Browser:
    """The browser on a terminal of 80 columns and 24 lines."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self.screen = Terminal([_COMMAND, "browse", "--sort", "name"])
        self._process = psutil.Process(self.screen.process.pid)

    def opened(self) -> tuple[float, float]:
        """Wait for the first row, and return the seconds since the start."""
        self.screen.wait_until(lambda text: ".wav" in text, "row")
        return time.perf_counter() - self._began, self._used()

    def _used(self) -> float:
        used = self._process.cpu_times()
        return used.user + used.system

    def press(self, key: str) -> tuple[float, float]:
        """Press a key, and return the seconds until the screen was drawn."""
        before, seen, began = self._used(), len(self.screen.raw), time.perf_counter()
        self.screen.press(key)
        self.screen.wait_until(lambda _: len(self.screen.raw) > seen, "change")
        return time.perf_counter() - began, self._used() - before

    def close(self) -> None:
        """Leave."""
        self.screen.press("\x03")
        self.screen.wait_for_end()
        self.screen.close()


def _open_once() -> tuple[float, float]:
    browser = _Browser()
    try:
        return browser.opened()
    finally:
        browser.close()


def browse(times: int) -> None:
    """Print how long the browser takes to its first row, and to draw what a key moves to."""
    nothing, _ = _medians(lambda: _run([sys.executable, "-c", "pass"]), times)
    wall, used = _medians(_open_once, times)
    print(
        f"browse to the first row: {wall:.2f} s ({wall / nothing:.0f} times `python -c pass`), processor {used:.2f} s"
    )
    browser = _Browser()
    try:
        browser.opened()
        browser.press("\x1b[B")  # to the table
        for name, key in (("down", "\x1b[B"), ("page down", "\x1b[6~")):
            wall, used = _medians(lambda key=key: browser.press(key), _KEYS)
            print(f"{name}: {1000.0 * wall:.0f} ms until the screen changes, processor {1000.0 * used:.0f} ms")
    finally:
        browser.close()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=7)
    arguments = parser.parse_args()
    start(arguments.times)
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        own = Settings(home=Path(folder) / "home", redis_url=None, mongodb_url=None, chroma_url=None)
        settings = ensure_running(own, workers=False)
        assert settings.mongodb_url is not None
        os.environ["SAMPLEMIND_HOME"] = str(own.home)
        for name in ("REDIS", "MONGODB", "CHROMA"):
            os.environ[f"SAMPLEMIND_{name}_URL"] = ""
        try:
            mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database)
            many.write(arguments.entries, many.bases(own))
            print(f"{arguments.entries:,} entries, load {os.getloadavg()[0]:.1f}", flush=True)
            browse(arguments.times)
        finally:
            mongo.close()
            stop(own)


if __name__ == "__main__":
    main()
