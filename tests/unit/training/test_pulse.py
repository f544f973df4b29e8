"""What the network of the pulse learns from."""

from dataclasses import replace

import numpy as np

from samplemind_worker import dsp
from training import figures, pulse, signals
from training.material import Clip


def test_hands_repeat_a_sound_but_never_evenly():
    hit = np.zeros(2000, np.float32)
    hit[0] = 1.0
    spreads: list[float] = []
    for seed in range(30):
        y = figures.by_hand(np.random.default_rng(seed), [hit])
        assert 1.2 <= len(y) / dsp.SR <= 12.1
        onsets = np.flatnonzero(np.abs(y) > 0.3 * np.abs(y).max())
        gaps = np.diff(onsets)[np.diff(onsets) > 0.05 * dsp.SR]
        if len(gaps) > 3:
            spreads.append(float(gaps.std() / gaps.mean()))
    assert len(spreads) > 5
    assert min(spreads) > 0.005


def test_what_has_no_tempo_may_be_filled_up_with_silence_to_a_round_length_and_a_loop_is_never_cut():
    y = signals.noise(3.1, sr=dsp.SR)
    filed = [pulse.as_filed(np.random.default_rng(seed), Clip(y, None)).y for seed in range(200)]
    filled = [x for x in filed if len(x) > len(y) + 0.2 * dsp.SR]
    assert 5 < len(filled) < 60
    assert all(not x[-100:].any() for x in filled)
    loop = replace(Clip(y, None), bpm=120.0)
    assert all(len(pulse.as_filed(np.random.default_rng(seed), loop).y) >= len(y) for seed in range(50))
