"""One-shots and loops that resemble each other, synthesized."""

import numpy as np
import numpy.typing as npt
import pytest

from samplemind_worker import dsp
from training import signals

SR = dsp.SR
F32 = npt.NDArray[np.float32]


def _kind(y: F32) -> str | None:
    return dsp.estimate(dsp.compute_features(y, sr=SR), duration=len(y) / SR).kind


def _echo(y: F32, delay: float, gain: float, seconds: float) -> F32:
    out = np.zeros(round(seconds * SR), np.float32)
    for k in range(6):
        first = round(k * delay * SR)
        room = max(0, len(out) - first)
        out[first : first + len(y)] += np.float32(gain**k) * y[:room]
    return out


@pytest.mark.parametrize("bpm", [118.0, 140.0, 172.0])
@pytest.mark.parametrize("pattern", ["rock", "house", "dnb"])
def test_one_bar_of_drums_is_a_loop(bpm: float, pattern: str):
    assert _kind(signals.drum_loop(bpm, bars=1, pattern=pattern, sr=SR)) == "loop"


@pytest.mark.parametrize("tonic", [0, 5, 10])
def test_one_bar_of_music_is_a_loop(tonic: int):
    assert _kind(signals.melodic_loop(tonic, "minor", 110.0, bars=1, sr=SR, seed=tonic)) == "loop"


@pytest.mark.parametrize("seconds", [1.5, 3.0, 7.0])
def test_a_cymbal_that_rings_is_a_one_shot(seconds: float):
    assert _kind(signals.crash(seconds, sr=SR, seed=3)) == "one_shot"


@pytest.mark.parametrize("midi", [33, 57, 76])
@pytest.mark.parametrize("rate", [4.0, 6.5])
def test_a_note_with_tremolo_is_a_one_shot(midi: int, rate: float):
    y = signals.note(midi, 3.0, sr=SR, voice="pluck")
    t = np.arange(len(y)) / SR
    assert _kind((y * (1.0 + 0.4 * np.sin(2.0 * np.pi * rate * t)) / 1.4).astype(np.float32)) == "one_shot"


@pytest.mark.parametrize("delay", [0.125, 0.31])
def test_a_hit_with_an_echo_is_a_one_shot(delay: float):
    assert _kind(_echo(signals.snare(sr=SR, seed=1), delay, 0.45, 2.4)) == "one_shot"


def test_a_riser_is_a_one_shot():
    y = signals.noise(4.0, sr=SR, seed=2)
    assert _kind((y * np.linspace(0.02, 1.0, len(y)) ** 2).astype(np.float32)) == "one_shot"


@pytest.mark.parametrize("seconds", [6.0, 12.0])
def test_chords_that_fade_into_each_other_are_a_loop(seconds: float):
    assert _kind(signals.pad(4, "minor", seconds, sr=SR)) == "loop"


@pytest.mark.parametrize(("seconds", "kind"), [(0.4, "one_shot"), (1.2, "one_shot"), (40.0, "track")])
def test_what_is_short_is_a_one_shot_and_music_that_lasts_a_track(seconds: float, kind: str):
    y = signals.track(3, "minor", 128.0, 40.0, sr=SR)
    assert _kind(y[: round(seconds * SR)]) == kind


@pytest.mark.parametrize("midi", [36, 60, 79])
def test_a_note_that_rings_for_half_a_minute_is_a_one_shot(midi: int):
    y = signals.note(midi, 30.0, sr=SR, voice="pluck")
    y = (y * np.exp(-np.arange(len(y)) / (6.0 * SR))).astype(np.float32)
    assert _kind(y) == "one_shot"
    found = dsp.estimate(dsp.compute_features(y, sr=SR), duration=30.0)
    assert found.pitch_midi == midi
    assert found.key is None
    assert found.tempo is None


@pytest.mark.parametrize("seconds", [3.0, 20.0, 45.0])
def test_a_bed_of_noise_is_neither_loop_nor_track(seconds: float):
    y = signals.noise(seconds, sr=SR, seed=4)
    slow = 0.6 + 0.4 * np.sin(2.0 * np.pi * 0.11 * np.arange(len(y)) / SR)
    assert _kind((0.5 * y * slow).astype(np.float32)) == "one_shot"


@pytest.mark.parametrize("bpm", [90.0, 128.0, 170.0])
def test_music_that_lasts_is_a_track(bpm: float):
    assert _kind(signals.track(7, "minor", bpm, 40.0, sr=SR)) == "track"
