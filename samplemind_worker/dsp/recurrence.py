"""Measures how much a sound is like itself some time later: what repeats has a pulse, speech and noises go on.

Method: the autocorrelation of the mel bands about their mean, over the energy of both parts (Foote and Uchihashi, "The
beat spectrum", 2001). The onset strength tells when something begins, this tells whether it is the same again.
"""

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.units import SR

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

MEASURES = 8
_RATE = SR / 512
"""Frames of the mel bands per second."""
_LONGEST = 1292  # frames (30 s)
_NEIGHBOURS = np.repeat(np.eye(8, dtype=np.float32), 5, axis=0) / np.float32(5.0)
"""(40, 8): means of neighbouring mel bands, which tell as much as all of them."""
_RANGE = 60.0  # dB below the loudest
_BEATS = np.array([0.5, 1.0, 2.0, 4.0])
_OVERLAP = 0.85  # of the sound: longer lags leave too little to be evidence
_ABSENT = -0.3  # stands for a lag beyond that
_SHORTEST, _FARTHEST = 0.25, 8.0  # beats
_FLOOR = 1e-6  # of the energy, and a thousandth of a squared dB: of what hardly changes nothing is alike


def recurrence(mel: F32, tempo: float | None) -> F64:
    """Measure how alike a sound is to itself after some beats: (8,); 0 where there is no tempo to ask about.

    Parameters
    ----------
    mel : ndarray of float32, shape (n, 40)
        Log mel power in dB, as in `types.Features`.
    tempo : float or None
        BPM of the likeliest tempo.

    Returns
    -------
    ndarray of float
        The likeness (-1 to 1) after 1/2, 1, 2 and 4 beats (-0.3 where the sound is too short for it); median, greatest
        value and standard deviation from a quarter of a beat to eight beats; the greatest if it is repeated endlessly.
    """
    if tempo is None:
        return np.zeros(MEASURES)
    correlation, energy = _correlation(mel[:_LONGEST])
    n, beat = len(correlation), 60.0 / tempo * _RATE
    floor = _FLOOR * energy[-1] + 1e-3
    lags = np.arange(1, int(_OVERLAP * n))
    alike = correlation[lags] / (np.sqrt((energy[n - lags]) * (energy[n] - energy[lags])) + floor)
    first, last = max(1, int(_SHORTEST * beat)), int(min(_FARTHEST * beat, _OVERLAP * n))
    between = alike[first - 1 : last - 1]
    spread = (np.median(between), between.max(), between.std()) if len(between) else (0.0, 0.0, 0.0)
    around = correlation.copy()
    around[1:] += correlation[:0:-1]
    again = around[first : n // 2].max(initial=0.0) / (energy[-1] + floor)
    return np.array([*(_near(alike, beat * count) for count in _BEATS.tolist()), *spread, again])


def _correlation(mel: F32) -> tuple[F64, F64]:
    """Return the autocorrelation (n,) of the bands about their mean, and the energy (n + 1,) before each frame."""
    heard = np.maximum(mel, mel.max() - _RANGE)
    level = np.ascontiguousarray((heard @ _NEIGHBOURS).T, np.float64)
    level -= level.mean(axis=1, keepdims=True)
    size = 1 << (2 * len(mel) - 1).bit_length()
    waves = np.fft.rfft(level, size)
    power = (waves.real * waves.real + waves.imag * waves.imag).sum(axis=0)
    energy = np.zeros(len(mel) + 1)
    np.cumsum((level * level).sum(axis=0), out=energy[1:])
    return np.fft.irfft(power, size)[: len(mel)], energy


def _near(alike: F64, lag: float) -> float:
    """Return the greatest likeness within a frame of a lag; the first value is that of a lag of one frame."""
    place = max(1, round(lag)) - 1
    near = alike[max(0, place - 1) : place + 2]
    return float(near.max()) if len(near) else _ABSENT
