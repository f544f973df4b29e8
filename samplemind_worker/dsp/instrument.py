"""Instrument of a one-shot, or the content of longer material.

Conventions: names of the contract's closed list; confidences 0 to 1. Only the drums that simple acoustics tell apart
are named so far; everything else is None.
"""

import numpy as np

from samplemind_worker.dsp.key_model import tonalness
from samplemind_worker.dsp.types import Features, KeyEstimate
from samplemind_worker.dsp.units import SR

_LOW_BANDS = 2  # of 40: below about 150 Hz


def decay_seconds(features: Features) -> float:
    """Give the time from the greatest level to 20 dB below it; the rest of the signal where it never falls so far."""
    if features.level.size == 0:
        return 0.0
    start = int(features.level.argmax())
    rest = features.level[start:]
    below = np.flatnonzero(rest < 0.1 * rest[0])
    return float(below[0] if below.size else rest.size) * 128 / SR


def _drum(features: Features) -> str | None:
    weight = np.square(features.frames[:, 0].astype(np.float64))
    weight /= weight.sum()
    centroid = float(weight @ features.frames[:, 2])
    power = weight @ np.power(10.0, features.mel.astype(np.float64) / 10.0)
    low = float(power[:_LOW_BANDS].sum() / power.sum())
    decay, tonal = decay_seconds(features), tonalness(features)
    # (name, centroid in Hz, part below 150 Hz, seconds to -20 dB, tonalness): drums as physics has them
    rules = (
        ("kick", (0, 700), (0.75, 1.0), (0.0, 0.4), (0.0, 0.15)),
        ("snare", (1000, 2700), (0.02, 0.6), (0.04, 0.2), (0.0, 0.5)),
        ("hat_closed", (4300, 12000), (0.0, 0.3), (0.0, 0.14), (0.0, 0.2)),
        ("hat_open", (4000, 12000), (0.0, 0.1), (0.18, 0.7), (0.0, 0.6)),
        ("ride", (3300, 6000), (0.0, 0.1), (0.35, 9.0), (0.62, 0.85)),
        ("crash", (2300, 6000), (0.0, 0.1), (0.7, 9.0), (0.2, 0.62)),
    )
    measured = (centroid, low, decay, tonal)
    for name, *ranges in rules:
        if all(least <= value <= most for value, (least, most) in zip(measured, ranges, strict=True)):
            return name
    return None


def estimate_instrument(features: Features, *, kind: str | None, key: KeyEstimate) -> tuple[str | None, float | None]:
    """Name the instrument, or the content of longer material.

    Parameters
    ----------
    features : Features
    kind : str or None
    key : KeyEstimate
        What was found.

    Returns
    -------
    tuple of (str or None, float or None)
        Name from the contract's list and confidence; None where unsure, and for silence.
    """
    if kind is None:
        return None, None
    if kind == "track":
        return "song", 0.7
    if kind == "loop":
        return ("music_loop", 0.7) if key.key is not None else ("drum_loop", 0.7)
    name = _drum(features)
    if name is not None:
        return name, 0.6
    return None, None
