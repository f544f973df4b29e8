"""Lays bars over a track, and measures each of them.

Conventions: times in seconds from the start of the signal; one row per whole bar.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.tempo_model import RATE
from samplemind_worker.dsp.types import Features
from samplemind_worker.dsp.units import SR

F64 = npt.NDArray[np.float64]

FRAME_RATE = SR / 512
"""Frames of the mel spectrum per second."""
_NOTE_RATE = SR / 4096
_RANGE_DB = 50.0  # below the loudest band; what is softer is not heard beside it
_REACH = 4  # beats before and after a bar line that are compared


@dataclass(frozen=True, slots=True)
class Bars:
    """The bars of a track."""

    edges: F64
    """(n + 1,): times of the bar lines."""
    sound: F64
    """(n, 84): mean and spread of 40 mel bands in tens of dB, and onsets of the low, middle and high range."""
    chroma: F64
    """(n, 12): share of each pitch class, tuning removed."""
    power: F64
    """(n,): mean power."""
    low: F64
    """(n,): onset strength below 150 Hz relative to that of the busiest bar: bass drum and bass notes."""
    struck: F64
    """(n,): the greatest onset strength above 2 kHz: drums rise faster there than voices and strings do."""
    mel: F64
    """(m, 40) at sr / 512: see `floored`."""


def _means(rows: npt.NDArray[Any], times: F64, rate: float) -> F64:
    """Return the mean of the rows between successive times; of at least one each."""
    ends = np.clip(np.rint(times * rate).astype(np.int64), 0, len(rows))
    first = np.minimum(ends[:-1], len(rows) - 1)
    last = np.maximum(ends[1:], first + 1)
    total = np.zeros((len(rows) + 1, rows.shape[1]))
    np.cumsum(rows, axis=0, dtype=np.float64, out=total[1:])
    return (total[last] - total[first]) / (last - first)[:, None]


def floored(mel: npt.NDArray[np.float32]) -> F64:
    """Return log mel power in tens of dB above the softest that is heard beside the loudest; 0 and more."""
    values = mel.astype(np.float64)
    return np.maximum(values - (float(values.max()) - _RANGE_DB), 0.0) / 10.0


def first_downbeat(features: Features, mel: F64, beats: F64, *, per_bar: int) -> int:
    """Find the beat with which bars begin.

    Parameters
    ----------
    features : Features
    mel : ndarray of float64, shape (m, 40)
        See `floored`.
    beats : ndarray of float64, shape (n,)
        Times of the beats in seconds.
    per_bar : int
        Beats per bar.

    Returns
    -------
    int
        Index of the first beat that begins a bar, 0 to ``per_bar - 1``.

    References
    ----------
    Goto and Muraoka, "Real-time beat tracking for drumless audio signals", 1999 (chords change on bar lines).
    """
    if len(beats) < 4 * per_bar:
        return 0
    chroma = _chroma(features)
    edges = np.append(beats, 2.0 * beats[-1] - beats[-2])
    sound, tones = _means(mel, edges, FRAME_RATE), _means(chroma, edges, _NOTE_RATE)
    tones /= np.linalg.norm(tones, axis=1, keepdims=True) + 1e-9
    low = _greatest(features.onset[1], beats)
    changes = (_change(sound, _REACH), _change(tones, 1), _change(tones, _REACH), _change(sound, 4 * _REACH))
    evidence = 0.5 * _scaled(low)
    for change in changes:
        evidence = evidence + _scaled(_sharpened(change))
    scores = [float(evidence[phase::per_bar].mean()) for phase in range(per_bar)]
    return int(np.argmax(scores))


def _greatest(strength: npt.NDArray[np.float32], beats: F64) -> F64:
    """Return the greatest onset strength within 23 ms of each beat."""
    frames = np.rint(beats * RATE).astype(np.int64)[:, None] + np.arange(-4, 5)
    return strength[np.clip(frames, 0, len(strength) - 1)].max(axis=1).astype(np.float64)


def _change(rows: F64, reach: int) -> F64:
    """Return the distance between the means of so many rows before and after each row."""
    total = np.concatenate((np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)))
    n = len(rows)
    at = np.arange(n)
    first, last = np.maximum(at - reach, 0), np.minimum(at + reach, n)
    before = (total[at] - total[first]) / np.maximum(at - first, 1)[:, None]
    after = (total[last] - total[at]) / np.maximum(last - at, 1)[:, None]
    distance = np.linalg.norm(after - before, axis=1)
    distance[: min(reach, n)] = distance[reach:].mean() if n > reach else 0.0
    return distance


def _sharpened(values: F64) -> F64:
    """Return by how much each value stands out from its neighbours, squared: a change is broader than the moment."""
    beside = (np.append(values[1:], values[-1]) + np.insert(values[:-1], 0, values[0])) / 2.0
    return np.square(np.maximum(values - beside, 0.0))


def _scaled(values: F64) -> F64:
    return (values - values.mean()) / (values.std() + 1e-9)


def _chroma(features: Features) -> F64:
    notes = features.notes.astype(np.float64)
    return notes.reshape(len(notes), -1, 12).sum(axis=1)


def lay_bars(features: Features, mel: F64, beats: F64, *, per_bar: int) -> Bars | None:
    """Measure each whole bar of a track.

    Parameters
    ----------
    features : Features
    mel : ndarray of float64, shape (m, 40)
        See `floored`.
    beats : ndarray of float64, shape (n,)
        Times of the beats in seconds, the first one on the first beat of a bar.
    per_bar : int
        Beats per bar.

    Returns
    -------
    Bars or None
        None where there are fewer than four whole bars.
    """
    seconds = features.samples / SR
    period = float(np.diff(beats).mean()) if len(beats) > 1 else 0.0
    edges = beats[::per_bar]
    if len(edges) and edges[-1] + per_bar * period <= seconds + 0.1 * period:
        edges = np.append(edges, edges[-1] + per_bar * period)
    if len(edges) < 5:  # noqa: PLR2004 -- four bars
        return None
    onsets = _means(features.onset.T, edges, RATE)
    onsets /= np.maximum(onsets.max(axis=0), 1e-9)
    mean = _means(mel, edges, FRAME_RATE)
    spread = np.sqrt(np.maximum(_means(np.square(mel), edges, FRAME_RATE) - np.square(mean), 0.0))
    first = np.minimum(np.rint(edges[:-1] * RATE).astype(np.int64), features.onset.shape[1] - 1)
    struck = np.maximum.reduceat(features.onset[3], first).astype(np.float64)
    pitch = _means(_chroma(features), edges, _NOTE_RATE)
    power = np.square(features.frames[:, :1].astype(np.float64))
    return Bars(
        edges=edges,
        sound=np.concatenate((mean, spread, 2.0 * onsets), axis=1),
        chroma=pitch / (pitch.sum(axis=1, keepdims=True) + 1e-9),
        power=_means(power, edges, FRAME_RATE)[:, 0],
        low=onsets[:, 1],
        struck=struck,
        mel=mel,
    )
