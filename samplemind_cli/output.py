"""Writes JSON, tables and messages for the user; untrusted text is cleaned (`samplemind_worker.text`).

Data goes to stdout, everything else to stderr. Loads only the standard library.
"""

import io
import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from samplemind_cli import layout
from samplemind_cli.layout import Column
from samplemind_worker.errors import SetupError
from samplemind_worker.text import clean

Row = Sequence[object]

_PLAIN_WIDTH = 80  # of a terminal that does not tell
_PAGE = 1000  # rows that are laid out together, so that a batch of a million files is printed in constant memory


def write(text: str) -> None:
    """Write data to stdout; end the command quietly if the reader is gone."""
    _guarded(lambda: sys.stdout.write(text))


class BinaryStdout(io.RawIOBase):
    """Standard output for bytes; ends the command quietly if the reader is gone."""

    def __init__(self) -> None:
        self._position = 0

    def writable(self) -> bool:
        """Return that bytes can be written."""
        return True

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._position

    def write(self, data: Any, /) -> int:
        """Write bytes, and return their number."""
        _guarded(lambda: sys.stdout.buffer.write(data))
        self._position += len(data)
        return len(data)


def flush() -> None:
    """Flush stdout."""
    _guarded(sys.stdout.flush)


def _guarded(call: Callable[[], object]) -> None:
    try:
        call()
    except OSError as error:
        # Buffered data must not fail again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if isinstance(error, BrokenPipeError):
            raise SystemExit(0) from None
        raise SetupError(f"cannot write to standard output: {error.strerror}") from error


def to_json(value: object) -> str:
    """Return one line of JSON.

    It is ASCII: readable in every locale, harmless on a terminal, and lossless for a name that is not UTF-8.
    """
    return json.dumps(value, allow_nan=False)


def emit(value: object) -> None:
    """Print one JSON object, on a line."""
    write(to_json(value) + "\n")


def write_paths0(paths: Iterable[bytes]) -> None:
    """Write paths as they are on the disk, each ended by a null byte."""
    flush()
    for path in paths:
        _guarded(lambda path=path: sys.stdout.buffer.write(path + b"\0"))


def say(text: str) -> None:
    """Print one line of text; on a terminal it is wrapped at words."""
    width = screen_width()
    write("\n".join([text] if width is None else layout.sentence(text, width)) + "\n")


def note(message: str) -> None:
    """Write one line for the user to stderr, on a terminal wrapped at words; commands are spelled as they work here."""
    text = clean(message.replace("`samplemind ", f"`{command()} "))
    try:
        if sys.stderr.isatty():
            text = "\n".join(layout.sentence(text, os.get_terminal_size(sys.stderr.fileno()).columns or _PLAIN_WIDTH))
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        # A message is not worth a failure.
        return


@cache
def command() -> str:
    """Return what to type for this program: its path as it was called, unless its name alone leads to it."""
    called = sys.argv[0]
    if Path(called).name != "samplemind":
        return "samplemind"  # called as `python -m`
    found = shutil.which("samplemind")
    return "samplemind" if found is not None and Path(found).samefile(called) else shlex.quote(called)


def on_terminal() -> bool:
    """Return whether stdout is a terminal."""
    return sys.stdout.isatty()


def has_screen() -> bool:
    """Return whether a user sits at a terminal on which text can be put anywhere."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") not in {None, "", "dumb", "unknown"}


def table(columns: Sequence[str | Column], rows: Iterable[Row]) -> None:
    """Print a table: fitted to the screen on a terminal, else plain columns with one line per row.

    Numbers are aligned right; None is shown as ``-``.
    """
    headings = [column if isinstance(column, Column) else Column(column) for column in columns]
    rest = iter(rows)
    while page := list(islice(rest, _PAGE)):
        right = [
            all(row[at] is None or isinstance(row[at], (int, float, Number)) for row in page)
            for at in range(len(headings))
        ]
        cells = [["-" if cell is None else clean(cell) for cell in row] for row in page]
        for line in layout.table(headings, cells, right, width=screen_width()):
            write(line + "\n")


def screen_width() -> int | None:
    """Return how many cells a line of the terminal has; None where stdout is no terminal."""
    return shutil.get_terminal_size().columns if on_terminal() else None


def can_show(letters: str) -> bool:
    """Return whether stdout has these letters in its encoding."""
    try:
        letters.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return False
    return True


class Number(str):
    """A number that is already written out, so that its column is aligned right."""

    __slots__ = ()


def pairs(values: Mapping[str, object]) -> None:
    """Print names and values, one per line; a list is printed with one item per line, None is left out.

    On a terminal values are wrapped at words. One that cannot be wrapped, such as an id, has a line of its own.
    """
    width = max(map(len, values), default=0)
    screen = screen_width()
    for name, value in values.items():
        items: list[Any] = list(value) if isinstance(value, (list, tuple)) else [] if value is None else [value]
        label = name
        for text in map(clean, items):
            if screen is None:
                lines = [text]
            elif layout.is_one_part(text) and layout.cell_len(text) > screen - width - 2:
                write(f"{label}\n  {text}\n")
                lines = []
            else:
                lines = layout.wrap(text, screen - width - 2)
            for line in lines:
                write(f"{label:{width}}  {line}\n")
                label = ""


def fixed(value: float | None, digits: int = 1) -> Number | None:
    """Write a number with that many digits after the point; None stays None."""
    return None if value is None else Number(f"{value:.{digits}f}")


def clock(seconds: float) -> str:
    """Write a time span as ``0:09`` or ``1:02:03``."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def in_bytes(count: float) -> str:
    """Write a number of bytes with a decimal unit."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:  # noqa: PLR2004 -- decimal units
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def tally(counts: Mapping[str, int]) -> str:
    """Write counts by name, as ``unreadable 3, empty 1``."""
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def pages(values: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield lists of up to ``size`` values."""
    rest = iter(values)
    while page := list(islice(rest, size)):
        yield page
