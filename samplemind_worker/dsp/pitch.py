"""Estimates the pitch of single notes.

Conventions: fractional MIDI numbers (69 is A4 = 440 Hz), confidence 0 to 1, range A0 to C8. A signal has a pitch if
most of its energy belongs to one fundamental; noise, unpitched drums, chords and silence have none. `training/pitch.py`
trains two networks, which choose a candidate and decide whether there is a pitch; whoever changes a measure has to
train them again.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp import _notes
from samplemind_worker.dsp.key_model import tonalness
from samplemind_worker.dsp.probabilities import probabilities
from samplemind_worker.dsp.types import Features, PitchEstimate
from samplemind_worker.dsp.units import SR
from samplemind_worker.pitches import note_name

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_LOWEST_HZ, _HIGHEST_HZ = 25.0, 4300.0
_HIGHEST_PARTIAL_HZ = 6000.0
_PEAKS, _CANDIDATES = 96, 40
_LONGEST = 5 * SR  # samples; the training material has no longer sounds
_BANDS = 16
_BANDS_FROM_HZ = 25.0
SURE = 0.2
"""Least probability at which a pitch is reported: 2 % of held-out notes get none, 7 % of other one-shots get one."""

LEAST = 0.25
"""Confidence below which no pitch is reported: of 17 such answers on recordings that it never heard 9 are right."""


@lru_cache(maxsize=2)
def _edges(size: int) -> npt.NDArray[np.int64]:
    """Return the bins at the edges of the bands: thirds of an octave from 25 Hz to 1 kHz."""
    hz = _BANDS_FROM_HZ * 2.0 ** (np.arange(_BANDS + 1) / 3.0)
    return np.rint(hz * size / SR).astype(np.int64)


def candidates(total: F32) -> tuple[F32, F32]:
    """Propose fundamentals of a sound and measure the evidence for each.

    Parameters
    ----------
    total : ndarray of float32, shape (bins,)
        Power spectrum of the whole sound, as `_notes.add_spectra` sums it, at 22.05 kHz.

    Returns
    -------
    tuple of ndarray of float32
        Measures (candidates, 28) of `_notes.describe_candidates`, beginning with the fractional MIDI number; no rows
        for silence. Levels (16,) of thirds of an octave from 25 Hz on, in dB relative to the whole.

    References
    ----------
    Terhardt, "Calculating virtual pitch", 1979 (fractions of each peak as candidates); Hermes, "Measurement of pitch by
    subharmonic summation", 1988; Camacho and Harris, "A sawtooth waveform inspired pitch estimator", 2008 (energy
    between the harmonics counts against a candidate).
    """
    size = 2 * (len(total) - 1)
    bin_hz = SR / size
    low, high = max(3, round(_LOWEST_HZ / bin_hz)), round(_HIGHEST_PARTIAL_HZ / bin_hz)
    bands = np.empty(_BANDS, np.float32)
    _notes.sum_bands(total, _edges(size), bands)
    hz, level, proposed = np.empty(_PEAKS), np.empty(_PEAKS), np.empty(_CANDIDATES)
    peaks = _notes.whole_peaks(total, bin_hz, low, high, hz, level)
    count = _notes.propose(hz, level, peaks, _LOWEST_HZ, _HIGHEST_HZ, proposed)
    rows = np.empty((count, _notes.MEASURES), np.float32)
    _notes.describe_candidates(hz, level, peaks, proposed, count, rows)
    return rows, bands


def pitched_row(features: Features, best: int, chances: F64) -> F64:
    """Return the measures that distinguish a note from a drum, a chord or noise: (34,)."""
    row = np.empty(_notes.MEASURES + 6)
    _notes.describe_note(features.pitch, best, chances, features.level, row)
    row[_notes.MEASURES + 2 : -1] = (
        tonalness(features),
        features.tuning_strength,
        math.log2(min(features.samples, _LONGEST)),
    )
    return row


@dataclass(frozen=True, slots=True)
class Heard:
    """The networks' judgement of the pitch candidates of a sound."""

    best: int
    """Index of the most likely candidate."""
    same: float
    """Probability of this candidate and its near neighbours, 0 to 1."""
    alike: float
    """Probability of its pitch class."""
    pitched: float
    """Probability that there is a pitch."""


def hear(features: Features) -> Heard | None:
    """Return the networks' judgement of the pitch candidates; None if there are none."""
    if len(features.pitch) == 0:
        return None
    chances = probabilities("pitch", features.pitch, part="which")
    best = int(chances.argmax())
    row = pitched_row(features, best, chances)
    odds = probabilities("pitch", row, part="pitched")
    return Heard(best, float(row[_notes.MEASURES]), float(row[_notes.MEASURES + 1]), float(odds[1]))


def estimate_pitch(features: Features, heard: Heard | None) -> PitchEstimate:
    """Estimate the pitch of a signal that is one note.

    Parameters
    ----------
    features : Features
    heard : Heard or None
        The result of `hear` for the same signal.

    Returns
    -------
    PitchEstimate
        All None for silence, noise, unpitched drums, and if a pitch is too unlikely. That it is this one may
        still be too unlikely to be reported (`LEAST`). The confidence is the probability
        that there is a pitch and that it is this one, octave included.
    """
    if heard is None or heard.pitched < SURE:
        return PitchEstimate()
    exact = float(features.pitch[heard.best, 0])
    number = round(exact)
    return PitchEstimate(number, note_name(number), 100.0 * (exact - number), heard.pitched * heard.same)
