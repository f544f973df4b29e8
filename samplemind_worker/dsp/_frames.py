"""Numba loops that measure the frames of a signal, eight at a time.

The powers of eight frames are transposed so that a row holds one bin of all of them. Every sum over bins is then a sum
of rows, whatever the width of the band, with one frame per lane. The callers have checked shapes and ranges.
"""

# ruff: noqa: PLR0917 -- numba takes arguments by position; the limits are explained where they are used
# pyright: reportUntypedFunctionDecorator=false
# numba's decorator is untyped; the annotations below are what callers see.

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp._fft import pair_powers
from samplemind_worker.dsp._jit import FUSED, SIGNAL, kernel, part, ty
from samplemind_worker.dsp._kernels import level_frames
from samplemind_worker.dsp._lanes import (
    below,
    divide,
    exponent,
    greatest,
    lanes,
    late,
    least,
    load,
    mantissa,
    root,
    store,
    transpose,
)

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

# Digest of the sources that are compiled into these kernels: numba looks at the age of this file alone.
BUILT_ON = "ee17d5c7329a"

U: Any = np.uint64
ONE, TWO, THREE, FOUR, EIGHT = U(1), U(2), U(3), U(4), U(8)
_f32: Any = np.float32
_ROW = U(1032)  # bins of 2048 samples, padded to whole lanes
_SQUARE_ROOT, _LN2, _DECIBELS = _f32(math.sqrt(2.0)), _f32(math.log(2.0)), _f32(10.0 * math.log10(2.0))


def _fit_log2() -> tuple[Any, ...]:
    """Fit log2(1 + u) / u by a polynomial for 1 + u in sqrt(1/2)..sqrt(2): within 2e-7, the precision of float32."""
    m = (
        math.sqrt(2.0) + math.sqrt(0.5) + (math.sqrt(2.0) - math.sqrt(0.5)) * np.cos(np.pi * np.arange(0.5, 64) / 64)
    ) / 2.0
    fitted = np.polynomial.Polynomial.fit(m - 1.0, np.log2(m) / (m - 1.0), 8).convert()
    return tuple(_f32(c) for c in fitted.coef)


_P0, _P1, _P2, _P3, _P4, _P5, _P6, _P7, _P8 = _fit_log2()


@part
def log2(v: Any) -> Any:
    """Return the binary logarithm of positive lanes."""
    m = mantissa(v)
    upper = below(lanes(_SQUARE_ROOT), m)
    u = m - upper * m * lanes(_f32(0.5)) - lanes(_f32(1.0))
    p = lanes(_P7) + u * lanes(_P8)
    p = lanes(_P5) + u * (lanes(_P6) + u * p)
    p = lanes(_P3) + u * (lanes(_P4) + u * p)
    p = lanes(_P1) + u * (lanes(_P2) + u * p)
    return exponent(v) + upper + u * (lanes(_P0) + u * p)


@part
def _turn(rows: F32, stride: Any, keep: F32, bins: Any, place: Any, out: F32) -> None:
    """Transpose eight frames of bins to bins of eight frames, each frame multiplied by its number in ``keep``."""
    k0, k1, k2, k3 = lanes(keep[0]), lanes(keep[1]), lanes(keep[2]), lanes(keep[3])
    k4, k5, k6, k7 = lanes(keep[4]), lanes(keep[5]), lanes(keep[6]), lanes(keep[7])
    for k in range(U(0), bins, EIGHT):
        i = place + k
        c0, c1, c2, c3, c4, c5, c6, c7 = transpose(
            load(rows, i) * k0,
            load(rows, i + stride) * k1,
            load(rows, i + TWO * stride) * k2,
            load(rows, i + THREE * stride) * k3,
            load(rows, i + FOUR * stride) * k4,
            load(rows, i + U(5) * stride) * k5,
            load(rows, i + U(6) * stride) * k6,
            load(rows, i + U(7) * stride) * k7,
        )
        o = k * EIGHT
        store(out, o, c0)
        store(out, o + U(8), c1)
        store(out, o + U(16), c2)
        store(out, o + U(24), c3)
        store(out, o + U(32), c4)
        store(out, o + U(40), c5)
        store(out, o + U(48), c6)
        store(out, o + U(56), c7)


@part
def _shape(power: F32, bins: Any, magnitude: F32, out: F32) -> None:
    """Write the magnitudes, their sum and first moment (in bins), and the log2 of the flatness."""
    nothing, tiny = lanes(_f32(0.0)), lanes(_f32(1e-10))
    total, moment, floored, whole, product = nothing, nothing, nothing, nothing, lanes(_f32(1.0))
    for first in range(U(0), bins, U(64)):
        # Partial sums: one long sum would lose precision.
        some, turning, power_sum = nothing, nothing, nothing
        for k in range(first, min(first + U(64), bins)):
            p = load(power, k * EIGHT)
            m = root(p)
            store(magnitude, k * EIGHT, m)
            some = some + m
            turning = turning + m * lanes(_f32(k))
            # Logarithms are slow, so one is taken of a product, whose exponents and mantissas are kept apart.
            q = greatest(p, tiny)
            power_sum = power_sum + q
            whole = whole + exponent(q)
            product = product * mantissa(q)
        total, moment, floored = total + some, moment + turning, floored + power_sum
        whole = whole + exponent(product)
        product = mantissa(product)
    share = lanes(_f32(1.0 / _f32(bins)))
    store(out, U(0), total)
    store(out, U(8), moment)
    store(out, U(16), (whole + log2(product)) * share - log2(floored * share))


@part
def _contrast(power: F32, first: Any, end: Any, count: Any, lists: F32, out: F32, place: Any) -> None:
    """Write the distance in dB between the ``count`` greatest and least magnitudes of a band."""
    tiny = lanes(_f32(1e-10))
    lows = EIGHT * U(count)
    v = load(power, U(first) * EIGHT)
    if count == 1:
        low, high = v, v
        for k in range(U(first) + ONE, U(end)):
            v = load(power, k * EIGHT)
            low, high = least(v, low), greatest(v, high)
        peak, valley = root(high), root(low)
    else:
        for j in range(U(0), lows, EIGHT):
            store(lists, j, lanes(_f32(-1.0)))
            store(lists, lows + j, lanes(_f32(3e38)))
        for k in range(U(first), U(end), TWO):
            v, w = load(power, k * EIGHT), load(power, k * EIGHT)
            x, y = lanes(_f32(-1.0)), lanes(_f32(3e38))
            if k + ONE < U(end):
                x, y = load(power, k * EIGHT + EIGHT), load(power, k * EIGHT + EIGHT)
            # Insert two values into sorted lists: one that is displaced moves on to the next place.
            for j in range(U(0), lows, EIGHT):
                a, b = load(lists, j), load(lists, lows + j)
                c, d = greatest(a, v), least(b, w)
                v, w = least(a, v), greatest(b, w)
                store(lists, j, greatest(c, x))
                store(lists, lows + j, least(d, y))
                x, y = least(c, x), greatest(d, y)
        peak, valley = lanes(_f32(0.0)), lanes(_f32(0.0))
        for j in range(U(0), lows, EIGHT):
            peak = peak + root(load(lists, j))
            valley = valley + root(load(lists, lows + j))
        share = lanes(_f32(1.0 / count))
        peak, valley = peak * share, valley * share
    store(out, place, (log2(greatest(peak, tiny)) - log2(greatest(valley, tiny))) * lanes(_DECIBELS))


@part
def _spread(power: F32, magnitude: F32, chroma: F32, sums: F32, out: F32, bins: Any) -> None:
    """Write, for eight frames, the variance about the centroid (bins squared), the bin of the rolloff and the chroma.

    ``sums`` are those of `_shape`; ``chroma`` holds twelve weights per bin.
    """
    nothing = lanes(_f32(0.0))
    c0, c1, c2, c3, c4, c5, c6, c7 = nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing
    c8, c9, c10, c11, spread, run, place = nothing, nothing, nothing, nothing, nothing, nothing, nothing
    total = load(sums, U(0))
    centroid = divide(load(sums, U(8)), greatest(total, lanes(_f32(1e-30))))
    limit = lanes(_f32(0.85)) * total
    for k in range(bins):
        p, m, w = load(power, k * EIGHT), load(magnitude, k * EIGHT), k * U(12)
        d = lanes(_f32(k)) - centroid
        spread = spread + m * d * d
        run = run + m
        place = place + below(run, limit)
        c0 = c0 + p * lanes(chroma[w])
        c1 = c1 + p * lanes(chroma[w + U(1)])
        c2 = c2 + p * lanes(chroma[w + U(2)])
        c3 = c3 + p * lanes(chroma[w + U(3)])
        c4 = c4 + p * lanes(chroma[w + U(4)])
        c5 = c5 + p * lanes(chroma[w + U(5)])
        c6 = c6 + p * lanes(chroma[w + U(6)])
        c7 = c7 + p * lanes(chroma[w + U(7)])
        c8 = c8 + p * lanes(chroma[w + U(8)])
        c9 = c9 + p * lanes(chroma[w + U(9)])
        c10 = c10 + p * lanes(chroma[w + U(10)])
        c11 = c11 + p * lanes(chroma[w + U(11)])
    store(out, U(0), spread)
    store(out, U(8), place)
    most = greatest(greatest(greatest(c0, c1), greatest(c2, c3)), greatest(greatest(c4, c5), greatest(c6, c7)))
    most = greatest(most, greatest(greatest(c8, c9), greatest(c10, c11)))
    # A silent frame has no chroma.
    scale = divide(lanes(_f32(1.0)), greatest(most, lanes(_f32(1.2e-38))))
    store(out, U(16), c0 * scale)
    store(out, U(24), c1 * scale)
    store(out, U(32), c2 * scale)
    store(out, U(40), c3 * scale)
    store(out, U(48), c4 * scale)
    store(out, U(56), c5 * scale)
    store(out, U(64), c6 * scale)
    store(out, U(72), c7 * scale)
    store(out, U(80), c8 * scale)
    store(out, U(88), c9 * scale)
    store(out, U(96), c10 * scale)
    store(out, U(104), c11 * scale)


@part
def _bands(rows: F32, weights: F32, spans: I64, out: F32, place: Any) -> None:
    """Write the sums of rows weighted by each band, which is zero outside its span (first, end)."""
    for b in range(U(weights.shape[0])):
        total = lanes(_f32(0.0))
        for k in range(U(spans[b, 0]), U(spans[b, 1])):
            total = total + load(rows, k * EIGHT) * lanes(weights[b, k])
        store(out, place + b * EIGHT, total)


@part
def _cepstrum(
    decibels: F32, limit: Any, cosines: F32, all_: I64, groups: F32, spans: I64, mfcc: F32, kept: F32
) -> None:
    """Raise mel bands to ``limit`` at least, and write their cosine transform and the means of groups of bands.

    ``decibels`` are ordered by group of eight frames, band, frame.
    """
    count, bands = mfcc.shape[0], U(cosines.shape[1])
    cut, sums = np.empty(bands * EIGHT, np.float32), np.empty(8 * 64, np.float32)
    means = U(cosines.shape[0]) * EIGHT
    for first in range(0, count, 8):
        place = U(first) * bands
        for o in range(U(0), bands * EIGHT, EIGHT):
            store(cut, o, greatest(load(decibels, place + o), lanes(limit)))
        _bands(cut, cosines, all_, sums, U(0))
        _bands(cut, groups, spans, sums, means)
        for t in range(min(8, count - first)):
            for c in range(mfcc.shape[1]):
                mfcc[first + t, c] = sums[8 * c + t]
            for c in range(kept.shape[1]):
                kept[first + t, c] = sums[int(means) + 8 * c + t]


@kernel(
    ty.void(
        SIGNAL, ty.i8, ty.f8, ty.f4[::1], ty.f4[:, ::1], ty.u8[::1], ty.f4[::1], ty.f4, ty.i8[:, ::1], ty.f4[:, ::1],
        ty.i8[:, ::1], ty.f4[::1], ty.f4[:, ::1], ty.i8[:, ::1], ty.f4[:, ::1], ty.i8[:, ::1], ty.f4[:, ::1],
        ty.f4[:, ::1], ty.f4[:, ::1], ty.f4[:, ::1], ty.f4[:, ::1],
    ),
    math=FUSED,
)  # fmt: skip
def timbre_frames(
    y: F32, hop: Any, scale: Any, half_window: F32, w: F32, order: U64, twiddles: F32, bin_hz: Any, octaves: I64,
    mel: F32, spans: I64, chroma_weights: F32, cosines: F32, all_: I64, groups: F32, members: I64, scalars: F32,
    contrast: F32, mfcc: F32, chroma: F32, kept: F32,
) -> None:  # fmt: skip
    """Measure frames of 2048 samples of a signal, which is multiplied by ``scale``.

    Writes ``scalars`` (frames, 6): RMS, zero-crossing rate, centroid, bandwidth, rolloff (Hz), flatness; ``contrast``
    (frames, 7), by ``octaves`` (first bin, end, number of bins per peak or valley); ``chroma`` (frames, 12); and of the
    levels of mel bands in dB, raised to 80 dB below the greatest at least, the cosine transform ``mfcc`` (frames, 20)
    and the means ``kept`` (frames, 40) of ``groups``. A frame whose RMS is 0 is silent.
    """
    level_frames(y, hop, scale, scalars)
    window = half_window * _f32(scale)
    count, bins = scalars.shape[0], U(mel.shape[1])
    decibels = np.empty((count + 7) // 8 * 8 * mel.shape[0], np.float32)
    work, rows = np.empty(4 * window.shape[0] + 16, np.float32), np.zeros(8 * 1032, np.float32)
    power, magnitude = np.empty(8 * 1032, np.float32), np.empty(8 * 1032, np.float32)
    keep, sums, found = np.empty(8, np.float32), np.empty(24, np.float32), np.empty(14 * 8, np.float32)
    lists, steps = np.empty(64 * 8, np.float32), np.empty(octaves.shape[0] * 8, np.float32)
    bands = U(mel.shape[0])
    for first in range(0, count, 8):
        for t in range(first, min(first + 8, count), 2):
            a = U(t - first) * _ROW
            pair_powers(y, t, count, hop, window, w, order, twiddles, work, rows, a, a + _ROW)
        for t in range(8):
            # A silent frame beside a loud one would get its rounding errors.
            keep[t] = _f32(1.0) if first + t < count and scalars[first + t, 0] != 0.0 else _f32(0.0)
        _turn(rows, _ROW, keep, bins, U(0), power)
        _shape(power, bins, magnitude, sums)
        _spread(power, magnitude, chroma_weights, sums, found, bins)
        for b in range(octaves.shape[0]):
            _contrast(power, octaves[b, 0], octaves[b, 1], octaves[b, 2], lists, steps, U(b * 8))
        place = U(first) * bands
        _bands(power, mel, spans, decibels, place)
        for o in range(place, place + bands * EIGHT, EIGHT):
            store(decibels, o, lanes(_DECIBELS) * log2(greatest(load(decibels, o), lanes(_f32(1e-10)))))
        for t in range(min(8, count - first)):
            row, total = first + t, sums[t]
            scalars[row, 5] = math.exp(sums[16 + t] * math.log(2.0))
            scalars[row, 2] = scalars[row, 3] = scalars[row, 4] = _f32(0.0)
            if total > 0.0:
                scalars[row, 2] = sums[8 + t] / total * bin_hz
                scalars[row, 3] = math.sqrt(found[t] / total) * bin_hz
                scalars[row, 4] = min(found[8 + t], _f32(bins - ONE)) * bin_hz
            for b in range(octaves.shape[0]):
                contrast[row, b] = steps[8 * b + t]
            for c in range(12):
                chroma[row, c] = found[16 + 8 * c + t]
    _cepstrum(decibels, _f32(np.float64(decibels.max()) - 80.0), cosines, all_, groups, members, mfcc, kept)


@kernel(
    ty.void(
        SIGNAL, ty.i8, ty.f8, ty.f4[::1], ty.f4[:, ::1], ty.u8[::1], ty.f4[::1], ty.f4[:, ::1], ty.i8[:, ::1],
        ty.f4[:, ::1], ty.i8[:, ::1], ty.f4, ty.f4, ty.f4[:, ::1], ty.f4[::1],
    ),
    math=FUSED,
)  # fmt: skip
def onset_frames(
    y: F32, hop: Any, scale: Any, half_window: F32, w: F32, order: U64, twiddles: F32, filters: F32, spans: I64,
    ranges: F32, parts: I64, gain: Any, energy: Any, strength: F32, level: F32,
) -> None:  # fmt: skip
    """Measure frames of 512 samples of a signal, which is multiplied by ``scale``.

    Writes the rise over two frames of log(1 + gain * magnitude) in the bands of ``filters``, averaged over ``ranges``
    of bands, (ranges, frames), and the root of power * ``energy``, (frames,).
    """
    window = half_window * _f32(scale)
    count, bins, bands = level.shape[0], U(filters.shape[1]), U(filters.shape[0])
    work, rows = np.empty(4 * window.shape[0] + 16, np.float32), np.zeros(8 * 264, np.float32)
    power, keep, one = np.empty(8 * 264, np.float32), np.empty(8, np.float32), lanes(_f32(1.0))
    now, before = np.empty(bands * EIGHT, np.float32), np.zeros(bands * EIGHT, np.float32)
    found, rise = np.empty(8 * (1 + ranges.shape[0]), np.float32), np.empty(bands * EIGHT, np.float32)
    for first in range(0, count, 8):
        for t in range(first, min(first + 8, count), 2):
            a = U(t - first) * U(264)
            pair_powers(y, t, count, hop, window, w, order, twiddles, work, rows, a, a + U(264))
        for t in range(8):
            keep[t] = _f32(1.0) if first + t < count else _f32(0.0)
        _turn(rows, U(264), keep, bins, U(0), power)
        total = lanes(_f32(0.0))
        for k in range(bins):
            total = total + load(power, k * EIGHT)
        store(found, U(0), root(total * lanes(energy)))
        _bands(power, filters, spans, now, U(0))
        for o in range(U(0), bands * EIGHT, EIGHT):
            v = root(load(now, o)) * lanes(gain)
            s = v + one
            # Add what v loses in 1 + v, which keeps small values exact.
            value = log2(s) * lanes(_LN2) + divide(v - (s - one), s)
            store(now, o, value)
            store(rise, o, greatest(value - late(load(before, o), value), lanes(_f32(0.0))))
        _bands(rise, ranges, parts, found, EIGHT)
        now, before = before, now
        for t in range(min(8, count - first)):
            level[first + t] = found[t]
            for r in range(strength.shape[0]):
                strength[r, first + t] = found[8 + 8 * r + t]
