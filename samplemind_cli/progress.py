"""Shows the progress of a batch to its end: a bar on a terminal, otherwise a line every ten seconds."""

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

from samplemind_cli.output import clean, note
from samplemind_worker import times
from samplemind_worker.errors import ServiceUnavailableError
from samplemind_worker.text import plural

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

Report = dict[str, Any]

_LINE_EVERY = 10.0  # s between two lines without a terminal
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 1.0  # s between two looks
_REST = 9.0  # pause after a look, as a multiple of its duration: counting a million items takes a while
_LONGEST_REST = 10.0  # s; the longest pause: a look at a server that hung took long, and the next one may be quick
_SILENCE = 10.0  # s without progress after which obstacles are searched
_PATIENCE = 60.0  # s without an answer from the record before we give up
_SPAN, _LONG_SPAN = 10.0, 60.0  # s over which the recent rate is averaged
_ENOUGH = 5  # files that have to end within the shorter span for a steady rate


class Pace:
    """The recent rate in files per second: over ten seconds, or up to sixty where few files end."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, now: float, ended: int) -> None:
        """Add the number of files that have ended; it falls when a retry opens some again."""
        if self._samples and ended < self._samples[-1][1]:
            self._samples.clear()
        self._samples.append((now, ended))
        # The first sample is the newest that is a long span old, or older.
        while len(self._samples) > 1 and now - self._samples[1][0] >= _LONG_SPAN:
            self._samples.popleft()

    def rate(self) -> float | None:
        """Return files per second; None if none ended."""
        now, ended = self._samples[-1]
        recent = next((sample for sample in reversed(self._samples) if now - sample[0] >= _SPAN), self._samples[0])
        start = recent if ended - recent[1] >= _ENOUGH else self._samples[0]
        elapsed, count = now - start[0], ended - start[1]
        return count / elapsed if elapsed > 0 and count > 0 else None


def ended_of(report: Report) -> int:
    """Return how many files of a batch have ended."""
    return sum(report[state] for state in ("completed", "failed", "skipped", "cancelled"))


def in_words(report: Report, rate: float | None) -> str:
    """Return a batch's progress as one line; without a recent rate, that of the whole batch is taken."""
    if not report["recorded"] and report["finished_at"] is None:
        return f"recording, {plural(report['total_files'], 'file')} so far"
    rate = rate or report["files_per_second"] or None
    return count_in_words(ended_of(report), report["total_files"], failed=report["failed"], rate=rate)


def count_in_words(ended: int, total: int, *, failed: int, rate: float | None) -> str:
    """Return counts, rate and the time that is left as one line."""
    share = ended * 100 // total if total else 100
    speed = "ETA -"
    if rate is not None:
        digits = 0 if rate >= 100 else 1 if rate >= 1 else 2  # noqa: PLR2004 -- three digits that count
        speed = f"{rate:,.{digits}f} files/s, ETA {times.span(round((total - ended) / rate))}"
    return f"{ended:,}/{total:,} files ({share} %), {speed}, {failed:,} failed"


class Display:
    """The progress shown on stderr: a bar on a terminal, otherwise a line every ten seconds."""

    def __init__(self) -> None:
        self.is_bar = sys.stderr.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}
        self._next_line = time.monotonic() + _LINE_EVERY
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self.is_bar:
            from rich.console import Console  # noqa: PLC0415 -- slow import
            from rich.live import Live  # noqa: PLC0415 -- slow import

            console = Console(stderr=True, markup=False, emoji=False, highlight=False)
            # It is drawn when there is news, without a thread, and is removed before the result is printed.
            self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, ended: int, total: int, words: str, names: Sequence[str] = ()) -> None:
        """Show the progress in words, and the files that are being worked on."""
        if self._live is not None:
            from rich.console import Group  # noqa: PLC0415 -- slow import
            from rich.progress_bar import ProgressBar  # noqa: PLC0415 -- slow import
            from rich.table import Table  # noqa: PLC0415 -- slow import

            working = "working on " + ", ".join(map(clean, names)) if names else ""
            row = Table.grid(padding=(0, 1))
            row.add_row(ProgressBar(total=max(total, 1), completed=ended, width=24), _one_line(words))
            self._live.update(Group(row, _one_line(working)), refresh=True)
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _LINE_EVERY
            note(words)


def _one_line(line: str) -> "Text":
    from rich.text import Text  # noqa: PLC0415 -- slow import

    return Text(line, no_wrap=True, overflow="ellipsis")


def follow(
    look: Callable[[], Report],
    *,
    working_on: Callable[[], Sequence[str]],
    obstacles: Callable[[], Sequence[str]],
    recover: Callable[[], object],
) -> Report:
    """Show a batch's progress on stderr until it has ended, and return its last report.

    If the record does not answer, ``recover`` tries to restart it, or raises ServiceUnavailableError if waiting is
    pointless.

    Raises
    ------
    ServiceUnavailableError
        If the record does not answer for a minute.
    """
    pace, silence, pause = Pace(), _Silence(obstacles), _FIRST_PAUSE
    answered, told = time.monotonic(), False
    with Display() as display:
        while True:
            began = time.monotonic()
            try:
                report = look()
                if report["finished_at"] is not None:
                    return report
                pace.add(began, ended_of(report))
                names = working_on() if display.is_bar else ()
                display.show(ended_of(report), report["total_files"], in_words(report, pace.rate()), names)
                silence.heed(began, report)
                answered, told = time.monotonic(), False
            except ServiceUnavailableError as error:
                if time.monotonic() - answered > _PATIENCE:
                    raise
                if not told:
                    note(f"{error}; trying again")
                told = True
                recover()
            time.sleep(rest(pause, time.monotonic() - began))
            pause = min(pause * 1.25, _LONGEST_PAUSE)


def rest(pause: float, took: float) -> float:
    """Return how long to pause after a look that took so many seconds."""
    return min(max(pause, _REST * took), _LONGEST_REST)


class _Silence:
    """Reports obstacles while no file ends, each once until a file ends again."""

    def __init__(self, obstacles: Callable[[], Sequence[str]]) -> None:
        self._obstacles = obstacles
        self._standing: tuple[int, ...] = ()
        self._since = 0.0
        self._told: set[str] = set()

    def heed(self, now: float, report: Report) -> None:
        standing = (report["total_files"], ended_of(report), report["running"])
        if standing != self._standing:
            self._standing, self._since = standing, now
            self._told.clear()
        elif now - self._since > _SILENCE:
            # Asked again after the same time: a worker may be busy with one long file, and die later.
            self._since = now
            for sentence in self._obstacles():
                if sentence not in self._told:
                    self._told.add(sentence)
                    note(f"nothing moves: {sentence}")
