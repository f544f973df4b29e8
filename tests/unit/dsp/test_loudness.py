import warnings
from itertools import pairwise

import numpy as np
import pytest
import scipy.signal

from samplemind_worker.dsp.loudness import LoudnessMeter, _interpolator, _k_weighting, measure
from training import signals

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


@pytest.mark.parametrize("sr", [8000, 11025, 44100, 96000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_eight_lanes_filter_as_one(sr: int, channels: int):
    # An offset and a slow filter: each lane begins far from where the one before ends.
    rng = np.random.default_rng(3)
    y = (0.1 * rng.standard_normal((round(1.234 * sr), channels)) + 0.3).astype(np.float32)
    lufs, _ = measure(y, sr=sr)
    shelf, rumble = np.split(_k_weighting(sr), 2)
    filtered = y.astype(np.float64)
    for b0, b1, b2, a1, a2 in (shelf, rumble):
        filtered = scipy.signal.lfilter([b0, b1, b2], [1.0, a1, a2], filtered, axis=0)
    weights = {6: [1.0, 1.0, 1.0, 0.0, 1.41, 1.41]}.get(channels, [1.0] * channels)
    power = np.square(filtered) @ np.array(weights)
    edges = [round(0.1 * k * sr) for k in range(13)]
    steps = [power[a:b].sum() for a, b in pairwise(edges)]
    blocks = np.convolve(steps, np.ones(4), "valid") / (0.4 * sr)
    gated = blocks[blocks > 0.1 * blocks.mean()]  # nothing is near -70
    assert lufs == pytest.approx(-0.691 + 10.0 * np.log10(gated.mean()), abs=1e-7)


@pytest.mark.parametrize("frames", [1, 7, 8, 23, 24, 1000])
def test_true_peak_is_the_greatest_of_all_interpolated_values(frames: int):
    y = np.random.default_rng(frames).uniform(-0.5, 0.5, (frames, 2)).astype(np.float32)
    y[frames // 2] = 0.6, -0.7
    _, peak = measure(y, sr=44100)
    padded = np.pad(y.astype(np.float64), ((23, 23), (0, 0)))
    taps = _interpolator(4)
    between = [np.abs(np.convolve(padded[:, c], phase[::-1], "valid")).max() for c in (0, 1) for phase in taps]
    assert peak == pytest.approx(20.0 * np.log10(max(*between, np.abs(y).max())), abs=1e-5)


def test_whole_numbers_are_parts_of_full_scale():
    y = np.random.default_rng(5).integers(-32768, 32768, (9000, 2)).astype(np.int16)
    meter, other = LoudnessMeter(sr=44100, channels=2), LoudnessMeter(sr=44100, channels=2)
    taken, replaced = meter.update(y)
    np.testing.assert_array_equal(taken, (y / np.float32(32768)).T)
    assert not replaced
    other.update(y / np.float32(32768))
    assert (meter.integrated_lufs(), meter.true_peak_dbtp()) == (other.integrated_lufs(), other.true_peak_dbtp())


def test_what_is_no_number_is_silence_and_told():
    y = np.full((5000, 2), 0.1, np.float32)
    y[100], y[200, 1], y[300, 0] = np.nan, np.inf, 1e30
    taken, replaced = LoudnessMeter(sr=44100, channels=2).update(y)
    assert replaced
    assert (taken[:, 100].tolist(), taken[1, 200], taken[0, 300]) == ([0.0, 0.0], 0.0, 0.0)
    assert np.isfinite(taken).all()
