"""Lays out tables and texts for a screen: identifying columns stay whole, the others are wrapped or left out.

Widths are in terminal cells; a Japanese character takes two. Loads only the standard library, and rich for such texts.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_GAP = "  "
_NARROWEST = 8  # cells that a column which gives way keeps on any screen
# After what a line may end; the second and third only within a part that is longer than the line.
_SPACES, _FOLDERS, _SEPARATORS = re.compile(r"(?<= )"), re.compile(r"(?<=/)"), re.compile(r"(?<=[_,;:=-])")
_WORDS = re.compile(r"\s*(?:`[^`]*`\S*|\S+)")  # a command in backquotes is one word, so that it can be copied
_TEXT, _PATH = (_SPACES, _FOLDERS, _SEPARATORS), (_FOLDERS, _SPACES, _SEPARATORS)


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading, and how it is shortened on a narrow screen."""

    name: str
    least: int | None = None
    """Least width in cells if it may be wrapped, unless no other column can be left out; None if it stays whole."""
    leaves: int = 0
    """Columns are left out in this order, the lowest first; a column of 0 always stays."""

    @property
    def gives(self) -> bool:
        """Whether its cells may be wrapped."""
        return self.least is not None


def cell_len(text: str) -> int:
    """Return how many cells a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len as measure  # noqa: PLC0415 -- slow import

    return measure(text)


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], right: Sequence[bool], *, width: int | None
) -> Iterator[str]:
    """Yield the lines of a table; without a width each row is one line, and every column stays.

    ``right`` names the columns that are aligned right.
    """
    needed = [max(map(cell_len, cells)) for cells in zip([column.name for column in columns], *rows, strict=True)]
    kept = list(range(len(columns)))
    if width is not None:
        kept = _fitting(columns, needed, width)
        needed = _narrowed(columns, needed, kept, width)
    yield from _lines([column.name for column in columns], kept, needed, right)
    if width is not None:
        yield _GAP.join("-" * needed[at] for at in kept)
    for row in rows:
        yield from _lines(row, kept, needed, right)


def _lines(row: Sequence[str], kept: Sequence[int], widths: Sequence[int], right: Sequence[bool]) -> Iterator[str]:
    """Yield the lines of one row: as many as its tallest cell has."""
    cells = [wrap(row[at], widths[at]) for at in kept]
    for number in range(max(map(len, cells))):
        parts = [cell[number] if number < len(cell) else "" for cell in cells]
        padded = [_pad(part, widths[at], to_right=right[at]) for at, part in zip(kept, parts, strict=True)]
        yield _GAP.join(padded).rstrip()


def _room(columns: Sequence[Column], needed: Sequence[int], kept: Sequence[int], width: int) -> int:
    """Return how many cells are left for the columns that may be wrapped."""
    fixed = sum(needed[at] for at in kept if not columns[at].gives)
    return width - fixed - len(_GAP) * (len(kept) - 1)


def _fitting(columns: Sequence[Column], needed: Sequence[int], width: int) -> list[int]:
    """Return the columns that stay, so that those which may be wrapped remain readable."""
    kept = list(range(len(columns)))
    leaving = sorted((at for at in kept if columns[at].leaves), key=lambda at: columns[at].leaves)
    for at in leaving:
        least = sum(min(needed[each], columns[each].least or 0) for each in kept if columns[each].gives)
        if least <= _room(columns, needed, kept, width):
            break
        kept.remove(at)
    return kept


def _narrowed(columns: Sequence[Column], needed: Sequence[int], kept: Sequence[int], width: int) -> list[int]:
    """Return the widths: columns that may be wrapped share the remaining room, and take no more than they need."""
    widths = list(needed)
    room = _room(columns, needed, kept, width)
    giving = sorted((at for at in kept if columns[at].gives), key=lambda at: needed[at])
    for number, at in enumerate(giving):
        widths[at] = min(needed[at], max(room // (len(giving) - number), _NARROWEST))
        room -= widths[at]
    return widths


def _pad(text: str, width: int, *, to_right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if to_right else text + space


def is_one_part(text: str) -> bool:
    """Return whether a text has no place where a line may be broken."""
    return all(len(breaks.split(text)) == 1 for breaks in _TEXT)


def wrap(text: str, width: int) -> list[str]:
    """Return a text as lines of at most that many cells.

    Lines end at spaces, those of a path at its folders. A word that is longer than a line is broken after the
    separators in it; a part without any is shortened in its middle.
    """
    if cell_len(text) <= width:
        return [text]
    lines: list[str] = []
    line = ""
    for piece in _pieces(text, width, _PATH if text.startswith("/") else _TEXT):
        if line and cell_len(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()]


def sentence(text: str, width: int) -> list[str]:
    """Return a sentence as lines of at most that many cells; a command in backquotes and a long word stay whole."""
    if cell_len(text) <= width:
        return [text]
    lines: list[str] = []
    line = ""
    for word in _WORDS.findall(text):
        if line and cell_len(line + word) > width:
            lines.append(line)
            line = word.lstrip()
        else:
            line += word
    return [*lines, line]


def _pieces(text: str, width: int, breaks: Sequence[re.Pattern[str]]) -> Iterator[str]:
    if cell_len(text.rstrip()) <= width:
        yield text
    elif breaks:
        for part in filter(None, breaks[0].split(text)):
            yield from _pieces(part, width, breaks[1:])
    else:
        yield shortened(text, width)


def shortened(text: str, width: int) -> str:
    """Return a text, without its middle if it is longer than that many cells."""
    if cell_len(text) <= width:
        return text
    start, end = "", ""
    for head, tail in zip(text, reversed(text), strict=True):
        if cell_len(start + head + end) >= width:
            break
        start += head
        if cell_len(start + tail + end) >= width:
            break
        end = tail + end
    return f"{start}…{end}"
