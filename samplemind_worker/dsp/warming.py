"""Loads every kernel and table before the first file needs them."""

import numpy as np

from samplemind_worker.dsp.character import character
from samplemind_worker.dsp.chord import estimate_chord, estimate_chords
from samplemind_worker.dsp.embedding import embed
from samplemind_worker.dsp.estimates import estimate
from samplemind_worker.dsp.features import compute_features, frames_begin
from samplemind_worker.dsp.loudness import LoudnessMeter
from samplemind_worker.dsp.resample import resample
from samplemind_worker.dsp.sound_map import arrange
from samplemind_worker.dsp.sound_statistics import statistics
from samplemind_worker.dsp.units import SR
from samplemind_worker.dsp.waveform import waveform


def warm_up() -> None:
    """Load every kernel and table, so that the first file costs no more than the next."""
    y = np.zeros((SR * 2, 1), np.float32)
    y[:: SR // 2] = 1.0
    # Tones, for clicks alone have neither notes nor a key.
    y[:, 0] += 0.2 * np.sin(2.0 * np.pi * np.array([[220.0], [261.6], [329.6]]) * np.arange(SR * 2) / SR).sum(axis=0)
    LoudnessMeter(sr=44100, channels=1).update(y)
    resample(y[:, 0], sr=44100)
    waveform(y[:, 0], sr=SR)
    frames_begin(y[:, 0], sr=SR)
    features = compute_features(y[:, 0], sr=SR)
    character(features)
    estimate_chord(features)
    estimate_chords(features, ())
    # A loop has a tempo and a key, a one-shot an instrument: each asks its own models.
    for duration in (2.0, 1.0):
        measured = statistics(features, estimate(features, duration=duration))
        if measured is not None:
            embed(measured)
    arrange(np.eye(3, dtype=np.float32))
