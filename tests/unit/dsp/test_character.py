import numpy as np
import numpy.typing as npt
import pytest

from samplemind_worker import dsp
from samplemind_worker.dsp.character import MEASURES, attack_seconds, character
from training import signals

SR = dsp.SR
F32 = npt.NDArray[np.float32]


def measured(y: F32) -> dict[str, float | None]:
    return character(dsp.compute_features(np.asarray(y, np.float32), sr=SR))


def fade(y: F32, seconds: float) -> F32:
    """Falls by 60 dB in so many seconds."""
    return (y * 10.0 ** (-3.0 * np.arange(len(y)) / (seconds * SR))).astype(np.float32)


def test_silence_has_no_character():
    assert measured(signals.silence(1.0, sr=SR)) == dict.fromkeys(MEASURES)


@pytest.mark.parametrize("make", [signals.kick, signals.snare, signals.hat_closed, signals.crash])
@pytest.mark.parametrize("gain", [1.0, 0.01])
def test_every_measure_is_finite_and_independent_of_the_gain(make: object, gain: float):
    y = make(sr=SR)  # type: ignore[operator]
    one, other = measured(y), measured(gain * y)
    assert list(one) == list(MEASURES)
    assert all(value is None or np.isfinite(value) for value in one.values())
    assert {name for name in MEASURES if one[name] is None} == {name for name in MEASURES if other[name] is None}
    for name, value in one.items():
        assert other[name] == (None if value is None else pytest.approx(value, rel=0.01, abs=2e-4))


def test_one_sample_has_a_character():
    one = measured(np.ones(1, np.float32))
    assert one["attack_seconds"] == 0.0
    assert one["length_seconds"] is not None


@pytest.mark.parametrize("seconds", [0.01, 0.1, 0.5])
def test_attack_is_the_time_of_a_linear_rise_from_a_tenth_to_eight_tenths(seconds: float):
    y = signals.sine(1000.0, 1.0, sr=SR)
    rise = round(seconds * SR)
    y[:rise] *= np.linspace(0.0, 1.0, rise, dtype=np.float32)
    assert attack_seconds(y) == pytest.approx(0.7 * seconds, abs=0.003)


def test_attack_is_not_longer_for_silence_in_front():
    y = signals.kick(sr=SR)
    late = np.concatenate([np.zeros(4000, np.float32), y])
    assert attack_seconds(late) == pytest.approx(attack_seconds(y), abs=0.0021)


@pytest.mark.parametrize("seconds", [0.3, 0.9, 2.4])
def test_decay_tail_and_length_follow_an_exponential_fall(seconds: float):
    found = measured(fade(signals.noise(1.2 * seconds, sr=SR), seconds))
    assert found["decay_seconds"] == pytest.approx(seconds / 3.0, rel=0.1, abs=0.02)
    assert found["tail_seconds"] == pytest.approx(seconds / 3.0, rel=0.15, abs=0.02)
    assert found["length_seconds"] == pytest.approx(seconds / 2.0, rel=0.1, abs=0.03)


def test_a_sound_that_ends_before_it_has_faded_has_no_tail():
    assert measured(signals.sine(440.0, 1.0, sr=SR))["tail_seconds"] is None


def test_sustain_is_one_for_what_is_held_and_small_for_what_dies_away():
    held = measured(signals.sine(440.0, 1.0, sr=SR))["sustain"]
    assert held == pytest.approx(1.0, abs=0.03)
    assert (measured(fade(signals.sine(440.0, 1.0, sr=SR), 0.8))["sustain"] or 1.0) < 0.3


def test_crest_of_a_sine_is_three_decibels():
    assert measured(signals.sine(440.0, 2.0, sr=SR))["crest_db"] == pytest.approx(3.01, abs=0.1)


def test_transient_tells_a_click_from_a_held_sound():
    click = measured(fade(signals.noise(0.5, sr=SR), 0.05))["transient_db"]
    held = measured(signals.noise(0.5, sr=SR))["transient_db"]
    assert click is not None
    assert click > 15.0
    assert held == pytest.approx(0.0, abs=2.5)


def test_modulation_is_that_of_a_tremolo():
    y, t = signals.sine(440.0, 3.0, sr=SR), np.arange(3 * SR) / SR
    decibels = 6.0 * np.sin(2.0 * np.pi * 6.0 * t)
    found = measured((y * 10.0 ** (decibels / 20.0)).astype(np.float32))["modulation_db"]
    assert found == pytest.approx(6.0 / np.sqrt(2.0), rel=0.2)
    assert (measured(y)["modulation_db"] or 0.0) < 0.1


@pytest.mark.parametrize("bpm", [60.0, 120.0, 240.0])
def test_onsets_a_second_are_those_of_a_click_track(bpm: float):
    y = signals.click_track(bpm, 8.0, sr=SR)
    assert measured(y)["onsets_per_second"] == pytest.approx(bpm / 60.0, rel=0.15)


def test_short_sounds_have_no_rate_of_onsets():
    assert measured(signals.hat_closed(sr=SR))["onsets_per_second"] is None


@pytest.mark.parametrize(
    ("hz", "name"),
    [(45.0, "sub"), (110.0, "low"), (400.0, "low_mid"), (1000.0, "mid"), (4000.0, "high"), (8000.0, "air")],
)
def test_the_energy_of_a_sine_lies_in_its_range(hz: float, name: str):
    found = measured(signals.sine(hz, 2.0, sr=SR))
    assert found[f"{name}_share"] == pytest.approx(1.0, abs=0.02)
    assert found["brightness_hz"] == pytest.approx(hz, rel=0.3)


def test_shares_add_up_to_one():
    found = measured(signals.snare(sr=SR))
    shares = [value for name, value in found.items() if name.endswith("_share")]
    assert len(shares) == 6
    assert sum(value or 0.0 for value in shares) == pytest.approx(1.0, abs=1e-3)


def test_a_click_is_brighter_than_the_body_behind_it():
    y = signals.sine(60.0, 0.5, sr=SR)
    y[:300] += signals.noise(1.0, sr=SR)[:300]
    found = measured(y)
    assert (found["attack_brightness_hz"] or 0.0) > 4.0 * (found["body_brightness_hz"] or 1e9)


def test_noise_is_flat_and_a_sine_is_a_peak():
    noise, sine = measured(signals.noise(1.0, sr=SR)), measured(signals.sine(440.0, 1.0, sr=SR))
    assert (noise["noisiness_db"] or -99.0) > -6.0
    assert (sine["noisiness_db"] or 0.0) < -30.0
    assert (noise["tonalness"] or 1.0) < 0.5 < (sine["tonalness"] or 0.0)
