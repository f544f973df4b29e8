"""Synthesized organs: drawbars with a turning loudspeaker, ranks of pipes, and free reeds with a bellows.

The partials of the drawbars are those of the Hammond organ; what a closed pipe lacks (even harmonics) and how reeds
beat against each other follow Fletcher and Rossing, "The Physics of Musical Instruments", 1998, chapters 13 and 17.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import numpy as np
import numpy.typing as npt

from training import programs, sounds

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Rng = np.random.Generator

SR = 22050
_TOP_HZ = 10_000.0
# Multiples of the key's frequency of the nine drawbars, from 16' to 1'.
_DRAWBARS = np.array([0.5, 1.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0])
_CHORDS = ((0, 3, 7), (0, 4, 7), (0, 7), (0, 4, 7, 10), (0, 5, 9), (0, 12))


def _tones(rng: Rng, multiples: F64, levels: F64, hz: float, t: F64, *, wander: float = 0.0) -> F64:
    """Sum partials of random phases, without those above the top; ``wander`` (cents) moves all of them slowly."""
    drift = np.interp(t, np.linspace(0.0, t[-1] + 1e-6, 8), rng.normal(0.0, wander, 8)) if wander else np.zeros(len(t))
    phase = 2.0 * np.pi * hz * np.cumsum(2.0 ** (drift / 1200.0)) / SR
    y = np.zeros(len(t))
    for multiple, level in zip(multiples, levels, strict=True):
        if multiple * hz < _TOP_HZ and level > 1e-4:
            y += level * np.sin(multiple * phase + rng.uniform(0.0, 2.0 * np.pi))
    return y


def _noise(rng: Rng, n: int, low: float, high: float) -> F64:
    spectrum = np.fft.rfft(rng.standard_normal(n))
    hz = np.fft.rfftfreq(n, 1.0 / SR)
    y = np.fft.irfft(spectrum * np.exp(-0.5 * (np.log(np.maximum(hz, 1.0) / np.sqrt(low * high)) / 0.8) ** 2), n)
    return y / max(float(np.abs(y).max()), 1e-9)


def _turned(rng: Rng, y: F64, t: F64) -> F64:
    """Play through a turning loudspeaker: its distance moves the pitch, its direction the loudness."""
    rate = float(rng.choice([0.7, 6.6])) * float(rng.uniform(0.85, 1.15))
    start = float(rng.uniform(0.0, 2.0 * np.pi))
    delay = float(rng.uniform(0.1, 0.5)) * 1e-3 * SR * (1.0 + np.sin(2.0 * np.pi * rate * t + start))
    moved = np.interp(np.arange(len(y)) - delay, np.arange(len(y)), y)
    return moved * (1.0 + float(rng.uniform(0.05, 0.4)) * np.sin(2.0 * np.pi * rate * t + start + 1.0))


def _drawn_bars(rng: Rng) -> F64:
    """Give the levels of the drawbars: each step is 3 dB, and the low ones are pulled most."""
    pulled = rng.integers(0, 9, 9) * (rng.random(9) < np.array([0.6, 0.5, 0.95, 0.6, 0.4, 0.45, 0.25, 0.25, 0.4]))
    if not pulled[2:4].any():
        pulled[2] = 8
    return np.where(pulled, 10.0 ** (-3.0 * (8.0 - pulled) / 20.0), 0.0)


def _tonewheels(rng: Rng, keys: list[float], t: F64) -> tuple[F64, bool]:
    levels = _drawn_bars(rng)
    percussion = rng.random() < 0.35
    harmonic, seconds = float(rng.choice([2.0, 3.0])), float(rng.choice([0.2, 0.6])) * float(rng.uniform(0.7, 1.4))
    y = np.zeros(len(t))
    for hz in keys:
        y += _tones(rng, _DRAWBARS, levels, hz, t)
        if percussion:
            y += _tones(rng, np.array([harmonic]), np.ones(1), hz, t) * 10.0 ** (-3.0 * t / seconds)
    click = round(float(rng.uniform(0.001, 0.006)) * SR)
    y[:click] += (
        float(rng.uniform(0.0, 0.5)) * np.abs(y).max() * rng.standard_normal(click) * np.linspace(1.0, 0.0, click)
    )
    if rng.random() < 0.65:
        y = _turned(rng, y, t)
    y = sounds.peak(y)
    if rng.random() < 0.45:
        y = np.tanh(float(rng.uniform(1.0, 5.0)) * y)
    return _enveloped(rng, y, t, (0.001, 0.012), (0.004, 0.05)), bool(levels[0] > 0.0)


def _rank(rng: Rng) -> F64:
    """Give the levels of the harmonics of one rank: flute, closed flute, principal, string or reed."""
    h = np.arange(1, 33)
    kind = rng.integers(5)
    levels = h ** -float(([2.4, 2.2, 1.3, 0.9, 0.7])[kind] * rng.uniform(0.85, 1.2))
    if kind == 1:
        levels[1::2] *= 0.08
    if kind == 4:
        levels = levels * np.exp(-0.5 * (np.log2(h / rng.uniform(2.0, 6.0)) / 1.2) ** 2) + 0.2 * levels
    return levels * 10.0 ** (rng.normal(0.0, 3.0, len(h)) / 20.0)


def _pipes(rng: Rng, keys: list[float], t: F64) -> tuple[F64, bool]:
    feet = np.array([0.5, 1.0, 2.0, 3.0, 4.0, 6.0])
    pulled = rng.random(6) < np.array([0.25, 0.9, 0.55, 0.2, 0.35, 0.15])
    if not pulled[1:3].any():
        pulled[1] = True
    y, h = np.zeros(len(t)), np.arange(1.0, 33.0)
    for foot in feet[pulled]:
        levels, gain = _rank(rng), float(rng.uniform(0.4, 1.0))
        for hz in keys:
            own = hz * foot * 2.0 ** (float(rng.normal(0.0, 2.0)) / 1200.0)
            speech = float(rng.uniform(0.01, 0.09))
            tone = _tones(rng, h, gain * levels, own, t, wander=1.0) * (1.0 - np.exp(-3.0 * t / speech))
            chiff = _noise(rng, len(t), own, 6.0 * own) * 10.0 ** (-3.0 * t / (4.0 * speech))
            y += tone + float(rng.uniform(0.0, 0.25)) * gain * chiff
    y += float(rng.uniform(0.0, 0.02)) * np.abs(y).max() * _noise(rng, len(t), 300.0, 4000.0)
    y = _enveloped(rng, y, t, (0.004, 0.03), (0.05, 0.25))
    if rng.random() < 0.6:
        y = sounds.reverb(np.concatenate([y, np.zeros(round(float(rng.uniform(0.1, 0.9)) * SR))]), rng)
    return y, bool(pulled[0])


def _reeds(rng: Rng, keys: list[float], t: F64) -> tuple[F64, bool]:
    """Let air pass by metal tongues: all harmonics, one to four tongues per key, a bellows."""
    h = np.arange(1.0, 41.0)
    levels = h ** -float(rng.uniform(0.5, 1.3)) * 10.0 ** (rng.normal(0.0, 4.0, len(h)) / 20.0)
    levels[0] *= float(rng.uniform(0.3, 1.0))
    apart = float(rng.uniform(0.0, 6.0))  # accordions, whose tongues are further apart, are no organs
    feet = [1.0] * int(rng.choice([1, 2, 3])) + [2.0] * int(rng.random() < 0.3) + [0.5] * int(rng.random() < 0.25)
    y = np.zeros(len(t))
    for k, foot in enumerate(feet):
        for hz in keys:
            cents = apart * (k - 0.5 * (len(feet) - 1)) + float(rng.normal(0.0, 1.5))
            y += _tones(rng, h, levels, hz * foot * 2.0 ** (cents / 1200.0), t, wander=2.0)
    swell = np.interp(t, np.linspace(0.0, t[-1] + 1e-6, 5), rng.uniform(0.6, 1.0, 5))
    air = float(rng.uniform(0.0, 0.03)) * np.abs(y).max() * _noise(rng, len(t), 500.0, 5000.0)
    return _enveloped(rng, (y + air) * swell, t, (0.015, 0.2), (0.03, 0.2)), 0.5 in feet


def _enveloped(rng: Rng, y: F64, t: F64, attack: tuple[float, float], release: tuple[float, float]) -> F64:
    rise, fall = float(rng.uniform(*attack)), float(rng.uniform(*release))
    return y * np.clip(t / rise, 0.0, 1.0) * np.clip((t[-1] - t) / fall, 0.0, 1.0)


def draw(rng: Rng) -> tuple[F32, float | None]:
    """Draw a note or a chord: samples, and its MIDI number (None for a chord, `programs.UNKNOWN` with a 16' rank)."""
    t = np.arange(round(float(rng.uniform(0.4, 3.0)) * SR)) / SR
    chord = _CHORDS[rng.integers(len(_CHORDS))] if rng.random() < 0.3 else (0,)
    midi = float(rng.uniform(36.0 if len(chord) == 1 else 48.0, 91.0))
    keys = [440.0 * 2.0 ** ((midi + step - 69.0) / 12.0) for step in chord]
    y, has_sub = (_tonewheels, _tonewheels, _pipes, _reeds)[rng.integers(4)](rng, keys, t)
    pitch = None if len(chord) > 1 else programs.UNKNOWN if has_sub else midi
    return (y / np.abs(y).max()).astype(np.float32), pitch
