"""Drums that the circuits of machines make."""

import numpy as np
import pytest

from samplemind_worker import dsp
from samplemind_worker.dsp.instrument import DRUMS
from training import machines


def test_every_drum_has_a_circuit():
    assert set(machines.DRUMS) == set(DRUMS)


@pytest.mark.parametrize("name", DRUMS)
def test_a_circuit_makes_one_hit_of_peak_1(name: str):
    rng = np.random.default_rng(5)
    for _ in range(4):
        y = machines.draw(rng, name)
        assert np.abs(y).max() == pytest.approx(1.0, abs=0.02)
        assert 0.02 < len(y) / dsp.SR < 3.0
        assert np.abs(y[: len(y) // 2]).max() > np.abs(y[-len(y) // 20 :]).max()


def test_a_rim_is_over_before_a_crash_has_fallen_by_ten_decibels():
    rng = np.random.default_rng(6)
    rims = [len(machines.rim(rng)) for _ in range(20)]
    assert max(rims) < min(len(machines.crash(rng)) for _ in range(20))
