"""Synthesized voices: a pulse train through formants.

Source: Klatt, "Software for a cascade/parallel formant synthesizer", 1980; formants of Peterson and Barney, 1952.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
Rng = np.random.Generator

SR = 22050
# Hz of the first three formants of a man.
_VOWELS = np.array(
    [(730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240), (640, 1190, 2390)]
)


def sing(rng: Rng) -> tuple[F32, float]:
    """Sing or speak a vowel or two: samples, and the MIDI number around which the pitch moves."""
    n = round(float(rng.uniform(0.25, 2.5)) * SR)
    t = np.arange(n) / SR
    midi = float(rng.uniform(40.0, 79.0))
    depth, rate = float(rng.choice([0.0, 0.15, 0.4])), float(rng.uniform(4.5, 6.5))
    drift = np.interp(
        t,
        [0.0, 0.08 * float(rng.uniform(0.3, 2.0)), t[-1]],
        [float(rng.choice([0.0, -1.5, 1.0])), 0.0, float(rng.choice([0.0, 0.0, -1.0]))],
    )
    semitones = midi + depth * np.sin(2.0 * np.pi * rate * t) * np.minimum(t / 0.4, 1.0) + drift
    semitones += np.convolve(rng.normal(0.0, 0.6, n + 400), np.ones(401) / 401, mode="valid")
    hz = 440.0 * 2.0 ** ((semitones - 69.0) / 12.0)
    phase = 2.0 * np.pi * np.cumsum(hz) / SR
    # The vowel glides; taller voices have all formants higher.
    scale = float(rng.uniform(0.95, 1.3))
    a, b = _VOWELS[rng.integers(6)] * scale, _VOWELS[rng.integers(6)] * scale
    blend = np.interp(
        t, [0.0, float(rng.uniform(0.2, 0.8)) * t[-1] + 1e-6, t[-1] + 1e-3], [0.0, float(rng.random()), 1.0]
    )[:, None]
    formants, widths = a * (1.0 - blend) + b * blend, np.array([80.0, 110.0, 160.0]) * float(rng.uniform(0.8, 1.6))
    tilt, y = float(rng.uniform(0.9, 1.6)), np.zeros(n)
    # Several singers, a little apart: a choir.
    for singer in range(int(rng.choice([1, 1, 1, 4]))):
        ratio = 2.0 ** (float(rng.normal(0.0, 8.0)) / 1200.0) if singer else 1.0
        for k in range(1, int(0.45 * SR / hz.max()) + 1):
            f = k * hz[:, None]
            gain = (1.0 / (1.0 + ((f - formants) / widths) ** 2)).sum(axis=1) + 0.01
            y += k**-tilt * gain * np.sin(k * ratio * phase + singer)
    breath = np.convolve(rng.normal(size=n), [1.0, -0.9], mode="same")
    y = y / np.abs(y).max() + float(rng.uniform(0.0, 0.06)) * breath
    attack, release = float(rng.uniform(0.01, 0.2)), float(rng.uniform(0.03, 0.3))
    y *= np.clip(t / attack, 0.0, 1.0) * np.clip((t[-1] - t) / release, 0.0, 1.0)
    if rng.random() < 0.35:
        # A consonant before it.
        length = round(float(rng.uniform(0.02, 0.12)) * SR)
        noise = np.diff(rng.normal(size=length + 1)) * np.hanning(length) * float(rng.uniform(0.1, 0.6))
        y = np.concatenate([noise, y])
    return (y / np.abs(y).max()).astype(np.float32), midi
