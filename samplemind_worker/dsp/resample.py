"""From any rate to that of the analysis.

Conventions: float32 in and out; n samples at a rate become n * 22050 / rate, rounded. Everything up to 10 kHz passes
(within 0.001 dB), nothing above 11.025 kHz is left (-125 dB). The filter is that of soxr's high quality: for 44.1 kHz,
the rate of most files, our own transforms apply it, for soxr designs it anew for each file.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import soxr

from samplemind_worker.dsp import _fft, spectrum
from samplemind_worker.dsp.units import SR

F32 = npt.NDArray[np.float32]

_SIZE = 2048
_REACH = 192
"""Samples to either side; 1e-7 of the middle one and less is beyond."""


@lru_cache(maxsize=1)
def _response() -> F32:
    """Read the filter off soxr's answers to an impulse, and give its response over the size of the transform."""
    taps, centre = np.zeros(_SIZE), 4 * _SIZE
    for odd in (0, 1):
        impulse = np.zeros(2 * centre)
        impulse[centre + odd] = 1.0
        # Output m is tap 2 m - place of the impulse.
        answer = soxr.resample(impulse, 2 * SR, SR, quality="HQ")
        places = np.arange(-_REACH + odd, _REACH - odd + 1, 2)
        taps[places] = answer[(places + centre + odd) // 2]
    # The half of a symmetric filter that lies before 0 is at the end.
    response = np.fft.fft(taps).real / (_SIZE * taps.sum())
    return response.astype(np.float32)


def resample(y: F32, *, sr: int) -> F32:
    """Bring a signal to 22.05 kHz.

    Parameters
    ----------
    y : ndarray of float32, shape (n,)
    sr : int
        Its rate in Hz.

    Returns
    -------
    ndarray of float32

    References
    ----------
    The SoX Resampler library (soxr), quality "HQ".
    """
    if sr == SR:
        return y
    if sr != 2 * SR:
        # soxr may overshoot the length by a sample.
        return np.asarray(soxr.resample(y, sr, SR, quality="HQ"), dtype=np.float32)
    out = np.empty((len(y) + 1) // 2, np.float32)
    whole, half = spectrum.transform(_SIZE), spectrum.transform(_SIZE // 2)
    _fft.halve(
        y, _response(), _REACH, _ones(), whole.roots, whole.order, whole.turns, half.roots, half.order, half.turns, out
    )
    return out


@lru_cache(maxsize=1)
def _ones() -> F32:
    return np.ones(_SIZE, np.float32)
