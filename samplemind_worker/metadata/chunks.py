"""Readers of RIFF (WAV, RF64) and AIFF chunks. No library reads those that samplers and DAWs write.

Conventions: each reader takes the bytes of a chunk and returns plain values; it raises ``struct.error`` if the chunk is
too short. Frames count from the start of the file, notes are MIDI numbers, tempi are in BPM.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_FIRST_READ = 4096  # in nearly every file it covers all chunks before the samples
_MOST_CHUNKS = 256
_MOST_BYTES = 64 * 1024
"""Most bytes that are read from one chunk; longer chunks hold no statement about a sample."""
_MOST_CUES = 64
_MOST_LOOPS = 8
_WHOLE = 0xFFFFFFFF  # RF64: the size is in the ds64 chunk

_INFO = {
    b"INAM": "title", b"IART": "artist", b"IPRD": "album", b"ICMT": "comment", b"IGNR": "genre", b"ICRD": "year",
    b"ICOP": "copyright", b"ISFT": "software", b"IENG": "engineer", b"IKEY": "keywords", b"ISBJ": "subject",
    b"ITRK": "track", b"ISRC": "source", b"TBPM": "bpm", b"IBPM": "bpm", b"TKEY": "initial_key",
}  # fmt: skip
"""RIFF INFO chunk ids, with the tag names that other formats use for the same field."""
AIFF_TEXTS = {b"NAME": "title", b"AUTH": "artist", b"(c) ": "copyright", b"ANNO": "comment"}
"""AIFF text chunk ids, with the same tag names."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Position and size of a chunk's content."""

    name: bytes
    start: int
    size: int


class Container:
    """An open RIFF or AIFF file."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._head = os.pread(descriptor, _FIRST_READ, 0)
        self._end = os.fstat(descriptor).st_size
        self.order = ">" if self._head[:4] in {b"FORM", b"RIFX"} else "<"

    def _bytes(self, start: int, size: int) -> bytes:
        if start + size <= len(self._head):
            return self._head[start : start + size]
        return os.pread(self.descriptor, size, start)

    def payload(self, chunk: Chunk) -> bytes:
        """Return the content of a chunk, or its first bytes if it is long."""
        return self._bytes(chunk.start, min(chunk.size, _MOST_BYTES))

    def chunks(self) -> Iterator[Chunk]:
        """Yield the chunks up to the first that is damaged."""
        place, data_size = 12, 0
        for _ in range(_MOST_CHUNKS):
            header = self._bytes(place, 8)
            if len(header) < 8:  # noqa: PLR2004 -- four of the name, four of the size
                return
            name, size = header[:4], int.from_bytes(header[4:], "big" if self.order == ">" else "little")
            if name == b"ds64":
                data_size = int.from_bytes(self._bytes(place + 16, 8), "little")
            elif name == b"data" and size == _WHOLE:
                size = data_size
            size = min(size, max(0, self._end - place - 8))
            yield Chunk(name, place + 8, size)
            place += 8 + size + size % 2


def text_of(data: bytes) -> str:
    """Decode a text up to its first NUL: as UTF-8, or else as Windows-1252."""
    data = data.partition(b"\0")[0]
    try:
        return data.decode().strip()
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace").strip()


def info(data: bytes) -> dict[str, str]:
    """Read the LIST chunk of type INFO."""
    found: dict[str, str] = {}
    place = 4
    while data[:4] == b"INFO" and place + 8 <= len(data) and len(found) < _MOST_CUES:
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        name = data[place : place + 4]
        value = text_of(data[place + 8 : place + 8 + size])
        if value:
            found.setdefault(_INFO.get(name) or text_of(name).lower(), value)
        place += 8 + size + size % 2
    return found


def acid(data: bytes) -> dict[str, Any]:
    """Read the acid chunk: tempo, root note and beats, as ACID and most DAWs write them into loops."""
    flags, root, _, _, beats, denominator, numerator, tempo = struct.unpack_from("<IHHfIHHf", data)
    return {
        "one_shot": bool(flags & 1),
        "root_note": root if flags & 2 and root <= 127 else None,  # noqa: PLR2004 -- the last MIDI note
        "stretch": bool(flags & 4),
        "disk_based": bool(flags & 8),
        "beats": beats,
        "meter": [numerator, denominator],
        "tempo": _finite(tempo),
    }


def sampler(data: bytes) -> dict[str, Any]:
    """Read the smpl chunk: the root note and the sampler loops."""
    _, _, _, note, fraction, _, _, count, _ = struct.unpack_from("<9I", data)
    loops: list[dict[str, int]] = []
    for at in range(min(count, _MOST_LOOPS)):
        if 36 + 24 * at + 24 > len(data):
            break
        _, kind, start, end, _, plays = struct.unpack_from("<6I", data, 36 + 24 * at)
        loops.append({"type": kind, "start": start, "end": end, "plays": plays})
    return {"root_note": note if note <= 127 else None, "cents": round(fraction / 2**32 * 100.0, 2), "loops": loops}  # noqa: PLR2004 -- the last MIDI note


def instrument(data: bytes) -> dict[str, Any]:
    """Read the inst chunk of WAV."""
    names = ("root_note", "cents", "gain_db", "lowest_note", "highest_note", "lowest_velocity", "highest_velocity")
    return dict(zip(names, struct.unpack_from("<BbbBBBB", data), strict=True))


def cues(data: bytes) -> list[dict[str, Any]]:
    """Read the cue chunk: cue points."""
    (count,) = struct.unpack_from("<I", data)
    found: list[dict[str, Any]] = []
    for at in range(min(count, _MOST_CUES)):
        if 4 + 24 * at + 24 > len(data):
            break
        number, _, _, _, _, frame = struct.unpack_from("<II4sIII", data, 4 + 24 * at)
        found.append({"id": number, "frame": frame})
    return found


def labels(data: bytes) -> dict[int, str]:
    """Read the LIST chunk of type adtl: labels of cue points, by their id."""
    found: dict[int, str] = {}
    place = 4
    while data[:4] == b"adtl" and place + 12 <= len(data) and len(found) < _MOST_CUES:
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        if data[place : place + 4] == b"labl" and size > 4:  # noqa: PLR2004 -- the id comes first
            (number,) = struct.unpack_from("<I", data, place + 8)
            found[number] = text_of(data[place + 12 : place + 8 + size])
        place += 8 + size + size % 2
    return found


def broadcast(data: bytes) -> dict[str, Any]:
    """Read the bext chunk of broadcast WAV (EBU Tech 3285)."""
    description, originator, reference, date, time, frames, version = struct.unpack_from("<256s32s32s10s8sQH", data)
    found: dict[str, Any] = {
        "description": text_of(description),
        "originator": text_of(originator),
        "originator_reference": text_of(reference),
        "date": text_of(date),
        "time": text_of(time),
        "time_reference": frames if frames < 2**63 else None,
        "version": version,
        "coding_history": text_of(data[602:]),
    }
    if version >= 2 and len(data) >= 422:  # noqa: PLR2004 -- levels came with version 2; hundredths
        names = ("loudness", "loudness_range", "true_peak", "momentary", "short_term")
        levels = struct.unpack_from("<5h", data, 412)
        found.update({name: level / 100 for name, level in zip(names, levels, strict=True)})
    return {name: value for name, value in found.items() if value not in ("", None)}


def apple_loop(data: bytes) -> dict[str, Any]:
    """Read the basc chunk of an Apple loop. The layout follows libsndfile; the meaning of ``type`` is uncertain."""
    _, beats, root, scale, numerator, denominator, kind = struct.unpack_from(">IIHHHHH", data)
    return {
        "beats": beats,
        "root_note": root if 0 < root <= 127 else None,  # noqa: PLR2004 -- the last MIDI note
        "mode": {1: "minor", 2: "major"}.get(scale),
        "meter": [numerator, denominator],
        "type": kind,
    }


def aiff_instrument(data: bytes) -> dict[str, Any]:
    """Read the INST chunk of AIFF; its loops refer to markers."""
    root, cents, low, high, low_velocity, high_velocity, gain, mode, begin, end = struct.unpack_from(
        ">bbbbbbhhhh", data
    )
    found: dict[str, Any] = {
        "root_note": root if root >= 0 else None,
        "cents": cents,
        "gain_db": gain,
        "lowest_note": low,
        "highest_note": high,
        "lowest_velocity": low_velocity,
        "highest_velocity": high_velocity,
    }
    return found | ({"loop_markers": [begin, end]} if mode else {})


def markers(data: bytes) -> list[dict[str, Any]]:
    """Read the MARK chunk of AIFF."""
    (count,) = struct.unpack_from(">H", data)
    found: list[dict[str, Any]] = []
    place = 2
    for _ in range(min(count, _MOST_CUES)):
        if place + 7 > len(data):
            break
        number, frame, length = struct.unpack_from(">HIB", data, place)
        name = text_of(data[place + 7 : place + 7 + length])
        found.append({"id": number, "frame": frame} | ({"name": name} if name else {}))
        place += 7 + length + (length + 1) % 2
    return found


def _finite(value: float) -> float | None:
    return value if 0.0 < value < 1e6 else None  # noqa: PLR2004 -- also false for NaN
