import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from samplemind_worker.dsp._median import median_rows
from samplemind_worker.dsp.separation import separate
from samplemind_worker.errors import InvalidSignalError
from training import signals


@given(
    arrays.arrays(np.float32, st.tuples(st.integers(1, 3), st.integers(1, 40)), elements=st.integers(0, 6)),
    st.integers(1, 9),
)
def test_running_medians_are_those_of_scipy(x: np.ndarray, half: int):
    found = np.empty_like(x)
    median_rows(np.ascontiguousarray(x), half, found)

    wanted = scipy.ndimage.median_filter(x, size=(1, 2 * half + 1), mode="mirror")
    assert np.array_equal(found, wanted)


@pytest.mark.parametrize("size", [1, 1000, 44_100, 700_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_parts_add_up_to_the_signal_whatever_its_length(size: int, channels: int):
    y = np.random.default_rng(size).normal(0.0, 0.1, (size, channels)).astype(np.float32)
    blocks = list(separate(y, sr=44_100))

    parts = [np.concatenate(each) for each in zip(*blocks, strict=True)]
    assert [part.shape for part in parts] == [y.shape] * 3
    assert np.abs(sum(parts) - y).max() < 1e-6


def test_blocks_join_without_a_seam():
    # Longer than a block; the middle, on its own, is separated as it is within the whole.
    y = np.tile(signals.drum_loop(120.0, bars=2), 5)[:, None]
    whole = np.concatenate([drums for drums, _, _ in separate(y, sr=44_100)])
    part = np.concatenate([drums for drums, _, _ in separate(y[8 * 44_100 :], sr=44_100)])

    # Frames of both begin 8 s apart, which are no whole number of hops: the parts are alike, not equal.
    difference = whole[10 * 44_100 : 14 * 44_100] - part[2 * 44_100 : 6 * 44_100]
    assert np.sqrt(np.mean(difference**2)) < 0.05 * np.sqrt(np.mean(whole**2))


def test_a_steady_tone_is_no_drum_and_a_click_is_one():
    tone = signals.sine(440.0, 2.0)[:, None]
    click = np.zeros((88_200, 1), np.float32)
    click[44_100] = 1.0

    drums = np.concatenate([each for each, _, _ in separate(tone, sr=44_100)])
    clicks = np.concatenate([each for each, _, _ in separate(click, sr=44_100)])
    assert np.sum(drums[10_000:-10_000] ** 2) < 0.01 * np.sum(tone[10_000:-10_000] ** 2)
    assert np.sum((clicks - click) ** 2) < 0.05


@pytest.mark.parametrize("shape", [(0, 1), (5,), (5, 0)])
def test_what_is_no_signal_is_refused(shape: tuple[int, ...]):
    with pytest.raises(InvalidSignalError, match="frames, channels"):
        list(separate(np.zeros(shape, np.float32), sr=44_100))
