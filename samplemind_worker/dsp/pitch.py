"""Pitch of single notes.

Conventions: fractional MIDI numbers (69 is A4 = 440 Hz), clarity 0 to 1, range A0 to C8. A signal has a pitch where
most of its energy follows one fundamental; noise, drums without one, chords and silence have none.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp import spectrum
from samplemind_worker.dsp.types import Features, PitchEstimate
from samplemind_worker.dsp.units import SR, note_name

F32 = npt.NDArray[np.float32]

_LOWEST_HZ, _HIGHEST_HZ = 27.0, 4300.0
_OCTAVE_COST = 0.02  # an octave lower fits as well by construction: the higher one is preferred
_HARMONICS = 10
_ALONE = 0.97
_CLEAR = 0.75


@lru_cache(maxsize=2)
def _window_correlation(size: int) -> npt.NDArray[np.float64]:
    window = spectrum.hann(size).astype(np.float64)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * size)) ** 2)
    return correlation / correlation[0]


def pitch_frames(power: F32, *, midi: F32, weight: F32) -> F32:
    """Find the fundamental of each frame.

    Parameters
    ----------
    power : ndarray of float32, shape (frames, bins)
        Power spectra of Hann-windowed frames at 22.05 kHz.
    midi, weight : ndarray of float32, shape (frames, peaks)
        Their peaks as fractional MIDI numbers and magnitudes (0 where there is none).

    Returns
    -------
    ndarray of float32, shape (frames, 3)
        Fractional MIDI number (0 where there is none), clarity (0 to 1, the normalized autocorrelation at the period)
        and level (square root of the power).

    References
    ----------
    Boersma, "Accurate short-term analysis of the fundamental frequency", 1993: autocorrelation divided by that of
    the window; the period is then refined by the spectral peaks that are its harmonics.
    """
    size = 2 * (power.shape[1] - 1)
    shortest, longest = int(SR / _HIGHEST_HZ), int(SR / _LOWEST_HZ)
    correlation = np.fft.irfft(power, size, axis=-1)[:, : longest + 2].astype(np.float64)
    energy = correlation[:, :1]
    result = np.zeros((len(power), 3), np.float32)
    result[:, 2] = np.sqrt(energy[:, 0])
    correlation = correlation / np.maximum(energy, 1e-30) / _window_correlation(size)[: longest + 2]
    before, here, after = correlation[:, :-2], correlation[:, 1:-1], correlation[:, 2:]
    lags = np.arange(1, longest + 1)
    peaks = (here > before) & (here >= after) & (lags >= shortest)
    score = np.where(peaks, here - _OCTAVE_COST * np.log2(lags / shortest + 1e-9), -1.0)
    best = score.argmax(axis=1)
    rows = np.arange(len(power))
    a, b, c = before[rows, best], here[rows, best], after[rows, best]
    bend = a - 2.0 * b + c
    lag = lags[best] + np.where(bend < 0.0, 0.5 * (a - c) / np.where(bend < 0.0, bend, 1.0), 0.0)
    # A parabola is no cosine: for the few samples of a high note's period the peaks of the spectrum know better.
    hz = SR / np.clip(lag, 1.0, None)
    peak_hz = np.where(weight > 0.0, 440.0 * 2.0 ** ((midi.astype(np.float64) - 69.0) / 12.0), 0.0)
    number = np.rint(peak_hz / hz[:, None])
    ratio = peak_hz / np.maximum(number, 1.0) / hz[:, None]
    used = np.where((number >= 1) & (number <= _HARMONICS) & (np.abs(ratio - 1.0) < 0.03), weight, 0.0)  # noqa: PLR2004 -- half a semitone
    total = used.sum(axis=1)
    hz *= np.where(total > 0.0, (used * ratio).sum(axis=1) / np.where(total > 0.0, total, 1.0), 1.0)
    # All that is heard are multiples of two or three times the fundamental: then that is the fundamental.
    for multiple in (2, 3):
        shared = np.where(number % multiple == 0, used, 0.0).sum(axis=1)
        hz *= np.where((total > 0.0) & (shared > _ALONE * total), multiple, 1)
    found = (score[rows, best] > 0.0) & (energy[:, 0] > 0.0)
    result[:, 0] = np.where(found, 69.0 + 12.0 * np.log2(hz / 440.0), 0.0)
    result[:, 1] = np.where(found, np.clip(b, 0.0, 1.0), 0.0)
    return result


def estimate_pitch(features: Features) -> PitchEstimate:
    """Give the pitch of a signal that is one note.

    Parameters
    ----------
    features : Features
        Of a short signal; longer ones have no pitch track.

    Returns
    -------
    PitchEstimate
        All None for silence, noise, unpitched drums and whatever changes its pitch.
    """
    track = features.pitch[features.pitch[:, 0] > 0.0].astype(np.float64)
    if len(track) == 0:
        return PitchEstimate()
    midi, weight = track[:, 0], track[:, 1] ** 4 * track[:, 2]
    order = np.argsort(midi)
    running = np.cumsum(weight[order])
    centre = midi[order][int(np.searchsorted(running, 0.5 * running[-1]))]
    near = np.abs(midi - centre) < 0.6  # noqa: PLR2004 -- semitones: one note with vibrato
    agreement = float(weight[near].sum() / weight.sum())
    clarity = float((track[near, 1] * weight[near]).sum() / weight[near].sum())
    confidence = agreement * clarity
    if confidence < _CLEAR:
        return PitchEstimate()
    exact = float((midi[near] * weight[near]).sum() / weight[near].sum())
    number = round(exact)
    return PitchEstimate(number, note_name(number), 100.0 * (exact - number), confidence)
