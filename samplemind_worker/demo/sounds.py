"""Single sounds of the demonstration library: drums and notes.

Conventions: pure functions; mono float64 at `SR` Hz, peak at most 1. The same arguments give the same samples.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

SR = 44100
"""Sampling rate in Hz of everything that is made here."""

_EDGE = 0.002  # s that a sound takes to begin and to end, so that it does not click


def hertz(midi: float) -> float:
    """Return the frequency of a MIDI note in Hz; 69 is A at 440 Hz."""
    return 440.0 * 2.0 ** ((midi - 69.0) / 12.0)


def peak(y: F64, level: float = 1.0) -> F64:
    """Scale to a peak of ``level``; silence stays silent."""
    return y * (level / max(float(np.abs(y).max(initial=0.0)), 1e-9))


def _time(seconds: float) -> F64:
    return np.arange(round(seconds * SR)) / SR


def _edges(y: F64, attack: float = _EDGE, release: float = _EDGE) -> F64:
    """Fade in and out, over so many seconds."""
    rise, fall = (min(len(y) // 2, max(2, round(each * SR))) for each in (attack, release))
    y[:rise] *= np.linspace(0.0, 1.0, rise)
    y[len(y) - fall :] *= np.linspace(1.0, 0.0, fall)
    return y


def _fall(t: F64, seconds: float) -> F64:
    """Return an exponential that falls by 60 dB in so many seconds."""
    return 10.0 ** (-3.0 * t / seconds)


def _sweep(t: F64, start: float, end: float, seconds: float) -> F64:
    """Return a sine that falls from ``start`` to ``end`` Hz with the time constant ``seconds``."""
    return np.sin(2.0 * np.pi * (end * t + (start - end) * seconds * (1.0 - np.exp(-t / seconds))))


def _noise(n: int, low: float, high: float, seed: int) -> F64:
    """Return noise between two frequencies in Hz, of peak 1."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=n))
    hz = np.maximum(np.fft.rfftfreq(n, 1.0 / SR), 1.0)
    spectrum /= np.sqrt((1.0 + (low / hz) ** 6) * (1.0 + (hz / high) ** 6))
    return peak(np.fft.irfft(spectrum, n))


def _metal(t: F64, base: float) -> F64:
    """Return the six square waves of a drum machine's cymbal, without their low part."""
    y = sum(np.sign(np.sin(2.0 * np.pi * base * ratio * t)) for ratio in (2.0, 3.0, 4.16, 5.43, 6.79, 8.21))
    return peak(np.diff(np.asarray(y), n=2, prepend=[0.0, 0.0]))


def kick(*, low: float = 50.0, start: float = 240.0, seconds: float = 0.45, click: float = 0.1) -> F64:
    """Make a bass drum that falls to ``low`` Hz; ``click`` is how much of the beater is heard."""
    t = _time(seconds)
    body = _sweep(t, start, low, 0.028) * _fall(t, seconds)
    beater = _noise(len(t), 1500.0, 6000.0, 1) * _fall(t, 0.02)
    return _edges(peak(np.tanh(1.3 * body + click * beater), 0.95))


def snare(*, tone: float = 185.0, seconds: float = 0.26, rattle: float = 0.6, bright: float = 8000.0) -> F64:
    """Make a snare drum of a tone in Hz, and of a rattle up to ``bright`` Hz."""
    t = _time(seconds)
    body = (np.sin(2.0 * np.pi * tone * t) + 0.6 * np.sin(2.0 * np.pi * 1.78 * tone * t)) * _fall(t, 0.5 * seconds)
    wires = _noise(len(t), 1400.0, bright, 2) * _fall(t, seconds)
    return _edges(peak(0.45 * body + rattle * wires, 0.9))


def clap(*, seconds: float = 0.3, middle: float = 1500.0) -> F64:
    """Make hands that clap: three short bursts of noise, and a longer one."""
    t = _time(seconds)
    envelope = np.zeros(len(t))
    for delay, length in ((0.0, 0.018), (0.011, 0.018), (0.022, 0.018), (0.032, seconds)):
        first = round(delay * SR)
        envelope[first:] = np.maximum(envelope[first:], _fall(t[: len(t) - first], length))
    return _edges(peak(_noise(len(t), 0.7 * middle, 1.8 * middle, 3) * envelope, 0.85))


def hat(*, seconds: float = 0.07, base: float = 420.0, seed: int = 4) -> F64:
    """Make a hi-hat: closed if it is short, open if it is long."""
    t = _time(seconds)
    body = 0.5 * _metal(t, base) + _noise(len(t), 7000.0, 16000.0, seed)
    return _edges(peak(body * _fall(t, 1.15 * seconds), 0.6), 0.0005)


def shaker(*, seconds: float = 0.11) -> F64:
    """Make a shaker, which swells before it falls."""
    t = _time(seconds)
    envelope = np.minimum(t / 0.03, 1.0) * _fall(np.maximum(t - 0.03, 0.0), seconds)
    return _edges(peak(_noise(len(t), 4000.0, 11000.0, 5) * envelope, 0.5))


def tom(*, low: float = 110.0, seconds: float = 0.5) -> F64:
    """Make a tom that falls to ``low`` Hz."""
    t = _time(seconds)
    skin = _noise(len(t), 400.0, 3500.0, 6) * _fall(t, 0.035)
    return _edges(peak(_sweep(t, 1.5 * low, low, 0.05) * _fall(t, seconds) + 0.15 * skin, 0.9))


def conga(*, tone: float = 260.0, seconds: float = 0.26) -> F64:
    """Make a conga of a tone in Hz."""
    t = _time(seconds)
    skin = _noise(len(t), 600.0, 4000.0, 7) * _fall(t, 0.03)
    return _edges(peak(_sweep(t, 1.06 * tone, tone, 0.03) * _fall(t, seconds) + 0.3 * skin, 0.8))


def rim(*, tone: float = 1700.0, seconds: float = 0.06) -> F64:
    """Make a stick on the rim."""
    t = _time(seconds)
    ring = np.sin(2.0 * np.pi * tone * t) + 0.6 * np.sin(2.0 * np.pi * 0.47 * tone * t)
    return _edges(peak(ring * _fall(t, 0.9 * seconds) + 0.2 * _noise(len(t), 1000.0, 9000.0, 8) * _fall(t, 0.01), 0.7))


def crash(*, seconds: float = 1.8, base: float = 380.0) -> F64:
    """Make a crash cymbal."""
    t = _time(seconds)
    body = 0.3 * _metal(t, base) + _noise(len(t), 2800.0, 15000.0, 9)
    return _edges(peak(body * _fall(t, 1.2 * seconds), 0.7), 0.003, 0.1)


def _harmonics(t: F64, hz: float, weights: Sequence[float], damping: float = 0.0) -> F64:
    """Add harmonics of a tone; those that are higher fall faster, harmonic k by exp(-k * damping * t)."""
    turn = np.exp(t * (2j * np.pi * hz - damping))
    partial, y = np.ones(len(t), np.complex128), np.zeros(len(t))
    for k, weight in enumerate(weights, 1):
        if k * hz > 0.4 * SR:
            break
        partial *= turn
        if weight:
            y += weight * (partial * np.exp(2.4j * k)).imag  # phases of their own, so that the wave has no spike
    return y


def _electric_piano(t: F64, hz: float) -> F64:
    """Modulate a sine by itself, as the FM synthesizers of the 1980s do (Chowning 1973)."""
    w = 2.0 * np.pi * hz * t
    tine = 0.12 * np.sin(14.0 * w) * np.exp(-t / 0.06) if 14.0 * hz < 0.4 * SR else 0.0
    return (np.sin(w + 1.1 * np.exp(-t / 0.5) * np.sin(w)) + tine) * np.exp(-t / 0.9)


def _pluck(t: F64, hz: float) -> F64:
    return _harmonics(t, hz, [k**-1.1 for k in range(1, 15)], 1.1) * np.exp(-t / 0.8)


def _bass(t: F64, hz: float) -> F64:
    return (np.sin(2.0 * np.pi * hz * t) + _harmonics(t, hz, [k**-1.3 for k in range(1, 10)], 1.4)) * np.exp(-t / 0.7)


def _organ(t: F64, hz: float) -> F64:
    return _harmonics(t, hz, (1.0, 0.6, 0.4, 0.3, 0.0, 0.2, 0.0, 0.15))


def _strings(t: F64, hz: float) -> F64:
    weights = [k**-1.3 for k in range(1, 17)]
    return np.asarray(sum(_harmonics(t, hz * ratio, weights) for ratio in (0.9975, 1.0, 1.0025)))


def _lead(t: F64, hz: float) -> F64:
    return _harmonics(t + 0.00015 * np.sin(2.0 * np.pi * 5.0 * t), hz, [k**-1.1 * (k % 2) for k in range(1, 18)])


def _bell(t: F64, hz: float) -> F64:
    w = 2.0 * np.pi * hz * t
    return np.sin(w + 0.9 * np.exp(-t / 0.7) * np.sin(4.0 * w)) * np.exp(-t / 0.9)


_VOICES: dict[str, tuple[Callable[[F64, float], F64], float, float]] = {
    # how it sounds, and the seconds that it takes to begin and to end
    "keys": (_electric_piano, 0.003, 0.08),
    "pluck": (_pluck, 0.002, 0.05),
    "bass": (_bass, 0.004, 0.04),
    "organ": (_organ, 0.008, 0.03),
    "strings": (_strings, 0.12, 0.25),
    "lead": (_lead, 0.01, 0.04),
    "bell": (_bell, 0.002, 0.1),
}

VOICES = tuple(_VOICES)
"""The names of the instruments that `note` plays."""


@lru_cache(maxsize=512)
def note(midi: float, seconds: float, voice: str) -> F64:
    """Play one note. The array is shared by all callers and cannot be written.

    Raises
    ------
    KeyError
        If there is no such voice.
    """
    make, attack, release = _VOICES[voice]
    y = _edges(peak(make(_time(seconds), hertz(midi)), 0.8), attack, release)
    y.flags.writeable = False
    return y
