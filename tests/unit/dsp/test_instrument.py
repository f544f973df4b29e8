"""Instruments of synthesized hits and notes, none of which the network has learned from."""

import numpy as np
import numpy.typing as npt
import pytest

from samplemind_worker import dsp
from samplemind_worker.dsp.instrument import CLASSES, MEASURES, SURE, chances, describe, draw
from training import signals

SR = dsp.SR
F32 = npt.NDArray[np.float32]


def _row(y: F32) -> F32:
    return describe(dsp.compute_features(y, sr=SR))


def _picture(y: F32) -> F32:
    return draw(dsp.compute_features(y, sr=SR))


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


@pytest.mark.parametrize("samples", [1, 50, 600, 5000, 15 * SR])
def test_any_length_can_be_described(samples: int):
    features = dsp.compute_features(signals.noise(16.0, sr=SR)[:samples], sr=SR)
    row, picture = describe(features), draw(features)
    assert row.shape == (MEASURES,) == (238,)
    assert picture.shape == (40, 24)
    assert np.isfinite(row).all()
    assert -60.0 <= picture.min() <= picture.max() <= 0.1
    np.testing.assert_allclose(chances(features).sum(), 1.0)


def test_gain_changes_no_measure():
    y = signals.snare(sr=SR, seed=2)
    np.testing.assert_allclose(_row(y * np.float32(0.05)), _row(y), atol=0.05)
    np.testing.assert_allclose(_picture(y * np.float32(0.05)), _picture(y), atol=0.05)


def test_the_picture_begins_with_the_attack():
    y = signals.snare(sr=SR, seed=2)
    early, late = (np.concatenate([np.zeros(count * 512, np.float32), y]) for count in (4, 40))
    np.testing.assert_allclose(_picture(late), _picture(early), atol=0.1)


def test_the_picture_falls_as_the_sound_does():
    t = np.arange(4 * SR) / SR
    y = (signals.noise(4.0, sr=SR, seed=1) * 10.0 ** (-15.0 / 20.0 * t)).astype(np.float32)  # 15 dB a second
    picture = _picture(y)
    # Column 12 holds frames 16 to 19, the last one frames 112 to 127, of 512 samples each.
    fall = (picture[:, 12] - picture[:, 23]).mean()
    assert fall == pytest.approx(15.0 * (119.5 - 17.5) * 512 / SR, abs=1.5)


def test_the_attack_shows_one_hit_or_several():
    click = (0.5 * signals.noise(0.004, sr=SR, seed=1)).astype(np.float32)
    y = np.zeros(SR // 2, np.float32)
    for place in (0.0, 0.03, 0.06):
        y[round(place * SR) : round(place * SR) + len(click)] += click
    one = np.zeros_like(y)
    one[: len(click)] = click
    # Levels at each 6 ms from 12 ms before the attack on: three hits are loud again after 30 and 60 ms.
    several, single = _row(y)[178:202], _row(one)[178:202]
    assert single[8:].max() < -40.0
    assert several[5:9].max() > -3.0
    assert several[10:14].max() > -3.0


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
