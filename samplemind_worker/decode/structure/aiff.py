"""AIFF and AIFF-C, and Sun's AU."""

import struct
from typing import Final

from samplemind_worker.decode.structure.base import MOST_CHUNKS, Bytes, Structure, is_name

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


def is_aiff(head: bytes) -> bool:
    """Whether a file begins as AIFF does."""
    return head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"}


def look(data: Bytes, start: int) -> Structure:
    """Look at an AIFF file that begins at ``start``."""
    structure = Structure("AIFF", start, suits_libsndfile=start == 0)
    place, common, samples = start + 12, b"", (0, 0, 0)
    for _ in range(MOST_CHUNKS):
        header = data.at(place, 8)
        if len(header) < 8 or not is_name(header[:4]):  # noqa: PLR2004 -- a name and a size
            break
        name, size = header[:4], int.from_bytes(header[4:], "big")
        if name == b"COMM":
            common = data.at(place + 8, min(size, 22))
        elif name == b"SSND":
            first = place + 16 + min(data.number(place + 8, 4), size)
            left = max(0, data.end - first)
            claimed = max(0, size - (first - place - 8))
            if (size == 0 or size >= 0x7FFFE000) and left:  # noqa: PLR2004 -- never filled in, as in `riff`
                structure.warn("unknown_length")
                claimed, size = left, data.end - place - 8
            samples = (first, claimed, min(claimed, left))
        place += 8 + size
        if size % 2 and not (is_name(data.at(place, 4)) and not is_name(data.at(place + 1, 4))):
            place += 1
    _judge(structure, common, *samples)
    if samples[0] and place + 1 < data.end:
        structure.warn("trailing_bytes")
    if start:
        structure.links = (((start, data.end - start),),)
        structure.libsndfile_pieces = structure.links[0]
        structure.suits_libsndfile = True
    return structure


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
    elif left > size + 1:
        structure.warn("trailing_bytes")
    if start or unknown or left > size:
        header = head[:4] + struct.pack(">5L" if big else "<5L", 24, min(present, _NO_SIZE - 1), kind, rate, channels)
        structure.libsndfile_pieces = (header, (start + offset, present))
        structure.links = (structure.libsndfile_pieces,)
    return structure
