"""FLAC: what its first block promises, and whether the last frame is there.

The last frame is known by its number, which stands in its header, and by the checksum over it. It is looked for in
the last bytes of the file only.
"""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from samplemind_worker.decode.structure.base import Bytes, Structure
from samplemind_worker.decode.structure.tags import start_of_tags

_MOST_BLOCKS: Final = 1024
_TAIL: Final = 1 << 17
"""Bytes at the end in which the last frame is looked for; one of 16 bits in stereo has 16 KB at most, as a rule."""
_SYNC: Final = (b"\xff\xf8", b"\xff\xf9")
_POLYNOMIAL_8, _POLYNOMIAL_16 = 0x07, 0x8005

U16 = npt.NDArray[np.uint16]


def look(data: Bytes, start: int) -> Structure:
    """Look at a FLAC file that begins at ``start``."""
    structure = Structure("FLAC", start)
    place = start + 4
    info = b""
    for _ in range(_MOST_BLOCKS):
        header = data.at(place, 4)
        if len(header) < 4:  # noqa: PLR2004 -- kind, and three bytes of size
            break
        size = int.from_bytes(header[1:], "big")
        if header[0] & 0x7F == 0 and not info:
            info = data.at(place + 4, min(size, 34))
        place += 4 + size
        if header[0] & 0x80:
            break
    end = start_of_tags(data)
    structure.tag_bytes = data.end - end
    total = 0
    if len(info) >= 18:  # noqa: PLR2004 -- up to the number of frames
        total = int.from_bytes(info[13:18], "big") & 0xFFFFFFFFF
        structure.suits_libsndfile = True
    structure.frames = total or None
    if not total:
        structure.warn("unknown_length")
    if start or end < data.end:
        structure.links = (((start, end - start),),)
        if start or not total:
            structure.libsndfile_pieces = structure.links[0]
    if total and place < end:
        _look_at_end(structure, data.at(max(place, end - _TAIL), end - max(place, end - _TAIL)), info, total)
    return structure


def _look_at_end(structure: Structure, tail: bytes, info: bytes, total: int) -> None:
    smallest, largest = int.from_bytes(info[:2], "big"), int.from_bytes(info[2:4], "big")
    fixed = smallest == largest and largest > 0
    at = len(tail)
    while True:
        at = max(tail.rfind(sync, 0, at) for sync in _SYNC)
        if at < 0:
            break
        number = _number(tail[at : at + 16])
        if number is None:
            continue
        # A frame of a fixed block size has its own number, others that of their first sample.
        last = number == (total - 1) // largest if tail[at + 1] == 0xF8 and fixed else total - 65536 <= number < total  # noqa: PLR2004 -- fixed block size
        if fixed and tail[at + 1] == 0xF8 and number > (total - 1) // largest:  # noqa: PLR2004 -- fixed block size
            # More frames than the header tells.
            structure.frames, structure.suits_libsndfile = None, False
            structure.warn("unknown_length")
            return
        if last:
            structure.ends = divides(tail[at:]) or None
            # Zeros at the end divide too; a checksum of its own has two bytes.
            structure.has_loose_end = structure.ends is None or b"fLaC" in tail or tail.endswith(bytes(3))
        elif not fixed or tail[at + 1] != 0xF8:  # noqa: PLR2004 -- fixed block size
            continue
        return


def _number(head: bytes) -> int | None:
    """Return the number in a frame's header, if its checksum says that it is one."""
    if len(head) < 6 or head[2] >> 4 == 0 or head[2] & 15 == 15 or head[3] >> 4 > 10 or head[3] & 1:  # noqa: PLR2004 -- reserved values
        return None
    first = head[4]
    more = 0 if first < 0x80 else 8 - (first ^ 0xFF).bit_length()  # noqa: PLR2004 -- as in UTF-8
    if more == 1 or more > 7:  # noqa: PLR2004 -- seven bytes at most
        return None
    number = first if more == 0 else first & (0x7F >> more)
    for byte in head[5 : 4 + max(1, more)]:
        if byte >> 6 != 2:  # noqa: PLR2004 -- goes on
            return None
        number = number << 6 | byte & 0x3F
    end = 4 + max(1, more) + {6: 1, 7: 2}.get(head[2] >> 4, 0) + {12: 1, 13: 2, 14: 2}.get(head[2] & 15, 0)
    if len(head) <= end:
        return None
    value = 0
    for byte in head[: end + 1]:
        value = _table_8()[value ^ byte]
    return number if value == 0 else None


@cache
def _table_8() -> tuple[int, ...]:
    table: list[int] = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value << 1 ^ _POLYNOMIAL_8 if value & 0x80 else value << 1) & 0xFF
        table.append(value)
    return tuple(table)


def divides(message: bytes) -> bool:
    """Whether FLAC's CRC-16 over a message, its checksum at the end included, is 0.

    Halves the number of words again and again: each is multiplied by the power of x that stands between it and its
    neighbour, and added to that.
    """
    words = 1 << max(0, (len(message) - 1).bit_length() - 1)
    values = np.frombuffer(message.rjust(2 * words, b"\0"), ">u2").astype(np.uint16)
    level = 0
    while len(values) > 1:
        high, low = _products(level)
        left = values[0::2]
        values = high[left >> 8] ^ low[left & 0xFF] ^ values[1::2]
        level += 1
    return int(values[0]) == 0


@cache
def _products(level: int) -> tuple[U16, U16]:
    """Return what the upper and the lower byte of a word are, times x to the power of 16 * 2^level."""
    power = 1
    for _ in range(16):
        power = _times_x(power)
    for _ in range(level):
        power = _product(power, power)
    return (
        np.array([_product(byte << 8, power) for byte in range(256)], np.uint16),
        np.array([_product(byte, power) for byte in range(256)], np.uint16),
    )


def _times_x(value: int) -> int:
    return (value << 1 ^ _POLYNOMIAL_16 if value & 0x8000 else value << 1) & 0xFFFF


def _product(one: int, other: int) -> int:
    value = 0
    for bit in range(15, -1, -1):
        value = _times_x(value)
        if one >> bit & 1:
            value ^= other
    return value
