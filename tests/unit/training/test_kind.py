"""The echoes that the network of the kind learns from."""

import numpy as np

from samplemind_worker import dsp
from training import kind, signals


def test_an_echo_in_time_has_no_tempo_and_its_first_hit_is_the_loudest():
    hits = [signals.snare(sr=dsp.SR, seed=k) for k in range(3)]
    for seed in range(20):
        clip = kind.in_time(hits, np.random.default_rng(seed))
        assert clip.bpm is None
        assert 2 * 60 / 190 - 0.01 <= len(clip.y) / dsp.SR <= 8.01
        first, last = np.array_split(np.abs(clip.y), 2)
        assert first.max() > last.max()


def test_what_has_a_tempo_is_a_loop_and_what_only_resembles_one_is_none():
    assert kind.label("songs song", 120.0) == 1
    assert kind.label("material pad", 0.0) == 1
    assert kind.label("echoes echo", 0.0) == 0
    assert kind.label("recorded recorded words", 0.0) == 0
    assert kind.label("beatless riser", 0.0) == 0
    assert kind.label("beatless scattered", 0.0) == -1
