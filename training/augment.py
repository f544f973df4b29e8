"""What happens to a sound on its way into a sample pack: it is tuned, filtered, driven, put into a room, cut."""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import numpy as np
import numpy.typing as npt
import soxr

from training import sounds

F32 = npt.NDArray[np.float32]
Rng = np.random.Generator

SR = 22050


def _filtered(y: npt.NDArray[np.floating], rng: Rng) -> npt.NDArray[np.floating]:
    """Tilt the spectrum, lift or cut one band, and at times take away what lies above or below."""
    size = 1 << len(y).bit_length()
    freqs = np.maximum(np.fft.rfftfreq(size, 1.0 / SR), 10.0)
    octaves = np.log2(freqs / 1000.0)
    gain = rng.normal(0.0, 1.5) * octaves
    gain = gain + rng.normal(0.0, 5.0) * np.exp(-((octaves - rng.uniform(-4.0, 3.0)) ** 2) / rng.uniform(0.3, 3.0))
    slope = 10.0 ** (np.clip(gain, -24.0, 24.0) / 20.0)
    if rng.random() < 0.2:
        slope = slope / np.sqrt(1.0 + (freqs / np.exp(rng.uniform(7.8, 9.2))) ** 6)
    if rng.random() < 0.2:
        slope = slope / np.sqrt(1.0 + (np.exp(rng.uniform(3.4, 5.0)) / freqs) ** 4)
    return np.fft.irfft(np.fft.rfft(y, size) * slope, size)[: len(y)]


def vary(y: F32, rng: Rng) -> tuple[F32, float]:
    """Treat a sound at random; also return by how many semitones it moved."""
    shift = float(rng.normal(0.0, 1.5)) if rng.random() < 0.6 else 0.0
    out = np.asarray(y, np.float64)
    if shift:
        out = np.asarray(soxr.resample(out, SR * 2.0 ** (shift / 12.0), SR), np.float64)
    if rng.random() < 0.6:
        out = _filtered(out, rng)
    out = sounds.peak(out)
    if rng.random() < 0.3:
        drive = float(np.exp(rng.uniform(0.0, 2.0)))
        out = np.tanh(drive * out)
    if rng.random() < 0.3:
        room = np.concatenate([out, np.zeros(round(float(rng.uniform(0.0, 0.6)) * SR))])
        out = sounds.reverb(room, rng)
    if rng.random() < 0.15:
        # Faster or slower to die away.
        out = out * 10.0 ** (-float(rng.uniform(0.2, 2.5)) * np.arange(len(out)) / SR)
    if rng.random() < 0.2:
        length = max(600, round(len(out) * float(rng.uniform(0.3, 1.0))))
        out = out[:length].copy()
        fade = min(len(out), round(float(rng.uniform(0.002, 0.05)) * SR))
        out[-fade:] *= np.linspace(1.0, 0.0, fade)
    if rng.random() < 0.2:
        out = np.concatenate([np.zeros(round(float(rng.uniform(0.0, 0.08)) * SR)), out])
    out = sounds.peak(out) + rng.normal(0.0, 10.0 ** rng.uniform(-5.0, -2.3), len(out)) * (rng.random() < 0.4)
    return np.asarray(out, np.float32), shift
