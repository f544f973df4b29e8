"""Measures the evidence for each chord, which the chord networks read.

Conventions: notes are those of `Features.notes`; twelve bins from C on. There is one row of measures per root: all
profiles rotated so that the root comes first, so one network serves all roots. `training/chords.py` trains the
networks; whoever changes a measure has to train them again.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp import _chords, _notes
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
_ALL = (0, NOTES)
# Bass up to E2, then octaves, then all above; and all.
_REGISTERS = np.array(((0, 16), (16, 28), (28, 40), (40, 52), (52, NOTES), _ALL))
_RANGES = np.array(((0, 28), (28, 52), (52, NOTES), _ALL))
_PRESENCE = 78
_OVERTONES = (0, 12, 19, 24, 28, 31, 34, 36)  # semitones above the fundamental
_OVERTONE_DECAY = 0.75  # of the square root of the magnitude
_ROUNDS = 25
_NOTHING = 1e-9


@lru_cache(maxsize=1)
def _dictionary() -> tuple[F32, F32]:
    """Return the notes' overtones, one fundamental per row, and their products: both (84, 84)."""
    tones = np.zeros((NOTES, NOTES))
    for k, overtone in enumerate(_OVERTONES):
        tones += _OVERTONE_DECAY**k * np.eye(NOTES, k=overtone)
    return tones.astype(np.float32), (tones @ tones.T).astype(np.float32)


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
    found = salience(spectra)
    described = np.empty((len(spectra), PROFILES, 12))
    _chords.profiles(np.ascontiguousarray(spectra), found, _REGISTERS, _RANGES, described)
    return described, found


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
    spectrum = np.empty((1, NOTES))
    _chords.mean_root(notes, spectrum[0])
    return spectrum


def presence_row(features: Features, described: F64, found: F64, odds: F64) -> F64:
    """Return the measures that distinguish a chord from a single note, a drum or noise: (78,).

    ``described`` (1, 12, 12) and ``found`` (1, 84) are the profiles and salience of the sound, ``odds`` (120,) the
    probabilities of its chords.
    """
    row = np.empty(_PRESENCE)
    _chords.describe_presence(
        found[0],
        described[0],
        odds,
        features.tonalness,
        features.pitch,
        features.tuning_strength,
        features.samples,
        row,
    )
    return row


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
        A stretch without the centre of a frame gets the nearest frame.
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
