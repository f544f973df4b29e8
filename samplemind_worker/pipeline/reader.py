"""Decodes untrusted audio files in the sandbox; has the code of both sides.

`read_signals` runs in the worker and sends requests, as `copies` does. `read` runs in a decoder that the sandbox has
forked and confined.
"""

import base64
import codecs
import dataclasses
import math
import os
import tempfile
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from itertools import product
from typing import Any, Final, cast

import numpy as np
import soundfile as sf

from config.settings import Settings
from samplemind_worker import decode
from samplemind_worker.decode import Limits, check, playback
from samplemind_worker.documents.facts import AudioFacts
from samplemind_worker.dsp import SR
from samplemind_worker.dsp.waveform import BYTES_PER_BUCKET, MOST_BUCKETS
from samplemind_worker.errors import PermanentError, WorkerCrashedError, attempt
from samplemind_worker.pipeline.audio_sandbox import audio_sandbox
from samplemind_worker.pipeline.signals import Signal, identify, limits, names_of, read_signal
from samplemind_worker.sandbox import Answer, Bounds, Wanted

_SPARE_SAMPLES: Final = 64  # a resampler may return a few more samples than expected
_LARGE: Final = 256 * 2**20  # bytes: hashing them takes a quarter of a second
_FORMATS: Final = (
    ("WAV", "FLOAT"),
    ("AIFF", "PCM_24"),
    ("FLAC", "PCM_16"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
    ("CAF", "ALAC_16"),
)
_WARM_UP: Final = (
    *((*one, 2, 44_100) for one in _FORMATS),
    *(("WAV", "PCM_16", channels, rate) for channels, rate in product((1, 2), (44_100, 48_000))),
)
"""Format, coding, channels and rate: each rate has a resampler of its own to be loaded."""

_ENCODINGS: Final = ("utf-8", "utf-16-le", "utf-16-be", "latin-1", "cp1252", "ascii")
"""Encodings of texts in tags; Python loads each on first use."""


@dataclass(frozen=True, slots=True)
class Source:
    """An open file, its name, which may include folders, and the SHA-256 of its bytes."""

    file: BufferedReader
    name: bytes
    file_id: str


def bounds(settings: Settings) -> Bounds:
    """Return the memory, CPU time and samples that decoding one file may take."""
    samples = math.ceil(limits(settings).excerpt_seconds * SR) + _SPARE_SAMPLES
    return Bounds(settings.decode_memory_bytes, settings.decode_seconds, samples)


def read_signals(sources: Sequence[Source], settings: Settings) -> Generator[Signal | PermanentError]:
    """Yield the signal or the error of each file, in their order; the next files are decoded meanwhile.

    A file that kills its decoder, or exceeds a limit, fails at once, and no other file fails with it.

    Raises
    ------
    TransientError
        If no decoder can be started on this machine now.
    """
    allowed = dataclasses.asdict(limits(settings))
    wanted = [
        # A name is bytes, which JSON cannot hold.
        Wanted(source.file.fileno(), {"name": source.name.decode("latin-1"), "limits": allowed})
        for source in sources
    ]
    for source, answer in zip(sources, audio_sandbox().read(wanted, bounds(settings)), strict=True):
        yield answer if isinstance(answer, PermanentError) else _signal(source, answer)


def identify_within(file: BufferedReader, settings: Settings) -> str:
    """Return the SHA-256 of an open file. A large file whose header exceeds a limit is not read to its end.

    Raises
    ------
    PermanentError
        If it has no bytes, or is large and cannot be decoded within the limits.
    TransientError
        If no decoder can be started on this machine now.
    """
    if os.fstat(file.fileno()).st_size >= _LARGE:
        request = {"only_check": True, "limits": dataclasses.asdict(limits(settings))}
        [answer] = audio_sandbox().read([Wanted(file.fileno(), request)], bounds(settings))
        if isinstance(answer, PermanentError):
            raise answer
        file.seek(0)  # both processes share the file offset
    return identify(file)


def _signal(source: Source, answer: Answer) -> Signal | PermanentError:
    """Check an answer, and replace its facts by those that this process knows itself."""
    filename, named = names_of(source.name)
    size = os.fstat(source.file.fileno()).st_size
    try:
        known = {"file_id": source.file_id, "filename": filename, "named": named, "file_size": size}
        facts = AudioFacts.model_validate({**answer.facts["audio"], **known})
        seconds = float(answer.facts["seconds"])
        waveform = base64.b64decode(answer.facts["waveform"], validate=True)
    except (KeyError, TypeError, ValueError):
        return WorkerCrashedError("the decoder answered nonsense")
    y = np.frombuffer(answer.samples, np.float32)
    if not np.isfinite(y).all() or not _is_waveform(waveform):
        return WorkerCrashedError("the decoder answered nonsense")
    return Signal(facts, y, SR, seconds, waveform)


def _is_waveform(found: bytes) -> bool:
    buckets, rest = divmod(len(found), BYTES_PER_BUCKET)
    return rest == 0 and 0 < buckets <= MOST_BUCKETS


def read(file: BufferedReader, request: dict[str, Any]) -> PermanentError | tuple[dict[str, Any], memoryview]:
    """Read one file, in the decoder; return its facts and samples, or its error."""

    def _read() -> tuple[dict[str, Any], memoryview]:
        if request.get("only_check"):
            check(file, limits=Limits(**request["limits"]))
            return {}, np.zeros(1, np.float32).data  # an answer must have samples
        if (output := request.get("output")) is not None:
            allowed, exact = Limits(**request["limits"]), bool(request.get("exact"))
            copy = playback.write(file, output, at=request["at"], limits=allowed, exact=exact)
            return dataclasses.asdict(copy), np.zeros(1, np.float32).data
        name = request["name"].encode("latin-1")
        signal = read_signal(file, name=name, file_id="", limits=Limits(**request["limits"]))
        waveform = base64.b64encode(signal.waveform).decode()
        facts = {"audio": signal.facts.model_dump(mode="json"), "seconds": signal.seconds, "waveform": waveform}
        return facts, signal.y.data

    return attempt(_read)


def warm_up() -> None:
    """Read a file of each format, so that everything is loaded before a decoder is confined, which can open no file."""
    for encoding in _ENCODINGS:
        codecs.lookup(encoding)
    allowed = {"name": "", "limits": dataclasses.asdict(Limits())}
    noise = np.random.default_rng(0).normal(0.0, 0.1, (4096, 2)).astype(np.float32)
    for form, subtype, channels, rate in _WARM_UP:
        # A file without a name leaves nothing behind, however this process ends.
        with tempfile.TemporaryFile() as file:
            with suppress(sf.LibsndfileError, ValueError):  # this libsndfile does not know the format
                sf.write(file, noise[:, :channels], rate, format=form, subtype=subtype)
            file.seek(0)
            read(cast("BufferedReader", file), allowed)
            if form == "WAV":
                decode.warm_up(file)
