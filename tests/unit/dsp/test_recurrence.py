"""How much a sound is like itself some beats later."""

import numpy as np
import numpy.typing as npt
import pytest

from samplemind_worker import dsp
from samplemind_worker.dsp.recurrence import MEASURES, recurrence
from training import signals

SR = dsp.SR
F32 = npt.NDArray[np.float32]


def _mel(y: F32) -> F32:
    return dsp.compute_features(y, sr=SR).mel


def test_a_loop_is_like_itself_after_a_bar_and_unlike_after_half_a_beat():
    half, _, _, four, *_ = recurrence(_mel(signals.drum_loop(120.0, bars=4, pattern="rock", sr=SR)), 120.0)
    assert four > 0.9
    assert half < 0.5


def test_noise_is_like_itself_at_no_time():
    assert recurrence(_mel(signals.noise(6.0, sr=SR)), 120.0)[5] < 0.2


def test_the_gain_changes_nothing():
    mel = _mel(signals.drum_loop(100.0, bars=2, pattern="rock", sr=SR))
    assert recurrence(mel - np.float32(20.0), 100.0) == pytest.approx(recurrence(mel, 100.0), abs=1e-3)


def test_beats_beyond_the_end_are_absent():
    found = recurrence(_mel(signals.drum_loop(120.0, bars=1, pattern="rock", sr=SR)), 60.0)
    assert found[3] == pytest.approx(-0.3)


def test_what_does_not_change_is_alike_nowhere_and_without_a_tempo_nothing_is_asked():
    assert not recurrence(np.full((100, 40), -20.0, np.float32), 120.0)[[0, 1, 2, 4, 5, 6, 7]].any()
    assert not recurrence(_mel(signals.noise(2.0, sr=SR)), None).any()
    assert recurrence(_mel(signals.noise(1.0, sr=SR)), 230.0).shape == (MEASURES,)
