"""What happens to a sound on its way into a sample pack: it is tuned, filtered, driven, put into a room, cut."""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import io

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from training import sounds

F32 = npt.NDArray[np.float32]
Rng = np.random.Generator

SR = 22050
_CODECS = {  # format, subtype, rate, and between what libsndfile's level of compression is drawn
    "mp3": ("MP3", "MPEG_LAYER_III", 44100, (0.4, 0.85)),
    "vorbis": ("OGG", "VORBIS", 44100, (0.5, 0.9)),
    "opus": ("OGG", "OPUS", 48000, (0.5, 0.9)),
}
_LONGEST_CODED_SECONDS = 5.0


def filtered(y: npt.NDArray[np.floating], rng: Rng) -> npt.NDArray[np.floating]:
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
        out = filtered(out, rng)
    out = sounds.peak(np.asarray(out, np.float64))
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


def coded(y: F32, rng: Rng) -> F32:
    """Encode the first seconds of a sound as MP3, Ogg Vorbis or Opus of a rate that files have, and decode it."""
    container, subtype, rate, span = _CODECS[rng.choice(sorted(_CODECS))]
    y = y[: round(_LONGEST_CODED_SECONDS * SR)]
    whole = soxr.resample(np.concatenate([y, np.zeros(SR // 10, np.float32)]), SR, rate)
    file, level = io.BytesIO(), float(rng.uniform(*span))
    mode = "CONSTANT" if container == "MP3" else None
    soundfile.write(
        file, 0.9 * whole, rate, subtype=subtype, format=container, compression_level=level, bitrate_mode=mode
    )
    file.seek(0)
    out, _ = soundfile.read(file, dtype="float32")
    return np.asarray(soxr.resample(out, rate, SR)[: len(y)], np.float32)


def far(y: F32, rng: Rng) -> F32:
    """Let a microphone hear a sound from afar: little of it directly, and the room, which loses its treble.

    The room is noise that dies away within 0.15 to 0.9 s, sparse at first (Moorer, "About this reverberation business",
    1979).
    """
    seconds = float(np.exp(rng.uniform(np.log(0.15), np.log(0.9))))
    n = round(min(1.2 * seconds, 1.0) * SR)
    t = np.arange(n) / SR
    room = rng.standard_normal(n) * 10.0 ** (-3.0 * t / seconds)
    room *= rng.random(n) < np.minimum(1.0, 0.05 + t / 0.04)
    spectrum, hz = np.fft.rfft(room), np.fft.rfftfreq(n, 1.0 / SR)
    room = np.fft.irfft(spectrum / np.sqrt(1.0 + (hz / np.exp(rng.uniform(np.log(2000.0), np.log(9000.0)))) ** 2), n)
    room /= np.sqrt(np.square(room).sum())
    direct = 10.0 ** (rng.uniform(-6.0, 8.0) / 20.0)
    dry = np.concatenate([y, np.zeros(n)])
    size = 1 << len(dry).bit_length()
    wet = np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(room, size), size)[: len(dry)]
    out = sounds.peak(direct * dry + wet)
    out = out[: np.flatnonzero(np.abs(out) > 1e-3)[-1] + 1]
    hiss = rng.normal(0.0, 10.0 ** rng.uniform(-4.5, -2.5), len(out))
    return np.asarray(out + hiss * (rng.random() < 0.5), np.float32)


def sampled(y: F32, rng: Rng) -> F32:
    """Play a hit as the memory of a drum machine holds it: retuned, at a low rate and few bits, cut off early.

    What lies above half of the rate is folded down or cut, as one machine has a filter and the next one has none.
    """
    y = np.asarray(soxr.resample(y, SR, SR * 2.0 ** (rng.normal(0.0, 3.0) / 12.0)), np.float32)
    step = float(rng.uniform(1.0, 2.2))
    if rng.random() < 0.5:
        held = y[np.floor(np.floor(np.arange(len(y)) / step) * step).astype(np.int64)]
    else:
        held = np.asarray(soxr.resample(soxr.resample(y, SR, SR / step), SR / step, SR), np.float32)[: len(y)]
    levels = 2.0 ** float(rng.uniform(6.0, 11.0))
    curve = float(rng.choice([0.0, 255.0]))  # evenly, or by the logarithm, as the machines with eight bits do
    squeezed = np.sign(held) * np.log1p(curve * np.abs(held)) / np.log1p(curve) if curve else held
    squeezed = np.round(levels * squeezed) / levels
    out = np.sign(squeezed) * np.expm1(np.abs(squeezed) * np.log1p(curve)) / curve if curve else squeezed
    length = max(600, round(len(out) * float(rng.uniform(0.4, 1.0))))
    return np.asarray(sounds.peak(np.asarray(out[:length], np.float64)), np.float32)
