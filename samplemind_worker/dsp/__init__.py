"""The DSP core: arrays in, values out.

`compute_features` measures a signal, `estimate` concludes tempo, key, kind, pitch and instrument from it, `embed`
gives a vector for likeness. Everything is stateless and deterministic; nothing here reads files, clocks or settings.
"""

import numpy as np

import samplemind_worker.numba_loading  # noqa: F401 -- before the kernels load numba  # pyright: ignore[reportUnusedImport]
from samplemind_worker.dsp.character import character
from samplemind_worker.dsp.embedding import EMBEDDING_SIZE, embed
from samplemind_worker.dsp.estimates import estimate
from samplemind_worker.dsp.features import compute_features
from samplemind_worker.dsp.loudness import LoudnessMeter
from samplemind_worker.dsp.resample import resample
from samplemind_worker.dsp.types import Estimates, Features
from samplemind_worker.dsp.units import SR

__all__ = [
    "EMBEDDING_SIZE",
    "SR",
    "Estimates",
    "Features",
    "character",
    "compute_features",
    "embed",
    "estimate",
    "warm_up",
]


def warm_up() -> None:
    """Load every kernel and table, so that the first file costs no more than the next."""
    y = np.zeros((SR * 2, 1), np.float32)
    y[:: SR // 2] = 1.0
    LoudnessMeter(sr=44100, channels=1).update(y)
    resample(y[:, 0], sr=44100)
    embed(features := compute_features(y[:, 0], sr=SR))
    character(features)
    # A loop has a tempo and a key, a one-shot an instrument: each asks its own models.
    estimate(features, duration=2.0)
    estimate(features, duration=1.0)
