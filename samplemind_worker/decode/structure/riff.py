"""WAV in all its forms: RIFF, RIFX, RF64, BW64 and Sony's Wave64.

The size of the outermost chunk is not looked at: it is wrong in whole collections, and says nothing that the chunks
inside do not say. A stream or a crashed recorder leaves the size of the samples at 0 or at a number near 2^31 or 2^32.
"""

import struct
from dataclasses import dataclass
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

_UNKNOWN: Final = 0x7FFFE000
"""From here on a size that is more than the file holds was never filled in (sox, arecord, FFmpeg, mpg123)."""
_IN_DS64: Final = 0xFFFFFFFF
_ABSURD: Final = 1 << 62
"""From here on a size of 64 bits was never filled in."""
_LONGEST_FORMAT: Final = 1024
_EXTENSIBLE: Final = 0xFFFE
_PCM, _FLOAT, _ALAW, _ULAW = 1, 3, 6, 7
_MS_ADPCM, _IMA_ADPCM, _GSM, _NMS_ADPCM = 2, 0x11, 0x31, 0x38
_LINEAR: Final = frozenset({_PCM, _FLOAT, _ALAW, _ULAW})
_OF_LIBSNDFILE: Final = _LINEAR | {_MS_ADPCM, _IMA_ADPCM, _GSM, _NMS_ADPCM}
_GSM_BYTES, _GSM_FRAMES = 65, 320
_NOT_SAMPLES: Final = (
    b"\x7f\xfe\x80\x01",
    b"\xfe\x7f\x01\x80",
    b"\x1f\xff\xe8\x00",
    b"\xff\x1f\x00\xe8",
    b"\x72\xf8\x1f\x4e",
)
"""How DTS begins, and what is meant for a digital cable: on some discs both are marked as samples of 16 bits."""
WAVE64: Final = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_W64_GUID: Final = bytes.fromhex("f3acd3118cd100c04f8edb8a")
_W64_HEADER: Final = 24
"""A GUID and a size that counts these bytes too."""


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
    is_odd: bool = False
    """Other readers lose their way in it: a pad byte is left out, or the samples are not where they look for them."""
    end: int = 0
    """Where the last chunk ends."""

    def tag(self, order: str) -> int:
        """Return the kind of samples."""
        at = 24 if self.format[:2] in {b"\xfe\xff", b"\xff\xfe"} and len(self.format) >= 26 else 0  # noqa: PLR2004 -- the tag opens the GUID
        return int.from_bytes(self.format[at : at + 2], "little" if order == "little" else "big")


def look(data: Bytes, start: int) -> Structure:
    """Look at a RIFF file that begins at ``start``."""
    magic, kind = data.at(start, 4), data.at(start + 8, 4)
    if kind != b"WAVE":
        return Structure("AVI" if kind == b"AVI " else "", start)
    found = _walk(data, start, "big" if magic == b"RIFX" else "little")
    structure = _judge(data, start, found, "big" if magic == b"RIFX" else "little")
    if structure.format == "WAV" and magic in {b"RF64", b"BW64"}:
        structure.format = "RF64"
    if found.data is not None and found.format and (start > 0 or magic == b"BW64" or found.unknown or found.is_odd):
        structure.libsndfile_pieces = _plain(found, big=magic == b"RIFX")
        structure.links = (structure.libsndfile_pieces,)
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
            found.is_odd |= found.data is not None
        elif name == b"data" and found.data is None:
            size = _take_data(data, found, body, big_size if size == _IN_DS64 and big_size else size)
        place = behind_chunk(data, body, size, order)
        found.is_odd |= size % 2 == 1 and place == body + size and (found.data is None or not found.format)
    found.end = place
    return found


def _take_data(data: Bytes, found: _Chunks, body: int, size: int) -> int:
    """Take the chunk of samples; return how many bytes of it are passed over."""
    left = max(0, data.end - body)
    never_filled_in = size > left and (_UNKNOWN <= size <= _IN_DS64 or size >= _ABSURD)
    if never_filled_in or (size == 0 and left and not begins_a_chunk(data, body, "little")):
        found.data, found.present, found.unknown = body, left, True
        return left
    if size == 0:
        found.is_odd = True
        return 0
    found.data, found.claimed, found.present = body, size, min(size, left)
    return size


def _judge(data: Bytes, start: int, found: _Chunks, order: str) -> Structure:
    structure = Structure("WAV", start)
    if found.data is None or len(found.format) < 16:  # noqa: PLR2004 -- the shortest format chunk
        # Without samples or a format there is nothing that another reader would find.
        structure.suits_libsndfile = True
        return structure
    _, channels, _, _, align, bits = struct.unpack_from("<HHLLHH" if order == "little" else ">HHLLHH", found.format)
    tag = found.tag(order)
    # Samples of 24 bits may each take 4 bytes.
    width = align if (bits, align) == (24, 4 * channels) else channels * -(-bits // 8)
    structure.channels = channels
    structure.suits_libsndfile = tag in _OF_LIBSNDFILE
    if tag == _PCM and data.at(found.data, 4096).lstrip(b"\0").startswith(_NOT_SAMPLES):
        structure.suits_libsndfile, missing = False, 0
    elif tag in _LINEAR and width:
        structure.frames = found.present // width
        missing = found.claimed // width - structure.frames
    else:
        if (tag, align) == (_GSM, _GSM_BYTES):  # libsndfile counts the pad byte as one more block
            structure.frames = found.present // _GSM_BYTES * _GSM_FRAMES
        missing = (found.claimed - found.present) // max(1, align)
    if found.unknown:
        structure.warn("unknown_length")
    elif missing > 0:
        structure.warn("truncated")
    structure.ends = missing <= 0
    if found.end + 1 < data.end and not is_tagged(data, found.end):
        structure.warn("trailing_bytes")
    return structure


def _plain(found: _Chunks, *, big: bool) -> tuple[Piece, ...]:
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
    return head.startswith(WAVE64)


def look_at_wave64(data: Bytes, start: int) -> Structure:
    """Look at a Wave64 file that begins at ``start``; its chunks begin at multiples of 8."""
    found = _Chunks()
    place = start + 40
    for _ in range(MOST_CHUNKS):
        header = data.at(place, _W64_HEADER)
        if len(header) < _W64_HEADER or header[4:16] != _W64_GUID:
            break
        size, body = int.from_bytes(header[16:], "little") - _W64_HEADER, place + _W64_HEADER
        if header[:4] == b"fmt ":
            found.format = data.at(body, min(max(0, size), _LONGEST_FORMAT))
        elif header[:4] == b"data":
            left = max(0, data.end - body)
            # A stream leaves it at 0, at that of an empty chunk, or at a number beyond all files.
            found.unknown = left > 0 and (size <= 0 or size >= _ABSURD)
            size = left if found.unknown else size
            found.data, found.claimed, found.present = body, size, min(size, left)
        place = body + -(-max(0, size) // 8) * 8
    found.end = place
    structure = _judge(data, start, found, "little")
    structure.format = "W64"
    # libsndfile reads on behind the samples, and takes floats in the newer form of the header for whole numbers.
    behind = "trailing_bytes" in structure.warnings or int.from_bytes(found.format[:2], "little") == _EXTENSIBLE
    if found.data is not None and found.format and (start > 0 or found.unknown or behind):
        structure.libsndfile_pieces = _plain(found, big=False)
        structure.links = (structure.libsndfile_pieces,)
    return structure
