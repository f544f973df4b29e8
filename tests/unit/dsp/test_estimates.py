"""Answers on synthesized signals whose answers are known."""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soxr

from samplemind_worker import dsp
from samplemind_worker.demo import plan
from samplemind_worker.demo.library import Item
from samplemind_worker.dsp import network
from samplemind_worker.dsp.key_model import score_keys
from samplemind_worker.dsp.network import calibrated, load_arrays
from samplemind_worker.dsp.warming import warm_up
from samplemind_worker.pitches import PITCH_CLASSES, camelot
from training import signals

SR = dsp.SR


def _analyze(y: npt.NDArray[np.float32], *, sr: int = SR) -> dsp.Estimates:
    if sr != SR:
        y = np.asarray(soxr.resample(y, sr, SR, quality="HQ"), dtype=np.float32)
    return dsp.estimate(dsp.compute_features(y, sr=SR), duration=len(y) / SR)


@lru_cache(maxsize=1)
def _demo() -> list[tuple[Item, dsp.Estimates]]:
    return [(item, _analyze(_mono(item.make()), sr=item.sr)) for item in plan.items() if item.set != "downloads"]


def _mono(y: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    return np.asarray(y if y.ndim == 1 else y.mean(axis=1), dtype=np.float32)


def test_demonstration_library_has_every_tempo_right():
    found = {item.path: (item.bpm, estimates.tempo) for item, estimates in _demo()}
    assert {p: f for p, f in found.items() if f[0] is None and f[1] is not None} == {}
    assert {p: f for p, f in found.items() if f[0] and (f[1] is None or abs(f[1] / f[0] - 1) > 0.01)} == {}


def test_demonstration_library_has_every_key_right():
    wrong = {
        item.path: (estimates.key, estimates.mode)
        for item, estimates in _demo()
        if item.mode and (estimates.key, estimates.mode) != (PITCH_CLASSES[item.tonic or 0], item.mode)
    }
    assert wrong == {}


def test_demonstration_library_has_every_kind_right():
    assert {item.path: e.kind for item, e in _demo() if e.kind != item.kind} == {}


def test_drum_loops_have_no_key():
    assert {item.path: e.key for item, e in _demo() if item.set == "drum_loops" and e.key} == {}


def test_single_notes_have_their_pitch():
    notes = [(item, e) for item, e in _demo() if item.set == "notes"]
    assert [e.pitch_midi for _, e in notes] == [int(item.notes.removeprefix("midi=")) for item, _ in notes]


@pytest.mark.parametrize("bpm", [61.37, 87.74, 99.58, 120.0, 133.33, 150.96, 171.68])
def test_tempo_of_a_click_track_is_finer_than_the_lag_grid(bpm: float):
    found = _analyze(signals.click_track(bpm, 15.0, sr=SR)).tempo
    assert found is not None
    # Clicks alone do not tell the metrical level, but they fix the period.
    assert min(abs(found / (bpm * ratio) - 1.0) for ratio in (0.5, 1.0, 2.0)) < 0.001


@pytest.mark.parametrize("sr", [22050, 44100, 48000, 96000])
def test_answers_do_not_depend_on_the_rate(sr: int):
    found = _analyze(signals.drum_loop(117.3, bars=4, pattern="rock", sr=sr), sr=sr)
    assert found.tempo == pytest.approx(117.3, rel=0.001)
    assert found.kind == "loop"
    music = _analyze(signals.melodic_loop(5, "minor", 110.0, sr=sr), sr=sr)
    assert (music.key, music.mode) == ("F", "minor")


@pytest.mark.parametrize("gain", [0.001, 0.1, 1.0])
def test_answers_do_not_depend_on_the_gain(gain: float):
    y = signals.track(7, "major", 124.0, 12.0, sr=SR)
    reference, found = _analyze(y), _analyze(y * np.float32(gain))
    assert found.tempo == pytest.approx(reference.tempo, rel=1e-4)
    assert (found.key, found.mode, found.kind) == (reference.key, reference.mode, reference.kind)


@pytest.mark.parametrize("cents", [-35.0, 30.0])
def test_key_of_detuned_music(cents: float):
    found = _analyze(signals.melodic_loop(10, "minor", 100.0, cents=cents, sr=SR))
    assert (found.key, found.mode) == ("A#", "minor")
    assert found.tuning_cents == pytest.approx(cents, abs=5.0)


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", range(12))
def test_all_keys(tonic: int, mode: str):
    found = _analyze(signals.melodic_loop(tonic, mode, 112.0, sr=SR, seed=tonic))
    assert (found.key, found.mode) == (PITCH_CLASSES[tonic], mode)
    assert found.camelot == camelot(tonic, mode)
    assert found.key_candidates[0][:2] == (found.key, found.mode)


@pytest.mark.parametrize("mode", ["major", "minor"])
def test_scores_of_keys_are_chances(mode: str):
    found = _analyze(signals.melodic_loop(7, mode, 110.0, sr=SR))
    scores = [score for _, _, score in found.key_candidates]
    assert found.key_candidates[0] == (found.key, found.mode, found.key_confidence)
    assert scores == sorted(scores, reverse=True)
    assert 0.0 <= scores[-1] <= sum(scores) <= 1.0 + 1e-9


def test_music_in_two_keys_has_a_less_certain_one():
    parts = [signals.melodic_loop(tonic, "major", 120.0, sr=SR) for tonic in (0, 6)]
    both, *single = [_analyze(y).key_confidence for y in (np.concatenate(parts), *parts)]
    assert both is not None
    assert both < 0.9 * min(confidence or 0.0 for confidence in single)


def test_the_curve_of_the_key_rises_from_chance_to_certainty():
    arrays = load_arrays("key")
    chances = [calibrated("key", score) for score in np.linspace(0.0, 1.0, 101).tolist()]
    assert chances == sorted(chances)
    assert chances[-1] == pytest.approx(float(arrays["chances"][-1]))
    assert chances[0] < 0.2
    assert 0.9 < chances[-1] < 1.0


def test_a_loop_is_named_no_surer_than_its_kind():
    for y in (signals.drum_loop(120.0, bars=2, sr=SR), signals.melodic_loop(2, "minor", 120.0, sr=SR)):
        found = _analyze(y)
        assert found.kind_confidence is not None
        assert 0.5 < (found.instrument_confidence or 0.0) <= found.kind_confidence


def test_camelot_codes():
    assert (camelot(9, "minor"), camelot(0, "major"), camelot(8, "minor"), camelot(11, "major")) == (
        "8A",
        "8B",
        "1A",
        "1B",
    )


def test_a_flat_profile_prefers_no_key():
    assert np.ptp(score_keys(np.full(12, 1 / 12))) == 0.0


@pytest.mark.parametrize("midi", range(28, 100, 4))
@pytest.mark.parametrize("voice", ["pluck", "organ"])
def test_pitch_of_a_note(midi: int, voice: str):
    found = _analyze(signals.note(midi + 0.2, 1.0, sr=SR, voice=voice))
    assert found.kind == "one_shot"
    assert found.pitch_midi == midi
    assert found.pitch_cents == pytest.approx(20.0, abs=8.0)


@pytest.mark.parametrize("name", sorted(signals.DRUMS))
def test_one_hit_is_a_one_shot_without_tempo_or_key(name: str):
    found = _analyze(signals.DRUMS[name](sr=SR, seed=4))
    assert (found.kind, found.tempo, found.key) == ("one_shot", None, None)


@pytest.mark.parametrize("seconds", [0.5, 8.0, 40.0])
def test_noise_has_no_tempo_key_or_pitch(seconds: float):
    found = _analyze(signals.noise(seconds, sr=SR, seed=11))
    assert (found.tempo, found.key, found.pitch_midi) == (None, None, None)


def test_a_pad_is_a_loop_with_a_key_and_no_tempo():
    found = _analyze(signals.pad(3, "minor", 10.0, sr=SR))
    assert (found.kind, found.tempo, found.key, found.mode) == ("loop", None, "D#", "minor")


def test_three_four_is_told_from_four_four():
    assert _analyze(signals.drum_loop(132.0, bars=8, pattern="waltz", sr=SR)).time_signature == (3, 4)
    assert _analyze(signals.drum_loop(120.0, bars=4, pattern="rock", sr=SR)).time_signature == (4, 4)


def test_beats_of_a_loop_begin_on_its_first_beat():
    found = _analyze(signals.drum_loop(120.0, bars=4, pattern="house", sr=SR))
    assert found.beats_in_loop == 16
    assert found.beats[0] == pytest.approx(0.0, abs=0.03)
    assert np.diff(found.beats) == pytest.approx(0.5, abs=1e-3)


def test_a_second_run_gives_the_same_answer():
    y = signals.track(1, "minor", 140.0, 20.0, sr=SR)
    assert _analyze(y) == _analyze(y)


def test_after_the_warm_up_no_network_is_loaded():
    warm_up()
    before = network.load_network.cache_info().misses
    for y in (signals.strum([45, 52, 57, 60, 64], 2.0, sr=SR), signals.melodic_loop(9, "minor", 100.0, sr=SR)):
        dsp.estimate(dsp.compute_features(y, sr=SR), duration=len(y) / SR)
    assert network.load_network.cache_info().misses == before


def _typed(seed: int, seconds: float = 9.0) -> npt.NDArray[np.float32]:
    """Strike keys at odd times, as on a keyboard."""
    rng = np.random.default_rng(seed)
    y = np.zeros(round(seconds * SR))
    at = 0.1
    while at < seconds - 0.3:
        n, first = round(rng.uniform(0.01, 0.06) * SR), round(at * SR)
        y[first : first + n] += rng.uniform(0.3, 1.0) * rng.normal(size=n) * np.exp(-5.0 * np.arange(n) / n)
        at += 0.05 + rng.exponential(0.25)
    return np.asarray(0.8 * y / np.abs(y).max(), np.float32)


def test_what_has_neither_a_tempo_nor_a_key_is_no_loop():
    found = [_analyze(_typed(seed)) for seed in range(8)]
    assert [e.tempo for e in found if e.kind == "loop" and e.tempo is None and e.key is None] == []
    others = [e for e in found if e.kind == "one_shot"]
    assert others
    assert all(0.5 <= (e.kind_confidence or 0.0) <= 1.0 and e.instrument != "drum_loop" for e in others)
