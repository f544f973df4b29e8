"""Measures the evidence for each chord, which the chord networks read.

Conventions: notes are those of `Features.notes`; twelve bins from C on. There is one row of measures per root: all
profiles rotated so that the root comes first, so one network serves all roots. `training/chords.py` trains the
networks; whoever changes a measure has to train them again.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp import _notes
from samplemind_worker.dsp.types import NOTES, Features

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

QUALITIES = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "power": (0, 7),
}
"""The qualities and their tones in semitones above the root, in the order of the networks' outputs."""

PROFILES = 12
"""Number of profiles of a spectrum."""
_REGISTERS = ((0, 16), (16, 28), (28, 40), (40, 52), (52, NOTES))  # bass up to E2, then octaves, then all above
_RANGES = ((0, 28), (28, 52), (52, NOTES))
_ALL = (0, NOTES)
_OVERTONES = (0, 12, 19, 24, 28, 31, 34, 36)  # semitones above the fundamental
_OVERTONE_DECAY = 0.75  # of the square root of the magnitude
_ROUNDS = 25
_SILENT = 1e-6
_NOTHING = 1e-9
_STRONG = 0.35  # of the greatest salience


@lru_cache(maxsize=1)
def _dictionary() -> tuple[F32, F32]:
    """Return the notes' overtones, one fundamental per row, and their products: both (84, 84)."""
    tones = np.zeros((NOTES, NOTES))
    for k, overtone in enumerate(_OVERTONES):
        tones += _OVERTONE_DECAY**k * np.eye(NOTES, k=overtone)
    return tones.astype(np.float32), (tones @ tones.T).astype(np.float32)


def _fold(ranges: tuple[tuple[int, int], ...]) -> F64:
    """Return what sums the octaves within each range of notes: (84, 12 for each range)."""
    classes = np.tile(np.eye(12), (NOTES // 12, 1))
    inside = [(np.arange(NOTES)[:, None] >= low) & (np.arange(NOTES)[:, None] < high) for low, high in ranges]
    return np.concatenate([classes * part for part in inside], axis=1)


@lru_cache(maxsize=1)
def _folds() -> tuple[F64, F64]:
    """Return what sums the octaves of spectra, and of their salience."""
    return _fold((*_REGISTERS, _ALL)), _fold((*_RANGES, _ALL))


def salience(spectra: F64) -> F64:
    """Explain spectra by fundamentals and their overtones.

    Parameters
    ----------
    spectra : ndarray of float, shape (n, 84)
        Square roots of the magnitudes of notes.

    Returns
    -------
    ndarray of float, shape (n, 84)
        How strongly each note was played; 0 or more.

    References
    ----------
    Lee and Seung, "Algorithms for non-negative matrix factorization", 2001 (multiplicative updates); Mauch and Dixon,
    "Approximate note transcription for the improved identification of difficult chords", 2010 (overtones as tones of
    a dictionary).
    """
    tones, products = _dictionary()
    wanted = spectra.astype(np.float32) @ tones.T
    found = wanted.copy()
    _notes.explain(wanted, products, _ROUNDS, _NOTHING, found)
    return found.astype(np.float64)


def profiles(spectra: F64) -> tuple[F64, F64]:
    """Describe spectra by pitch classes.

    Parameters
    ----------
    spectra : ndarray of float, shape (n, 84)
        Square roots of the magnitudes of notes.

    Returns
    -------
    tuple of ndarray of float
        Profiles (n, 12, 12): five registers and all of the spectrum; three ranges, all, and the greatest of the
        salience; the lowest strong note. The salience (n, 84).
    """
    count = len(spectra)
    found = salience(spectra)
    total, whole = spectra.sum(axis=1)[:, None] + 1e-9, found.sum(axis=1)[:, None] + 1e-9
    most = found.max(axis=1)[:, None] + 1e-9
    described, (of_spectra, of_salience) = np.zeros((count, PROFILES, 12)), _folds()
    described[:, :6] = (spectra @ of_spectra * (12.0 / total)).reshape(count, 6, 12)
    described[:, 6:10] = (found @ of_salience * (12.0 / whole)).reshape(count, 4, 12)
    described[:, 10] = 3.0 * found.reshape(count, NOTES // 12, 12).max(axis=1) / most
    described[np.arange(count), 11, lowest(found) % 12] = 3.0 * (most[:, 0] > _SILENT)
    return described, found


def lowest(found: F64) -> npt.NDArray[np.int64]:
    """Return the column of the lowest strong note of each salience (n, 84)."""
    return (found > _STRONG * found.max(axis=1, keepdims=True)).argmax(axis=1)


def chord_rows(described: F64) -> F64:
    """Turn profiles (n, k, 12) into the input of a network, one row per root: (n, 12, 12 k)."""
    count, profiles_of_each = described.shape[:2]
    return described.reshape(count, -1).take(_turns(profiles_of_each), axis=1)


@lru_cache(maxsize=4)
def _turns(count: int) -> npt.NDArray[np.int64]:
    """Return for each root the places of all values of ``count`` profiles, the root's first: (12, 12 count)."""
    classes = (np.arange(12)[:, None] + np.arange(12)) % 12
    return (12 * np.arange(count)[:, None] + classes[:, None, :]).reshape(12, -1)


def whole_spectrum(notes: F32) -> F64:
    """Return the spectrum of a single sound: (1, 84)."""
    frames = np.sqrt(notes.astype(np.float64))
    return frames.mean(axis=0, keepdims=True)


def presence_row(features: Features, described: F64, found: F64, odds: F64) -> F64:
    """Return the measures that distinguish a chord from a single note, a drum or noise: (80,).

    ``described`` (1, 12, 12) and ``found`` (1, 84) are the profiles and salience of the sound, ``odds`` (120,) the
    probabilities of its chords.
    """
    loud = np.sort(found[0])[::-1][:12] / (found.max() + 1e-9)
    classes = np.sort(described[0, 9])[::-1] / 12.0
    highest = np.sort(described[0, 10])[::-1] / 3.0
    all_notes = np.sort(described[0, 5])[::-1] / 12.0
    best = np.sort(odds)[::-1][:3]
    share = features.tonalness[:, 0].astype(np.float64)
    candidate = np.zeros(22)
    if len(features.pitch):
        candidate[:20] = features.pitch[int(features.pitch[:, 4].argmax()), :20]
        candidate[0] /= 100.0
        candidate[20:] = features.pitch[:, 1].max(), features.pitch[:, 4].max()
    weight = features.tonalness[:, 1].astype(np.float64)
    level = float((share * weight).sum() / (weight.sum() + 1e-9))
    rest = [level, float(share.mean()) if share.size else 0.0, features.tuning_strength, float(lowest(found)[0]) / 84.0]
    rest.append(float(np.log2(max(features.samples, 1))) / 20.0)
    return np.concatenate([loud, classes, highest, all_notes, best, candidate, rest])


def beat_spectra(notes: F32, edges: F64, *, rate: float) -> F64:
    """Return the mean spectra of the stretches between times.

    Parameters
    ----------
    notes : ndarray of float32, shape (frames, 84)
    edges : ndarray of float, shape (n + 1,)
        Rising times in seconds.
    rate : float
        Frames per second.

    Returns
    -------
    ndarray of float, shape (n, 84)
        Of a stretch without the centre of a frame, the nearest frame.
    """
    frames = np.sqrt(notes.astype(np.float64))
    sums = np.concatenate([np.zeros((1, NOTES)), np.cumsum(frames, axis=0)])
    last = len(frames) - 1
    first = np.minimum(np.ceil(edges[:-1] * rate).astype(np.int64), last)
    end = np.minimum(np.maximum(np.ceil(edges[1:] * rate).astype(np.int64), first + 1), last + 1)
    return (sums[end] - sums[first]) / (end - first)[:, None]


def beat_profiles(spectra: F64) -> F64:
    """Describe each beat (n, 84) together with its neighbours and the whole piece: (n, 15, 12)."""
    described, _ = profiles(spectra)
    chroma = described[:, 9]
    before = np.concatenate([chroma[:1], chroma[:-1]])
    after = np.concatenate([chroma[1:], chroma[-1:]])
    piece = np.broadcast_to(chroma.mean(axis=0), chroma.shape)
    return np.concatenate([described, np.stack([before, after, piece], axis=1)], axis=1)
