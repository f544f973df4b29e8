"""Reads Vorbis comments of FLAC and OGG (Vorbis, Opus) up to the first that is damaged.

Libraries read all comments or none: a picture of a megabyte among them, or a damaged one, must not hide the tempo that
stands before it.
"""

import os
import struct
from collections.abc import Iterator

_MOST_BYTES = 1 << 20
"""Most bytes of comments that are read, with their pictures."""
_MOST_COMMENTS = 256
_MOST_BLOCKS = 64
_COMMENTS = 4  # FLAC's number for a block of them
_MARKS = (b"\x03vorbis", b"OpusTags")
_PAGE_HEADER = 27
_KEPT = 4096  # bytes of one comment

_NAMES = {
    "description": "comment",
    "date": "year",
    "tracknumber": "track",
    "initialkey": "initial_key",
    "key": "initial_key",
}
"""Vorbis field names, with the tag names that other formats use for the same field."""


def comments(descriptor: int) -> Iterator[tuple[str, str]]:
    """Yield fields and texts in order; raises ``struct.error`` where the data ends early."""
    head = os.pread(descriptor, 4, 0)
    data = _of_flac(descriptor) if head == b"fLaC" else _of_ogg(descriptor) if head == b"OggS" else b""
    if not data:
        return
    (vendor,) = struct.unpack_from("<I", data)
    place = 4 + vendor
    (count,) = struct.unpack_from("<I", data, place)
    place += 4
    for _ in range(min(count, _MOST_COMMENTS)):
        (size,) = struct.unpack_from("<I", data, place)
        name, sign, text = data[place + 4 : place + 4 + min(size, _KEPT)].decode(errors="replace").partition("=")
        place += 4 + size
        name = name.lower()
        if sign and name != "metadata_block_picture":
            yield _NAMES.get(name, name), text


def _of_flac(descriptor: int) -> bytes:
    place = 4
    for _ in range(_MOST_BLOCKS):
        header = os.pread(descriptor, 4, place)
        if len(header) < 4:  # noqa: PLR2004 -- kind, and three bytes of size
            break
        size = int.from_bytes(header[1:], "big")
        if header[0] & 0x7F == _COMMENTS:
            return os.pread(descriptor, min(size, _MOST_BYTES), place + 4)
        if header[0] & 0x80:
            break
        place += 4 + size
    return b""


def _of_ogg(descriptor: int) -> bytes:
    """Assemble the second packet of the first stream from its pages."""
    packet = bytearray()
    place, serial, ended = 0, b"", 0
    while len(packet) < _MOST_BYTES:
        header = os.pread(descriptor, _PAGE_HEADER + 255, place)
        if len(header) < _PAGE_HEADER or header[:4] != b"OggS":
            break
        table = header[_PAGE_HEADER : _PAGE_HEADER + header[26]]
        start = place + _PAGE_HEADER + len(table)
        place = start + sum(table)
        serial = serial or header[14:18]
        if header[14:18] != serial:
            continue
        for size in table:
            if ended == 1:
                packet += os.pread(descriptor, size, start)
            start += size
            ended += size < 255  # noqa: PLR2004 -- a shorter piece is the last of its packet
        if ended > 1:
            break
    mark = next((mark for mark in _MARKS if packet.startswith(mark)), None)
    return b"" if mark is None else bytes(packet[len(mark) :])
