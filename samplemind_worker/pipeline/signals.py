"""Takes one open file to a signal in memory: its identity, its samples, and what lies beside them.

A decoder loads this and nothing of what judges a signal, so that it is ready sooner.
"""

import hashlib
import os
import time
from dataclasses import dataclass
from io import BufferedReader
from typing import Final

import numpy as np
import numpy.typing as npt

from config.settings import Settings
from samplemind_worker.decode import Limits, decode
from samplemind_worker.documents.facts import AudioFacts
from samplemind_worker.errors import EmptyFileError
from samplemind_worker.metadata import tags
from samplemind_worker.store import library

_NAMES: Final = 3  # last parts of a path that are recorded: the file's name and two folders


@dataclass(frozen=True, slots=True)
class Signal:
    """A decoded file: its facts, mono float32 samples at ``sr`` Hz, and the seconds that decoding took."""

    facts: AudioFacts
    y: npt.NDArray[np.float32]
    sr: int
    seconds: float
    waveform: bytes = b""
    """For drawing the whole file (`dsp.waveform`); empty where the signal comes from scratch memory, as it is recorded
    by then."""


def identify(file: BufferedReader) -> str:
    """Return the SHA-256 of an open file, and rewind it.

    Raises
    ------
    EmptyFileError
        If it has no bytes.
    """
    if not os.fstat(file.fileno()).st_size:
        raise EmptyFileError("the file has no bytes")
    content = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    return content


def names_of(path: bytes) -> tuple[str, str]:
    """Return a file's name, and the name with up to two of its folders, as text for the record."""
    named, _ = library.printable(b"/".join(path.split(b"/")[-_NAMES:]).lstrip(b"/"))
    return named.rpartition("/")[2], named


def read_signal(file: BufferedReader, *, name: bytes, file_id: str, limits: Limits) -> Signal:
    """Decode an open file, and read what lies beside its samples, in this process; ``name`` may come after its folders.

    Untrusted files go through `reader.read_signals`.

    Raises
    ------
    PermanentError
        If it holds no audio that can be read within the limits.
    """
    started = time.perf_counter()
    filename, named = names_of(name)
    audio = decode(file, limits=limits)
    beside = tags.read(file.fileno(), audio.format, audio.texts)
    facts = AudioFacts(
        file_id=file_id,
        filename=filename,
        file_size=os.fstat(file.fileno()).st_size,
        duration=audio.duration,
        sample_rate=audio.sample_rate,
        channels=audio.channels,
        format=audio.format,
        subtype=audio.subtype,
        reader=audio.reader,
        exact_length=audio.exact_length,
        excerpt_start=audio.excerpt_start,
        lead_seconds=audio.lead_seconds,
        loudness_lufs=audio.loudness_lufs,
        true_peak_dbtp=audio.true_peak_dbtp,
        audio_hash=audio.audio_hash,
        bandwidth=audio.bandwidth,
        width=audio.width,
        tags=beside.tags,
        metadata=beside.metadata,
        named=named,
        warnings=[*audio.warnings, *beside.warnings],
    )
    return Signal(facts, audio.y, audio.sr, time.perf_counter() - started, audio.waveform)


def limits(settings: Settings) -> Limits:
    """Return the limits on decoding that the settings set."""
    return Limits(
        max_duration=settings.max_duration,
        max_channels=settings.max_channels,
        max_sample_rate=settings.max_sample_rate,
    )
