"""Drums as drum machines make them: resonators that a pulse strikes, six square waves, filtered noise, sounds in ROM.

The circuits are those of the seventies and eighties, with all values drawn anew: bridged-T resonators for kicks, toms,
congas, rims and claves, squares through band-pass filters for hats, cymbals and cowbells (Werner, Abel and Smith, "A
physically-informed, circuit-bendable, digital model of the Roland TR-808 bass drum circuit", 2014, describe the first),
noise through envelopes for the others. Half of the sounds then pass through a memory of few bits and a low rate.
Conventions: mono float64 at 22.05 kHz, peak 1.
"""

# ruff: noqa: D103, PLR2004 -- each drum is its own description, and its numbers are taste

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from training import augment
from training.sounds import SR, Rng, band_noise, peak

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_SQUARES = np.array([205.3, 304.4, 369.6, 522.7, 540.0, 800.0])
"""Hz of the six oscillators of the TR-808's cymbals."""


def _log(rng: Rng, low: float, high: float) -> float:
    """Draw evenly on a logarithmic scale."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _fall(n: int, seconds: float) -> F64:
    """Fall by 60 dB in ``seconds``."""
    return 10.0 ** (-3.0 * np.arange(n) / (seconds * SR))


def _resonator(n: int, hz: float, seconds: float, *, bend: float = 0.0, bend_seconds: float = 0.02) -> F64:
    """Ring at ``hz``, at first higher by the share ``bend``, and fall by 60 dB in ``seconds``."""
    t = np.arange(n) / SR
    phase = 2.0 * np.pi * hz * (t + bend * bend_seconds * (1.0 - np.exp(-t / bend_seconds)))
    return np.sin(phase) * _fall(n, seconds)


def _band_pass(y: F64, hz: float, q: float) -> F64:
    """Filter by a resonance of second order."""
    size = 2 << len(y).bit_length()
    f = np.fft.rfftfreq(size, 1.0 / SR)
    response = 1.0 / (1.0 + 1j * q * (f / hz - hz / np.maximum(f, 1.0)))
    return np.fft.irfft(np.fft.rfft(y, size) * response, size)[: len(y)]


def _high_pass(y: F64, hz: float) -> F64:
    size = 2 << len(y).bit_length()
    ratio = 1j * np.fft.rfftfreq(size, 1.0 / SR) / hz
    return np.fft.irfft(np.fft.rfft(y, size) * ratio**2 / (1.0 + 1.4 * ratio + ratio**2), size)[: len(y)]


def _squares(rng: Rng, n: int, count: int = 6) -> F64:
    """Add square waves that are out of tune with each other."""
    t = np.arange(n) / SR
    scale = _log(rng, 0.6, 2.2)
    hz = rng.permutation(_SQUARES)[:count] * scale * np.exp(rng.normal(0.0, 0.08, count))
    return np.sign(np.sin(2.0 * np.pi * hz[:, None] * t + rng.uniform(0.0, 6.28, (count, 1)))).sum(axis=0)


def _metal(rng: Rng, n: int) -> F64:
    """Make what a machine has for metal: squares, or noise, or both, above one or two resonances."""
    raw = rng.choice([0.0, 1.0, 1.0]) * peak(_squares(rng, n)) + rng.choice([0.0, 0.3, 1.0]) * rng.normal(0.0, 0.3, n)
    raw = raw if np.abs(raw).max() > 0.0 else rng.normal(0.0, 0.3, n)
    y = _band_pass(raw, _log(rng, 5500.0, 9500.0), _log(rng, 0.7, 3.0))
    return peak(y + rng.uniform(0.0, 1.0) * _band_pass(raw, _log(rng, 2500.0, 5000.0), _log(rng, 1.0, 4.0)))


def kick(rng: Rng) -> F64:
    seconds = _log(rng, 0.15, 1.6)
    n = round(min(seconds, 1.0) * SR)
    y = _resonator(n, _log(rng, 40, 75), seconds, bend=_log(rng, 0.2, 5.0), bend_seconds=_log(rng, 0.004, 0.05))
    click = _resonator(n, _log(rng, 900, 4000), _log(rng, 0.004, 0.03))
    return peak(np.tanh(_log(rng, 0.5, 4.0) * (y + rng.choice([0.0, 0.1, 0.3]) * click)))


def snare(rng: Rng) -> F64:
    seconds = _log(rng, 0.1, 0.6)
    n = round(1.1 * max(seconds, 0.15) * SR)
    low = _log(rng, 150, 260)
    tone = _resonator(n, low, _log(rng, 0.08, 0.35), bend=rng.uniform(0.0, 0.6))
    tone = tone + rng.uniform(0.2, 1.0) * _resonator(n, low * rng.uniform(1.6, 2.1), _log(rng, 0.06, 0.25))
    noise = peak(_high_pass(rng.normal(size=n), _log(rng, 500, 3500))) * _fall(n, seconds)
    return peak(rng.uniform(0.2, 1.0) * peak(tone) + rng.uniform(0.3, 1.2) * noise)


def clap(rng: Rng) -> F64:
    n = round(_log(rng, 0.15, 0.6) * SR)
    envelope = rng.uniform(0.2, 0.7) * _fall(n, _log(rng, 0.15, 0.7))
    first, gap = 0, rng.uniform(0.008, 0.013)
    for _ in range(int(rng.integers(3, 5))):
        envelope[first:] += _fall(n - first, rng.uniform(0.02, 0.05))
        first += round(gap * SR)
    return peak(_band_pass(rng.normal(size=n), _log(rng, 800, 1800), _log(rng, 1.0, 4.0)) * envelope)


def rim(rng: Rng) -> F64:
    """Strike two or three resonators that ring for some hundredths of a second, as a stick on rim and shell."""
    n = round(_log(rng, 0.06, 0.18) * SR)
    y = _resonator(n, _log(rng, 400, 1100), _log(rng, 0.02, 0.09))
    y = y + rng.uniform(0.3, 1.2) * _resonator(n, _log(rng, 1400, 2800), _log(rng, 0.015, 0.07))
    if rng.random() < 0.5:
        y = y + rng.uniform(0.1, 0.9) * _resonator(n, _log(rng, 190, 400), _log(rng, 0.03, 0.12))
    click = band_noise(n, 1500, _log(rng, 4000, 10000), rng) * _fall(n, _log(rng, 0.004, 0.04))
    y = np.tanh(_log(rng, 0.6, 5.0) * (y + rng.choice([0.0, 0.2, 0.6]) * click))
    return peak(_high_pass(y, _log(rng, 100, 600)))


def hat_closed(rng: Rng) -> F64:
    n = round(_log(rng, 0.05, 0.2) * SR)
    return peak(_metal(rng, n) * _fall(n, _log(rng, 0.03, 0.18)))


def hat_open(rng: Rng) -> F64:
    seconds = _log(rng, 0.3, 1.5)
    n = round(min(seconds, 0.9) * SR)
    y = peak(_metal(rng, n) * _fall(n, seconds))
    fade = round(rng.uniform(0.01, 0.06) * SR)
    y[-fade:] *= np.linspace(1.0, 0.0, fade)
    return y


def tom(rng: Rng) -> F64:
    seconds = _log(rng, 0.2, 1.2)
    n = round(min(seconds, 1.0) * SR)
    y = _resonator(n, _log(rng, 65, 260), seconds, bend=_log(rng, 0.05, 0.8), bend_seconds=_log(rng, 0.02, 0.15))
    noise = band_noise(n, 100, _log(rng, 600, 6000), rng) * _fall(n, _log(rng, 0.05, 0.5))
    return peak(y + rng.choice([0.0, 0.05, 0.2]) * noise)


def crash(rng: Rng) -> F64:
    """Spread metal over all of the treble; the lower resonances of a cymbal last longer than the higher ones."""
    seconds = _log(rng, 0.9, 4.0)
    n = round(min(0.7 * seconds, 2.2) * SR)
    raw = rng.uniform(0.2, 1.0) * peak(_squares(rng, n)) + rng.uniform(0.3, 1.0) * rng.normal(0.0, 0.35, n)
    y = rng.uniform(0.3, 1.0) * peak(_band_pass(raw, _log(rng, 2200, 4500), _log(rng, 0.5, 1.5))) * _fall(n, seconds)
    y = y + peak(_band_pass(raw, _log(rng, 6000, 9500), _log(rng, 0.5, 1.5))) * _fall(
        n, rng.uniform(0.4, 1.0) * seconds
    )
    y = y + rng.uniform(0.3, 1.5) * band_noise(n, 1500, 11000, rng) * _fall(n, _log(rng, 0.05, 0.4))
    return peak(y)


def ride(rng: Rng) -> F64:
    """Ping a few close partials for long, over little wash: it falls fast at first, and then hardly."""
    seconds = _log(rng, 1.0, 4.0)
    n = round(min(0.7 * seconds, 2.0) * SR)
    ping = sum(
        rng.uniform(0.2, 1.0) * _resonator(n, _log(rng, 2500, 6500), rng.uniform(0.3, 1.0) * seconds) for _ in range(9)
    )
    wash = _band_pass(rng.normal(size=n) + _squares(rng, n), _log(rng, 3500, 8000), _log(rng, 0.6, 2.0))
    tick = band_noise(n, 2000, 10000, rng) * _fall(n, _log(rng, 0.01, 0.06))
    bell = _resonator(n, _log(rng, 400, 1400), _log(rng, 0.2, 1.0))
    y = peak(np.asarray(ping)) + rng.uniform(0.1, 0.8) * peak(wash) * _fall(n, rng.uniform(0.5, 1.0) * seconds)
    return peak(y + rng.uniform(0.1, 1.0) * tick + rng.choice([0.0, 0.0, 0.3]) * bell)


def shaker(rng: Rng) -> F64:
    n = round(_log(rng, 0.06, 0.25) * SR)
    rise = np.minimum(np.arange(n) / (_log(rng, 0.003, 0.04) * SR), 1.0)
    y = peak(_high_pass(rng.normal(size=n), _log(rng, 3000, 7000)))
    if rng.random() < 0.4:  # the jingles of a tambourine
        y = y + sum(_resonator(n, _log(rng, 4000, 9500), _log(rng, 0.1, 0.4)) for _ in range(5))
    return peak(np.asarray(y) * rise * _fall(n, _log(rng, 0.06, 0.35)))


def cowbell(rng: Rng) -> F64:
    n = round(_log(rng, 0.15, 0.6) * SR)
    t, hz = np.arange(n) / SR, _log(rng, 450, 720)
    y = np.sign(np.sin(2.0 * np.pi * hz * t)) + np.sign(np.sin(2.0 * np.pi * hz * rng.uniform(1.42, 1.55) * t))
    envelope = rng.uniform(0.3, 1.0) * _fall(n, _log(rng, 0.04, 0.1)) + _fall(n, _log(rng, 0.2, 0.9))
    return peak(_band_pass(y, _log(rng, 900, 2800), _log(rng, 0.7, 2.5)) * envelope)


def perc(rng: Rng) -> F64:
    """Play a conga or bongo, claves, a block of wood, or an agogo."""
    n = round(_log(rng, 0.08, 0.5) * SR)
    kind = rng.random()
    if kind < 0.6:
        hz = _log(rng, 150, 650)
        y = _resonator(n, hz, _log(rng, 0.08, 0.5), bend=rng.uniform(0.0, 0.15))
        y = y + rng.uniform(0.0, 0.5) * _resonator(n, hz * rng.uniform(1.5, 2.3), _log(rng, 0.03, 0.15))
        slap = band_noise(n, 800, 6000, rng) * _fall(n, _log(rng, 0.005, 0.03))
        return peak(y + rng.choice([0.0, 0.1, 0.4]) * slap)
    if kind < 0.75:
        return peak(_resonator(n, _log(rng, 1900, 2900), _log(rng, 0.03, 0.15)))
    hz, seconds = (_log(rng, 700, 1400), 0.12) if kind < 0.85 else (_log(rng, 600, 1500), 0.5)
    y = _resonator(n, hz, _log(rng, 0.5, 1.2) * seconds)
    return peak(y + 0.6 * _resonator(n, hz * rng.uniform(1.5, 2.9), 0.4 * seconds))


DRUMS: dict[str, Callable[[Rng], F64]] = {
    "kick": kick,
    "snare": snare,
    "clap": clap,
    "rim": rim,
    "hat_closed": hat_closed,
    "hat_open": hat_open,
    "tom": tom,
    "crash": crash,
    "ride": ride,
    "shaker": shaker,
    "cowbell": cowbell,
    "perc": perc,
}


def draw(rng: Rng, name: str) -> F32:
    """Play one drum of a class by a machine that nobody has built."""
    y = np.asarray(DRUMS[name](rng), np.float32)
    return augment.sampled(y, rng) if rng.random() < 0.5 else y
