import numpy as np
import numpy.typing as npt
import pytest
import scipy.signal

from samplemind_worker.dsp.waveform import LEAST_SAMPLES, MOST_BUCKETS, WaveformMeter, waveform
from training import signals

ONE_STEP = 1.0


def rows(data: bytes) -> npt.NDArray[np.int64]:
    """The extremes about zero: (buckets, 6)."""
    return np.frombuffer(data, np.uint8).reshape(-1, 6).astype(np.int64) - 128


def reference(y: npt.NDArray[np.float32], sr: int, hop: int) -> npt.NDArray[np.float64]:
    """Butterworth filters of the second order by SciPy, and the extremes of each bucket."""

    def _filtered(edge: float, kind: str, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return scipy.signal.sosfilt(scipy.signal.butter(2, edge, kind, fs=sr, output="sos"), x)

    x = y.astype(np.float64)
    rest = _filtered(250.0, "high", x)
    bands = (_filtered(250.0, "low", x), _filtered(2500.0, "low", rest), _filtered(2500.0, "high", rest))
    found = [[of(band[at : at + hop]) for band in bands for of in (np.min, np.max)] for at in range(0, len(y), hop)]
    return np.array(found) * (127.0 / np.abs(found).max())


@pytest.mark.parametrize("sr", [8_000, 22_050, 44_100, 192_000])
@pytest.mark.parametrize("seconds", [0.05, 0.4, 5.0])
def test_it_is_what_scipy_s_filters_give(sr: int, seconds: float):
    y = signals.drum_loop(120.0, bars=3, sr=sr)[: round(seconds * sr)]
    hop = max(LEAST_SAMPLES, 8 * -(-len(y) // (8 * MOST_BUCKETS)))

    found, wanted = rows(waveform(y, sr=sr)), reference(y, sr, hop)

    assert found.shape == wanted.shape
    # Behind the end of the signal the last bucket hears it once more, backwards.
    assert np.abs(found - wanted)[:-1].max() <= ONE_STEP


@pytest.mark.parametrize(("hz", "band"), [(60.0, 0), (800.0, 1), (6_000.0, 2)])
def test_a_tone_is_drawn_in_its_band(hz: float, band: int):
    found = np.abs(rows(waveform(signals.sine(hz, 1.0, sr=22_050), sr=22_050))[20:-20]).max(axis=0).reshape(3, 2)

    assert found[band].min() >= 100
    assert np.delete(found, band, axis=0).max() <= 32


@pytest.mark.parametrize("samples", [1, 15, 16, 17, 5_440, 5_441, 22_050, 1_000_000])
def test_it_has_as_many_buckets_as_the_length_deserves(samples: int):
    y = np.random.default_rng(0).normal(0.0, 0.1, samples).astype(np.float32)

    found = rows(waveform(y, sr=22_050))

    assert min(samples / LEAST_SAMPLES, MOST_BUCKETS / 2) <= len(found) <= MOST_BUCKETS
    assert np.abs(found).max() == 127
    assert (found[:, 0::2] <= found[:, 1::2]).all()


def test_silence_lies_on_the_line_and_nothing_has_no_waveform():
    assert set(waveform(np.zeros(1000, np.float32), sr=22_050)) == {128}
    assert waveform(np.zeros(0, np.float32), sr=22_050) == b""


def test_the_gain_does_not_matter():
    y = signals.snare()

    assert waveform(y * np.float32(2.0**-20), sr=44_100) == waveform(y, sr=44_100)


@pytest.mark.parametrize("block", [1_000, 65_536, 200_000])
def test_blocks_give_what_the_whole_gives(block: int):
    y = signals.melodic_loop(0, "minor", 100.0, bars=8)
    meter = WaveformMeter(sr=44_100, samples=len(y))

    for at in range(0, len(y), block):
        meter.update(y[at : at + block])

    assert np.abs(rows(meter.result()) - rows(waveform(y, sr=44_100))).max() <= ONE_STEP


@pytest.mark.parametrize("promised", [None, 1000, 10_000_000_000])
def test_a_length_that_is_unknown_or_wrong_still_gives_a_waveform(promised: int | None):
    sr = 44_100
    y = np.zeros(20 * sr, np.float32)
    y[15 * sr :] = signals.sine(60.0, 5.0, sr=sr)
    meter = WaveformMeter(sr=sr, samples=promised)

    for at in range(0, len(y), 10_000):
        meter.update(y[at : at + 10_000])

    found = rows(meter.result())
    begin = len(found) * 3 // 4
    assert len(found) <= MOST_BUCKETS
    assert np.abs(found[: begin - 2]).max() == 0
    assert np.abs(found[begin + 2 :, :2]).max(axis=1).min() > 100
