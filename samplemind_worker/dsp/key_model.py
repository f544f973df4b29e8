"""Measures the evidence for each key, which the key network reads.

Conventions: twelve bins from C on; registers are those of `Features.notes`. There is one row of measures per tonic: all
profiles rotated so that the tonic comes first, so one network serves all keys. `training/key.py` trains the network;
whoever changes a measure has to train it again.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp import _notes
from samplemind_worker.dsp.types import NOTES, Features

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

# Degrees from the tonic on, major then minor: Albrecht and Shanahan, "The use of large corpora to train a new type of
# key-finding algorithm", 2013.
_PROFILES = (
    (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
    (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
)
_REGISTERS = ((0, 16), (16, 28), (28, 40), (40, 52), (52, NOTES))  # bass up to E2, then octaves, then all above
_OVERTONES = (0, 12, 19, 24, 28, 31, 34)  # semitones above the fundamental
_OVERTONE_DECAY = 0.7
_PRESENT, _STRONG = 0.25, 0.4  # of the greatest value of the frame, after the square root
_ENDS = 8  # the first and the last eighth have profiles of their own


@lru_cache(maxsize=1)
def _templates() -> F64:
    """Return the normalized profiles of all keys: (24, 12), major keys first."""
    templates = np.array([np.roll(np.array(mode), tonic) for mode in _PROFILES for tonic in range(12)])
    templates -= templates.mean(axis=-1, keepdims=True)
    return templates / np.linalg.norm(templates, axis=-1, keepdims=True)


@lru_cache(maxsize=1)
def _harmonic_sum() -> F64:
    """Return the weight of each note (rows) as an overtone of each fundamental (columns): (84, 84)."""
    weights = np.zeros((NOTES, NOTES))
    for k, overtone in enumerate(_OVERTONES):
        weights += _OVERTONE_DECAY**k * np.eye(NOTES, k=-overtone)
    return weights


def _fold(notes: F64) -> F64:
    """Sum over octaves: (..., 84) to (..., 12); the first column is C."""
    return notes.reshape(*notes.shape[:-1], NOTES // 12, 12).sum(axis=-2)


def _shares(profile: F64) -> F64:
    """Scale to a mean of 1; a profile of zeros stays."""
    return profile * (12.0 / max(float(profile.sum()), 1e-9))


def score_keys(profile: F64) -> F64:
    """Correlate profiles (..., 12) with the published ones of 24 keys: (..., 24), major keys first, -1 to 1."""
    centred = profile - profile.mean(axis=-1, keepdims=True)
    norm = np.linalg.norm(centred, axis=-1, keepdims=True)
    return np.where(norm > 0.0, centred / np.where(norm > 0.0, norm, 1.0), 0.0) @ _templates().T


def profiles(notes: F32) -> F64:
    """Return profiles of the pitch classes of frames.

    Parameters
    ----------
    notes : ndarray of float32, shape (frames, 84)
        As in `Features.notes`.

    Returns
    -------
    ndarray of float, shape (12, 12)
        One profile per row: five registers, harmonic sum, first and last eighth, share of frames in which the pitch
        class is strong, lowest strong note, all notes, lowest strong note of the first eighth. Zeros if there are no
        notes.

    References
    ----------
    Gomez, "Tonal description of music audio signals", 2006 (harmonic pitch class profile).
    """
    # The square root keeps a loud bass or bar from masking the rest.
    frames = np.sqrt(notes.astype(np.float64))
    frames = frames[frames.any(axis=1)]
    count = len(frames)
    if count == 0:
        return np.zeros((12, 12))
    mean = frames.mean(axis=0)
    rows: list[F64] = []
    for low, high in _REGISTERS:
        register = np.zeros(NOTES)
        register[low:high] = mean[low:high]
        rows.append(_fold(register) * (12.0 / mean.sum()))
    harmonic = (frames @ _harmonic_sum()) * (frames > 0.0)
    rows.append(_shares(_fold(harmonic.mean(axis=0))))
    chroma = _fold(frames)
    end = max(2, count // _ENDS)
    rows += [_shares(chroma[:end].sum(axis=0)), _shares(chroma[-end:].sum(axis=0))]
    rows.append(2.0 * (chroma > _PRESENT * chroma.max(axis=1, keepdims=True)).mean(axis=0))
    lowest = (frames > _STRONG * frames.max(axis=1, keepdims=True)).argmax(axis=1) % 12
    rows.append(4.0 * np.bincount(lowest, minlength=12) / count)
    rows.append(_shares(chroma.sum(axis=0)))
    rows.append(4.0 * np.bincount(lowest[:end], minlength=12) / end)
    return np.array(rows)


def key_rows(described: F64) -> F64:
    """Turn `profiles` into the input of the network, one row per tonic: (12, 156)."""
    turned = np.stack([np.roll(described, -tonic, axis=1).ravel() for tonic in range(12)])
    book = score_keys(described[[10, 6, 5, 7, 8, 9]]).reshape(-1, 2, 12)
    return np.concatenate([turned, book.transpose(2, 0, 1).reshape(12, -1)], axis=1)


def tonalness(features: Features) -> float:
    """Return the share of energy in spectral peaks, weighted by frame level: about 0 for noise, 1 for chords."""
    return _notes.weighted_share(features.tonalness)


def tonal_row(features: Features, described: F64) -> F64:
    """Return the measures that distinguish music from drums and noise: (8,)."""
    frames = np.sqrt(features.notes.astype(np.float64))
    norm = np.linalg.norm(frames, axis=1)
    sounding = frames[norm > 0.0] / norm[norm > 0.0, None]
    lasting = float((sounding[1:] * sounding[:-1]).sum(axis=1).mean()) if len(sounding) > 1 else 0.0
    share = features.tonalness[:, 0].astype(np.float64)
    whole = described[10] / 12.0
    spread = float(-(whole * np.log(whole + 1e-9)).sum())
    return np.array(
        [
            tonalness(features),
            float(share.mean()) if share.size else 0.0,
            float(score_keys(described[10]).max()),
            float(score_keys(described[5]).max()),
            spread,
            lasting,
            float((norm > 0.0).mean()) if norm.size else 0.0,
            features.tuning_strength,
        ]
    )
