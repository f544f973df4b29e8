"""Measures the rhythm of a loop or track: swing, density, feel, backbeat, syncopation, groove.

Conventions: places of onsets are fractions of a beat or of a bar; strengths are relative, 0 to 1.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.tempo_model import RATE
from samplemind_worker.dsp.types import Features, Rhythm

F64 = npt.NDArray[np.float64]

_NEAR = 0.1  # of a beat: onsets this near to a beat are on it
_FOLLOW = 0.2  # of its distance to the next beat: how fast the grid follows a player
_PLACES = np.arange(0.5, 0.7001, 0.005)  # of the second of two notes that swing; 0.667 in triplets
_CLIP = 0.12  # of a beat: a note that is farther from the grid says no more than this
_SIMPLER = 0.006  # of a beat: by so much the finer grid must be nearer
_SHUFFLED = 1.2  # ratio from which on a listener hears a swing
_NEARER = 0.7  # of its distance from the straight grid: so near a rhythm must be to one that swings
_FEWEST = 4  # onsets
_HEARD = 0.04  # of all strength: less on a place of the bar is chance
_BINS = 480  # of a beat
_EIGHTHS = 8
"""Per bar of four beats."""
_AROUND = 0.075  # of a beat: how far from its place a hit is looked for
_APART = 0.15  # of the strongest hit: less is not told from the bass drum
# Bars of a track are laid by chance on any beat, so the pattern counts, not its first beat.
_BACKBEATS = {
    "normal": (frozenset({2, 6}), frozenset({0, 4})),
    "half_time": tuple(frozenset({place}) for place in (0, 2, 4, 6)),
    "double_time": (frozenset({1, 3, 5, 7}),),
}
_WEIGHTS = {4: (0, -4, -3, -4, -2, -4, -3, -4, -1, -4, -3, -4, -2, -4, -3, -4),
            3: (0, -4, -3, -4, -2, -4, -3, -4, -2, -4, -3, -4)}  # fmt: skip
"""Metrical weights of the sixteenths of a bar (Longuet-Higgins and Lee)."""


def estimate_rhythm(
    features: Features, onsets: tuple[F64, F64], *, tempo: float, beats: F64, per_bar: int = 4
) -> Rhythm | None:
    """Measure how the onsets lie on the beat.

    Parameters
    ----------
    features : Features
    onsets : tuple of ndarray of float64
        Times and strengths, see `find_onsets`.
    tempo : float
        In BPM.
    beats : ndarray of float64, shape (n,)
        Times of the beats in seconds, the first one on the first beat of a bar.
    per_bar : int
        Beats per bar, 3 or 4.

    Returns
    -------
    Rhythm or None
        None if fewer than four onsets lie on the grid.

    References
    ----------
    Dittmar, Pfleiderer and Mueller, "Automated estimation of ride cymbal swing ratios in jazz recordings", 2015 (ratio
    of two notes); Longuet-Higgins and Lee, "The rhythmic interpretation of monophonic music", 1984 (syncopation).
    """
    times, strengths = onsets
    if len(times) < _FEWEST or len(beats) < 2:  # noqa: PLR2004 -- one beat has no length
        return None
    period = 60.0 / tempo
    places = _places(times, strengths, beats, period)
    inside = (places >= -_NEAR) & (places < len(beats) - _NEAR)
    places, strengths = places[inside], strengths[inside]
    if len(places) < _FEWEST:
        return None
    swing, unit = _swing(places, strengths)
    straight = _straightened(places, swing, unit)
    slots = np.rint(straight * 4.0).astype(np.int64)
    size = 4 * per_bar
    return Rhythm(
        swing=None if swing is None else round(swing, 2),
        swing_unit=unit,
        density=round(len(places) / len(beats), 2),
        feel=None if swing is None else "shuffled" if swing >= _SHUFFLED else "straight",
        backbeat=_backbeat(features, beats, period) if per_bar == 4 else None,  # noqa: PLR2004 -- 2 and 4 need four
        syncopation=round(_syncopation(slots, strengths, size), 2),
        groove=_groove(places, slots, strengths, size, period),
    )


def _places(times: F64, strengths: F64, beats: F64, period: float) -> F64:
    """Return the places of onsets in beats, on a grid that follows the player slowly."""
    off = np.zeros(len(beats))
    drift = _lateness(times, strengths, beats, period)
    at, hits, sizes = beats.tolist(), times.tolist(), strengths.tolist()
    reach = _NEAR * period
    first = 0
    for k, beat in enumerate(at):
        expected = beat + drift
        while first < len(hits) and hits[first] <= expected - reach:
            first += 1
        best = first
        for j in range(first, len(hits)):
            if hits[j] >= expected + reach:
                break
            if sizes[j] > sizes[best]:
                best = j
        if best < len(hits) and hits[best] < expected + reach:
            drift += _FOLLOW * (hits[best] - expected)
        off[k] = drift
    # The same backwards, so that the grid does not lag.
    back = off.tolist()
    for k in range(len(back) - 2, -1, -1):
        back[k] += 0.5 * (back[k + 1] - back[k])
    grid = beats + np.array(back)
    index = np.arange(len(grid), dtype=np.float64)
    inner = np.interp(times, grid, index)
    before, after = times < grid[0], times > grid[-1]
    inner[before] = (times[before] - grid[0]) / period
    inner[after] = index[-1] + (times[after] - grid[-1]) / period
    return inner


def _lateness(times: F64, strengths: F64, beats: F64, period: float) -> float:
    """Return the weighted mean distance of onsets from the beats that they are on."""
    off = times - beats[np.abs(times[:, None] - beats).argmin(axis=1)]
    on = np.abs(off) < _NEAR * period
    return float(np.average(off[on], weights=strengths[on])) if on.any() else 0.0


def _swing(places: F64, strengths: F64) -> tuple[float | None, int | None]:
    """Return the ratio of two notes and which notes they are; None where nothing lies between the beats.

    The ratio is 1 where a grid that swings is not clearly nearer: a few onsets lie near some grid by chance.
    """
    phase = places % 1.0
    between = (phase > _NEAR) & (phase < 1.0 - _NEAR)
    if strengths[between].sum() < _HEARD * strengths.sum() or between.sum() < 2:  # noqa: PLR2004 -- one may be chance
        return None, None
    # The cost of each grid is a sum over the phases: the mean distance to the nearest place, which is clipped.
    counts = np.bincount((phase[between] * _BINS).astype(np.int64), weights=strengths[between], minlength=_BINS)
    costs = _costs() @ counts / counts.sum()
    best = int(costs.argmin())
    unit, place = (_EIGHTHS, 2 * _EIGHTHS)[best // len(_PLACES)], float(_PLACES[best % len(_PLACES)])
    refined, late = _refined(phase[between], strengths[between], place, unit)
    ratio = refined / (1.0 - refined)
    straight = min(costs[0], costs[len(_PLACES)])
    chance = late < _FEWEST or costs[best] > _NEARER * straight
    return (1.0 if ratio >= _SHUFFLED and chance else ratio), unit


@lru_cache(maxsize=1)
def _costs() -> F64:
    """Return the cost of each phase for each grid: first those on which eighths swing, then sixteenths."""
    phases = (np.arange(_BINS) + 0.5) / _BINS
    rows = [np.abs(phases[:, None] - np.array([0.0, place, 1.0])).min(axis=1) for place in _PLACES]
    for place in _PLACES / 2.0:
        grid = np.array([0.0, place, 0.5, 0.5 + place, 1.0])
        rows.append(np.abs(phases[:, None] - grid).min(axis=1) + _SIMPLER)
    return np.minimum(np.stack(rows), _CLIP)


def _refined(phase: F64, strengths: F64, place: float, unit: int) -> tuple[float, int]:
    """Return the weighted mean place of the notes that swing, and how many there are."""
    at = phase if unit == _EIGHTHS else (phase * 2.0) % 1.0
    near = np.abs(at - place) < _CLIP
    return float(np.average(at[near], weights=strengths[near])) if near.any() else place, int(near.sum())


def _straightened(places: F64, swing: float | None, unit: int | None) -> F64:
    """Return the places as they would be without swing."""
    if swing is None or unit is None or swing < _SHUFFLED:
        return places
    split = swing / (1.0 + swing)
    notes = 1 if unit == _EIGHTHS else 2
    whole, part = np.floor(places * notes), (places * notes) % 1.0
    straight = np.where(part < split, part / split * 0.5, 0.5 + (part - split) / (1.0 - split) * 0.5)
    return (whole + straight) / notes


def _syncopation(slots: npt.NDArray[np.int64], strengths: F64, size: int) -> float:
    """Return the share of onsets that are held over a stronger place, weighted by how much stronger it is."""
    weights = _WEIGHTS[size // 4]
    played, last = set(slots.tolist()), int(slots.max())
    total = 0.0
    for slot, strength in zip(slots.tolist(), strengths.tolist(), strict=True):
        own, strongest = weights[slot % size], -9
        place = slot + 1
        while place not in played and place < last and place - slot < size // 2:
            strongest = max(strongest, weights[place % size])
            place += 1
        total += strength * max(0, strongest - own)
    # Four levels is the most that a note can be held over.
    return min(total / (4.0 * max(float(strengths.sum()), 1e-12)), 1.0)


def _groove(
    places: F64, slots: npt.NDArray[np.int64], strengths: F64, size: int, period: float
) -> tuple[float | None, ...]:
    """Return the mean offset of each sixteenth in milliseconds."""
    found: list[float | None] = []
    least = _HEARD * float(strengths.sum()) / size
    for slot in range(size):
        here = slots % size == slot
        weight = float(strengths[here].sum())
        if weight <= least:
            found.append(None)
            continue
        offset = float(np.average(places[here] - slots[here] / 4.0, weights=strengths[here]))
        found.append(round(1000.0 * offset * period, 1) + 0.0)
    return tuple(found)


def _backbeat(features: Features, beats: F64, period: float) -> str | None:
    """Return where in the bar the snare is played; None where nothing is played at such places alone."""
    whole = len(beats) // 4 * 4
    eighths = np.stack([beats[:whole], beats[:whole] + period / 2.0], axis=1).ravel()
    if len(eighths) < 2 * _EIGHTHS:
        return None
    count = features.onset.shape[1]
    reach = max(1, round(_AROUND * period * RATE))
    frames = np.minimum(np.rint(eighths * RATE).astype(np.int64), count - 1)
    # Every second stretch is about an eighth; reduceat takes the others, too.
    ends = np.stack([np.maximum(frames - reach, 0), np.minimum(frames + reach + 1, count - 1)], axis=1).ravel()
    low = np.maximum.reduceat(features.onset[1], ends)[::2].astype(np.float64)
    # What sounds in the middle and above at once is a snare or a clap, not a hat or a bass.
    both = np.minimum(features.onset[2], features.onset[3])
    snare = np.maximum.reduceat(both, ends)[::2].astype(np.float64)
    if low.max() <= 0.0 or snare.max() <= 0.0:
        return None
    apart = np.maximum(snare / snare.max() - low / low.max(), 0.0).reshape(-1, _EIGHTHS).mean(axis=0)
    if apart.max() < _APART:
        return None
    played = frozenset(np.flatnonzero(apart > 0.5 * apart.max()).tolist())
    return next((name for name, places in _BACKBEATS.items() if played in places), None)
