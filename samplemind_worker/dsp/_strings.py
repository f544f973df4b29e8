"""Numba loops for the partials of stiff strings, which are no exact multiples of a fundamental, above a noise.

The callers have checked shapes and ranges.
"""

# ruff: noqa: PLR0917, PLR2004 -- numba takes arguments by position; the limits are explained where they are used
# pyright: reportUntypedFunctionDecorator=false
# numba's decorator is untyped; the annotations below are what callers see.

import math

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp._jit import SUMS, kernel

# Digest of the sources that are compiled into these kernels: numba looks at the age of this file alone.
BUILT_ON = "f21b9d512a8b"

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


@kernel("void(f4[::1], i8, i8, f4[::1])", math=SUMS)
def local_floor(total: F32, low: int, high: int, floor: F32) -> None:
    """Write the level around each bin from ``low`` to ``high``: the power mean (1/4) of the bins within 15 %.

    At least 12 bins on each side count. A peak of 30 dB raises it by a few dB at most.
    """
    for k in range(low, high):
        floor[k] = np.sqrt(np.sqrt(total[k]))
    sums = np.zeros(high - low + 1)
    for k in range(high - low):
        sums[k + 1] = sums[k] + np.float64(floor[low + k])
    for k in range(low, high):
        half = max(12, int(0.15 * k + 0.5))
        first, last = max(low, k - half), min(high, k + half + 1)
        mean = (sums[last - low] - sums[first - low]) / (last - first)
        floor[k] = mean * mean * mean * mean


@kernel("f8(f8)")
def piano_stretch(f: float) -> float:
    """Return the inharmonicity of the string of a piano with this fundamental (Rigaud, David and Daudet, 2013)."""
    midi = 69.0 + 12.0 * math.log2(f / 440.0)
    return math.exp(0.0926 * midi - 13.64) + math.exp(-0.0847 * midi - 5.82)


@kernel("void(f8[::1], f8[::1], i8, f8[::1], f8[::1], f8[::1], f8[::1])", math=SUMS)
def fit_strings(hz: F64, level: F64, peaks: int, f: F64, most: F64, fitted: F64, stretch: F64) -> None:
    """Fit fundamental and inharmonicity (at most ``most``) of stiff strings to the peaks, from the lowest upwards.

    ``f`` holds a fundamental for each string. The squares of frequency / number lie on a line over the square of the
    number (Rauhala, Lehtonen and Valimaki, 2007, follow the partials likewise). A fit of less than four partials has no
    stretch. All strings are fitted at the same time, without branches, so that the compiler takes several at once.
    """
    count = f.shape[0]
    # The line: (frequency / number) ** 2 = intercept + slope * number ** 2.
    intercept, slope = f * f, np.zeros(count)
    w, x, y, xx, xy = np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count)
    numbers, last = np.zeros(count), np.zeros(count)
    for j in range(peaks):
        power, root = hz[j] * hz[j], math.sqrt(level[j])
        for c in range(count):
            # The number n of the partial of such a string: n**2 * (intercept + slope * n**2) = frequency**2.
            line = intercept[c]
            number = math.sqrt(2.0 * power / (line + math.sqrt(line * line + 4.0 * slope[c] * power)))
            k = np.floor(number + 0.5)
            weight = root if abs(number - k) <= min(0.03 * number, 0.25) else 0.0
            weight = weight if k > 0.5 else 0.0
            weight = weight if k < 40.5 else 0.0
            square = max(k * k, 1.0)
            w[c] += weight
            x[c] += weight * square
            y[c] += weight * power / square
            xx[c] += weight * square * square
            xy[c] += weight * power
            numbers[c] += 1.0 if weight > 0.0 and k > last[c] else 0.0
            last[c] = k if weight > 0.0 else last[c]
            spread = w[c] * xx[c] - x[c] * x[c]
            steep = (w[c] * xy[c] - x[c] * y[c]) / max(spread, 1e-30)
            steep = max(steep, 0.0) if numbers[c] > 3.5 and spread > 0.0 else 0.0
            rest, whole = y[c] - steep * x[c], w[c] + most[c] * x[c]
            is_limited = steep * w[c] > most[c] * rest
            base = (y[c] if is_limited else rest) / max(whole if is_limited else w[c], 1e-30)
            intercept[c] = base if w[c] > 0.0 else line
            slope[c] = most[c] * base if is_limited else steep
    for c in range(count):
        fitted[c], stretch[c] = math.sqrt(intercept[c]), slope[c] / intercept[c]
