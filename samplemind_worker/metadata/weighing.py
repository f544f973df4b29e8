"""Combines statements about a sample with the estimates from its sound.

Each possible answer has a weight. The weight of an estimate is its confidence or score; a stated answer has at least a
small prior weight, which depends on its relation to the estimates. A statement multiplies the weight of its answer by
its odds (`evidence.ODDS`). The answer with the greatest weight is chosen, and its share of all weights is the new
confidence. So a statement that agrees with the sound raises the confidence, a stated octave decides where the sound
leaves it open, and a statement that clearly contradicts the sound is reported but not believed.

Conventions: as in `dsp.types`. The weights below are priors by reasoning, not fitted to any collection of files.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from samplemind_worker.dsp.instrument import DRUMS, SOUNDS, TONES
from samplemind_worker.dsp.types import Estimates
from samplemind_worker.metadata.choosing import choose, note_source
from samplemind_worker.metadata.evidence import Statement
from samplemind_worker.metadata.said import About
from samplemind_worker.pitches import PITCH_CLASSES, camelot, note_name

_UNRELATED = 0.02
"""Prior weight of a stated answer that is unrelated to every estimate."""
_UNHEARD = 0.15
"""Prior weight of a stated answer where the sound gives none; "no answer" has weight 1."""

_SAME_TEMPO = 0.02
"""Relative tolerance between tempi; names round to whole BPM."""
_TEMPO_OCTAVES: Final = (2.0, 0.5, 4.0, 0.25)
_TEMPO_OCTAVE = 0.2
"""Ratios between metrical levels: the level is partly a matter of taste, and the most frequent error of estimates."""
_TEMPO_TRIPLETS: Final = (1.5, 2 / 3, 3.0, 1 / 3, 4 / 3, 0.75)
_TEMPO_TRIPLET = 0.1
_TEMPO_OF_BARS = 0.1
"""Prior weight of a stated tempo at which a loop is whole bars long: one unrelated tempo in eighty achieves that."""
_KEY_RELATIVE = 0.2
"""Prior weight of the relative key, which shares the notes, and of the parallel key, which shares the tonic."""
_KEY_FIFTH = 0.05
_OTHER_OCTAVE = 0.2
_OTHER_INSTRUMENT = 0.05
_RELATED_INSTRUMENT = 0.2
"""Prior weight of an instrument that is often taken for the one that was heard."""
_OTHER_LOOP = 0.3
"""Prior weight of a stated music loop where a drum loop was heard, or the reverse: bass lines are taken for drums."""
_UNNAMED = 0.3
"""Prior weight of a stated instrument where none was heard: most of these sounds have one."""
_CONFUSED: Final = (
    frozenset({"kick", "tom", "bass"}),
    frozenset({"snare", "clap", "rim", "perc", "tom"}),
    frozenset({"hat_closed", "hat_open", "ride", "crash", "shaker"}),
    frozenset({"rim", "cowbell", "perc", "bell"}),
    frozenset(TONES),
    frozenset({"vocal", "voice"}),
    frozenset({"voice", "ambience", "fx"}),
)
"""Instruments that are taken for each other."""
_LOOPS: Final = frozenset({"drum_loop", "music_loop"})
_DRUMS: Final = frozenset({*DRUMS, "hat"})
_WHOLE_BARS = 3.0
"""Odds for a tempo at which a loop is a whole number of bars long; about one wrong tempo in twenty achieves that."""
_BEATS_OFF = 0.025
_EXACT_BPM = 0.1
"""Largest relative deviation at which the length of a loop corrects a stated tempo."""

_ANY_HAT = "hat"

Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Weighed:
    """The answers after weighing."""

    estimates: Estimates
    provenance: Mapping[str, str]
    """The source of each answer: ``audio``, a source of statements, or several of them joined by ``+``."""
    verdicts: tuple[tuple[Statement, bool], ...]
    """Each statement, and whether the answer is what it says."""


def weigh(
    heard: Estimates,
    statements: Sequence[Statement],
    *,
    duration: float,
    hear_as: Callable[[str], Estimates] | None = None,
) -> Weighed:
    """Weigh all statements.

    Parameters
    ----------
    heard : Estimates
        From the sound alone.
    statements : sequence of Statement
    duration : float
        Seconds of the whole file.
    hear_as : callable
        Estimates of the same sound under the assumption that it is of the given kind; called where the statements
        overrule the estimated kind. Without it they cannot overrule it.

    Returns
    -------
    Weighed
        For silence no statement is believed.
    """
    provenance: dict[str, str] = {}
    found = heard
    if statements and heard.kind is not None:
        by: dict[About, list[Statement]] = {}
        for one in statements:
            by.setdefault(one.about, []).append(one)
        found = _weigh_kind(heard, by.get("kind", []), provenance, hear_as)
        found = _weigh_tempo(found, by.get("tempo", []), provenance, duration=duration)
        found = _weigh_key(found, by.get("key", []), provenance, said_drums=_says_drums(by.get("instrument", [])))
        found = _weigh_pitch(found, by.get("pitch", []), provenance)
        found = _weigh_instrument(found, by.get("instrument", []), provenance)
    for name in ("tempo", "key"):
        if getattr(found, name) is not None:
            provenance.setdefault(name, "audio")
    return Weighed(found, provenance, tuple((one, _is_said(found, one)) for one in statements))


def _weigh_kind(
    found: Estimates, said: Sequence[Statement], provenance: dict[str, str], hear_as: Callable[[str], Estimates] | None
) -> Estimates:
    if not said or found.kind is None or found.kind_confidence is None or hear_as is None:
        return found
    confidence = found.kind_confidence
    other = "one_shot" if found.kind == "loop" else "loop"
    choice = choose(
        {found.kind: confidence, other: 1.0 - confidence},
        [(one, str(one.said.value)) for one in said],
        confidence=1.0,
        prior=lambda _: _UNRELATED,
    )
    if choice is None:
        return found
    is_heard = choice.value == found.kind
    if choice.believed:
        note_source(provenance, "kind", replace(choice, is_heard=is_heard))
    again = found if is_heard else hear_as(choice.value)
    return replace(again, kind=choice.value, kind_confidence=choice.confidence)


def _weigh_tempo(
    found: Estimates, said: Sequence[Statement], provenance: dict[str, str], *, duration: float
) -> Estimates:
    if not said or found.kind == "one_shot":
        return found
    heard = {tempo: score for tempo, score in found.tempo_candidates if found.tempo is not None}
    claims = _tempo_claims(said, heard)
    choice = choose(
        heard,
        claims,
        confidence=found.tempo_confidence or 0.0,
        prior=lambda tempo: max(
            _tempo_prior(tempo, found.tempo),
            _TEMPO_OF_BARS if found.kind == "loop" and _is_bars(tempo, duration) else 0.0,
        ),
        fits=lambda tempo: _WHOLE_BARS if not heard and found.kind == "loop" and _is_bars(tempo, duration) else 1.0,
    )
    if choice is None:
        return found
    tempo = choice.value
    if choice.believed:
        stated = float(choice.believed[0].said.value)
        # An estimated tempo at which the loop has whole beats is exact.
        if not (choice.is_heard and _is_whole(tempo * duration / 60.0) and abs(stated - tempo) > _EXACT_BPM):
            tempo = stated
    note_source(provenance, "tempo", choice)
    return replace(_at_tempo(found, tempo, duration=duration), tempo_confidence=choice.confidence)


def _tempo_claims(said: Sequence[Statement], heard: Mapping[float, float]) -> list[tuple[Statement, float]]:
    """Map each statement to its answer: to an equal estimate where there is one, or else to the stated value."""
    known = list(heard)
    claims: list[tuple[Statement, float]] = []
    for one in sorted(said, key=lambda one: -one.odds):
        tempo = float(one.said.value)
        near = min(known, key=lambda other: abs(other / tempo - 1.0), default=tempo)
        if abs(near / tempo - 1.0) > _SAME_TEMPO:
            near = tempo
        known.append(near)
        claims.append((one, near))
    return claims


def _tempo_prior(tempo: float, heard: float | None) -> float:
    if heard is None:
        return _UNHEARD
    for levels, weight in ((_TEMPO_OCTAVES, _TEMPO_OCTAVE), (_TEMPO_TRIPLETS, _TEMPO_TRIPLET)):
        if any(abs(tempo / heard / level - 1.0) <= _SAME_TEMPO for level in levels):
            return weight
    return _UNRELATED


def _is_bars(tempo: float, duration: float) -> bool:
    bars = tempo * duration / 240.0  # beats a minute * seconds / (60 seconds a minute * 4 beats a bar)
    return round(bars) > 0 and abs(bars - round(bars)) * 4.0 <= _BEATS_OFF


def _is_whole(beats: float) -> bool:
    return abs(beats - round(beats)) < 1e-3  # noqa: PLR2004 -- what rounding leaves of a length in whole frames


def _at_tempo(found: Estimates, tempo: float, *, duration: float) -> Estimates:
    """Return the estimates at another tempo, with beats, beat count and meter adapted to it."""
    if found.tempo is not None and abs(tempo / found.tempo - 1.0) < 1e-9:  # noqa: PLR2004 -- the same number
        return found
    beats = tempo * duration / 60.0
    in_loop = None
    if found.kind == "loop" and (found.beats_in_loop is not None or found.tempo is None):
        in_loop = round(beats) if abs(beats - round(beats)) <= _BEATS_OFF and round(beats) else None
    grid: tuple[float, ...] = ()
    if found.tempo is not None and found.beats:
        period, end = 60.0 / tempo, found.beats[-1] + 60.0 / found.tempo
        first = found.beats[0] % period if period < 60.0 / found.tempo else found.beats[0]
        grid = tuple(first + k * period for k in range(max(0, math.ceil((end - first) / period - 1e-6))))
    level = 1.0 if found.tempo is None else math.log2(tempo / found.tempo)
    keeps_bar = found.tempo is not None and abs(level - round(level)) < math.log2(1.0 + _SAME_TEMPO)
    return replace(
        found,
        tempo=tempo,
        beats=grid,
        beats_in_loop=in_loop,
        time_signature=found.time_signature if keeps_bar else None,
    )


def _weigh_key(
    found: Estimates, said: Sequence[Statement], provenance: dict[str, str], *, said_drums: bool
) -> Estimates:
    if found.kind == "one_shot":
        # A single note has a pitch, and a chord that was heard has a key: what is neither may take that of its name.
        is_open = found.pitch_midi is None and found.chord is None and found.instrument not in {*DRUMS, *SOUNDS}
        said = [one for one in said if is_open and not said_drums and one.said.clarity == "clear"]
    if not said or (found.key is None and said_drums):
        return found
    heard = {(PITCH_CLASSES.index(key), mode): score for key, mode, score in found.key_candidates}
    claims: list[tuple[Statement, Key]] = []
    for one in said:
        tonic = int(one.said.value)
        mode = one.said.mode or next((mode for key, mode in heard if key == tonic), None)
        if mode is not None:
            claims.append((one, (tonic, mode)))
    top = next(iter(heard), None)
    confidence = found.key_confidence or next(iter(heard.values()), 0.0)
    choice = choose(heard, claims, confidence=confidence, prior=lambda key: _key_prior(key, top))
    # What was too unlikely to be reported stays so, unless it is stated.
    if choice is None or (found.key is None and not choice.believed):
        return found
    tonic, mode = choice.value
    note_source(provenance, "key", choice)
    is_new = found.key is None
    return replace(
        found,
        key=PITCH_CLASSES[tonic],
        mode=mode,
        key_confidence=choice.confidence,
        camelot=camelot(tonic, mode),
        # A sound with a key is not drums.
        instrument="music_loop" if is_new and found.instrument == "drum_loop" else found.instrument,
        instrument_confidence=choice.confidence
        if is_new and found.instrument == "drum_loop"
        else found.instrument_confidence,
    )


def _key_prior(key: Key, top: Key | None) -> float:
    if top is None:
        return _UNHEARD
    apart = (key[0] - top[0]) % 12
    if key[1] == top[1]:
        return _KEY_FIFTH if apart in {5, 7} else _UNRELATED
    # C major and A minor share their notes, C major and C minor their tonic.
    is_relative = apart == (9 if top[1] == "major" else 3)
    return _KEY_RELATIVE if is_relative or not apart else _UNRELATED


def _weigh_pitch(found: Estimates, said: Sequence[Statement], provenance: dict[str, str]) -> Estimates:
    if not said or found.kind != "one_shot" or found.chord is not None:
        return found
    midi = found.pitch_midi
    heard = {} if midi is None else {midi: found.pitch_confidence or 0.0}
    claims: list[tuple[Statement, int]] = []
    for one in said:
        if one.note is not None:
            claims.append((one, one.note))
        elif midi is not None and midi % 12 == int(one.said.value):
            claims.append((one, midi))  # names count octaves in several ways

    def _prior(note: int) -> float:
        if midi is None:
            return _UNHEARD
        return _OTHER_OCTAVE if (note - midi) % 12 == 0 else _UNRELATED

    choice = choose(heard, claims, confidence=found.pitch_confidence or 0.0, prior=_prior)
    if choice is None or not choice.believed:
        return found if choice is None else replace(found, pitch_confidence=choice.confidence)
    note_source(provenance, "pitch", choice)
    return replace(
        found,
        pitch_midi=choice.value,
        pitch_note=note_name(choice.value),
        pitch_cents=found.pitch_cents if midi is not None and (choice.value - midi) % 12 == 0 else None,
        pitch_confidence=choice.confidence,
    )


def _weigh_instrument(found: Estimates, said: Sequence[Statement], provenance: dict[str, str]) -> Estimates:
    claims = [(one, name) for one in said if (name := _instrument_of(one, found)) is not None]
    if not claims:
        return found
    heard = {} if found.instrument is None else {found.instrument: found.instrument_confidence or 0.0}
    choice = choose(
        heard,
        claims,
        confidence=found.instrument_confidence or 0.0,
        prior=lambda name: _instrument_prior(name, found.instrument),
    )
    if choice is None:
        return found
    if choice.believed:
        note_source(provenance, "instrument", choice)
    if choice.value == "drum_loop" and not choice.is_heard:
        provenance.pop("key", None)
        found = replace(
            found,
            key=None,
            mode=None,
            key_confidence=None,
            key_candidates=(),
            camelot=None,
            tuning_cents=None,
            chords=(),
        )
    return replace(found, instrument=choice.value, instrument_confidence=choice.confidence)


def _instrument_of(statement: Statement, found: Estimates) -> str | None:
    """Return what a stated instrument says of a sound of this kind, if anything."""
    name = str(statement.said.value)
    if found.kind == "loop":
        # Loops are of several drums, or of music.
        return name if name in _LOOPS else "drum_loop" if name in _DRUMS else "music_loop" if name in TONES else None
    if found.kind != "one_shot" or name in _LOOPS:
        return None
    if name == _ANY_HAT:
        is_hat = (found.instrument or "").startswith(f"{_ANY_HAT}_")
        return found.instrument if is_hat else "hat_closed"
    return name


def _instrument_prior(name: str, heard: str | None) -> float:
    if heard is None:
        return _UNNAMED
    if {name, heard} <= _LOOPS:
        return _OTHER_LOOP
    return _RELATED_INSTRUMENT if any({name, heard} <= group for group in _CONFUSED) else _OTHER_INSTRUMENT


def _says_drums(said: Sequence[Statement]) -> bool:
    return any(one.said.value in {*_DRUMS, "drum_loop"} for one in said)


def _is_said(found: Estimates, statement: Statement) -> bool:
    """Tell whether the answers agree with a statement."""
    value = statement.said.value
    match statement.about:
        case "tempo":
            return found.tempo is not None and abs(found.tempo / float(value) - 1.0) <= _SAME_TEMPO
        case "key":
            is_tonic = found.key is not None and found.key == PITCH_CLASSES[int(value)]
            return is_tonic and statement.said.mode in {None, found.mode}
        case "pitch":
            is_class = found.pitch_midi is not None and found.pitch_midi % 12 == int(value)
            return is_class and statement.note in {None, found.pitch_midi}
        case "kind":
            return found.kind == value
        case "instrument":
            return found.instrument is not None and _instrument_of(statement, found) == found.instrument
