"""Edits chunks of WAV (RIFF, RIFX, RF64, BW64) and AIFF. All bytes that an edit does not name stay as they are.

Conventions: a body is a chunk without its header and pad byte. Numbers are little-endian, in RIFX and AIFF big-endian
(`Riff.order` is the prefix for ``struct``).

Sources: Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0" (1991); EBU Tech 3306 (RF64)
and ITU-R BS.2088 (BW64) for the chunk ``ds64``; Apple, "Audio Interchange File Format 1.3" (1989).
"""

import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Self

from samplemind_worker.errors import NotWrittenError

Piece = bytes | tuple[int, int]
"""Bytes, or the start and the size of a stretch of the file."""

_HEADER: Final = 8
_MOST_CHUNKS: Final = 4096
_LONGEST_READ: Final = 64 << 20
"""Bytes of the longest chunk that is read as a whole; samples are never read so."""
_IN_DS64: Final = 0xFFFFFFFF
_LARGE: Final = (b"RF64", b"BW64")
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk: where its header begins, the size of its body, and its size with header and pad byte."""

    name: bytes
    start: int
    size: int
    whole: int

    @property
    def body(self) -> int:
        """Where its body begins."""
        return self.start + _HEADER


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(0x20 <= letter < 0x7F for letter in name)  # noqa: PLR2004 -- printable ASCII


def is_riff(head: bytes) -> bool:
    """Tell by its first 12 bytes whether a file is WAV or AIFF."""
    wave = head[:4] in (b"RIFF", b"RIFX", *_LARGE) and head[8:12] == b"WAVE"
    return wave or (head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"))


class Riff:
    """The chunks of an open WAV or AIFF file."""

    def __init__(self, descriptor: int) -> None:
        """Read the headers of all chunks.

        Raises
        ------
        NotWrittenError
            If it is neither WAV nor AIFF, or its chunks are too damaged to be edited safely.
        """
        self.descriptor = descriptor
        self.length = os.fstat(descriptor).st_size
        head = os.pread(descriptor, 12, 0)
        self.magic = head[:4]
        if not is_riff(head):
            raise NotWrittenError("it is not a WAV or AIFF file, whatever its name says")
        self.kind: Final = head[8:]
        self.is_aiff: Final = self.magic == b"FORM"
        self.order: Final = ">" if self.magic in (b"RIFX", b"FORM") else "<"
        self.samples: Final = b"SSND" if self.is_aiff else b"data"
        """The name of the chunk with the samples."""
        self.chunks: list[Chunk] = []
        self.ds64: Chunk | None = None
        self._walk()
        names = [chunk.name for chunk in self.chunks]
        if self.samples not in names or (b"COMM" if self.is_aiff else b"fmt ") not in names:
            raise NotWrittenError("its chunks are damaged: there are no samples, or no format")
        self.end: Final = self.chunks[-1].start + self.chunks[-1].whole
        """Where the last chunk ends; what follows is no chunk."""

    @classmethod
    def of(cls, descriptor: int) -> Self | None:
        """Return the chunks of a file if it is a WAV file by its first bytes."""
        head = os.pread(descriptor, 12, 0)
        return cls(descriptor) if is_riff(head) and head[:4] != b"FORM" else None

    def _walk(self) -> None:
        place, large = 12, 0
        while place + _HEADER <= self.length:
            header = os.pread(self.descriptor, _HEADER, place)
            name, size = header[:4], int.from_bytes(header[4:], "big" if self.order == ">" else "little")
            if not _is_name(name):
                return
            if len(self.chunks) == _MOST_CHUNKS:
                raise NotWrittenError(f"it has more than {_MOST_CHUNKS} chunks")
            if size == _IN_DS64 and name == b"data" and self.magic in _LARGE:
                size = large
            if place + _HEADER + size > self.length:
                if name == self.samples or not any(chunk.name == self.samples for chunk in self.chunks):
                    raise NotWrittenError(f"its chunk {name.decode()!r} claims more bytes than the file has")
                return  # the rest, after the samples, is left as it is
            if (
                name == self.samples
                and size == 0
                and self.length - place > _HEADER
                and not self._chunk_at(place + _HEADER)
            ):
                raise NotWrittenError("its header does not say how long the samples are")
            whole = _HEADER + size
            end = place + whole
            # Some programs leave the pad byte out.
            if size % 2 and end < self.length and not (self._chunk_at(end) and not self._chunk_at(end + 1)):
                whole += 1
            chunk = Chunk(name, place, size, whole)
            self.chunks.append(chunk)
            if name == b"ds64" and size >= 24:  # noqa: PLR2004 -- three sizes of 8 bytes
                self.ds64 = chunk
                large = int.from_bytes(os.pread(self.descriptor, 8, chunk.body + 8), "little")
            place += whole

    def _chunk_at(self, place: int) -> bool:
        header = os.pread(self.descriptor, _HEADER, place)
        size = int.from_bytes(header[4:], "big" if self.order == ">" else "little")
        return _is_name(header[:4]) and (place + _HEADER + size <= self.length or size == _IN_DS64)

    def find(self, name: bytes, kind: bytes = b"") -> Chunk | None:
        """Return the first chunk of a name; for ``LIST``, of that type (``INFO``, ``adtl``)."""
        return next(
            (
                chunk
                for chunk in self.chunks
                if chunk.name == name and (not kind or os.pread(self.descriptor, 4, chunk.body) == kind)
            ),
            None,
        )

    def read(self, chunk: Chunk) -> bytes:
        """Return the body of a chunk.

        Raises
        ------
        NotWrittenError
            If it is unreasonably long.
        """
        if chunk.size > _LONGEST_READ:
            raise NotWrittenError(f"its chunk {chunk.name.decode()!r} has {chunk.size:,} bytes")
        return os.pread(self.descriptor, chunk.size, chunk.body)

    def edited(self, replaced: Mapping[Chunk, bytes], added: Iterable[tuple[bytes, bytes]] = ()) -> list[Piece]:
        """Return the pieces of the file with other bodies for some chunks, and with chunks added after the last one.

        What follows the last chunk in the file still does. The size in the header covers all chunks then.

        Raises
        ------
        NotWrittenError
            If the file would become larger than its format allows.
        """
        pieces: list[Piece] = []
        for chunk in self.chunks:
            if chunk in replaced:
                pieces.append(self._packed(chunk.name, replaced[chunk]))
            else:
                pieces.append((chunk.start, chunk.whole))
        last = self.chunks[-1]
        extra = [self._packed(name, body) for name, body in added]
        if extra and last not in replaced and last.whole % 2:
            extra.insert(0, b"\0")
        pieces += extra
        size = 4 + sum(map(size_of, pieces))
        header = self.magic + struct.pack(f"{self.order}I", _IN_DS64 if self.magic in _LARGE else min(size, _IN_DS64))
        if self.magic in _LARGE:
            pieces = self._with_size(pieces, size)
        elif size >= _IN_DS64:
            raise NotWrittenError("it would be larger than the 4 GiB that such a file can have")
        rest = [(self.end, self.length - self.end)] if self.end < self.length else []
        return [header + self.kind, *pieces, *rest]

    def _packed(self, name: bytes, body: bytes) -> bytes:
        return name + struct.pack(f"{self.order}I", len(body)) + body + bytes(len(body) % 2)

    def _with_size(self, pieces: list[Piece], size: int) -> list[Piece]:
        if self.ds64 is None:
            raise NotWrittenError("it is RF64 without the chunk that holds its sizes")
        body = os.pread(self.descriptor, self.ds64.whole - _HEADER, self.ds64.body)
        header = os.pread(self.descriptor, _HEADER, self.ds64.start)
        old = (self.ds64.start, self.ds64.whole)
        return [header + struct.pack("<Q", size) + body[8:] if piece == old else piece for piece in pieces]

    def frames(self) -> tuple[int, int]:
        """Return the number of frames and the sample rate of WAV; 0 frames where the samples are compressed."""
        chunk, data = self.find(b"fmt "), self.find(b"data")
        assert chunk is not None  # noqa: S101 -- asked when it was read
        assert data is not None  # noqa: S101 -- as above
        body = self.read(chunk)
        if len(body) < 16:  # noqa: PLR2004 -- the shortest format chunk
            raise NotWrittenError("its chunks are damaged: the format is too short")
        tag, channels, rate, _, _, bits = struct.unpack_from(f"{self.order}HHIIHH", body)
        if tag == 0xFFFE and len(body) >= 26:  # noqa: PLR2004 -- WAVE_FORMAT_EXTENSIBLE; its GUID begins with the tag
            (tag,) = struct.unpack_from(f"{self.order}H", body, 24)
        width = channels * -(-bits // 8)
        return (data.size // width if width and tag in (1, 3, 6, 7) else 0), rate


def size_of(piece: Piece) -> int:
    """Return how many bytes a piece has."""
    return len(piece) if isinstance(piece, bytes) else piece[1]


def blocks(descriptor: int, pieces: Iterable[Piece]) -> Iterator[bytes]:
    """Yield the bytes of the pieces of a file.

    Raises
    ------
    NotWrittenError
        If the file has become shorter meanwhile.
    """
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
            continue
        start, size = piece
        while size:
            block = os.pread(descriptor, min(size, _BLOCK), start)
            if not block:
                raise NotWrittenError("it changed while it was read")
            yield block
            start, size = start + len(block), size - len(block)
