"""Numba loop that evaluates a small network, and turns what it says into probabilities.

The caller has checked shapes.
"""

# ruff: noqa: C901, PLR0912, PLR0917 -- one pass over the data is one nest of loops; numba takes arguments by position
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


@kernel("void(f4[:,::1], f4[::1], f4[:,::1], f4[::1], f4[:,::1], f8[::1])", math=SUMS)
def probabilities(rows: F32, middle: F32, first: F32, base: F32, last: F32, out: F64) -> None:
    """Write the softmax over the logits of all rows, (rows k,).

    ``rows`` (rows, d); ``middle`` (d,), ``first`` (d, k + h), ``base`` (k + h,) and ``last`` (h, k) are those of
    `network.Network`.
    """
    size, width, count = first.shape[0], first.shape[1], last.shape[1]
    sums, ends, x = np.empty(width, np.float32), np.empty(count), np.empty(size, np.float32)
    whole = size - size % 4
    for r in range(rows.shape[0]):
        for j in range(width):
            sums[j] = base[j]
        for k in range(size):
            # Differences from the usual value: the measures themselves, which are large, would lose precision.
            x[k] = rows[r, k] - middle[k]
        # Four measures at a time, so that the sums are loaded and stored once for four of them.
        for k in range(0, whole, 4):
            a, b, c, d = x[k], x[k + 1], x[k + 2], x[k + 3]
            wa, wb, wc, wd = first[k], first[k + 1], first[k + 2], first[k + 3]
            for j in range(width):
                sums[j] += a * wa[j] + b * wb[j] + c * wc[j] + d * wd[j]
        for k in range(whole, size):
            a, wa = x[k], first[k]
            for j in range(width):
                sums[j] += a * wa[j]
        hidden = sums[count:]
        for j in range(hidden.shape[0]):
            hidden[j] = 1.0 - 2.0 / (1.0 + math.exp(2.0 * hidden[j]))  # tanh
        for k in range(count):
            ends[k] = sums[k]
        for j in range(hidden.shape[0]):
            h, w = hidden[j], last[j]
            for k in range(count):
                ends[k] += h * w[k]
        for k in range(count):
            out[r * count + k] = ends[k]
    greatest = out[0]
    for k in range(out.shape[0]):
        greatest = max(greatest, out[k])
    total = 0.0
    for k in range(out.shape[0]):
        out[k] = math.exp(out[k] - greatest)
        total += out[k]
    for k in range(out.shape[0]):
        out[k] /= total
