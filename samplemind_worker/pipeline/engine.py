"""Takes one signal through the CPU's steps in memory: features, estimates. Used by parcels and by `analyze`."""

import dataclasses
import math
import time
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np

from samplemind_worker import dsp
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts, Mode, StatedFact
from samplemind_worker.documents.versions import CPU_STEPS, VERSIONS
from samplemind_worker.dsp.character import character
from samplemind_worker.errors import InternalError
from samplemind_worker.metadata.evidence import Statement, collect
from samplemind_worker.metadata.weighing import Weighed, weigh
from samplemind_worker.pipeline.signals import Signal
from samplemind_worker.pitches import PITCH_CLASSES, chord_name, numeral

_ESTIMATES = tuple(field.name for field in dataclasses.fields(dsp.Estimates))

_HEARD: Final = ("kind", "tempo", "key", "mode", "pitch_midi", "instrument")
"""Estimates that are also recorded as they are without stated evidence."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A file's facts and features, and the seconds that each step has taken so far."""

    facts: AudioFacts
    features: dsp.Features
    begin: float
    """Seconds of the signal that the features leave out in front."""
    seconds: dict[str, float]


def load() -> None:
    """Load what measures and judges a signal, which the first one has to wait for otherwise."""
    for name in ("compute_features", "estimate", "statistics", "embed"):
        getattr(dsp, name)


def measure(signal: Signal) -> Measured:
    """Compute the features of one signal."""
    started = time.perf_counter()
    # Skip the silence that a codec put in front, or the sound would begin late.
    lead = round(signal.facts.lead_seconds * signal.sr)
    y = signal.y[lead:]
    begin = dsp.frames_begin(y, sr=signal.sr)
    features = dsp.compute_features(y, sr=signal.sr, begin=begin)
    seconds = {"decode": signal.seconds, "features": time.perf_counter() - started}
    return Measured(signal.facts, features, (lead + begin) / signal.sr, seconds)


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
    if vector is not None and not math.isfinite(np.dot(vector, vector)):
        raise InternalError("its vector is not finite")
    values = {name: getattr(estimates, name) for name in _ESTIMATES}
    values["tempo_candidates"] = [{"tempo": tempo, "score": score} for tempo, score in estimates.tempo_candidates]
    values["key_candidates"] = [
        {"key": key, "mode": mode, "score": score} for key, mode, score in estimates.key_candidates
    ]
    begin = facts.excerpt_start + measured.begin
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
    begin = facts.excerpt_start + measured.begin
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
