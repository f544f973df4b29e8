"""Reads the chunks and tags of a file as plain values for the record.

Sizes are bounded: at most 64 fields per tag, 1,000 characters per text and 16,000 in all. Damaged fields are left out
with the warning ``tags_damaged``; texts that were shortened give the warning ``tags_cut``.
"""

import os
import re
import struct
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from tinytag import TinyTag, TinyTagException, UnsupportedFormatError

from samplemind_worker import own_tags
from samplemind_worker.metadata import chunks, vorbis
from samplemind_worker.metadata.chunks import Container
from samplemind_worker.metadata.window import Window

_RIFF = frozenset({"WAV", "WAVEX", "RF64"})
_AIFF = frozenset({"AIFF"})
_VORBIS = frozenset({"FLAC", "OGG"})
_MP3 = frozenset({"MP3", "MPEG", "ADTS"})
_NAMES = {
    "tmpo": "bpm",
    "wm/beatsperminute": "bpm",
    "tempo": "bpm",
    "wm/initialkey": "initial_key",
    "initialkey": "initial_key",
    "initial key": "initial_key",
    "key": "initial_key",
    "date": "year",
    "wm/year": "year",
    "description": "comment",
}
"""Fields of MPEG-4, ASF and Matroska under the names that tags of other formats have."""
_OF_FFMPEG = frozenset(
    {"major_brand", "minor_version", "compatible_brands", "creation_time", "handler_name", "vendor_id", "language"}
    | {"encoder", "duration", "itunsmpb", "gapless_playback", "deviceconformancetemplate"}
)
"""What FFmpeg tells of the container itself."""
_ID3 = frozenset({b"id3 ", b"ID3 "})
_TEXTS = ("info", "id3", "vorbis", "aiff", "tags")
_NOT_PLAIN = re.compile(r"[^a-z0-9]+")
_PARTS = re.compile(r"[;,|\0]")

_MOST_FIELDS = 64
_LONGEST_TEXT = 1000
_MOST_TEXT = 16_000
_LONGEST_NAME = 64
_MOST_TAGS = 32
_OF_THE_FILE = frozenset(
    {"filename", "filesize", "mime_type", "duration", "channels", "bitrate", "bitdepth", "samplerate", "is_lossless"}
)
"""Attributes of tinytag's result that are not tags."""

_READERS: dict[bytes, tuple[str, Callable[[bytes], Any]]] = {
    b"acid": ("acid", chunks.acid),
    b"smpl": ("smpl", chunks.sampler),
    b"inst": ("inst", chunks.instrument),
    b"cue ": ("cues", chunks.cues),
    b"bext": ("bext", chunks.broadcast),
}
_AIFF_READERS: dict[bytes, tuple[str, Callable[[bytes], Any]]] = {
    b"basc": ("apple_loop", chunks.apple_loop),
    b"INST": ("inst", chunks.aiff_instrument),
    b"MARK": ("cues", chunks.markers),
}


@dataclass(slots=True)
class Embedded:
    """The chunks and tags of one file; every field may be empty."""

    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    """By source: ``acid``, ``smpl``, ``inst``, ``cues``, ``bext``, ``apple_loop``, and texts in ``info``,
    ``id3``, ``vorbis``, ``aiff`` and, for all other containers, ``tags``."""
    tags: list[str] = field(default_factory=list[str])
    """Genres and keywords."""
    warnings: list[str] = field(default_factory=list[str])


def read(descriptor: int, audio_format: str, texts: Mapping[str, str] | None = None) -> Embedded:
    """Read the chunks and tags of an open file.

    ``audio_format`` is libsndfile's name of the format; ``texts`` are the tags that FFmpeg read, for containers that
    have no reader here.

    The file position is left unchanged. Damaged content raises nothing.
    """
    found = _Collector()
    with found.damage():
        if audio_format in _RIFF:
            _read_riff(Container(descriptor), found)
        elif audio_format in _AIFF:
            _read_aiff(Container(descriptor), found)
        elif audio_format in _VORBIS:
            found.take_texts("vorbis", vorbis.comments(descriptor))
        elif audio_format in _MP3:
            found.take_id3(Window(descriptor, 0, os.fstat(descriptor).st_size))
        elif texts:
            found.take_texts(
                "tags",
                ((_NAMES.get(key.lower(), key), text) for key, text in texts.items() if key.lower() not in _OF_FFMPEG),
            )
    return found.ended()


def _read_riff(container: Container, found: "_Collector") -> None:
    names: dict[int, str] = {}
    for chunk in container.chunks():
        if chunk.name in _READERS:
            found.take_chunk(*_READERS[chunk.name], container.payload(chunk))
        elif chunk.name == b"LIST":
            with found.damage():
                data = container.payload(chunk)
                names |= chunks.labels(data)
                found.take_texts("info", chunks.info(data).items())
        elif chunk.name in _ID3:
            found.take_id3(Window(container.descriptor, chunk.start, chunk.size))
    for cue in found.metadata.get("cues", ()):
        if cue["id"] in names:
            cue["name"] = found.cut(names[cue["id"]])


def _read_aiff(container: Container, found: "_Collector") -> None:
    for chunk in container.chunks():
        if chunk.name in _AIFF_READERS:
            found.take_chunk(*_AIFF_READERS[chunk.name], container.payload(chunk))
        elif chunk.name in chunks.AIFF_TEXTS:
            found.take_texts("aiff", [(chunks.AIFF_TEXTS[chunk.name], chunks.text_of(container.payload(chunk)))])
        elif chunk.name in _ID3:
            found.take_id3(Window(container.descriptor, chunk.start, chunk.size))


class _Collector:
    """Collects what the readers find, within the bounds."""

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = {}
        self._warnings: dict[str, None] = {}
        self._left = _MOST_TEXT

    @contextmanager
    def damage(self) -> Generator[None]:
        """Turn an error that a parser raises on damaged content into a warning."""
        try:
            yield
        except (struct.error, TinyTagException, OSError):
            self._warnings["tags_damaged"] = None

    def take_chunk(self, name: str, reader: Callable[[bytes], Any], data: bytes) -> None:
        """Keep the values of a chunk; if a chunk occurs twice, the first one counts."""
        with self.damage():
            value = reader(data)
            if isinstance(value, dict):
                value = {key: self.cut(one) if isinstance(one, str) else one for key, one in value.items()}
            elif isinstance(value, list):
                for one in value:
                    if "name" in one:
                        one["name"] = self.cut(one["name"])
            if value:
                self.metadata.setdefault(name, value)

    def take_id3(self, window: Window) -> None:
        """Keep the texts of an ID3 tag."""
        with self.damage():
            try:
                tag = TinyTag.get(file_obj=cast("BinaryIO", window), duration=False)
            except UnsupportedFormatError:  # the chunk begins with something other than a tag
                return
            texts = ((key, value) for key, value in tag.as_dict().items() if key not in _OF_THE_FILE)
            self.take_texts(
                "id3", ((key, "; ".join(value) if isinstance(value, list) else str(value)) for key, value in texts)
            )

    def take_texts(self, name: str, texts: Iterable[tuple[str, str]]) -> None:
        """Keep texts under normalized field names."""
        for key, value in texts:
            own = self.metadata.setdefault(name, {})
            plain = _NOT_PLAIN.sub("_", key.lower())[:_LONGEST_NAME].strip("_")
            if len(own) == _MOST_FIELDS:
                self._warnings["tags_cut"] = None
                return
            text = value.strip()
            if plain and text:
                before = own.get(plain)
                own[plain] = self.cut(text if before in {None, text} else f"{before}; {text}")

    def cut(self, text: str) -> str:
        """Shorten a text to what is kept; lone surrogates, which no store accepts, are escaped."""
        kept = text[: min(_LONGEST_TEXT, self._left)]
        self._left -= len(kept)
        if len(kept) < len(text):
            self._warnings["tags_cut"] = None
        return kept.encode(errors="backslashreplace").decode()

    def ended(self) -> Embedded:
        """Return all that was collected."""
        if not self.metadata:
            return Embedded(warnings=list(self._warnings))
        tags: dict[str, None] = {}
        said = own_tags.of_others(self.metadata)
        for source in _TEXTS:
            for key in ("genre", "keywords"):
                for text in _PARTS.split(said.get(source, {}).get(key, "")):
                    if text.strip():
                        tags[text.strip()[:_LONGEST_NAME]] = None
        metadata = {name: value for name, value in self.metadata.items() if value}
        return Embedded(metadata, list(tags)[:_MOST_TAGS], list(self._warnings))
