"""Checks the signals that the public functions receive."""

from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.units import SR
from samplemind_worker.errors import InvalidSignalError


def check_signal(y: npt.NDArray[Any], *, sr: int) -> npt.NDArray[np.float32]:
    """Return ``y`` as contiguous float32. Whether it is finite, `_kernels.outline` tells.

    Raises
    ------
    InvalidSignalError
        Unless ``y`` is one-dimensional, real and has at least one sample, and ``sr`` is 22050.
    """
    if sr != SR:
        raise InvalidSignalError(f"wanted a signal at {SR} Hz, got sr={sr}")
    if y.ndim != 1 or y.size == 0:
        raise InvalidSignalError(f"wanted a mono signal of shape (n,) with n > 0, got shape {y.shape}")
    if y.dtype.kind != "f":
        raise InvalidSignalError(f"wanted floating point samples, got dtype {y.dtype}")
    return np.ascontiguousarray(y, dtype=np.float32)
