"""Numba loop that moves the points of a map. The caller has checked shapes and ranges."""

# ruff: noqa: PLR0917 -- numba takes arguments by position; the numbers are explained where they are used
# pyright: reportUntypedFunctionDecorator=false
# numba's decorator is untyped; the annotations below are what callers see.

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp._jit import kernel, part

# Digest of the sources that are compiled into these kernels: numba looks at the age of this file alone.
BUILT_ON = "f21b9d512a8b"

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]


@part
def _next(state: np.uint64) -> np.uint64:
    """Return the next state of the generator (xorshift64, Marsaglia 2003)."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    return state ^ (state << np.uint64(17))


@part
def _bounded(step: float) -> np.float32:
    return np.float32(min(max(step, -4.0), 4.0))


@kernel("u8(f4[:,::1], i4[:,::1], f4[:,::1], f4[::1], f8, i8, i8, i8, i8, u8)", math=frozenset({"contract"}))
def move(
    points: F32,
    neighbours: I32,
    weights: F32,
    mobility: F32,
    rate: float,
    first: int,
    last: int,
    epochs: int,
    negatives: int,
    state: np.uint64,
) -> np.uint64:
    """Move the points through the epochs ``first`` to ``last`` of all; return the state of the random numbers.

    In each epoch a point is drawn to each of its neighbours with the probability that the weight says, and pushed away
    from ``negatives`` points that are drawn at random. Two points at a distance d are alike by 1 / (1 + d^2). The rate
    falls to 0 with the epochs, and each point moves by its mobility times that.
    """
    count, width = neighbours.shape
    drawn = state
    for epoch in range(first, last):
        step = np.float32(rate * (1.0 - epoch / epochs))
        for i in range(count):
            x, y = points[i, 0], points[i, 1]
            mine = step * mobility[i]
            for slot in range(width):
                drawn = _next(drawn)
                # The upper 24 bits are a number in 0..1.
                if np.float32(drawn >> np.uint64(40)) >= weights[i, slot] * np.float32(16777216.0):
                    continue
                j = neighbours[i, slot]
                dx, dy = x - points[j, 0], y - points[j, 1]
                pull = np.float32(-2.0) / (np.float32(1.0) + dx * dx + dy * dy)
                gx, gy = _bounded(pull * dx), _bounded(pull * dy)
                x += mine * gx
                y += mine * gy
                theirs = step * mobility[j]
                points[j, 0] -= theirs * gx
                points[j, 1] -= theirs * gy
                for _ in range(negatives):
                    drawn = _next(drawn)
                    # The upper 32 bits are a number in 0..1, too.
                    other = np.int64(((drawn >> np.uint64(32)) * np.uint64(count)) >> np.uint64(32))
                    if other == i:
                        continue
                    dx, dy = x - points[other, 0], y - points[other, 1]
                    square = dx * dx + dy * dy
                    push = np.float32(2.0) / ((np.float32(0.001) + square) * (np.float32(1.0) + square))
                    x += mine * _bounded(push * dx)
                    y += mine * _bounded(push * dy)
            points[i, 0] = x
            points[i, 1] = y
    return drawn
