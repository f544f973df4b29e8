"""Synthesized noise beds: rooms, wind, rain, hum, machines, crowds. None of it is music."""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import numpy as np
import numpy.typing as npt

from training import sounds, voices

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Rng = np.random.Generator
SR = sounds.SR


def draw(rng: Rng, seconds: float | None = None) -> F32:
    """Make a bed of some seconds (1 to 20 at random), with a peak of 1."""
    n = round((float(np.exp(rng.uniform(0.0, np.log(20.0)))) if seconds is None else seconds) * SR)
    kinds = (_room, _wind, _rain, _hum, _machine, _crowd)
    y = kinds[int(rng.integers(len(kinds)))](rng, n)
    if rng.random() < 0.3:
        y = sounds.peak(y) + rng.uniform(0.05, 0.7) * sounds.peak(kinds[int(rng.integers(len(kinds)))](rng, n))
    return np.asarray(sounds.peak(y), np.float32)


def _slow(rng: Rng, n: int, every_seconds: float, low: float) -> F64:
    """Wander between ``low`` and 1."""
    points = max(3, round(n / SR / every_seconds))
    return np.interp(np.arange(n), np.linspace(0, n, points), rng.uniform(low, 1.0, points))


def _room(rng: Rng, n: int) -> F64:
    y = sounds.band_noise(n, float(np.exp(rng.uniform(2.5, 5.5))), float(np.exp(rng.uniform(5.5, 9.0))), rng)
    return y * _slow(rng, n, 2.0, 0.7)


def _wind(rng: Rng, n: int) -> F64:
    low = float(np.exp(rng.uniform(4.0, 6.0)))
    y = sounds.band_noise(n, low, 2.0 * low, rng) * _slow(rng, n, 0.6, 0.0)
    return y + sounds.band_noise(n, low, 6.0 * low, rng) * _slow(rng, n, 0.9, 0.0) ** 2


def _rain(rng: Rng, n: int) -> F64:
    drops = (rng.random(n) < rng.uniform(20.0, 800.0) / SR) * rng.exponential(1.0, n)
    ring = np.exp(-np.arange(200) / rng.uniform(4.0, 40.0)) * rng.normal(size=200)
    floor = sounds.band_noise(n, 300.0, float(rng.uniform(3000.0, 9000.0)), rng)
    return np.convolve(drops, ring)[:n] + rng.uniform(0.0, 2.0) * floor


def _hum(rng: Rng, n: int) -> F64:
    base, t = float(rng.choice([50.0, 60.0, rng.uniform(30.0, 240.0)])), np.arange(n) / SR
    y = np.zeros(n)
    for k in range(1, int(rng.integers(3, 20))):
        y += rng.uniform(0.0, 1.0) / k * np.sin(2.0 * np.pi * k * base * t + rng.uniform(0.0, 6.3))
    return y * _slow(rng, n, 3.0, 0.8) + rng.uniform(0.1, 1.5) * _room(rng, n)


def _machine(rng: Rng, n: int) -> F64:
    """Make a motor: bursts of noise at an almost even rate, about as fast as beats or far faster."""
    rate = float(np.exp(rng.uniform(np.log(3.0), np.log(40.0))))
    phase = np.cumsum(rate * (1.0 + 0.05 * (_slow(rng, n, 0.5, 0.0) - 0.5))) / SR
    shape = np.maximum(np.sin(2.0 * np.pi * phase), 0.0) ** rng.uniform(0.5, 6.0)
    low = float(np.exp(rng.uniform(3.5, 7.0)))
    return (rng.uniform(0.1, 0.6) + shape) * sounds.band_noise(n, low, float(rng.uniform(3.0, 20.0)) * low, rng)


def _crowd(rng: Rng, n: int) -> F64:
    y = 0.2 * _room(rng, n)
    people = [voices.sing(rng)[0].astype(np.float64) for _ in range(5)]
    for _ in range(min(80, int(rng.uniform(2.0, 12.0) * n / SR))):
        length = round(float(rng.uniform(0.08, 0.4)) * SR)
        sung = people[int(rng.integers(len(people)))][:length]
        first = int(rng.integers(0, max(1, n - len(sung))))
        fade = np.sin(np.pi * (np.arange(len(sung)) + 0.5) / len(sung))
        y[first : first + len(sung)] += rng.uniform(0.05, 0.4) * (sung * fade)[: n - first]
    return sounds.reverb(y, rng)
