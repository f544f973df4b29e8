"""Tags of FLAC and of MPEG audio, whose tags lie before the sound.

Sources: Xiph.Org, "FLAC format" (RFC 9639); for MPEG the tags of `interchange.id3`, and ID3v1 and APEv2 at the end,
which are left as they are.
"""

from os import pread
from typing import Final

from samplemind_worker.errors import NotWrittenError
from samplemind_worker.interchange.fields import Planned, choose, marked, texts
from samplemind_worker.interchange.files import File
from samplemind_worker.interchange.id3 import HEADER, Id3
from samplemind_worker.interchange.riff import Piece
from samplemind_worker.interchange.tags import Tags
from samplemind_worker.interchange.vorbis import Comments

_COMMENT: Final = 4
_LAST: Final = 0x80
_LONGEST_BLOCK: Final = (1 << 24) - 1


def _length(source: File) -> int:
    source.seek(0, 2)
    return source.tell()


def _tag_at_start(source: File) -> bytes:
    """Return the ID3v2 tag at the start of a file; nothing if there is none."""
    head = pread(source.fileno(), HEADER, 0)
    if head[:3] != b"ID3" or len(head) < HEADER:
        return b""
    size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
    # A footer repeats the header; such tags are not edited, but passed over in FLAC.
    return pread(source.fileno(), HEADER + size + (HEADER if head[5] & 0x10 else 0), 0)


def plan_mpeg(source: File, tags: Tags, *, overwrite: bool, planned: Planned) -> list[Piece]:
    """Return the pieces of the tagged MP3 file, and note what it gets.

    Raises
    ------
    NotWrittenError
        If its tag is too damaged to be edited safely.
    """
    data = _tag_at_start(source)
    tag = Id3.read(data) if data else Id3()
    chosen = choose(texts(tags), tag.get, overwrite=overwrite, planned=planned)
    if not chosen:
        return [(0, _length(source))]
    tag.set(marked(chosen, tag.get, planned))
    return [tag.packed(padding=True), (len(data), _length(source) - len(data))]


def sound_of_mpeg(source: File) -> list[tuple[int, int]]:
    """Return where all that follows the tag at the start lies."""
    start = len(_tag_at_start(source))
    return [(start, _length(source) - start)]


def plan_flac(source: File, tags: Tags, *, overwrite: bool, planned: Planned) -> list[Piece]:
    """Return the pieces of the tagged FLAC file, and note what it gets.

    Raises
    ------
    NotWrittenError
        If its blocks or comments are too damaged to be edited safely.
    """
    blocks, sound = _blocks(source)
    found = next(((at, size) for kind, at, size in blocks if kind == _COMMENT), None)
    comments = Comments() if found is None else Comments.read(pread(source.fileno(), found[1], found[0] + 4))
    chosen = choose(texts(tags), comments.get, overwrite=overwrite, planned=planned)
    if not chosen:
        return [(0, _length(source))]
    comments.set(marked(chosen, comments.get, planned))
    body = comments.packed()
    if len(body) > _LONGEST_BLOCK:
        raise NotWrittenError("its comments would be too large")
    pieces: list[Piece] = [(0, blocks[0][1])]
    for number, (kind, at, size) in enumerate(blocks):
        is_last = number == len(blocks) - 1
        if found is not None and at == found[0]:
            pieces.append(bytes([kind | (_LAST if is_last else 0)]) + len(body).to_bytes(3, "big") + body)
        else:
            pieces.append((at, 4 + size))
        if found is None and number == 0:
            # Behind the description of the stream, which must come first, and which is no longer the last block.
            pieces[-1] = bytes([kind]) + pread(source.fileno(), 3 + size, at + 1)
            pieces.append(bytes([_COMMENT | (_LAST if is_last else 0)]) + len(body).to_bytes(3, "big") + body)
    return [*pieces, (sound, _length(source) - sound)]


def sound_of_flac(source: File) -> list[tuple[int, int]]:
    """Return where the frames lie."""
    start = _blocks(source)[1]
    return [(start, _length(source) - start)]


def _blocks(source: File) -> tuple[list[tuple[int, int, int]], int]:
    """Return kind, start and size of each block, and where the frames begin."""
    at = len(_tag_at_start(source))
    if pread(source.fileno(), 4, at) != b"fLaC":
        raise NotWrittenError("it is not a FLAC file, whatever its name says")
    at += 4
    length = _length(source)
    blocks: list[tuple[int, int, int]] = []
    while True:
        header = pread(source.fileno(), 4, at)
        size = int.from_bytes(header[1:], "big")
        if len(header) < 4 or at + 4 + size > length:  # noqa: PLR2004 -- a kind and a size
            raise NotWrittenError("its FLAC blocks are damaged")
        blocks.append((header[0] & 0x7F, at, size))
        at += 4 + size
        if header[0] & _LAST:
            return blocks, at
