"""Checks the numbers of a sample and names them as a musician would.

A value that is None, not finite or outside the closed lists is dropped here, so that no sentence can claim it. Names
and tags of files are not read. The limits between words are our own.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from samplemind_worker import reference
from samplemind_worker.describer.balance import Balance, read_balance
from samplemind_worker.describer.categories import DRUMS, ENDINGS, INSTRUMENTS, Sort, count_hits, sort_of
from samplemind_worker.describer.theory import Key, count_beats
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts, Kind, LoopPoints
from samplemind_worker.documents.samples import Sample
from samplemind_worker.pitches import PITCH_CLASSES, midi_to_hz

PLAIN, LIKELY = 0.7, 0.5
"""An answer is stated plainly from the first confidence on; below the second it is a guess and nothing builds on it."""
DETUNED = 5.0
"""In cents; a smaller deviation needs no tuning."""

_TEMPI = (20.0, 500.0)  # BPM; a value outside is no tempo
_LEVELS = (-150.0, 60.0)  # dB
_HIGHEST_HZ = 1e6
_LONGEST = 1e7  # seconds
_NEARLY = 0.7  # of the best candidate's score
_RIVAL = 0.35
_OCTAVE_SLACK = 0.02
_MEASURED_TO = 9500.0  # Hz; a higher rolloff shows the limit of the analysis, 11 kHz, instead of the sound's
_EVEN = 0.6  # of the mean level
_STRONG_NOTES = 3
_PROGRESSION = 8  # chords that a text lists at most
_MOST_SWING = 4.0
_LOOPS = 0.7  # score from which on a part is worth naming


@dataclass(frozen=True, slots=True)
class Reading:
    """What may be said of a sample; None for what may not."""

    sort: Sort
    kind: Kind | None
    kind_confidence: float
    instrument: str | None
    """A name from the record's closed list."""
    instrument_confidence: float
    seconds: float | None
    channels: int
    sample_rate: int
    tempo: float | None
    tempo_confidence: float
    other_tempo: float | None
    """Half or double the tempo, if it is nearly as likely."""
    meter: tuple[int, int] | None
    beats: float | None
    """Length of a loop in beats; a whole number if ``on_the_beat``."""
    on_the_beat: bool
    first_beat: float | None
    swing: tuple[int, float] | None
    """The notes that swing, 8 or 16, and the length of the first over that of the second."""
    loop: LoopPoints | None
    """The part of a track that repeats best."""
    key: Key | None
    key_confidence: float
    other_key: Key | None
    """The key that is nearly as likely."""
    strong_notes: tuple[str, ...]
    """The notes of its key with the most energy, for music tuned to A = 440 Hz whose key is no guess."""
    chord: str | None
    """The chord of a one-shot, by name, if it is no guess."""
    progression: tuple[str, ...]
    """The chords of a loop, each with its degree, until they repeat; none if one is a guess or they are many."""
    midi: int | None
    """Pitch of a one-shot."""
    pitch_confidence: float
    cents: float | None
    """Deviation in cents of the pitch, or else of the whole tuning, from A4 = 440 Hz."""
    centroid: float | None
    rolloff: float | None
    flatness: float | None
    crossings: float | None
    even: bool | None
    """Whether the level is nearly constant, as in a sustained sound."""
    balance: Balance | None
    lufs: float | None
    peak: float | None
    warnings: frozenset[str]
    hits: int
    """How many sounds a one-shot's file holds."""
    measures: Mapping[str, float]
    """The measures of its character, as `reference` names them."""
    _shares: dict[str, float | None] = field(default_factory=dict[str, float | None], repr=False, compare=False)
    """What `share` has returned: many pieces of advice ask for the same measure."""

    @property
    def silent(self) -> bool:
        """Whether it is silent."""
        return self.sort == "silence"

    @property
    def drums(self) -> bool:
        """Whether it is classified as drums."""
        return self.sure_instrument in DRUMS

    @property
    def instrument_name(self) -> str | None:
        """The spelling of the instrument before a kind."""
        return None if self.instrument is None else INSTRUMENTS[self.instrument]

    @property
    def instrument_noun(self) -> str | None:
        """The instrument as a countable noun: "closed hi-hat", "string note"."""
        if self.instrument is None or self.instrument_name is None:
            return None
        return f"{self.instrument_name}{ENDINGS.get(self.instrument, '')}"

    @property
    def sure_tempo(self) -> float | None:
        """The tempo, if it is no guess."""
        return self.tempo if self.tempo_confidence >= LIKELY else None

    @property
    def sure_key(self) -> Key | None:
        """The key, if it is no guess."""
        return self.key if self.key_confidence >= LIKELY else None

    @property
    def sure_midi(self) -> int | None:
        """The pitch, if it is no guess."""
        return self.midi if self.pitch_confidence >= LIKELY else None

    @property
    def sure_instrument(self) -> str | None:
        """The instrument, if it is no guess."""
        return self.instrument if self.instrument_confidence >= LIKELY else None

    @property
    def mark(self) -> float:
        """A number that differs between samples of equal length and pitch, to choose words by."""
        if self.crossings is not None:
            return 1e5 * self.crossings
        return 100.0 * (self.peak if self.peak is not None else self.seconds or 0.0)

    @property
    def fundamental(self) -> float | None:
        """Frequency in Hz of a pitch that is no guess."""
        midi = self.sure_midi
        return None if midi is None else midi_to_hz(midi + (self.cents or 0.0) / 100.0)

    @property
    def spread(self) -> float | None:
        """Peak-to-loudness ratio in LU (AES TD1008); LUFS say little of a single hit."""
        if self.lufs is None or self.peak is None or self.kind == "one_shot":
            return None
        return self.peak - self.lufs

    @property
    def group(self) -> str:
        """The reference sounds that it is compared with."""
        return reference.group_of(self.sure_instrument, self.kind)

    def group_with(self, measure: str) -> str:
        """Return the nearest group in which a measure is known: few recorded kicks are stereo."""
        return reference.group_of(self.sure_instrument, self.kind, measure)

    def share(self, measure: str) -> float | None:
        """Return the share of the sounds of its group that have less of a measure."""
        if measure not in self._shares:
            value = self.measures.get(measure)
            share = None if value is None else reference.percentile(self.group_with(measure), measure, value)
            self._shares[measure] = share
        return self._shares[measure]

    @property
    def bars(self) -> int | None:
        """Length of a loop in whole bars."""
        if not self.on_the_beat or self.beats is None or self.meter is None or self.meter[1] != 4:  # noqa: PLR2004 -- beats are quarters
            return None
        bars, rest = divmod(int(self.beats), self.meter[0])
        return bars if bars and not rest else None


def read(sample: Sample) -> Reading:
    """Check the facts of a sample and name them."""
    audio, facts = sample.audio, sample.analysis
    silent, one_shot = _is_silent(audio, facts), facts.kind == "one_shot"
    seconds = _within(audio.duration, 0.001, _LONGEST)
    tempo = None if silent or one_shot else _within(facts.tempo, *_TEMPI)
    beats, on_the_beat = count_beats(seconds, tempo) if facts.kind == "loop" else (None, False)
    key = None if silent or one_shot else _key(facts.key, facts.mode)
    if _confidence(facts.key_confidence) < LIKELY and (tempo is None or _confidence(facts.tempo_confidence) < LIKELY):
        key = None  # a guess about what may be no music at all
    midi = facts.pitch_midi if one_shot and not silent and facts.pitch_midi in range(128) else None
    deviation = _cents(facts, key=key, midi=midi)
    centroid, rolloff = _mean(facts, "centroid_hz"), _mean(facts, "rolloff_hz")
    instrument = facts.instrument if facts.instrument in INSTRUMENTS and not silent else None
    balance, even = read_balance(facts), _is_even(facts)
    measures = {} if silent else reference.measures_of(audio, facts)
    hits = count_hits(measures, seconds) if one_shot else 1
    sort: Sort = (
        "silence"
        if silent
        else sort_of(
            kind=facts.kind,
            instrument=instrument if _confidence(facts.instrument_confidence) >= LIKELY else None,
            seconds=seconds or 0.0,
            midi=midi if _confidence(facts.pitch_confidence) >= LIKELY else None,
            centroid=centroid,
            even=bool(even),
            pulse=tempo is not None,
            tonal=key is not None,
            balance=balance,
            hits=hits,
        )
    )
    return Reading(
        sort=sort,
        kind=facts.kind,
        kind_confidence=_confidence(facts.kind_confidence),
        instrument=instrument,
        instrument_confidence=_confidence(facts.instrument_confidence),
        seconds=seconds,
        channels=audio.channels,
        sample_rate=audio.sample_rate,
        tempo=tempo,
        tempo_confidence=_confidence(facts.tempo_confidence),
        other_tempo=_octave(facts, tempo),
        meter=facts.time_signature if tempo is not None and min(facts.time_signature or (0, 0)) > 0 else None,
        beats=beats,
        on_the_beat=on_the_beat,
        first_beat=_first_beat(audio, facts) if tempo is not None else None,
        swing=_swing(facts) if tempo is not None else None,
        loop=_loop(facts) if tempo is not None else None,
        key=key,
        key_confidence=_confidence(facts.key_confidence),
        other_key=_other_key(facts, key),
        strong_notes=_strong_notes(facts, key) if abs(deviation or 0.0) < 25.0 else (),  # noqa: PLR2004 -- half the way to the next half
        chord=_chord(facts) if one_shot and not silent else None,
        progression=_progression(facts) if facts.kind == "loop" and key is not None else (),
        midi=midi,
        pitch_confidence=_confidence(facts.pitch_confidence),
        cents=deviation,
        centroid=centroid,
        rolloff=rolloff if rolloff is not None and rolloff < _MEASURED_TO else None,
        flatness=_mean(facts, "flatness"),
        crossings=_mean(facts, "zero_crossing_rate"),
        even=even,
        balance=balance,
        lufs=_within(audio.loudness_lufs, *_LEVELS),
        peak=_within(audio.true_peak_dbtp, *_LEVELS),
        warnings=frozenset(audio.warnings),
        hits=hits,
        measures=measures,
    )


def _within(value: object, low: float, high: float) -> float | None:
    """Return a number between two bounds as a float; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        return None
    return float(value)


def _confidence(value: float | None) -> float:
    """Return a confidence; an answer without one counts as certain."""
    number = _within(value, 0.0, 1.0)
    return 1.0 if number is None else number


def _mean(facts: AnalysisFacts, feature: str, statistic: str = "mean") -> float | None:
    statistics: dict[str, Any] = facts.spectral_features.get(feature, {})
    return _within(statistics.get(statistic), 0.0, _HIGHEST_HZ)


def _first_beat(audio: AudioFacts, facts: AnalysisFacts) -> float | None:
    """Return the first beat in seconds; None where only the middle of the file was analysed."""
    return _within(facts.beats[0], 0.0, _LONGEST) if facts.beats and not audio.excerpt_start else None


def _swing(facts: AnalysisFacts) -> tuple[int, float] | None:
    """Return the notes that swing, 8 for eighths and 16 for sixteenths, and by how much; None for a straight rhythm."""
    rhythm = facts.rhythm
    if rhythm is None or rhythm.feel != "shuffled" or rhythm.swing_unit not in {8, 16}:
        return None
    ratio = _within(rhythm.swing, 1.0, _MOST_SWING)
    return None if ratio is None else (rhythm.swing_unit, ratio)


def _loop(facts: AnalysisFacts) -> LoopPoints | None:
    """Return the part of a track that repeats best, of more bars if several do so equally."""
    valid = [
        points
        for points in facts.loop_points or ()
        if _within(points.start, 0.0, _LONGEST) is not None
        and _within(points.end, points.start, _LONGEST) is not None
        and (_within(points.score, 0.0, 1.0) or 0.0) >= _LOOPS
    ]
    return max(valid, key=lambda points: (points.score, points.bars), default=None)


def _is_even(facts: AnalysisFacts) -> bool | None:
    mean, spread = _mean(facts, "rms"), _mean(facts, "rms", "std")
    return None if not mean or spread is None else spread < _EVEN * mean


def _is_silent(audio: AudioFacts, facts: AnalysisFacts) -> bool:
    """Return whether levels were measured and found to be none, in contrast to not being measured."""
    measured = "rms" in facts.spectral_features
    return measured and _mean(facts, "rms") is None and _within(audio.loudness_lufs, *_LEVELS) is None


def _key(name: str | None, mode: str | None) -> Key | None:
    if name not in PITCH_CLASSES or mode not in {"major", "minor"}:
        return None
    return Key(PITCH_CLASSES.index(name), "major" if mode == "major" else "minor")


def _other_key(facts: AnalysisFacts, key: Key | None) -> Key | None:
    """Return the second best key if it is nearly as likely."""
    if key is None:
        return None
    ranked = sorted(
        (candidate for candidate in facts.key_candidates if _within(candidate.score, 0.0, 1.0) is not None),
        key=lambda candidate: -candidate.score,
    )
    for candidate in ranked[:2]:
        other = _key(candidate.key, candidate.mode)
        if other is not None and other != key and candidate.score >= _RIVAL * ranked[0].score > 0.0:
            return other
    return None


def _strong_notes(facts: AnalysisFacts, key: Key | None) -> tuple[str, ...]:
    """Name the notes of a key with the most energy, greatest first; notes beside the key may be leakage."""
    if key is None or _confidence(facts.key_confidence) < LIKELY:
        return ()
    chroma: object = facts.spectral_features.get("chroma", {}).get("mean")
    if not isinstance(chroma, list) or len(chroma) != len(PITCH_CLASSES):  # pyright: ignore[reportUnknownArgumentType] -- of anything
        return ()
    values = [_within(value, 0.0, 1.0) for value in chroma]  # pyright: ignore[reportUnknownVariableType] -- of anything
    if any(value is None for value in values):
        return ()
    ranked = sorted(range(len(PITCH_CLASSES)), key=lambda k: -(values[k] or 0.0))
    return tuple(PITCH_CLASSES[k] for k in ranked if PITCH_CLASSES[k] in key.scale())[:_STRONG_NOTES]


def _chord(facts: AnalysisFacts) -> str | None:
    return facts.chord.name if facts.chord is not None and facts.chord.confidence >= LIKELY else None


def _progression(facts: AnalysisFacts) -> tuple[str, ...]:
    spans = facts.chords or []
    names = [f"{span.name} ({span.numeral})" for span in spans]
    for count in range(1, _PROGRESSION + 1):
        if names == (names[:count] * len(names))[: len(names)]:
            return tuple(names[:count]) if all(span.confidence >= LIKELY for span in spans) else ()
    return ()


def _cents(facts: AnalysisFacts, *, key: Key | None, midi: int | None) -> float | None:
    """Return the deviation in cents of a certain pitch: a note's own, or the common tuning of music."""
    if midi is not None:
        return _within(facts.pitch_cents, -100.0, 100.0) if _confidence(facts.pitch_confidence) >= LIKELY else None
    sure = key is not None and _confidence(facts.key_confidence) >= LIKELY
    return _within(facts.tuning_cents, -100.0, 100.0) if sure else None


def _octave(facts: AnalysisFacts, tempo: float | None) -> float | None:
    """Return half or double the tempo if a candidate shows that it is nearly as likely."""
    if tempo is None:
        return None
    ranked = sorted(
        (candidate for candidate in facts.tempo_candidates if math.isfinite(candidate.score)),
        key=lambda candidate: -candidate.score,
    )
    best = ranked[0].score if ranked else 0.0
    for candidate in ranked:
        other = _within(candidate.tempo, *_TEMPI)
        if other is None or candidate.score < _NEARLY * best:
            continue
        if any(abs(other / (tempo * ratio) - 1.0) < _OCTAVE_SLACK for ratio in (0.5, 2.0)):
            return other
    return None
