"""Synthesized drums of many random timbres, and the General MIDI numbers of sampled ones: material with known classes.

The drums of `training.signals` stay out of it, so that the tests ask for what the model has not seen.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Rng = np.random.Generator

SR = 22050

GENERAL_MIDI = {
    35: "kick", 36: "kick", 37: "rim", 38: "snare", 39: "clap", 40: "snare", 41: "tom", 42: "hat_closed", 43: "tom",
    44: "hat_closed", 45: "tom", 46: "hat_open", 47: "tom", 48: "tom", 49: "crash", 50: "tom", 51: "ride",
    52: "crash", 53: "ride", 54: "shaker", 55: "crash", 56: "cowbell", 57: "crash", 59: "ride", 60: "perc",
    61: "perc", 62: "perc", 63: "perc", 64: "perc", 65: "perc", 66: "perc", 67: "perc", 68: "perc", 69: "shaker",
    70: "shaker", 73: "perc", 74: "perc", 75: "perc", 76: "perc", 77: "perc", 82: "shaker",
}  # fmt: skip


def _fall(n: int, seconds: float) -> F64:
    """Fall by 60 dB in ``seconds``."""
    return 10.0 ** (-3.0 * np.arange(n) / (seconds * SR))


def _band(rng: Rng, n: int, low: float, high: float, order: float = 4.0) -> F64:
    spectrum, freqs = np.fft.rfft(rng.normal(size=n)), np.fft.rfftfreq(n, 1.0 / SR)
    slope = 1.0 / (1.0 + (low / np.maximum(freqs, 1.0)) ** order) / (1.0 + (freqs / high) ** order)
    y = np.fft.irfft(spectrum * slope, n)
    return y / np.abs(y).max()


def _sweep(n: int, start: float, end: float, seconds: float) -> F64:
    t = np.arange(n) / SR
    return np.sin(2.0 * np.pi * (end * t + (start - end) * seconds * (1.0 - np.exp(-t / seconds))))


def _metal(rng: Rng, n: int, low: float, high: float, partials: int) -> F64:
    """Square waves at unrelated frequencies, as in the cymbals of drum machines."""
    t, y = np.arange(n) / SR, np.zeros(n)
    for hz in rng.uniform(low, high, partials):
        y += np.sin(2.0 * np.pi * hz * t) + np.sin(6.0 * np.pi * hz * t) / 3.0 * (3.0 * hz < SR / 2)
    return y / np.abs(y).max()


def _kick(r: Rng, n: int) -> F64:
    end = r.uniform(38, 75)
    y = _sweep(n, end * r.uniform(2, 8), end, r.uniform(0.008, 0.06)) * _fall(n, r.uniform(0.15, 0.9))
    y = y + r.uniform(0.0, 0.4) * _band(r, n, r.uniform(500, 3000), 9000) * _fall(n, r.uniform(0.01, 0.06))
    return np.tanh(r.uniform(0.5, 5.0) * y)


def _snare(r: Rng, n: int) -> F64:
    hz = r.uniform(140, 280)
    tone = (_sweep(n, 1.6 * hz, hz, 0.02) + r.uniform(0, 0.6) * _sweep(n, 1.7 * hz, 1.6 * hz, 0.02)) * _fall(
        n, r.uniform(0.08, 0.35)
    )
    return r.uniform(0.1, 1.0) * tone + r.uniform(0.3, 1.2) * _band(
        r, n, r.uniform(600, 2500), r.uniform(5000, 11000)
    ) * _fall(n, r.uniform(0.12, 0.6))


def _clap(r: Rng, n: int) -> F64:
    envelope = 0.6 * _fall(n, r.uniform(0.15, 0.6))
    for k in range(int(r.integers(2, 5))):
        first = round(k * r.uniform(0.007, 0.014) * SR)
        envelope[first:] += _fall(n - first, r.uniform(0.02, 0.05))
    return _band(r, n, r.uniform(600, 1200), r.uniform(1800, 5000), 6.0) * envelope


def _rim(r: Rng, n: int) -> F64:
    t, hz = np.arange(n) / SR, r.uniform(380, 1900)
    y = np.sin(2 * np.pi * hz * t) + r.uniform(0, 1) * np.sin(2 * np.pi * hz * r.uniform(1.3, 2.8) * t)
    return y * _fall(n, r.uniform(0.02, 0.1)) + r.uniform(0.1, 0.8) * _band(r, n, 1500, 8000) * _fall(
        n, r.uniform(0.01, 0.06)
    )


def _hat(r: Rng, n: int, seconds: float) -> F64:
    y = r.uniform(0, 1) * _metal(r, n, 3000, 9000, 6) + r.uniform(0.3, 1) * _band(
        r, n, r.uniform(4500, 8500), 11000, 8.0
    )
    return y * _fall(n, seconds)


def _hat_closed(r: Rng, n: int) -> F64:
    return _hat(r, n, r.uniform(0.03, 0.25))


def _hat_open(r: Rng, n: int) -> F64:
    return _hat(r, n, r.uniform(0.3, 1.6))


def _tom(r: Rng, n: int) -> F64:
    hz = r.uniform(70, 260)
    y = _sweep(n, hz * r.uniform(1.1, 1.8), hz, r.uniform(0.03, 0.12)) * _fall(n, r.uniform(0.3, 1.2))
    return y + r.uniform(0, 0.25) * _band(r, n, 300, 5000) * _fall(n, r.uniform(0.02, 0.15))


def _crash(r: Rng, n: int) -> F64:
    y = r.uniform(0.2, 1) * _metal(r, n, 900, 8000, 24) + r.uniform(0.5, 1) * _band(r, n, r.uniform(900, 3500), 11000)
    return y * _fall(n, r.uniform(1.5, 5.0))


def _ride(r: Rng, n: int) -> F64:
    ping = _metal(r, n, 2500, 7000, 8) * _fall(n, r.uniform(1.0, 4.0))
    return ping + r.uniform(0.1, 0.5) * _band(r, n, 3000, 11000) * _fall(n, r.uniform(0.5, 3.0))


def _shaker(r: Rng, n: int) -> F64:
    rise = np.minimum(np.arange(n) / (r.uniform(0.015, 0.08) * SR), 1.0) ** 2
    return _band(r, n, r.uniform(2500, 6500), r.uniform(8000, 11000), 6.0) * rise * _fall(n, r.uniform(0.1, 0.4))


def _cowbell(r: Rng, n: int) -> F64:
    t, hz = np.arange(n) / SR, r.uniform(430, 700)
    y = np.sign(np.sin(2 * np.pi * hz * t)) + np.sign(np.sin(2 * np.pi * hz * r.uniform(1.45, 1.52) * t))
    return np.convolve(y, np.ones(3) / 3, mode="same") * _fall(n, r.uniform(0.15, 0.8))


def _perc(r: Rng, n: int) -> F64:
    hz = r.uniform(220, 1200)
    y = _sweep(n, hz * r.uniform(1.0, 1.25), hz, 0.02) * _fall(n, r.uniform(0.08, 0.4))
    return y + r.uniform(0, 0.5) * _band(r, n, 600, 6000) * _fall(n, r.uniform(0.01, 0.06))


DRUMS: dict[str, Callable[[Rng, int], F64]] = {
    "kick": _kick,
    "snare": _snare,
    "clap": _clap,
    "rim": _rim,
    "hat_closed": _hat_closed,
    "hat_open": _hat_open,
    "tom": _tom,
    "crash": _crash,
    "ride": _ride,
    "shaker": _shaker,
    "cowbell": _cowbell,
    "perc": _perc,
}
_SECONDS = {"hat_open": 1.2, "crash": 2.5, "ride": 2.0, "tom": 0.9}


def draw(rng: Rng, name: str) -> F32:
    """Play one drum of a class: dry or in a room, with some silence after it or cut short."""
    n = round(_SECONDS.get(name, 0.5) * float(rng.uniform(0.7, 1.6)) * SR)
    y = DRUMS[name](rng, n)
    if rng.random() < 0.4:
        tail = rng.normal(size=n) * _fall(n, float(rng.uniform(0.1, 0.8)))
        wet = (
            np.convolve(y, tail, mode="full")[:n]
            if n < 1 << 12
            else np.fft.irfft(np.fft.rfft(y, 2 * n) * np.fft.rfft(tail, 2 * n), 2 * n)[:n]
        )
        y = y + float(rng.uniform(0.02, 0.3)) * wet / np.abs(wet).max() * np.abs(y).max()
    y = y / np.abs(y).max() + rng.normal(0.0, 10.0 ** rng.uniform(-5, -3), n)
    edge = min(n, 64)
    y[-edge:] *= np.linspace(1.0, 0.0, edge)
    return y.astype(np.float32)
