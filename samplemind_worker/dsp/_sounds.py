"""Numba loop that describes how the level and the spectrum of a single sound develop from its attack on.

The caller has checked shapes and ranges.
"""

# ruff: noqa: C901, PLR0912, PLR0915, PLR0917, PLR2004 -- one pass over the data is one nest of loops; the limits are explained
# where they are used
# pyright: reportUntypedFunctionDecorator=false
# numba's decorator is untyped; the annotations below are what callers see.

import math

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp._jit import kernel, part

# Digest of the sources that are compiled into these kernels: numba looks at the age of this file alone.
BUILT_ON = "f21b9d512a8b"

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]

_DECIBEL = 0.1 * math.log(10.0)
LONGEST = 600
"""Frames of 128 samples that are measured (3.5 s): how long a cymbal was left to ring is not informative."""
LEVELS, SHAPE, BANDS, WINDOWS = 9, 12, 20, 5
SCALARS = 10
"""How many numbers of each kind `describe_sound` writes, in this order."""
MEASURES = LEVELS + SHAPE + BANDS * WINDOWS + SCALARS
COLUMNS = 24
"""Stretches of time of `draw_sound`."""
ATTACK_LEVELS, ATTACK_ONSETS = 24, 12
"""How many levels, and onsets of each of three ranges, `describe_attack` writes."""
ATTACK = ATTACK_LEVELS + 3 * ATTACK_ONSETS
_BASS = 2  # octaves: C1 to B2
_SOFTEST = -60.0
"""Level in dB, relative to the loudest, below which nothing is told apart: codecs change what is softer."""
_STEPS = 100
"""Levels are looked up in hundredths of a decibel."""
_POWERS: F32 = (10.0 ** (-0.1 / _STEPS * np.arange(80 * _STEPS + 1))).astype(np.float32)
"""Power of each level from 0 dB down to -80, the range of `Features.mel`."""
_HEARD: F32 = np.maximum(10.0 * np.log10(_POWERS + 1e-6), _SOFTEST).astype(np.float32)
"""Each level with a floor of -60 dB below it."""


@part
def _attack_frame(level: F32) -> int:
    """Return the frame in which the level reaches a tenth of its greatest."""
    greatest, top = np.float32(0.0), 0
    for t in range(level.shape[0]):
        if level[t] > greatest:
            greatest, top = level[t], t
    start = 0
    while start < top and level[start] < 0.1 * greatest:
        start += 1
    return start


@kernel("void(f4[:,::1], f4[::1], f4[:,::1], f4[:,::1], f4[::1])")
def describe_sound(mel: F32, level: F32, onset: F32, scalars: F32, out: F32) -> None:
    """Write the description of a sound.

    Levels: mean level in dB relative to the greatest, at least -60, in nine consecutive intervals from the attack on,
    which begin with 6 ms and 12 ms and double. Shape: log2 of the number of frames (6 ms) of the rise, of the fall by
    10, 20 and 40 dB, and of the whole; dB by which the level rises again, within 100 ms after its maximum and later;
    centroid of the energy in time; strength of the first onset in three ranges, and its share in all onset strength.
    Bands: level of twenty mel bands in dB relative to the loudest, at least -70, in the first 46 ms, from 70, 200 and
    500 ms on, and over all. Scalars: energy-weighted mean logarithms of centroid, bandwidth, rolloff, flatness and
    crossing rate, over the sound, and over its first 70 ms minus over the rest.
    """
    start = _attack_frame(level)
    greatest, top = np.float32(0.0), 0
    for t in range(level.shape[0]):
        if level[t] > greatest:
            greatest, top = level[t], t
    frames = min(level.shape[0], start + LONGEST)
    # Levels.
    first, width = start, 1
    for w in range(LEVELS):
        last = min(first + width, frames)
        total = 0.0
        for t in range(first, last):
            total += level[t] * level[t]
        mean = total / width / (greatest * greatest)
        out[w] = max(10.0 * math.log10(max(mean, 1e-6)), -60.0)
        first, width = last, width * 2
    # Shape.
    place = LEVELS
    top = min(top, frames - 1)
    out[place] = math.log2(top - start + 1.0)
    limits = (0.3162, 0.1, 0.01)
    for i in range(3):
        t = top
        while t < frames and level[t] > limits[i] * greatest:
            t += 1
        out[place + 1 + i] = math.log2(t - top + 1.0)
    out[place + 4] = math.log2(frames - start)
    early, late, lowest = 0.0, 0.0, np.float64(greatest)
    energy, middle = 0.0, 0.0
    for t in range(start, frames):
        energy += level[t] * level[t]
        middle += level[t] * level[t] * (t - start)
        if t > top:
            now = max(np.float64(level[t]), 0.001 * greatest)
            before = max(np.float64(level[t - 1]), 0.001 * greatest)
            if now > before:
                rise = 20.0 * math.log10(now / before)
                if t - top < 18:
                    early += rise
                else:
                    late += rise
            lowest = min(lowest, now)
    out[place + 5], out[place + 6] = math.log2(1.0 + early), math.log2(1.0 + late)
    out[place + 7] = math.log2(1.0 + middle / max(energy, 1e-20))
    for r in range(3):
        peak = np.float32(0.0)
        for t in range(max(start - 3, 0), min(start + 9, frames)):
            peak = max(peak, onset[r + 1, t])
        out[place + 8 + r] = peak
    first_onsets, all_onsets = 0.0, 1e-9
    for t in range(frames):
        all_onsets += onset[0, t]
        if start - 3 <= t < start + 9:
            first_onsets += onset[0, t]
    out[place + 11] = first_onsets / all_onsets
    # Bands.
    place = LEVELS + SHAPE
    begin = min(start // 4, mel.shape[0] - 1)
    count = min(mel.shape[0], begin + LONGEST // 4)
    loudest = mel[begin, 0]
    for t in range(begin, count):
        for b in range(mel.shape[1]):
            loudest = max(loudest, mel[t, b])
    power = np.empty((count - begin, BANDS))
    for t in range(begin, count):
        for b in range(BANDS):
            power[t - begin, b] = 0.5 * (
                math.exp(_DECIBEL * (mel[t, 2 * b] - loudest)) + math.exp(_DECIBEL * (mel[t, 2 * b + 1] - loudest))
            )
    firsts, lasts = (0, 3, 9, 22, 0), (2, 7, 18, 60, LONGEST)
    for w in range(WINDOWS):
        a, z = min(firsts[w], count - begin), min(lasts[w], count - begin)
        for b in range(BANDS):
            total = 0.0
            for t in range(a, z):
                total += power[t, b]
            span = z - a if w == WINDOWS - 1 else lasts[w] - firsts[w]
            out[place + w * BANDS + b] = 10.0 * math.log10(total / span + 1e-7)
    # Scalars.
    place += WINDOWS * BANDS
    for i in range(5):
        head, tail, head_weight, tail_weight = 0.0, 0.0, 0.0, 0.0
        column = (2, 3, 4, 5, 1)[i]
        for t in range(begin, count):
            weight = scalars[t, 0] * scalars[t, 0]
            value = weight * math.log2(max(np.float64(scalars[t, column]), 1e-5))
            if t < begin + 3:
                head += value
                head_weight += weight
            else:
                tail += value
                tail_weight += weight
        whole = (head + tail) / max(head_weight + tail_weight, 1e-20)
        out[place + i] = whole
        out[place + 5 + i] = (
            head / head_weight - tail / tail_weight if head_weight > 0.0 and tail_weight > 1e-9 else 0.0
        )


@kernel("void(f4[:,::1], f4[::1], f4[:,::1])")
def draw_sound(mel: F32, level: F32, out: F32) -> None:
    """Draw the first 3 s from the attack on: ``out`` (40 mel bands, 24 columns), in dB below the loudest frame.

    Eight columns are one frame long (23 ms), four two frames, then four each of 4, 8 and 16 frames; a column holds the
    mean power. What is softer than -60 dB, or after the end, is -60.
    """
    begin = min(_attack_frame(level) // 4, mel.shape[0] - 1)
    last, bands = min(mel.shape[0], begin + 128), mel.shape[1]
    loudest = mel[begin, 0]
    for t in range(begin, last):
        for b in range(bands):
            loudest = max(loudest, mel[t, b])
    sums = np.empty(bands, np.float32)
    first, width = 0, 1
    for c in range(COLUMNS):
        if c >= 8 and c % 4 == 0:
            width *= 2
        start, end = begin + first, min(begin + first + width, last)
        first += width
        if start >= end:
            out[:, c] = _SOFTEST
        elif width == 1:
            for b in range(bands):
                out[b, c] = _HEARD[min(int(_STEPS * (loudest - mel[start, b])), 80 * _STEPS)]
        else:
            sums[:] = 0.0
            for t in range(start, end):
                for b in range(bands):
                    sums[b] += _POWERS[min(int(_STEPS * (loudest - mel[t, b])), 80 * _STEPS)]
            for b in range(bands):
                out[b, c] = max(10.0 * math.log10(sums[b] / width + 1e-6), _SOFTEST)


@kernel("void(f4[::1], f4[:,::1], f4[::1])")
def describe_attack(level: F32, onset: F32, out: F32) -> None:
    """Write how a sound begins, by steps of 6 ms: a clap is several hits, a rim one short one.

    24 levels from 12 ms before the attack on, in dB relative to the greatest, at least -60; then for each of three
    ranges of frequency the onset strength from 18 ms before the attack on, the greater of two frames each, 12 times.
    """
    start, frames = _attack_frame(level), level.shape[0]
    greatest = np.float32(0.0)
    for t in range(frames):
        greatest = max(greatest, level[t])
    for k in range(ATTACK_LEVELS):
        t = start - 2 + k
        now = np.float64(level[t]) / greatest if 0 <= t < frames else 0.0
        out[k] = max(20.0 * math.log10(now + 1e-4), _SOFTEST)
    for r in range(3):
        for k in range(ATTACK_ONSETS):
            strongest = np.float32(0.0)
            for t in range(max(start - 3 + 2 * k, 0), min(start - 1 + 2 * k, frames)):
                strongest = max(strongest, onset[r + 1, t])
            out[ATTACK_LEVELS + r * ATTACK_ONSETS + k] = strongest


@kernel("void(f4[:,::1], f4[:,::1], f4, f4[::1], f4[::1], f4[::1])")
def describe_bands(mel: F32, scalars: F32, active: float, mean: F32, spread: F32, change: F32) -> None:
    """Write for each band the mean below the loudest, the deviation, and the mean change, over the frames that count.

    A frame counts if its RMS, the first of the scalars, is above ``active`` times the greatest.
    """
    greatest = np.float32(0.0)
    for t in range(scalars.shape[0]):
        greatest = max(greatest, scalars[t, 0])
    bands = mel.shape[1]
    total, square = np.zeros(bands), np.zeros(bands)
    loudest, count, last = np.float32(-1e9), 0, -1
    change[:] = np.float32(0.0)
    for t in range(mel.shape[0]):
        if scalars[t, 0] <= active * greatest:
            continue
        for b in range(bands):
            value = mel[t, b]
            total[b] += value
            square[b] += value * value
            loudest = max(loudest, value)
            if last >= 0:
                change[b] += abs(value - mel[last, b])
        count += 1
        last = t
    for b in range(bands):
        average = total[b] / max(count, 1)
        mean[b] = average - loudest
        spread[b] = math.sqrt(max(square[b] / max(count, 1) - average * average, 0.0))
        change[b] /= np.float32(max(count - 1, 1))


@kernel("void(f4[:,::1], f4[::1], f4[::1], f4[::1])")
def describe_tones(notes: F32, chroma: F32, bass: F32, octaves: F32) -> None:
    """Write what share each pitch class has of all notes, and each of the lowest two octaves, and what each octave has.

    The shares are those of the roots of ``notes`` (frames, 84), which are `Features.notes`; 0 if there are none.
    """
    sums, total = np.zeros(notes.shape[1], np.float32), np.float32(0.0)
    for t in range(notes.shape[0]):
        for k in range(sums.shape[0]):
            sums[k] += math.sqrt(notes[t, k])
    for k in range(sums.shape[0]):
        total += sums[k]
    chroma[:], bass[:], octaves[:] = np.float32(0.0), np.float32(0.0), np.float32(0.0)
    for k in range(sums.shape[0]):
        share = sums[k] / max(total, np.float32(1e-9))
        chroma[k % 12] += share
        octaves[k // 12] += share
        if k < 12 * _BASS:
            bass[k % 12] += share
