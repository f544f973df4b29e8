"""Estimates the pitch of single notes.

Conventions: fractional MIDI numbers (69 is A4 = 440 Hz), confidence 0 to 1, range A0 to C8. A signal has a pitch if
most of its energy belongs to one fundamental; noise, unpitched drums, chords and silence have none. `training/pitch.py`
trains two networks, which choose a candidate and decide whether there is a pitch; whoever changes a measure has to
train them again. The instrument, where it is known, has a say in that.
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
_CANDIDATES = 40
_STIFFEST = 3.0
"""Greatest inharmonicity that is fitted, as a multiple of that of a piano's string of this pitch."""
_LONGEST = 5 * SR  # samples; the training material has no longer sounds
_BANDS = 16
_BANDS_FROM_HZ = 25.0
SURE = 0.2
"""Least probability at which a pitch is reported. By the pitch's networks alone, 2 % of held-out notes get none, and
7 % of other one-shots get one."""

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
        Power spectrum of the whole sound, as `_tones.add_spectra` sums it, at 22.05 kHz.

    Returns
    -------
    tuple of ndarray of float32
        Measures (candidates, 28) of `_notes.describe`, beginning with the fractional MIDI number; no rows
        for silence. Levels (16,) of thirds of an octave from 25 Hz on, in dB relative to the whole.

    References
    ----------
    Terhardt, "Calculating virtual pitch", 1979 (fractions of each peak as candidates); Hermes, "Measurement of pitch by
    subharmonic summation", 1988; Camacho and Harris, "A sawtooth waveform inspired pitch estimator", 2008 (energy
    between the harmonics counts against a candidate).
    """
    bin_hz, low, high = _range(total)
    bands = np.empty(_BANDS, np.float32)
    _notes.sum_bands(total, _edges(2 * (len(total) - 1)), bands)
    rows = np.empty((_CANDIDATES, _notes.MEASURES), np.float32)
    count = _notes.find_evidence(total, bin_hz, low, high, _LOWEST_HZ, _HIGHEST_HZ, 0.0, rows)
    return rows[:count], bands


def fundamentals(total: F32) -> F32:
    """Propose fundamentals of a sound whose partials may be stretched, as those of stiff strings are.

    Parameters
    ----------
    total : ndarray of float32, shape (bins,)
        As for `candidates`.

    Returns
    -------
    ndarray of float32, shape (fundamentals, 34)
        The measures of `_notes.describe`, beginning with the fractional MIDI number; no rows for silence. The number
        is that of the mean of the first six partials, each divided by its number: low strings of a piano are tuned by
        these, as their fundamental is hardly heard.

    References
    ----------
    As for `candidates`; Fletcher, "Normal vibration frequencies of a stiff piano string", 1964; Rigaud, David and
    Daudet, "A parametric model and estimation techniques for the inharmonicity and tuning of the piano", 2013;
    Klapuri, "Multiple fundamental frequency estimation by summing harmonic amplitudes", 2006 (whitening).
    """
    bin_hz, low, high = _range(total)
    rows = np.empty((_CANDIDATES, _notes.STRETCHED_MEASURES), np.float32)
    count = _notes.find_evidence(total, bin_hz, low, high, _LOWEST_HZ, _HIGHEST_HZ, _STIFFEST, rows)
    return rows[:count]


def _range(total: F32) -> tuple[float, int, int]:
    """Return the width of a bin, and the first and last bin in which peaks are found."""
    bin_hz = SR / (2 * (len(total) - 1))
    return bin_hz, max(3, round(_LOWEST_HZ / bin_hz)), round(_HIGHEST_PARTIAL_HZ / bin_hz)


def sound_row(features: Features) -> F64:
    """Return what of the whole sound distinguishes a note from a drum, a chord or noise: (3,).

    The share of its energy in peaks, the strength of their common tuning, and its length in octaves of samples.
    """
    return np.array([tonalness(features), features.tuning_strength, math.log2(min(features.samples, _LONGEST))])


def pitched_row(rows: F32, best: int, chances: F64, level: F32, sound: F64) -> F64:
    """Return the measures that distinguish a note from a drum, a chord or noise: those of a candidate, and six more.

    Parameters
    ----------
    rows : ndarray of float32, shape (candidates, measures)
    best : int
        The likeliest candidate.
    chances : ndarray of float, shape (candidates,)
        Their probabilities.
    level : ndarray of float32, shape (n,)
        `Features.level`.
    sound : ndarray of float, shape (3,)
        The result of `sound_row`.
    """
    row = np.empty(rows.shape[1] + 6)
    _notes.describe_note(rows, best, chances, level, row)
    row[rows.shape[1] + 2 : -1] = sound
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
    """Return the networks' judgement of the fundamentals of a sound; None if there are none."""
    rows = features.fundamentals
    if len(rows) == 0:
        return None
    chances = probabilities("pitch", rows, part="which")
    best = int(chances.argmax())
    row = pitched_row(rows, best, chances, features.level, sound_row(features))
    odds = probabilities("pitch", row, part="pitched")
    same, alike = row[rows.shape[1] : rows.shape[1] + 2].tolist()
    return Heard(best, same, alike, float(odds[1]))


def estimate_pitch(features: Features, heard: Heard | None, *, tone: float = 0.5) -> PitchEstimate:
    """Estimate the pitch of a signal that is one note.

    Parameters
    ----------
    features : Features
    heard : Heard or None
        The result of `hear` for the same signal.
    tone : float
        Probability, by the instrument, that it is one that plays notes; 0.5 if nothing is known.

    Returns
    -------
    PitchEstimate
        All None for silence, noise, unpitched drums, and if a pitch is too unlikely. That it is this one may
        still be too unlikely to be reported (`LEAST`). The confidence is the probability
        that there is a pitch and that it is this one, octave included.

    Notes
    -----
    The networks of the pitch and of the instrument look at different measures of the sound, so the odds that they give
    are multiplied (Hinton, "Products of experts", 1999). This tells toms, cymbals and rain from notes.
    """
    if heard is None:
        return PitchEstimate()
    both, neither = heard.pitched * tone, (1.0 - heard.pitched) * (1.0 - tone)
    pitched = both / max(both + neither, 1e-12)
    if pitched < SURE:
        return PitchEstimate()
    exact = float(features.fundamentals[heard.best, 0])
    number = round(exact)
    return PitchEstimate(number, note_name(number), 100.0 * (exact - number), pitched * heard.same)
