"""Describes one file as stretches of another one, so that undoing a change needs the differing bytes alone.

A description is a list of steps that build the old file: ``("copy", start, size)`` takes a stretch of the new file,
``("data", start, size)`` one of the bytes that are kept. The search is greedy and may miss common stretches; the
result is right all the same, only longer.
"""

from collections.abc import Iterator
from typing import Final, Protocol

Step = tuple[str, int, int]

_ANCHOR: Final = 48
"""Shortest common stretch that is looked for."""
_STRIDE: Final = 16
"""Bytes by which the search goes on where nothing is common."""
_COMPARED: Final = 1 << 16
_REACH: Final = 1 << 20
"""How far from its own position a stretch is searched for."""
_MOST_SEARCHES: Final = 200
_SEARCH_EVERY: Final = 1024


class Bytes(Protocol):
    """What both files are read as: ``bytes`` or a memory map."""

    def __len__(self) -> int: ...
    def __getitem__(self, key: slice, /) -> bytes: ...
    def find(self, sub: bytes, start: int = ..., end: int = ..., /) -> int: ...  # noqa: D102 -- that of bytes


def describe(old: Bytes, new: Bytes) -> tuple[list[Step], list[bytes]]:
    """Return the steps that build ``old`` from ``new``, and the bytes that they need beyond it, in order."""
    steps: list[Step] = []
    kept: list[bytes] = []
    place = literal = size = 0
    shifts = [0, len(new) - len(old)]
    searches = _MOST_SEARCHES

    def keep(end: int) -> None:
        nonlocal size
        if end > literal:
            steps.append(("data", size, end - literal))
            kept.append(bytes(old[literal:end]))
            size += end - literal

    while place < len(old):
        anchor = bytes(old[place : place + _ANCHOR])
        start = _at_a_shift(anchor, new, place, shifts)
        if start is None and searches and place - literal >= _SEARCH_EVERY and not (place - literal) % _SEARCH_EVERY:
            searches -= 1
            found = new.find(anchor, max(0, place - _REACH), min(len(new), place + _REACH))
            start = None if found < 0 else found
        if start is None:
            place += _STRIDE
            continue
        while place > literal and start > 0 and old[place - 1 : place] == new[start - 1 : start]:
            place, start = place - 1, start - 1
        keep(place)
        common = _common(old, place, new, start)
        steps.append(("copy", start, common))
        shift = start - place
        shifts = [shift, *(each for each in shifts if each != shift)][:4]
        place = literal = place + common
    keep(len(old))
    return steps, kept


def _at_a_shift(anchor: bytes, new: Bytes, place: int, shifts: list[int]) -> int | None:
    return next(
        (
            place + shift
            for shift in shifts
            if place + shift >= 0 and new[place + shift : place + shift + len(anchor)] == anchor
        ),
        None,
    )


def _common(old: Bytes, at: int, new: Bytes, start: int) -> int:
    """Return how many bytes are equal from two positions on."""
    most = min(len(old) - at, len(new) - start)
    done = 0
    while done < most:
        step = min(_COMPARED, most - done)
        left, right = old[at + done : at + done + step], new[start + done : start + done + step]
        if left != right:
            return done + next(
                number for number, pair in enumerate(zip(left, right, strict=True)) if pair[0] != pair[1]
            )
        done += step
    return most


def build(steps: list[Step], new: Bytes, kept: Bytes) -> Iterator[bytes]:
    """Yield the old file piece by piece."""
    for kind, start, size in steps:
        source = new if kind == "copy" else kept
        for at in range(start, start + size, _COMPARED):
            yield bytes(source[at : min(start + size, at + _COMPARED)])
