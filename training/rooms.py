"""Puts a sound into a room and listens from afar: early reflections, a tail that is louder than the sound, noise.

`training.sounds.reverb` is the tail that a producer adds; it stays softer than the sound itself.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import numpy as np
import numpy.typing as npt

from training import sounds

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Rng = np.random.Generator

SR = 22050
_REFLECTIONS = 30


def _tail(seconds: float, rng: Rng) -> F64:
    """Draw a diffuse tail, of which the low frequencies last ``seconds`` for 60 dB and the high ones less."""
    n = round(seconds * SR)
    t = np.arange(n) / SR
    shorter = seconds * float(rng.uniform(0.3, 0.9))
    low, high = rng.normal(size=n) * 10.0 ** (-3.0 * t / seconds), rng.normal(size=n) * 10.0 ** (-3.0 * t / shorter)
    share = 1.0 / (1.0 + (np.fft.rfftfreq(n, 1.0 / SR) / float(np.exp(rng.uniform(6.2, 8.0)))) ** 2)
    tail = np.fft.irfft(share * np.fft.rfft(low) + (1.0 - share) * np.fft.rfft(high), n)
    return tail * (1.0 - np.exp(-t / float(rng.uniform(0.005, 0.04))))


def response(rng: Rng) -> F64:
    """Draw the impulse response from a source to a far microphone: 0.3 to 2.5 s long, the tail up to 12 dB louder."""
    seconds = float(np.exp(rng.uniform(np.log(0.3), np.log(2.5))))
    out = _tail(seconds, rng)
    out *= 10.0 ** (float(rng.uniform(-10.0, 12.0)) / 20.0) / np.sqrt(np.square(out).sum())
    out[0] += 1.0
    last = float(np.exp(rng.uniform(np.log(0.015), np.log(0.08))))
    for k in (SR * np.sort(rng.uniform(0.001, last, _REFLECTIONS))).astype(np.int64).tolist():
        out[k] += rng.choice([-1.0, 1.0]) * 0.3 * float(rng.uniform(0.2, 1.0)) / (1.0 + 40.0 * k / SR)
    return out


def far(y: npt.NDArray[np.floating], rng: Rng, *, ringing: float = 0.7) -> F32:
    """Return a sound as a far microphone hears it, with this share of the room's tail after its end."""
    room = response(rng)
    size = 1 << (len(y) + len(room) - 1).bit_length()
    n = len(y) + round(float(rng.uniform(0.0, ringing)) * len(room))
    wet = np.fft.irfft(np.fft.rfft(y, size) * np.fft.rfft(room, size), size)[:n]
    if rng.random() < 0.6:
        floor = sounds.band_noise(n, 20.0, float(np.exp(rng.uniform(np.log(200.0), np.log(8000.0)))), rng, order=1.0)
        wet = sounds.peak(wet) + 10.0 ** (float(rng.uniform(-80.0, -40.0)) / 20.0) * sounds.peak(floor)
    return np.asarray(sounds.peak(wet), np.float32)
