"""Numba loops that measure a single sound: its whole spectrum, the peaks, and the evidence for each pitch.

The callers have checked shapes and ranges.
"""

# ruff: noqa: C901, PLR0912, PLR0915, PLR0917, PLR2004 -- one pass over the data is one nest of loops; numba takes arguments by position;
# the limits are explained where they are used
# pyright: reportUntypedFunctionDecorator=false
# numba's decorator is untyped; the annotations below are what callers see.

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp._jit import SUMS, kernel

# Digest of the sources that are compiled into these kernels: numba looks at the age of this file alone.
BUILT_ON = "72b6882d5669"

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_f32: Any = np.float32

HARMONICS = 8
"""Number of harmonics whose levels are measured individually."""
MEASURES = 20 + HARMONICS
"""Number of columns of `describe_candidates`."""


@kernel("void(f4[:,::1], f4[::1])", math=SUMS)
def add_spectra(power: F32, total: F32) -> None:
    """Sum the power spectra, each divided by the root of its energy, so that the decay counts beside the attack."""
    for t in range(power.shape[0]):
        row = power[t]
        energy = np.float32(0.0)
        for k in range(row.shape[0]):
            energy += row[k]
        if energy > 1e-12:
            gain = np.float32(1.0 / math.sqrt(energy))
            for k in range(row.shape[0]):
                total[k] += gain * row[k]


@kernel("i8(f4[::1], f8, i8, i8, f8[::1], f8[::1])")
def whole_peaks(total: F32, bin_hz: float, low: int, high: int, hz: F64, level: F64) -> int:
    """Write frequency and magnitude (maximum 1) of the local maxima within 50 dB of the greatest; return their number.

    The frequency is the vertex of a parabola through the logarithms of three bins.
    """
    # The bits of non-negative numbers, read as integers, have the same order; integers are compared eight at a time.
    row, most, high_bits = total[low:high].view(np.int32), np.empty(1, np.int32), np.int32(0)
    for k in range(row.shape[0]):
        high_bits = max(high_bits, row[k])
    most[0] = high_bits
    greatest = most.view(np.float32)[0]
    count = 0
    if greatest <= 0.0:
        return 0
    for k in range(low, high):
        p = total[k]
        if p < 1e-5 * greatest or p <= total[k - 1] or p < total[k + 1]:
            continue
        # It must rise above its surroundings: a ripple on the flank of a louder partial is no peak.
        if p < 2.0 * min(total[k - 3], total[k + 3]):
            continue
        a = math.log(max(np.float64(total[k - 1]), 1e-30))
        b = math.log(np.float64(p))
        c = math.log(max(np.float64(total[k + 1]), 1e-30))
        bend = a - 2.0 * b + c
        shift = 0.5 * (a - c) / bend if bend < 0.0 else 0.0
        hz[count] = (k + shift) * bin_hz
        level[count] = math.sqrt(p / greatest)
        count += 1
        if count == hz.shape[0]:
            break
    return count


@kernel("i8(f8[::1], f8[::1], i8, f8, f8, f8[::1])")
def propose(hz: F64, level: F64, peaks: int, lowest: float, highest: float, out: F64) -> int:
    """Write the distinct fractions (1, 1/2 to 1/8) of the ten greatest peaks within a range; return their number."""
    taken = np.zeros(peaks, np.bool_)
    count = 0
    for _ in range(min(10, peaks)):
        best = -1
        for j in range(peaks):
            if not taken[j] and (best < 0 or level[j] > level[best]):
                best = j
        taken[best] = True
        for part in range(1, 9):
            f = hz[best] / part
            if f < lowest or f > highest:
                continue
            known = False
            for c in range(count):
                if abs(f / out[c] - 1.0) < 0.025:
                    known = True
                    break
            if not known and count < out.shape[0]:
                out[count] = f
                count += 1
    return count


@kernel("void(f8[::1], f8[::1], i8, f8[::1], i8, f4[:,::1])", math=SUMS)
def describe_candidates(hz: F64, level: F64, peaks: int, candidates: F64, count: int, out: F32) -> None:
    """Refine each candidate by the peaks that are its harmonics, and write the evidence for it.

    Columns: MIDI number; share of the magnitude, of the power and of the root of the magnitude that lies in harmonics;
    mean cosine of the peaks' phase after a period, weighted by magnitude and by its root; share of odd harmonics, of
    those that are no multiple of three; share at odd multiples of a half, and of thirds, of the fundamental; share
    below it; mean distance from the harmonics; number of the strongest harmonic, of the lowest (octaves); centroid
    (octaves above it); distance from the lowest clear peak (octaves); shares and cosine less the best of all
    candidates; candidates' number; levels of the first eight harmonics (dB / 50, -1 where there is none).
    """
    amplitude, power, root, moment = 0.0, 0.0, 0.0, 0.0
    lowest = 0.0
    for j in range(peaks):
        amplitude += level[j]
        power += level[j] * level[j]
        root += math.sqrt(level[j])
        moment += level[j] * hz[j]
        if lowest == 0.0 and level[j] > 0.1:
            lowest = hz[j]
    roots, wide = np.sqrt(level[:peaks]), np.maximum(0.03 * hz[:peaks], 2.0)
    best_share, best_root, best_cosine = 0.0, 0.0, -1.0
    strongest_of = np.zeros(48)
    for c in range(count):
        f = candidates[c]
        top, bottom = 0.0, 0.0
        for j in range(peaks):
            k = math.floor(hz[j] / f + 0.5)
            if k > 6:  # peaks are sorted by frequency
                break
            if k >= 1 and abs(hz[j] - k * f) < min(max(0.03 * hz[j], 2.0), 0.25 * f):
                top += level[j] * hz[j] / k
                bottom += level[j]
        if bottom > 0.0:
            f = top / bottom
        strongest_of[:] = 0.0
        once, quarter = 1.0 / f, 0.25 * f
        share, power_share, root_share, cosine, root_cosine = 0.0, 0.0, 0.0, 0.0, 0.0
        odd, thirds, halves, parts, below, distance = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(peaks):
            ratio = hz[j] * once
            k = math.floor(ratio + 0.5)
            # Bhaskara's approximation of the cosine: within 0.002.
            half = 2.0 * abs(ratio - k)
            near = min(half, 1.0 - half)
            wave = (1.0 - 4.0 * near * near) / (1.0 + near * near)
            if half > 0.5:
                wave = -wave
            r = roots[j]
            cosine += level[j] * wave
            root_cosine += r * wave
            if ratio < 0.75:
                below += level[j]
            width = min(wide[j], quarter)
            if k >= 1 and abs(hz[j] - k * f) < width:
                share += level[j]
                power_share += level[j] * level[j]
                root_share += r
                distance += level[j] * abs(ratio - k)
                if k % 2 == 1:
                    odd += level[j]
                if k % 3 != 0:
                    thirds += level[j]
                if k < 48:
                    strongest_of[k] = max(strongest_of[k], level[j])
            else:
                if abs(2.0 * ratio - math.floor(2.0 * ratio + 0.5)) * f < 2.0 * width:
                    halves += level[j]
                if abs(3.0 * ratio - math.floor(3.0 * ratio + 0.5)) * f < 3.0 * width:
                    parts += level[j]
        strongest, first = 1, 0
        for k in range(1, 48):
            if strongest_of[k] > strongest_of[strongest]:
                strongest = k
            if first == 0 and strongest_of[k] > 0.03:
                first = k
        row = out[c]
        row[0] = 69.0 + 12.0 * math.log2(f / 440.0)
        row[1], row[2], row[3] = share / amplitude, power_share / power, root_share / root
        row[4], row[5] = cosine / amplitude, root_cosine / root
        row[6], row[7] = odd / max(share, 1e-9), thirds / max(share, 1e-9)
        row[8], row[9], row[10] = halves / amplitude, parts / amplitude, below / amplitude
        row[11] = distance / max(share, 1e-9)
        row[12], row[13] = math.log2(strongest), math.log2(max(first, 1))
        row[14] = math.log2(moment / amplitude / f)
        row[15] = math.log2(f / max(lowest, 20.0))
        row[19] = count / 40.0
        for k in range(1, HARMONICS + 1):
            row[19 + k] = max(20.0 * math.log10(max(strongest_of[k], 1e-6)), -50.0) / 50.0
        best_share, best_root = max(best_share, row[1]), max(best_root, row[3])
        best_cosine = max(best_cosine, row[4])
    for c in range(count):
        out[c, 16], out[c, 17], out[c, 18] = out[c, 1] - best_share, out[c, 3] - best_root, out[c, 4] - best_cosine


@kernel("void(f4[::1], i8[::1], f4[::1])", math=SUMS)
def sum_bands(total: F32, edges: npt.NDArray[np.int64], out: F32) -> None:
    """Write the level of each band between two edges (bins), in dB relative to the whole, at least -60."""
    whole = np.float32(0.0)
    for k in range(total.shape[0]):
        whole += total[k]
    for b in range(out.shape[0]):
        band = np.float32(0.0)
        for k in range(edges[b], edges[b + 1]):
            band += total[k]
        out[b] = max(10.0 * math.log10(max(band / max(whole, np.float32(1e-20)), np.float32(1e-6))), -60.0)


@kernel("void(f4[:,::1], i8, f8[::1], f4[::1], f8[::1])")
def describe_note(rows: F32, best: int, chances: F64, level: F32, out: F64) -> None:
    """Write the measures of the best candidate, and the probability of all candidates within half a semitone of it.

    The probability is written twice: for its own octave and for any octave. The last place holds the mean level over
    the greatest level; the places between are left unchanged.
    """
    same, alike = 0.0, 0.0
    for c in range(rows.shape[0]):
        distance = rows[c, 0] - rows[best, 0]
        if abs(distance) < 0.5:
            same += chances[c]
        if abs((distance + _f32(6.0)) % _f32(12.0) - _f32(6.0)) < 0.5:
            alike += chances[c]
    for k in range(rows.shape[1]):
        out[k] = rows[best, k]
    out[rows.shape[1]], out[rows.shape[1] + 1] = same, alike
    total, most = 0.0, _f32(0.0)
    for t in range(level.shape[0]):
        total += level[t]
        most = max(most, level[t])
    out[out.shape[0] - 1] = total / level.shape[0] / most


@kernel("f8(f4[:,::1])")
def weighted_share(tonalness: F32) -> float:
    """Return the mean of the first column, weighted by the second."""
    total, weight = 0.0, 0.0
    for t in range(tonalness.shape[0]):
        total += np.float64(tonalness[t, 0]) * np.float64(tonalness[t, 1])
        weight += tonalness[t, 1]
    return total / weight if weight > 0.0 else 0.0


@kernel("void(f4[:,::1], f4[:,::1], i8, f4, f4[:,::1])", math=SUMS)
def explain(wanted: F32, products: F32, rounds: int, least: Any, found: F32) -> None:
    """Multiply each row of ``found`` by ``wanted`` over its product with ``products``, and do so again and again."""
    size = products.shape[0]
    sums = np.empty(size, np.float32)
    for row in range(found.shape[0]):
        for _ in range(rounds):
            sums[:] = least
            for k in range(size):
                factor, weights = found[row, k], products[k]
                for j in range(size):
                    sums[j] += factor * weights[j]
            for j in range(size):
                found[row, j] *= wanted[row, j] / sums[j]
