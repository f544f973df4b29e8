"""Writes slices as files of a new folder, and an SFZ that plays them in order.

Slices of a WAV file are cut out of its bytes, so they are the original whatever its samples are. The samples of
another format are written again: as FLAC or AIFF where these hold them without loss, else as WAV.
"""

import os
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.settings import Settings
from samplemind_worker.errors import NotWrittenError, UnreadableError, UsageError
from samplemind_worker.interchange import samples
from samplemind_worker.interchange.naming import Names, fields_of, filled, safe_name
from samplemind_worker.interchange.riff import Riff, blocks
from samplemind_worker.interchange.samples import Samples
from samplemind_worker.interchange.staging import new_folder

PATTERN: Final = "{name}_{number}"
FIELDS: Final = ("name", "number", "count", "start")
_TAGS: Final = (b"LIST", b"id3 ", b"ID3 ", b"bext", b"_PMX", b"iXML")
"""Chunks of the source that hold texts about it, which are true of its slices, too."""
_LOWEST_KEY: Final = 36
_KEYS: Final = 128
_WITH_TAGS: Final = frozenset({".flac", ".aif", ".aiff"})
_LARGE: Final = (b"RF64", b"BW64")


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice: its first frame, the frame after its last one, and the name of its file."""

    start: int
    end: int
    name: str


def plan(cuts: Sequence[int], sound: Samples, source: Path, pattern: str) -> list[Slice]:
    """Return the slices with the names of their files.

    ``pattern`` may hold ``{name}``, ``{number}``, ``{count}`` and ``{start}`` (milliseconds).

    Raises
    ------
    UsageError
        If the pattern holds another field.
    """
    fields_of(pattern, FIELDS, option="--pattern")
    ending = _ending(sound, source)
    ends = [*cuts[1:], len(sound.y)]
    digits = max(len(str(len(cuts))), 2)
    names, found = Names(), list[Slice]()
    for number, (start, end) in enumerate(zip(cuts, ends, strict=True), start=1):
        fields = {
            "name": source.stem,
            "number": f"{number:0{digits}}",
            "count": str(len(cuts)),
            "start": str(round(1000.0 * start / sound.rate)),
        }
        text = re.sub("[=$#]", "_", filled(pattern, fields))
        stem = safe_name(text, ending=ending).removesuffix(ending)
        found.append(Slice(start, end, names.free("", stem, ending)))
    return found


def write(
    slices: Sequence[Slice],
    sound: Samples,
    source: Path,
    target: Path,
    settings: Settings,
    *,
    texts: Mapping[str, str] | None = None,
) -> None:
    """Write the slices and ``slices.sfz`` as a new folder; ``texts`` are the source's, for files that are encoded.

    Raises
    ------
    UsageError
        If the folder is there already, or the folder above it is not.
    UnreadableError
        If the file changed since it was decoded.
    OSError
        If something cannot be written.
    """
    with new_folder(target) as folder:
        with samples.open_source(source, settings) as file:
            riff = _editable(file.fileno(), sound)
            for each in slices:
                if riff is not None:
                    _cut(riff, len(sound.y), each, folder / each.name)
                    continue
                part = sound.y[each.start : each.end]
                samples.write(folder / each.name, part, rate=sound.rate, subtype=sound.pcm, texts=texts)
        names = [each.name for each in slices]
        (folder / "slices.sfz").write_text(sfz(names), encoding="utf-8")


def _ending(sound: Samples, source: Path) -> str:
    ending = source.suffix.lower()
    return ending if ending in _WITH_TAGS and sound.pcm in {"PCM_16", "PCM_24"} else ".wav"


def _editable(descriptor: int, sound: Samples) -> Riff | None:
    """Return the chunks of a WAV file whose bytes hold exactly the samples that were decoded."""
    try:
        riff = Riff.of(descriptor)
        return riff if riff is not None and riff.frames()[0] == len(sound.y) else None
    except NotWrittenError:
        # Damaged, so that its samples cannot be trusted to lie where they should; it was decoded all the same.
        return None


def _cut(riff: Riff, frames: int, part: Slice, path: Path) -> None:
    """Write one slice of a WAV file: its format, the bytes of its frames, and the texts about the source."""
    form, data = riff.find(b"fmt "), riff.find(b"data")
    assert form is not None  # noqa: S101 -- asked when it was read
    assert data is not None  # noqa: S101 -- as above
    width = data.size // frames
    texts = [chunk for chunk in riff.chunks if chunk.name in _TAGS and not _is_labels(riff, chunk.body, chunk.name)]
    size = (part.end - part.start) * width
    body = struct.pack(f"{riff.order}4sI", b"data", size)
    pieces: list[bytes | tuple[int, int]] = [(form.start, 8 + form.size), bytes(form.size % 2)]
    pieces += [body, (data.body + part.start * width, size), bytes(size % 2)]
    for chunk in texts:
        pieces += [(chunk.start, 8 + chunk.size), bytes(chunk.size % 2)]
    length = 4 + sum(len(piece) if isinstance(piece, bytes) else piece[1] for piece in pieces)
    if length >= 2**32:
        raise UsageError("a slice would be longer than a WAV file can be; make more slices")
    magic = b"RIFF" if riff.magic in _LARGE else riff.magic
    with path.open("xb") as output:
        output.write(magic + struct.pack(f"{riff.order}I", length) + b"WAVE")
        try:
            for block in blocks(riff.descriptor, pieces):
                output.write(block)
        except NotWrittenError as error:
            raise UnreadableError(f"{error}") from error


def _is_labels(riff: Riff, body: int, name: bytes) -> bool:
    """Return whether a list holds labels of cue points, which a slice does not have."""
    return name == b"LIST" and os.pread(riff.descriptor, 4, body) == b"adtl"


def sfz(names: Sequence[str]) -> str:
    """Return an SFZ that plays files in order, one per key from C2 on; from a lower key if there are many.

    A player takes ``$`` for a variable and a word with ``=`` for an opcode, so `plan` keeps them out of names.
    """
    lowest = min(_LOWEST_KEY, max(_KEYS - len(names), 0))
    lines = ["// Slices in their order, by SampleMind", "<global>", "loop_mode=one_shot"]
    for key, name in enumerate(names[:_KEYS], start=lowest):
        lines += ["", "<region>", f"sample={name}", f"key={key}"]
    return "\n".join(lines) + "\n"
