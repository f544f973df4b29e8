"""Finds the onsets of a sound, and the zero crossings at which it can be cut.

Conventions: times in seconds from the start of the signal; strengths relative to the strongest onset, 0 to 1.
"""

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.tempo_model import RATE
from samplemind_worker.dsp.types import Features
from samplemind_worker.dsp.units import SR

F64 = npt.NDArray[np.float64]

HOP = 128
NO_CROSSING = 255
_STRONG = 0.95  # of the peaks lie below a strong one
_GAP_SECONDS = 0.04  # of two onsets; nearer ones are one sound
_WEAKEST = 0.08  # of the strong onsets
_STANDS_OUT = 3.0  # times the mean around it; the ripples of a chord that beats stand out less
_AROUND_SECONDS = 0.25  # on either side
_FLOOR = 0.02  # a rise that is weaker everywhere is that of noise or of a pad
_LATE_SECONDS = 0.001  # by which the onset strength peaks after the first sample of a click
_BEFORE, _AFTER = 0.008, 0.003  # seconds around an onset in which it is cut


def find_onsets(features: Features) -> tuple[F64, F64]:
    """Find the onsets of a sound.

    Parameters
    ----------
    features : Features

    Returns
    -------
    tuple of ndarray of float64, shape (n,)
        Times and strengths; empty for silence.

    References
    ----------
    Bello et al., "A tutorial on onset detection in music signals", 2005 (peaks of the spectral flux); Dixon, "Onset
    detection revisited", 2006 (a peak stands out from the mean around it).
    """
    strength = features.onset[0].astype(np.float64) if features.onset.shape[1] else np.zeros(0)
    padded = np.zeros(len(strength) + 2)
    padded[1:-1] = strength
    rises = padded[1:] > padded[:-1]
    peaks = np.flatnonzero(rises[:-1] & ~rises[1:])
    if len(peaks) == 0:
        return np.zeros(0), np.zeros(0)
    rank = int(_STRONG * (len(peaks) - 1))
    strong = float(np.partition(strength[peaks], rank)[rank])
    peaks = peaks[strength[peaks] >= max(_WEAKEST * strong, _FLOOR)]
    peaks = peaks[_stand_out(strength, peaks)]
    kept: list[int] = []
    heights: list[float] = []
    for peak, height in zip(peaks.tolist(), strength[peaks].tolist(), strict=True):
        if not kept or peak - kept[-1] >= _GAP_SECONDS * RATE:
            kept.append(peak)
            heights.append(height)
        elif height > heights[-1]:
            kept[-1], heights[-1] = peak, height
    if not kept:
        return np.zeros(0), np.zeros(0)
    places = np.array(kept)
    left, middle, right = padded[places], padded[places + 1], padded[places + 2]
    # The vertex of the parabola through three values.
    shift = 0.5 * (left - right) / np.minimum(left - 2.0 * middle + right, -1e-12)
    times = (places + shift) / RATE - _LATE_SECONDS
    return np.maximum(times, 0.0), np.minimum(strength[places] / max(strong, 1e-12), 1.0)


def _stand_out(strength: F64, peaks: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return which peaks stand out from what is around them; a louder hit nearby counts as one of the same height."""
    reach = round(_AROUND_SECONDS * RATE)
    padded = np.pad(strength, reach)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)[peaks]
    heights = strength[peaks]
    frames = np.minimum(peaks + reach + 1, len(strength)) - np.maximum(peaks - reach, 0)
    return heights * frames >= _STANDS_OUT * np.minimum(around, heights[:, None]).sum(axis=1)


def snap(features: Features, seconds: float) -> float:
    """Move a time to the zero crossing from which a sound begins.

    Parameters
    ----------
    features : Features
    seconds : float
        Time of an onset.

    Returns
    -------
    float
        The nearest known rising zero crossing from 8 ms before to 3 ms after it, or the time itself if there is none.
    """
    first = max(0, int((seconds - _BEFORE) * RATE))
    places = features.crossings[first : int((seconds + _AFTER) * RATE) + 1].tolist()
    times = [((first + k) * HOP + place) / SR for k, place in enumerate(places) if place != NO_CROSSING]
    near = [time for time in times if seconds - _BEFORE <= time <= seconds + _AFTER]
    return min(near, key=lambda time: abs(time - seconds), default=seconds)
