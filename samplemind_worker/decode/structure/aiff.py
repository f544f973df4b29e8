"""AIFF and AIFF-C, and Sun's AU."""

import struct
from typing import Final

from samplemind_worker.decode.structure.base import (
    MOST_CHUNKS,
    Bytes,
    Piece,
    Structure,
    begins_a_chunk,
    behind_chunk,
    is_name,
)
from samplemind_worker.decode.structure.tags import is_tagged

_LINEAR: Final = {
    b"NONE": 0,
    b"twos": 0,
    b"sowt": 0,
    b"raw ": 0,
    b"in24": 3,
    b"in32": 4,
    b"fl32": 4,
    b"FL32": 4,
    b"fl64": 8,
    b"FL64": 8,
    b"alaw": 1,
    b"ALAW": 1,
    b"ulaw": 1,
    b"ULAW": 1,
}
"""Bytes of a sample by the kind of compression; 0 for as many as the bits need."""
_AU_WIDTHS: Final = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}
_NO_SIZE: Final = 0xFFFFFFFF
_UNKNOWN: Final = 0x7FFFE000
_LONGEST_COMMON: Final = 22 + 256
"""With the name of the compression, a string of at most 255 letters."""


def is_aiff(head: bytes) -> bool:
    """Whether a file begins as AIFF does."""
    return head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"}


def look(data: Bytes, start: int) -> Structure:
    """Look at an AIFF file that begins at ``start``."""
    structure = Structure("AIFF", start, suits_libsndfile=start == 0)
    place, common, samples, is_odd = start + 12, b"", (0, 0, 0), start > 0
    for _ in range(MOST_CHUNKS):
        header = data.at(place, 8)
        if len(header) < 8 or not is_name(header[:4]):  # noqa: PLR2004 -- a name and a size
            break
        name, size, body = header[:4], int.from_bytes(header[4:], "big"), place + 8
        if name == b"COMM":
            common = data.at(body, min(size, _LONGEST_COMMON))
        elif name == b"SSND":
            first = body + 8 + min(data.number(body, 4), max(0, size - 8))
            left = max(0, data.end - first)
            claimed = max(0, size - (first - body))
            # Never filled in, as in `riff`.
            if left and (size >= _UNKNOWN or (claimed == 0 and not begins_a_chunk(data, first, "big"))):
                structure.warn("unknown_length")
                claimed, size = left, data.end - body
            samples = (first, claimed, min(claimed, left))
        place = behind_chunk(data, body, size, "big")
        is_odd |= size % 2 == 1 and place == body + size and not (samples[0] and common)
    _judge(structure, common, *samples)
    if samples[0] and place + 1 < data.end and not is_tagged(data, place):
        structure.warn("trailing_bytes")
    if samples[0] and common and (is_odd or "unknown_length" in structure.warnings):
        structure.libsndfile_pieces = _plain(data.at(start + 8, 4), common, samples[0], samples[2], structure.frames)
        structure.links = (structure.libsndfile_pieces,)
        structure.suits_libsndfile = True
    return structure


def _plain(kind: bytes, common: bytes, first: int, present: int, frames: int | None) -> tuple[Piece, ...]:
    """Write a header that says what is there."""
    if frames is not None:
        common = common[:2] + frames.to_bytes(4, "big") + common[6:]
    common += bytes(len(common) % 2)
    header = kind + b"COMM" + len(common).to_bytes(4, "big") + common
    header += struct.pack(">4sLLL", b"SSND", present + 8, 0, 0)
    return struct.pack(">4sL", b"FORM", len(header) + present) + header, (first, present)


def _judge(structure: Structure, common: bytes, first: int, claimed: int, present: int) -> None:
    if not first or len(common) < 18:  # noqa: PLR2004 -- the COMM chunk of AIFF
        return
    channels, frames, bits = struct.unpack_from(">HLH", common)
    structure.channels = channels
    kind = common[18:22] or b"NONE"
    width = channels * (_LINEAR.get(kind, 0) or -(-bits // 8))
    if kind not in _LINEAR or not width:
        if claimed > present:
            structure.warn("truncated")
        return
    there = present // width
    # Where both numbers are told, the lower one is promised.
    promised = min(frames, claimed // width) if frames else claimed // width
    if "unknown_length" in structure.warnings and frames > there:
        promised = there
    structure.frames = min(there, promised)
    structure.ends = there >= promised
    if not structure.ends:
        structure.warn("truncated")


def look_at_au(data: Bytes, start: int) -> Structure:
    """Look at an AU file that begins at ``start``."""
    structure = Structure("AU", start, suits_libsndfile=True)
    head = data.at(start, 24)
    big = head[:4] == b".snd"
    offset, size, kind, rate, channels = struct.unpack(">5L" if big else "<5L", head[4:].ljust(20, b"\0"))
    structure.channels = channels
    offset = max(offset, len(head))
    left = max(0, data.end - start - offset)
    unknown = size in {0, _NO_SIZE} and left > 0
    present = left if unknown else min(size, left)
    width = _AU_WIDTHS.get(kind, 0) * channels
    if width:
        structure.frames = present // width
        structure.ends = unknown or structure.frames == size // width
        if not structure.ends:
            structure.warn("truncated")
    if unknown:
        structure.warn("unknown_length")
    elif left > size + 1 and not is_tagged(data, start + offset + size):
        structure.warn("trailing_bytes")
    if start or unknown or left > size:
        header = head[:4] + struct.pack(">5L" if big else "<5L", 24, min(present, _NO_SIZE - 1), kind, rate, channels)
        structure.libsndfile_pieces = (header, (start + offset, present))
        structure.links = (structure.libsndfile_pieces,)
    return structure
