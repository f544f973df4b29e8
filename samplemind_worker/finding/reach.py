"""Which sounds can fit a key and a tempo at a given cost: what an index looks up before `fitting` ranks exactly.

A `Reach` holds at least the sounds that fit at that cost. The tuning of a sound is not known beforehand, so any tuning
within a quarter tone is allowed for, and so is what `fitting` counts as in tune.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from samplemind_worker.finding.fitting import (
    IN_TUNE,
    MODIFICATION,
    OCTAVE_OF_TEMPO,
    RELATION_COSTS,
    RESAMPLING,
    SAME_TEMPO,
    TEMPO_FACTORS,
    UNANSWERED,
    Key,
    Wanted,
    chord_relation,
    note_relation,
    related,
    semitones,
    steps_between,
)

_OFF: Final = 0.5 + IN_TUNE / 100.0
"""Semitones between a transposition and its whole steps: a quarter tone of tuning, and what is still in tune."""
_SLACK: Final = semitones(1.0 + SAME_TEMPO)
_ALL_KEYS: Final = tuple((tonic, mode) for mode in ("major", "minor") for tonic in range(12))


@dataclass(frozen=True, slots=True)
class Reach:
    """Sounds that are alike in what they need: all of some keys or notes, within some tempi."""

    keys: tuple[Key, ...] | None = None
    """Their keys; empty for sounds without a key, None for any."""
    pitches: tuple[int, ...] = ()
    """Pitch classes of single notes without a key."""
    tempo: tuple[float, float] | None = None
    """The lowest and the highest tempo; None for any, or none."""
    timeless: bool = False
    """Whether they have no tempo."""


def reaches(wanted: Wanted, cost: float) -> list[Reach]:
    """Return what can fit at a cost up to ``cost``."""
    if not wanted.keys:
        return list(_free(wanted, cost, keys=None))
    if wanted.tempo is None:
        return [*_still(wanted, cost), *_notes(wanted, cost)]
    rest = cost - UNANSWERED
    return [*_tonal(wanted, cost), *_free(wanted, rest, keys=()), *_still(wanted, rest), *_notes(wanted, rest)]


def _tonal(wanted: Wanted, cost: float) -> Iterator[Reach]:
    """Yield what has a key and a tempo: keys that may have the same tempi are taken together."""
    keys_of: dict[tuple[float, float], set[Key]] = defaultdict(set)
    for key, steps, price in _transpositions(wanted):
        for factor, time in TEMPO_FACTORS:
            spare = cost - price - (0.0 if time == "same" else OCTAVE_OF_TEMPO)
            rates = _rates(steps - _OFF, steps + _OFF, spare)
            tempi = None if rates is None else _tempi(wanted, factor, *rates)
            if tempi is not None:
                keys_of[tempi].add(key)
    for tempi, keys in keys_of.items():
        yield Reach(keys=tuple(sorted(keys)), tempo=tempi)


def _transpositions(wanted: Wanted) -> Iterator[tuple[Key, int, float]]:
    """Yield the keys that fit after a transposition, with its steps and the price of the relation."""
    for key in wanted.keys:
        for (tonic, mode), relation in related(key):
            for each in _ALL_KEYS:
                steps = steps_between(each[0], tonic)
                if each[1] == mode and abs(steps) <= wanted.shift:
                    yield each, steps, RELATION_COSTS[relation]


def _rates(low: float, high: float, spare: float) -> tuple[float, float] | None:
    """Return the rates at which a transposition between ``low`` and ``high`` costs at most ``spare``.

    The cheapest rate is that of the smallest transposition, repitched. From there each semitone costs a resampling as
    long as the transposition can follow, and a modification beyond.
    """
    cheapest = min(max(0.0, low), high)
    left = spare - RESAMPLING * abs(cheapest)
    if left < 0.0:
        return None

    def extent(free: float) -> float:
        within = RESAMPLING * free
        return left / RESAMPLING if left <= within else free + (left - within) / MODIFICATION

    below = cheapest - low if cheapest <= 0.0 else 0.0
    above = high - cheapest if cheapest >= 0.0 else 0.0
    return cheapest - extent(below), cheapest + extent(above)


def _free(wanted: Wanted, cost: float, *, keys: tuple[Key, ...] | None) -> Iterator[Reach]:
    """Yield what has a tempo and needs no key."""
    for factor, time in TEMPO_FACTORS:
        spare = cost - (0.0 if time == "same" else OCTAVE_OF_TEMPO)
        most = spare / min(RESAMPLING, MODIFICATION)
        tempi = _tempi(wanted, factor, -most, most) if spare >= 0.0 else None
        if tempi is not None:
            yield Reach(keys=keys, tempo=tempi)


def _tempi(wanted: Wanted, factor: float, low: float, high: float) -> tuple[float, float] | None:
    """Return the tempi from which the wanted one is reached at these rates, within the largest stretch."""
    tempo = (wanted.tempo or 0.0) / factor
    slowest, fastest = tempo / (1.0 + wanted.stretch), tempo / max(1.0 - wanted.stretch, SAME_TEMPO)
    first = max(slowest, tempo / 2.0 ** ((high + _SLACK) / 12.0))
    last = min(fastest, tempo / 2.0 ** ((low - _SLACK) / 12.0))
    return (first, last) if first <= last else None


def _still(wanted: Wanted, cost: float) -> Iterator[Reach]:
    """Yield what has a key and no tempo, or any tempo if none is wanted: sustained sounds, and chords."""
    keys = {key for key, steps, price in _transpositions(wanted) if price + _least(steps) <= cost}
    for key in wanted.keys:
        for steps in range(-wanted.shift, wanted.shift + 1):
            keys |= {
                chord
                for chord in _ALL_KEYS
                if (relation := chord_relation(((chord[0] + steps) % 12, chord[1]), key)) is not None
                and RELATION_COSTS[relation] + _least(steps) <= cost
            }
    if keys:
        yield Reach(keys=tuple(sorted(keys)), timeless=wanted.tempo is not None)


def _notes(wanted: Wanted, cost: float) -> Iterator[Reach]:
    found: set[int] = set()
    for key in wanted.keys:
        for steps in range(-wanted.shift, wanted.shift + 1):
            found |= {
                note
                for note in range(12)
                if (relation := note_relation(note + steps, key)) is not None
                and RELATION_COSTS[relation] + _least(steps) <= cost
            }
    if found:
        yield Reach(keys=(), pitches=tuple(sorted(found)), timeless=True)


def _least(steps: int) -> float:
    return RESAMPLING * max(0.0, abs(steps) - _OFF)


def costliest(wanted: Wanted) -> float:
    """Return a cost that nothing which fits exceeds."""
    rate = 0.0 if wanted.tempo is None else abs(semitones(max(1.0 - wanted.stretch, SAME_TEMPO)))
    shift = wanted.shift + _OFF
    return (
        UNANSWERED + max(RELATION_COSTS.values()) + OCTAVE_OF_TEMPO + MODIFICATION * (rate + shift) + RESAMPLING * shift
    )
