"""How well a sound fits a key and a tempo: what has to be done to it, and the cost of that.

Conventions: tempo in BPM; a key is a tonic, 0 (C) to 11 (B), and a mode; transposition in semitones, tuning in cents
from A4 = 440 Hz. A *rate* is a change of tempo in semitones, 12 log2(new / old), so that it compares with a
transposition: a sound that is repitched changes by the same number of semitones in both.

A transposition is a resampling, which moves pitch and tempo together, and a time-scale modification that brings the
tempo back (Laroche and Dolson, "New phase-vocoder techniques for pitch-shifting, harmonizing and other exotic effects",
WASPAA 1999). Each of the two has a price per semitone: time-scale modification smears attacks and colours tones
(Driedger and Müller, "A Review of Time-Scale Modification of Music Signals", Applied Sciences 6, 2016), resampling
shifts formants and the character of drums. One formula prices them all::

    cost = MODIFICATION * |rate - transposition| + RESAMPLING * |transposition|

Repitching is the case without modification, stretching the case without transposition. Keys that share tones with the
wanted key have a price of their own, as in harmonic mixing by Camelot codes. `docs/finding.md` has the prices.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from typing_extensions import TypedDict

from samplemind_worker.pitches import PITCH_CLASSES

MODIFICATION: Final = 0.6
"""Cost of a time-scale modification, per semitone of the rate."""
RESAMPLING: Final = 0.4
"""Cost of a change of pitch, per semitone; together with the modification a pure transposition costs 1 per semitone."""
OCTAVE_OF_TEMPO: Final = 0.25
"""Cost of half or double time: the beats meet, the density differs."""
UNANSWERED: Final = 0.25
"""Cost of each wanted value that a sound does not have: drums meet any key, and a note any tempo."""
RELATION_COSTS: Final = {"same": 0.0, "relative": 0.5, "neighbour": 1.0, "tonic": 0.0, "chord": 0.25, "scale": 0.5}
"""The first three are for keys: the relative key shares all tones, a neighbour on the Camelot wheel all but one. The
others say what a single note or chord is within the key."""
IN_TUNE: Final = 10.0
"""Cents up to which a sound counts as in tune; intervals that are 20 to 25 cents off are still heard as pure (Vurma and
Ross, "Production and Perception of Musical Intervals", Music Perception 23, 2006)."""
SAME_TEMPO: Final = 0.0005
"""The relative difference up to which a tempo counts as the same: 4 ms within eight seconds."""
TEMPO_FACTORS: Final = ((1.0, "same"), (2.0, "half"), (0.5, "double"))
"""The factor that brings the tempo of a sound to the octave of the wanted one, and what playing it so is called."""

_DEGREES: Final = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_TRIADS: Final = {"major": (0, 4, 7), "minor": (0, 3, 7)}

Key = tuple[int, str]
"""A tonic and a mode."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The key and tempo to be met, and how far a sound may be changed for it."""

    tempo: float | None = None
    keys: tuple[Key, ...] = ()
    """Alternatives; empty if any key will do."""
    shift: int = 2
    """The most semitones of transposition; correcting the tuning does not count."""
    stretch: float = 0.08
    """The largest change of the tempo, as a fraction."""


@dataclass(frozen=True, slots=True)
class Sound:
    """What is compared of a sound; None where it has no such answer."""

    kind: str | None = None
    tempo: float | None = None
    key: Key | None = None
    pitch: int | None = None
    """The MIDI number of a single note."""
    tuning: float | None = None


@dataclass(frozen=True, slots=True)
class Fit:
    """How a sound is made to fit."""

    cost: float
    answers: int
    """How many of the wanted values the sound has itself: what needs no key or tempo fits any."""
    transposition: float
    """Semitones, with the correction of the tuning."""
    steps: int
    """The whole semitones of it that are asked for by the key."""
    old_tempo: float | None
    new_tempo: float | None
    """The tempo at which it is played."""
    time: str
    """``same``, ``half`` or ``double``."""
    relation: str | None
    """How its key or note relates to the wanted key after transposition (`RELATION_COSTS`); None if neither has one."""
    repitched: bool
    """Whether pitch and tempo change together, by playing it at another speed."""
    exact: bool = False
    """Whether nothing has to be done."""

    @property
    def ratio(self) -> float:
        """The new tempo, divided by the old one; 1 if it keeps its tempo or has none."""
        return 1.0 if self.old_tempo is None or self.new_tempo is None else self.new_tempo / self.old_tempo


class FitReport(TypedDict):
    """How a sound is made to fit."""

    cost: float
    """What it takes; 0 if nothing has to be done (docs/finding.md)."""
    recipe: str
    """What to do, in words."""
    transpose: float
    """Semitones, cents of tuning included."""
    tempo_ratio: float
    """The tempo at which it is played over its own."""
    tempo_played: float | None
    """The tempo at which it is played, in BPM; null if it has none."""
    repitch: bool
    """Whether pitch and tempo change together, by playing it at another speed."""
    time: str
    """`same`, `half` or `double` time."""
    key_relation: str | None
    """How its key or note relates to the wanted key then: `same`, `relative` or `neighbour` for a key, `tonic`, `chord`
    or `scale` for a note or chord; null if there is no such relation."""


@dataclass(frozen=True, slots=True)
class _Pitching:
    """One way in which the pitch of a sound can fit."""

    steps: int
    exact: float
    """Semitones, with the correction of the tuning."""
    relation: str


def semitones(ratio: float) -> float:
    """Return a ratio of tempi or frequencies in semitones."""
    return 12.0 * math.log2(ratio)


def related(key: Key) -> tuple[tuple[Key, str], ...]:
    """Return a key, its relative key and its neighbours on the Camelot wheel, each with its relation."""
    tonic, mode = key
    relative = ((tonic + 9) % 12, "minor") if mode == "major" else ((tonic + 3) % 12, "major")
    return (
        (key, "same"),
        (relative, "relative"),
        (((tonic + 7) % 12, mode), "neighbour"),
        (((tonic + 5) % 12, mode), "neighbour"),
    )


def steps_between(tonic: int, target: int) -> int:
    """Return the shortest way from one pitch class to another, in semitones from -6 to 5."""
    return (target - tonic + 6) % 12 - 6


def note_relation(pitch_class: int, key: Key) -> str | None:
    """Return what a single note is within a key: ``tonic``, ``chord`` for its triad, ``scale``, or None."""
    tonic, mode = key
    degree = (pitch_class - tonic) % 12
    if degree == 0:
        return "tonic"
    if degree in _TRIADS[mode]:
        return "chord"
    return "scale" if degree in _DEGREES[mode] else None


def chord_relation(chord: Key, key: Key) -> str | None:
    """Return what a single triad is within a key: ``tonic``, ``scale`` if all its tones belong to it, or None."""
    if chord == key:
        return "tonic"
    root, mode = chord
    inside = all((root + degree - key[0]) % 12 in _DEGREES[key[1]] for degree in _TRIADS[mode])
    return "scale" if inside else None


def fit(sound: Sound, wanted: Wanted) -> Fit | None:
    """Return the cheapest way in which a sound fits; None if it does not, or has nothing that could."""
    if not _answers(sound, wanted):
        return None
    best: Fit | None = None
    for pitching in _pitchings(sound, wanted):
        for tempo, time in _tempi(sound, wanted):
            for found in _ways(sound, wanted, pitching=pitching, tempo=tempo, time=time):
                if best is None or found.cost < best.cost:
                    best = found
    return best


def _answers(sound: Sound, wanted: Wanted) -> int:
    """Count the wanted values that a sound has itself."""
    tonal = sound.key is not None or (sound.pitch is not None and sound.kind == "one_shot")
    return (wanted.tempo is not None and sound.tempo is not None) + (bool(wanted.keys) and tonal)


def _pitchings(sound: Sound, wanted: Wanted) -> Iterator[_Pitching | None]:
    """Yield the ways in which the pitch can fit; None stands for a sound whose pitch is free."""
    if not wanted.keys or (sound.key is None and (sound.pitch is None or sound.kind != "one_shot")):
        yield None
        return
    off = (sound.tuning or 0.0) / 100.0
    for key in wanted.keys:
        for steps, relation in _steps(sound, key, wanted.shift):
            yield _Pitching(steps, steps - off, relation)


def _steps(sound: Sound, key: Key, most: int) -> Iterator[tuple[int, str]]:
    """Yield the transpositions that bring a sound into a key, or into one that is related to it."""
    if sound.key is not None and sound.kind != "one_shot":
        for (tonic, mode), relation in related(key):
            steps = steps_between(sound.key[0], tonic)
            if mode == sound.key[1] and abs(steps) <= most:
                yield steps, relation
        return
    for steps in range(-most, most + 1):
        if sound.key is not None:
            relation = chord_relation(((sound.key[0] + steps) % 12, sound.key[1]), key)
        else:
            relation = note_relation((sound.pitch or 0) + steps, key)
        if relation is not None:
            yield steps, relation


def _tempi(sound: Sound, wanted: Wanted) -> Iterator[tuple[float | None, str]]:
    """Yield the tempi at which a sound can be played, and whether that is half or double time."""
    if sound.tempo is None or wanted.tempo is None:
        yield sound.tempo, "same"
        return
    for factor, time in TEMPO_FACTORS:
        if abs(wanted.tempo / (sound.tempo * factor) - 1.0) <= wanted.stretch:
            yield wanted.tempo / factor, time


def _ways(sound: Sound, wanted: Wanted, *, pitching: _Pitching | None, tempo: float | None, time: str) -> Iterator[Fit]:
    """Yield the ways to reach one tempo and one pitch: with and without repitching."""
    answers = _answers(sound, wanted)
    rate = 0.0 if tempo is None or sound.tempo is None else semitones(tempo / sound.tempo)
    if abs(rate) <= semitones(1.0 + SAME_TEMPO):
        rate, tempo = 0.0, sound.tempo
    steps, relation = (0, None) if pitching is None else (pitching.steps, pitching.relation)
    base = RELATION_COSTS[relation or "same"] + (0.0 if time == "same" else OCTAVE_OF_TEMPO)
    base += UNANSWERED * ((wanted.tempo is not None) + bool(wanted.keys) - answers)

    def way(transposition: float, *, repitched: bool) -> Fit:
        cost = base + RESAMPLING * abs(transposition)
        if not repitched:
            cost += MODIFICATION * abs(rate - transposition)
        exact = not rate and not transposition
        return Fit(
            round(cost, 6), answers, transposition, steps, sound.tempo, tempo, time, relation, repitched, exact=exact
        )

    if pitching is None:
        yield way(0.0, repitched=False)
        if rate and abs(rate) <= wanted.shift:
            yield way(rate, repitched=True)
        return
    asked = pitching.exact if steps or abs(pitching.exact) * 100.0 > IN_TUNE else 0.0
    # A note or chord has no tempo to keep: a sampler plays it at another speed.
    yield way(asked, repitched=bool(asked) and sound.kind == "one_shot" and sound.tempo is None)
    if rate and abs(rate - pitching.exact) * 100.0 <= IN_TUNE:
        yield way(rate, repitched=True)


def recipe(found: Fit) -> str:
    """Say what has to be done: ``as it is``, ``pitch -2, 170 -> 174``, ``repitch: 170 -> 174 is +0.40 semitones``."""
    suffix = "" if found.time == "same" else f" ({found.time} time)"
    moved = found.old_tempo is not None and found.new_tempo is not None and found.ratio != 1.0
    tempo = f"{bpm(found.old_tempo)} -> {bpm(found.new_tempo)}" if moved else ""
    if found.repitched and moved:
        return f"repitch: {tempo} is {found.transposition:+.2f} semitones{suffix}"
    cents = round((found.transposition - found.steps) * 100.0)
    parts = [
        f"pitch {found.steps:+d}" if found.steps else "",
        f"tune {cents:+d} cents" if found.transposition and abs(cents) > IN_TUNE else "",
        tempo,
    ]
    return (", ".join(part for part in parts if part) or "as it is") + suffix


def values(found: Fit) -> FitReport:
    """Return a fit as fields of JSON."""
    return {
        "cost": round(found.cost, 4),
        "recipe": recipe(found),
        "transpose": round(found.transposition, 4),
        "tempo_ratio": round(found.ratio, 6),
        "tempo_played": None if found.new_tempo is None else round(found.new_tempo, 4),
        "repitch": found.repitched,
        "time": found.time,
        "key_relation": found.relation,
    }


def described(wanted: Wanted) -> str:
    """Return what is wanted in words, such as ``A minor at 174 BPM``."""
    keys = " or ".join(f"{PITCH_CLASSES[tonic]} {mode}" for tonic, mode in wanted.keys)
    tempo = "" if wanted.tempo is None else f"{bpm(wanted.tempo)} BPM"
    return " at ".join(part for part in (keys, tempo) if part)


def bpm(tempo: float | None) -> str:
    """Write a tempo with as many of two decimals as it needs."""
    return "" if tempo is None else f"{tempo:.2f}".rstrip("0").rstrip(".")
