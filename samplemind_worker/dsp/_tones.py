"""Numba loop over the frames in which pitches are heard: their spectra, the peaks, and the notes of the peaks.

The caller has checked shapes and ranges.
"""

# ruff: noqa: PLR0917 -- numba takes arguments by position
# pyright: reportUntypedFunctionDecorator=false
# numba's decorator is untyped; the annotations below are what callers see.

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp._character import sum_bands
from samplemind_worker.dsp._fft import pair_powers
from samplemind_worker.dsp._jit import FUSED, SIGNAL, SUMS, kernel, ty
from samplemind_worker.dsp._kernels import fold_semitones, spectral_peaks, tuning_sums

# Digest of the sources that are compiled into these kernels: numba looks at the age of this file alone.
BUILT_ON = "d6d2429fca1a"

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

U: Any = np.uint64
_f32: Any = np.float32
_PEAKS = 160


@kernel("void(f4[:,::1], f4[::1])", math=SUMS)
def add_spectra(power: F32, total: F32) -> None:
    """Sum the power spectra, each divided by the root of its energy, so that the decay counts beside the attack."""
    for t in range(power.shape[0]):
        row = power[t]
        energy = np.float32(0.0)
        for k in range(row.shape[0]):
            energy += row[k]
        if energy > 1e-12:  # noqa: PLR2004 -- silence
            gain = np.float32(1.0 / math.sqrt(energy))
            for k in range(row.shape[0]):
                total[k] += gain * row[k]


@kernel(
    ty.UniTuple(ty.f8, 2)(
        SIGNAL, ty.i8, ty.f8, ty.f4[::1], ty.f4[:, ::1], ty.u8[::1], ty.f4[::1], ty.f8, ty.i8, ty.i8, ty.i8, ty.i8[::1],
        ty.i8, ty.f4[:, ::1], ty.f4[:, ::1], ty.f4[::1], ty.f8[::1],
    ),
    math=FUSED,
)  # fmt: skip
def tone_frames(
    y: F32, hop: Any, scale: Any, half_window: F32, w: F32, order: U64, twiddles: F32, bin_hz: Any, low: Any,
    high: Any, most: Any, edges: I64, lowest: Any, share: F32, notes: F32, total: F32, thirds: F64,
) -> tuple[float, float]:  # fmt: skip
    """Measure frames of 8192 samples of a signal, which is multiplied by ``scale``.

    Returns the mistuning of the peaks in semitones, and their agreement (0 to 1).

    Writes ``share`` (frames, 2) as `_kernels.spectral_peaks` does, for peaks between bins ``low`` and ``high``;
    ``notes`` (frames, notes) from the MIDI number ``lowest`` on, with the mistuning removed; adds the spectra of the
    first ``most`` frames to ``total`` (bins,), and the power of all in the bands between ``edges`` to ``thirds``.
    """
    window = half_window * _f32(scale)
    count, bins = share.shape[0], total.shape[0]
    midi, weight = np.zeros((count, _PEAKS), np.float32), np.zeros((count, _PEAKS), np.float32)
    work, power = np.empty(4 * window.shape[0] + 16, np.float32), np.empty((2, bins), np.float32)
    flat = power.reshape(-1)
    for t in range(0, count, 2):
        pair_powers(y, t, count, hop, window, w, order, twiddles, work, flat, U(0), U(bins))
        end = min(t + 2, count)
        pair = power[: end - t]
        spectral_peaks(pair, bin_hz, low, high, midi[t:end], weight[t:end], share[t:end])
        sum_bands(pair, edges, thirds)
        add_spectra(power[: max(0, min(end, most) - t)], total)
    sums = np.empty(3)
    tuning_sums(midi, weight, sums)
    tuning, strength = 0.0, 0.0
    if sums[0] > 0.0:
        # The circular mean of the distances between peaks and semitones.
        tuning = math.atan2(sums[2], sums[1]) / (2.0 * math.pi)
        strength = math.hypot(sums[1], sums[2]) / sums[0]
    fold_semitones(midi, weight, tuning, lowest, notes)
    return tuning, strength
