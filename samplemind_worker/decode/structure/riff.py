"""WAV in all its forms: RIFF, RIFX, RF64, BW64 and Sony's Wave64.

The size of the outermost chunk is not looked at: it is wrong in whole collections, and says nothing that the chunks
inside do not say. A stream or a crashed recorder leaves the size of the samples at 0 or at a number near 2^31 or 2^32.
"""

import struct
from dataclasses import dataclass
from typing import Final

from samplemind_worker.decode.structure.base import MOST_CHUNKS, Bytes, Structure, is_name

_UNKNOWN: Final = 0x7FFFE000
"""From here on a size that is more than the file holds was never filled in (sox, arecord, FFmpeg, mpg123)."""
_IN_DS64: Final = 0xFFFFFFFF
_LONGEST_FORMAT: Final = 1024
_EXTENSIBLE: Final = 0xFFFE
_PCM, _FLOAT, _ALAW, _ULAW = 1, 3, 6, 7
_MS_ADPCM, _IMA_ADPCM, _GSM = 2, 0x11, 0x31
_LINEAR: Final = frozenset({_PCM, _FLOAT, _ALAW, _ULAW})
_OF_LIBSNDFILE: Final = _LINEAR | {_MS_ADPCM, _IMA_ADPCM, _GSM}
_W64: Final = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_W64_CHUNK: Final = bytes.fromhex("f3acd3118cd100c04f8edb8a")


@dataclass(slots=True)
class _Chunks:
    """What was found on the way through the chunks."""

    format: bytes = b""
    data: int | None = None
    """Where the samples begin."""
    claimed: int = 0
    present: int = 0
    unknown: bool = False
    """The header does not tell how many bytes of samples there are."""
    format_is_late: bool = False
    end: int = 0
    """Where the last chunk ends."""


def look(data: Bytes, start: int) -> Structure:
    """Look at a RIFF file that begins at ``start``."""
    magic, kind = data.at(start, 4), data.at(start + 8, 4)
    if kind != b"WAVE":
        return Structure("AVI" if kind == b"AVI " else "", start)
    found = _walk(data, start, "big" if magic == b"RIFX" else "little")
    structure = _judge(data, start, found, "big" if magic == b"RIFX" else "little")
    if structure.format == "WAV" and magic in {b"RF64", b"BW64"}:
        structure.format = "RF64"
    odd = start > 0 or magic == b"BW64" or found.unknown or found.format_is_late
    if found.data is not None and found.format and odd:
        pieces = _plain(found, big=magic == b"RIFX")
        structure.libsndfile_pieces = pieces
        structure.links = (pieces,)
    return structure


def _walk(data: Bytes, start: int, order: str) -> _Chunks:
    found = _Chunks()
    place, big_size = start + 12, 0
    for _ in range(MOST_CHUNKS):
        header = data.at(place, 8)
        if len(header) < 8 or not is_name(header[:4]):  # noqa: PLR2004 -- a name and a size
            break
        name, size = header[:4], int.from_bytes(header[4:], "little" if order == "little" else "big")
        body = place + 8
        if name == b"ds64":
            big_size = data.number(body + 8, 8, "little")
        elif name == b"fmt " and not found.format:
            found.format = data.at(body, min(size, _LONGEST_FORMAT))
            found.format_is_late = found.data is not None
        elif name == b"data" and found.data is None:
            size = _take_data(data, found, body, big_size if size == _IN_DS64 and big_size else size)
        place = body + size
        # Some programs leave the pad byte out.
        if size % 2 and not (is_name(data.at(place, 4)) and not is_name(data.at(place + 1, 4))):
            place += 1
    found.end = place
    return found


def _take_data(data: Bytes, found: _Chunks, body: int, size: int) -> int:
    """Take the chunk of samples; return how many bytes of it are passed over."""
    left = max(0, data.end - body)
    if size == 0 and left and not _chunk_at(data, body):
        found.data, found.present, found.unknown = body, left, True
        return left
    if size > left and (size >= _UNKNOWN and size <= _IN_DS64):
        found.data, found.present, found.unknown = body, left, True
        return left
    if size == 0:
        return 0
    found.data, found.claimed, found.present = body, size, min(size, left)
    return size


def _chunk_at(data: Bytes, place: int) -> bool:
    header = data.at(place, 8)
    return is_name(header[:4]) and place + 8 + int.from_bytes(header[4:], "little") <= data.end + 1


def _judge(data: Bytes, start: int, found: _Chunks, order: str) -> Structure:
    structure = Structure("WAV", start)
    if found.data is None or len(found.format) < 16:  # noqa: PLR2004 -- the shortest format chunk
        # Without samples or a format there is nothing that another reader would find.
        structure.suits_libsndfile = True
        return structure
    tag, channels, _, _, align, bits = struct.unpack_from("<HHLLHH" if order == "little" else ">HHLLHH", found.format)
    if tag == _EXTENSIBLE and len(found.format) >= 26:  # noqa: PLR2004 -- the tag opens the GUID
        tag = int.from_bytes(found.format[24:26], "little" if order == "little" else "big")
    width = channels * -(-bits // 8)
    structure.channels = channels
    structure.suits_libsndfile = tag in _OF_LIBSNDFILE
    if tag in _LINEAR and width:
        structure.frames = found.present // width
        missing = found.claimed // width - structure.frames
    else:
        missing = (found.claimed - found.present) // max(1, align)
    if found.unknown:
        structure.warn("unknown_length")
    elif missing > 0:
        structure.warn("truncated")
    structure.ends = missing <= 0
    if found.end + 1 < data.end:
        structure.warn("trailing_bytes")
    return structure


def _plain(found: _Chunks, *, big: bool) -> tuple[bytes | tuple[int, int], ...]:
    """Write a header that says what is there."""
    assert found.data is not None  # noqa: S101 -- asked before
    order = ">" if big else "<"
    size = min(found.present, _IN_DS64 - len(found.format) - 64)
    header = (
        struct.pack(
            f"{order}4sL4s4sL",
            b"RIFX" if big else b"RIFF",
            size + len(found.format) + 20,
            b"WAVE",
            b"fmt ",
            len(found.format),
        )
        + found.format
    )
    header += bytes(len(found.format) % 2)
    return header + struct.pack(f"{order}4sL", b"data", size), (found.data, size)


def is_wave64(head: bytes) -> bool:
    """Whether a file begins as Wave64 does."""
    return head.startswith(_W64)


def look_at_wave64(data: Bytes, start: int) -> Structure:
    """Look at a Wave64 file that begins at ``start``; its chunks begin at multiples of 8."""
    structure = Structure("W64", start, suits_libsndfile=True)
    place, width, linear = start + 40, 0, False
    for _ in range(MOST_CHUNKS):
        header = data.at(place, 24)
        if len(header) < 24 or header[4:16] != _W64_CHUNK:  # noqa: PLR2004 -- a GUID and a size
            break
        size = int.from_bytes(header[16:], "little") - 24
        if size < 0:
            break
        if header[:4] == b"fmt ":
            tag, channels, _, _, _, bits = struct.unpack("<HHLLHH", data.at(place + 24, 16).ljust(16, b"\0"))
            linear, width = tag in {*_LINEAR, _EXTENSIBLE}, channels * -(-bits // 8)
        elif header[:4] == b"data" and linear and width:
            present = min(size, max(0, data.end - place - 24))
            structure.frames = present // width
            structure.ends = structure.frames == size // width
            if not structure.ends:
                structure.warn("truncated")
        place += 24 + -(-size // 8) * 8
    if place < data.end:
        structure.warn("trailing_bytes")
    return structure
