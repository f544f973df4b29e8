import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplemind_worker.errors import UsageError
from samplemind_worker.interchange.slicing.points import Grid, at_onsets, in_parts, on_grid, snapped
from samplemind_worker.interchange.slicing.seam import loop_points

RATE = 44_100


def tone(seconds: float, hz: float = 100.0) -> npt.NDArray[np.float32]:
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE).astype(np.float32)[:, None]


def hits(times: list[float], levels: list[float], seconds: float) -> npt.NDArray[np.float32]:
    """Decaying bursts of noise at these times."""
    y = np.zeros(round(seconds * RATE), np.float32)
    rng = np.random.default_rng(0)
    for time, level in zip(times, levels, strict=True):
        first = round(time * RATE)
        burst = rng.uniform(-1, 1, 4000) * np.exp(-np.arange(4000) / 800)
        y[first : first + 4000] += (level * burst).astype(np.float32)
    return np.stack([y, 0.5 * y], axis=1)


def is_crossing(y: npt.NDArray[np.float32], frame: int) -> bool:
    mono = y.sum(axis=1)
    return frame == 0 or mono[frame] == 0 or (mono[frame - 1] < 0) != (mono[frame] < 0)


@given(st.lists(st.integers(0, RATE - 1), max_size=20), st.floats(60.0, 500.0))
def test_cuts_lie_in_order_at_zero_crossings_near_where_they_were_wanted(wanted: list[int], hz: float):
    # Over 60 Hz there is a crossing in every 8 ms.
    y = tone(1.0, hz)
    cuts = snapped(wanted, y, RATE)

    assert cuts[0] == 0
    assert all(second - first >= 0.01 * RATE for first, second in zip(cuts, [*cuts[1:], RATE], strict=True))
    assert all(is_crossing(y, cut) for cut in cuts)
    assert all(min(abs(cut - each) for each in wanted) <= 0.008 * RATE + 1 for cut in cuts[1:])


def test_a_cut_without_a_crossing_near_it_stays():
    y = np.full((RATE, 1), 0.5, np.float32)

    assert snapped([22_050], y, RATE) == [0, 22_050]


def test_onsets_are_found_and_a_higher_sensitivity_finds_more():
    times, levels = [0.0, 0.5, 1.0, 1.5], [1.0, 0.02, 0.8, 0.02]
    y = hits(times, levels, 2.0)

    few, all_of_them = at_onsets(y, RATE, sensitivity=0.3), at_onsets(y, RATE, sensitivity=1.0)

    assert [round(cut / RATE, 2) for cut in few] == [0.0, 1.0]
    assert [round(cut / RATE, 2) for cut in all_of_them] == times


def test_onsets_of_a_long_file_are_found_across_its_chunks():
    times = [0.0, 30.0, 59.99, 60.5, 119.0]
    y = hits(times, [1.0] * 5, 125.0)

    assert [round(cut / RATE, 1) for cut in at_onsets(y, RATE, sensitivity=0.5)] == [0.0, 30.0, 60.0, 60.5, 119.0]


def test_silence_is_one_slice():
    assert at_onsets(np.zeros((RATE, 2), np.float32), RATE, sensitivity=1.0) == [0]


def test_a_grid_begins_with_the_file_or_with_its_upbeat():
    y = tone(4.0)

    assert [round(cut / RATE, 2) for cut in on_grid(y, RATE, Grid(1.0))] == [0.0, 1.0, 2.0, 3.0]
    assert [round(cut / RATE, 2) for cut in on_grid(y, RATE, Grid(1.0, 0.03))] == [0.0, 1.03, 2.03, 3.03]
    assert [round(cut / RATE, 2) for cut in on_grid(y, RATE, Grid(1.0, 2.5))] == [0.0, 0.5, 1.5, 2.5, 3.5]


def test_parts_are_equally_long():
    cuts = in_parts(tone(2.0), RATE, 8)

    assert len(cuts) == 8
    assert np.diff([*cuts, 2 * RATE]) == pytest.approx(np.full(8, RATE / 4), abs=0.011 * RATE)


def test_too_many_slices_are_refused():
    with pytest.raises(UsageError, match="at most 999"):
        on_grid(tone(2.0), RATE, Grid(0.001))
    with pytest.raises(UsageError, match="too short for 500 parts"):
        in_parts(tone(1.0), RATE, 500)


def test_a_loop_repeats_without_a_step():
    # 3.3 periods: as it is, the end does not join the start.
    y = np.concatenate([tone(0.033), tone(0.033, 150.0)], axis=1)
    start, end = loop_points(y, RATE, 0, len(y) - 1)

    step = y[start] - y[end]
    usual = np.abs(np.diff(y, axis=0)).max(axis=0)
    assert (np.abs(step) <= 1.5 * usual).all()
    assert (np.abs(y[0] - y[-1]) > 1.5 * usual).any()
    assert 0 <= start <= 0.004 * RATE
    assert len(y) - 1 - 0.004 * RATE <= end <= len(y) - 1


def test_a_loop_of_a_few_frames_stays():
    assert loop_points(np.zeros((4, 1), np.float32), RATE, 0, 3) == (0, 3)
