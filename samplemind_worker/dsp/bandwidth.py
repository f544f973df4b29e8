"""Measures up to which frequency a sound reaches, which the rate of its file does not tell."""

from typing import Final

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]

_FRAME: Final = 4096
_FRAMES: Final = 8
_BELOW_DB: Final = 80.0  # the floor of 16 bits is lower, unless the sound is very quiet


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
    frames = y[: len(y) // size * size].reshape(-1, size)
    loudest = np.argsort(np.abs(frames).max(axis=1))[-_FRAMES:]
    # The window of a short sound is as short, or its end would be heard as a click.
    window = np.hanning(size + 2)[1:-1].astype(np.float32)
    power = np.square(np.abs(np.fft.rfft(frames[loudest] * window, _FRAME, axis=1))).max(axis=0)
    greatest = float(power.max())
    if greatest <= 0.0:
        return None
    highest = int(np.flatnonzero(power >= greatest * 10.0 ** (-_BELOW_DB / 10.0))[-1])
    return highest * sr / _FRAME
