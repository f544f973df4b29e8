"""Synthesized skins: toms and hand drums by the modes of a membrane, which a shell and its air bring nearer to a tone.

The modes are those of an ideal membrane, of a kettledrum and of a tabla (Rossing, "Science of Percussion Instruments",
2000), and of a skin that is tuned to a chord, as makers of electronic drums do.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import numpy as np
import numpy.typing as npt

from training import sounds

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Rng = np.random.Generator

SR = 22050
_IDEAL = np.array([1.0, 1.594, 2.136, 2.296, 2.653, 2.918, 3.156])
_KETTLE = np.array([1.0, 1.5, 1.98, 2.44, 2.91, 3.36, 3.8])
_TABLA = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
_TUNED = np.array([1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0])
# Hz of the lowest mode, and seconds in which it falls by 60 dB.
_RANGES = {"tom": (60.0, 230.0, 0.25, 2.2), "perc": (140.0, 750.0, 0.08, 1.0)}
NAMES = tuple(_RANGES)


def _log(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _ratios(rng: Rng) -> F64:
    """Draw the frequencies of the modes relative to the lowest: between those of two kinds of skin, a little apart."""
    sets = (_IDEAL, _IDEAL, _KETTLE, _TABLA, _TUNED)
    first, second = sets[rng.integers(5)], sets[rng.integers(5)]
    part = float(rng.random())
    ratios = (part * first + (1.0 - part) * second) * (1.0 + rng.normal(0.0, 0.02, len(first)))
    return ratios / ratios[0]


def _noise(rng: Rng, n: int, low: float, high: float) -> F64:
    spectrum, hz = np.fft.rfft(rng.standard_normal(n)), np.fft.rfftfreq(n, 1.0 / SR)
    y = np.fft.irfft(spectrum * (1.0 / (1.0 + (low / np.maximum(hz, 1.0)) ** 4) / (1.0 + (hz / high) ** 4)), n)
    return y / max(float(np.abs(y).max()), 1e-9)


def draw(rng: Rng, name: str) -> F32:
    """Strike a drum of one of `NAMES`; its peak is 1."""
    low, high, shortest, longest = _RANGES[name]
    hz, seconds = _log(rng, low, high), _log(rng, shortest, longest)
    n = round(min(1.2 * seconds + 0.1, 2.5) * SR)
    t = np.arange(n) / SR
    # A hard blow stretches the skin for a moment.
    glide = 1.0 + float(rng.exponential(0.04)) * np.exp(-t / _log(rng, 0.01, 0.12))
    phase = 2.0 * np.pi * hz * np.cumsum(glide) / SR
    ratios = _ratios(rng)
    slope, damping = float(rng.uniform(0.0, 2.2)), float(rng.uniform(0.0, 1.4))
    levels = np.exp(-slope * (ratios - 1.0)) * 10.0 ** (rng.normal(0.0, 4.0, len(ratios)) / 20.0)
    levels[0] *= float(rng.uniform(0.3, 1.0))
    y = np.zeros(n)
    for ratio, level in zip(ratios, levels, strict=True):
        if ratio * hz < 0.45 * SR:
            falls = seconds * ratio**-damping * float(rng.uniform(0.6, 1.2))
            y += level * np.sin(ratio * phase + rng.uniform(0.0, 2.0 * np.pi)) * 10.0 ** (-3.0 * t / falls)
    y = sounds.peak(y)
    blow = _noise(rng, n, _log(rng, 100.0, 1500.0), _log(rng, 2000.0, 10_000.0))
    y += float(rng.uniform(0.0, 0.9)) * blow * 10.0 ** (-3.0 * t / _log(rng, 0.006, 0.08))
    if rng.random() < 0.3:  # the shell, the hand on the skin, or the wires of a snare nearby
        y += float(rng.uniform(0.0, 0.15)) * _noise(rng, n, 300.0, 8000.0) * 10.0 ** (-3.0 * t / _log(rng, 0.1, 0.8))
    return np.asarray(sounds.peak(y), np.float32)
