"""Tempi of synthesized signals whose tempo is known, and of signals that have none."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import soxr

from samplemind_worker import dsp
from samplemind_worker.dsp import tempo, tempo_model
from samplemind_worker.dsp.types import TempoEstimate
from training import signals

SR = dsp.SR
_GRID = np.arange(50.0, 220.0, 0.37)


def _tempi(first: float, last: float) -> list[float]:
    """Choose ten tempi of the grid."""
    inside = _GRID[np.abs(_GRID - 0.5 * (first + last)) <= 0.5 * (last - first)]
    return inside[np.linspace(0, len(inside) - 1, 10).astype(int)].round(2).tolist()


def _estimate(y: npt.NDArray[np.float32], *, sr: int = SR) -> TempoEstimate:
    if sr != SR:
        y = np.asarray(soxr.resample(y, sr, SR, quality="HQ"), dtype=np.float32)
    return tempo.estimate_tempo(dsp.compute_features(y, sr=SR), duration=len(y) / SR)


@pytest.mark.parametrize("bpm", _GRID[::20].round(2).tolist())
def test_period_of_a_beat_is_exact_at_every_tempo(bpm: float):
    found = _estimate(signals.drum_loop(bpm, bars=2, pattern="rock", sr=SR)).tempo
    assert found is not None
    # A pattern alone does not fix the level at 50 or 220; that the period is right it must show.
    assert min(abs(found / (bpm * ratio) - 1.0) for ratio in (0.5, 1.0, 2.0)) < 0.002


# Outside of these tempi the same pattern is that of another style at half or twice the tempo.
@pytest.mark.parametrize(
    ("pattern", "bars", "swing", "tempi"),
    [
        ("rock", 2, 0.0, _tempi(60.0, 155.0)),
        ("house", 2, 0.0, _tempi(80.0, 160.0)),
        ("hiphop", 4, 0.33, _tempi(65.0, 150.0)),
        ("funk", 2, 0.15, _tempi(80.0, 150.0)),
        ("waltz", 4, 0.0, _tempi(75.0, 180.0)),
        ("dnb", 4, 0.0, _tempi(80.0, 174.0)),
    ],
)
def test_loop_is_counted_as_it_is_written_at_every_tempo(pattern: str, bars: int, swing: float, tempi: list[float]):
    found = [_estimate(signals.drum_loop(bpm, bars=bars, pattern=pattern, swing=swing, sr=SR)).tempo for bpm in tempi]
    assert found == pytest.approx(tempi, rel=0.001)


def test_metronome_is_counted_by_its_clicks():
    tempi = _tempi(86.0, 140.0)
    found = [_estimate(signals.click_track(bpm, 8.0, sr=SR)).tempo for bpm in tempi]
    assert found == pytest.approx(tempi, rel=0.002)


@pytest.mark.parametrize("sr", [44100, 48000, 96000])
def test_tempo_does_not_depend_on_the_rate(sr: int):
    found = _estimate(signals.drum_loop(123.21, bars=2, pattern="house", sr=sr), sr=sr)
    assert found.tempo == pytest.approx(123.21, rel=0.001)


@pytest.mark.parametrize("gain", [1e-3, 0.1])
def test_tempo_does_not_depend_on_the_gain(gain: float):
    y = signals.drum_loop(98.4, bars=2, pattern="funk", sr=SR)
    assert _estimate(y * np.float32(gain)).tempo == pytest.approx(_estimate(y).tempo, rel=1e-4)


@pytest.mark.parametrize(("seconds", "half", "found"), [(64, 0.55, 120.0), (64, 0.9, 60.0), (24, 0.55, 60.0)])
def test_excerpts_of_a_track_decide_between_two_tempi_of_nearly_the_same_chance(
    seconds: int, half: float, found: float
):
    beat = signals.drum_loop(120.0, bars=4, pattern="rock", sr=SR)
    features = dsp.compute_features(np.tile(beat, seconds // 8), sr=SR)
    pulse = tempo_model.prepare(features.onset, samples=features.samples, duration=features.samples / SR)
    assert pulse is not None
    periods = 60.0 * tempo_model.RATE / np.array([60.0, 120.0, 90.0])
    chances = np.array([half, 0.45, 0.01])
    best, preferred = tempo.vote(pulse, features.onset, periods, chances, chances)
    assert 60.0 * tempo_model.RATE / periods[best] == pytest.approx(found)
    assert 60.0 * tempo_model.RATE / periods[preferred] == pytest.approx(found)


@pytest.mark.parametrize(
    ("chances", "settled"),
    [
        ([0.6, 0.5, 0.01], [0.5, 0.6, 0.01]),  # the others prefer what is nearly as likely
        ([0.6, 0.001, 0.01], [0.6, 0.001, 0.01]),  # nothing else is likely
        ([0.6, 0.01, 0.59], [0.6, 0.01, 0.59]),  # a neighbour is the same tempo
    ],
)
def test_trees_that_learned_on_other_clips_settle_which_of_two_likely_tempi_it_is(
    chances: list[float], settled: list[float]
):
    other = tempo_model.Trees(
        roots=np.zeros(1, np.int32),
        feature=np.array([0, -1, -1], np.int32),
        threshold=np.array([0.5, 0.0, 0.0], np.float32),
        children=np.array([[1, 2], [0, 0], [0, 0]], np.int32),
        value=np.array([0.0, -2.0, 2.0], np.float32),
        base=0.0,
    )
    rows = np.zeros((3, tempo_model.MEASURES), np.float32)
    rows[1, 0] = 1.0
    periods = 60.0 * tempo_model.RATE / np.array([70.0, 140.0, 70.5])
    found = tempo.settled(replace(tempo_model.load(), other=other), rows, periods, np.array(chances))
    assert found.tolist() == settled


def test_the_preferred_level_is_the_answer_and_the_likeliest_one_the_evidence():
    features = dsp.compute_features(signals.drum_loop(180.0, bars=2, pattern="dnb", sr=SR), sr=SR)
    duration = features.samples / SR
    found = tempo.estimate_tempo(features, duration=duration)
    assert found.tempo == pytest.approx(90.0, rel=0.001)
    assert found.evidence[2] == pytest.approx(np.log2(found.tempo), rel=0.001)
    assert found.preferred is not None
    assert found.preferred.tempo == pytest.approx(180.0, rel=0.001)
    answer = dsp.estimate(features, duration=duration)
    assert answer.tempo == found.preferred.tempo
    assert answer.beats == found.preferred.beats


@pytest.mark.parametrize(("seconds", "bpm"), [(1.6, 150.0), (2.0, 120.0), (7.0, 60.0 / 0.875), (8.0, 60.0)])
def test_a_loop_of_two_hits_that_begins_in_the_first_one_has_a_tempo(seconds: float, bpm: float):
    y = np.zeros(round(seconds * SR), np.float32)
    hit = signals.kick(sr=SR)
    for first in (0, len(y) // 2):
        y[first : first + len(hit)] += hit
    assert _estimate(y).tempo == pytest.approx(bpm, rel=0.005)


def _legato(bpm: float, chords: int, *, beats: int, fade: float) -> npt.NDArray[np.float32]:
    """Play chords that fade into each other, each for so many beats: nothing rises faster than in ``fade`` seconds."""
    t = np.arange(round(chords * beats * 60.0 / bpm * SR)) / SR
    y, length = np.zeros(len(t)), beats * 60.0 / bpm
    for k in range(chords):
        gate = np.clip((t - k * length) / fade + 0.5, 0.0, 1.0) * np.clip(((k + 1) * length - t) / fade + 0.5, 0.0, 1.0)
        root = 48 + (0, 5, 8, 3, 7, 10, 5, 2)[k % 8]
        for tone in (0, 4, 7, 12):
            for harmonic in range(1, 6):
                hz = 440.0 * 2.0 ** ((root + tone - 69) / 12.0) * harmonic
                y += gate * np.sin(2.0 * np.pi * hz * t + root) / harmonic
    return (y / np.abs(y).max()).astype(np.float32)


@pytest.mark.parametrize("fade", [0.03, 0.1])
@pytest.mark.parametrize("bpm", [96.0, 120.0, 132.0])
def test_a_bar_of_chords_that_fade_into_each_other_has_a_tempo(bpm: float, fade: float):
    y = _legato(bpm, 4, beats=1, fade=fade)
    found = dsp.estimate(dsp.compute_features(y, sr=SR), duration=len(y) / SR)
    assert found.kind == "loop"
    assert found.tempo == pytest.approx(bpm, rel=0.001)


def test_a_chord_that_is_held_has_no_tempo():
    y = _legato(120.0, 1, beats=12, fade=0.1)
    assert dsp.estimate(dsp.compute_features(y, sr=SR), duration=len(y) / SR).tempo is None


def test_a_loop_with_a_tail_keeps_its_tempo():
    y = np.append(signals.drum_loop(126.0, bars=4, pattern="house", sr=SR), np.zeros(round(0.37 * SR), np.float32))
    assert _estimate(y).tempo == pytest.approx(126.0, rel=0.005)


@pytest.mark.parametrize("seconds", [0.4, 3.0, 20.0])
@pytest.mark.parametrize("make", [signals.silence, signals.noise])
def test_silence_and_noise_have_no_tempo(make: Callable[..., npt.NDArray[np.float32]], seconds: float):
    assert _estimate(make(seconds, sr=SR)) == TempoEstimate()


@pytest.mark.parametrize("seconds", [6.0, 13.0])
def test_a_pad_has_no_tempo(seconds: float):
    y = signals.pad(4, "minor", seconds, sr=SR)
    assert dsp.estimate(dsp.compute_features(y, sr=SR), duration=seconds).tempo is None


def test_confidence_and_candidates_are_chances():
    found = _estimate(signals.drum_loop(120.0, bars=4, pattern="rock", sr=SR))
    assert found.confidence is not None
    scores = [score for _, score in found.candidates]
    assert found.candidates[0] == (found.tempo, found.confidence)
    assert scores == sorted(scores, reverse=True)
    assert 0.0 <= min(scores) <= max(scores) <= 1.0


def test_another_candidate_that_is_an_octave_of_a_loop_is_exactly_that():
    found = _estimate(signals.drum_loop(127.3, bars=4, pattern="rock", sr=SR))
    assert found.tempo is not None
    octaves = [bpm for bpm, _ in found.candidates if min(abs(bpm / found.tempo - ratio) for ratio in (0.5, 2.0)) < 0.03]
    assert octaves
    assert set(octaves) <= {found.tempo / 2.0, found.tempo * 2.0}


def test_beats_lie_on_the_hits_of_a_click_track():
    found = _estimate(signals.click_track(100.0, 12.0, sr=SR))
    assert found.tempo is not None
    beats = np.array(found.beats)
    apart = np.abs(beats / 0.6 - np.round(beats / 0.6)) * 0.6
    on_clicks = apart[:: max(1, round(found.tempo / 100.0))]
    assert np.median(on_clicks) < 0.03


@pytest.mark.parametrize("sr", [22050, 44100])
@pytest.mark.parametrize(("bpm", "bars"), [(90.0, 2), (120.0, 4), (127.3, 4), (140.0, 8)])
def test_a_loop_has_as_many_beats_as_it_is_long(bpm: float, bars: int, sr: int):
    found = _estimate(signals.drum_loop(bpm, bars=bars, pattern="rock", sr=sr), sr=sr)
    assert found.beats_in_loop == 4 * bars
    assert found.beats == pytest.approx(np.arange(4 * bars) * 60.0 / bpm, abs=0.02)


@pytest.mark.parametrize(("off", "beats"), [(0.996, None), (0.9985, 16), (1.0015, 16), (1.006, None)])
def test_a_loop_of_nearly_whole_bars_has_the_tempo_at_which_it_repeats(off: float, beats: int | None):
    features = dsp.compute_features(signals.drum_loop(120.0, bars=4, pattern="rock", sr=SR), sr=SR)
    pulse = tempo_model.prepare(features.onset, samples=features.samples, duration=8.0)
    assert pulse is not None
    period, found = tempo.exact(pulse, 0.5 * tempo_model.RATE * off)
    assert found == beats
    assert period == pytest.approx(0.5 * tempo_model.RATE * (off if beats is None else 1.0), rel=1e-9)


def test_a_loop_that_begins_early_has_no_beat_of_its_next_round():
    y = np.roll(signals.drum_loop(120.0, bars=2, pattern="rock", sr=SR), -round(0.01 * SR))
    found = _estimate(y)
    assert found.beats_in_loop == 8
    assert found.beats == pytest.approx(np.arange(8) * 0.5, abs=0.02)


def test_measures_have_the_shape_that_the_trees_were_learned_on():
    features = dsp.compute_features(signals.drum_loop(120.0, sr=SR), sr=SR)
    pulse = tempo_model.prepare(features.onset, samples=features.samples, duration=features.samples / SR)
    assert pulse is not None
    periods = tempo.candidates(pulse)
    rows = tempo_model.describe(pulse, periods, tempo.comb(pulse, periods))
    assert rows.shape == (len(periods), tempo_model.MEASURES)
    model = tempo_model.load()
    assert all(trees.feature.max() < tempo_model.MEASURES for trees in (model.right, model.other, model.three))


@pytest.mark.parametrize("name", ["right", "other", "three"])
def test_trees_give_what_a_plain_walk_gives(name: str):
    trees = getattr(tempo_model.load(), name)
    rows = np.random.default_rng(3).normal(0.0, 1.0, (5, tempo_model.MEASURES)).astype(np.float32)

    def walk(row: npt.NDArray[np.float32], node: int) -> float:
        while trees.feature[node] >= 0:
            node = trees.children[node][0 if row[trees.feature[node]] <= trees.threshold[node] else 1]
        return float(trees.value[node])

    expected = [1.0 / (1.0 + np.exp(-trees.base - sum(walk(row, int(root)) for root in trees.roots))) for row in rows]
    assert trees(rows) == pytest.approx(expected, rel=1e-6)
