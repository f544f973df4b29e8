"""Measures up to which frequency a sound reaches, which the rate of its file does not tell."""

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp import _fft, spectrum

F32 = npt.NDArray[np.float32]

_FRAME: Final = 4096
_FRAMES: Final = 8
_SHARE: Final = 1e-8  # -80 dB: the floor of 16 bits is lower, unless the sound is very quiet


def bandwidth(y: F32, *, sr: int) -> float | None:
    """Measure the highest frequency that is heard at the loudest places of a sound.

    A sound that was resampled to a higher rate reaches no further than before.

    Parameters
    ----------
    y : ndarray of float32, shape (n,)
        Signal at its original rate.
    sr : int
        Its rate in Hz.

    Returns
    -------
    float or None
        Hz, the highest frequency that is at most 80 dB below the loudest one, up to half the rate; None for silence.
    """
    size = min(len(y), _FRAME)
    if not size:
        return None
    tables = spectrum.transform(_FRAME)
    highest = _fft.highest_bin(y, size, _FRAMES, _SHARE, _window(size), tables.roots, tables.order, tables.twiddles)
    return None if highest < 0 else highest * sr / _FRAME


@lru_cache(maxsize=8)
def _window(size: int) -> F32:
    """Return half a window, as the kernel takes it; of a short sound it is as short, or its end would be a click."""
    window = np.zeros(_FRAME, np.float32)
    window[:size] = 0.5 * np.hanning(size + 2)[1:-1]
    return window
