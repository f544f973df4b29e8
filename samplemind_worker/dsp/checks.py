"""The one place that accepts or refuses a signal."""

from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.units import SR
from samplemind_worker.errors import InvalidSignalError


def check_signal(y: npt.NDArray[Any], *, sr: int) -> npt.NDArray[np.float32]:
    """Return ``y`` as contiguous float32, or raise what is wrong with it.

    Raises
    ------
    InvalidSignalError
        Unless ``y`` is one-dimensional, real, of at least one sample and finite, and ``sr`` is 22050.
    """
    if sr != SR:
        raise InvalidSignalError(f"wanted a signal at {SR} Hz, got sr={sr}")
    if y.ndim != 1 or y.size == 0:
        raise InvalidSignalError(f"wanted a mono signal of shape (n,) with n > 0, got shape {y.shape}")
    if y.dtype.kind != "f":
        raise InvalidSignalError(f"wanted floating point samples, got dtype {y.dtype}")
    signal = np.ascontiguousarray(y, dtype=np.float32)
    # The sum of a signal of sane level is finite exactly if every sample is: no array of flags is needed.
    if not np.isfinite(np.dot(signal, signal)) and not np.isfinite(signal).all():
        raise InvalidSignalError("wanted finite samples, got NaN or infinity")
    return signal
