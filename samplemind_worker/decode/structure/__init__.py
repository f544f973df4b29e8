"""What a file's container says of itself: kind, length, wholeness, and how a decoder gets to see it.

Everything here is read from the bytes; nothing is decoded, and nothing that a library reports is believed. `look` costs
some reads for a file that is as it should be.
"""

from collections.abc import Callable
from typing import Final

from samplemind_worker.decode.structure import aiff, boxes, caf, flac, mpeg, ogg, packed, riff
from samplemind_worker.decode.structure.base import Bytes, Piece, Structure, View
from samplemind_worker.decode.structure.tags import end_of_id3, start_of_tags

__all__ = ["Piece", "Structure", "View", "look"]

_FARTHEST: Final = 1 << 20
"""Bytes of junk in front of a container, at most."""
_LEAST_SHARE: Final = 4
_MARKS: Final = (
    b"RIFF", b"RIFX", b"RF64", b"BW64", riff.WAVE64, b"FORM", b"fLaC", b"OggS", b"caff", b"ftyp", boxes.EBML, boxes.ASF,
)  # fmt: skip
_FRAMES: Final = (
    b"\x0b\x77", b"\x77\x0b", b"\x7f\xfe\x80\x01", b"\xfe\x7f\x01\x80", b"\x1f\xff\xe8\x00", b"\xff\x1f\x00\xe8",
)  # fmt: skip
"""How AC-3 and DTS begin, which have no container."""
_OTHERS: Final = (
    *_FRAMES, b"DTSHDHDR", b"nut/multimedia", b"\x00\x00\x01\xba", b"#!AMR", b"MAC ", b"tBaK", b"MPCK", b"MP+",
    b".RMF", b"FLV\x01", b"DSD ", b"FRM8", b"2BIT", b"NIST_1A", b"\x64\xa3", b".SoX", b"XoS.", b"PVF1",
    b"Extended Instrument", b"FORM", b"MThd", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF", b"PK\x03\x04", b"\x7fELF",
    b"\xff\xfe", b"\xfe\xff", b" paf", b"fap ", b"MATLAB ", b"ALawSoundFile", b"\xf0\x7e", b"\x01\x04",
)  # fmt: skip
"""How files of other kinds begin, with sound and without: in those what looks like another container is chance."""
_TRANSPORT: Final = ((188, 0), (192, 4), (204, 0))
"""MPEG's transport stream: bytes of a packet, and where its mark stands in it."""

Look = Callable[[Bytes, int], Structure]
_BY_MARK: Final[dict[bytes, Look]] = {
    **dict.fromkeys((b"RIFF", b"RIFX", b"RF64", b"BW64"), riff.look),
    **dict.fromkeys((b".snd", b"dns."), aiff.look_at_au),
    b"fLaC": flac.look,
    b"OggS": ogg.look,
    b"caff": caf.look,
    b"wvpk": packed.look_at_wavpack,
    b"TTA1": packed.look_at_tta,
}
_BY_HEAD: Final[tuple[tuple[Callable[[bytes], bool], Look], ...]] = (
    (aiff.is_aiff, aiff.look),
    (riff.is_wave64, riff.look_at_wave64),
    (boxes.is_mpeg4, boxes.look_at_mpeg4),
    (boxes.is_matroska, boxes.look_at_matroska),
    (boxes.is_asf, boxes.look_at_asf),
    # libsndfile takes the headers of its blocks for samples.
    (lambda head: head == b"Creative Voice F", lambda _, start: Structure("VOC", start)),
    # It takes two channels, one after the other, for one that changes with every sample.
    (lambda head: head[:4] == b"FORM" and head[8:12] == b"8SVX", lambda _, start: Structure("SVX", start)),
)


def look(descriptor: int, *, longest: float) -> Structure:
    """Look at an open file; its format is empty if it is of no kind that is known here.

    ``longest`` is in seconds; beyond it nobody needs to know more.
    """
    data = Bytes(descriptor)
    start = end_of_id3(data)
    found = _at(data, start, longest=longest)
    if found is None and not _is_other(data, start):
        found = _behind_junk(data, start, longest=longest)
    if found is not None:
        return found
    # Decoders of frames without a container take a tag for a damaged one; other files have tags of their own behind.
    end = start_of_tags(data) if data.at(start, 4).startswith(_FRAMES) else data.end
    return Structure("", links=(((start, end - start),),) if start or end < data.end else ())


def _at(data: Bytes, start: int, *, longest: float) -> Structure | None:
    head = data.at(start, 16)
    if (by_mark := _BY_MARK.get(head[:4])) is not None:
        return by_mark(data, start)
    for is_such, look_at in _BY_HEAD:
        if is_such(head):
            return look_at(data, start)
    if mpeg.adts_header(head[:8]) is not None:
        return mpeg.look_at_adts(data, start, longest=longest)
    if mpeg.mpeg_header(head[:4]) is not None:
        return mpeg.look(data, start, longest=longest)
    return None


def _is_other(data: Bytes, start: int) -> bool:
    if data.at(start, 32).startswith(_OTHERS):
        return True
    return any(all(data.at(start + count * size + mark, 1) == b"G" for count in range(4)) for size, mark in _TRANSPORT)


def _behind_junk(data: Bytes, start: int, *, longest: float) -> Structure | None:
    """Look for a container that does not begin where the file does."""
    window = data.at(start, min(_FARTHEST, data.end - start))
    first: tuple[int, Structure] | None = None
    for mark in _MARKS:
        at = window.find(mark)
        place = start + at - (4 if mark == b"ftyp" else 0)
        if at < 0 or place < start or (first is not None and first[0] <= place):
            continue
        found = _at(data, place, longest=longest)
        if found is not None and found.format:
            found.warnings.insert(0, "leading_bytes")
            first = place, found
    if first is not None:
        return first[1]
    for look_at in (mpeg.look, mpeg.look_at_adts):
        frames = look_at(data, start, longest=longest)
        if frames is not None and _fills(data, frames):
            return frames
    return None


def _fills(data: Bytes, found: Structure) -> bool:
    """Whether frames are most of what stands behind the first one: a few in a row are chance in any data."""
    size = sum(piece[1] for link in found.links for piece in link if isinstance(piece, tuple))
    return _LEAST_SHARE * size >= data.end - found.start
