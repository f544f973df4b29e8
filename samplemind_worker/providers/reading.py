"""The numbers of a sample, checked and put into the words that a musician would use.

Whatever is None, not finite or outside the closed lists is left out here, so that no sentence can claim it. Names and
tags of files never get past this module. The limits between words are ours.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts, Kind, Mode
from samplemind_worker.providers.base import Sample

UNSURE = 0.5
"""Below this confidence an answer is given as a guess."""

NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
CYMBALS = frozenset({"hat_closed", "hat_open", "crash", "ride", "shaker"})
DRUMS = CYMBALS | {"kick", "snare", "clap", "rim", "tom", "cowbell", "perc", "drum_loop"}
_INSTRUMENTS = {
    "kick": "kick", "snare": "snare", "clap": "clap", "rim": "rim shot", "hat_closed": "closed hi-hat",
    "hat_open": "open hi-hat", "tom": "tom", "crash": "crash cymbal", "ride": "ride cymbal", "shaker": "shaker",
    "cowbell": "cowbell", "perc": "percussion", "bass": "bass", "synth": "synth", "piano": "piano", "guitar": "guitar",
    "strings": "string", "brass": "brass", "flute": "flute", "organ": "organ", "bell": "bell", "vocal": "vocal",
    "fx": "effect", "drum_loop": "drum", "music_loop": "music", "song": "music",
}  # fmt: skip

_BRIGHTNESS = (
    (500.0, "very dark"),
    (1200.0, "dark"),
    (2200.0, "balanced"),
    (3500.0, "bright"),
    (math.inf, "very bright"),
)
_NOISINESS = ((0.003, "tonal"), (0.03, "slightly noisy"), (0.12, "noisy"), (math.inf, "noise-like"))
_NOISE_CROSSINGS = 0.3  # a share of samples; white noise crosses zero at every second one
_LOUDNESS = ((-30.0, "very quiet"), (-20.0, "quiet"), (-12.0, "moderately loud"), (math.inf, "loud"))
_DYNAMICS = ((8.0, "steady"), (12.0, "moderately dynamic"), (math.inf, "dynamic"))
_TEMPI = (20.0, 500.0)  # BPM; what lies outside is no tempo
_LEVELS = (-150.0, 60.0)  # dB
_HIGHEST_HZ = 1e6
_LONGEST = 1e7  # seconds
_NEARLY = 0.7  # of the best candidate's score
_OCTAVE_SLACK = 0.02
_BEAT_SLACK_SECONDS = 0.03  # a codec's padding is shorter
_BEAT_SLACK = 0.002  # relative: the tempo's own error


@dataclass(frozen=True, slots=True)
class Key:
    """A key, its place on the Camelot wheel where known, and the keys beside it there."""

    tonic: int
    mode: Mode
    camelot: str | None

    @property
    def name(self) -> str:
        """As in "F# minor"."""
        return f"{NOTES[self.tonic]} {self.mode}"

    @property
    def code(self) -> str:
        """As in "F# minor (11A)", or the name alone."""
        return self.name if self.camelot is None else f"{self.name} ({self.camelot})"

    def neighbours(self) -> tuple["Key", "Key", "Key"]:
        """Return the relative key, the one a fifth up and the one a fifth down: those that mix (Camelot's rule)."""
        minor = self.mode == "minor"
        relative: Mode = "major" if minor else "minor"
        return (
            Key((self.tonic + (3 if minor else 9)) % 12, relative, self._beside(0, other="B" if minor else "A")),
            Key((self.tonic + 7) % 12, self.mode, self._beside(1)),
            Key((self.tonic + 5) % 12, self.mode, self._beside(-1)),
        )

    def _beside(self, step: int, *, other: str | None = None) -> str | None:
        if self.camelot is None:
            return None
        hour = (int(self.camelot[:-1]) - 1 + step) % 12 + 1
        return f"{hour}{other or self.camelot[-1]}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What may be said of a sample; None where nothing may."""

    kind: Kind | None
    kind_sure: bool
    instrument: str | None
    """As in the record's closed list."""
    instrument_sure: bool
    seconds: float | None
    channels: int
    sample_rate: int
    silent: bool
    tempo: float | None
    tempo_sure: bool
    other_tempo: float | None
    """The half or double that the sample may as well be counted at."""
    meter: tuple[int, int] | None
    beats: float | None
    """Length in beats, of a loop; whole if ``on_the_beat``."""
    on_the_beat: bool
    key: Key | None
    key_sure: bool
    midi: int | None
    """Pitch of a one-shot."""
    pitch_sure: bool
    cents: float | None
    """How far the pitch, or else the whole tuning, lies above A4 = 440 Hz."""
    centroid: float | None
    rolloff: float | None
    brightness: str | None
    noisiness: str | None
    lufs: float | None
    peak: float | None
    loudness: str | None
    """Of loops and tracks: LUFS say little of a single hit."""
    spread: float | None
    """Peak-to-loudness ratio in LU (AES TD1008)."""
    dynamics: str | None
    warnings: frozenset[str]

    @property
    def drums(self) -> bool:
        """Whether it is known to be drums."""
        return self.sure_instrument in DRUMS

    @property
    def instrument_name(self) -> str | None:
        """The instrument in plain words."""
        return None if self.instrument is None else _INSTRUMENTS[self.instrument]

    @property
    def sure_tempo(self) -> float | None:
        """The tempo, if it is no guess."""
        return self.tempo if self.tempo_sure else None

    @property
    def sure_key(self) -> Key | None:
        """The key, if it is no guess."""
        return self.key if self.key_sure else None

    @property
    def sure_instrument(self) -> str | None:
        """The instrument, if it is no guess."""
        return self.instrument if self.instrument_sure else None

    @property
    def note(self) -> str | None:
        """The pitch of a one-shot as a note; A4 is MIDI 69."""
        return None if self.midi is None else f"{NOTES[self.midi % 12]}{self.midi // 12 - 1}"

    @property
    def bars(self) -> int | None:
        """Length of a loop in whole bars."""
        if not self.on_the_beat or self.beats is None or self.meter is None or self.meter[1] != 4:  # noqa: PLR2004 -- beats are quarters
            return None
        bars, rest = divmod(int(self.beats), self.meter[0])
        return bars if bars and not rest else None


def read(sample: Sample) -> Reading:
    """Check the facts of a sample and put them into words."""
    audio, facts = sample.audio, sample.analysis
    silent = _is_silent(audio, facts)
    seconds = _within(audio.duration, 0.001, _LONGEST)
    one_shot = facts.kind == "one_shot"
    tempo = None if silent or one_shot else _within(facts.tempo, *_TEMPI)
    beats, on_the_beat = _count_beats(seconds, tempo) if facts.kind == "loop" else (None, False)
    key = None if silent else _key(facts)
    midi = facts.pitch_midi if one_shot and not silent and facts.pitch_midi in range(128) else None
    centroid, rolloff = _mean(facts, "centroid_hz"), _mean(facts, "rolloff_hz")
    lufs, peak = _within(audio.loudness_lufs, *_LEVELS), _within(audio.true_peak_dbtp, *_LEVELS)
    spread = None if one_shot or lufs is None or peak is None else peak - lufs
    return Reading(
        kind=facts.kind,
        kind_sure=_sure(facts.kind_confidence),
        instrument=facts.instrument if facts.instrument in _INSTRUMENTS and not silent else None,
        instrument_sure=_sure(facts.instrument_confidence),
        seconds=seconds,
        channels=audio.channels,
        sample_rate=audio.sample_rate,
        silent=silent,
        tempo=tempo,
        tempo_sure=_sure(facts.tempo_confidence),
        other_tempo=_octave(facts, tempo),
        meter=facts.time_signature if tempo is not None and min(facts.time_signature or (0, 0)) > 0 else None,
        beats=beats,
        on_the_beat=on_the_beat,
        key=key,
        key_sure=_sure(facts.key_confidence),
        midi=midi,
        pitch_sure=_sure(facts.pitch_confidence),
        cents=_cents(facts, key=key, midi=midi),
        centroid=centroid,
        rolloff=rolloff if rolloff is not None and centroid is not None and rolloff > centroid else None,
        brightness=_word(_BRIGHTNESS, centroid),
        noisiness=_noisiness(facts),
        lufs=lufs,
        peak=peak,
        loudness=None if one_shot else _word(_LOUDNESS, lufs),
        spread=spread,
        dynamics=_word(_DYNAMICS, spread),
        warnings=frozenset(audio.warnings),
    )


def _within(value: object, low: float, high: float) -> float | None:
    """Return a number between two bounds as a float; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        return None
    return float(value)


def _sure(confidence: float | None) -> bool:
    """Whether an answer is given plainly; one without a confidence is."""
    number = _within(confidence, 0.0, 1.0)
    return number is None or number >= UNSURE


def _mean(facts: AnalysisFacts, feature: str) -> float | None:
    statistics: dict[str, Any] = facts.spectral_features.get(feature, {})
    return _within(statistics.get("mean"), 0.0, _HIGHEST_HZ)


def _word(words: Sequence[tuple[float, str]], value: float | None) -> str | None:
    if value is None:
        return None
    return next((word for limit, word in words if value < limit), None)


def _is_silent(audio: AudioFacts, facts: AnalysisFacts) -> bool:
    """Tell silence (levels were measured and there are none) from what was not measured."""
    measured = "rms" in facts.spectral_features
    return measured and _mean(facts, "rms") is None and _within(audio.loudness_lufs, *_LEVELS) is None


def _noisiness(facts: AnalysisFacts) -> str | None:
    """Name the noisiness by spectral flatness; zero crossings settle the highest degree where hiss is low-passed."""
    flatness, crossings = _mean(facts, "flatness"), _mean(facts, "zero_crossing_rate")
    word = _word(_NOISINESS, flatness)
    return "noise-like" if word == "noisy" and crossings is not None and crossings >= _NOISE_CROSSINGS else word


def _key(facts: AnalysisFacts) -> Key | None:
    if facts.key not in NOTES or facts.mode is None:
        return None
    letter = "A" if facts.mode == "minor" else "B"
    known = facts.camelot in {f"{hour}{letter}" for hour in range(1, 13)}
    return Key(NOTES.index(facts.key), facts.mode, facts.camelot if known else None)


def _cents(facts: AnalysisFacts, *, key: Key | None, midi: int | None) -> float | None:
    """Give the deviation of what surely has a pitch: of a note its own, of music the common tuning."""
    if midi is not None:
        return _within(facts.pitch_cents, -100.0, 100.0) if _sure(facts.pitch_confidence) else None
    return _within(facts.tuning_cents, -100.0, 100.0) if key is not None and _sure(facts.key_confidence) else None


def _count_beats(seconds: float | None, tempo: float | None) -> tuple[float | None, bool]:
    """Return the length in beats, and whether it is whole within the slack."""
    if seconds is None or tempo is None:
        return None, False
    # seconds / (60 s a minute) * beats a minute = beats
    beats = seconds / 60.0 * tempo
    slack = _BEAT_SLACK_SECONDS / 60.0 * tempo + _BEAT_SLACK * beats
    whole = round(beats)
    if whole >= 1 and abs(beats - whole) <= min(slack, 0.25):
        return float(whole), True
    return beats, False


def _octave(facts: AnalysisFacts, tempo: float | None) -> float | None:
    """Return half or double the tempo where a candidate says that it is nearly as likely."""
    if tempo is None:
        return None
    ranked = sorted(facts.tempo_candidates, key=lambda candidate: -candidate.score)
    best = ranked[0].score if ranked else 0.0
    for candidate in ranked:
        other = _within(candidate.tempo, *_TEMPI)
        if other is None or candidate.score < _NEARLY * best:
            continue
        if any(abs(other / (tempo * ratio) - 1.0) < _OCTAVE_SLACK for ratio in (0.5, 2.0)):
            return other
    return None
