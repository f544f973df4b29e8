"""Sounds without a tempo: hits, notes, pads, sweeps, noise, hits at odd times."""

# ruff: noqa: PLR2004 -- the numbers are chances and taste

import numpy as np
import numpy.typing as npt

from training import sounds

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Rng = np.random.Generator
SR = sounds.SR


def beatless(rng: Rng) -> tuple[F32, str]:
    """Make what has no tempo, and name it: hit, held, pad, riser, noise, scattered."""
    kinds = (_hit, _held, _pad, _riser, _noise, _scattered)
    kind = kinds[int(rng.choice(len(kinds), p=[0.2, 0.2, 0.24, 0.1, 0.1, 0.16]))]
    y = kind(rng)
    if rng.random() < 0.15:
        y = np.concatenate(
            (np.zeros(round(rng.uniform(0.0, 0.3) * SR)), y, np.zeros(round(rng.uniform(0.0, 2.0) * SR)))
        )
    return sounds.colour(y, rng), kind.__name__[1:]


def _hit(rng: Rng) -> F64:
    y = np.zeros(round(rng.uniform(1.0, 3.5) * SR))
    sound = sounds.DRUMS[str(rng.choice([*sounds.DRUMS, "crash", "ride"]))](rng)
    y[: len(sound)] += sound[: len(y)]
    y = sounds.reverb(y, rng) if rng.random() < 0.6 else y
    return sounds.echo(y, rng.uniform(0.08, 0.5), rng) if rng.random() < 0.2 else y


def _held(rng: Rng) -> F64:
    voice, seconds = sounds.Voice(rng), rng.uniform(1.0, 6.0)
    chord = ((0,), (0, 4, 7), (0, 7), (0, 3, 7, 10))[int(rng.integers(4))]
    root = int(rng.integers(30, 80))
    y = np.sum([voice.note(root + k, seconds) for k in chord], axis=0)
    t = np.arange(len(y)) / SR
    if rng.random() < 0.25:
        y = y * (1.0 + rng.uniform(0.1, 0.6) * np.sin(2.0 * np.pi * rng.uniform(3.0, 8.0) * t))
    if rng.random() < 0.25:
        y = y * np.exp(-t * rng.uniform(0.3, 2.0))
    return y


def _pad(rng: Rng) -> F64:
    seconds, voice = rng.uniform(4.0, 18.0), sounds.Voice(rng)
    voice.held, voice.attack, voice.click = True, rng.uniform(0.1, 1.2), 0.0
    y, start = np.zeros(round(seconds * SR)), 0.0
    length = seconds / int(rng.integers(1, 6))
    tonic = int(rng.integers(40, 56))
    while start < seconds - 0.5:
        shift = int(rng.choice([0, 3, 5, 7, 8, 10]))
        held = length * rng.uniform(1.0, 1.5)
        for step in (0, 3 + int(rng.random() < 0.5), 7, 12):
            sound = voice.note(tonic + shift + step, held)
            sound = sound * np.sin(np.pi * (np.arange(len(sound)) + 0.5) / len(sound)) ** rng.choice([0.3, 0.7, 1.5])
            first = round(start * SR)
            y[first : first + len(sound)] += sound[: len(y) - first]
        start += length * rng.uniform(0.85, 1.15)
    return y


def moving_pad(rng: Rng) -> tuple[F32, str]:
    """Make a pad that moves without a beat: chorus, tremolo, a filter that opens and closes, notes at odd times."""
    y = sounds.peak(_pad(rng))
    n = len(y)
    t = np.arange(n) / SR
    if rng.random() < 0.4:  # chorus: copies whose delay changes slowly
        for _ in range(int(rng.integers(1, 4))):
            delay = rng.uniform(0.005, 0.03) + rng.uniform(0.001, 0.004) * np.sin(
                2.0 * np.pi * (rng.uniform(0.1, 1.5) * t + rng.random())
            )
            y = y + rng.uniform(0.3, 1.0) * np.interp(t - delay, t, y)
    if rng.random() < 0.4:
        y = y * (
            1.0 + rng.uniform(0.1, 0.9) * np.sin(2.0 * np.pi * (np.exp(rng.uniform(-2.5, 1.9)) * t + rng.random()))
        )
    if rng.random() < 0.5:  # a filter between a dull and a bright copy
        dull = np.convolve(y, np.hanning(int(rng.integers(20, 120))), mode="same")
        places = np.sort(rng.uniform(0.0, t[-1], int(rng.integers(2, 7))))
        open_ = np.interp(t, places, rng.uniform(0.0, 1.0, len(places)))
        y = open_ * y + (1.0 - open_) * sounds.peak(dull)
    if rng.random() < 0.4:  # bells, drops, voices in the distance
        voice, root = sounds.Voice(rng), int(rng.integers(60, 80))
        for at in np.sort(rng.uniform(0.0, t[-1], int(rng.integers(2, 12)))).tolist():
            note = voice.note(root + int(rng.choice([0, 2, 3, 5, 7, 9, 10, 12])), rng.uniform(0.3, 2.0))
            first = round(at * SR)
            y[first : first + len(note)] += rng.uniform(0.05, 0.4) * note[: n - first]
    if rng.random() < 0.3:
        y = y + rng.uniform(0.005, 0.1) * sounds.peak(sounds.band_noise(n, 200, 8000, rng))
    return sounds.colour(sounds.reverb(y, rng) if rng.random() < 0.5 else y, rng), "pad"


def _riser(rng: Rng) -> F64:
    n = round(rng.uniform(1.2, 8.0) * SR)
    t = np.linspace(0.0, 1.0, n)
    hz = np.exp(np.interp(t, np.sort(rng.uniform(0, 1, 4)), rng.uniform(np.log(80), np.log(6000), 4)))
    y = np.sin(2.0 * np.pi * np.cumsum(hz) / SR) * rng.uniform(0.0, 1.0)
    y += sounds.band_noise(n, 300, 9000, rng) * rng.uniform(0.0, 1.0) * t ** rng.uniform(0.0, 2.0)
    return y * np.interp(t, [0.0, 0.1, 0.9, 1.0], rng.uniform(0.2, 1.0, 4))


def _noise(rng: Rng) -> F64:
    n = round(rng.uniform(1.0, 15.0) * SR)
    y = sounds.band_noise(n, np.exp(rng.uniform(3.0, 7.0)), np.exp(rng.uniform(7.5, 9.2)), rng)
    if rng.random() < 0.5:
        slow = np.interp(np.arange(n), np.linspace(0, n, 12), rng.uniform(0.1, 1.0, 12))
        y = y * slow
    if rng.random() < 0.25:
        clicks = rng.random(n) < rng.uniform(1.0, 20.0) / SR
        y = 0.1 * y + np.convolve(clicks * rng.uniform(0.2, 1.0, n), np.exp(-np.arange(60) / 12.0))[:n]
    return y


def _scattered(rng: Rng) -> F64:
    """Hits or notes whose distances follow nothing: foley, chopped speech, several takes in one file."""
    seconds = rng.uniform(1.5, 14.0)
    y = np.zeros(round(seconds * SR))
    names = [str(n) for n in rng.choice(list(sounds.DRUMS), int(rng.integers(1, 4)))]
    voice, tonal = sounds.Voice(rng), rng.random() < 0.4
    mean = rng.choice([0.2, 0.5, 1.2, 2.0])
    start = 0.0
    while start < seconds - 0.1:
        sound = (
            voice.note(int(rng.integers(40, 75)), rng.uniform(0.1, 0.6))
            if tonal
            else sounds.DRUMS[str(rng.choice(names))](rng)
        )
        first = round(start * SR)
        y[first : first + len(sound)] += rng.uniform(0.3, 1.0) * sound[: len(y) - first]
        start += mean * rng.uniform(0.3, 1.9)
    return y
