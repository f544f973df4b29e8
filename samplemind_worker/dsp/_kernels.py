"""Numba loops and nothing else.

Every kernel has one fixed signature, so that it is compiled once, on import, and then loaded from the cache. The
callers have checked shapes and ranges; accumulation is in float64.
"""

# ruff: noqa: C901, PLR0917, PLR2004 -- one pass over the data is one nest of loops; numba takes arguments by position;
# the limits are explained where they stand
# pyright: reportUntypedFunctionDecorator=false
# numba's decorator is untyped; the annotations below are what callers see.

import math
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_jit: Any = nb.njit
_f: Any = nb.types
# Signals may come from memory that must not be written to.
_SIGNAL: Any = _f.Array(_f.f4, 1, "C", readonly=True)
_BLOCK: Any = _f.Array(_f.f4, 2, "C", readonly=True)
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
# Sums may be taken in any order: eight at a time.
_SUMS = {"reassoc", "contract", "nsz"}


@_jit(_f.void(_BLOCK, _f.f8[::1], _f.f8[:, ::1], _f.f8[::1], _f.i8[::1], _f.f8[::1]), fastmath={"contract"}, **_OPTIONS)
def k_weight(x: F32, coefficients: F64, state: F64, weights: F64, ends: I64, sums: F64) -> None:
    """Filter (frames, channels) by two biquads; add the weighted energy up to each of ``ends`` to ``sums``.

    ``state`` (channels, 6) holds the last two inputs, the last two outputs of the first biquad, and of the second.
    """
    b0, b1, b2, a1, a2 = coefficients[0], coefficients[1], coefficients[2], coefficients[3], coefficients[4]
    c0, c1, c2, d1, d2 = coefficients[5], coefficients[6], coefficients[7], coefficients[8], coefficients[9]
    for channel in range(x.shape[1]):
        v1, v2, u1, u2 = state[channel, 0], state[channel, 1], state[channel, 2], state[channel, 3]
        w1, w2 = state[channel, 4], state[channel, 5]
        start = 0
        for k in range(ends.shape[0]):
            total = 0.0
            for i in range(start, ends[k]):
                v = np.float64(x[i, channel])
                # Direct form I: only the last of these sums waits for the output before it.
                u = ((b0 * v + b1 * v1 + b2 * v2) - a2 * u2) - a1 * u1
                w = ((c0 * u + c1 * u1 + c2 * u2) - d2 * w2) - d1 * w1
                total += w * w
                v2, v1, u2, u1, w2, w1 = v1, v, u1, u, w1, w
            start = ends[k]
            sums[k] += weights[channel] * total
            # Denormal numbers after a fade to silence would cost a hundred times a normal step.
            if abs(u1) + abs(u2) + abs(w1) + abs(w2) < 1e-30:
                u1 = u2 = w1 = w2 = 0.0
        state[channel, 0], state[channel, 1], state[channel, 2], state[channel, 3] = v1, v2, u1, u2
        state[channel, 4], state[channel, 5] = w1, w2


@_jit("f8(f4[:,::1], f4[:,::1], f8)", fastmath=_SUMS, **_OPTIONS)
def true_peak(x: F32, taps: F32, peak: float) -> float:
    """Interpolate between samples of (channels, frames) where a peak above ``peak`` is possible; return the highest."""
    half, last = taps.shape[1] // 2, x.shape[1] - taps.shape[1] // 2
    for channel in range(x.shape[0]):
        row = x[channel]
        for start in range(half - 1, last, 64):
            part = row[start : min(start + 64, last) + 1]
            limit, loud = np.float32(0.5 * peak), np.float32(0.0)
            for i in range(part.shape[0]):
                loud += np.float32(1.0) if abs(part[i]) > limit else np.float32(0.0)
            if loud == 0.0:
                continue
            for i in range(part.shape[0] - 1):
                if max(abs(part[i]), abs(part[i + 1])) > limit:
                    around = row[start + i - half + 1 : start + i + half + 1]
                    for phase in range(taps.shape[0]):
                        total, weights = np.float32(0.0), taps[phase]
                        for k in range(weights.shape[0]):
                            total += weights[k] * around[k]
                        peak = max(peak, np.float64(abs(total)))
    return peak


@_jit(_f.void(_SIGNAL, _f.i8, _f.f8, _f.f4[:, ::1]), fastmath=_SUMS, **_OPTIONS)
def level_frames(y: F32, hop: int, scale: float, out: F32) -> None:
    """Write RMS, times a scale, and zero-crossing rate of centred frames of four hops to the first two columns.

    Outside there are zeros and no crossings.
    """
    hops = (y.shape[0] + hop - 1) // hop
    # Two hops of nothing at either end.
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


@_jit("void(f4[:,::1], f8, i8, i8, f4[:,::1], f4[:,::1], f4[:,::1])", **_OPTIONS)
def spectral_peaks(power: F32, bin_hz: float, low: int, high: int, midi: F32, weight: F32, share: F32) -> None:
    """Write the spectral peaks of each frame, from low to high, as fractional MIDI numbers and magnitudes.

    A peak is a local maximum between bins ``low`` and ``high`` that lies above 1e-4 of the frame's greatest power and
    above 6 times the mean power of its surroundings (bins 4 to 16 away), which the peaks of noise seldom do. Its place
    is that of a parabola through the logarithms of three bins. Unused places keep weight 0. ``share`` (frames, 2) is,
    from 150 Hz on, the part of the energy that lies in peaks (five bins each), and the root of that energy.
    """
    bins = power.shape[1]
    running = np.empty(bins + 1, np.float64)
    running[0] = 0.0
    middle = math.ceil(150.0 / bin_hz)
    for t in range(power.shape[0]):
        greatest = np.float32(0.0)
        for k in range(bins):
            running[k + 1] = running[k] + power[t, k]
        for k in range(low, high):
            greatest = max(greatest, power[t, k])
        if greatest <= 0.0:
            continue
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


@_jit("void(f4[:,::1], f4[:,::1], f8, i8, f4[:,::1])", **_OPTIONS)
def fold_semitones(midi: F32, weight: F32, tuning: float, lowest: int, out: F32) -> None:
    """Add each peak's magnitude to its semitone (frames, notes), less the farther it lies from the centre."""
    notes = out.shape[1]
    for t in range(midi.shape[0]):
        for k in range(midi.shape[1]):
            if weight[t, k] > 0.0:
                place = midi[t, k] - tuning - lowest
                note = math.floor(place + 0.5)
                if 0 <= note < notes:
                    out[t, note] += weight[t, k] * (math.cos(math.pi * (place - note)) ** 2)


@_jit("void(f4[:,::1], f4[:,::1], f8[::1])", **_OPTIONS)
def tuning_sums(midi: F32, weight: F32, out: F64) -> None:
    """Add the roots of the weights of the peaks above G2, and their turning by the distance to the semitone.

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


@_jit("void(f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1], f4, f8[:,::1])", **_OPTIONS)
def summarize(scalars: F32, contrast: F32, mfcc: F32, chroma: F32, least: float, out: F64) -> None:
    """Write mean and standard deviation (2, columns) over the frames whose first scalar is above ``least``."""
    columns = out.shape[1]
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
                    # Distances to the first frame: squares of the values themselves would lose what differs.
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
