"""Separates drums, bass and the rest by median filters in the spectrogram.

Conventions: signals of shape (frames, channels), float32, at any rate; the three parts add up to the signal.
"""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp._median import median_rows
from samplemind_worker.errors import InvalidSignalError

F32 = npt.NDArray[np.float32]

# Chosen on composed material and on recorded breaks over composed basses and chords (`benchmarks/stems.py`).
_WINDOW = 0.093  # seconds; the nearest power of two of frames
_OVERLAP = 4
_ALONG_TIME = 0.2  # seconds to either side over which a bin keeps its level if it is a note
_ALONG_FREQUENCY = 120.0  # Hz to either side over which a frame keeps its level if it is a hit
_BIAS = 0.8  # of the level of notes, against that of hits
_LOW = 160.0  # Hz below which a hit is no broad line but what rises above the note
_BASS, _SLOPE = 180.0, 5.7  # Hz up to which a note is bass, and the power by which that share falls
_FRAMES = 512  # per block
_TINY = 1e-12


def separate(y: F32, *, sr: int) -> Iterator[tuple[F32, F32, F32]]:
    """Separate a signal, block by block.

    Parameters
    ----------
    y : ndarray of float32, shape (frames, channels)
        Finite. It is read block by block, so it may be mapped from a file.
    sr : int
        Its rate in Hz.

    Yields
    ------
    tuple of three ndarray of float32, shape (n, channels)
        Drums, bass and the rest of the next n frames. The rest is what the others leave, so all three add up to the
        signal but for rounding.

    Raises
    ------
    InvalidSignalError
        If ``y`` has another shape or no frames.

    References
    ----------
    Fitzgerald, "Harmonic/percussive separation using median filtering", 2010: notes are what stays at one frequency,
    hits what spreads over many, and both share a bin by the squares of the two medians. Driedger, Müller and Disch,
    "Extending harmonic-percussive separation of audio signals", 2014: a factor between both. Below 160 Hz a kick is as
    narrow as a bass note; there a hit is what rises above the median along time, which is ours.
    """
    if y.ndim != 2 or y.shape[0] == 0 or y.shape[1] == 0:  # noqa: PLR2004 -- frames and channels
        raise InvalidSignalError(f"wanted a signal of shape (frames, channels), got shape {y.shape}")
    size = 1 << max(round(math.log2(_WINDOW * sr)), 8)
    hop = size // _OVERLAP
    window = np.sqrt(np.hanning(size + 1)[:-1]).astype(np.float32)
    # The windows of both transforms, squared and added up.
    window /= np.float32(np.sqrt(_OVERLAP / 2.0))
    frames = -(-(len(y) + size) // hop)
    reach = max(round(_ALONG_TIME * sr / hop), 1)
    late: F32 = np.zeros((2, size, y.shape[1]), np.float32)
    for first in range(0, frames, _FRAMES):
        last = min(first + _FRAMES, frames)
        before, after = max(first - reach, 0), min(last + reach, frames)
        spectrum = _transform(y, before, after, hop, window)
        masks = _masks(np.abs(spectrum).mean(axis=2), reach, sr / size)
        sums = np.zeros((2, (last - first) * hop + size, y.shape[1]), np.float32)
        sums[:, :size] += late
        inner = slice(first - before, last - before)
        for sum_, mask in zip(sums, masks, strict=True):
            _add_up(spectrum[inner] * mask[inner, :, None], window, hop, sum_)
        # Frame 0 ends where the signal begins.
        start = first * hop - size
        count = (last - first) * hop
        low, high = max(-start, 0), min(count, len(y) - start)
        late = sums[:, count:]
        if high > low:
            drums, bass = sums[0, low:high], sums[1, low:high]
            yield drums, bass, y[start + low : start + high] - drums - bass


def _transform(y: F32, first: int, last: int, hop: int, window: F32) -> npt.NDArray[np.complex64]:
    """Return the spectra of some frames, shape (frames, bins, channels); the signal is 0 outside."""
    size = len(window)
    start, end = first * hop - size, (last - 1) * hop
    part = np.zeros((end - start, y.shape[1]), np.float32)
    low, high = max(start, 0), min(end, len(y))
    if high > low:
        part[low - start : high - start] = y[low:high]
    framed = np.lib.stride_tricks.sliding_window_view(part, size, axis=0)[::hop]
    return np.fft.rfft(framed * window, axis=2).transpose(0, 2, 1).astype(np.complex64, copy=False)


def _masks(level: F32, reach: int, bin_hz: float) -> tuple[F32, F32]:
    """Return the shares of drums and of bass in each bin of each frame."""
    notes, hits = np.empty((level.shape[1], level.shape[0]), np.float32), np.empty_like(level)
    median_rows(np.ascontiguousarray(level.T), reach, notes)
    median_rows(np.ascontiguousarray(level), max(round(_ALONG_FREQUENCY / bin_hz), 1), hits)
    notes = notes.T
    low = round(_LOW / bin_hz)
    hits[:, :low] = np.maximum(level[:, :low] - notes[:, :low], 0.0)
    hits *= hits
    kept = np.square(np.float32(_BIAS) * notes)
    drums = np.divide(hits, hits + kept + np.float32(_TINY), dtype=np.float32)
    hz = np.maximum(np.arange(level.shape[1]), 1) * bin_hz
    share = (1.0 / (1.0 + (hz / _BASS) ** _SLOPE)).astype(np.float32)
    return drums, (np.float32(1.0) - drums) * share


def _add_up(spectrum: npt.NDArray[np.complex64], window: F32, hop: int, target: F32) -> None:
    """Add the frames of a spectrum to a signal, each ``hop`` after the one before."""
    size = len(window)
    framed = np.fft.irfft(spectrum, size, axis=1) * window[:, None]
    for number, frame in enumerate(framed):
        target[number * hop : number * hop + size] += frame
