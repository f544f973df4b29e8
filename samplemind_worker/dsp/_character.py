"""Numba loops that measure the character of a sound: its attack, its envelope and its balance of frequencies.

The callers have checked shapes and ranges.
"""

# ruff: noqa: C901, PLR0912, PLR0915, PLR0917 -- one pass over the data is one nest of loops; numba takes arguments by
# position
# pyright: reportUntypedFunctionDecorator=false
# numba's decorator is untyped; the annotations below are what callers see.

import math

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp._jit import SIGNAL, SUMS, kernel, part, ty

# Changes with the sources of what is compiled into these kernels: numba looks at the age of this file alone.
BUILT_ON = "f21b9d512a8b"

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]

BLOCK = 22
"""Samples of one step of the fine envelope: a millisecond at 22.05 kHz."""
_LONGEST_RISE = 4000  # blocks: what swells for more than four seconds is only said to be slow


@kernel("void(f4[:,::1], i8[::1], f8[::1])", math=SUMS)
def sum_bands(power: F32, edges: I64, out: F64) -> None:
    """Add the power of all frames in each band of bins to ``out``."""
    for t in range(power.shape[0]):
        row = power[t]
        for b in range(out.shape[0]):
            total = np.float32(0.0)
            for k in range(edges[b], edges[b + 1]):
                total += row[k]
            out[b] += total


@kernel(ty.void(SIGNAL, ty.u1[::1]))
def rising_crossings(y: F32, out: U8) -> None:
    """Write the place of the first sample of each 128 at which the signal rises to or through zero; 255 for none."""
    for b in range(out.shape[0]):
        out[b] = 255
        for i in range(max(1, b * 128), min((b + 1) * 128, y.shape[0])):
            if y[i - 1] <= 0.0 <= y[i]:
                out[b] = i - b * 128
                break
    if y[0] == 0.0:
        out[0] = 0


@kernel(ty.i8(SIGNAL))
def rise_blocks(y: F32) -> int:
    """Count the blocks from the first that reaches a tenth of the greatest magnitude to the first that reaches 0.8."""
    count = min((y.shape[0] + BLOCK - 1) // BLOCK, _LONGEST_RISE)
    # The bits of magnitudes, read as integers, have the same order, and integers are compared eight at a time.
    bits, steps = y.view(np.int32), np.empty(count, np.int32)
    for b in range(count):
        block, most = bits[b * BLOCK : (b + 1) * BLOCK], np.int32(0)
        for i in range(block.shape[0]):
            most = max(most, block[i] & np.int32(0x7FFFFFFF))
        steps[b] = most
    envelope = steps.view(np.float32)
    greatest = envelope.max()
    start = 0
    while start < count - 1 and envelope[start] < 0.1 * greatest:
        start += 1
    top = start
    while top < count - 1 and envelope[top] < 0.8 * greatest:
        top += 1
    return top - start


@part
def _describe_envelope(level: F32, onset: F32, frames_a_second: float, out: F64) -> None:
    """Write how the level moves, as eight numbers; nothing where a question has no answer.

    Decay: seconds from the greatest level until it has fallen by 20 dB, or to the end. Tail: seconds of the next 20 dB.
    Length: seconds between the first level within 20 dB of the greatest and the last within 30 dB. Sustain: RMS of the
    second half of the length over that of the first. Crest: dB of the peak (1) over the RMS of the length. Transient:
    dB of the first 30 ms over the 170 ms after them. Modulation: standard deviation in dB about the mean of a quarter
    of a second. Onsets a second.
    """
    frames = level.shape[0]
    greatest, top = np.float32(0.0), 0
    for t in range(frames):
        if level[t] > greatest:
            greatest, top = level[t], t
    if greatest <= 0.0:
        return
    start = 0
    while start < top and level[start] < 0.1 * greatest:
        start += 1
    end = frames - 1
    while end > top and level[end] < 0.0316 * greatest:
        end -= 1
    fallen = top
    while fallen < frames and level[fallen] >= 0.1 * greatest:
        fallen += 1
    out[0] = (fallen - top) / frames_a_second
    gone = fallen
    while gone < frames and level[gone] >= 0.01 * greatest:
        gone += 1
    if gone < frames:
        out[1] = (gone - fallen) / frames_a_second
    count = end - start + 1
    out[2] = count / frames_a_second
    first, second = 0.0, 0.0
    for t in range(start, end + 1):
        if 2 * (t - start) < count:
            first += level[t] * level[t]
        else:
            second += level[t] * level[t]
    if count > 1 and first > 0.0:
        halves = (count + 1) // 2
        out[3] = math.sqrt((second / (count - halves)) / (first / halves))
    out[4] = -10.0 * math.log10((first + second) / count)
    split, late = round(0.03 * frames_a_second), round(0.2 * frames_a_second)
    attack, body = 0.0, 0.0
    for t in range(start, min(start + late, frames)):
        if t < start + split:
            attack += level[t] * level[t]
        else:
            body += level[t] * level[t]
    attack, body = attack / split, body / (late - split)
    out[5] = min(10.0 * math.log10(attack / max(body, 1e-6 * attack)), 40.0)
    half = round(0.125 * frames_a_second)
    first_held = top + round(0.05 * frames_a_second)
    if end - first_held > 2 * half:
        running, squares, total, held = 0.0, 0.0, 0.0, 0
        decibels = np.empty(end - first_held)
        for t in range(first_held, end):
            decibels[t - first_held] = 20.0 * math.log10(max(np.float64(level[t]), 1e-4 * greatest))
        for t in range(2 * half + 1):
            running += decibels[min(t, decibels.shape[0] - 1)]
        for t in range(half, decibels.shape[0] - half):
            distance = decibels[t] - running / (2 * half + 1)
            total += distance
            squares += distance * distance
            held += 1
            running -= decibels[t - half]
            running += decibels[min(t + half + 1, decibels.shape[0] - 1)]
        if held > 1:
            out[6] = math.sqrt(max(squares / held - (total / held) ** 2, 0.0))
    if frames >= frames_a_second:
        strongest = np.float32(0.0)
        for t in range(frames):
            strongest = max(strongest, onset[t])
        near, found = round(0.03 * frames_a_second), 0
        for t in range(frames):
            if onset[t] < 0.15 * strongest or onset[t] <= 0.0:
                continue
            is_peak = True
            for other in range(max(t - near, 0), min(t + near + 1, frames)):
                if onset[other] > onset[t] or (onset[other] == onset[t] and other < t):
                    is_peak = False
                    break
            if is_peak:
                found += 1
        out[7] = found * frames_a_second / frames


@part
def _describe_movement(frames: F32, out: F64) -> None:
    """Write log2 of the centroid of the first 70 ms and of what follows, and log10 of the flatness, weighted by energy.

    ``frames`` are those of `Features.frames`. Nothing is written where nothing follows.
    """
    greatest = np.float32(0.0)
    for t in range(frames.shape[0]):
        greatest = max(greatest, frames[t, 0])
    if greatest <= 0.0:
        return
    begin = 0
    while frames[begin, 0] < 0.1 * greatest:
        begin += 1
    head, head_weight, body, body_weight, flat = 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(begin, frames.shape[0]):
        weight = frames[t, 0] * frames[t, 0]
        value = weight * math.log2(max(np.float64(frames[t, 2]), 20.0))
        flat += weight * math.log10(max(np.float64(frames[t, 5]), 1e-8))
        if t < begin + 3:
            head += value
            head_weight += weight
        elif frames[t, 0] > 0.01 * greatest:
            body += value
            body_weight += weight
    out[0] = head / head_weight
    if body_weight > 0.0:
        out[1] = body / body_weight
    out[2] = flat / (head_weight + body_weight)


@part
def _describe_balance(thirds: F64, ends: I64, out: F64) -> None:
    """Write the centre of the magnitudes in octaves above the lowest edge, and the share of the energy in each range.

    ``ends`` has the first band above each range. Nothing is written where there is no energy.
    """
    total, magnitudes, moment = 0.0, 0.0, 0.0
    for b in range(thirds.shape[0]):
        magnitude = math.sqrt(thirds[b])
        total += thirds[b]
        magnitudes += magnitude
        moment += magnitude * (b + 0.5) / 3.0
    if total <= 0.0:
        return
    out[0] = moment / magnitudes
    first = 0
    for k in range(ends.shape[0]):
        energy = 0.0
        for b in range(first, ends[k]):
            energy += thirds[b]
        out[1 + k] = energy / total
        first = ends[k]


@kernel("void(f4[::1], f4[::1], f8, f4[:,::1], f8[::1], i8[::1], f8[::1])")
def describe(level: F32, onset: F32, frames_a_second: float, frames: F32, thirds: F64, ends: I64, out: F64) -> None:
    """Write what the level, the frames and the energy of the bands say of a sound; NaN where there is no answer.

    The first eight numbers are those of the envelope, then come three of the movement, and those of the balance.
    """
    out[:] = np.nan
    _describe_envelope(level, onset, frames_a_second, out)
    _describe_movement(frames, out[8:])
    _describe_balance(thirds, ends, out[11:])
