"""The results of the analysis: `Features` are measured, `Estimates` are concluded from them.

Conventions: times in seconds, frequencies in Hz, tempi in BPM, keys 0 (C) to 11 (B) inside and names outside, tuning
and pitch deviation in cents, confidences and scores 0 to 1. A value is None where its question has no answer.
"""

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
Summary = dict[str, dict[str, Any]]

LOWEST_NOTE = 24
"""MIDI number of the first column of ``Features.notes`` (C1)."""
NOTES = 84
"""Columns of ``Features.notes``: seven octaves of semitones."""


@dataclass(frozen=True, slots=True)
class Features:
    """Everything that later steps need of a signal, measured after scaling it to a peak of 1.

    A silent signal has ``peak`` 0 and empty arrays.
    """

    sr: int
    samples: int
    """Length of the analysed signal."""
    peak: float
    """Greatest magnitude before scaling; 0 for silence."""
    outline: list[int]
    """Greatest magnitude of 80 equal stretches of the signal, in hundredths of the peak; empty for silence."""
    tuning_cents: float
    """Deviation from A4 = 440 Hz, -50 to 50."""
    tuning_strength: float
    """Agreement of the spectral peaks about the tuning, 0 to 1."""
    summary: Summary
    """``spectral_features`` of the contract: for each feature mean and std, a number or a list of numbers."""
    onset: F32
    """Onset strength (4, n) at sr / 128: all bands, below 150 Hz, 150 Hz to 2 kHz, above 2 kHz."""
    level: F32
    """RMS (n,) of 512 samples at sr / 128."""
    frames: F32
    """(n, 6) at sr / 512: rms, zero-crossing rate, centroid, bandwidth, rolloff (Hz), flatness."""
    mel: F32
    """(n, 40) at sr / 512: log mel power in dB."""
    sound: F32
    """(131,): how level and spectrum develop from the attack on (`_sounds.describe_sound`); empty for silence."""
    notes: F32
    """(n, 84) at sr / 4096: magnitude of spectral peaks by semitone from C1 on, tuning removed."""
    tonalness: F32
    """(n, 2) at sr / 4096, from 150 Hz on: share of the energy in spectral peaks; root of the energy."""
    pitch: F32
    """(n, 28), of the first 4.5 s: one row of measures per pitch candidate, beginning with the MIDI number."""
    fundamentals: F32
    """(n, 34), likewise, for partials that may be stretched as those of stiff strings are: see `pitch.fundamentals`."""
    bands: F32
    """(16,), of the first 4.5 s: level of thirds of an octave from 25 Hz to 1 kHz, in dB relative to the whole."""
    fingerprint: npt.NDArray[np.uint8]
    """Bytes of the fingerprint (`fingerprint.fingerprint`); none for silence."""
    thirds: npt.NDArray[np.float64]
    """(26,): energy of thirds of an octave from 25 Hz to 11 kHz, all of the signal."""
    crossings: npt.NDArray[np.uint8]
    """(n // 128 + 1,): place of the first rising zero crossing in each 128 samples; 255 where there is none."""
    attack_seconds: float
    """Time in which the sound rises from a tenth to eight tenths of its peak; 0 for silence."""

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Split into plain values (for JSON) and arrays."""
        meta: dict[str, Any] = {}
        arrays: dict[str, npt.NDArray[Any]] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                arrays[field.name] = value
            else:
                meta[field.name] = value
        return meta, arrays

    @classmethod
    def from_arrays(cls, meta: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> Self:
        """Join what `to_arrays` split."""
        values: dict[str, Any] = {**meta, **arrays}
        return cls(**values)


@dataclass(frozen=True, slots=True)
class TempoEstimate:
    """The likeliest tempo; ``tempo`` is None where nothing repeats. Whether it is one, `pulse` decides."""

    tempo: float | None = None
    confidence: float | None = None
    candidates: tuple[tuple[float, float], ...] = ()
    time_signature: tuple[int, int] | None = None
    beats: tuple[float, ...] = ()
    beats_in_loop: int | None = None
    clear: bool = False
    """Whether the trees alone are sure enough of it."""
    evidence: tuple[float, ...] = ()
    """(13,): what `pulse` reads of it; see `tempo.estimate_tempo`."""
    preferred: "TempoEstimate | None" = None
    """The level to answer with if there is a tempo; None if it is this one."""


@dataclass(frozen=True, slots=True)
class KeyEstimate:
    """The estimated key; ``key`` is None where there is none."""

    key: str | None = None
    mode: str | None = None
    confidence: float | None = None
    candidates: tuple[tuple[str, str, float], ...] = ()
    camelot: str | None = None
    music: float | None = None
    """Probability that it is music with a key, not drums or noise; None for silence."""
    score: float | None = None
    """Probability of the first key by the key network alone."""


@dataclass(frozen=True, slots=True)
class PitchEstimate:
    """The estimated pitch of a single note; ``midi`` is None where there is none."""

    midi: int | None = None
    note: str | None = None
    cents: float | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class InstrumentEstimate:
    """The named instrument or content; ``name`` is None where none is likely enough."""

    name: str | None = None
    confidence: float | None = None
    drum: float = 0.0
    """Probability that it is a drum, whichever: several drums may share what none has alone."""
    tone: float = 0.5
    """Probability that it is an instrument that plays notes, and no drum, voice, effect or ambience."""


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord: root and bass 0 (C) to 11 (B), a quality of `chord_model.QUALITIES`, and the confidence."""

    root: int
    quality: str
    bass: int
    confidence: float


@dataclass(frozen=True, slots=True)
class ChordSpan:
    """A chord of a loop or track, and from when to when it sounds, in seconds."""

    start: float
    end: float
    chord: Chord


@dataclass(frozen=True, slots=True)
class Estimates:
    """The estimates for one file, named as in the contract."""

    kind: str | None
    kind_confidence: float | None
    tempo: float | None
    tempo_confidence: float | None
    tempo_candidates: tuple[tuple[float, float], ...]
    time_signature: tuple[int, int] | None
    beats: tuple[float, ...]
    """Beat times in seconds from the start of the analysed signal."""
    beats_in_loop: int | None
    """Number of beats of a loop that is cut to the beat."""
    key: str | None
    mode: str | None
    key_confidence: float | None
    key_candidates: tuple[tuple[str, str, float], ...]
    camelot: str | None
    tuning_cents: float | None
    pitch_midi: int | None
    pitch_note: str | None
    pitch_cents: float | None
    pitch_confidence: float | None
    instrument: str | None
    instrument_confidence: float | None
    chord: Chord | None = None
    """The chord of a one-shot."""
    chords: tuple[ChordSpan, ...] = ()
    """The chords of a loop or track with a key, in the order of time."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A point at which a loop can be cut: where an onset begins."""

    time: float
    strength: float
    """Level of the onset, relative to the loudest."""


@dataclass(frozen=True, slots=True)
class LoopPoints:
    """A part of a track that can be repeated without a seam."""

    start: float
    end: float
    bars: int
    score: float
    """Likeness of the sound about both points."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a track between two bars."""

    start: float
    end: float
    label: str
    """``A`` for the first and what sounds like it, and so on."""
    kind: str | None
    """``intro``, ``build``, ``drop``, ``break`` or ``outro``; None for what is none of these."""
    energy: float
    """RMS relative to the loudest section."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How the onsets lie on the beat."""

    swing: float | None
    """Length of the first of two eighths or sixteenths over that of the second: 1 straight, 2 in triplets."""
    swing_unit: int | None
    """What swings: 8 for eighths, 16 for sixteenths; None where nothing does."""
    density: float
    """Onsets per beat."""
    feel: str | None
    """``straight`` or ``shuffled``; None where nothing lies between the beats."""
    backbeat: str | None
    """``normal`` (2 and 4), ``half_time`` (3) or ``double_time`` (each offbeat); None where there is none."""
    syncopation: float
    """Share of the onset strength before a rest on a stronger place of the bar, 0 to 1."""
    groove: tuple[float | None, ...]
    """Offset in milliseconds from the straight grid for each sixteenth of a bar; None where nothing is played."""


@dataclass(frozen=True, slots=True)
class Form:
    """The parts and the rhythm of one file, named as in the contract; None where there is none."""

    slices: tuple[Slice, ...] | None = None
    loop_points: tuple[LoopPoints, ...] | None = None
    sections: tuple[Section, ...] | None = None
    rhythm: Rhythm | None = None
