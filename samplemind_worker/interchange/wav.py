"""Tags of WAV and AIFF: the chunks ``id3 ``, and in WAV RIFF INFO, ``acid`` and ``smpl``.

Conventions: notes are MIDI numbers, 60 is middle C; frames count from the start of the samples.

Sources: Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0" for INFO, and its
sampler chunk as the MIDI Manufacturers Association describes it; ``acid`` is known from libsndfile's ``wav.c`` and from
files that Sony ACID has written.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from samplemind_worker.errors import NotWrittenError
from samplemind_worker.interchange.fields import Name, Planned, choose, marked, number, texts
from samplemind_worker.interchange.files import File
from samplemind_worker.interchange.id3 import Id3
from samplemind_worker.interchange.riff import Chunk, Piece, Riff
from samplemind_worker.interchange.tags import Tags

_INFO: Final[dict[Name, bytes]] = {"tempo": b"IBPM", "comment": b"ICMT", "instrument": b"IKEY"}
"""INFO has no field for instruments; ``IKEY`` are keywords."""
ONE_SHOT, ROOT_SET, STRETCH, DISK_BASED = 1, 2, 4, 8
"""Flags of ``acid``."""
_ACID_SIZE: Final = 24
_SMPL_SIZE: Final = 36
_LOOP_SIZE: Final = 24
_MIDDLE_C: Final = 60
_SMALLEST_CENTS: Final = 1.0
"""A smaller deviation from the note is not written."""


@dataclass(slots=True)
class _Edit:
    """The chunks that a file gets."""

    riff: Riff
    replaced: dict[Chunk, bytes]
    added: list[tuple[bytes, bytes]]

    def put(self, name: bytes, chunk: Chunk | None, body: bytes) -> None:
        if chunk is None:
            self.added.append((name, body))
        else:
            self.replaced[chunk] = body


def plan(source: File, tags: Tags, *, overwrite: bool, planned: Planned) -> list[Piece]:
    """Return the pieces of the tagged file, and note what it gets.

    Raises
    ------
    NotWrittenError
        If its chunks or tags are too damaged to be edited safely.
    """
    riff = Riff(source.fileno())
    edit = _Edit(riff, {}, [])
    put_id3 = _plan_id3(edit, tags, overwrite=overwrite, planned=planned)
    if not riff.is_aiff:
        _plan_info(edit, tags, overwrite=overwrite, planned=planned)
        _plan_acid(edit, tags, overwrite=overwrite, planned=planned)
        _plan_smpl(edit, tags, overwrite=overwrite, planned=planned)
    put_id3()
    return riff.edited(edit.replaced, edit.added)


def _plan_id3(edit: _Edit, tags: Tags, *, overwrite: bool, planned: Planned) -> Callable[[], None]:
    """Plan the tag, and return what puts it into the file once all is planned that its mark names."""
    names = (b"ID3 ", b"id3 ") if edit.riff.is_aiff else (b"id3 ", b"ID3 ")
    chunk = next((found for name in names if (found := edit.riff.find(name)) is not None), None)
    body = b"" if chunk is None else edit.riff.read(chunk)
    # An empty chunk is a tag that another program took out.
    tag = Id3.read(body) if body.strip(b"\0") else Id3()
    chosen = choose(texts(tags), tag.get, overwrite=overwrite, planned=planned)

    def put() -> None:
        if texts_with_mark := marked(chosen, tag.get, planned):
            tag.set(texts_with_mark)
            edit.put(names[0], chunk, tag.packed(padding=False))

    return put


def _plan_info(edit: _Edit, tags: Tags, *, overwrite: bool, planned: Planned) -> None:
    chunk = edit.riff.find(b"LIST", b"INFO")
    body = b"INFO" if chunk is None else edit.riff.read(chunk)
    entries = _entries(body, edit.riff.order)
    wanted: dict[Name, str] = {name: text for name, text in texts(tags).items() if name in _INFO}

    def present(name: Name) -> str | None:
        raw = next((value for entry, value, _ in entries if entry == _INFO[name]), None)
        return None if raw is None else raw.partition(b"\0")[0].decode(errors="replace")

    chosen = choose(wanted, present, overwrite=overwrite, planned=planned, source="info")
    if not chosen:
        return
    for name, text in chosen.items():
        value = text.encode() + b"\0"
        packed = _INFO[name] + struct.pack(f"{edit.riff.order}I", len(value)) + value + bytes(len(value) % 2)
        entry = (_INFO[name], value, packed)
        at = next((number for number, each in enumerate(entries) if each[0] == _INFO[name]), None)
        if at is None:
            entries.append(entry)
        else:
            entries[at] = entry
    edit.put(b"LIST", chunk, b"INFO" + b"".join(packed for _, _, packed in entries))


def _entries(body: bytes, order: str) -> list[tuple[bytes, bytes, bytes]]:
    """Return name, value and all bytes of each entry of an INFO list."""
    entries: list[tuple[bytes, bytes, bytes]] = []
    at = 4
    while at + 8 <= len(body):
        name, (size,) = body[at : at + 4], struct.unpack_from(f"{order}I", body, at + 4)
        if at + 8 + size > len(body):
            raise NotWrittenError("its INFO list is damaged")
        whole = 8 + size + size % 2
        raw = body[at : at + whole]
        entries.append((name, body[at + 8 : at + 8 + size], raw + bytes(whole - len(raw))))
        at += whole
    if body[at:].strip(b"\0"):
        raise NotWrittenError("its INFO list is damaged")
    return entries


def _plan_acid(edit: _Edit, tags: Tags, *, overwrite: bool, planned: Planned) -> None:
    wants_loop = tags.kind == "loop" and tags.tempo is not None and tags.beats is not None
    root = tags.note
    if root is None and wants_loop and tags.tonic is not None:
        root = _MIDDLE_C + tags.tonic
    if not wants_loop and (root is None or tags.kind != "one_shot"):
        return
    order = edit.riff.order
    chunk = edit.riff.find(b"acid")
    body = bytearray(_ACID_SIZE if chunk is None else edit.riff.read(chunk))
    if len(body) < _ACID_SIZE:
        raise NotWrittenError("its chunk 'acid' is damaged")
    if chunk is None:
        flags = STRETCH if wants_loop else ONE_SHOT
        struct.pack_into(f"{order}IHHfIHHf", body, 0, flags, _MIDDLE_C, 0x8000, 0.0, 0, *_meter(tags), 0.0)
        if not wants_loop:
            planned.own["acid.one_shot"] = "1"
    old = bytes(body)
    if root is not None:
        _set_root(body, root, order, overwrite=overwrite, planned=planned)
    if wants_loop:
        _set_beats(body, tags, order, overwrite=overwrite, planned=planned)
    if chunk is None or bytes(body) != old:
        edit.put(b"acid", chunk, bytes(body))


def _set_root(acid: bytearray, root: int, order: str, *, overwrite: bool, planned: Planned) -> None:
    flags, note = struct.unpack_from(f"{order}IH", acid)
    is_free = not flags & ROOT_SET
    if not is_free and note == root:
        return
    planned.note("root_note", written=is_free or overwrite)
    if is_free or overwrite:
        struct.pack_into(f"{order}IH", acid, 0, flags | ROOT_SET, root)
        planned.own["acid.root_note"] = str(root)


def _set_beats(acid: bytearray, tags: Tags, order: str, *, overwrite: bool, planned: Planned) -> None:
    assert tags.tempo is not None  # noqa: S101 -- of a loop with beats
    assert tags.beats is not None  # noqa: S101 -- as above
    beats, _, _, tempo = struct.unpack_from(f"{order}IHHf", acid, 12)
    if beats == tags.beats and abs(tempo - tags.tempo) < 0.005:  # noqa: PLR2004 -- BPM, as other tags round
        return
    is_free = not beats and not 0 < tempo < 1e6  # noqa: PLR2004 -- also true for NaN
    planned.note("tempo", written=is_free or overwrite)
    if is_free or overwrite:
        struct.pack_into(f"{order}IHHf", acid, 12, tags.beats, *_meter(tags), tags.tempo)
        planned.own |= {"acid.beats": str(tags.beats), "acid.tempo": number(tags.tempo)}


def _meter(tags: Tags) -> tuple[int, int]:
    """Return denominator and numerator, in the order of the chunk."""
    return tags.meter[1], tags.meter[0]


def _plan_smpl(edit: _Edit, tags: Tags, *, overwrite: bool, planned: Planned) -> None:
    chunk = edit.riff.find(b"smpl")
    frames, rate = edit.riff.frames()
    is_loop = tags.kind == "loop" and frames > 1
    if tags.note is None and not (is_loop and chunk is None):
        return
    order = edit.riff.order
    if chunk is None:
        loops = [(0, frames - 1)] if is_loop else []
        edit.put(b"smpl", None, sampler_chunk(rate, tags.note, tags.cents, loops=loops, order=order))
        planned.note("loop" if is_loop else "root_note", written=True)
        planned.own["smpl.root_note"] = str(_MIDDLE_C if tags.note is None else unity_note(tags.note, tags.cents)[0])
        return
    body = bytearray(edit.riff.read(chunk))
    if len(body) < _SMPL_SIZE:
        raise NotWrittenError("its chunk 'smpl' is damaged")
    assert tags.note is not None  # noqa: S101 -- asked above
    wanted = unity_note(tags.note, tags.cents)
    if struct.unpack_from(f"{order}II", body, 12) == wanted:
        return
    planned.note("root_note", written=overwrite)
    if overwrite:
        struct.pack_into(f"{order}II", body, 12, *wanted)
        planned.own["smpl.root_note"] = str(wanted[0])
        edit.put(b"smpl", chunk, bytes(body))


def unity_note(note: int, cents: float) -> tuple[int, int]:
    """Return the note and the fraction of a semitone above it (of 2**32) at which a sound plays at its own pitch."""
    if abs(cents) < _SMALLEST_CENTS:
        return note, 0
    exact = note + cents / 100
    lower = int(exact // 1)
    return lower, min(0xFFFFFFFF, round((exact - lower) * 2**32))


def sampler_chunk(
    rate: int, note: int | None, cents: float = 0.0, *, loops: list[tuple[int, int]], order: str = "<"
) -> bytes:
    """Return the body of a ``smpl`` chunk; a loop is its first and last frame, both played; without a note it is 60."""
    unity, fraction = (_MIDDLE_C, 0) if note is None else unity_note(note, cents)
    body = struct.pack(f"{order}9I", 0, 0, round(1e9 / rate), unity, fraction, 0, 0, len(loops), 0)
    for at, (first, last) in enumerate(loops):
        body += struct.pack(f"{order}6I", at, 0, first, last, 0, 0)
    return body


def sound(source: File) -> list[tuple[int, int]]:
    """Return where the samples lie."""
    riff = Riff(source.fileno())
    return [(chunk.body, chunk.size) for chunk in riff.chunks if chunk.name == riff.samples]


def read_info(riff: Riff) -> Mapping[bytes, str]:
    """Return the entries of the INFO list as text."""
    chunk = riff.find(b"LIST", b"INFO")
    entries = [] if chunk is None else _entries(riff.read(chunk), riff.order)
    return {name: value.partition(b"\0")[0].decode(errors="replace") for name, value, _ in entries}
