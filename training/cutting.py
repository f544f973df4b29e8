"""Cuts rendered sounds as sample packs do."""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
Rng = np.random.Generator

SR = 22050
_LONGEST = 4 * SR


def trim(y: F32, rng: Rng) -> F32 | None:
    """Cut where it has fallen by 55 dB, or anywhere later, and scale to a peak of 1; None for silence."""
    peak = float(np.abs(y).max(initial=0.0))
    if peak < 1e-3:
        return None
    loud = np.flatnonzero(np.abs(y) > peak * 10 ** (-55 / 20))
    first, last = max(0, int(loud[0]) - int(rng.integers(0, 400))), int(loud[-1]) + 1
    return (y[first : min(len(y), last + int(rng.integers(0, 4000)), first + _LONGEST)] / peak).astype(np.float32)
