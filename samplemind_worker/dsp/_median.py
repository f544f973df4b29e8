"""Numba loop for running medians. The caller has checked shapes and ranges."""

# pyright: reportUntypedFunctionDecorator=false
# numba's decorator is untyped; the annotations below are what callers see.

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp._jit import kernel

# Digest of the sources that are compiled into these kernels: numba looks at the age of this file alone.
BUILT_ON = "f21b9d512a8b"

F32 = npt.NDArray[np.float32]


@kernel("void(f4[:,::1], i8, f4[:,::1])")
def median_rows(x: F32, half: int, out: F32) -> None:
    """Write to each place of a row the median of the 2 ``half`` + 1 values around it; rows are mirrored at their ends.

    The window is kept sorted: one value leaves it and one enters it per place.
    """
    rows, count = x.shape
    size = 2 * half + 1
    window = np.empty(size, np.float32)
    period = max(2 * (count - 1), 1)
    for row in range(rows):
        for k in range(size):
            at = abs(k - half) % period
            window[k] = x[row, at if at < count else period - at]
        window.sort()
        out[row, 0] = window[half]
        for place in range(1, count):
            at = abs(place - 1 - half) % period
            old = x[row, at if at < count else period - at]
            at = (place + half) % period
            new = x[row, at if at < count else period - at]
            k = np.searchsorted(window, old)
            while k + 1 < size and window[k + 1] < new:
                window[k] = window[k + 1]
                k += 1
            while k > 0 and window[k - 1] > new:
                window[k] = window[k - 1]
                k -= 1
            window[k] = new
            out[row, place] = window[half]
