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

from samplemind_worker.dsp._jit import SUMS, kernel, part
from samplemind_worker.dsp._strings import fit_strings, local_floor, piano_stretch

# Digest of the sources that are compiled into these kernels: numba looks at the age of this file alone.
BUILT_ON = "74d5735a6ad8"

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_f32: Any = np.float32
_none, _one = np.float32(0.0), np.float32(1.0)

_PEAKS = 96
"""Most peaks that are explained."""
HARMONICS = 8
"""Number of harmonics whose levels are measured individually."""
MEASURES = 20 + HARMONICS
"""Number of columns of `describe`."""
STRETCHED_MEASURES = MEASURES + 6
"""Number of columns of `describe` if the partials may be stretched."""


@part
def _greatest(values: F32) -> Any:
    """Return the greatest of some numbers of 0 or more."""
    # Their bits, read as integers, have the same order; integers are compared eight at a time.
    row, most, high_bits = values.view(np.int32), np.empty(1, np.int32), np.int32(0)
    for k in range(row.shape[0]):
        high_bits = max(high_bits, row[k])
    most[0] = high_bits
    return most.view(np.float32)[0]


@part
def _is_peak(total: F32, k: int, least: float) -> Any:
    """Return whether a bin is a local maximum of at least ``least``, and no ripple on the flank of a louder partial."""
    p = total[k]
    return p >= least and p > total[k - 1] and p >= total[k + 1] and p >= 2.0 * min(total[k - 3], total[k + 3])


@part
def _vertex(total: F32, k: int) -> Any:
    """Return the place, in bins, of the vertex of a parabola through the logarithms of three bins around a peak."""
    a = math.log(max(np.float64(total[k - 1]), 1e-30))
    b = math.log(np.float64(total[k]))
    c = math.log(max(np.float64(total[k + 1]), 1e-30))
    bend = a - 2.0 * b + c
    return k + (0.5 * (a - c) / bend if bend < 0.0 else 0.0)


@kernel("i8(f4[::1], f8, i8, i8, f8[::1], f8[::1])")
def whole_peaks(total: F32, bin_hz: float, low: int, high: int, hz: F64, level: F64) -> int:
    """Write frequency and magnitude (maximum 1) of the local maxima within 50 dB of the greatest; return their number.

    The frequency is the vertex of a parabola through the logarithms of three bins.
    """
    greatest, count = _greatest(total[low:high]), 0
    if greatest <= 0.0:
        return 0
    for k in range(low, high):
        if _is_peak(total, k, 1e-5 * greatest):
            hz[count] = _vertex(total, k) * bin_hz
            level[count] = math.sqrt(total[k] / greatest)
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
        for divisor in range(1, 9):
            f = hz[best] / divisor
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


@kernel("i8(f4[::1], f8, i8, i8, f8[:,::1])")
def greatest_peaks(total: F32, bin_hz: float, low: int, high: int, peaks: F64) -> int:
    """Write the greatest of the peaks of a half whitened spectrum, sorted by frequency; return their number.

    They are those that `whole_peaks` finds where each bin is divided by the root of the floor around it. The rows are
    frequency; magnitude (maximum 1); prominence, which is the level over the floor in dB; magnitude before whitening.
    The knock of a piano's key is louder than its highest notes, and has hundreds of small peaks below them.
    """
    floor, whitened = np.empty(high, np.float32), np.zeros(high + 4, np.float32)
    local_floor(total, low, high, floor)
    for k in range(low, high):
        whitened[k] = total[k] / np.sqrt(max(floor[k], _f32(1e-30)))
    greatest, found, most, count = _greatest(whitened[low:high]), 0, peaks.shape[1], 0
    if greatest <= 0.0:
        return 0
    bins, powers = np.empty((high - low) // 2 + 1, np.int64), np.empty((high - low) // 2 + 1, np.float32)
    for k in range(low, high):
        if _is_peak(whitened, k, 1e-5 * greatest):
            bins[found], powers[found] = k, whitened[k]
            found += 1
    least = np.partition(powers[:found], found - most)[found - most] if found > most else _none
    for j in range(found):
        if powers[j] >= least and count < most:
            place = _vertex(whitened, bins[j])
            k = min(max(int(place + 0.5), low), high - 1)
            p = max(np.float64(total[k]), 1e-30)
            peaks[0, count], peaks[1, count] = place * bin_hz, math.sqrt(powers[j] / greatest)
            peaks[2, count] = 10.0 * math.log10(p / max(np.float64(floor[k]), 1e-30))
            peaks[3, count] = math.sqrt(p)
            count += 1
    return count


@kernel("void(f4[::1], f4[::1], f4[::1], f4[::1], f4[::1])")
def describe_plainly(nearest: F32, inside: F32, plain: F32, prominence: F32, out: F32) -> None:
    """Write the last five columns of `describe` for a candidate.

    ``nearest`` is the number of the nearest harmonic of each peak, ``inside`` 1 for a harmonic and 0 for other peaks.
    """
    prominent, total, share, odd, thirds, first, most = _none, _none, _none, _none, _none, _none, _none
    for j in range(plain.shape[0]):
        total += plain[j]
        if inside[j] > _none:
            k = int(nearest[j])
            share += plain[j]
            most, prominent = max(most, plain[j]), max(prominent, prominence[j])
            if k == 1:
                first = max(first, plain[j])
            if k % 2 == 1:
                odd += plain[j]
            if k % 3 != 0:
                thirds += plain[j]
    out[0] = min(prominent, _f32(60.0)) / 50.0
    out[1] = share / total
    out[2], out[3] = odd / max(share, _f32(1e-30)), thirds / max(share, _f32(1e-30))
    out[4] = max(20.0 * math.log10(max(first, _f32(1e-15)) / max(most, _f32(1e-15))), -50.0) / 50.0


@kernel("void(f8[:,::1], i8, f8[::1], i8, f8, f4[:,::1])", math=SUMS)
def describe(found: F64, peaks: int, candidates: F64, count: int, stiffest: float, out: F32) -> None:
    """Refine each candidate by the peaks that are its harmonics, and write the evidence for it.

    Columns: MIDI number; share of the magnitude, of the power and of the root of the magnitude that lies in harmonics;
    mean cosine of the peaks' phase after a period, weighted by magnitude and by its root; share of odd harmonics, of
    those that are no multiple of three; share at odd multiples of a half, and of thirds, of the fundamental; share
    below it; mean distance from the harmonics; number of the strongest harmonic, of the lowest (octaves); centroid
    (octaves above it); distance from the lowest clear peak (octaves); shares and cosine less the best of all
    candidates; candidates' number; levels of the first eight harmonics (dB / 50, -1 where there is none).

    The first two rows of ``found`` are frequencies and levels. If ``stiffest`` is not 0, partials may be stretched, by
    at most so many times the inharmonicity of a piano's string of this pitch, ``found`` has all rows of
    `greatest_peaks`, and there are six more columns: inharmonicity; prominence of the most prominent harmonic; before
    whitening, the share of the magnitude that lies in harmonics, in odd ones of these, in those that are no multiple of
    three, and the level of the first below the greatest one.
    """
    hz, level = found[0], found[1]
    stretched = stiffest > 0.0
    amplitude, power, root, moment = 0.0, 0.0, 0.0, 0.0
    lowest = 0.0
    for j in range(peaks):
        amplitude += level[j]
        power += level[j] * level[j]
        root += math.sqrt(level[j])
        moment += level[j] * hz[j]
        if lowest == 0.0 and level[j] > 0.1:
            lowest = hz[j]
    # In single precision, and without branches, so that eight peaks are described at a time.
    narrow = found[:, :peaks].astype(np.float32)
    pitch, magnitude, roots = narrow[0], narrow[1], np.sqrt(narrow[1])
    plain, prominence = narrow[-1], narrow[-2]
    wide = np.maximum(_f32(0.03) * pitch, _f32(2.0))
    number, nearest, inside = np.empty(peaks, np.float32), np.empty(peaks, np.float32), np.empty(peaks, np.float32)
    best_share, best_root, best_cosine = 0.0, 0.0, -1.0
    strongest_of = np.zeros(48)
    refined, most, stretches = candidates[:count].copy(), np.zeros(count), np.zeros(count)
    for c in range(count):
        f = refined[c]
        top, bottom, over = 0.0, 0.0, 1.0 / f
        for j in range(peaks):
            k = math.floor(hz[j] * over + 0.5)
            if k > 6:  # peaks are sorted by frequency
                break
            if k >= 1 and abs(hz[j] - k * f) < min(max(0.03 * hz[j], 2.0), 0.25 * f):
                top += level[j] * hz[j] / k
                bottom += level[j]
        refined[c] = top / bottom if bottom > 0.0 else f
        if stretched:
            most[c] = stiffest * piano_stretch(refined[c])
    if stretched:
        fit_strings(hz, level, peaks, refined.copy(), most, refined, stretches)
    for c in range(count):
        f, stretch = refined[c], stretches[c]
        once, whole, quarter = _f32(1.0 / f), _f32(f), _f32(0.25 * f)
        bend = _f32(4.0 * stretch)
        for j in range(peaks):
            ratio = pitch[j] * once
            # The number of the partial of a stiff string: n * sqrt(1 + stretch * n**2) = ratio.
            number[j] = ratio * np.sqrt(_f32(2.0) / (_f32(1.0) + np.sqrt(_f32(1.0) + bend * ratio * ratio)))
            nearest[j] = np.floor(number[j] + _f32(0.5))
        heard = f
        if stretched:
            top, bottom = 0.0, 0.0
            for j in range(peaks):
                if nearest[j] > _f32(6.0):
                    break
                exact, k = number[j], nearest[j]
                if k > _f32(0.5) and abs(exact - k) < min(max(_f32(0.03) * exact, _f32(2.0) * once), _f32(0.25)):
                    top += level[j] * hz[j] / k
                    bottom += level[j]
            heard = top / bottom if bottom > 0.0 else f
        share, power_share, root_share, cosine, root_cosine = _none, _none, _none, _none, _none
        odd, thirds, halves, parts, below, distance = _none, _none, _none, _none, _none, _none
        for j in range(peaks):
            a, r, x, k = magnitude[j], roots[j], number[j], nearest[j]
            off = abs(x - k)
            # Bhaskara's approximation of the cosine: within 0.002.
            half = _f32(2.0) * off
            near = min(half, _one - half)
            wave = (_one - _f32(4.0) * near * near) / (_one + near * near)
            wave = -wave if half > _f32(0.5) else wave
            cosine += a * wave
            root_cosine += r * wave
            below += a if x < _f32(0.75) else _none
            width = min(wide[j], quarter)
            is_harmonic = _one if off * whole < width else _none
            is_harmonic = is_harmonic if k > _f32(0.5) else _none
            inside[j] = is_harmonic
            own = a * is_harmonic
            share += own
            power_share += own * a
            root_share += r * is_harmonic
            distance += own * off
            odd += own * (k - _f32(2.0) * np.floor(k * _f32(0.5)))
            thirds += own if k - _f32(3.0) * np.floor((k + _f32(0.5)) / _f32(3.0)) > _f32(0.5) else _none
            other = a - own
            twice, thrice = _f32(2.0) * x, _f32(3.0) * x
            halves += other if abs(twice - np.floor(twice + _f32(0.5))) * whole < _f32(2.0) * width else _none
            parts += other if abs(thrice - np.floor(thrice + _f32(0.5))) * whole < _f32(3.0) * width else _none
        strongest_of[:] = 0.0
        for j in range(peaks):
            if inside[j] > _none and nearest[j] < _f32(48.0):
                k = int(nearest[j])
                strongest_of[k] = max(strongest_of[k], level[j])
        strongest, first = 1, 0
        for k in range(1, 48):
            if strongest_of[k] > strongest_of[strongest]:
                strongest = k
            if first == 0 and strongest_of[k] > 0.03:
                first = k
        row = out[c]
        row[0] = 69.0 + 12.0 * math.log2(heard / 440.0)
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
        if stretched:
            row[28] = math.log2(1e-6 + stretch) / 10.0 + 1.0
            describe_plainly(nearest, inside, plain, prominence, row[29:])
        best_share, best_root = max(best_share, row[1]), max(best_root, row[3])
        best_cosine = max(best_cosine, row[4])
    for c in range(count):
        out[c, 16], out[c, 17], out[c, 18] = out[c, 1] - best_share, out[c, 3] - best_root, out[c, 4] - best_cosine


@kernel("i8(f4[::1], f8, i8, i8, f8, f8, f8, f4[:,::1])")
def find_evidence(
    total: F32, bin_hz: float, low: int, high: int, lowest: float, highest: float, stiffest: float, out: F32
) -> int:
    """Propose fundamentals between two frequencies, and write the evidence for each; return their number.

    They explain the peaks between bins ``low`` and ``high``: those of `whole_peaks`, or, if ``stiffest`` is not 0,
    those of `greatest_peaks`. ``out`` (most fundamentals, columns) gets what `describe` writes.
    """
    found, proposed = np.empty((4, _PEAKS)), np.empty(out.shape[0])
    if stiffest > 0.0:
        peaks = greatest_peaks(total, bin_hz, low, high, found)
    else:
        peaks = whole_peaks(total, bin_hz, low, high, found[0], found[1])
    count = propose(found[0], found[1], peaks, lowest, highest, proposed)
    describe(found, peaks, proposed, count, stiffest, out)
    return count


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
    sums, whole = np.empty(size, np.float32), size - size % 4
    for row in range(found.shape[0]):
        own = found[row]
        for _ in range(rounds):
            sums[:] = least
            # Four rows at a time, so that the sums are loaded and stored once for four of them.
            for k in range(0, whole, 4):
                a, b, c, d = own[k], own[k + 1], own[k + 2], own[k + 3]
                wa, wb, wc, wd = products[k], products[k + 1], products[k + 2], products[k + 3]
                for j in range(size):
                    sums[j] += a * wa[j] + b * wb[j] + c * wc[j] + d * wd[j]
            for k in range(whole, size):
                factor, weights = own[k], products[k]
                for j in range(size):
                    sums[j] += factor * weights[j]
            for j in range(size):
                own[j] *= wanted[row, j] / sums[j]
