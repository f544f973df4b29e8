"""Tags of Ogg (Vorbis, Opus, FLAC in Ogg is left alone) and MP4, whose containers mutagen edits.

mutagen is GPL, so it is an extra (``tags``) that is imported on use. The comments themselves are edited here, byte for
byte; of MP4, the atoms of others are compared afterwards.
"""

import hashlib
import os
from collections.abc import Iterator
from importlib import import_module
from io import BufferedRandom
from typing import Any, Final

from samplemind_worker.errors import NotWrittenError, SetupError, how_to_add
from samplemind_worker.interchange.fields import Name, Planned, choose, marked, number, texts
from samplemind_worker.interchange.files import File
from samplemind_worker.interchange.tags import Tags
from samplemind_worker.interchange.vorbis import KEYS, Comments

_OPUS_KEYS: Final[dict[Name, str]] = {**KEYS, "gain": "R128_TRACK_GAIN"}
_FREEFORM: Final = "----:com.apple.iTunes:"
_ATOMS: Final[dict[Name, str]] = {
    "tempo": "tmpo",
    "comment": "\xa9cmt",
    "key": f"{_FREEFORM}initialkey",
    "root_note": f"{_FREEFORM}ROOT_NOTE",
    "instrument": f"{_FREEFORM}INSTRUMENT",
    "gain": f"{_FREEFORM}REPLAYGAIN_TRACK_GAIN",
    "peak": f"{_FREEFORM}REPLAYGAIN_TRACK_PEAK",
    "mark": f"{_FREEFORM}SAMPLEMIND",
}
_MARKS: Final = (b"\x03vorbis", b"OpusTags")


def _mutagen(module: str) -> Any:
    try:
        return import_module(f"mutagen.{module}")
    except ImportError as error:
        raise SetupError(f"tags of Ogg and MP4 need mutagen, which is not installed: {how_to_add('tags')}") from error


def _header_pages(source: File) -> tuple[list[Any], list[bytes], int]:
    """Return the pages of the comment header (and of what shares them), their packets, and the number of the first."""
    ogg = _mutagen("ogg")
    source.seek(0)
    try:
        first = ogg.OggPage(source)
        pages: list[Any] = []
        while not pages or not (pages[-1].complete or len(pages[-1].packets) > 1):
            page = ogg.OggPage(source)
            if page.serial == first.serial:
                pages.append(page)
        # Whole packets alone can be written anew: the setup header of Vorbis may begin in the last page.
        while not pages[-1].complete:
            page = ogg.OggPage(source)
            if page.serial == first.serial:
                pages.append(page)
        return pages, ogg.OggPage.to_packets(pages), first.serial
    except (EOFError, ogg.error, ValueError) as error:
        raise NotWrittenError("its Ogg pages are damaged") from error


def _comments(packet: bytes) -> tuple[bytes, Comments]:
    mark = next((mark for mark in _MARKS if packet.startswith(mark)), None)
    if mark is None:
        raise NotWrittenError("of Ogg files, only those with Vorbis or Opus sound get tags")
    comments = Comments.read(packet[len(mark) :])
    if mark == _MARKS[1]:
        comments.keys = _OPUS_KEYS
    return mark, comments


def _wanted(tags: Tags, mark: bytes) -> dict[Name, str]:
    wanted = texts(tags)
    if mark == _MARKS[1]:
        # RFC 7845: of Opus, in 256ths of a decibel from -23 LUFS, and never as ReplayGain.
        wanted.pop("peak", None)
        if tags.loudness is not None:
            wanted["gain"] = str(round((-23 - tags.loudness) * 256))
    return wanted


def plan_ogg(source: File, tags: Tags, *, overwrite: bool, planned: Planned) -> dict[Name, str]:
    """Return the comments that an Ogg file gets, and note them.

    Raises
    ------
    NotWrittenError
        If it has no comments that can be edited safely.
    SetupError
        If mutagen is not installed.
    """
    _, packets, _ = _header_pages(source)
    mark, comments = _comments(packets[0])
    chosen = choose(_wanted(tags, mark), comments.get, overwrite=overwrite, planned=planned)
    return marked(chosen, comments.get, planned)


def write_ogg(source: File, draft: BufferedRandom, chosen: dict[Name, str]) -> None:
    """Set comments in a draft, which holds a copy of the file."""
    ogg = _mutagen("ogg")
    pages, packets, _ = _header_pages(source)
    mark, comments = _comments(packets[0])
    comments.set(chosen)
    packets[0] = mark + comments.packed()
    new = ogg.OggPage.from_packets(packets, pages[0].sequence)
    for page in new:
        page.serial = pages[0].serial
    try:
        ogg.OggPage.replace(draft, pages, new)
    except (EOFError, ogg.error, ValueError) as error:
        raise NotWrittenError("its Ogg pages are damaged") from error


def digest_of_ogg(source: File) -> str:
    """Return a digest of all packets but those with comments, and of their positions in time.

    Raises
    ------
    NotWrittenError
        If its first pages are damaged.
    """
    digest = hashlib.sha256()
    try:
        for position, body, is_comment in _bodies(source):
            if not is_comment:
                digest.update(position + len(body).to_bytes(8, "big") + body)
    except (EOFError, _mutagen("ogg").error, ValueError) as error:
        raise NotWrittenError("its Ogg pages are damaged") from error
    return digest.hexdigest()


def _bodies(source: File) -> Iterator[tuple[bytes, bytes, bool]]:
    """Yield position and body of each page, and whether it holds comments; headers are yielded as whole packets."""
    ogg = _mutagen("ogg")
    source.seek(0)
    first = ogg.OggPage(source)
    yield b"", b"".join(first.packets), False
    pages: list[Any] = []
    while not pages or not pages[-1].complete:
        page = ogg.OggPage(source)
        if page.serial == first.serial:
            pages.append(page)
    packets = ogg.OggPage.to_packets(pages)
    yield b"", packets[0], True
    for packet in packets[1:]:
        yield b"", packet, False
    while True:
        header = source.read(27)
        if len(header) < 27 or header[:4] != b"OggS":  # noqa: PLR2004 -- the header of a page
            yield b"rest", header + source.read(), False
            return
        lacing = source.read(header[26])
        yield header[6:18], lacing + source.read(sum(lacing)), False


def plan_mp4(source: File, tags: Tags, *, overwrite: bool, planned: Planned) -> dict[Name, str]:
    """Return the atoms that an MP4 file gets, and note them.

    Raises
    ------
    NotWrittenError
        If it has no structure that can be edited safely.
    SetupError
        If mutagen is not installed.
    """
    found = _opened_mp4(source).tags or {}
    wanted = texts(tags)
    if tags.tempo is not None:
        wanted["tempo"] = number(round(tags.tempo))

    def present(name: Name) -> str | None:
        values = found.get(_ATOMS[name]) or [None]
        value = values[0]
        return value.decode(errors="replace") if isinstance(value, bytes) else (None if value is None else str(value))

    return marked(choose(wanted, present, overwrite=overwrite, planned=planned), present, planned)


def _opened_mp4(source: File) -> Any:
    mp4 = _mutagen("mp4")
    source.seek(0)
    try:
        return mp4.MP4(fileobj=source)
    except (_mutagen("_util").MutagenError, ValueError, EOFError) as error:
        raise NotWrittenError("its MP4 boxes are damaged") from error


def write_mp4(source: File, draft: BufferedRandom, chosen: dict[Name, str]) -> None:
    """Set atoms in a draft, which holds a copy of the file.

    Raises
    ------
    NotWrittenError
        If an atom of another program would change.
    """
    mp4 = _mutagen("mp4")
    file = _opened_mp4(draft)
    if file.tags is None:
        file.add_tags()
    tags: Any = file.tags
    for name, text in chosen.items():
        key = _ATOMS[name]
        if name == "tempo":
            tags[key] = [int(text)]
        elif key.startswith(_FREEFORM):
            tags[key] = [mp4.MP4FreeForm(text.encode(), mp4.AtomDataType.UTF8)]
        else:
            tags[key] = [text]
    draft.seek(0)
    try:
        file.save(fileobj=draft)
    except (_mutagen("_util").MutagenError, ValueError, EOFError) as error:
        raise NotWrittenError("its MP4 boxes are damaged") from error
    ours = {_ATOMS[name] for name in chosen}
    if _foreign(source, ours) != _foreign(draft, ours):
        raise NotWrittenError("tags of other programs in it would change")


def _foreign(source: File, ours: set[str]) -> list[bytes]:
    """Return all atoms of the tags that are not ours, as they are in the file, sorted."""
    source.flush()
    path = (b"moov", b"udta", b"meta", b"ilst")
    start, end = 0, os.fstat(source.fileno()).st_size
    for name in path:
        found = next(((at, size) for box, at, size in _boxes(source, start, end) if box == name), None)
        if found is None:
            return []
        start, end = found[0] + (4 if name == b"meta" else 0), found[0] + found[1]
    foreign: list[bytes] = []
    for name, at, size in _boxes(source, start, end):
        body = os.pread(source.fileno(), size, at)
        key = name.decode("latin-1")
        if name == b"----":
            parts = [os.pread(source.fileno(), size - 4, at + 4) for _, at, size in _boxes(source, at, at + size)]
            key = ":".join(["----", *(part.decode(errors="replace") for part in parts[:2])])
        if key not in ours:
            foreign.append(name + body)
    return sorted(foreign)


def _boxes(source: File, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and size of the body of each box."""
    while start + 8 <= end:
        header = os.pread(source.fileno(), 16, start)
        size, begins = int.from_bytes(header[:4], "big"), 8
        if size == 1:
            size, begins = int.from_bytes(header[8:16], "big"), 16
        size = size or end - start
        if size < begins or start + size > end:
            raise NotWrittenError("its MP4 boxes are damaged")
        yield header[4:8], start + begins, size - begins
        start += size


def sound_of_mp4(source: File) -> list[tuple[int, int]]:
    """Return where the media data lie."""
    source.flush()
    length = os.fstat(source.fileno()).st_size
    return [(at, size) for name, at, size in _boxes(source, 0, length) if name == b"mdat"]
