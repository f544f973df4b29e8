"""Numba loops over signals, spectral peaks and frames.

The callers have checked shapes and ranges; sums are accumulated in float64.
"""

# ruff: noqa: C901, PLR0917, PLR2004 -- one pass over the data is one nest of loops; numba takes arguments by position;
# the limits are explained where they are used
# pyright: reportUntypedFunctionDecorator=false
# numba's decorator is untyped; the annotations below are what callers see.

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp._jit import SIGNAL, SUMS, kernel, ty

# Digest of the sources that are compiled into these kernels: numba looks at the age of this file alone.
BUILT_ON = "f21b9d512a8b"

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@kernel(ty.void(SIGNAL, ty.i8, ty.f8, ty.f4[:, ::1]), math=SUMS)
def level_frames(y: F32, hop: int, scale: float, out: F32) -> None:
    """Write RMS (multiplied by a scale) and zero-crossing rate of centred frames of four hops to two columns.

    The signal is 0 outside, without crossings.
    """
    hops = (y.shape[0] + hop - 1) // hop
    # Two hops of zeros at either end.
    energy, inner, border = np.zeros(hops + 4), np.zeros(hops + 4), np.zeros(hops + 4)
    for h in range(hops):
        part = y[h * hop : (h + 1) * hop]
        total, count = np.float32(0.0), np.float32(0.0)
        for i in range(part.shape[0]):
            total += part[i] * part[i]
        for i in range(part.shape[0] - 1):
            count += np.float32(1.0) if (part[i] < 0.0) != (part[i + 1] < 0.0) else np.float32(0.0)
        energy[h + 2], inner[h + 2] = total, count
        if h > 0 and (part[0] < 0.0) != (y[h * hop - 1] < 0.0):
            border[h + 2] = 1.0
    for t in range(out.shape[0]):
        total, count = energy[t], inner[t]
        for h in range(t + 1, min(t + 4, hops + 4)):
            total += energy[h]
            count += inner[h] + border[h]
        out[t, 0] = scale * math.sqrt(total / (4 * hop))
        out[t, 1] = count / (4 * hop)


@kernel(ty.f4(SIGNAL, ty.i8[::1]))
def outline(y: F32, out: I64) -> float:
    """Write the greatest magnitude of each of ``len(out)`` equal stretches in hundredths of the peak; return the peak.

    The peak is infinite or NaN if any sample is; nothing is written then, nor for silence.
    """
    # The bits of magnitudes, read as integers, have the same order, and integers are compared eight at a time. Those of
    # infinity and NaN are the greatest.
    whole, steps, greatest = y.view(np.int32), np.empty(out.shape[0], np.int32), np.empty(1, np.int32)
    for block in range(out.shape[0]):
        start = block * y.shape[0] // out.shape[0]
        stretch = whole[start : max((block + 1) * y.shape[0] // out.shape[0], start + 1)]
        bits = np.int32(0)
        for i in range(stretch.shape[0]):
            bits = max(bits, stretch[i] & np.int32(0x7FFFFFFF))
        steps[block] = bits
    greatest[0] = steps.max()
    most, peak = steps.view(np.float32), greatest.view(np.float32)[0]
    if 0.0 < peak < np.inf:
        scale = np.float32(100.0 / np.float64(peak))
        for block in range(out.shape[0]):
            out[block] = np.int64(np.rint(most[block] * scale))
    return peak


@kernel(ty.i8(SIGNAL, ty.f8))
def first_heard(y: F32, share: float) -> int:
    """Return the index of the first sample whose magnitude reaches a share of the greatest one; 0 if there is none."""
    # As in `outline`.
    whole, greatest = y.view(np.int32), np.zeros(1, np.int32)
    bits = np.int32(0)
    for i in range(whole.shape[0]):
        bits = max(bits, whole[i] & np.int32(0x7FFFFFFF))
    greatest[0] = bits
    least = np.float32(share * np.float64(greatest.view(np.float32)[0]))
    for i in range(y.shape[0]):
        if abs(y[i]) >= least:
            return i
    return 0


@kernel("void(f4[:,::1], f8, i8, i8, f4[:,::1], f4[:,::1], f4[:,::1])")
def spectral_peaks(power: F32, bin_hz: float, low: int, high: int, midi: F32, weight: F32, share: F32) -> None:
    """Write the spectral peaks of each frame, from low to high, as fractional MIDI numbers and magnitudes.

    A peak is a local maximum between bins ``low`` and ``high`` that lies above 1e-4 of the frame's greatest power and
    above 6 times the mean power of its surroundings (bins 4 to 16 away), which peaks of noise seldom are. Its frequency
    is the vertex of a parabola through the logarithms of three bins. Unused places keep weight 0. ``share`` (frames, 2)
    is, from 150 Hz on, the share of the energy in peaks (five bins each), and the root of the energy.
    """
    bins = power.shape[1]
    # Cumulative sums over all bins that the surroundings of any peak reach.
    start, end = max(low - 16, 0), min(high + 16, bins)
    running = np.empty(bins + 1, np.float64)
    middle = math.ceil(150.0 / bin_hz)
    whole, most = power.view(np.int32), np.empty(1, np.int32)
    for t in range(power.shape[0]):
        # The bits of non-negative numbers, read as integers, have the same order: eight are compared at a time.
        row, high_bits = whole[t, low:high], np.int32(0)
        for k in range(row.shape[0]):
            high_bits = max(high_bits, row[k])
        most[0] = high_bits
        greatest = most.view(np.float32)[0]
        if greatest <= 0.0:
            continue
        running[start], total = 0.0, 0.0
        for k in range(start, end - 3, 4):
            # Four at a time, so that only one in four sums waits for the one before.
            a = np.float64(power[t, k])
            b = a + power[t, k + 1]
            c = b + power[t, k + 2]
            d = c + power[t, k + 3]
            running[k + 1], running[k + 2], running[k + 3] = total + a, total + b, total + c
            total += d
            running[k + 4] = total
        for k in range(end - (end - start) % 4, end):
            running[k + 1] = running[k] + power[t, k]
        count, in_peaks = 0, 0.0
        for k in range(low, high):
            p = power[t, k]
            if p < 1e-4 * greatest or p <= power[t, k - 1] or p < power[t, k + 1]:
                continue
            first, last = max(k - 16, 0), min(k + 17, bins)
            around = running[last] - running[first] - (running[k + 4] - running[k - 3])
            if p * (last - first - 7) < 6.0 * around:
                continue
            a = math.log(max(np.float64(power[t, k - 1]), 1e-30))
            b = math.log(np.float64(p))
            c = math.log(max(np.float64(power[t, k + 1]), 1e-30))
            bend = a - 2.0 * b + c
            shift = 0.5 * (a - c) / bend if bend < 0.0 else 0.0
            midi[t, count] = 69.0 + 12.0 * math.log2((k + shift) * bin_hz / 440.0)
            weight[t, count] = math.exp(0.5 * (b - 0.25 * (a - c) * shift))
            if k >= middle:
                in_peaks += running[k + 3] - running[k - 2]
            count += 1
            if count == midi.shape[1]:
                break
        total = max(running[high] - running[middle], 1e-20)
        share[t, 0] = min(in_peaks / total, 1.0)
        share[t, 1] = math.sqrt(total)


@kernel("void(f4[:,::1], f4[:,::1], f8, i8, f4[:,::1])")
def fold_semitones(midi: F32, weight: F32, tuning: float, lowest: int, out: F32) -> None:
    """Add the magnitude of each peak to its semitone (frames, notes), with less weight far from the centre."""
    notes = out.shape[1]
    for t in range(midi.shape[0]):
        for k in range(midi.shape[1]):
            if weight[t, k] > 0.0:
                place = midi[t, k] - tuning - lowest
                note = math.floor(place + 0.5)
                if 0 <= note < notes:
                    out[t, note] += weight[t, k] * (math.cos(math.pi * (place - note)) ** 2)


@kernel("void(f4[:,::1], f4[:,::1], f8[::1])")
def tuning_sums(midi: F32, weight: F32, out: F64) -> None:
    """Sum the roots of the weights of the peaks above G2, and these roots as vectors at the angle of the mistuning.

    Writes sum, cosine, sine. Below 100 Hz a bin is wider than half a semitone.
    """
    total, cosine, sine = 0.0, 0.0, 0.0
    for t in range(midi.shape[0]):
        for k in range(midi.shape[1]):
            if weight[t, k] > 0.0 and midi[t, k] > 43.0:
                root, angle = math.sqrt(weight[t, k]), 2.0 * math.pi * midi[t, k]
                total += root
                cosine += root * math.cos(angle)
                sine += root * math.sin(angle)
    out[0], out[1], out[2] = total, cosine, sine


@kernel("void(f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1], f4, f8, f4[::1], f8[:,::1])")
def summarize(
    scalars: F32, contrast: F32, mfcc: F32, chroma: F32, active: Any, peak: float, onset: F32, out: F64
) -> None:
    """Write mean and standard deviation (2, columns) over the frames whose level is above ``active`` of the greatest.

    The first scalar is the level; its two numbers are multiplied by ``peak``. The last column is that of ``onset``,
    over all frames.
    """
    least = np.float32(0.0)
    for t in range(scalars.shape[0]):
        least = max(least, scalars[t, 0])
    least *= active
    columns = out.shape[1] - 1
    shift, total, square = np.empty(columns), np.zeros(columns), np.zeros(columns)
    count = 0
    for t in range(scalars.shape[0]):
        if scalars[t, 0] <= least:
            continue
        place = 0
        for part in (scalars, contrast, mfcc, chroma):
            row = part[t]
            for k in range(row.shape[0]):
                if count == 0:
                    # Differences from the first frame: squares of the values themselves would lose precision.
                    shift[place + k] = row[k]
                d = row[k] - shift[place + k]
                total[place + k] += d
                square[place + k] += d * d
            place += row.shape[0]
        count += 1
    for k in range(columns):
        mean = total[k] / count
        out[0, k] = shift[k] + mean
        out[1, k] = math.sqrt(max(square[k] / count - mean * mean, 0.0))
    out[0, 0] *= peak
    out[1, 0] *= peak
    mean, square_sum = 0.0, 0.0
    for t in range(onset.shape[0]):
        mean += onset[t] / onset.shape[0]
    for t in range(onset.shape[0]):
        square_sum += (onset[t] - mean) ** 2
    out[0, columns], out[1, columns] = mean, math.sqrt(square_sum / onset.shape[0])
