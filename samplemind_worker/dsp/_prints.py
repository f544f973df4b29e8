"""Numba loops that take the fingerprint of a sound.

The callers have checked shapes and ranges.
"""

# ruff: noqa: PLR0917 -- numba takes arguments by position
# pyright: reportUntypedFunctionDecorator=false
# numba's decorator is untyped; the annotations below are what callers see.

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp._jit import SIGNAL, kernel, ty

# Digest of the sources that are compiled into these kernels: numba looks at the age of this file alone.
BUILT_ON = "f21b9d512a8b"

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
U8 = npt.NDArray[np.uint8]

_f32: Any = np.float32


@kernel(ty.f4(SIGNAL, ty.i8, ty.f4, ty.f4, ty.f4[::1], ty.u1[::1], ty.u1[::1]))
def quantize(y: F32, first: int, emphasis: Any, steps_per_decade: Any, levels: F32, scales: U8, steps: U8) -> Any:
    """Write a stretch of the signal in steps of 4 bits, and the scale of each run of samples; return the peak.

    The stretch begins at ``first``, and the signal is 0 outside. Each sample is lessened by ``emphasis`` times the one
    before. Scale 255 is the loudest run's, and ``levels`` (256,) has the share of the peak that each scale stands for.
    Nothing is written for silence.
    """
    runs = scales.shape[0]
    size = 2 * steps.shape[0] // runs
    held, changes = np.zeros(size * runs + 1, np.float32), np.empty(size * runs, np.float32)
    loudest, peak = np.zeros(runs, np.float32), _f32(0.0)
    for k in range(max(first - 1, 0), min(first + changes.shape[0], y.shape[0])):
        held[k - first + 1] = y[k]
    for i in range(changes.shape[0]):
        changes[i] = held[i + 1] - emphasis * held[i]
    for r in range(runs):
        for i in range(r * size, (r + 1) * size):
            loudest[r] = max(loudest[r], abs(changes[i]))
        peak = max(peak, loudest[r])
    if peak <= 0.0:
        return peak
    for r in range(runs):
        quiet = -steps_per_decade * _f32(math.log10(max(loudest[r] / peak, _f32(1e-9))))
        scales[r] = max(_f32(255.0) - math.floor(quiet), _f32(0.0))
        factor = _f32(7.0) / (levels[scales[r]] * peak)
        for i in range(r * size, (r + 1) * size, 2):
            low = min(max(np.rint(changes[i] * factor), _f32(-7.0)), _f32(7.0))
            high = min(max(np.rint(changes[i + 1] * factor), _f32(-7.0)), _f32(7.0))
            steps[i // 2] = (int(low) + 8) | ((int(high) + 8) << 4)
    return peak


@kernel("i8(f4[::1], f4)")
def first_reaching(level: F32, share: Any) -> int:
    """Return the first place at which the level is at least a share of the greatest."""
    greatest = _f32(0.0)
    for t in range(level.shape[0]):
        greatest = max(greatest, level[t])
    for t in range(level.shape[0]):
        if level[t] >= share * greatest:
            return t
    return 0


@kernel("void(f4[:,::1], f8[::1], f8, f8, u1[:,::1])")
def contour(mel: F32, edges: F64, start: float, steps_per_decade: float, levels: U8) -> None:
    """Write the mean power of each band between every two edges, in steps below the loudest; at least 1.

    ``mel`` (frames, ...) is in dB. ``edges`` (stretches + 1,) are in frames after ``start``, and may lie between two of
    them. The first stretch is written, and others if half of them lies before the end.
    """
    stretches, bands = 1, levels.shape[1]
    frames, width = mel.shape[0], mel.shape[1] // bands
    while stretches < edges.shape[0] - 1 and start + 0.5 * (edges[stretches] + edges[stretches + 1]) < frames:
        stretches += 1
    means, loudest = np.zeros((stretches, bands)), 0.0
    for s in range(stretches):
        begin, end = min(start + edges[s], np.float64(frames)), min(start + edges[s + 1], np.float64(frames))
        for t in range(int(begin), min(math.ceil(end), frames)):
            share = min(end, t + 1.0) - max(begin, np.float64(t))
            for b in range(bands):
                power = _f32(0.0)
                for k in range(b * width, (b + 1) * width):
                    power += math.exp(mel[t, k] * _f32(math.log(10.0) / 10.0))
                means[s, b] += share * power
        for b in range(bands):
            means[s, b] /= max(end - begin, 1e-9)
            loudest = max(loudest, means[s, b])
    if loudest > 0.0:
        for s in range(stretches):
            for b in range(bands):
                below = steps_per_decade * math.log10(max(means[s, b] / loudest, 1e-13))
                levels[s, b] = max(np.rint(below + 255.0), 1.0)
