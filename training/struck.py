"""Synthesizes single notes of struck and plucked strings as microphones hear them, above all the lowest and highest.

Notes of soundfonts are close and clean. The highest notes of a recorded piano are softer than the knock of the key,
and its lowest ones have no fundamental, and partials that are stretched. Low strings of gut and nylon are dull, and the
body colours them. Microphones may be far away.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import numpy as np
import numpy.typing as npt

from training import rooms, sounds

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
C128 = npt.NDArray[np.complex128]
Rng = np.random.Generator

SR = 22050
LOWEST, HIGHEST = 21, 108
_PARTIALS, _BLOCK = 48, 512
_LONGEST_SECONDS = 5.5  # the pitch is read from the first 4.5 s


def _stiffness(midi: float, rng: Rng) -> float:
    """Draw the inharmonicity of a string: a piano's (Rigaud, David and Daudet, 2013), or the lower one of a pluck."""
    if rng.random() < 0.6:
        piano = np.exp(0.0926 * midi - 13.64) + np.exp(-0.0847 * midi - 5.82)
        return float(piano * np.exp(rng.normal(0.0, 0.3)))
    return float(np.exp(rng.uniform(np.log(5e-6), np.log(2e-4))))


def _levels(hz: F64, rng: Rng) -> F64:
    """Draw the levels of the partials: where the string is struck, how hard, and what the body lets through."""
    n = np.arange(1, len(hz) + 1)
    place = float(rng.uniform(0.06, 0.35))
    level = np.abs(np.sin(np.pi * place * n)) + 0.02
    level *= 10.0 ** (-float(rng.uniform(0.15, 0.7)) * np.log2(n))
    body, order = float(np.exp(rng.uniform(np.log(40.0), np.log(180.0)))), float(rng.uniform(1.0, 3.0))
    level /= np.sqrt(1.0 + (body / hz) ** (2.0 * order))
    dullest = 1200.0 if rng.random() < 0.6 else max(250.0, 1.5 * hz[0])
    level /= np.sqrt(1.0 + (hz / np.exp(rng.uniform(np.log(dullest), np.log(9000.0)))) ** 2)
    if rng.random() < 0.4:
        for _ in range(int(rng.integers(1, 5))):
            mode, width = float(np.exp(rng.uniform(np.log(60.0), np.log(900.0)))), float(rng.uniform(0.03, 0.3))
            level *= 1.0 + float(rng.uniform(0.5, 5.0)) * np.exp(-(np.log(hz / mode) ** 2) / (2.0 * width**2))
    return level * 10.0 ** (rng.normal(0.0, 4.0, len(hz)) / 20.0)


def _string(hz: F64, level: F64, n: int, rng: Rng) -> F64:
    """Sum partials that die away, high ones sooner, some with a slow second stage or the beats of a second string."""
    longest = float(np.exp(rng.uniform(np.log(0.5), np.log(14.0)))) * (110.0 / max(hz[0], 55.0)) ** 0.45
    slope, late = float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.0, 0.25))
    beats = float(rng.uniform(0.0, 1.2)) if rng.random() < 0.5 else 0.0
    fall = 6.91 * np.maximum(1.0, (hz / hz[0]) ** slope) / longest
    if beats:
        second = hz + beats * rng.uniform(0.3, 1.0, len(hz)) * (hz / hz[0]) ** 0.5
        hz, level, fall = np.concatenate([hz, second]), np.concatenate([level, 0.6 * level]), np.tile(fall, 2)
    start = level * np.exp(1j * rng.uniform(0.0, 2.0 * np.pi, len(hz)))
    turn = 2j * np.pi * hz
    return _ringing(
        np.concatenate([(1.0 - late) * start, late * start]), np.concatenate([turn - fall, turn - 0.3 * fall]), n
    )


def _ringing(start: C128, exponent: C128, n: int) -> F64:
    """Sum damped oscillations: the exponential of a sum of times is the product of their exponentials."""
    block = np.exp(np.outer(np.arange(-(-n // _BLOCK)) * _BLOCK / SR, exponent)) * start
    within = np.exp(np.outer(exponent, np.arange(_BLOCK) / SR))
    # One product of real matrices: the real part of the product of the complex ones.
    left = np.concatenate([block.real, -block.imag], axis=1).astype(np.float32)
    right = np.concatenate([within.real, within.imag]).astype(np.float32)
    return (left @ right).ravel()[:n].astype(np.float64)


def _knock(n: int, rng: Rng) -> F64:
    """Draw what the key, the hammer or the finger adds: a low thud and the modes of the body."""
    heard = min(n, SR)  # it has died away after a second
    y = sounds.band_noise(heard, 40.0, float(np.exp(rng.uniform(np.log(200.0), np.log(2500.0)))), rng)
    y = sounds.peak(y) * np.exp(-np.arange(heard) / SR * float(np.exp(rng.uniform(np.log(8.0), np.log(80.0)))))
    modes = int(rng.integers(1, 7))
    hz = np.exp(rng.uniform(np.log(50.0), np.log(700.0), modes))
    y += _ringing(-1j * rng.uniform(0.1, 0.8, modes), 2j * np.pi * hz - rng.uniform(5.0, 40.0, modes), heard)
    return np.pad(sounds.peak(y), (0, n - heard))


def play(rng: Rng) -> tuple[F32, float]:
    """Play one note; also return its MIDI number."""
    low, high = [(LOWEST, 40), (36, 88), (82, HIGHEST)][int(rng.choice(3, p=[0.35, 0.3, 0.35]))]
    midi = float(rng.integers(low, high + 1)) + float(rng.normal(0.0, 0.08))
    fundamental = 440.0 * 2.0 ** ((midi - 69.0) / 12.0)
    number = np.arange(1, _PARTIALS + 1)
    hz = fundamental * number * np.sqrt(1.0 + _stiffness(midi, rng) * number**2)
    hz = hz[hz < 9500.0]
    n = round(float(np.exp(rng.uniform(np.log(0.4), np.log(_LONGEST_SECONDS)))) * SR)
    y = sounds.peak(_string(hz, _levels(hz, rng), n, rng))
    loudest = float(np.interp(midi, [21.0, 80.0, 86.0, 100.0], [-6.0, -9.0, 3.0, 12.0]))
    y = y + 10.0 ** (float(rng.uniform(-45.0, loudest)) / 20.0) * _knock(n, rng)
    place = rng.random()
    if place < 0.25:
        y = sounds.reverb(np.concatenate([y, np.zeros(round(float(rng.uniform(0.0, 1.0)) * SR))]), rng)
    elif place < 0.6:
        y = np.asarray(rooms.far(y, rng), np.float64)
    if rng.random() < 0.5:
        rumble = sounds.band_noise(len(y), 20.0, float(np.exp(rng.uniform(np.log(100.0), np.log(6000.0)))), rng)
        y = y + 10.0 ** (float(rng.uniform(-75.0, -38.0)) / 20.0) * sounds.peak(rumble)
    return np.asarray(sounds.peak(y), np.float32), midi
