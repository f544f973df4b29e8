"""Ogg: pages one after the other; each says to which stream it belongs, and how far that stream has come.

Streams that begin together belong together; one that begins when the others have ended is another link of a chain.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from samplemind_worker.decode.structure.base import Bytes, Piece, Structure
from samplemind_worker.decode.structure.tags import end_of_id3, is_tagged

_HEADER: Final = 27
_SUM: Final = 22
"""Where the checksum stands in a header."""
_FIRST, _LAST = 2, 4
_CONTINUES: Final = 255
_MOST_PAGES: Final = 2_000_000
_WINDOW: Final = 1 << 16
_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_KINDS: Final = {b"\x01vorbis": "VORBIS", b"OpusHead": "OPUS", b"\x7fFLAC": "FLAC", b"Speex   ": "SPEEX"}


@dataclass(slots=True)
class _Stream:
    """One logical stream."""

    kind: str
    preskip: int = 0
    next_page: int = 0
    ended: bool = False
    open_packet: bool = False
    """The last page ends within a packet."""
    lost_pages: bool = False


@dataclass(slots=True)
class _Link:
    """Streams that began together."""

    start: int
    end: int = 0
    streams: dict[bytes, _Stream] = field(default_factory=dict[bytes, _Stream])
    has_data: bool = False
    sums: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])
    """Where the checksum of a damaged page stands, and the one with which decoders take the page as it is."""

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The link as decoders get it."""
        return tuple(self._pieces())

    def _pieces(self) -> Iterator[Piece]:
        place = self.start
        for at, value in self.sums:
            yield place, at - place
            yield value
            place = at + len(value)
        yield place, self.end - place


def look(data: Bytes, start: int) -> Structure:
    """Look at an Ogg file whose first page begins at ``start``."""
    structure = Structure("OGG", start)
    links, gaps, end, cut = _walk(data, start)
    is_damaged = any(link.sums for link in links)
    if gaps or is_damaged or any(stream.lost_pages for link in links for stream in link.streams.values()):
        structure.warn("damaged_frames")
    if len(links) > 1:
        structure.warn("chained")
    sounding = [[one for one in link.streams.values() if one.kind] for link in links]
    last = sounding[-1][0] if sounding and sounding[-1] else None
    if cut or (last is not None and last.open_packet):
        structure.warn("truncated")
        structure.ends = False
    elif last is not None and not last.ended:
        structure.warn("unknown_length")
    else:
        structure.ends = True
        if end < data.end and not is_tagged(data, end):
            structure.warn("trailing_bytes")
    if len(links) == 1 and len(links[0].streams) == 1 and last is not None:
        structure.suits_libsndfile = last.kind in {"VORBIS", "OPUS"} and not gaps
        if (start or is_damaged) and structure.suits_libsndfile:
            structure.libsndfile_pieces = links[0].pieces
    if start or len(links) > 1 or is_damaged:
        structure.links = tuple(link.pieces for link in links)
    return structure


def _walk(data: Bytes, start: int) -> tuple[list[_Link], int, int, bool]:
    """Return the links, the gaps between pages, where the last page ends, and whether that is cut."""
    links: list[_Link] = [_Link(start)]
    place, gaps, cut = start, 0, False
    base, window = start, data.at(start, _WINDOW)
    for _ in range(_MOST_PAGES):
        if place + _HEADER + 255 > base + len(window) and base + len(window) < data.end:
            base, window = place, data.at(place, _WINDOW)
        at = place - base
        if window[at : at + 4] != b"OggS":
            found = _next_page(data, place)
            if found is None:
                # A page that begins and does not end is one that is cut.
                cut = data.at(place, 4) != b"" and b"OggS".startswith(data.at(place, 4))
                break
            if end_of_id3(data, place) != found:
                gaps += 1
            place = found
            continue
        header = window[at : at + _HEADER]
        count = window[at + 26] if len(header) == _HEADER else 0
        table = window[at + _HEADER : at + _HEADER + count]
        size = _HEADER + count + sum(table)
        if len(header) < _HEADER or len(table) < count or place + size > data.end:
            found = _next_page(data, place + 4)
            if found is None:
                cut = True
                break
            gaps += 1
            place = found
            continue
        _take(links, place, header, table, window[at + _HEADER + count : at + _HEADER + count + 19])
        body = window[at : at + size] if at + size <= len(window) else data.at(place, size)
        if (right := checksum(body)) != body[_SUM : _SUM + 4]:
            links[-1].sums.append((place + _SUM, right))
        place += size
        links[-1].end = place
    links[-1].end = max(links[-1].end, start)
    if cut:
        links[-1].end = data.end
    return [link for link in links if link.streams] or links, gaps, place, cut


def _take(links: list[_Link], place: int, header: bytes, table: bytes, body: bytes) -> None:
    serial, flags = header[14:18], header[5]
    if flags & _FIRST:
        if links[-1].has_data:
            links.append(_Link(place))
        kind = next((name for mark, name in _KINDS.items() if body.startswith(mark)), "")
        preskip = int.from_bytes(body[10:12], "little") if kind == "OPUS" else 0
        links[-1].streams[serial] = _Stream(kind, preskip)
    stream = links[-1].streams.get(serial)
    if stream is None:
        return
    number = int.from_bytes(header[18:22], "little")
    if not flags & _FIRST:
        links[-1].has_data = True
        if number != stream.next_page:
            stream.lost_pages = True
    stream.next_page = number + 1 & 0xFFFFFFFF
    stream.ended = bool(flags & _LAST)
    stream.open_packet = bool(table) and table[-1] == _CONTINUES


def checksum(page: bytes) -> bytes:
    """Return the checksum of a page: zlib's with all bits the other way around, and begun and ended by zeros."""
    reversed_page = (page[:_SUM] + bytes(4) + page[_SUM + 4 :]).translate(_REVERSED)
    value = zlib.crc32(reversed_page, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return value.to_bytes(4, "big").translate(_REVERSED)


def _next_page(data: Bytes, place: int) -> int | None:
    while place < data.end:
        window = data.at(place, _WINDOW + 3)
        at = window.find(b"OggS")
        if at >= 0:
            return place + at
        place += _WINDOW
    return None
