"""Finds the parts of a track that repeat without a seam: the most loopable 4, 8 and 16 bars.

Conventions: times in seconds from the start of the signal; scores 0 to 1.
"""

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.bars import Bars
from samplemind_worker.dsp.onsets import snap
from samplemind_worker.dsp.types import Features, LoopPoints

F64 = npt.NDArray[np.float64]

_LENGTHS = (4, 8, 16)
_STEPS = 16  # per bar
_LEAST = 0.5
"""Below this likeness a listener hears the seam."""
_QUIET = 0.25  # of the loudest bar's RMS: what is softer is no part to repeat
_NEAR = 0.03  # seconds between a bar line and the onset that is meant by it


def find_loop_points(features: Features, bars: Bars, times: F64) -> tuple[LoopPoints, ...] | None:
    """Find the most loopable 4, 8 and 16 bars of a track.

    Parameters
    ----------
    features : Features
    bars : Bars
    times : ndarray of float64, shape (n,)
        Times of the onsets.

    Returns
    -------
    tuple of LoopPoints or None
        At most one per length, from an onset on a bar line, at a zero crossing. ``score`` is the cosine of what is
        heard one bar before and after the start with what is heard about the end, less what all bars have in common.
        None where no part repeats.

    References
    ----------
    Foote, 2000 (self-similarity).
    """
    count = len(bars.edges) - 1
    likeness = _likeness(features, bars)
    loud = np.sqrt(bars.power / max(float(bars.power.max()), 1e-20)) >= _QUIET
    found: list[LoopPoints] = []
    for length in _LENGTHS:
        scores = [
            (_score(likeness, start, start + length), -start)
            for start in range(count - length + 1)
            if loud[start : start + length].all()
        ]
        if not scores:
            continue
        best, place = max(scores)
        if best >= _LEAST:
            line, end = bars.edges[[-place, length - place]].tolist()
            first, last = _exact(features, times, line, end - line)
            found.append(LoopPoints(round(first, 5), round(last, 5), length, round(min(best, 1.0), 2)))
    return tuple(found) or None


def _likeness(features: Features, bars: Bars) -> F64:
    """Return the cosine between all bars, each taken as sixteen steps of the mel spectrum less the mean of all."""
    mel = bars.mel
    total = np.concatenate((np.zeros((1, mel.shape[1])), np.cumsum(mel, axis=0)))
    parts = np.arange(_STEPS + 1) / _STEPS
    edges = bars.edges[:-1, None] + np.diff(bars.edges)[:, None] * parts
    frames = np.clip(edges * (features.sr / 512), 0.0, len(mel))
    whole = np.minimum(frames.astype(np.int64), len(mel) - 1)
    sums = total[whole] + (frames - whole)[..., None] * mel[whole]
    steps = np.diff(sums, axis=1) / np.maximum(np.diff(frames, axis=1), 1e-9)[..., None]
    rows = (steps - steps.mean(axis=(0, 1))).reshape(len(steps), -1)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9
    return rows @ rows.T


def _score(likeness: F64, start: int, end: int) -> float:
    """Return how alike start and end are; ``end`` may be the last bar line, after which nothing is known."""
    count = len(likeness)
    pairs: list[float] = []
    if start > 0:
        pairs.append(float(likeness[start - 1, end - 1]))
    if end < count:
        pairs.append(float(likeness[start, end]))
    if not pairs:
        return 0.0
    # One side alone says half as much.
    return max(0.0, float(np.mean(pairs)) - (0.1 if len(pairs) == 1 else 0.0))


def _exact(features: Features, times: F64, line: float, seconds: float) -> tuple[float, float]:
    """Return the onset at a bar line and what lies so many seconds after it, both at zero crossings."""
    near = times[np.abs(times - line) < _NEAR]
    first = snap(features, float(near[np.abs(near - line).argmin()]) if len(near) else line)
    return first, snap(features, first + seconds)
