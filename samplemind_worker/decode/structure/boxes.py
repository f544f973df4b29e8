"""MPEG-4 and QuickTime, Matroska and WebM, ASF (WMA): what of them is there, and how long the sound is.

Of MPEG-4 the exact length is read as well. FFmpeg leaves out what an edit list skips at the beginning, and gives the
padding of the last frame; Apple's comment ``iTunSMPB`` or the edit list says where the sound ends.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from samplemind_worker.decode.structure.base import MOST_CHUNKS, Bytes, Structure, is_name
from samplemind_worker.decode.structure.tags import is_tagged

_FAMILIES: Final = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})
_OUTERMOST: Final = _FAMILIES | {b"moof", b"mfra", b"sidx", b"styp", b"uuid", b"meta", b"emsg"}
"""Boxes that are cut, where they do not end within the file; what else looks like a box is none then."""
EBML: Final = b"\x1a\x45\xdf\xa3"
_SEGMENT: Final = b"\x18\x53\x80\x67"
ASF: Final = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_FILE: Final = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_GAPLESS: Final = re.compile(rb"iTunSMPB.{0,64}? 00000000 ([0-9A-F]{8}) ([0-9A-F]{8}) ([0-9A-F]{16})", re.DOTALL)
_MOST_COMMENTS: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class _Box:
    name: bytes
    body: int
    end: int


def is_mpeg4(head: bytes) -> bool:
    """Whether a file begins as MPEG-4 and QuickTime files do."""
    return head[4:8] in _FAMILIES


def _boxes(data: Bytes, place: int, end: int) -> Iterator[_Box]:
    for _ in range(MOST_CHUNKS):
        header = data.at(place, 16)
        if place >= end or len(header) < 8:  # noqa: PLR2004 -- size and name
            return
        size, body = int.from_bytes(header[:4], "big"), place + 8
        if size == 1:
            size, body = int.from_bytes(header[8:16], "big"), place + 16
        elif size == 0:
            size = end - place
        if size < body - place:
            return
        yield _Box(header[4:8], body, place + size)
        place += size


def _find(data: Bytes, box: _Box, *names: bytes) -> _Box | None:
    found: _Box | None = box
    for name in names:
        if found is None:
            return None
        found = next((one for one in _boxes(data, found.body, found.end) if one.name == name), None)
    return found


def look_at_mpeg4(data: Bytes, start: int) -> Structure:
    """Look at an MPEG-4 file that begins at ``start``."""
    structure = Structure("MP4", start)
    moov: _Box | None = None
    end = start
    for box in _boxes(data, start, data.end):
        if box.name not in _OUTERMOST and (box.end > data.end or not is_name(box.name)):
            break
        end = box.end
        if box.name == b"moov":
            moov = box
    _judge(data, structure, end)
    if moov is not None:
        structure.keep, structure.keep_rate = _exact(data, moov)
    return _from(data, structure)


def _from(data: Bytes, structure: Structure) -> Structure:
    """Show FFmpeg a file from where it begins: places in it count from there."""
    if structure.start:
        structure.links = (((structure.start, data.end - structure.start),),)
    return structure


def _exact(data: Bytes, moov: _Box) -> tuple[int | None, int]:
    """Return how long the first track of sound is without padding, and the ticks per second that this counts."""
    track = next((one for one in _boxes(data, moov.body, moov.end) if one.name == b"trak" and _sounds(data, one)), None)
    media = None if track is None else _find(data, track, b"mdia", b"mdhd")
    if track is None or media is None:
        return None, 0
    scale, length = _times(data, media.body)
    return _without_padding(data, moov, track, scale, length), scale


def _without_padding(data: Bytes, moov: _Box, track: _Box, scale: int, length: int) -> int | None:
    comments = _find(data, moov, b"udta")
    if comments is not None:
        told = _GAPLESS.search(data.at(comments.body, min(comments.end - comments.body, _MOST_COMMENTS)))
        if told is not None and 0 < int(told[3], 16) <= length:
            return int(told[3], 16)
    edits = _find(data, track, b"edts", b"elst")
    header = _find(data, moov, b"mvhd")
    if edits is None or header is None or not scale:
        return None
    wide = 8 if data.at(edits.body, 1) == b"\1" else 4
    places = (edits.body + 8 + (2 * wide + 4) * number for number in range(min(8, data.number(edits.body + 4, 4))))
    entries = [(data.number(place, wide), data.number(place + wide, wide)) for place in places]
    # An entry without a place in the media is a wait, which FFmpeg does not fill.
    shows = [entry for entry in entries if entry[1] != (1 << 8 * wide) - 1]
    film, _ = _times(data, header.body)
    if len(shows) != 1 or not film or not length or shows[0][1] >= length:
        return None
    shown, begins = shows[0]
    # The edit counts in ticks of the film, often milliseconds; the track's own length is told in frames.
    edited = round(shown * scale / film)
    if abs(edited - (length - begins)) <= max(1.0, scale / film):
        return length - begins
    return edited if 0 < edited < length - begins else None


def _sounds(data: Bytes, track: _Box) -> bool:
    handler = _find(data, track, b"mdia", b"hdlr")
    return handler is not None and data.at(handler.body + 8, 4) == b"soun"


def _times(data: Bytes, body: int) -> tuple[int, int]:
    """Return the ticks per second and the length of an mdhd or mvhd box."""
    if data.at(body, 1) == b"\1":
        return data.number(body + 20, 4), data.number(body + 24, 8)
    return data.number(body + 12, 4), data.number(body + 16, 4)


def is_matroska(head: bytes) -> bool:
    """Whether a file begins as Matroska and WebM do."""
    return head.startswith(EBML)


def look_at_matroska(data: Bytes, start: int) -> Structure:
    """Look at a Matroska or WebM file that begins at ``start``."""
    head = data.at(start, 4096)
    structure = Structure("WEBM" if b"webm" in head[:64] else "MATROSKA", start)
    header = _variable(head[4:12])
    if header is None or header[0] is None:
        return structure
    place = 4 + header[1] + header[0]
    if head[place : place + 4] != _SEGMENT:
        return structure
    segment = _variable(head[place + 4 : place + 12])
    if segment is None:
        return _from(data, structure)
    size, width = segment
    if size is None:
        structure.warn("unknown_length")
    else:
        end = start + place + 4 + width + size
        _judge(data, structure, end)
    return _from(data, structure)


def _judge(data: Bytes, structure: Structure, end: int) -> None:
    structure.ends = end <= data.end
    if not structure.ends:
        structure.warn("truncated")
    elif end < data.end and not is_tagged(data, end):
        structure.warn("trailing_bytes")


def _variable(head: bytes) -> tuple[int | None, int] | None:
    """Return an EBML number and its length in bytes; None for the number that means unknown."""
    if not head or not head[0]:
        return None
    width = 9 - head[0].bit_length()
    if len(head) < width:
        return None
    value = int.from_bytes(head[:width], "big") & (1 << 7 * width) - 1
    return (None if value == (1 << 7 * width) - 1 else value), width


def is_asf(head: bytes) -> bool:
    """Whether a file begins as ASF (WMA) does."""
    return head.startswith(ASF[:8])


def look_at_asf(data: Bytes, start: int) -> Structure:
    """Look at an ASF file that begins at ``start``."""
    structure = Structure("ASF", start)
    place = start + 30
    header_end = start + data.number(start + 16, 8, "little")
    told, flags = 0, 0
    for _ in range(MOST_CHUNKS):
        head = data.at(place, 24)
        if place >= header_end or len(head) < 24:  # noqa: PLR2004 -- GUID and size
            break
        size = int.from_bytes(head[16:], "little")
        if head[:16] == _ASF_FILE:
            told, flags = data.number(place + 40, 8, "little"), data.number(place + 88, 4, "little")
        if size < 24:  # noqa: PLR2004 -- GUID and size
            break
        place += size
    if flags & 1 or not told:
        structure.warn("unknown_length")
        return _from(data, structure)
    _judge(data, structure, start + told)
    return _from(data, structure)
