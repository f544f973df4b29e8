"""A vector for likeness: near by sound is near by Euclidean distance or angle.

Conventions: float32, shape (EMBEDDING_SIZE,), each element standardized; independent of gain.
"""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.types import Features

EMBEDDING_SIZE = 64


def embed(features: Features) -> npt.NDArray[np.float32] | None:
    """Give the vector.

    Parameters
    ----------
    features : Features

    Returns
    -------
    ndarray of float32, shape (64,), or None
        None for silence, which is like nothing.
    """
    if features.peak == 0.0:
        return None
    summary = features.summary
    values = [*summary["mfcc"]["mean"], *summary["mfcc"]["std"]]
    values += [math.log2(max(summary[name]["mean"], 20.0)) for name in ("centroid_hz", "bandwidth_hz", "rolloff_hz")]
    values.append(math.log10(max(summary["flatness"]["mean"], 1e-6)))
    values.append(math.log10(max(summary["zero_crossing_rate"]["mean"], 1e-4)))
    values += summary["contrast"]["mean"]
    values += summary["chroma"]["mean"]
    centres, spreads = _standard()
    return ((np.array(values) - centres) / spreads).astype(np.float32)


@lru_cache(maxsize=1)
def _standard() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Give the usual value and spread of each element."""
    # Cosine coefficients fall off with their order.
    mfcc = 120.0 / (1.0 + np.arange(20))
    centres = np.r_[
        -150.0, np.zeros(39), np.log2([2000.0, 1800.0, 4000.0]), -2.5, -1.2, np.full(7, 20.0), np.full(12, 0.4)
    ]
    return centres, np.r_[mfcc, mfcc / 3.0, 1.2, 0.8, 1.2, 1.2, 0.5, np.full(7, 6.0), np.full(12, 0.3)]
