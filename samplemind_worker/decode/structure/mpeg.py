"""MPEG audio (MP3, MP2, MP1) and AAC in ADTS: frames one after the other, each of which says how long it is.

The walk goes from frame to frame, which costs a hundredth of decoding them. A Xing frame at the beginning tells how
many follow.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from samplemind_worker.decode.structure.base import Bytes, Structure
from samplemind_worker.decode.structure.tags import start_of_tags

_BITRATES: Final = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""kbit/s by version (2 for 2 and 2.5) and layer."""
_RATES: Final = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_ADTS_RATES: Final = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_IN_A_ROW: Final = 3
"""Frames that must follow each other before they are taken for what they look like."""
_FARTHEST: Final = 1 << 20
"""Bytes of junk in front, at most."""
_WINDOW: Final = 1 << 18
_MOST_FRAMES: Final = 4_000_000
_ENCODER_DELAY: Final = 576
_DECODER_DELAY: Final = 529
"""Samples that LAME's encoder, and every decoder of layer III, put before the sound. Other encoders add about as much
or more: the first block of 576 samples is never whole, as blocks overlap, and the filters of both delay by 481."""
_AAC_DELAY: Final = 1024
"""Samples of the first block of AAC, which is not whole either."""
_XING: Final = frozenset({b"Xing", b"Info"})
_TAGS: Final = (b"ID3", b"TAG", b"APETAGEX", b"LYRICSBEGIN"[:8])
_SAME: Final = 0xFFFE0C00
"""The bits of a header that all frames of a stream share: the sync, version, layer and rate."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first bytes of a frame say."""

    size: int
    samples: int
    rate: int
    mark: int
    """What the headers of one stream share."""
    side: int = 0
    """Bytes before a Xing tag."""
    layer: int = 0


def mpeg_header(head: bytes) -> Header | None:
    """Read the four bytes that a frame of MPEG audio begins with."""
    return _read_mpeg(head[:4])


@lru_cache(maxsize=4096)
def _read_mpeg(head: bytes) -> Header | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:  # noqa: PLR2004 -- sync
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    rate_index, bitrate_index = head[2] >> 2 & 3, head[2] >> 4
    if version == 1 or layer == 4 or rate_index == 3 or bitrate_index in {0, 15}:  # noqa: PLR2004 -- reserved, or of free format
        return None
    rate = _RATES[version][rate_index]
    bitrate = 1000 * _BITRATES[1 if version == 3 else 2, layer][bitrate_index]  # noqa: PLR2004 -- MPEG-1
    padding = head[2] >> 1 & 1
    if layer == 1:
        size, samples = (12 * bitrate // rate + padding) * 4, 384
    else:
        samples = 576 if layer == 3 and version != 3 else 1152  # noqa: PLR2004 -- layer III, MPEG-1
        size = samples // 8 * bitrate // rate + padding
    mono = head[3] >> 6 == 3  # noqa: PLR2004 -- the mode
    side = (17 if mono else 32) if version == 3 else (9 if mono else 17)  # noqa: PLR2004 -- MPEG-1
    return Header(size, samples, rate, int.from_bytes(head[:4], "big") & _SAME, side, layer)


def adts_header(head: bytes) -> Header | None:
    """Read the seven bytes that a frame of ADTS begins with."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:  # noqa: PLR2004 -- sync, layer 0
        return None
    rate_index = head[2] >> 2 & 15
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if rate_index >= len(_ADTS_RATES) or size < 7:  # noqa: PLR2004 -- the header itself
        return None
    samples = 1024 * ((head[6] & 3) + 1)
    mark = int.from_bytes(head[:3], "big") & 0xFFF6FC
    return Header(size, samples, _ADTS_RATES[rate_index], mark)


ReadHeader = Callable[[bytes], Header | None]


@dataclass(slots=True)
class _Link:
    """One recording: stretches of frames, with what is no frame left out."""

    pieces: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    frames: int = 0

    def add(self, place: int, size: int) -> None:
        """Add a frame."""
        self.frames += 1
        if self.pieces and sum(self.pieces[-1]) == place:
            self.pieces[-1] = (self.pieces[-1][0], self.pieces[-1][1] + size)
        else:
            self.pieces.append((place, size))


@dataclass(slots=True)
class _Walk:
    """What the frames of a file amount to."""

    links: list[_Link] = field(default_factory=lambda: [_Link()])
    end: int = 0
    frames: int = 0
    samples: int = 0
    gaps: int = 0
    """Stretches between frames that are neither frames nor tags."""
    cut: bool = False
    """The last frame is longer than what is left of the file."""
    is_too_long: bool = False

    def begin(self) -> None:
        """Begin another link."""
        if self.links[-1].pieces:
            self.links.append(_Link())


def find(data: Bytes, read: ReadHeader, place: int, *, least: int) -> int | None:
    """Find the first place from which frames follow each other, ``least`` of them at the end of a file."""
    limit = min(data.end, place + _FARTHEST)
    while place < limit:
        window = data.at(place, min(_WINDOW, limit - place) + 8)
        at = window.find(b"\xff")
        while 0 <= at < _WINDOW:
            if read(window[at : at + 8]) is not None and _follow(data, read, place + at, least=least):
                return place + at
            at = window.find(b"\xff", at + 1)
        place += _WINDOW
    return None


def _follow(data: Bytes, read: ReadHeader, place: int, *, least: int) -> bool:
    mark: int | None = None
    for count in range(_IN_A_ROW):
        header = read(data.at(place, 8))
        if header is None or (mark is not None and header.mark != mark):
            # A short file has fewer: they must reach to its end, or to what stands behind it.
            return count >= least and (place >= data.end or place >= start_of_tags(data))
        mark = header.mark
        place += header.size
    return True


def _begins(data: Bytes, read: ReadHeader, place: int) -> bool:
    return read(data.at(place, 8)) is not None and _follow(data, read, place, least=1)


def look(data: Bytes, start: int, *, longest: float) -> Structure | None:
    """Look at MPEG audio whose first frame is sought from ``start`` on; None if there is none."""
    first = start if _begins(data, mpeg_header, start) else find(data, mpeg_header, start + 1, least=_IN_A_ROW)
    if first is None:
        return None
    header = mpeg_header(data.at(first, 4))
    assert header is not None  # noqa: S101 -- found
    structure = Structure("MP3", first)
    end = start_of_tags(data)
    walk = _walk(data, mpeg_header, first, end, header, longest=longest)
    if len(walk.links) > 1 and walk.links[0].frames < _IN_A_ROW:
        # The end of another recording, or what looked like a frame.
        walk.links.pop(0)
        structure.start = first = walk.links[0].pieces[0][0]
    _judge(structure, walk, end, is_behind=first > start)
    told, tells_padding = _xing(data, first)
    if told is not None:
        # mpg123 leaves out the padding that such a frame tells of, and knows the length from it alone.
        # Where more frames follow than it tells, they are read too.
        fits = len(walk.links) == 1 and walk.frames <= told + 1
        structure.suits_libsndfile = fits and first == start and header.layer == 3  # noqa: PLR2004 -- MP3
        structure.is_gapless = tells_padding and fits
        if walk.links[0].frames <= told and not walk.gaps and len(walk.links) == 1:
            structure.ends = False
            structure.warn("truncated")
            if end - walk.end < header.size and "trailing_bytes" in structure.warnings:  # the beginning of a frame
                structure.warnings.remove("trailing_bytes")
    if header.layer == 3 and not tells_padding:  # noqa: PLR2004 -- MP3
        # Behind any Xing frame mpg123 leaves out what it adds itself; FFmpeg does not.
        delay = _ENCODER_DELAY if structure.suits_libsndfile else _ENCODER_DELAY + _DECODER_DELAY
        structure.lead_seconds = delay / header.rate
    return structure


def look_at_adts(data: Bytes, start: int, *, longest: float) -> Structure | None:
    """Look at AAC in ADTS, likewise."""
    first = start if _begins(data, adts_header, start) else find(data, adts_header, start + 1, least=_IN_A_ROW)
    if first is None:
        return None
    header = adts_header(data.at(first, 8))
    assert header is not None  # noqa: S101 -- found
    structure = Structure("ADTS", first)
    end = start_of_tags(data)
    walk = _walk(data, adts_header, first, end, header, longest=longest)
    _judge(structure, walk, end, is_behind=first > start)
    structure.lead_seconds = _AAC_DELAY / header.rate
    return structure


def _xing(data: Bytes, first: int) -> tuple[int | None, bool]:
    """Return how many frames follow the first one, if that is a Xing frame, and whether it tells the padding."""
    header = mpeg_header(data.at(first, 4))
    tag = b"" if header is None else data.at(first + 4 + header.side, 160)
    if tag[:4] not in _XING or len(tag) < 12 or not tag[7] & 1:  # noqa: PLR2004 -- flags, frames
        return None, False
    # Frames, bytes, places to seek to and quality, each if its flag is set; then what LAME added.
    added = 8 + sum(size for flag, size in ((1, 4), (2, 4), (4, 100), (8, 4)) if tag[7] & flag)
    return int.from_bytes(tag[8:12], "big"), any(tag[added + 21 : added + 24])


def _walk(data: Bytes, read: ReadHeader, first: int, end: int, header: Header, *, longest: float) -> _Walk:
    """Go from frame to frame. A tag, a Xing frame or another rate begins another link."""
    walk = _Walk()
    place, mark, most = first, header.mark, min(_MOST_FRAMES, int(longest * header.rate / header.samples) + 2)
    base, window = first, data.at(first, _WINDOW)
    while place < end and walk.frames < most:
        if place + 256 > base + len(window) and base + len(window) < data.end:
            base, window = place, data.at(place, _WINDOW)
        at = place - base
        one = read(window[at : at + 8])
        if one is None or (one.mark != mark and not _follow(data, read, place, least=1)):
            skipped = find(data, read, place + 1, least=2)
            if skipped is None or skipped >= end:
                break
            if window[at : at + 8].startswith(_TAGS):
                walk.begin()
            else:
                walk.gaps += 1
            place = skipped
            continue
        if one.mark != mark or (one.side and window[at + 4 + one.side : at + 8 + one.side] in _XING):
            mark = one.mark
            walk.begin()
        if place + one.size > end:
            walk.cut = True
            break
        walk.links[-1].add(place, one.size)
        walk.frames += 1
        walk.samples += one.samples
        place += one.size
    walk.links = [link for link in walk.links if link.pieces] or [_Link([(first, end - first)])]
    walk.is_too_long = walk.frames >= most
    walk.end = end if walk.is_too_long else place
    return walk


def _judge(structure: Structure, walk: _Walk, end: int, *, is_behind: bool) -> None:
    if is_behind:
        structure.warn("leading_bytes")
    structure.ends, structure.is_too_long = not walk.cut, walk.is_too_long
    if walk.cut:
        structure.warn("truncated")
    elif walk.end < end:
        structure.warn("trailing_bytes")
    if walk.gaps:
        structure.warn("damaged_frames")
    if len(walk.links) > 1:
        structure.warn("chained")
    structure.links = tuple(tuple(link.pieces) for link in walk.links)
    structure.counted = walk.samples
