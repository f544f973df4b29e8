"""Numba loops from a signal to the power spectra of its frames: two to four times as fast as pocketfft.

Sixteen frames go through the transform side by side, so that every loop is one of eight lanes without a dependence: a
row of the work array holds one sample, later one bin, of all of them. Two neighbouring frames make one complex signal
(8 real parts, 8 imaginary ones), for both are real. Spectra come out in the order of the decimation; ``order`` tells
where in the work array the row of a bin begins.
"""

# ruff: noqa: PLR0917, PLR2004 -- numba takes arguments by position; sizes are those of the transforms
# pyright: reportUntypedFunctionDecorator=false
# numba's decorator is untyped; the annotations below are what callers see.

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
U64 = npt.NDArray[np.uint64]

_jit: Any = nb.njit
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract"}}

# Unsigned, for numba lets a negative index count from the end: a comparison each, and no wide instructions.
U: Any = np.uint64
ONE, HALF, LANES = U(1), U(8), U(16)


@_jit("void(f4[::1], i8, i8, f4[:,::1], i8)", forceinline=True, **_OPTIONS)
def _butterflies(x: F32, first: int, m: int, w: F32, step: int) -> None:
    """Do one stage of radix 4 on 4 m rows: decimation in frequency, in place."""
    # Inlined with m a number, all distances are constants, and the compiler sees that no two places are the same.
    leg = m * 16
    for p in range(m):
        w1r, w1i = w[p * step, 0], w[p * step, 1]
        w2r, w2i = w[2 * p * step, 0], w[2 * p * step, 1]
        w3r, w3i = w[3 * p * step, 0], w[3 * p * step, 1]
        start = (first + p) * 16
        v = x[start : start + 3 * leg + 16]
        for k in range(8):
            ar, ai, br, bi = v[k], v[k + 8], v[k + leg], v[k + leg + 8]
            cr, ci, dr, di = v[k + 2 * leg], v[k + 2 * leg + 8], v[k + 3 * leg], v[k + 3 * leg + 8]
            sr, si, tr, ti = ar + cr, ai + ci, ar - cr, ai - ci
            ur, ui, vr, vi = br + dr, bi + di, bi - di, dr - br
            v[k], v[k + 8] = sr + ur, si + ui
            er, ei = tr + vr, ti + vi
            v[k + leg], v[k + leg + 8] = er * w1r - ei * w1i, er * w1i + ei * w1r
            er, ei = sr - ur, si - ui
            v[k + 2 * leg], v[k + 2 * leg + 8] = er * w2r - ei * w2i, er * w2i + ei * w2r
            er, ei = tr - vr, ti - vi
            v[k + 3 * leg], v[k + 3 * leg + 8] = er * w3r - ei * w3i, er * w3i + ei * w3r


@_jit("void(f4[::1], f4[:,::1], i8)", **_OPTIONS)
def _transform(x: F32, w: F32, size: int) -> None:
    """Transform 512 or 2048 rows; ``w`` are the roots of unity of that order."""
    step = size // 512
    if size == 2048:
        _butterflies(x, 0, 512, w, 1)
    for part in range(0, size, 512):
        _butterflies(x, part, 128, w, step)
        for first in range(part, part + 512, 128):
            _butterflies(x, first, 32, w, 4 * step)
        for first in range(part, part + 512, 32):
            _butterflies(x, first, 8, w, 16 * step)
        for first in range(part, part + 512, 8):
            _butterflies(x, first, 2, w, 64 * step)
    for start in range(0, size * 16, 32):
        v = x[start : start + 32]
        for k in range(16):
            a, b = v[k], v[k + 16]
            v[k], v[k + 16] = a + b, a - b


@_jit("void(f4[::1], u8, u8, f4[::1], u8, u8)", forceinline=True, **_OPTIONS)
def _powers(x: F32, z: int, c: int, t: F32, start: int, half: int) -> None:
    """Take the frames of a complex signal apart: rows ``z`` and ``c`` of a bin and its mirror to 16 powers."""
    # The spectrum of a real signal mirrors itself: sums belong to the real frame, differences to the imaginary one.
    # Told that ``half`` is 8, the compiler would unroll this instead of using its wide instructions.
    for k in range(half):
        zr, zi, cr, ci = x[z + k], x[z + k + HALF], x[c + k], x[c + k + HALF]
        t[start + k] = (zr + cr) ** 2 + (zi - ci) ** 2
        t[start + k + HALF] = (zr - cr) ** 2 + (zi + ci) ** 2


@_jit("void(f4[::1], u8, u8, f4[::1], f4[:,::1], u8[::1], u8, f4[:,::1])", **_OPTIONS)
def power_frames(y: F32, start: int, hop: int, window: F32, w: F32, order: U64, half: int, power: F32) -> None:
    """Write the powers (frames, bins) of frames of 512 or 2048 samples, the first one from ``start`` on.

    The window is half a window: each of two frames comes out of their complex signal as half a sum. ``power`` has a
    multiple of 16 rows; ``half`` is 8.
    """
    size = U(window.shape[0])
    x, t = np.empty(window.shape[0] * 16, np.float32), np.empty(8 * 16, np.float32)
    for group in range(U(0), U(power.shape[0]), LANES):
        frame = start + group * hop
        for r in range(size):
            weight, row, place = window[r], r * LANES, frame + r
            for k in range(HALF):
                # Even frames are real parts, odd ones imaginary: neighbours are about as loud, and share rounding.
                x[row + k] = weight * y[place + U(2) * k * hop]
                x[row + k + HALF] = weight * y[place + (U(2) * k + ONE) * hop]
        _transform(x, w, window.shape[0])
        for first in range(U(0), size // U(2), HALF):
            for j in range(HALF):
                bin_ = first + j
                _powers(x, order[bin_], order[(size - bin_) & (size - ONE)], t, j * LANES, half)
            for k in range(HALF):
                for j in range(HALF):
                    power[group + U(2) * k, first + j] = t[j * LANES + k]
                for j in range(HALF):
                    power[group + U(2) * k + ONE, first + j] = t[j * LANES + k + HALF]
        middle = size // U(2)
        _powers(x, order[middle], order[middle], t, U(0), half)
        for k in range(HALF):
            power[group + U(2) * k, middle] = t[k]
            power[group + U(2) * k + ONE, middle] = t[k + HALF]


@_jit("void(f4[::1], u8, f4[::1], f4[:,::1], f4[:,::1], u8[::1], f4[:,::1])", **_OPTIONS)
def long_power_frames(y: F32, start: int, window: F32, long_w: F32, w: F32, order: U64, power: F32) -> None:
    """Write the powers (frames, 4097) of frames of 8192 samples every 4096; ``power`` has a multiple of 4 rows.

    A first stage of radix 4 leaves four transforms of 2048, each of every fourth bin: those of two pairs of frames are
    the eight lanes of one transform.
    """
    x = np.empty(2048 * 16, np.float32)
    quarter = U(2048)
    for group in range(U(0), U(power.shape[0]), U(4)):
        for q in range(U(2)):
            a = start + (group + U(2) * q) * U(4096)
            b = a + U(4096)
            for p in range(quarter):
                p1, p2, p3 = p + quarter, p + U(2) * quarter, p + U(3) * quarter
                ar, ai, br, bi = (
                    window[p] * y[a + p],
                    window[p] * y[b + p],
                    window[p1] * y[a + p1],
                    window[p1] * y[b + p1],
                )
                cr, ci = window[p2] * y[a + p2], window[p2] * y[b + p2]
                dr, di = window[p3] * y[a + p3], window[p3] * y[b + p3]
                sr, si, tr, ti = ar + cr, ai + ci, ar - cr, ai - ci
                ur, ui, vr, vi = br + dr, bi + di, bi - di, dr - br
                o = p * LANES + U(4) * q
                x[o], x[o + HALF] = sr + ur, si + ui
                er, ei, wr, wi = tr + vr, ti + vi, long_w[p, 0], long_w[p, 1]
                x[o + ONE], x[o + ONE + HALF] = er * wr - ei * wi, er * wi + ei * wr
                er, ei, wr, wi = sr - ur, si - ui, long_w[U(2) * p, 0], long_w[U(2) * p, 1]
                x[o + U(2)], x[o + U(2) + HALF] = er * wr - ei * wi, er * wi + ei * wr
                er, ei, wr, wi = tr - vr, ti - vi, long_w[U(3) * p, 0], long_w[U(3) * p, 1]
                x[o + U(3)], x[o + U(3) + HALF] = er * wr - ei * wi, er * wi + ei * wr
        _transform(x, w, 2048)
        for q in range(U(2)):
            row = group + U(2) * q
            for b in range(U(4097)):
                mirror = (U(8192) - b) & U(8191)
                z = order[b >> U(2)] + U(4) * q + (b & U(3))
                c = order[mirror >> U(2)] + U(4) * q + (mirror & U(3))
                zr, zi, cr, ci = x[z], x[z + HALF], x[c], x[c + HALF]
                power[row, b] = (zr + cr) ** 2 + (zi - ci) ** 2
                power[row + ONE, b] = (zr - cr) ** 2 + (zi + ci) ** 2
