"""Estimates the tempo of loops and tracks.

Conventions: tempi in BPM, 45 to 230; periods in frames of the onset strength (sr / 128 per second); candidates sorted
by score, best first. `candidates` proposes periods, `tempo_model.describe` measures each of them, and boosted trees
turn each row of measures into the probability that the period is the right one.
"""

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp import _trees, tempo_model
from samplemind_worker.dsp.tempo_model import RATE, Pulse
from samplemind_worker.dsp.types import Features, TempoEstimate
from samplemind_worker.dsp.units import SR

F64 = npt.NDArray[np.float64]

SLOWEST, FASTEST = 45.0, 230.0

_RATIOS = np.array([1.0, 0.5, 2.0, 1 / 3, 3.0, 2 / 3, 1.5, 0.75, 4 / 3])
_PEAKS = 8
_SAME_LEVEL = 0.04  # relative; the tolerance of mir_eval and of the literature
_NEAR = 0.0015  # relative; nearer periods are one candidate
_TEMPI = 5  # candidates that are reported
_UNSURE = 1e-4  # log odds beyond that of this probability say nothing more
_WHOLE = 0.004  # relative; a loop this near to whole bars is meant to be as long as they are
_UNDECIDED = 1.5  # log odds between the two likeliest tempi below which the excerpts of a track vote
_DOUBTFUL = 3.0  # the same, below which the trees that learned on other clips are asked
_EXCERPT_SECONDS = 15.0
_EARLY = 0.05  # of a period; a beat this shortly before the end of a loop is the first beat of its repetition


def comb(pulse: Pulse, lags: F64) -> F64:
    """Return the autocorrelation at one to four times each lag, averaged over these and over all ranges."""
    mean = pulse.correlation.mean(axis=0)
    places = lags * np.arange(1, 5)[:, None]
    inside = places < len(mean) - 1
    values = np.interp(np.where(inside, places, 0.0), np.arange(len(mean)), mean)
    return (values * inside).sum(axis=0) / np.maximum(inside.sum(axis=0), 1)


def candidates(pulse: Pulse) -> F64:
    """Propose beat periods in frames: fractions of the loop, peaks of the comb, their octave and triplet relatives."""
    grid = 60.0 * RATE / np.geomspace(SLOWEST, FASTEST, 400)
    salience = comb(pulse, grid)
    peaks = np.flatnonzero((salience[1:-1] > salience[:-2]) & (salience[1:-1] >= salience[2:])) + 1
    peaks = peaks[np.argsort(-salience[peaks], kind="stable")][:_PEAKS]
    mean = pulse.correlation.mean(axis=0)
    found = np.array([_trees.follow_period(mean, float(grid[k])) for k in peaks])
    periods = (found[:, None] * _RATIOS).ravel()
    parts = pulse.duration * RATE / np.arange(1, 129) if pulse.looped else np.zeros(0)
    low, high = 60.0 * RATE / FASTEST, 60.0 * RATE / SLOWEST
    parts = parts[(parts >= low) & (parts <= high)]
    periods = periods[(periods >= low) & (periods <= high)]
    # Of nearly equal periods the fraction of the loop stays, or else the higher peak.
    ordered = np.concatenate((parts, periods))
    distances = np.abs(np.log(ordered[:, None] / ordered))
    twice = np.tril(distances < _NEAR, -1).any(axis=1)
    return ordered[~twice]


def exact(pulse: Pulse, period: float) -> tuple[float, int | None]:
    """Return the period and the number of beats of a loop; for others the period refined by its multiples, and None."""
    if not pulse.looped:
        return period, None
    beats = pulse.duration * RATE / period
    bars = 4 * round(beats / 4)
    if bars and abs(beats / bars - 1.0) < _WHOLE:
        return pulse.duration * RATE / bars, bars
    whole = round(beats)
    if abs(beats / whole - 1.0) > 1e-6:  # noqa: PLR2004 -- it was not proposed as a fraction of the loop
        return period, None
    # The length is no whole number of bars, so it may be chance: onsets that clearly disagree decide.
    followed = _trees.follow_period(pulse.correlation.mean(axis=0), period)
    if 0.001 < abs(followed / period - 1.0) < 0.01:  # noqa: PLR2004 -- beyond that it is another period
        return followed, None
    return period, whole


def _odds(chances: F64) -> F64:
    return np.array([_log_odds(chance) for chance in chances.tolist()])


def settled(model: tempo_model.Model, rows: npt.NDArray[np.float32], periods: F64, chances: F64) -> F64:
    """Return the chances; those of the likeliest tempo go to another that is nearly as likely if more trees prefer it.

    What only habit decides is the level. Trees that learned on different material err about it in different ways, so
    others are asked, but only about which tempo it is: how likely the likeliest one is stays as it was.
    """
    best = int(chances.argmax())
    near = np.flatnonzero(_odds(chances) > _log_odds(chances[best]) - _DOUBTFUL)
    if np.abs(periods[near] / periods[best] - 1.0).max() < _SAME_LEVEL:
        return chances
    preferred = int(near[(_odds(chances[near]) + _odds(model.other(rows[near]))).argmax()])
    chances = chances.copy()
    chances[[best, preferred]] = chances[[preferred, best]]
    return chances


def vote(pulse: Pulse, onset: npt.NDArray[np.float32], periods: F64, chances: F64, swapped: F64) -> tuple[int, int]:
    """Return the likeliest candidate, and the one that `settled` prefers; excerpts of a long signal decide if in doubt.

    A section may hide the level that the others show: where two tempi are nearly as likely, each of the excerpts, which
    cover the signal, has the same weight (mean of the log odds, for the preferred one those of the other trees added).
    """
    best, preferred = int(chances.argmax()), int(swapped.argmax())
    other = chances[np.abs(periods / periods[best] - 1.0) >= _SAME_LEVEL].max(initial=0.0)
    size, total = round(_EXCERPT_SECONDS * RATE), onset.shape[1]
    if pulse.looped or total < 2 * size or _log_odds(chances[best]) - _log_odds(other) >= _UNDECIDED:
        return best, preferred
    model = tempo_model.load()
    odds: list[tuple[F64, F64]] = []
    for first in np.linspace(0, total - size, -(-total // size)).astype(int).tolist():
        part = tempo_model.prepare(
            np.ascontiguousarray(onset[:, first : first + size]),
            samples=round(_EXCERPT_SECONDS * SR),
            duration=pulse.duration,
            exact_length=False,
        )
        if part is not None:
            rows = tempo_model.describe(part, periods, comb(part, periods))
            odds.append((_odds(model.right(rows)), _odds(model.other(rows))))
    if not odds:
        return best, preferred
    right, others = np.mean(odds, axis=0)
    return int(right.argmax()), int((right + others).argmax())


def _log_odds(chance: float) -> float:
    held = min(max(chance, _UNSURE), 1.0 - _UNSURE)
    return math.log(held / (1.0 - held))


def _evidence(pulse: Pulse, periods: F64, chances: F64, best: int, score: float) -> tuple[float, ...]:
    """Return what `estimate_tempo` says of the best candidate."""
    period = float(periods[best])
    bpm, beats = 60.0 * RATE / period, pulse.duration * RATE / period
    others = chances[np.abs(periods / period - 1.0) >= _SAME_LEVEL]
    whole = pulse.looped and abs(beats - round(beats)) < 1e-3  # noqa: PLR2004 -- it was proposed as a fraction
    count = round(beats)
    return (
        _log_odds(score),
        _log_odds(float(others.max(initial=0.0))),
        math.log2(bpm),
        float(whole),
        float(whole and count % 4 == 0),
        float(whole and count >= 4 and count & (count - 1) == 0),  # noqa: PLR2004 -- a bar
        min(abs(bpm - round(bpm)), 0.5) * float(whole),
        math.log2(beats),
        pulse.contrast,
        *np.log2(0.25 + pulse.onsets * period / RATE).tolist(),
    )


def _beats(pulse: Pulse, period: float) -> F64:
    """Return the times of the beats in seconds, on the grid with the greatest onset strength."""
    total = pulse.envelopes[0] + pulse.envelopes[1]
    n = len(total)
    offsets = np.arange(int(period))
    count = max(1, int((n - 1) // period))  # a short sound may end before its first beat does
    places = np.minimum(np.rint(offsets[:, None] + np.arange(count) * period).astype(np.int64), n - 1)
    comb_sums = total[places].mean(axis=1)
    first = int(comb_sums.argmax())
    # A loop that is cut to the beat begins with a beat, unless its onsets contradict.
    if pulse.looped and comb_sums[0] > 0.7 * comb_sums[first]:
        first = int(comb_sums[: max(1, round(_EARLY * period))].argmax())
    if not pulse.looped:
        return np.arange(first, n, period) / RATE
    if first >= (1.0 - _EARLY) * period:
        first -= period
    return np.maximum(np.arange(first, pulse.duration * RATE - _EARLY * period, period), 0.0) / RATE


def estimate_tempo(features: Features, *, duration: float, exact_length: bool = True) -> TempoEstimate:
    """Estimate tempo, beats and time signature.

    Parameters
    ----------
    features : Features
    duration : float
        Duration of the whole file in seconds.
    exact_length : bool
        Whether the file begins and ends where the sound does, so that its length is evidence.

    Returns
    -------
    TempoEstimate
        The likeliest tempo, however unlikely it is: `pulse.chances` says whether it is one, and ``preferred`` is what
        to answer then, if trees that learned on other clips prefer another level. ``tempo`` is None where nothing can
        repeat: a single hit, steady noise, silence, signals shorter than a second. The evidence is: log odds of the
        tempo and of the best other one; log2 of the tempo; whether the length is whole beats, whole bars, and a power
        of two of them; distance to a whole tempo if it is; log2 of the length in beats; contrast; log2 of the onsets
        per beat in each range.

    References
    ----------
    Percival and Tzanetakis, 2014 (autocorrelation of the onset strength); Scheirer, 1998 (ranges of frequency);
    Peeters, 2006 (spectrum and autocorrelation together); Font and Serra, "Tempo estimation for music loops and a
    simple confidence measure", 2016 (length as evidence); Friedman, 2001 (boosted trees).
    """
    pulse = tempo_model.prepare(features.onset, samples=features.samples, duration=duration, exact_length=exact_length)
    if pulse is None:
        return TempoEstimate()
    periods = candidates(pulse)
    if len(periods) == 0:
        return TempoEstimate()
    model = tempo_model.load()
    rows = tempo_model.describe(pulse, periods, comb(pulse, periods))
    chances = model.right(rows)
    swapped = settled(model, rows, periods, chances)
    best, preferred = vote(pulse, features.onset, periods, chances, swapped)
    likeliest = _estimate_at(pulse, periods, rows, chances, best)
    if preferred == best:
        return likeliest
    return replace(likeliest, preferred=_estimate_at(pulse, periods, rows, swapped, preferred))


def _octave(tempo: float, other: float) -> float:
    """Return exactly half or double a tempo, if another one is nearly that."""
    return next((tempo * ratio for ratio in (0.5, 2.0) if abs(other / (tempo * ratio) - 1.0) < _SAME_LEVEL), other)


def _estimate_at(pulse: Pulse, periods: F64, rows: npt.NDArray[np.float32], chances: F64, best: int) -> TempoEstimate:
    """Return what is said if a candidate is the tempo."""
    model = tempo_model.load()
    # Neighbours within the tolerance count as evidence for the same tempo.
    score = float(1.0 - np.prod(1.0 - chances[np.abs(periods / periods[best] - 1.0) < _SAME_LEVEL]))
    confidence = float(np.interp(score, model.scores, model.chances))
    period, beats_in_loop = exact(pulse, float(periods[best]))
    tempo = 60.0 * RATE / period
    three = float(model.three(rows[best : best + 1])[0])
    signature = (3, 4) if three > 0.75 else (4, 4) if three < 0.1 else None  # noqa: PLR2004 -- sure enough to report
    named: list[tuple[float, float]] = [(tempo, confidence)]
    for k in np.argsort(-chances, kind="stable").tolist():
        other = _octave(tempo, 60.0 * RATE / float(periods[k]))
        if all(abs(other / known - 1.0) >= _SAME_LEVEL for known, _ in named):
            named.append((other, min(float(chances[k]), confidence)))
        if len(named) == _TEMPI:
            break
    return TempoEstimate(
        tempo=tempo,
        confidence=confidence,
        candidates=tuple(named),
        time_signature=signature,
        beats=tuple(_beats(pulse, period).tolist()),
        beats_in_loop=beats_in_loop,
        clear=score >= model.least,
        evidence=_evidence(pulse, periods, chances, best, score),
    )
