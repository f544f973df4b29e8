"""Where a file is cut: at its onsets, on a grid of beats, or into equal parts; always at zero crossings.

Conventions: a cut is the number of the frame with which a slice begins; the first cut is 0. Signals are of shape
(frames, channels).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.features import compute_features
from samplemind_worker.dsp.onsets import find_onsets
from samplemind_worker.dsp.resample import resample
from samplemind_worker.dsp.units import SR
from samplemind_worker.errors import UsageError

F32 = npt.NDArray[np.float32]

MOST_SLICES: Final = 999
_SHORTEST: Final = 0.01
"""Seconds: a slice that would be shorter is left with the one before it."""
_BEFORE, _AFTER = 0.008, 0.003
"""Seconds around a cut in which a zero crossing is looked for; rather before, as an attack must not lose its start."""
_CHUNK, _OVERLAP, _GAP = 60.0, 1.0, 0.04
"""Seconds: of what is analysed at once, of what two such chunks share, and between two onsets at least."""
_UPBEAT: Final = 0.06
"""Seconds: if the first line of a grid lies nearer to the start, the first slice begins with the file."""
_STRONGEST: Final = 0.7
"""The strength that an onset needs where the sensitivity is 0; half of it is needed in the middle."""
_HIT: Final = 0.05
"""Seconds after an onset in which its level is measured."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Lines at equal distances."""

    step: float
    """Seconds."""
    start: float = 0.0
    """Seconds of one of the lines."""


def at_onsets(y: F32, rate: int, *, sensitivity: float) -> list[int]:
    """Return the cuts at onsets.

    Parameters
    ----------
    y : ndarray of float32, shape (frames, channels)
    rate : int
        Hz.
    sensitivity : float
        0 to 1: an onset counts if its strength is at least 0.7 times what is missing to 1. Its strength is the
        geometric mean of its level, relative to the loudest, and of its spectral flux, relative to strong onsets.

    References
    ----------
    Bello et al., "A tutorial on onset detection in music signals", 2005, by `dsp.onsets`.
    """
    onsets = _onsets(y, rate)
    levels = [float(np.abs(y[round(t * rate) : round((t + _HIT) * rate)]).max(initial=0.0)) for t, _ in onsets]
    loudest = max(levels, default=1.0) or 1.0
    least = (_STRONGEST * (1.0 - sensitivity)) ** 2
    kept = [t for (t, flux), level in zip(onsets, levels, strict=True) if flux * level / loudest >= least]
    return snapped([round(time * rate) for time in kept], y, rate)


def on_grid(y: F32, rate: int, grid: Grid) -> list[int]:
    """Return the cuts on the lines of a grid.

    Raises
    ------
    UsageError
        If there would be too many slices.
    """
    first = grid.start % grid.step
    count = max(int((len(y) / rate - first) / grid.step) + 1, 0)
    _check(count)
    # Before the first line there is an upbeat, or what a codec has put in front: that is no slice of its own.
    lines = [round((first + grid.step * number) * rate) for number in range(count)]
    return snapped([line for line in lines if line >= min(_UPBEAT, 0.5 * grid.step) * rate], y, rate)


def in_parts(y: F32, rate: int, count: int) -> list[int]:
    """Return the cuts that make ``count`` parts, equally long but for the way to the next zero crossing.

    Raises
    ------
    UsageError
        If there would be too many slices, or the file is too short for them.
    """
    _check(count)
    cuts = snapped([len(y) * number // count for number in range(count)], y, rate)
    if len(cuts) < count:
        raise UsageError(f"the file is too short for {count} parts")
    return cuts


def _check(count: int) -> None:
    if count > MOST_SLICES:
        raise UsageError(f"that would be {count:,} slices; at most {MOST_SLICES} are made")


def snapped(frames: Iterable[int], y: F32, rate: int) -> list[int]:
    """Move cuts to zero crossings of the sum of all channels, and leave out those that would make tiny slices.

    A cut with no crossing near it stays where it is.
    """
    found = [0]
    for frame in sorted(frames):
        place = _crossing(y, frame, rate)
        if place - found[-1] >= _SHORTEST * rate and len(y) - place >= _SHORTEST * rate:
            found.append(place)
    return found


def _crossing(y: F32, frame: int, rate: int) -> int:
    first = max(frame - round(_BEFORE * rate), 1)
    last = min(frame + round(_AFTER * rate), len(y) - 1)
    if last < first:
        return frame
    window = y[first - 1 : last + 1].sum(axis=1, dtype=np.float64)
    crosses = (window[1:] == 0.0) | ((window[:-1] < 0.0) != (window[1:] < 0.0))
    places = first + np.flatnonzero(crosses)
    if len(places) == 0:
        return frame
    return int(places[np.abs(places - frame).argmin()])


def _onsets(y: F32, rate: int) -> Sequence[tuple[float, float]]:
    """Return the onsets, in seconds, and their strengths; a long file is analysed in chunks that overlap."""
    found: list[tuple[float, float]] = []
    step = round(_CHUNK * rate)
    for start in range(0, len(y), step):
        first = max(start - round(_OVERLAP * rate), 0)
        chunk = y[first : start + step + round(_OVERLAP * rate)]
        mono = resample(np.ascontiguousarray(chunk.mean(axis=1, dtype=np.float32)), sr=rate)
        if mono.size == 0:
            continue
        times, strengths = find_onsets(compute_features(mono, sr=SR))
        for time, strength in zip((first / rate + times).tolist(), strengths.tolist(), strict=True):
            within = start / rate <= time < (start + step) / rate
            if within and (not found or time - found[-1][0] >= _GAP):
                found.append((time, strength))
    return found
