"""Numba loops of the loudness meter. The callers have checked shapes and ranges; energies are summed in float64."""

# ruff: noqa: C901, PLR0915, PLR0917, PLR2004 -- one pass over the data is one nest of loops; numba takes arguments by position; the
# limits are explained where they are used
# pyright: reportUntypedFunctionDecorator=false
# numba's decorator is untyped; the annotations below are what callers see.

from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp._jit import FUSED, SUMS, kernel, part, ty
from samplemind_worker.dsp._lanes import any_below, greatest, lanes, load, store, transpose, widen

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

# Digest of the sources that are compiled into these kernels: numba looks at the age of this file alone.
BUILT_ON = "ffd6fea69231"

U: Any = np.uint64
EIGHT = U(8)
_f32: Any = np.float32


_BLOCK_F4: Any = ty.Array(ty.f4, 2, "C", readonly=True)
_BLOCK_I2: Any = ty.Array(ty.i2, 2, "C", readonly=True)


@kernel(
    [ty.f4(_BLOCK_F4, ty.f4, ty.f4[:, ::1], ty.i8), ty.f4(_BLOCK_I2, ty.f4, ty.f4[:, ::1], ty.i8)],
    math=SUMS,
)
def spread(block: npt.NDArray[Any], scale: float, out: F32, lead: int) -> float:
    """Write (frames, channels) times a scale to (channels, frames), from ``lead`` on; return the sum of squares."""
    total, frames = _f32(0.0), block.shape[0]
    if block.shape[1] == 1:
        row, flat = out[0, lead : lead + frames], block.reshape(-1)
        for i in range(frames):
            v = _f32(flat[i]) * scale
            row[i] = v
            total += v * v
    elif block.shape[1] == 2:
        left, right = out[0, lead : lead + frames], out[1, lead : lead + frames]
        for i in range(frames):
            v, w = _f32(block[i, 0]) * scale, _f32(block[i, 1]) * scale
            left[i], right[i] = v, w
            total += v * v + w * w
    else:
        for channel in range(block.shape[1]):
            row = out[channel, lead : lead + frames]
            for i in range(frames):
                v = _f32(block[i, channel]) * scale
                row[i] = v
                total += v * v
    return total


@kernel("void(f8[::1], f8[:,::1], f8[:,::1])", math=FUSED)
def free_response(coefficients: F64, answers: F64, sums: F64) -> None:
    """Write the free response of both biquads (their output without input) to each of four unit states.

    In each state one of the last two outputs of either filter is 1. ``answers`` (n, 8): four outputs of the first
    filter, four of the second. ``sums`` (n + 1, 16): cumulative sums of the products of the second filter's outputs.
    """
    a1, a2 = coefficients[3], coefficients[4]
    c0, c1, c2, d1, d2 = coefficients[5], coefficients[6], coefficients[7], coefficients[8], coefficients[9]
    for j in range(4):
        u1, u2, w1, w2 = 1.0 * (j == 0), 1.0 * (j == 1), 1.0 * (j == 2), 1.0 * (j == 3)
        for n in range(answers.shape[0]):
            u = -a1 * u1 - a2 * u2
            w = c0 * u + c1 * u1 + c2 * u2 - d1 * w1 - d2 * w2
            answers[n, j], answers[n, 4 + j] = u, w
            u2, u1, w2, w1 = u1, u, w1, w
    sums[0] = 0.0
    for n in range(answers.shape[0]):
        for i in range(4):
            for j in range(4):
                sums[n + 1, 4 * i + j] = sums[n, 4 * i + j] + answers[n, 4 + i] * answers[n, 4 + j]


@part
def _stretch(x: F32, start: int, run: int, coefficients: F64, answers: F64, sums: F64, state: F64) -> float:
    """Filter eight consecutive runs side by side; return their energy, and update ``state``.

    A recursive filter needs its last outputs. So each run begins with a filter at rest, and the free response to the
    final state of the run before is added afterwards, to the state and to the energy (a square of a sum).
    """
    b0, b1, b2 = lanes(coefficients[0]), lanes(coefficients[1]), lanes(coefficients[2])
    a1, a2 = lanes(-coefficients[3]), lanes(-coefficients[4])
    c0, c1, c2 = lanes(coefficients[5]), lanes(coefficients[6]), lanes(coefficients[7])
    d1, d2 = lanes(-coefficients[8]), lanes(-coefficients[9])
    block, found = np.empty(64, np.float32), np.empty(9 * 8, np.float64)
    for lane in range(8):
        found[lane], found[8 + lane] = x[start + lane * run - 1], x[start + lane * run - 2]
    v1, v2, rest = load(found, U(0)), load(found, U(8)), lanes(0.0)
    u1, u2, w1, w2, energy = rest, rest, rest, rest, rest
    g0, g1, g2, g3 = rest, rest, rest, rest
    first, apart = U(start), U(run)
    for n in range(U(0), U(run), EIGHT):
        i = first + n
        x0, x1, x2, x3, x4, x5, x6, x7 = transpose(
            load(x, i),
            load(x, i + apart),
            load(x, i + U(2) * apart),
            load(x, i + U(3) * apart),
            load(x, i + U(4) * apart),
            load(x, i + U(5) * apart),
            load(x, i + U(6) * apart),
            load(x, i + U(7) * apart),
        )
        store(block, U(0), x0)
        store(block, U(8), x1)
        store(block, U(16), x2)
        store(block, U(24), x3)
        store(block, U(32), x4)
        store(block, U(40), x5)
        store(block, U(48), x6)
        store(block, U(56), x7)
        for k in range(EIGHT):
            v = widen(load(block, k * EIGHT))
            # Direct form I: only the last product of each sum waits for the previous output.
            u = b0 * v + b1 * v1 + b2 * v2 + a2 * u2 + a1 * u1
            w = c0 * u + c1 * u1 + c2 * u2 + d2 * w2 + d1 * w1
            energy = energy + w * w
            g0 = g0 + w * lanes(answers[n + k, 4])
            g1 = g1 + w * lanes(answers[n + k, 5])
            g2 = g2 + w * lanes(answers[n + k, 6])
            g3 = g3 + w * lanes(answers[n + k, 7])
            v2, v1, u2, u1, w2, w1 = v1, v, u1, u, w1, w
    store(found, U(0), u1)
    store(found, U(8), u2)
    store(found, U(16), w1)
    store(found, U(24), w2)
    store(found, U(32), energy)
    store(found, U(40), g0)
    store(found, U(48), g1)
    store(found, U(56), g2)
    store(found, U(64), g3)
    total = 0.0
    last, before, product = answers[run - 1], answers[run - 2], sums[run]
    for lane in range(8):
        s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
        total += found[32 + lane]
        total += 2.0 * (s0 * found[40 + lane] + s1 * found[48 + lane] + s2 * found[56 + lane] + s3 * found[64 + lane])
        total += s0 * (s0 * product[0] + s1 * product[1] + s2 * product[2] + s3 * product[3])
        total += s1 * (s0 * product[4] + s1 * product[5] + s2 * product[6] + s3 * product[7])
        total += s2 * (s0 * product[8] + s1 * product[9] + s2 * product[10] + s3 * product[11])
        total += s3 * (s0 * product[12] + s1 * product[13] + s2 * product[14] + s3 * product[15])
        state[0] = found[lane] + s0 * last[0] + s1 * last[1] + s2 * last[2] + s3 * last[3]
        state[1] = found[8 + lane] + s0 * before[0] + s1 * before[1] + s2 * before[2] + s3 * before[3]
        state[2] = found[16 + lane] + s0 * last[4] + s1 * last[5] + s2 * last[6] + s3 * last[7]
        state[3] = found[24 + lane] + s0 * before[4] + s1 * before[5] + s2 * before[6] + s3 * before[7]
    return total


@part
def _between(row: F32, taps: F32, place: Any, peak: float, most: F32) -> float:
    """Interpolate all phases at eight places from ``place`` on; return the greatest magnitude, at least ``peak``."""
    zero = lanes(_f32(0.0))
    for phase in range(U(taps.shape[0])):
        total = zero
        for k in range(U(taps.shape[1])):
            total = total + load(row, place + k) * lanes(taps[phase, k])
        store(most, U(0), greatest(total, zero - total))
        for k in range(8):
            peak = max(peak, np.float64(most[k]))
    return peak


@kernel("i8(f4[:,::1], i8, i8, i8, f8, f8[::1], f8[:,::1], f8[:,::1], f8[:,::1], f8[::1], f8[::1])", math=FUSED)
def k_weight(
    x: F32, lead: int, seen: int, begun: int, step: float, coefficients: F64, answers: F64, sums: F64, state: F64,
    weights: F64, energies: F64,
) -> int:  # fmt: skip
    """Filter (channels, frames) from ``lead`` on with two biquads; add up the weighted energy per time step.

    ``seen`` frames and ``begun`` whole steps came before. Returns the number of steps; the last one is incomplete.
    ``state`` (channels, 4) holds the last two outputs of both filters.
    """
    b0, b1, b2, a1, a2 = coefficients[0], coefficients[1], coefficients[2], coefficients[3], coefficients[4]
    c0, c1, c2, d1, d2 = coefficients[5], coefficients[6], coefficients[7], coefficients[8], coefficients[9]
    frames, steps = x.shape[1] - lead, 0
    for channel in range(x.shape[0]):
        row, own = x[channel], state[channel]
        start, steps, more = lead, 0, True
        while more:
            end = np.int64(np.rint((begun + steps + 1) * step)) - seen
            more = end <= frames
            end = lead + min(end, frames)
            total = 0.0
            run = (end - start) // 64 * 8
            if run > 0:
                total = _stretch(row, start, run, coefficients, answers, sums, own)
                start += 8 * run
            u1, u2, w1, w2 = own[0], own[1], own[2], own[3]
            v1, v2 = np.float64(row[start - 1]), np.float64(row[start - 2])
            for i in range(start, end):
                v = np.float64(row[i])
                u = ((b0 * v + b1 * v1 + b2 * v2) - a2 * u2) - a1 * u1
                w = ((c0 * u + c1 * u1 + c2 * u2) - d2 * w2) - d1 * w1
                total += w * w
                v2, v1, u2, u1, w2, w1 = v1, v, u1, u, w1, w
            # Denormal numbers after a fade to silence would be a hundred times slower.
            if abs(u1) + abs(u2) + abs(w1) + abs(w2) < 1e-30:
                u1 = u2 = w1 = w2 = 0.0
            own[0], own[1], own[2], own[3] = u1, u2, w1, w2
            energies[steps] += weights[channel] * total
            steps += 1
            start = end
    return steps


@kernel("f8(f4[:,::1], f4[:,::1], f8)", math=FUSED)
def true_peak(x: F32, taps: F32, peak: float) -> float:
    """Return the greatest magnitude of (channels, frames), interpolated samples included; at least ``peak``.

    Half the length of the interpolator at either end serves as context only. Interpolation is done for each group of
    eight samples of which one is within 6 dB of the peak.
    """
    half = taps.shape[1] // 2
    places = x.shape[1] - taps.shape[1] + 1
    zero, most = lanes(_f32(0.0)), np.empty(8, np.float32)
    for channel in range(x.shape[0]):
        row = x[channel]
        loud = zero
        for i in range(U(0), U(row.shape[0] // 8 * 8), EIGHT):
            v = load(row, i)
            loud = greatest(loud, greatest(v, zero - v))
        store(most, U(0), loud)
        for k in range(8):
            peak = max(peak, np.float64(most[k]))
        for i in range(row.shape[0] // 8 * 8, row.shape[0]):
            peak = max(peak, np.float64(abs(row[i])))
    for channel in range(x.shape[0]):
        row = x[channel]
        for start in range(0, places - 7, 8):
            # Eight places, each between two samples; the last group is moved back so that it lies inside.
            first = U(start)
            v, w = load(row, first + U(half - 1)), load(row, first + U(half))
            if any_below(lanes(_f32(0.5 * peak)), greatest(greatest(v, zero - v), greatest(w, zero - w))):
                peak = _between(row, taps, first, peak, most)
        if places >= 8:
            peak = _between(row, taps, U(places - 8), peak, most)
            continue
        for place in range(places):
            for phase in range(taps.shape[0]):
                value = _f32(0.0)
                for k in range(taps.shape[1]):
                    value += row[place + k] * taps[phase, k]
                peak = max(peak, np.float64(abs(value)))
    return peak


@kernel("f8(f8[::1], i8, f8, f8, f8)", math=FUSED)
def gated_mean(energies: F64, width: int, samples: float, absolute: float, relative: float) -> float:
    """Return the mean over the blocks (``width`` steps, ``samples`` long) above both gates; 0 if there are none."""
    limit, mean = absolute, 0.0
    for _ in range(2):
        total, count = 0.0, 0
        for k in range(energies.shape[0] - width + 1):
            value = 0.0
            for j in range(width):
                value += energies[k + j]
            value /= samples
            if value > max(limit, absolute):
                total += value
                count += 1
        if count == 0:
            return 0.0
        mean = total / count
        limit = relative * mean
    return mean
