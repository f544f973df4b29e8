"""What every container's parser uses: bytes at a place, a view of a file, and what is known of its structure."""

import io
import os
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

Piece = bytes | tuple[int, int]
"""Bytes as they are, or the start and the size of a stretch of the file."""

_NAME: Final = re.compile(rb"[ -~]{4}")

MOST_CHUNKS: Final = 4096
"""Chunks, boxes or tags that are looked at in one file."""


class Bytes:
    """The bytes of an open file, from one place on: what lies before is not part of the container."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.end = os.fstat(descriptor).st_size
        self._head = os.pread(descriptor, 4096, 0)

    def at(self, place: int, size: int) -> bytes:
        """Return the bytes at a place, fewer at the end of the file; none at a place that is not in it."""
        if place < 0 or size <= 0 or place >= self.end:
            return b""
        if place + size <= len(self._head):
            return self._head[place : place + size]
        return os.pread(self.descriptor, size, place)

    def number(self, place: int, size: int, order: str = "big") -> int:
        """Return an unsigned number; 0 behind the end of the file."""
        return int.from_bytes(self.at(place, size), "little" if order == "little" else "big")


class View(io.RawIOBase):
    """A file put together from stretches of another and from bytes of our own; moves nobody else's place."""

    def __init__(self, descriptor: int, pieces: tuple[Piece, ...]) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._pieces = pieces
        lengths = [len(piece) if isinstance(piece, bytes) else piece[1] for piece in pieces]
        self._ends = list(accumulate(lengths))
        self.size = sum(lengths)
        self._place = 0

    def readable(self) -> bool:
        """Say that it is."""
        return True

    def seekable(self) -> bool:
        """Say that it is."""
        return True

    def tell(self) -> int:
        """Give the place."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move; not before the beginning."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise OSError("before the beginning")
        self._place = base + offset
        return self._place

    def read(self, size: int = -1, /) -> bytes:
        """Read on, at most ``size`` bytes; all that is left if it is negative."""
        left = max(0, self.size - self._place)
        left = left if size < 0 else min(size, left)
        parts: list[bytes] = []
        number = bisect_right(self._ends, self._place)
        while left > 0:
            piece, rest = self._pieces[number], self._ends[number] - self._place
            count = min(left, rest)
            if isinstance(piece, bytes):
                part = piece[len(piece) - rest :][:count]
            else:
                part = os.pread(self._descriptor, count, sum(piece) - rest)
            parts.append(part)
            self._place += len(part)
            left -= len(part)
            if len(part) < count:  # the file became shorter meanwhile
                break
            number += 1
        return b"".join(parts)

    def readinto(self, buffer: "memoryview | bytearray", /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride] -- what libsndfile's binding gives is writable
        """Read on, into a buffer."""
        target = memoryview(buffer).cast("B")
        data = self.read(len(target))
        target[: len(data)] = data
        return len(data)


@dataclass(slots=True)
class Structure:
    """What a container says of itself, and what of that is there."""

    format: str
    """libsndfile's name for the container, or one of ours; empty if it is none that we know."""
    start: int = 0
    """Where the container begins in the file."""
    frames: int | None = None
    """Frames that an exact reading gives: what is promised and is there. None if the container does not tell."""
    suits_libsndfile: bool = False
    """libsndfile is known to read such a file right, if it gives so many frames."""
    libsndfile_pieces: tuple[Piece, ...] = ()
    """The file in a form that libsndfile reads; empty if it is so as it stands."""
    links: tuple[tuple[Piece, ...], ...] = ()
    """What FFmpeg gets, one after the other; empty for the whole file."""
    skip: int = 0
    """Frames of padding that FFmpeg leaves at the beginning."""
    keep: int | None = None
    """Frames after which FFmpeg gives padding."""
    keep_rate: int = 0
    """Ticks per second that ``keep`` counts; 0 for frames."""
    ends: bool | None = None
    """Whether the last frame that is promised is there; None where only decoding tells."""
    counted: int | None = None
    """Frames that there are by counting, the padding of the codec included; None if nobody counted."""
    has_loose_end: bool = False
    """Something stands behind the last frame, or the last frame is damaged."""
    channels: int = 0
    """As the header has it, where it is read here: more than a decoder takes is no damage."""
    is_gapless: bool = False
    """It tells which frames are padding, and the readers leave them out."""
    lead_seconds: float = 0.0
    """What a reader gives before the sound, as the container does not tell of it: the delay of encoder and decoder."""
    is_too_long: bool = False
    """It is longer than anybody wants to know."""
    tag_bytes: int = 0
    """What the tags at the end of the file take."""
    warnings: list[str] = field(default_factory=list[str])

    def warn(self, warning: str) -> None:
        """Add a warning once."""
        if warning not in self.warnings:
            self.warnings.append(warning)


def is_name(name: bytes) -> bool:
    """Whether four bytes can be the name of a chunk: printable ASCII."""
    return _NAME.fullmatch(name) is not None


def begins_a_chunk(data: Bytes, place: int, order: str) -> bool:
    """Whether a place has the name of a chunk, and a size that leads to another one or to the end."""
    name, size = data.at(place, 4), data.number(place + 4, 4, order)
    behind = place + 8 + size
    return is_name(name) and (
        behind in {data.end - 1, data.end, data.end + 1}
        or is_name(data.at(behind, 4))
        or is_name(data.at(behind + 1, 4))
    )


def behind_chunk(data: Bytes, body: int, size: int, order: str) -> int:
    """Return where a chunk ends. Its size is followed by a pad byte if it is odd, which some programs leave out."""
    end = body + size
    if size % 2 == 0:
        return end
    return end if begins_a_chunk(data, end, order) and not begins_a_chunk(data, end + 1, order) else end + 1
