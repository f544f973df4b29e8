"""Tags before or behind a container, which are no part of it: ID3v2 in front; ID3v1, Lyrics3 and APE at the end."""

from typing import Final

from samplemind_worker.decode.structure.base import Bytes

_MOST_TAGS: Final = 16
_ID3V1: Final = 128
_APE_FOOTER: Final = 32
_LYRICS: Final = 15


def _seven_bits(numbers: bytes) -> int:
    value = 0
    for number in numbers:
        value = value << 7 | number
    return value


def end_of_id3(data: Bytes, place: int = 0) -> int:
    """Return where ID3v2 tags that begin at a place end: the place itself if there is none."""
    for _ in range(_MOST_TAGS):
        head = data.at(place, 10)
        if head[:3] != b"ID3" or len(head) < 10 or any(number >= 0x80 for number in head[6:]):  # noqa: PLR2004 -- seven bits each
            break
        place += 10 + _seven_bits(head[6:]) + (10 if head[5] & 0x10 else 0)
    return place


def start_of_tags(data: Bytes) -> int:
    """Return where the tags at the end of the file begin: the end of the file if there are none."""
    end = data.end
    for _ in range(_MOST_TAGS):
        footer = data.at(end - 10, 10)
        start = end - 20 - _seven_bits(footer[6:])
        if footer[:3] == b"3DI" and data.at(start, 3) == b"ID3":  # ID3v2 at the end
            end = start
            continue
        if data.at(end - _ID3V1, 3) == b"TAG" and end >= _ID3V1:
            end -= _ID3V1
            continue
        footer = data.at(max(0, end - _APE_FOOTER), _APE_FOOTER)
        if footer[:8] == b"APETAGEX" and len(footer) == _APE_FOOTER:
            size = int.from_bytes(footer[12:16], "little")
            has_header = footer[23] & 0x80
            start = end - size - (_APE_FOOTER if has_header else 0)
            if not 0 <= start < end:
                break
            end = start
            continue
        lyrics = footer[-_LYRICS:]
        if lyrics[6:] == b"LYRICS200" and lyrics[:6].isdigit() and int(lyrics[:6]) + _LYRICS <= end:
            end -= int(lyrics[:6]) + _LYRICS
            continue
        break
    return end


def is_tagged(data: Bytes, place: int) -> bool:
    """Whether tags are all that stands from a place on."""
    return end_of_id3(data, place) >= start_of_tags(data)
