"""Measures integrated loudness and true peak after ITU-R BS.1770-4, block by block.

Conventions: loudness in LUFS, gated at -70 LUFS absolute and -10 LU relative, in blocks of 400 ms that overlap by
75 %; true peak in dBTP. Both agree with pyloudnorm and with closed forms to 0.1 dB. Channels have the order of WAV; of
six channels the LFE is left out and the surrounds are raised by 1.5 dB, as the recommendation says.
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp import _loudness

F64 = npt.NDArray[np.float64]

_STEP_SECONDS = 0.1  # 400 ms blocks with 75 % overlap share steps of 100 ms
_OFFSET = -0.691  # BS.1770-4, equation (2): makes a 997 Hz sine of 0 dBFS read -3.01 LUFS
_PCM_16 = 1.0 / 32768.0  # full scale of 16-bit samples, as in libsndfile
_SILENCE = 10.0 ** ((-70.0 - _OFFSET) / 10.0)  # mean square
_TAPS = 24

LOUDEST = 2.0**32
"""Full scale is 1 for floats, or 2^31 if whole numbers were stored unscaled. Samples beyond it are not sound."""


def _k_weighting(rate: int) -> F64:
    """Derive both biquads of the K-weighting for any rate from their analogue prototypes.

    The frequencies, gain and Q are those that give the recommendation's coefficients at 48 kHz (libebur128, DeMan
    2014, "Evaluation of implementations of the EBU R128 loudness measurement").
    """
    k, q = math.tan(math.pi * 1681.974450955533 / rate), 0.7071752369554196
    high = 10.0 ** (3.999843853973347 / 20.0)
    band = high**0.4996667741545416
    a0 = 1.0 + k / q + k * k
    shelf = [
        (high + band * k / q + k * k) / a0,
        2.0 * (k * k - high) / a0,
        (high - band * k / q + k * k) / a0,
        2.0 * (k * k - 1.0) / a0,
        (1.0 - k / q + k * k) / a0,
    ]
    k, q = math.tan(math.pi * 38.13547087602444 / rate), 0.5003270373238773
    a0 = 1.0 + k / q + k * k
    pass_high = [1.0, -2.0, 1.0, 2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0]
    return np.array(shelf + pass_high)


@lru_cache(maxsize=4)
def _filters(rate: int) -> tuple[F64, F64, F64]:
    """Return the coefficients of both biquads, and their free response during an eighth of a step."""
    coefficients, rows = _k_weighting(rate), int(_STEP_SECONDS * rate / 8) + 2
    answers, sums = np.empty((rows, 8)), np.empty((rows + 1, 16))
    _loudness.free_response(coefficients, answers, sums)
    return coefficients, answers, sums


@lru_cache(maxsize=2)
def _interpolator(factor: int) -> npt.NDArray[np.float32]:
    """Design a windowed-sinc interpolator, for each phase between two samples: (factor - 1, taps)."""
    places = np.arange(1, factor)[:, None] / factor + _TAPS // 2 - 1 - np.arange(_TAPS)
    taps = np.sinc(places) * np.i0(6.0 * np.sqrt(1.0 - (places / (_TAPS / 2)) ** 2))
    return np.ascontiguousarray(taps / taps.sum(axis=1, keepdims=True), dtype=np.float32)


@lru_cache(maxsize=8)
def _channel_weights(channels: int) -> npt.NDArray[np.float64]:
    weights = np.ones(channels)
    if channels == 5:  # noqa: PLR2004 -- L R C Ls Rs
        weights[3:] = 1.41
    elif channels == 6:  # noqa: PLR2004 -- L R C LFE Ls Rs
        weights[3:] = 0.0, 1.41, 1.41
    return weights


class LoudnessMeter:
    """Measures a signal that arrives in blocks; the result does not depend on their sizes.

    Parameters
    ----------
    sr : int
        Original rate of the signal in Hz; a signal that was resampled would lack the high frequencies.
    channels : int
        Number of channels, at least 1.

    References
    ----------
    ITU-R BS.1770-4, "Algorithms to measure audio programme loudness and true-peak audio level", annexes 1 and 2.
    """

    def __init__(self, *, sr: int, channels: int) -> None:
        self._step = _STEP_SECONDS * sr
        self._coefficients, self._answers, self._sums = _filters(sr)
        self._weights = _channel_weights(channels)
        self._state = np.zeros((channels, 4))
        self._seen = 0
        self._energies: list[float] = [0.0]
        self._peak = 0.0
        # BS.1770-4 annex 2: at least 192 kHz after oversampling.
        self._taps = _interpolator(4 if sr < 96000 else 2)  # noqa: PLR2004 -- half of 192 kHz
        self._tail = np.zeros((channels, _TAPS - 1), np.float32)

    def update(self, block: npt.NDArray[np.float32] | npt.NDArray[np.int16]) -> tuple[npt.NDArray[np.float32], bool]:
        """Add the next samples.

        Parameters
        ----------
        block : ndarray of float32 or int16, C order, shape (frames, channels)
            Integers are divided by 32768. NaN, infinity and values beyond `LOUDEST` are replaced by 0.

        Returns
        -------
        tuple of (ndarray of float32, bool)
            The samples, (channels, frames), for other uses; whether any of them was replaced by 0.
        """
        frames, lead = block.shape[0], _TAPS - 1
        padded = np.empty((block.shape[1], lead + frames), np.float32)
        padded[:, :lead], taken = self._tail, padded[:, lead:]
        energy = _loudness.spread(block, _PCM_16 if block.dtype == np.int16 else 1.0, padded, lead)
        replaced = False
        if not energy < LOUDEST * LOUDEST:  # NaN too
            absurd = ~(np.abs(taken) < LOUDEST)
            taken[absurd], replaced = 0.0, bool(absurd.any())
        if frames == 0:
            return taken, replaced
        energies = np.zeros(int(frames / self._step) + 2)
        begun = len(self._energies) - 1
        steps = _loudness.k_weight(
            padded,
            lead,
            self._seen,
            begun,
            self._step,
            self._coefficients,
            self._answers,
            self._sums,
            self._state,
            self._weights,
            energies,
        )
        first, *others = energies[:steps].tolist()
        self._energies[-1] += first
        self._energies += others
        self._seen += frames
        self._peak = _loudness.true_peak(padded, self._taps, self._peak)
        self._tail = padded[:, -lead:].copy()
        return taken, replaced

    def true_peak_dbtp(self) -> float | None:
        """Return the true peak of all samples so far, in dB relative to full scale; None for digital silence.

        Interpolation is done around every sample within 6 dB of the highest one, which is twice the overshoot of a
        sine at a quarter of the rate.
        """
        # The last samples still lack their right-hand neighbours: silence follows.
        padded = np.zeros((len(self._tail), 2 * (_TAPS - 1)), np.float32)
        padded[:, : _TAPS - 1] = self._tail
        peak = _loudness.true_peak(padded, self._taps, self._peak)
        return 20.0 * math.log10(peak) if peak > 0.0 else None

    def integrated_lufs(self) -> float | None:
        """Return the gated loudness of all samples so far.

        Returns
        -------
        float or None
            In LUFS. A signal shorter than one block of 400 ms is measured as one block of its own length, ungated, so
            that a short hit has a loudness too. None if everything is below -70 LUFS.
        """
        short = self._seen < round(4 * self._step)
        energies = [sum(self._energies)] if short else self._energies[:-1]
        width, samples = (1, float(max(self._seen, 1))) if short else (4, 4.0 * self._step)
        mean = _loudness.gated_mean(np.array(energies), width, samples, _SILENCE, 0.1)  # -10 LU
        return _OFFSET + 10.0 * math.log10(mean) if mean > 0.0 else None


def measure(y: npt.NDArray[Any], *, sr: int) -> tuple[float | None, float | None]:
    """Measure a whole signal at once.

    Parameters
    ----------
    y : ndarray of float, shape (frames,) or (frames, channels)
    sr : int
        Its rate in Hz.

    Returns
    -------
    tuple of (float or None, float or None)
        Integrated loudness in LUFS and true peak in dBTP; both None for silence or for no frames.
    """
    block = np.ascontiguousarray(y.reshape(len(y), -1), dtype=np.float32)
    meter = LoudnessMeter(sr=sr, channels=block.shape[1])
    meter.update(block)
    return meter.integrated_lufs(), meter.true_peak_dbtp()
