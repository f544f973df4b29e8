"""How far a sound reaches, at its own rate and at a higher one."""

import numpy as np
import pytest
import soxr

from samplemind_worker.dsp.bandwidth import bandwidth
from training import signals

RATE = 44100


@pytest.mark.parametrize("hz", [100.0, 5000.0, 15000.0])
def test_a_sine_reaches_as_far_as_its_frequency(hz: float):
    y = np.sin(2.0 * np.pi * hz * np.arange(20000) / RATE).astype(np.float32)
    assert bandwidth(y, sr=RATE) == pytest.approx(hz, abs=250.0)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 96000])
def test_noise_reaches_half_its_rate(rate: int):
    assert bandwidth(signals.noise(0.3, sr=rate), sr=rate) == pytest.approx(rate / 2, rel=0.01)


@pytest.mark.parametrize("low", [16000, 22050, 32000, 44100])
@pytest.mark.parametrize("kind", ["snare", "hat_closed", "clap"])
def test_resampling_to_a_higher_rate_adds_nothing(kind: str, low: int):
    y = signals.DRUMS[kind](0.3, sr=low, seed=1)
    reach = bandwidth(y, sr=low)
    assert reach is not None
    higher = np.rint(32767.0 * soxr.resample(y, low, 96000)).astype(np.float32) / np.float32(32768.0)
    assert bandwidth(higher, sr=96000) == pytest.approx(reach, rel=0.05)


@pytest.mark.parametrize("samples", [1, 30, 5000])
def test_silence_reaches_nowhere(samples: int):
    assert bandwidth(np.zeros(samples, np.float32), sr=RATE) is None
    assert bandwidth(np.zeros(0, np.float32), sr=RATE) is None
