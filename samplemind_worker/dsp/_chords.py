"""Numba loops that measure the evidence for chords: profiles of pitch classes, and what tells a chord from a note.

The callers have checked shapes and ranges.
"""

# ruff: noqa: PLR0917 -- numba takes arguments by position
# pyright: reportUntypedFunctionDecorator=false
# numba's decorator is untyped; the annotations below are what callers see.

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp._jit import kernel, part

# Digest of the sources that are compiled into these kernels: numba looks at the age of this file alone.
BUILT_ON = "f21b9d512a8b"

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_STRONG = 0.35  # of the greatest salience
_SILENT = 1e-6
_NOTHING = 1e-9


@kernel("void(f4[:,::1], f8[::1])")
def mean_root(notes: F32, out: F64) -> None:
    """Write the mean of the roots of all frames (frames, notes)."""
    out[:] = 0.0
    for t in range(notes.shape[0]):
        for k in range(out.shape[0]):
            out[k] += math.sqrt(np.float64(notes[t, k]))
    for k in range(out.shape[0]):
        out[k] /= notes.shape[0]


@part
def _lowest(found: F64) -> Any:
    """Return the place of the lowest strong note."""
    most = found[0]
    for k in range(found.shape[0]):
        most = max(most, found[k])
    for k in range(found.shape[0]):
        if found[k] > _STRONG * most:
            return k
    return 0


@part
def _fold(values: F64, ranges: I64, out: F64) -> None:
    """Write the sum of the octaves within each range of notes (ranges, 12), as a share of the sum, times 12."""
    total = 0.0
    for k in range(values.shape[0]):
        total += values[k]
    scale = 12.0 / (total + _NOTHING)
    for r in range(ranges.shape[0]):
        for c in range(12):
            out[r, c] = 0.0
        for k in range(ranges[r, 0], ranges[r, 1]):
            out[r, k % 12] += values[k]
        for c in range(12):
            out[r, c] *= scale


@kernel("void(f8[:,::1], f8[:,::1], i8[:,::1], i8[:,::1], f8[:,:,::1])")
def profiles(spectra: F64, salience: F64, registers: I64, ranges: I64, out: F64) -> None:
    """Write the profiles of each spectrum (n, 84) and its salience (n, 84): (n, profiles, 12).

    By ``registers`` (first and end) of the spectrum, then by ``ranges`` of the salience, then the greatest salience of
    each pitch class, and the lowest strong note.
    """
    count, more = registers.shape[0], ranges.shape[0]
    for n in range(spectra.shape[0]):
        found, own = salience[n], out[n]
        _fold(spectra[n], registers, own[:count])
        _fold(found, ranges, own[count : count + more])
        greatest, last = own[count + more], own[count + more + 1]
        most = found[0]
        for k in range(found.shape[0]):
            most = max(most, found[k])
        for c in range(12):
            greatest[c], last[c] = 0.0, 0.0
        for k in range(found.shape[0]):
            greatest[k % 12] = max(greatest[k % 12], found[k])
        for c in range(12):
            greatest[c] *= 3.0 / (most + _NOTHING)
        if most + _NOTHING > _SILENT:
            last[_lowest(found) % 12] = 3.0


@part
def _greatest(values: F64, count: Any, scale: Any, out: F64) -> Any:
    """Write the ``count`` greatest of values of 0 or more in falling order, times a scale; return ``count``."""
    left = values.copy()
    for k in range(count):
        best = 0
        for j in range(left.shape[0]):
            if left[j] > left[best]:
                best = j
        out[k] = left[best] * scale
        left[best] = -1.0
    return count


@kernel("void(f8[::1], f8[:,::1], f8[::1], f4[:,::1], f4[:,::1], f8, i8, f8[::1])")
def describe_presence(
    found: F64, described: F64, odds: F64, tonalness: F32, candidates: F32, tuning: float, samples: int, out: F64
) -> None:
    """Write what `chord_model.presence_row` returns, of one salience (84,), its profiles (12, 12) and chords (120,)."""
    most = found[0]
    for k in range(found.shape[0]):
        most = max(most, found[k])
    place = _greatest(found, 12, 1.0 / (most + _NOTHING), out)
    place += _greatest(described[9], 12, 1.0 / 12.0, out[place:])
    place += _greatest(described[10], 12, 1.0 / 3.0, out[place:])
    place += _greatest(described[5], 12, 1.0 / 12.0, out[place:])
    place += _greatest(odds, 3, 1.0, out[place:])
    out[place : place + 22] = 0.0
    if candidates.shape[0] > 0:
        best, share = 0, candidates[0, 1]
        for c in range(candidates.shape[0]):
            share = max(share, candidates[c, 1])
            if candidates[c, 4] > candidates[best, 4]:
                best = c
        for k in range(20):
            out[place + k] = candidates[best, k]
        out[place] /= 100.0
        out[place + 20], out[place + 21] = share, candidates[best, 4]
    place += 22
    weighted, weight, total = 0.0, 0.0, 0.0
    for t in range(tonalness.shape[0]):
        weighted += np.float64(tonalness[t, 0]) * np.float64(tonalness[t, 1])
        weight += tonalness[t, 1]
        total += tonalness[t, 0]
    out[place] = weighted / (weight + _NOTHING)
    out[place + 1] = total / max(tonalness.shape[0], 1)
    out[place + 2] = tuning
    out[place + 3] = _lowest(found) / 84.0
    out[place + 4] = math.log2(max(samples, 1)) / 20.0
