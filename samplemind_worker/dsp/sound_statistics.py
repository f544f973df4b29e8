"""What the vectors for likeness are made of: one row of measures per sound, whatever the recipe of the vector is.

Conventions: `embedding.LAYOUT` says where each measure lies. Half precision, because the row is stored with each
analysis; levels in dB below the loudest, so that no measure depends on the gain. `training/embedding.py` learns the
recipe; a measure may be changed only together with it.
"""

import math

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp import _sounds
from samplemind_worker.dsp.embedding import LAGS, LAYOUT, MEASURES
from samplemind_worker.dsp.key_model import tonalness
from samplemind_worker.dsp.types import Estimates, Features
from samplemind_worker.dsp.units import SR
from samplemind_worker.pitches import PITCH_CLASSES

F32 = npt.NDArray[np.float32]

_ACTIVE = 1e-3  # frames within 60 dB of the loudest
_ONSET_RATE = SR / 128
_LOGARITHMIC = ("centroid_hz", "bandwidth_hz", "rolloff_hz", "flatness", "zero_crossing_rate")
_SUMMARY = slice(LAYOUT["mfcc"].start, LAYOUT["scalars"].stop)
"""Cepstrum, its spread, contrast and scalars, one after the other."""
_CLEAR = 0.3  # of the strong onsets
_KINDS = ("one_shot", "loop", "track")


def statistics(features: Features, estimates: Estimates) -> npt.NDArray[np.float16] | None:
    """Measure what makes sounds alike.

    Parameters
    ----------
    features : Features
    estimates : Estimates
        Estimates of the same signal.

    Returns
    -------
    ndarray of float16, shape (MEASURES,), or None
        What `embedding.LAYOUT` names; 0 where a measure has no answer. None for silence, which is like nothing.
    """
    if features.peak == 0.0:
        return None
    row = np.zeros(MEASURES, np.float32)
    row[LAYOUT["sound"]] = features.sound
    row[LAYOUT["lows"]][: len(features.bands)] = features.bands
    _spectrum(features, row)
    _tones(features, estimates, row)
    _pulse(features, estimates, row)
    return row.astype(np.float16)


def _spectrum(features: Features, row: F32) -> None:
    """Write the mean, the spread and the change of the mel bands, and the summary of the other features."""
    _sounds.describe_bands(
        features.mel,
        features.frames,
        np.float32(_ACTIVE),
        row[LAYOUT["mel"]],
        row[LAYOUT["mel_spread"]],
        row[LAYOUT["mel_change"]],
    )
    summary = features.summary
    mfcc, contrast = summary["mfcc"], summary["contrast"]
    scalars = [math.log2(max(summary[name][part], 1e-5)) for name in _LOGARITHMIC for part in ("mean", "std")]
    row[_SUMMARY] = [*mfcc["mean"], *mfcc["std"], *contrast["mean"], *scalars]


def _tones(features: Features, estimates: Estimates, row: F32) -> None:
    """Write the pitch or the key, the pitch classes of the whole and of the bass, and the octaves."""
    _sounds.describe_tones(features.notes, row[LAYOUT["chroma"]], row[LAYOUT["bass"]], row[LAYOUT["octaves"]])
    pitch, key = (0.0, 0.0), (0.0, 0.0, 0.0)
    if estimates.pitch_midi is not None:
        pitch = (estimates.pitch_midi + (estimates.pitch_cents or 0.0) / 100.0, estimates.pitch_confidence or 0.0)
    if estimates.key is not None:
        key = (
            PITCH_CLASSES.index(estimates.key),
            float(estimates.mode == "minor"),
            estimates.key_confidence or 0.0,
        )
    row[LAYOUT["pitch"]] = pitch
    row[LAYOUT["key"]] = key
    row[LAYOUT["tonality"]] = (tonalness(features), features.tuning_strength)


def _pulse(features: Features, estimates: Estimates, row: F32) -> None:
    """Write the length, the kind, how dense onsets are and, where there is a tempo, what repeats with the beat."""
    row[LAYOUT["length"]] = math.log2(features.samples / SR)
    if estimates.kind is not None:
        row[LAYOUT["kind"]][_KINDS.index(estimates.kind)] = 1.0
    if estimates.kind in {None, "one_shot"}:
        return
    strength = features.onset
    padded = np.pad(strength, ((0, 0), (2, 2)))
    smooth = sum((padded[:, k : k + strength.shape[1]] for k in range(5)), start=np.zeros_like(strength)) / 5.0
    strong = np.percentile(smooth, 99, axis=1, keepdims=True)
    inner = smooth[:, 1:-1]
    peaks = (inner > smooth[:, :-2]) & (inner >= smooth[:, 2:]) & (inner > _CLEAR * strong)
    rates = peaks.sum(axis=1) * (_ONSET_RATE / strength.shape[1])
    row[LAYOUT["density"]] = np.log2(np.maximum(rates, 0.125))
    if estimates.tempo is None:
        return
    row[LAYOUT["tempo"]] = (math.log2(estimates.tempo), estimates.tempo_confidence or 0.0)
    row[LAYOUT["repeats"]] = _repeats(smooth[1:] - smooth[1:].mean(axis=1, keepdims=True), estimates.tempo).ravel()


def _repeats(strength: F32, tempo: float) -> F32:
    """Correlate three ranges of the onset strength with themselves some beats later: (3, lags), 1 where all repeats."""
    energy = np.maximum(np.square(strength).mean(axis=1), 1e-12)
    out = np.zeros((3, len(LAGS)), np.float32)
    for k, beats in enumerate(LAGS):
        lag = round(beats * 60.0 / tempo * _ONSET_RATE)
        if lag < strength.shape[1] // 2:
            out[:, k] = (strength[:, lag:] * strength[:, : strength.shape[1] - lag]).mean(axis=1) / energy
    return out
