"""A vector for likeness: near by sound is near by Euclidean distance or angle.

Conventions: float32, shape (EMBEDDING_SIZE,), each element standardized; independent of gain.
"""

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.types import Features

EMBEDDING_VERSION = 1
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
    mfcc_mean, mfcc_std = np.array(summary["mfcc"]["mean"]), np.array(summary["mfcc"]["std"])
    # Typical spreads: cosine coefficients fall off with their order.
    spread = 120.0 / (1.0 + np.arange(20))
    scalars: list[float] = []
    for name, centre, octave in (
        ("centroid_hz", 2000.0, 1.2),
        ("bandwidth_hz", 1800.0, 0.8),
        ("rolloff_hz", 4000.0, 1.2),
    ):
        scalars.append(np.log2(max(summary[name]["mean"], 20.0) / centre) / octave)
    scalars.append((np.log10(max(summary["flatness"]["mean"], 1e-6)) + 2.5) / 1.2)
    scalars.append((np.log10(max(summary["zero_crossing_rate"]["mean"], 1e-4)) + 1.2) / 0.5)
    contrast = (np.array(summary["contrast"]["mean"]) - 20.0) / 6.0
    chroma = (np.array(summary["chroma"]["mean"]) - 0.4) / 0.3
    vector = np.concatenate(
        ((mfcc_mean - np.r_[-150.0, np.zeros(19)]) / spread, mfcc_std / spread * 3.0, scalars, contrast, chroma)
    )
    return vector.astype(np.float32)
