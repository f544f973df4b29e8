"""The numba loop of the waveform: two filters over eight stretches side by side. The caller has checked the shapes."""

# pyright: reportUntypedFunctionDecorator=false
# numba's decorator is untyped; the annotations below are what callers see.

from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp._jit import FUSED, kernel
from samplemind_worker.dsp._lanes import greatest, lanes, least, load, store, transpose

# Digest of the sources that are compiled into this kernel: numba looks at the age of this file alone.
BUILT_ON = "ffd6fea69231"

F32 = npt.NDArray[np.float32]
U8 = npt.NDArray[np.uint8]

U: Any = np.uint64
EIGHT = U(8)
_f32: Any = np.float32


@kernel("void(f4[::1], i8, i8, f4[:,::1], f4[:,::1])", math=FUSED)
def band_extremes(x: F32, lead: int, hop: int, filters: F32, out: F32) -> None:
    """Write the least and the greatest value of three bands in each bucket of ``hop`` samples.

    ``x`` has ``lead`` samples and then those of all buckets. ``out`` (buckets, 6) gets the extremes of the low, middle
    and high band; the number of buckets is a multiple of 8, and ``lead`` and ``hop`` are, too. ``filters`` (2, 12) has
    for each filter the matrix of its state, the weights of its input, and the weights of the state and the input in its
    low and in its high part; the second filter gets the high part of the first.

    A recursive filter needs its last outputs. Each of eight stretches is begun ``lead`` samples before its first
    bucket with a filter at rest, which has forgotten that by then.
    """
    f, g = filters[0], filters[1]
    a11, a12, a21, a22, a1, a2 = lanes(f[0]), lanes(f[1]), lanes(f[2]), lanes(f[3]), lanes(f[4]), lanes(f[5])
    al1, al2, al0, ah1, ah2, ah0 = lanes(f[6]), lanes(f[7]), lanes(f[8]), lanes(f[9]), lanes(f[10]), lanes(f[11])
    b11, b12, b21, b22, b1, b2 = lanes(g[0]), lanes(g[1]), lanes(g[2]), lanes(g[3]), lanes(g[4]), lanes(g[5])
    bl1, bl2, bl0, bh1, bh2, bh0 = lanes(g[6]), lanes(g[7]), lanes(g[8]), lanes(g[9]), lanes(g[10]), lanes(g[11])
    rest, tiny = lanes(_f32(0.0)), lanes(_f32(1e-15))
    lowest, highest = lanes(_f32(-np.inf)), lanes(_f32(np.inf))
    block, found = np.empty(64, np.float32), np.empty(48, np.float32)
    run = out.shape[0] // 8
    apart, i = U(run * hop), U(0)
    p1, p2, q1, q2 = rest, rest, rest, rest
    for bucket in range(-1, run):
        low_least, mid_least, high_least = highest, highest, highest
        low_most, mid_most, high_most = lowest, lowest, lowest
        for _ in range((lead if bucket < 0 else hop) // 8):
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
            i += EIGHT
            store(block, U(0), x0)
            store(block, U(8), x1)
            store(block, U(16), x2)
            store(block, U(24), x3)
            store(block, U(32), x4)
            store(block, U(40), x5)
            store(block, U(48), x6)
            store(block, U(56), x7)
            # In silence the states fall to numbers so small that processors take a hundred times as long with them.
            p1, p2 = (p1 + tiny) - tiny, (p2 + tiny) - tiny
            q1, q2 = (q1 + tiny) - tiny, (q2 + tiny) - tiny
            for k in range(EIGHT):
                v = load(block, k * EIGHT)
                low = al0 * v + al1 * p1 + al2 * p2
                w = ah0 * v + ah1 * p1 + ah2 * p2
                # Only the last product of each sum waits for the state before.
                p1, p2 = a1 * v + a12 * p2 + a11 * p1, a2 * v + a21 * p1 + a22 * p2
                mid = bl0 * w + bl1 * q1 + bl2 * q2
                high = bh0 * w + bh1 * q1 + bh2 * q2
                q1, q2 = b1 * w + b12 * q2 + b11 * q1, b2 * w + b21 * q1 + b22 * q2
                low_least, low_most = least(low_least, low), greatest(low_most, low)
                mid_least, mid_most = least(mid_least, mid), greatest(mid_most, mid)
                high_least, high_most = least(high_least, high), greatest(high_most, high)
        if bucket >= 0:
            store(found, U(0), low_least)
            store(found, U(8), low_most)
            store(found, U(16), mid_least)
            store(found, U(24), mid_most)
            store(found, U(32), high_least)
            store(found, U(40), high_most)
            for lane in range(8):
                for k in range(6):
                    out[lane * run + bucket, k] = found[8 * k + lane]


@kernel("void(f4[:,::1], u1[:,::1])", math=FUSED)
def scale(extremes: F32, out: U8) -> None:
    """Write numbers as bytes about 128, so that the greatest magnitude lies 127 from it."""
    loudest = _f32(0.0)
    for k in range(out.shape[0]):
        for j in range(6):
            loudest = max(loudest, abs(extremes[k, j]))
    factor = _f32(127.0) / loudest if loudest > 0.0 else _f32(0.0)
    for k in range(out.shape[0]):
        for j in range(6):
            out[k, j] = np.uint8(128.5 + factor * extremes[k, j])
