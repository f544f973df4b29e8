"""Apple's Core Audio Format."""

import struct
from dataclasses import dataclass

from samplemind_worker.decode.structure.base import MOST_CHUNKS, Bytes, Structure, is_name
from samplemind_worker.decode.structure.tags import is_tagged


@dataclass(slots=True)
class _Chunks:
    """What was found on the way through the chunks."""

    kind: bytes = b""
    channels: int = 0
    width: int = 0
    """Bytes of a frame, or 0 where packets differ."""
    table: bytes = b""
    """How the table of packets begins."""
    table_place: int = 0
    claimed: int | None = None
    present: int = 0
    unknown: bool = False
    end: int = 0
    """Where the last chunk ends."""


def look(data: Bytes, start: int) -> Structure:
    """Look at a CAF file that begins at ``start``."""
    found = _walk(data, start)
    structure = Structure("CAF", start, suits_libsndfile=start == 0 and not found.unknown)
    structure.channels = found.channels
    if start:
        structure.links = (((start, data.end - start),),)
    if found.claimed is None:
        return structure
    structure.ends = found.present == found.claimed
    if found.kind == b"lpcm" and found.width:
        structure.frames = found.present // found.width
        structure.ends = structure.frames == found.claimed // found.width
    elif len(found.table) == 24 and structure.ends:  # noqa: PLR2004 -- packets, valid frames, priming, remainder
        _, frames, priming, _ = struct.unpack(">QQLL", found.table)
        structure.skip, structure.keep = priming, frames or None
        # Some versions of FFmpeg take the padding away too, and of the last frame of ALAC twice.
        hidden = found.table_place + 16
        structure.links = (((start, hidden - start), bytes(8), (hidden + 8, data.end - hidden - 8)),)
    if found.unknown:
        structure.warn("unknown_length")
    if not structure.ends:
        structure.warn("truncated")
    elif found.end < data.end and not is_tagged(data, found.end):
        structure.warn("trailing_bytes")
    return structure


def _walk(data: Bytes, start: int) -> _Chunks:
    found = _Chunks()
    place = start + 8
    for _ in range(MOST_CHUNKS):
        header = data.at(place, 12)
        if len(header) < 12 or not is_name(header[:4]):  # noqa: PLR2004 -- a name and a size
            break
        name, size, body = header[:4], int.from_bytes(header[4:], "big", signed=True), place + 12
        left = max(0, data.end - body)
        if name == b"desc":
            found.kind, found.width = data.at(body + 8, 4), data.number(body + 16, 4)
            found.channels = data.number(body + 24, 4)
        elif name == b"pakt":
            found.table, found.table_place = data.at(body, 24), body
        elif name == b"data":
            found.unknown = size < 0
            size = left if size < 0 else size
            # The first four bytes count edits.
            found.claimed, found.present = max(0, size - 4), max(0, min(size, left) - 4)
        if size < 0:
            break
        place = body + size
    found.end = place
    return found
