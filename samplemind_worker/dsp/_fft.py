"""Numba loops that compute the power spectra of a signal's frames.

A frame of n samples is read as n / 8 rows of eight neighbours: eight signals, each of every eighth sample, are
transformed side by side with n / 8 points, one signal per lane. The last stage transposes blocks of eight by eight and
combines the eight spectra with radix 8, which puts the bins into their natural order. Two real frames share one complex
transform. All data of a frame stay in the L1 cache.
"""

# ruff: noqa: PLR0917 -- numba takes arguments by position; sizes are those of the transforms
# pyright: reportUntypedFunctionDecorator=false
# numba's decorator is untyped; the annotations below are what callers see.

from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp._jit import FUSED, SIGNAL, kernel, part, ty
from samplemind_worker.dsp._lanes import lanes, load, reverse, store, transpose

F32 = npt.NDArray[np.float32]
U64 = npt.NDArray[np.uint64]

# Digest of the sources that are compiled into these kernels: numba looks at the age of this file alone.
BUILT_ON = "ffd6fea69231"

# Unsigned: a signed index may be negative and count from the end, which costs a comparison per access.
U: Any = np.uint64
ONE, TWO, THREE, FOUR, EIGHT, ROW = U(1), U(2), U(3), U(4), U(8), U(16)
_HALF_ROOT: Any = np.float32(0.5**0.5)


@part
def _stage(x: F32, first: Any, rows: Any, m: Any, w: F32, step: Any) -> None:
    """Apply a radix-4 stage to blocks of 4 m rows, m > 1, in place (decimation in frequency)."""
    leg = m * ROW
    for block in range(first, first + rows, FOUR * m):
        for p in range(m):
            i, j, k = p * step, TWO * p * step, THREE * p * step
            o = (block + p) * ROW
            ar, ai = load(x, o), load(x, o + EIGHT)
            br, bi = load(x, o + leg), load(x, o + leg + EIGHT)
            cr, ci = load(x, o + TWO * leg), load(x, o + TWO * leg + EIGHT)
            dr, di = load(x, o + THREE * leg), load(x, o + THREE * leg + EIGHT)
            sr, si, tr, ti = ar + cr, ai + ci, ar - cr, ai - ci
            ur, ui, vr, vi = br + dr, bi + di, bi - di, dr - br
            store(x, o, sr + ur)
            store(x, o + EIGHT, si + ui)
            er, ei, wr, wi = tr + vr, ti + vi, lanes(w[i, 0]), lanes(w[i, 1])
            store(x, o + leg, er * wr - ei * wi)
            store(x, o + leg + EIGHT, er * wi + ei * wr)
            er, ei, wr, wi = sr - ur, si - ui, lanes(w[j, 0]), lanes(w[j, 1])
            store(x, o + TWO * leg, er * wr - ei * wi)
            store(x, o + TWO * leg + EIGHT, er * wi + ei * wr)
            er, ei, wr, wi = tr - vr, ti - vi, lanes(w[k, 0]), lanes(w[k, 1])
            store(x, o + THREE * leg, er * wr - ei * wi)
            store(x, o + THREE * leg + EIGHT, er * wi + ei * wr)


@part
def _transform(x: F32, rows: Any, w: F32) -> None:
    """Transform rows of eight complex numbers down their columns; rows is a power of 2, ``w`` its roots of unity."""
    part, step = rows, ONE
    if rows > U(256):  # split what does not fit into the L1 cache
        part, step = rows // FOUR, FOUR
        _stage(x, U(0), rows, part, w, ONE)
    for first in range(U(0), rows, part):
        m, s = part // FOUR, step
        while m > ONE:
            _stage(x, first, part, m, w, s)
            m, s = m // FOUR, s * FOUR
        if m == U(0):  # the last stage combines pairs
            for o in range(first * ROW, (first + part) * ROW, TWO * ROW):
                ar, ai, br, bi = load(x, o), load(x, o + EIGHT), load(x, o + U(16)), load(x, o + U(24))
                store(x, o, ar + br)
                store(x, o + EIGHT, ai + bi)
                store(x, o + U(16), ar - br)
                store(x, o + U(24), ai - bi)
            continue
        for o in range(first * ROW, (first + part) * ROW, FOUR * ROW):
            ar, ai = load(x, o), load(x, o + EIGHT)
            br, bi = load(x, o + U(16)), load(x, o + U(24))
            cr, ci = load(x, o + U(32)), load(x, o + U(40))
            dr, di = load(x, o + U(48)), load(x, o + U(56))
            sr, si, tr, ti = ar + cr, ai + ci, ar - cr, ai - ci
            ur, ui, vr, vi = br + dr, bi + di, bi - di, dr - br
            store(x, o, sr + ur)
            store(x, o + EIGHT, si + ui)
            store(x, o + U(16), tr + vr)
            store(x, o + U(24), ti + vi)
            store(x, o + U(32), sr - ur)
            store(x, o + U(40), si - ui)
            store(x, o + U(48), tr - vr)
            store(x, o + U(56), ti - vi)


@part
def _join(x: F32, rows: Any, order: U64, twiddles: F32, zr: F32, zi: F32) -> None:
    """Combine eight spectra of ``rows`` bins, at the places in ``order``, into one of 8 rows bins in natural order."""
    for b in range(U(0), rows, EIGHT):
        o0, o1, o2, o3 = order[b], order[b + U(1)], order[b + U(2)], order[b + U(3)]
        o4, o5, o6, o7 = order[b + U(4)], order[b + U(5)], order[b + U(6)], order[b + U(7)]
        r0, r1, r2, r3, r4, r5, r6, r7 = transpose(
            load(x, o0), load(x, o1), load(x, o2), load(x, o3), load(x, o4), load(x, o5), load(x, o6), load(x, o7)
        )
        i0, i1, i2, i3, i4, i5, i6, i7 = transpose(
            load(x, o0 + EIGHT), load(x, o1 + EIGHT), load(x, o2 + EIGHT), load(x, o3 + EIGHT),
            load(x, o4 + EIGHT), load(x, o5 + EIGHT), load(x, o6 + EIGHT), load(x, o7 + EIGHT),
        )  # fmt: skip
        t = b * U(14)
        wr, wi = load(twiddles, t), load(twiddles, t + U(8))
        r1, i1 = r1 * wr - i1 * wi, r1 * wi + i1 * wr
        wr, wi = load(twiddles, t + U(16)), load(twiddles, t + U(24))
        r2, i2 = r2 * wr - i2 * wi, r2 * wi + i2 * wr
        wr, wi = load(twiddles, t + U(32)), load(twiddles, t + U(40))
        r3, i3 = r3 * wr - i3 * wi, r3 * wi + i3 * wr
        wr, wi = load(twiddles, t + U(48)), load(twiddles, t + U(56))
        r4, i4 = r4 * wr - i4 * wi, r4 * wi + i4 * wr
        wr, wi = load(twiddles, t + U(64)), load(twiddles, t + U(72))
        r5, i5 = r5 * wr - i5 * wi, r5 * wi + i5 * wr
        wr, wi = load(twiddles, t + U(80)), load(twiddles, t + U(88))
        r6, i6 = r6 * wr - i6 * wi, r6 * wi + i6 * wr
        wr, wi = load(twiddles, t + U(96)), load(twiddles, t + U(104))
        r7, i7 = r7 * wr - i7 * wi, r7 * wi + i7 * wr
        # Even columns, odd columns, then both.
        sr, si, tr, ti = r0 + r4, i0 + i4, r0 - r4, i0 - i4
        ur, ui, vr, vi = r2 + r6, i2 + i6, i2 - i6, r6 - r2
        e0r, e0i, e1r, e1i = sr + ur, si + ui, tr + vr, ti + vi
        e2r, e2i, e3r, e3i = sr - ur, si - ui, tr - vr, ti - vi
        sr, si, tr, ti = r1 + r5, i1 + i5, r1 - r5, i1 - i5
        ur, ui, vr, vi = r3 + r7, i3 + i7, i3 - i7, r7 - r3
        half = lanes(_HALF_ROOT)
        q1r, q1i, q3r, q3i = tr + vr, ti + vi, tr - vr, ti - vi
        p0r, p0i, p1r, p1i = sr + ur, si + ui, (q1r + q1i) * half, (q1i - q1r) * half
        p2r, p2i, p3r, p3i = si - ui, ur - sr, (q3i - q3r) * half, (q3r + q3i) * (lanes(np.float32(0.0)) - half)
        store(zr, b, e0r + p0r)
        store(zi, b, e0i + p0i)
        store(zr, b + rows, e1r + p1r)
        store(zi, b + rows, e1i + p1i)
        store(zr, b + TWO * rows, e2r + p2r)
        store(zi, b + TWO * rows, e2i + p2i)
        store(zr, b + THREE * rows, e3r + p3r)
        store(zi, b + THREE * rows, e3i + p3i)
        store(zr, b + FOUR * rows, e0r - p0r)
        store(zi, b + FOUR * rows, e0i - p0i)
        store(zr, b + U(5) * rows, e1r - p1r)
        store(zi, b + U(5) * rows, e1i - p1i)
        store(zr, b + U(6) * rows, e2r - p2r)
        store(zi, b + U(6) * rows, e2i - p2i)
        store(zr, b + U(7) * rows, e3r - p3r)
        store(zi, b + U(7) * rows, e3i - p3i)


@part
def _take(y: F32, start: Any, window: F32, x: F32, part: Any) -> None:
    """Write a windowed frame to the real (``part`` 0) or imaginary (8) parts of the rows; ``y`` is 0 outside."""
    size, samples = window.shape[0], y.shape[0]
    if start >= 0 and start + size <= samples:
        for r in range(U(0), U(size), EIGHT):
            store(x, TWO * r + part, load(window, r) * load(y, U(start) + r))
        return
    first, end = max(-start, 0), min(samples - start, size)
    zero = lanes(np.float32(0.0))
    for r in range(U(0), U(size), EIGHT):
        row = np.int64(r)
        if first <= row and row + 8 <= end:
            store(x, TWO * r + part, load(window, r) * load(y, U(start + row)))
        elif row >= end or row + 8 <= first:
            store(x, TWO * r + part, zero)
        else:
            for i in range(8):
                inside = first <= row + i < end
                x[TWO * r + part + U(i)] = window[row + i] * y[start + row + i] if inside else np.float32(0.0)


@part
def _powers_at(
    y: F32,
    start: Any,
    other: Any,
    window: F32,
    w: F32,
    order: U64,
    twiddles: F32,
    work: F32,
    power: F32,
    a: Any,
    b: Any,
) -> None:
    """Write the powers of the frames that begin at ``start`` and ``other``, as `pair_powers` does."""
    size = U(window.shape[0])
    rows = size // EIGHT
    x, zr, zi = work[: TWO * size], work[TWO * size : THREE * size + EIGHT], work[THREE * size + EIGHT :]
    _take(y, start, window, x, U(0))
    _take(y, other, window, x, EIGHT)
    _transform(x, rows, w)
    _join(x, rows, order, twiddles, zr, zi)
    # The spectrum of a real signal is symmetric: sums belong to the real frame, differences to the imaginary one.
    zr[size], zi[size] = zr[0], zi[0]
    middle = size // TWO
    for k in range(U(0), middle, EIGHT):
        c = size - k - U(7)
        pr, pi, cr, ci = load(zr, k), load(zi, k), reverse(load(zr, c)), reverse(load(zi, c))
        sr, si, dr, di = pr + cr, pi - ci, pr - cr, pi + ci
        store(power, a + k, sr * sr + si * si)
        store(power, b + k, dr * dr + di * di)
    power[a + middle] = FOUR * zr[middle] * zr[middle]
    power[b + middle] = FOUR * zi[middle] * zi[middle]


@part
def pair_powers(
    y: F32,
    t: Any,
    count: Any,
    hop: Any,
    window: F32,
    w: F32,
    order: U64,
    twiddles: F32,
    work: F32,
    power: F32,
    a: Any,
    b: Any,
) -> None:
    """Write the powers of frames t and t + 1 (if it exists) to ``power``, from places ``a`` and ``b`` on.

    ``window`` is half a window, because each of the two frames is recovered from their complex spectrum as half a sum.
    ``work`` holds 4 * size + 16 numbers.
    """
    size = np.int64(window.shape[0])
    start = t * hop - size // 2
    # The signal is 0 where the second frame would lie, if there is none.
    _powers_at(y, start, start + hop if t + 1 < count else y.shape[0], window, w, order, twiddles, work, power, a, b)


@kernel(
    ty.void(SIGNAL, ty.i8, ty.i8, ty.i8, ty.f4[::1], ty.f4[:, ::1], ty.u8[::1], ty.f4[::1], ty.f4[:, ::1]), math=FUSED
)
def power_frames(
    y: F32, first: Any, count: Any, hop: Any, window: F32, w: F32, order: U64, twiddles: F32, power: F32
) -> None:
    """Write the powers (frames, bins) of the frames from ``first`` on; the signal has ``count`` frames.

    ``power`` has one row more, for the missing second frame of the last pair.
    """
    size = window.shape[0]
    work, flat = np.empty(4 * size + 16, np.float32), power.reshape(-1)
    bins = U(power.shape[1])
    for t in range(0, power.shape[0] - 1, 2):
        place = U(t) * bins
        pair_powers(y, first + t, count, hop, window, w, order, twiddles, work, flat, place, place + bins)


@kernel(ty.i8(SIGNAL, ty.i8, ty.i8, ty.f4, ty.f4[::1], ty.f4[:, ::1], ty.u8[::1], ty.f4[::1]), math=FUSED)
def highest_bin(y: F32, size: Any, most: Any, share: Any, window: F32, w: F32, order: U64, twiddles: F32) -> int:
    """Return the highest bin whose power is at least a share of the greatest of all bins; -1 for silence.

    The power of a bin is the greatest in the ``most`` loudest of the signal's frames, which do not overlap. They have
    ``size`` samples, to which the window is narrowed; a rest at the end is left out.
    """
    count, full = y.shape[0] // size, window.shape[0]
    bits, peaks, one = y.view(np.int32), np.empty(count, np.float32), np.empty(1, np.int32)
    for t in range(count):
        # The bits of magnitudes, read as integers, have the same order, and integers are compared eight at a time.
        stretch, high = bits[t * size : (t + 1) * size], np.int32(0)
        for i in range(stretch.shape[0]):
            high = max(high, stretch[i] & np.int32(0x7FFFFFFF))
        one[0] = high
        peaks[t] = one.view(np.float32)[0]
    starts = np.argsort(peaks, kind="mergesort")[-most:] * size
    bins = U(full // 2 + 1)
    greatest, highest = np.zeros(bins, np.float32), np.float32(0.0)
    work, rows = np.empty(4 * full + 16, np.float32), np.zeros(2 * bins, np.float32)
    for t in range(0, starts.shape[0], 2):
        other = starts[t + 1] if t + 1 < starts.shape[0] else y.shape[0]
        _powers_at(y, starts[t], other, window, w, order, twiddles, work, rows, U(0), bins)
        for k in range(bins):
            greatest[k] = max(greatest[k], rows[k], rows[bins + k])
    for k in range(bins):
        highest = max(highest, greatest[k])
    if highest <= 0.0:
        return -1
    last = greatest.shape[0] - 1
    while greatest[last] < share * highest:
        last -= 1
    return last


@kernel(
    ty.void(
        SIGNAL, ty.f4[::1], ty.i8, ty.f4[::1], ty.f4[:, ::1], ty.u8[::1], ty.f4[::1], ty.f4[:, ::1], ty.u8[::1],
        ty.f4[::1], ty.f4[::1],
    ),
    math=FUSED,
)  # fmt: skip
def halve(
    y: F32, response: F32, reach: Any, ones: F32, w: F32, order: U64, twiddles: F32, half_w: F32, half_order: U64,
    half_turns: F32, out: F32,
) -> None:  # fmt: skip
    """Filter a signal and keep every other sample.

    ``response`` is the frequency response, over the size of the transform, of a filter that is symmetric about 0 and
    ends within ``reach`` samples. It must be 0 in the upper half of the bins.
    """
    size = response.shape[0]
    step, middle = size - 2 * reach, U(size // 2)
    work = np.empty(4 * size + 16, np.float32)
    x, zr, zi = work[: 2 * size], work[2 * size : 3 * size + 8], work[3 * size + 8 :]
    for first in range(0, 2 * out.shape[0], 2 * step):
        # Two stretches share one complex signal; a real filter does not mix them.
        _take(y, first - reach, ones, x, U(0))
        _take(y, first + step - reach, ones, x, EIGHT)
        _transform(x, U(size // 8), w)
        _join(x, U(size // 8), order, twiddles, zr, zi)
        for k in range(U(0), middle, EIGHT):
            # Decimation folds the upper half of the spectrum, which is 0, onto the lower one. With real and imaginary
            # parts exchanged, the forward transform is the inverse one.
            place = k if k < middle // TWO else k + middle
            gain = load(response, place)
            store(x, TWO * k, load(zi, place) * gain)
            store(x, TWO * k + EIGHT, load(zr, place) * gain)
        _transform(x, U(size // 16), half_w)
        _join(x, U(size // 16), half_order, half_turns, zr, zi)
        place, skip = first // 2, reach // 2
        for k in range(min(step // 2, out.shape[0] - place)):
            out[place + k] = zi[skip + k]
        place += step // 2
        for k in range(min(step // 2, out.shape[0] - place)):
            out[place + k] = zr[skip + k]
