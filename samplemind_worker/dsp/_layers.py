"""Numba loops of the convolutional network: a layer, eight units at a time, and the conclusion.

The caller has checked shapes.
"""

# ruff: noqa: C901, PLR0917 -- one pass over the data is one nest of loops; numba takes arguments by position
# pyright: reportUntypedFunctionDecorator=false
# numba's decorator is untyped; the annotations below are what callers see.

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp._jit import FUSED, SUMS, kernel
from samplemind_worker.dsp._lanes import greatest, lanes, load, store

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

# Digest of the sources that are compiled into these kernels: numba looks at the age of this file alone.
BUILT_ON = "ffd6fea69231"

U: Any = np.uint64
EIGHT = U(8)
_f32: Any = np.float32
UNITS = 16
"""Units come in multiples of this."""


@kernel("void(f4[:,::1], f4[:,::1], f4[::1], f4[:,::1])", math=FUSED)
def convolve(bands: F32, weights: F32, bias: F32, pairs: F32) -> None:
    """Write the greater of two neighbouring bands' sums, plus ``bias``, at least 0.

    ``bands`` (bands, inputs); the sum of a band is that of ``weights`` (width * inputs, units) and of the ``width``
    bands around it, where those outside are 0. ``pairs`` (half as many or more, units) has an even number of rows.
    """
    flat, out, inputs = weights.ravel(), pairs.ravel(), U(bands.shape[1])
    size, units = U(weights.shape[0]), U(weights.shape[1])
    before = np.int64(size // inputs // U(2) * inputs)
    x = np.zeros(U(2 * pairs.shape[0] - 1) * inputs + size, np.float32)
    taken = min(bands.size, x.shape[0] - before)
    x[before : before + taken] = bands.ravel()[:taken]
    nothing = lanes(_f32(0.0))
    # The sums of four bands are taken at once, in two vectors of units each: these hide the time that a sum takes.
    for pair in range(U(0), U(pairs.shape[0]), U(2)):
        a, o = U(2) * pair * inputs, pair * units
        b, c, d = a + inputs, a + U(2) * inputs, a + U(3) * inputs
        for u in range(U(0), units, U(UNITS)):
            a0, a1, b0, b1 = nothing, nothing, nothing, nothing
            c0, c1, d0, d1 = nothing, nothing, nothing, nothing
            w = u
            for j in range(size):
                w0, w1 = load(flat, w), load(flat, w + EIGHT)
                v = lanes(x[a + j])
                a0, a1 = a0 + v * w0, a1 + v * w1
                v = lanes(x[b + j])
                b0, b1 = b0 + v * w0, b1 + v * w1
                v = lanes(x[c + j])
                c0, c1 = c0 + v * w0, c1 + v * w1
                v = lanes(x[d + j])
                d0, d1 = d0 + v * w0, d1 + v * w1
                w += units
            t0, t1 = load(bias, u), load(bias, u + EIGHT)
            store(out, o + u, greatest(greatest(a0, b0) + t0, nothing))
            store(out, o + u + EIGHT, greatest(greatest(a1, b1) + t1, nothing))
            store(out, o + units + u, greatest(greatest(c0, d0) + t0, nothing))
            store(out, o + units + u + EIGHT, greatest(greatest(c1, d1) + t1, nothing))


@kernel("void(f4[::1], f4[::1], f4[::1], f4[::1], f4, f4[:,::1], f4[::1], f4[:,::1], f4[::1], f8[::1])", math=SUMS)
def conclude(
    found: F32, row: F32, centre: F32, scale: F32, limit: Any, join: F32, join_bias: F32, out: F32, bias: F32, odds: F64
) -> None:
    """Join what the layers found with the measures, and write the probabilities.

    The measures are scaled, and moved to within ``limit`` of their mean; the hidden units are those of `join`, at
    least 0. Both bias arrays belong to the sums before them.
    """
    count = found.shape[0]
    joined = np.empty(count + row.shape[0], np.float32)
    joined[:count] = found
    for k in range(row.shape[0]):
        joined[count + k] = min(max((row[k] - centre[k]) * scale[k], -limit), limit)
    hidden, ends = join_bias.copy(), bias.copy()
    for k in range(joined.shape[0]):
        value, weights = joined[k], join[k]
        if value != 0.0:  # as half of what the layers found is
            for j in range(hidden.shape[0]):
                hidden[j] += value * weights[j]
    for k in range(hidden.shape[0]):
        value, weights = hidden[k], out[k]
        if value > 0.0:
            for j in range(ends.shape[0]):
                ends[j] += value * weights[j]
    greatest, total = ends[0], 0.0
    for j in range(ends.shape[0]):
        greatest = max(greatest, ends[j])
    for j in range(ends.shape[0]):
        odds[j] = math.exp(ends[j] - greatest)
        total += odds[j]
    for j in range(ends.shape[0]):
        odds[j] /= total
