"""Writes tags into audio files of any kind: which format a file has, what is planned, and that its sound stays."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedRandom, BufferedReader
from os import pread

from samplemind_worker.errors import NotWrittenError
from samplemind_worker.interchange import packaged, riff, tagged_streams, wav
from samplemind_worker.interchange.fields import Planned
from samplemind_worker.interchange.files import BLOCK, File
from samplemind_worker.interchange.tags import Tags

_Write = Callable[[BufferedReader, BufferedRandom], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file gets, and how."""

    planned: Planned
    write: _Write

    @property
    def changes(self) -> bool:
        """Whether the file gets anything."""
        return bool(self.planned.written)


def plan(source: File, tags: Tags, *, overwrite: bool) -> Plan:
    """Plan what a file gets, by its content and not by its name.

    Raises
    ------
    NotWrittenError
        If it has no format that takes tags, or is too damaged to be edited safely.
    SetupError
        If its format needs the extra ``tags``.
    """
    planned = Planned()
    head = pread(source.fileno(), 64, 0)
    match _format(source, head):
        case "riff":
            pieces = wav.plan(source, tags, overwrite=overwrite, planned=planned)
        case "flac":
            pieces = tagged_streams.plan_flac(source, tags, overwrite=overwrite, planned=planned)
        case "mpeg":
            pieces = tagged_streams.plan_mpeg(source, tags, overwrite=overwrite, planned=planned)
        case "ogg":
            chosen = packaged.plan_ogg(source, tags, overwrite=overwrite, planned=planned)
            return Plan(planned, lambda old, new: packaged.write_ogg(old, _copied(old, new), chosen))
        case "mp4":
            chosen = packaged.plan_mp4(source, tags, overwrite=overwrite, planned=planned)
            return Plan(planned, lambda old, new: packaged.write_mp4(old, _copied(old, new), chosen))
        case other:
            raise NotWrittenError(f"no tags are written into {other} files")

    def write(old: BufferedReader, new: BufferedRandom) -> None:
        new.writelines(riff.blocks(old.fileno(), pieces))

    return Plan(planned, write)


def _copied(source: BufferedReader, draft: BufferedRandom) -> BufferedRandom:
    source.seek(0)
    shutil.copyfileobj(source, draft, BLOCK)
    draft.flush()
    return draft


def _format(source: File, head: bytes) -> str:
    """Return the format of a file by its content."""
    found = f"such ({head[:4].decode('latin-1')!r})" if head else "empty"
    if riff.is_riff(head):
        found = "riff"
    elif head[:4] == b"OggS":
        found = "ogg"
    elif head[4:8] == b"ftyp":
        found = "mp4"
    elif head[:4] == b"fLaC":
        found = "flac"
    elif head[:3] == b"ID3":
        size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        found = "flac" if pread(source.fileno(), 4, 10 + size) == b"fLaC" else "mpeg"
    elif len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06:  # noqa: PLR2004 -- the sync of a frame, but not of ADTS
        found = "mpeg"
    return found


def write(source: BufferedReader, draft: BufferedRandom, ready: Plan) -> None:
    """Write the tagged file, and check that its sound is the same.

    Raises
    ------
    NotWrittenError
        If it is not.
    """
    ready.write(source, draft)
    draft.flush()
    if sound_digest(source) != sound_digest(draft):
        raise NotWrittenError("its sound would change; this is a fault of SampleMind")


def sound_digest(file: File) -> str:
    """Return a digest of the samples, or of the compressed sound, without anything that tags could change."""
    descriptor = file.fileno()
    head = pread(descriptor, 64, 0)
    match _format(file, head):
        case "riff":
            ranges = wav.sound(file)
        case "flac":
            ranges = tagged_streams.sound_of_flac(file)
        case "ogg":
            return packaged.digest_of_ogg(file)
        case "mp4":
            ranges = packaged.sound_of_mp4(file)
        case _:
            ranges = tagged_streams.sound_of_mpeg(file)
    digest = hashlib.sha256()
    for block in riff.blocks(descriptor, ranges):
        digest.update(block)
    return digest.hexdigest()
