"""Computes short-time spectra, and makes the filter banks on top of them.

Conventions: frames are centred (frame t holds the samples around t * hop, with zeros outside the signal), windows are
periodic Hann, spectra are float32 powers of shape (frames, bins). Filter banks equal librosa's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp import _fft
from samplemind_worker.dsp.units import SR

F32 = npt.NDArray[np.float32]

_MEL_BREAK_HZ = 1000.0  # mel 15
_BLOCK_SAMPLES = 1 << 17  # one block of powers: 256 KiB, which stays in the cache


@lru_cache(maxsize=8)
def hann(size: int) -> F32:
    """Return the periodic Hann window of ``size`` samples."""
    return (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)).astype(np.float32)


def frame_count(samples: int, hop: int) -> int:
    """Return the number of centred frames of a signal."""
    return 1 + samples // hop


@dataclass(frozen=True, slots=True)
class Transform:
    """The tables with which the kernels of `_fft` transform frames of one size."""

    window: F32
    """Half a Hann window."""
    roots: F32
    """Roots of unity of the transforms along the columns: (size / 8, 2), cosine and negative sine."""
    order: npt.NDArray[np.uint64]
    """Offset of the row of each bin after these transforms."""
    twiddles: F32
    """Twiddle factors of columns 1 to 7 in the last stage: real and imaginary parts of eight bins at a time."""

    def windowed(self, scale: float) -> F32:
        """Return the window multiplied by a factor."""
        return self.window * np.float32(scale)


@lru_cache(maxsize=8)
def transform(size: int) -> Transform:
    """Make the tables for frames of 512, 1024, 2048, 4096 or 8192 samples."""
    rows = size // 8
    angles = -2.0 * np.pi * np.arange(rows) / rows
    place, rest, row = np.zeros(rows, np.int64), np.arange(rows), rows
    while row > 1:  # digit reversal in base 4, with a last digit of base 2 if need be
        radix = 4 if row >= 4 else 2  # noqa: PLR2004 -- the stages of the kernel
        row //= radix
        place += rest % radix * row
        rest //= radix
    twiddles = -2.0 * np.pi * np.arange(1, 8)[:, None] * np.arange(rows).reshape(-1, 1, 8) / size
    return Transform(
        window=hann(size) * np.float32(0.5),
        roots=np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32),
        order=(16 * place).astype(np.uint64),
        twiddles=np.ascontiguousarray(np.stack([np.cos(twiddles), np.sin(twiddles)], axis=2), dtype=np.float32).ravel(),
    )


def power_blocks(y: F32, *, size: int, hop: int, scale: float = 1.0) -> Iterator[tuple[int, F32]]:
    """Yield the power spectra of a signal, a bounded number of frames at a time.

    Parameters
    ----------
    y : ndarray of float32, shape (n,)
    size, hop : int
        Length (512, 2048 or 8192) and distance of the frames, in samples.
    scale : float
        Factor on the signal.

    Yields
    ------
    tuple of (int, ndarray of float32, shape (frames, size // 2 + 1))
        Index of the first frame of the block, and the powers ``|X|**2``. The next block overwrites them.
    """
    count = frame_count(len(y), hop)
    tables = transform(size)
    window = tables.windowed(scale)
    rows = min(_BLOCK_SAMPLES // size, count + count % 2)
    power = np.empty((rows + 1, size // 2 + 1), np.float32)
    for first in range(0, count, rows):
        block = power[: min(rows, count - first + count % 2) + 1]
        _fft.power_frames(y, first, count, hop, window, tables.roots, tables.order, tables.twiddles, block)
        yield first, power[: min(rows, count - first)]


@lru_cache(maxsize=8)
def bin_frequencies(size: int) -> F32:
    """Return the centre frequency in Hz of each bin."""
    return (np.arange(size // 2 + 1) * (SR / size)).astype(np.float32)


def _hz_to_mel(hz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Convert Hz to Slaney's mel: linear below 1 kHz, logarithmic above."""
    above = 15.0 + np.log(np.maximum(hz, 1e-9) / _MEL_BREAK_HZ) * 27.0 / np.log(6.4)
    return np.where(hz < _MEL_BREAK_HZ, hz * 3.0 / 200.0, above)


def _mel_to_hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    exponential = _MEL_BREAK_HZ * np.exp((mel - 15.0) * np.log(6.4) / 27.0)
    return np.where(mel < _hz_to_mel(np.array(_MEL_BREAK_HZ)), mel * 200.0 / 3.0, exponential)


@dataclass(frozen=True, slots=True)
class FilterBank:
    """Weights (bands, bins); spans (bands, 2) hold the first bin and the end of the non-zero weights."""

    weights: F32
    spans: npt.NDArray[np.int64]


def filter_bank(weights: npt.NDArray[Any]) -> FilterBank:
    """Make a filter bank from weights of shape (bins, bands)."""
    rows = np.ascontiguousarray(weights.T, dtype=np.float32)
    used = rows != 0.0
    first = np.where(used.any(axis=1), used.argmax(axis=1), 0)
    end = np.where(used.any(axis=1), used.shape[1] - used[:, ::-1].argmax(axis=1), 0)
    return FilterBank(rows, np.stack([first, end], axis=1).astype(np.int64))


@lru_cache(maxsize=8)
def mel_filters(size: int, bands: int) -> F32:
    """Return triangular mel filters of equal area, shape (bins, bands), from 0 Hz to half the rate.

    References
    ----------
    Slaney, "Auditory Toolbox", 1998; the same as ``librosa.filters.mel``.
    """
    freqs = np.arange(size // 2 + 1) * (SR / size)
    ends = _mel_to_hz(np.linspace(0.0, float(_hz_to_mel(np.array(SR / 2.0))), bands + 2))
    rising = (freqs[:, None] - ends[:-2]) / np.diff(ends)[:-1]
    falling = (ends[2:] - freqs[:, None]) / np.diff(ends)[1:]
    filters = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (ends[2:] - ends[:-2]))
    return np.ascontiguousarray(filters, dtype=np.float32)


@lru_cache(maxsize=2)
def dct_basis(bands: int, count: int) -> F32:
    """Return the orthonormal type-II cosine transform, shape (bands, count)."""
    angles = np.pi * (np.arange(bands)[:, None] + 0.5) * np.arange(count) / bands
    basis = np.cos(angles) * np.sqrt(2.0 / bands)
    basis[:, 0] /= np.sqrt(2.0)
    return np.ascontiguousarray(basis, dtype=np.float32)


@lru_cache(maxsize=2)
def chroma_filters(size: int) -> F32:
    """Return the weights of bins for twelve pitch classes, shape (bins, 12), for A4 = 440 Hz.

    References
    ----------
    Ellis, "Chroma feature analysis and synthesis", 2007; the same as ``librosa.filters.chroma``.
    """
    bins = 12.0 * np.log2(np.arange(1, size) * (SR / size) / 27.5)
    bins = np.concatenate(([bins[0] - 18.0], bins))
    width = np.concatenate((np.maximum(np.diff(bins), 1.0), [1.0]))
    distance = np.remainder(bins[:, None] - np.arange(12) + 126.0, 12.0) - 6.0
    filters = np.exp(-0.5 * (2.0 * distance / width[:, None]) ** 2)
    filters /= np.sqrt((filters**2).sum(axis=1, keepdims=True))
    filters *= np.exp(-0.5 * ((bins[:, None] / 12.0 - 5.0) / 2.0) ** 2)
    # Column 0 is A so far; rotate by three semitones to make it C.
    return np.ascontiguousarray(np.roll(filters, -3, axis=1)[: size // 2 + 1], dtype=np.float32)
