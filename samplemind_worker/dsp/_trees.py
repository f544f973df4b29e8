"""Numba loops that refine a beat period and evaluate trees. The callers have checked shapes and ranges."""

# ruff: noqa: PLR0917, PLR2004 -- numba takes arguments by position; the limits are explained where they are used
# pyright: reportUntypedFunctionDecorator=false
# numba's decorator is untyped; the annotations below are what callers see.

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp._jit import kernel

# Digest of the sources that are compiled into these kernels: numba looks at the age of this file alone.
BUILT_ON = "f21b9d512a8b"

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]


@kernel("f8(f8[::1], f8)")
def follow_period(correlation: F64, period: float) -> float:
    """Refine a period by the peaks at up to 64 of its multiples, with a least-squares line through the origin.

    The next multiple is searched within 1 % of where the line predicts it (the first within 2 % of the period).
    """
    estimate = period
    top, bottom = 0.0, 0.0
    multiple = 1
    while multiple * estimate < len(correlation) - 8 and multiple <= 64:
        lag = multiple * estimate
        reach = round(0.02 * period) if multiple == 1 else min(round(0.06 * period), round(0.01 * lag))
        reach = max(2, reach)
        first = max(1, round(lag) - reach)
        best = first
        for k in range(first, min(round(lag) + reach + 1, len(correlation) - 1)):
            if correlation[k] > correlation[best]:
                best = k
        a, b, c = correlation[best - 1], correlation[best], correlation[best + 1]
        # It must be a peak, not the edge of the window.
        if b > a and b >= c and b > 0.05:
            place = best + 0.5 * (a - c) / (a - 2.0 * b + c)
            # Least squares, weighted by the height of the peak: distant multiples determine the period best.
            top += b * multiple * place
            bottom += b * multiple * multiple
            estimate = top / bottom
        multiple += 1
    return estimate


@kernel("void(f4[:,::1], i4[::1], i4[::1], f4[::1], i4[:,::1], f4[::1], f8[::1])")
def sum_trees(rows: F32, roots: I32, feature: I32, threshold: F32, children: I32, value: F32, out: F64) -> None:
    """Sum the leaf values of all trees for each row; a node with the feature -1 is a leaf."""
    out[:] = 0.0
    for t in range(roots.shape[0]):  # a tree stays in the cache while all rows are evaluated
        for r in range(rows.shape[0]):
            node = roots[t]
            while feature[node] >= 0:
                node = children[node, 0] if rows[r, feature[node]] <= threshold[node] else children[node, 1]
            out[r] += value[node]
