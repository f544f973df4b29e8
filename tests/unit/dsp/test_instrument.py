"""Instruments of synthesized hits and notes, none of which the network has learned from."""

import numpy as np
import numpy.typing as npt
import pytest

from samplemind_worker import dsp
from samplemind_worker.dsp.instrument import CLASSES, DRUMS, SURE, describe, divided
from samplemind_worker.dsp.pitch import hear
from training import signals

SR = dsp.SR
F32 = npt.NDArray[np.float32]


def _row(y: F32) -> F32:
    features = dsp.compute_features(y, sr=SR)
    return describe(features, hear(features))


def _name(y: F32) -> str | None:
    return dsp.estimate(dsp.compute_features(y, sr=SR), duration=len(y) / SR).instrument


@pytest.mark.parametrize("name", ["kick", "snare", "hat_closed", "hat_open", "tom", "crash"])
def test_drums_are_named(name: str):
    named = [_name(signals.DRUMS[name](sr=SR, seed=seed)) for seed in range(8)]
    assert named.count(name) >= 5


def test_a_low_pluck_is_a_bass():
    named = [_name(signals.note(midi, 1.0, sr=SR, voice="bass")) for midi in range(28, 41, 2)]
    assert named.count("bass") >= 4


def test_longer_material_is_named_by_its_kind():
    assert _name(signals.drum_loop(120.0, bars=2, sr=SR)) == "drum_loop"
    assert _name(signals.melodic_loop(2, "minor", 120.0, sr=SR)) == "music_loop"
    assert _name(signals.track(2, "minor", 120.0, 30.0, sr=SR)) == "song"


def test_a_bed_of_noise_is_an_ambience():
    y = signals.noise(12.0, sr=SR, seed=3)
    slow = np.interp(np.arange(len(y)), np.linspace(0, len(y), 9), [0.5, 1.0, 0.6, 0.9, 0.5, 0.8, 1.0, 0.6, 0.7])
    assert _name((0.4 * y * slow).astype(np.float32)) == "ambience"


def test_what_has_no_sound_has_no_name():
    assert _name(signals.silence(0.5, sr=SR)) is None


def test_names_come_with_a_chance_that_is_not_small():
    for seed in range(6):
        y = signals.DRUMS["snare"](sr=SR, seed=seed)
        found = dsp.estimate(dsp.compute_features(y, sr=SR), duration=len(y) / SR)
        assert (found.instrument is None) == (found.instrument_confidence is None)
        if found.instrument is not None:
            assert found.instrument in CLASSES
            assert SURE <= (found.instrument_confidence or 0.0) <= 1.0


def test_which_drum_it_is_changes_nothing_about_whether_it_is_one():
    rng = np.random.default_rng(1)
    odds, drums = rng.dirichlet(np.ones(len(CLASSES)), 5), rng.dirichlet(np.ones(len(DRUMS)), 5)
    found = divided(odds, drums)
    np.testing.assert_array_equal(found[:, len(DRUMS) :], odds[:, len(DRUMS) :])
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    np.testing.assert_array_equal(found[:, : len(DRUMS)].argmax(axis=1), drums.argmax(axis=1))


@pytest.mark.parametrize("samples", [1, 50, 600, 5000, 15 * SR])
def test_any_length_can_be_described(samples: int):
    row = _row(signals.noise(16.0, sr=SR)[:samples])
    assert row.shape == (180,)
    assert np.isfinite(row).all()


def test_gain_changes_no_measure():
    y = signals.snare(sr=SR, seed=2)
    np.testing.assert_allclose(_row(y * np.float32(0.05)), _row(y), atol=0.05)


def test_what_rings_longer_than_is_looked_at_says_nothing():
    y = signals.crash(8.0, sr=SR, seed=1)
    np.testing.assert_allclose(_row(y)[:131], _row(y[: round(4.2 * SR)])[:131], atol=0.2)


def test_levels_fall_as_the_sound_does():
    t = np.arange(SR) / SR
    y = (np.sin(2.0 * np.pi * 2000.0 * t) * 10.0 ** (-60.0 / 20.0 * t)).astype(np.float32)  # 60 dB a second
    row = _row(y)
    # The fall by 20 dB takes a third of a second, that by 40 dB two thirds: frames of 128 samples, on a scale of log2.
    assert 2.0 ** row[11] * 128 / SR == pytest.approx(1.0 / 3.0, abs=0.03)
    assert 2.0 ** row[12] * 128 / SR == pytest.approx(2.0 / 3.0, abs=0.03)
