"""Pitch of single notes: the measures against plain NumPy, the answers on synthesized notes."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from samplemind_worker import dsp
from samplemind_worker.dsp import _notes, _strings, _tones
from samplemind_worker.dsp.pitch import Heard, candidates, estimate_pitch, fundamentals
from samplemind_worker.dsp.types import PitchEstimate
from training import signals, struck

SR = dsp.SR
F32 = npt.NDArray[np.float32]


def _tone(midi: float, harmonics: dict[int, float], *, seconds: float = 0.9, stretch: float = 0.0) -> F32:
    """A decaying sum of harmonics with given amplitudes; ``stretch`` is the inharmonicity of a string."""
    hz, t = 440.0 * 2.0 ** ((midi - 69.0) / 12.0), np.arange(round(seconds * SR)) / SR
    y = np.zeros(len(t))
    for k, amplitude in harmonics.items():
        f = k * hz * np.sqrt(1.0 + stretch * k * k)
        if f < 0.45 * SR:
            y += amplitude * np.sin(2.0 * np.pi * f * t + k)
    y *= np.exp(-2.0 * t) * np.minimum(t / 0.003, 1.0)
    return (0.5 * y / np.abs(y).max()).astype(np.float32)


def _estimate(y: F32) -> dsp.Estimates:
    return dsp.estimate(dsp.compute_features(y, sr=SR), duration=len(y) / SR)


def _midi(y: F32) -> float | None:
    found = _estimate(y)
    return None if found.pitch_midi is None else found.pitch_midi + (found.pitch_cents or 0.0) / 100.0


@pytest.mark.parametrize("midi", [24.0, 28.1, 33.0, 40.2, 52.0, 60.3, 72.0, 84.0, 95.9])
@pytest.mark.parametrize(
    "harmonics",
    [
        {k: k**-1.0 for k in range(1, 25)},
        {k: k**-2.0 for k in range(1, 9)},
        {k: k**-1.0 for k in range(1, 20, 2)},
    ],
    ids=["saw", "soft", "square"],
)
def test_pitch_and_octave_of_a_note(midi: float, harmonics: dict[int, float]):
    assert _midi(_tone(midi, harmonics)) == pytest.approx(midi, abs=0.15)


@pytest.mark.parametrize("midi", [31.0, 38.0, 45.0, 57.0])
def test_a_weak_fundamental_is_still_the_pitch(midi: float):
    harmonics = {1: 0.05, **{k: k**-0.7 for k in range(2, 13)}}
    assert _midi(_tone(midi, harmonics)) == pytest.approx(midi, abs=0.15)


@pytest.mark.parametrize("midi", [45.0, 60.0, 76.0])
def test_a_sine_is_its_own_pitch(midi: float):
    assert _midi(_tone(midi, {1: 1.0})) == pytest.approx(midi, abs=0.1)


def test_a_stretched_string_keeps_its_pitch():
    assert _midi(_tone(36.0, {k: k**-1.0 for k in range(1, 16)}, stretch=4e-4)) == pytest.approx(36.0, abs=0.3)


@pytest.mark.parametrize(("midi", "stretch"), [(21.0, 5e-4), (23.0, 4.5e-4), (28.0, 3e-4), (33.0, 2e-4)])
def test_a_low_string_of_a_piano_keeps_its_octave(midi: float, stretch: float):
    # The fundamental is too soft to be heard, and the twentieth partial is where the 22nd would be.
    harmonics = {1: 0.003, 2: 0.05, **{k: k**-0.5 for k in range(3, 36)}}
    assert _midi(_tone(midi, harmonics, seconds=3.0, stretch=stretch)) == pytest.approx(midi, abs=0.5)


@pytest.mark.parametrize("midi", [100.0, 104.0, 108.0])
def test_a_high_note_is_heard_above_the_knock_of_its_key(midi: float):
    rng = np.random.default_rng(int(midi))
    tone = _tone(midi, {1: 1.0, 2: 0.05}, seconds=0.8)
    knock = np.convolve(rng.normal(size=len(tone)), np.ones(30) / 30.0, "same")
    knock *= np.exp(-25.0 * np.arange(len(tone)) / SR) / np.abs(knock).max()
    assert _midi((0.5 * tone + knock).astype(np.float32) / 2.0) == pytest.approx(midi, abs=0.3)


@pytest.mark.parametrize("seconds", [0.12, 0.25, 2.5])
def test_short_and_long_notes(seconds: float):
    assert _midi(_tone(55.0, {k: 1.0 / k for k in range(1, 12)}, seconds=seconds)) == pytest.approx(55.0, abs=0.25)


@pytest.mark.parametrize("name", ["snare", "clap", "hat_closed", "hat_open", "crash"])
def test_noisy_drums_have_no_pitch(name: str):
    assert [_estimate(signals.DRUMS[name](sr=SR, seed=seed)).pitch_midi for seed in range(4)] == [None] * 4


def test_white_noise_has_no_pitch():
    assert _estimate(signals.noise(1.0, sr=SR)).pitch_midi is None


@pytest.mark.parametrize("gain", [0.01, 0.3])
def test_gain_does_not_move_the_pitch(gain: float):
    y = _tone(50.0, {k: 1.0 / k for k in range(1, 12)})
    assert _midi(y * np.float32(gain)) == pytest.approx(_midi(y), abs=0.01)


def test_confidence_is_a_chance():
    found = _estimate(_tone(64.0, {k: 1.0 / k for k in range(1, 12)}))
    assert found.pitch_confidence is not None
    assert 0.5 < found.pitch_confidence <= 1.0


def test_the_instrument_speaks_for_or_against_a_pitch():
    features = dsp.compute_features(_tone(60.0, {1: 1.0, 2: 0.5}), sr=SR)
    heard = Heard(0, 0.9, 0.9, 0.5)
    assert estimate_pitch(features, heard).confidence == pytest.approx(0.45)
    assert estimate_pitch(features, heard, tone=0.8).confidence == pytest.approx(0.72)
    assert estimate_pitch(features, heard, tone=0.1) == PitchEstimate()


def test_silence_has_no_candidates():
    rows, bands = candidates(np.zeros(4097, np.float32))
    assert rows.shape == (0, _notes.MEASURES)
    assert bands.tolist() == [-60.0] * 16


def test_measures_of_a_perfect_harmonic_series():
    hz, level = np.arange(1, 9) * 200.0, 1.0 / np.arange(1.0, 9.0)
    rows = np.empty((3, _notes.MEASURES), np.float32)
    _notes.describe(np.array([hz, level]), 8, np.array([200.0, 100.0, 400.0]), 3, 0.0, rows)
    itself, below, above = rows
    assert itself[0] == pytest.approx(69.0 + 12.0 * np.log2(200.0 / 440.0), abs=1e-4)
    assert itself[1:6] == pytest.approx(1.0, abs=0.01)  # all of it lies in harmonics
    assert itself[6] == pytest.approx(level[::2].sum() / level.sum(), rel=1e-5)
    assert itself[20:28] == pytest.approx(20.0 * np.log10(level) / 50.0, abs=1e-5)
    # An octave lower only even harmonics sound; an octave higher, the odd ones lie at odd halves.
    assert below[6] == 0.0
    assert below[1] == pytest.approx(1.0)
    assert above[1] == pytest.approx(level[1::2].sum() / level.sum(), rel=1e-5)
    assert above[8] == pytest.approx(level[::2].sum() / level.sum(), rel=1e-5)


def test_spectra_are_added_with_the_root_of_their_energy():
    power = np.random.default_rng(2).random((5, 65)).astype(np.float32)
    power[3] = 0.0
    total = np.zeros(65, np.float32)
    _tones.add_spectra(power, total)
    energy = power.sum(axis=1, keepdims=True)
    reference = (power / np.sqrt(np.where(energy > 0.0, energy, 1.0))).sum(axis=0)
    np.testing.assert_allclose(total, reference, rtol=1e-5)


def test_bands_are_shares_in_decibels():
    total = np.random.default_rng(3).random(4097).astype(np.float32)
    _, bands = candidates(total)
    edges = np.rint(25.0 * 2.0 ** (np.arange(17) / 3.0) * 8192 / SR).astype(int)
    shares = [total[a:b].sum() / total.sum() for a, b in itertools.pairwise(edges)]
    np.testing.assert_allclose(bands, 10.0 * np.log10(shares), rtol=1e-4)


def test_the_lowest_and_highest_strings_are_heard_beside_their_knock():
    rng = np.random.default_rng(77)
    played = [note for note in (struck.play(rng) for _ in range(120)) if not 34.0 <= note[1] <= 90.0]
    found = [(_midi(y), midi) for y, midi in played]
    right = [heard is not None and abs(heard - midi) < 0.6 for heard, midi in found]
    assert len(right) > 50
    assert np.mean(right) > 0.88


@pytest.mark.parametrize(("f", "stretch"), [(27.5, 5e-4), (55.0, 2e-4), (110.0, 0.0), (523.3, 8e-4)])
def test_the_stretch_of_a_string_is_fitted(f: float, stretch: float):
    number = np.arange(2, min(40, int(6000.0 / f)))
    hz = f * number * np.sqrt(1.0 + stretch * number**2)
    level = 1.0 / number
    fitted, found = np.empty(2), np.empty(2)
    start = f * np.sqrt(1.0 + 4.0 * stretch)
    _strings.fit_strings(hz, level, len(hz), np.array([start, 1.5 * start]), np.full(2, 2e-3), fitted, found)
    assert fitted[0] == pytest.approx(f, rel=1e-3)
    assert found[0] == pytest.approx(stretch, abs=2e-6)


def test_the_stretch_is_limited():
    number = np.arange(1, 12)
    hz = 100.0 * number * np.sqrt(1.0 + 1e-3 * number**2)
    fitted, found = np.empty(1), np.empty(1)
    _strings.fit_strings(hz, np.ones(11), 11, np.array([100.0]), np.array([2e-4]), fitted, found)
    assert found == pytest.approx(2e-4)


def test_the_floor_is_the_level_around_a_peak():
    total = np.full(3000, 4.0, np.float32)
    total[1500] = 4000.0
    floor = np.zeros(3000, np.float32)
    _strings.local_floor(total, 10, 2900, floor)
    assert floor[10:2900] == pytest.approx(4.0, rel=0.1)
    assert floor[[9, 2900]].tolist() == [0.0, 0.0]


def test_a_peak_above_noise_is_kept_where_louder_noise_lies_below():
    total = np.random.default_rng(5).exponential(size=4097).astype(np.float32)
    total[:900] *= 1000.0
    total[1549:1552] = 500.0, 2000.0, 500.0
    assert np.abs(fundamentals(total)[:, 0] - (69.0 + 12.0 * np.log2(1550 * SR / 8192 / 440.0))).min() < 0.05


def test_silence_has_no_fundamentals():
    assert fundamentals(np.zeros(4097, np.float32)).shape == (0, _notes.STRETCHED_MEASURES)
