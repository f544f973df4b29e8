"""What codecs and old samplers do to material."""

import numpy as np
import numpy.typing as npt
import pytest

from training import augment, signals

SR = augment.SR
F32 = npt.NDArray[np.float32]


def _tone(hz: float) -> F32:
    return np.asarray(0.9 * np.sin(2.0 * np.pi * hz * np.arange(SR) / SR), np.float32)


@pytest.mark.parametrize("seed", range(6))
def test_a_coded_sound_is_as_long_and_nearly_the_same(seed: int):
    y = _tone(440.0)
    coded = augment.coded(y, np.random.default_rng(seed))
    assert coded.shape == y.shape
    assert np.corrcoef(coded, y)[0, 1] > 0.95
    assert np.abs(coded - 0.9 * y).max() > 1e-5


def test_of_a_long_sound_the_first_seconds_are_coded():
    assert len(augment.coded(np.tile(_tone(440.0), 7), np.random.default_rng(0))) == 5 * SR


@pytest.mark.parametrize("seed", range(6))
def test_the_memory_of_a_sampler_holds_few_values(seed: int):
    y = signals.snare(sr=SR, seed=seed)
    held = augment.sampled(y, np.random.default_rng(seed))
    assert len(np.unique(held)) <= 2 * 2**11 + 1 < len(np.unique(y))
    assert np.abs(held).max() == pytest.approx(1.0)


def test_a_sampler_retunes_and_cuts():
    y = _tone(440.0)
    held = [augment.sampled(y, np.random.default_rng(seed)) for seed in range(12)]
    peaks = [float(np.abs(np.fft.rfft(h)).argmax()) * SR / len(h) for h in held]
    assert min(peaks) < 420.0
    assert max(peaks) > 460.0
    assert min(len(h) for h in held) < 0.6 * SR
