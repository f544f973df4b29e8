import numpy as np
import pytest
import soxr

from samplemind_worker.dsp.resample import resample
from training import signals

SR = 22050


@pytest.mark.parametrize("samples", [1, 2, 3, 1001, 3327, 3328, 3329, 60001])
def test_half_the_rate_agrees_with_soxr(samples: int):
    y = signals.noise(samples / 44100 + 1.0, sr=44100, seed=1)[:samples]
    halved = resample(y, sr=44100)
    assert halved.dtype == np.float32
    # For a signal that reaches 1, this is the rounding of float32 alone, in soxr as here.
    np.testing.assert_allclose(halved, soxr.resample(y, 44100, SR, quality="HQ"), atol=2e-6 * np.abs(y).max())


@pytest.mark.parametrize("sr", [8000, 48000, 96000])
def test_other_rates_are_left_to_soxr(sr: int):
    y = signals.noise(0.5, sr=sr, seed=2)
    np.testing.assert_array_equal(resample(y, sr=sr), soxr.resample(y, sr, SR, quality="HQ"))


def test_what_has_the_rate_stays_as_it_is():
    y = signals.noise(0.1, sr=SR)
    assert resample(y, sr=SR) is y


@pytest.mark.parametrize(("hz", "left"), [(1000.0, 1.0), (10000.0, 1.0), (11100.0, 0.0), (20000.0, 0.0)])
def test_what_is_above_half_the_rate_is_gone_and_what_is_below_stays(hz: float, left: float):
    y = resample(signals.sine(hz, 1.0, sr=44100, level=1.0), sr=44100)[2000:-2000]
    assert np.sqrt(2.0 * np.square(y).mean()) == pytest.approx(left, abs=2e-4)


def test_a_signal_that_must_not_be_written_to_is_taken():
    y = signals.noise(0.2, sr=44100)
    expected = resample(y, sr=44100)
    y.flags.writeable = False
    np.testing.assert_array_equal(resample(y, sr=44100), expected)
