"""Measures a signal in one pass; draws no conclusions.

Conventions: the signal is scaled to a peak of 1 first, so that no answer depends on the gain; levels in the summary
are those of the unscaled signal. There are three short-time spectra (frame / hop, in samples): 2048 / 512 for the
timbre, 512 / 128 for onsets, 8192 / 4096 for pitches. A signal whose peak is below -100 dBFS is silent: it has no
frames, and every number is None.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp import _character, _frames, _kernels, _notes, _sounds, _tones, pitch, spectrum
from samplemind_worker.dsp.character import THIRDS, attack_seconds, band_edges
from samplemind_worker.dsp.checks import check_signal
from samplemind_worker.dsp.fingerprint import fingerprint
from samplemind_worker.dsp.types import LOWEST_NOTE, NOTES, Features, Summary
from samplemind_worker.dsp.units import SR
from samplemind_worker.errors import InvalidSignalError

F32 = npt.NDArray[np.float32]

FRAME, HOP = 2048, 512
ONSET_FRAME, ONSET_HOP = 512, 128
PITCH_FRAME, PITCH_HOP = 8192, 4096

STRETCHES = 80  # of the outline: one per column of a terminal
SILENCE_PEAK = 1e-5  # -100 dBFS, below the least significant bit of 16-bit samples
MEL_BANDS, MFCC = 128, 20
KEPT_MEL_BANDS = 40
_HEARD = 1e-2  # of the peak, where a sound begins
_LONGEST_MOVED = 10 * SR
_ACTIVE = 1e-3  # frames within 60 dB of the loudest count in the summary
_ONSET_BANDS = 24
_ONSET_RANGES_HZ = ((0.0, 150.0), (150.0, 2000.0), (2000.0, SR / 2))
_PITCH_RANGE_HZ = (45.0, 5000.0)
_NOTE_FRAMES = 24  # the pitch is read from the first 4.5 s; later frames mostly hold noise


@dataclass(frozen=True, slots=True)
class Timbre:
    """Features of each 2048/512 frame, defined as librosa defines them."""

    scalars: F32
    """(n, 6): rms, zero-crossing rate, centroid, bandwidth, rolloff (Hz), flatness."""
    contrast: F32
    """(n, 7): peak-to-valley distance of the magnitude in dB, for octave bands from 200 Hz on."""
    mfcc: F32
    """(n, 20)."""
    chroma: F32
    """(n, 12): power, scaled to a maximum of 1 per frame."""
    mel: F32
    """(n, 40): dB."""


@lru_cache(maxsize=1)
def _contrast_bands() -> npt.NDArray[np.int64]:
    """Return first bin, end bin and bins per peak of each band, cut as in ``librosa.feature.spectral_contrast``."""
    freqs = np.arange(FRAME // 2 + 1) * (SR / FRAME)
    edges = np.concatenate(([0.0], 200.0 * 2.0 ** np.arange(7)))
    rows: list[tuple[int, int, int]] = []
    for k, (low, high) in enumerate(pairwise(edges.tolist())):
        inside = np.flatnonzero((freqs >= low) & (freqs <= high))
        first, end = int(inside[0]) - (k > 0), int(inside[-1]) + 1
        last = k == len(edges) - 2
        count = max(1, round(0.02 * (end - first)))
        rows.append((first, end if last else end - 1, count))
    return np.array(rows, dtype=np.int64)


def timbre(y: F32, *, scale: float = 1.0) -> Timbre:
    """Measure the timbre of each frame.

    Parameters
    ----------
    y : ndarray of float32, shape (n,)
        Signal at 22.05 kHz.
    scale : float
        Factor on the signal.

    Returns
    -------
    Timbre
        One row per frame, 1 + n // 512 rows. In silent frames all values but ``mel`` and ``mfcc`` are 0.

    References
    ----------
    librosa.feature (McFee et al., 2015): spectral_centroid, spectral_bandwidth, spectral_rolloff (0.85),
    spectral_flatness, spectral_contrast (Jiang et al., 2002), mfcc, chroma_stft, rms, zero_crossing_rate.
    """
    count = spectrum.frame_count(len(y), HOP)
    scalars = np.empty((count, 6), np.float32)
    contrast, chroma = np.empty((count, 7), np.float32), np.empty((count, 12), np.float32)
    mfcc, kept = np.empty((count, MFCC), np.float32), np.empty((count, KEPT_MEL_BANDS), np.float32)
    tables, banks = spectrum.transform(FRAME), _banks()
    mel, cosines, groups = banks["mel"], banks["mfcc"], banks["kept"]
    _frames.timbre_frames(
        y, HOP, scale, tables.window, tables.roots, tables.order, tables.twiddles, SR / FRAME, _contrast_bands(),
        mel.weights, mel.spans, _chroma_weights(), cosines.weights, cosines.spans, groups.weights, groups.spans,
        scalars, contrast, mfcc, chroma, kept,
    )  # fmt: skip
    return Timbre(scalars, contrast, mfcc, chroma, kept)


@lru_cache(maxsize=1)
def _chroma_weights() -> F32:
    """Return twelve weights per bin, flattened."""
    return spectrum.chroma_filters(FRAME).ravel()


@lru_cache(maxsize=1)
def _banks() -> dict[str, spectrum.FilterBank]:
    owner = np.arange(MEL_BANDS) * KEPT_MEL_BANDS // MEL_BANDS
    groups = (owner[:, None] == np.arange(KEPT_MEL_BANDS)).astype(np.float32)
    return {
        "mel": spectrum.filter_bank(spectrum.mel_filters(FRAME, MEL_BANDS)),
        "mfcc": spectrum.filter_bank(spectrum.dct_basis(MEL_BANDS, MFCC)),
        "kept": spectrum.filter_bank(groups / groups.sum(axis=0)),
    }


@lru_cache(maxsize=1)
def _onset_filters() -> tuple[spectrum.FilterBank, spectrum.FilterBank]:
    """Return 24 filters over bins, each with sum 1, and 4 frequency ranges, each an average of filters."""
    filters = spectrum.mel_filters(ONSET_FRAME, _ONSET_BANDS)
    filters = filters / filters.sum(axis=0)
    centres = spectrum.bin_frequencies(ONSET_FRAME) @ filters
    ranges = [np.ones(_ONSET_BANDS)] + [((centres >= low) & (centres < high)) * 1.0 for low, high in _ONSET_RANGES_HZ]
    return spectrum.filter_bank(filters), spectrum.filter_bank(np.stack([r / r.sum() for r in ranges], axis=1))


def onset_strength(y: F32, *, scale: float = 1.0) -> tuple[F32, F32]:
    """Measure the onset strength and the level, 172 times per second.

    Parameters
    ----------
    y : ndarray of float32, shape (n,)
        Signal at 22.05 kHz.
    scale : float
        Factor on the signal.

    Returns
    -------
    tuple of ndarray of float32
        Onset strength (4, 1 + n // 128), of all bands and of three ranges: the mean rise of the log magnitude of 24
        mel bands over 12 ms. Level (1 + n // 128,): RMS under the window.

    References
    ----------
    Bello et al., "A tutorial on onset detection in music signals", 2005 (spectral flux); Klapuri et al., 2006
    (compression of band levels).
    """
    count = spectrum.frame_count(len(y), ONSET_HOP)
    strength, level = np.empty((4, count), np.float32), np.empty(count, np.float32)
    tables, (filters, ranges) = spectrum.transform(ONSET_FRAME), _onset_filters()
    # 128 is the magnitude of a full-scale sine; with a gain of 1000, what is 60 dB below it still counts. The energy
    # follows from Parseval: both halves of the spectrum, over the number of bins and the energy of the window.
    _frames.onset_frames(
        y,
        ONSET_HOP,
        scale,
        tables.window,
        tables.roots,
        tables.order,
        tables.twiddles,
        filters.weights,
        filters.spans,
        ranges.weights,
        ranges.spans,
        1000.0 / 128.0,
        _onset_energy(),
        strength,
        level,
    )
    return strength, level


@lru_cache(maxsize=1)
def _onset_energy() -> float:
    return 2.0 / (ONSET_FRAME * float(np.square(spectrum.hann(ONSET_FRAME)).sum()))


def crossings(y: F32) -> npt.NDArray[np.uint8]:
    """Find where a signal can be cut without a click.

    Parameters
    ----------
    y : ndarray of float32, shape (n,)
        Signal, n > 0.

    Returns
    -------
    ndarray of uint8, shape (n // 128 + 1,)
        Where the signal first rises to or through zero within each 128 samples; 255 if it does not.
    """
    found = np.empty(len(y) // ONSET_HOP + 1, np.uint8)
    _character.rising_crossings(y, found)
    return found


@dataclass(frozen=True, slots=True)
class Pitches:
    """Measurements on frames of 8192 samples."""

    tuning: float
    """Semitones, -0.5 to 0.5."""
    strength: float
    notes: F32
    share: F32
    candidates: F32
    bands: F32
    fundamentals: F32
    thirds: npt.NDArray[np.float64]


def pitches(y: F32, *, scale: float = 1.0) -> Pitches:
    """Find spectral peaks, their common tuning, and the pitch of short signals.

    Parameters
    ----------
    y : ndarray of float32, shape (n,)
        Signal at 22.05 kHz.
    scale : float
        Factor on the signal.

    Returns
    -------
    Pitches
        ``notes`` (frames, 84), by semitone from C1 on, with the tuning removed; ``share`` (frames, 2), see
        `Features.tonalness`; ``candidates`` and ``bands`` of the first 4.5 s, see `pitch.candidates`; ``thirds``, see
        `Features.thirds`.

    References
    ----------
    Serra and Smith, 1990 (parabolic interpolation); Gomez, "Tonal description of music audio signals", 2006 (peaks
    to pitch classes); Dressler and Streich, 2007 (tuning as a circular mean).
    """
    count = spectrum.frame_count(len(y), PITCH_HOP)
    share, notes = np.zeros((count, 2), np.float32), np.zeros((count, NOTES), np.float32)
    total, thirds = np.zeros(PITCH_FRAME // 2 + 1, np.float32), np.zeros(THIRDS)
    bin_hz, tables = SR / PITCH_FRAME, spectrum.transform(PITCH_FRAME)
    tuning, strength = _tones.tone_frames(
        y,
        PITCH_HOP,
        scale,
        tables.window,
        tables.roots,
        tables.order,
        tables.twiddles,
        bin_hz,
        round(_PITCH_RANGE_HZ[0] / bin_hz),
        round(_PITCH_RANGE_HZ[1] / bin_hz),
        _NOTE_FRAMES,
        band_edges(PITCH_FRAME),
        LOWEST_NOTE,
        share,
        notes,
        total,
        thirds,
    )
    rows, bands = pitch.candidates(total)
    return Pitches(tuning, strength, notes, share, rows, bands, pitch.fundamentals(total), thirds)


def _no_candidates() -> tuple[F32, F32]:
    return np.zeros((0, _notes.MEASURES), np.float32), np.zeros(0, np.float32)


_SCALARS = ("rms", "zero_crossing_rate", "centroid_hz", "bandwidth_hz", "rolloff_hz", "flatness")
_VECTORS = {"contrast": 7, "mfcc": MFCC, "chroma": 12}


def _summary(frames: Timbre, onset: F32, *, peak: float) -> Summary:
    """Return mean and standard deviation over the frames that are within 60 dB of the loudest."""
    values = np.empty((2, 6 + 7 + MFCC + 12 + 1))
    _kernels.summarize(frames.scalars, frames.contrast, frames.mfcc, frames.chroma, _ACTIVE, peak, onset[0], values)
    means, stds = values.tolist()
    summary: Summary = {name: {"mean": means[k], "std": stds[k]} for k, name in enumerate(_SCALARS)}
    first = len(_SCALARS)
    for name, size in _VECTORS.items():
        summary[name] = {"mean": means[first : first + size], "std": stds[first : first + size]}
        first += size
    summary["onset_strength"] = {"mean": means[first], "std": stds[first]}
    return summary


def _silent(samples: int) -> Features:
    summary: Summary = {name: {"mean": None, "std": None} for name in (*_SCALARS, "onset_strength")}
    for name, size in _VECTORS.items():
        summary[name] = {"mean": [None] * size, "std": [None] * size}
    return Features(
        sr=SR,
        samples=samples,
        peak=0.0,
        outline=[],
        tuning_cents=0.0,
        tuning_strength=0.0,
        summary=summary,
        onset=np.zeros((4, 0), np.float32),
        level=np.zeros(0, np.float32),
        frames=np.zeros((0, 6), np.float32),
        mel=np.zeros((0, KEPT_MEL_BANDS), np.float32),
        sound=np.zeros(0, np.float32),
        notes=np.zeros((0, NOTES), np.float32),
        tonalness=np.zeros((0, 2), np.float32),
        pitch=_no_candidates()[0],
        fundamentals=np.zeros((0, _notes.STRETCHED_MEASURES), np.float32),
        bands=_no_candidates()[1],
        fingerprint=np.zeros(0, np.uint8),
        thirds=np.zeros(THIRDS),
        crossings=np.zeros(0, np.uint8),
        attack_seconds=0.0,
    )


def frames_begin(y: npt.NDArray[Any], *, sr: int) -> int:
    """Return how many samples to leave out, so that the sound begins with a frame, 0 to 511.

    Where frames lie would otherwise depend on the milliseconds of silence that careless cutting and encoders leave in
    front, and so would close decisions. A sound begins when it is within 40 dB of its peak. Nothing is left out of more
    than ten seconds, which have so many frames that their places hardly count.

    Parameters
    ----------
    y, sr
        As for `compute_features`.
    """
    signal = check_signal(y, sr=sr)
    return int(_kernels.first_heard(signal, _HEARD)) % HOP if signal.size <= _LONGEST_MOVED else 0


def compute_features(y: npt.NDArray[Any], *, sr: int, begin: int = 0) -> Features:
    """Measure all that the estimates, the embedding and the record need.

    Parameters
    ----------
    y : ndarray of float, shape (n,)
        Mono signal, finite, n > 0.
    sr : int
        Its rate in Hz: 22050.
    begin : int
        Samples to leave out in front, see `frames_begin`. Times count from there, that of the fingerprint from the
        signal's beginning.

    Returns
    -------
    Features
        A silent signal (peak below -100 dBFS) has empty arrays, and None for every number of the summary.

    Raises
    ------
    InvalidSignalError
        If ``y`` is not such a signal.
    """
    whole = check_signal(y, sr=sr)
    signal = whole[begin:]
    stretches = np.empty(STRETCHES, np.int64)
    peak = _kernels.outline(signal, stretches)
    if not math.isfinite(peak):
        raise InvalidSignalError("wanted finite samples, got NaN or infinity")
    if peak < SILENCE_PEAK:
        return _silent(signal.size)
    scale = 1.0 / peak
    frames = timbre(signal, scale=scale)
    onset, level = onset_strength(signal, scale=scale)
    found = pitches(signal, scale=scale)
    sound = np.empty(_sounds.MEASURES, np.float32)
    _sounds.describe_sound(frames.mel, level, onset, frames.scalars, sound)
    return Features(
        sr=SR,
        samples=signal.size,
        peak=peak,
        outline=stretches.tolist(),
        tuning_cents=100.0 * found.tuning,
        tuning_strength=found.strength,
        summary=_summary(frames, onset, peak=peak),
        onset=onset,
        level=level,
        frames=frames.scalars,
        mel=frames.mel,
        sound=sound,
        notes=found.notes,
        tonalness=found.share,
        pitch=found.candidates,
        fundamentals=found.fundamentals,
        bands=found.bands,
        fingerprint=fingerprint(whole, level=level, mel=frames.mel, begin=begin),
        thirds=found.thirds,
        crossings=crossings(signal),
        attack_seconds=attack_seconds(signal),
    )
