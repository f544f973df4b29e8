"""Synthesized sound effects: risers, falls, zaps, impacts, machines."""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import numpy as np
import numpy.typing as npt

from training import sounds

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Rng = np.random.Generator

SR = 22050


def _tone(rng: Rng, hz: F64) -> F64:
    phase = 2.0 * np.pi * np.cumsum(hz) / SR
    wave = np.sin(phase)
    return (
        wave,
        np.sign(wave),
        np.arcsin(wave),
        np.sin(phase + float(rng.uniform(0.5, 6.0)) * np.sin(phase * float(rng.uniform(0.2, 3.7)))),
    )[int(rng.integers(4))]


def _swept_noise(rng: Rng, n: int, places: F64) -> F64:
    """Noise whose band moves: blocks of noise of their own band, faded into each other."""
    y, size = np.zeros(n + 4096), 2048
    for start in range(0, n, size // 2):
        hz = float(np.interp(start, np.linspace(0, n, len(places)), places))
        y[start : start + size] += sounds.band_noise(size, 0.6 * hz, 1.6 * hz, rng) * np.hanning(size)
    return y[:n]


def _sweep(rng: Rng) -> F64:
    n = round(float(rng.uniform(0.6, 4.0)) * SR)
    places = np.exp(np.sort(rng.uniform(np.log(80), np.log(8000), 3)))[:: int(rng.choice([-1, 1]))]
    hz = np.interp(np.arange(n), np.linspace(0, n, 3), places)
    y = float(rng.uniform(0, 1)) * _tone(rng, hz) + float(rng.uniform(0, 1)) * _swept_noise(rng, n, places)
    level = float(rng.uniform(0.02, 1.0)), float(rng.uniform(0.02, 1.0))
    return y * np.interp(np.arange(n), [0, 0.8 * n, n], [level[0], level[1], 0.0])


def _zap(rng: Rng) -> F64:
    n = round(float(rng.uniform(0.12, 0.9)) * SR)
    t = np.arange(n) / n
    high, low = (
        float(np.exp(rng.uniform(np.log(600), np.log(9000)))),
        float(np.exp(rng.uniform(np.log(60), np.log(500)))),
    )
    shape = t ** float(rng.uniform(0.3, 1.5))
    hz = high * (low / high) ** (shape if rng.random() < 0.7 else 1.0 - shape)
    hz *= 1.0 + float(rng.choice([0.0, 0.3])) * np.sin(2.0 * np.pi * float(rng.uniform(10, 60)) * t)
    return _tone(rng, hz) * (1.0 - t) ** float(rng.uniform(0.3, 2.0))


def _impact(rng: Rng) -> F64:
    n = round(float(rng.uniform(0.8, 4.0)) * SR)
    t = np.arange(n) / SR
    rumble = sounds.band_noise(n, 25, float(np.exp(rng.uniform(4.5, 8.0))), rng) * np.exp(
        -t * float(rng.uniform(0.8, 5.0))
    )
    boom = _tone(rng, float(rng.uniform(30, 90)) * (1.0 + 3.0 * np.exp(-t * 20.0))) * np.exp(
        -t * float(rng.uniform(1.0, 5.0))
    )
    return rumble + float(rng.uniform(0.0, 1.0)) * boom


def _machine(rng: Rng) -> F64:
    """Warbles and steps: computers, alarms, engines."""
    n = round(float(rng.uniform(0.3, 3.0)) * SR)
    steps = max(2, round(n / SR * float(np.exp(rng.uniform(1.0, 3.7)))))
    places = np.exp(rng.uniform(np.log(100), np.log(3500), int(rng.integers(2, 6))))
    hz = np.repeat(places[rng.integers(0, len(places), steps)], -(-n // steps))[:n]
    y = _tone(rng, hz) + float(rng.choice([0.0, 0.4])) * sounds.band_noise(n, 200, 6000, rng)
    return y * np.interp(np.arange(n), [0, 0.02 * n, 0.7 * n, n], [0.0, 1.0, float(rng.uniform(0.2, 1.0)), 0.0])


def _scrape(rng: Rng) -> F64:
    """Vinyl, wind, water: noise that swells at odd times."""
    n = round(float(rng.uniform(0.4, 4.0)) * SR)
    band = np.exp(np.sort(rng.uniform(np.log(100), np.log(9000), 2)))
    y = sounds.band_noise(n, float(band[0]), float(band[1]), rng)
    return y * np.interp(np.arange(n), np.linspace(0, n, 9), rng.uniform(0.0, 1.0, 9) ** 2)


def draw(rng: Rng) -> F32:
    """Make one effect."""
    y = (_sweep, _zap, _impact, _machine, _scrape)[int(rng.integers(5))](rng)
    if rng.random() < 0.4:
        y = sounds.reverb(y, rng)
    return (y / max(float(np.abs(y).max()), 1e-9)).astype(np.float32)
