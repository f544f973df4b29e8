"""Short and sparse loops have a tempo; sounds with several onsets that are no loops have none."""

import numpy as np
import numpy.typing as npt
import pytest

from samplemind_worker import dsp
from samplemind_worker.dsp import pulse, tempo
from samplemind_worker.dsp.key import estimate_key
from samplemind_worker.dsp.kind import kind_row
from samplemind_worker.dsp.network import load_network
from samplemind_worker.dsp.pitch import hear
from training import figures, signals

SR = dsp.SR
F32 = npt.NDArray[np.float32]


def _estimate(y: F32) -> dsp.Estimates:
    return dsp.estimate(dsp.compute_features(y, sr=SR), duration=len(y) / SR)


@pytest.mark.parametrize("bpm", [196.0, 204.0, 216.0])
def test_a_bar_of_little_more_than_a_second_is_a_loop(bpm: float):
    found = _estimate(signals.drum_loop(bpm, bars=1, pattern="rock", sr=SR))
    assert found.kind == "loop"
    assert found.tempo == pytest.approx(bpm, rel=0.001)


def test_nine_in_ten_short_loops_have_a_tempo():
    clips = [figures.short_loop(np.random.default_rng((9, seed))) for seed in range(40)]
    lasting = [clip for clip in clips if len(clip.y) >= 1.5 * SR]
    assert sum(_estimate(clip.y).tempo is not None for clip in lasting) >= 0.9 * len(lasting)


def test_of_rolls_echoes_and_broken_chords_few_have_a_tempo():
    found = [_estimate(figures.figure(np.random.default_rng((10, seed)), [])) for seed in range(40)]
    assert sum(one.tempo is not None for one in found) <= 4


def test_a_tempo_is_given_with_the_probability_that_it_is_right():
    y = signals.drum_loop(120.0, bars=4, pattern="rock", sr=SR)
    features = dsp.compute_features(y, sr=SR)
    named, key = tempo.estimate_tempo(features, duration=8.0), estimate_key(features)
    row = kind_row(features, hear(features), duration=8.0, tempo=named, key=key)
    row = pulse.pulse_row(features, row, tempo=named, key=key)
    any_tempo, this_tempo = pulse.chances(row, named)
    assert 0.9 < this_tempo <= any_tempo <= 1.0
    found = dsp.estimate(features, duration=8.0)
    assert found.tempo_confidence == this_tempo
    assert found.tempo_candidates[0] == (120.0, this_tempo)
    assert max(score for _, score in found.tempo_candidates) == this_tempo


@pytest.mark.parametrize("sound", [signals.drum_loop(120.0, sr=SR), signals.noise(2.0, sr=SR)])
def test_measures_have_the_shape_that_the_network_was_learned_on(sound: F32):
    features, duration = dsp.compute_features(sound, sr=SR), len(sound) / SR
    named, key = tempo.estimate_tempo(features, duration=duration), estimate_key(features)
    row = kind_row(features, None, duration=duration, tempo=named, key=key)
    row = pulse.pulse_row(features, row, tempo=named, key=key)
    assert row.shape == load_network("pulse").centre.shape


def test_what_rings_out_ends_in_silence_and_what_is_cut_does_not():
    note = np.sin(2.0 * np.pi * 220.0 * np.arange(2 * SR) / SR).astype(np.float32)
    dying = note * np.exp(-np.arange(2 * SR) / SR * 6.0).astype(np.float32)
    cut, rung = (pulse.edges(dsp.compute_features(y, sr=SR)) for y in (note, dying))
    assert cut[0] == pytest.approx(1.0, abs=0.1)
    assert cut[1] == pytest.approx(1.0, abs=0.1)
    assert rung[1] == pytest.approx(0.0, abs=0.05)


def test_what_ends_as_it_begins_could_go_on():
    low, high = (np.sin(2.0 * np.pi * hz * np.arange(SR) / SR).astype(np.float32) for hz in (150.0, 3000.0))
    same = pulse.edges(dsp.compute_features(np.concatenate([low, high, low]), sr=SR))[2]
    other = pulse.edges(dsp.compute_features(np.concatenate([low, high]), sr=SR))[2]
    assert same > 0.9
    assert other < 0.1
