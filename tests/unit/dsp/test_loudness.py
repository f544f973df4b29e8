import warnings

import numpy as np
import pytest

from samplemind_worker.dsp.loudness import LoudnessMeter, measure
from tests import signals

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyloudnorm


def _programme(sr: int) -> np.ndarray:
    """Music with a quiet and a loud part, so that both gates matter."""
    loop = signals.melodic_loop(0, "major", 120.0, bars=2, sr=sr)
    left = np.concatenate([0.02 * loop, loop, 0.3 * loop, np.zeros(sr, np.float32)])
    return np.stack([left, np.roll(left, 50) * 0.5], axis=1).astype(np.float32)


@pytest.mark.parametrize("sr", [11025, 22050, 44100, 48000, 96000])
def test_integrated_loudness_agrees_with_pyloudnorm(sr: int):
    y = _programme(sr)
    meter = pyloudnorm.Meter(sr, filter_class="DeMan")
    lufs, _ = measure(y, sr=sr)
    assert lufs == pytest.approx(meter.integrated_loudness(y.astype(np.float64)), abs=0.1)


def test_reference_sine_reads_minus_three():
    # BS.1770-4: a 997 Hz sine of 0 dBFS in one front channel reads -3.01 LUFS
    lufs, peak = measure(signals.sine(997.0, 5.0, sr=48000, level=1.0), sr=48000)
    assert lufs == pytest.approx(-3.01, abs=0.02)
    assert peak == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("sr", [44100, 48000])
def test_true_peak_finds_what_lies_between_samples(sr: int):
    # A quarter of the rate at 45 degrees: every sample is 3.01 dB below the crest.
    y = signals.sine(sr / 4, 1.0, sr=sr, level=0.5, phase=np.pi / 4)
    y *= np.hanning(len(y)).astype(np.float32)  # a hard edge would ring beyond the crest
    _, peak = measure(y, sr=sr)
    assert peak == pytest.approx(20 * np.log10(0.5), abs=0.1)


def test_blocks_of_any_size_give_the_same_answer():
    y = _programme(44100)
    whole = measure(y, sr=44100)
    meter = LoudnessMeter(sr=44100, channels=2)
    rng, first = np.random.default_rng(1), 0
    while first < len(y):
        size = int(rng.integers(1, 30000))
        meter.update(np.ascontiguousarray(y[first : first + size]))
        first += size
    assert meter.integrated_lufs() == pytest.approx(whole[0], abs=1e-9)
    assert meter.true_peak_dbtp() == pytest.approx(whole[1], abs=1e-9)


@pytest.mark.parametrize("gain", [0.1, 0.5])
def test_gain_moves_loudness_and_peak_alike(gain: float):
    y = _programme(44100)[44100 * 4 :]
    before, after = measure(y, sr=44100), measure(y * np.float32(gain), sr=44100)
    assert after[0] - before[0] == pytest.approx(20 * np.log10(gain), abs=0.05)
    assert after[1] - before[1] == pytest.approx(20 * np.log10(gain), abs=1e-3)


def test_silence_has_no_loudness_and_no_peak():
    assert measure(signals.silence(2.0), sr=44100) == (None, None)


def test_short_hit_is_measured_as_one_block():
    y = signals.sine(997.0, 0.2, sr=48000, level=1.0)
    lufs, _ = measure(y, sr=48000)
    assert lufs == pytest.approx(-3.01, abs=0.2)  # the filter's transient is a part of so short a block


def test_surround_leaves_out_the_lfe_and_lifts_the_rear():
    tone = signals.sine(997.0, 2.0, sr=48000, level=0.5)

    def at(channel: int) -> float | None:
        y = np.zeros((len(tone), 6), np.float32)
        y[:, channel] = tone
        return measure(y, sr=48000)[0]

    assert at(3) is None
    front, rear = at(0), at(4)
    assert front is not None
    assert rear is not None
    assert rear - front == pytest.approx(10 * np.log10(1.41), abs=1e-6)
