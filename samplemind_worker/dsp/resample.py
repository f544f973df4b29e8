"""Converts a signal to the rate of the analysis.

Conventions: float32 in and out; n samples become n * 22050 / rate samples, rounded. The passband reaches to 10 kHz
(within 0.001 dB), the stopband begins at 11.025 kHz (-125 dB). The filter is that of soxr's quality HQ. Most files have
44.1 kHz; for these our own transforms apply the filter, because soxr would design it again for each file.
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
"""Taps to either side of the middle one; those beyond are below 1e-7 of it."""


@lru_cache(maxsize=1)
def _response() -> F32:
    """Return the frequency response of soxr's filter, read off its impulse response, over the size of a transform."""
    taps, centre = np.zeros(_SIZE), 4 * _SIZE
    for odd in (0, 1):
        impulse = np.zeros(2 * centre)
        impulse[centre + odd] = 1.0
        # Output sample m holds the tap 2 m - (place of the impulse).
        answer = soxr.resample(impulse, 2 * SR, SR, quality="HQ")
        places = np.arange(-_REACH + odd, _REACH - odd + 1, 2)
        taps[places] = answer[(places + centre + odd) // 2]
    # The taps before 0 of the symmetric filter are at the end.
    response = np.fft.fft(taps).real / (_SIZE * taps.sum())
    return response.astype(np.float32)


def resample(y: F32, *, sr: int) -> F32:
    """Resample a signal to 22.05 kHz.

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
        y,
        _response(),
        _REACH,
        _ones(),
        whole.roots,
        whole.order,
        whole.twiddles,
        half.roots,
        half.order,
        half.twiddles,
        out,
    )
    return out


@lru_cache(maxsize=1)
def _ones() -> F32:
    return np.ones(_SIZE, np.float32)
