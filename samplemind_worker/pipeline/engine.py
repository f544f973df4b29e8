"""Takes one file through the CPU's steps in memory: signal, features, estimates. Used by parcels and by `analyze`."""

import dataclasses
import hashlib
import os
import time
from dataclasses import dataclass
from io import BufferedReader
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from config.settings import Settings
from samplemind_worker import dsp
from samplemind_worker.decode import Limits, decode
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts, Mode, StatedFact
from samplemind_worker.documents.versions import CPU_STEPS, VERSIONS
from samplemind_worker.dsp.character import character
from samplemind_worker.errors import EmptyFileError, InternalError
from samplemind_worker.metadata import tags
from samplemind_worker.metadata.evidence import Statement, collect
from samplemind_worker.metadata.weighing import Weighed, weigh
from samplemind_worker.pitches import PITCH_CLASSES, chord_name, numeral
from samplemind_worker.store import library

_ESTIMATES = tuple(field.name for field in dataclasses.fields(dsp.Estimates))

_NAMES: Final = 3  # last parts of a path that are recorded: the file's name and two folders
_HEARD: Final = ("kind", "tempo", "key", "mode", "pitch_midi", "instrument")
"""Estimates that are also recorded as they are without stated evidence."""


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


@dataclass(frozen=True, slots=True)
class Measured:
    """A file's facts and features, and the seconds that each step has taken so far."""

    facts: AudioFacts
    features: dsp.Features
    seconds: dict[str, float]


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


def measure(signal: Signal) -> Measured:
    """Compute the features of one signal."""
    started = time.perf_counter()
    # Skip the silence that a codec put in front, or the sound would begin late.
    features = dsp.compute_features(signal.y[round(signal.facts.lead_seconds * signal.sr) :], sr=signal.sr)
    return Measured(signal.facts, features, {"decode": signal.seconds, "features": time.perf_counter() - started})


def judge(measured: Measured, *, stated_evidence: bool = True) -> tuple[AudioFacts, AnalysisFacts]:
    """Draw the conclusions from one file's features, and return its facts and analysis.

    Statements in tags and names are weighed against these estimates, unless ``stated_evidence`` is False.

    Raises
    ------
    InternalError
        If the vector is not finite.
    """
    started = time.perf_counter()
    facts = measured.facts
    heard = _heard(measured)
    weighed = _weigh(measured, heard) if stated_evidence else weigh(heard, (), duration=facts.duration)
    estimates = weighed.estimates
    statistics = dsp.statistics(measured.features, heard)
    vector = None if statistics is None else dsp.embed(statistics)
    if vector is not None and not np.isfinite(vector).all():
        raise InternalError("its vector is not finite")
    values = {name: getattr(estimates, name) for name in _ESTIMATES}
    values["tempo_candidates"] = [{"tempo": tempo, "score": score} for tempo, score in estimates.tempo_candidates]
    values["key_candidates"] = [
        {"key": key, "mode": mode, "score": score} for key, mode, score in estimates.key_candidates
    ]
    begin = facts.excerpt_start + facts.lead_seconds
    values["chord"] = None if estimates.chord is None else _chord(estimates.chord)
    values["chords"] = _progression(estimates, begin=begin)
    values["beats"] = [beat + begin for beat in estimates.beats]
    values |= _form(measured, estimates)
    values |= {f"{name}_audio": getattr(heard, name) for name in _HEARD}
    seconds = {**measured.seconds, "tempo_key": time.perf_counter() - started}
    analysis = AnalysisFacts(
        file_id=facts.file_id,
        peaks=measured.features.outline,
        spectral_features=measured.features.summary,
        character=character(measured.features),
        provenance=dict(weighed.provenance),
        stated=[_stated(statement, facts.named, believed=believed) for statement, believed in weighed.verdicts],
        fingerprint=measured.features.fingerprint.tobytes() or None,
        vector=None if vector is None else vector.tolist(),
        vector_version=None if vector is None else VERSIONS["store"],
        sound_statistics=None if statistics is None else statistics.astype("<f2").tobytes(),
        versions={step: VERSIONS[step] for step in CPU_STEPS},
        seconds={step: round(value, 6) for step, value in seconds.items()},
        **values,
    )
    return facts, analysis


def _chord(chord: dsp.Chord) -> dict[str, Any]:
    return {
        "root": PITCH_CLASSES[chord.root],
        "quality": chord.quality,
        "bass": PITCH_CLASSES[chord.bass],
        "name": chord_name(chord.root, chord.quality, chord.bass),
        "confidence": chord.confidence,
    }


def _progression(estimates: dsp.Estimates, *, begin: float) -> list[dict[str, Any]] | None:
    """Return the chords of a loop or track with their degrees in the key, which may be a stated one."""
    if not estimates.chords or estimates.key is None or estimates.mode is None:
        return None
    tonic, mode = PITCH_CLASSES.index(estimates.key), estimates.mode
    return [
        {
            "start": span.start + begin,
            "end": span.end + begin,
            **_chord(span.chord),
            "numeral": numeral(span.chord.root, span.chord.quality, tonic, mode),
        }
        for span in estimates.chords
    ]


def _form(measured: Measured, estimates: dsp.Estimates) -> dict[str, Any]:
    """Return the form of a loop or track, with times from its beginning."""
    facts = measured.facts
    begin = facts.excerpt_start + facts.lead_seconds
    if estimates.kind not in {"loop", "track"}:
        return {}
    form = dsp.take_apart(
        measured.features, estimates, start=facts.excerpt_start, duration=facts.duration - facts.lead_seconds
    )
    found = dataclasses.asdict(form)
    for name in ("slices", "loop_points", "sections"):
        for part in found[name] or ():
            part |= {key: round(part[key] + begin, 5) for key in ("time", "start", "end") if key in part}
    return found


def _weigh(measured: Measured, heard: dsp.Estimates) -> Weighed:
    facts = measured.facts
    return weigh(
        heard,
        collect(facts.metadata, facts.named, duration=facts.duration, sample_rate=facts.sample_rate),
        duration=facts.duration,
        hear_as=lambda kind: _heard(measured, kind),
    )


def _heard(measured: Measured, kind: str | None = None) -> dsp.Estimates:
    facts = measured.facts
    duration = facts.duration - facts.lead_seconds
    return dsp.estimate(measured.features, duration=duration, exact_length=facts.exact_length, kind=kind)


def _stated(statement: Statement, named: str, *, believed: bool) -> StatedFact:
    said = statement.said
    return StatedFact(
        about=said.about,
        value=PITCH_CLASSES[int(said.value)] if said.about in {"key", "pitch"} else said.value,
        mode=cast("Mode | None", said.mode),
        source=statement.source,
        text=said.text,
        name=named if statement.source in {"filename", "folder"} else None,
        believed=believed,
    )
