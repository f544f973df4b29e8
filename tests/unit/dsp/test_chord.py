"""Chords: of strummed notes whose chord is known, of progressions, and none of what is no chord."""

import numpy as np
import numpy.typing as npt
import pytest

from samplemind_worker import dsp
from samplemind_worker.dsp import chord_model
from samplemind_worker.dsp.chord import SURE, estimate_chord, smooth, spans
from samplemind_worker.dsp.instrument import DRUMS
from training import signals

SR = dsp.SR
F32 = npt.NDArray[np.float32]
SHAPES = {
    "maj": (0, 7, 12, 16, 19, 24),
    "min": (0, 7, 12, 15, 19, 24),
    "7": (0, 7, 10, 16, 19),
    "maj7": (0, 7, 11, 16, 19),
    "min7": (0, 7, 10, 15, 19),
    "dim": (0, 6, 12, 15),
    "power": (0, 7, 12),
}


def _estimate(y: F32) -> dsp.Estimates:
    return dsp.estimate(dsp.compute_features(y, sr=SR), duration=len(y) / SR, kind="one_shot")


@pytest.mark.parametrize("root", [45, 50, 55])
@pytest.mark.parametrize("quality", SHAPES)
def test_the_chord_of_a_strum(quality: str, root: int):
    found = _estimate(signals.strum([root + tone for tone in SHAPES[quality]], 2.0, sr=SR)).chord
    assert found is not None
    assert (found.root, found.quality, found.bass) == (root % 12, quality, root % 12)
    assert found.confidence >= 0.4


def test_key_and_mode_follow_the_chord():
    minor = _estimate(signals.strum([45, 52, 57, 60, 64], 2.0, sr=SR))
    assert (minor.key, minor.mode, minor.camelot, minor.pitch_midi) == ("A", "minor", "8A", None)
    assert minor.chord is not None
    assert minor.key_confidence == minor.chord.confidence


def test_a_power_chord_has_no_key():
    found = _estimate(signals.strum([45, 52, 57], 2.0, sr=SR))
    assert found.chord is not None
    assert (found.key, found.mode, found.camelot) == (None, None, None)


def test_another_tone_below_is_the_bass():
    found = _estimate(signals.strum([43, 48, 52, 55, 60], 2.0, sr=SR)).chord
    assert found is not None
    assert (found.root, found.quality, found.bass) == (0, "maj", 7)


@pytest.mark.parametrize("cents", [-40.0, 30.0])
def test_a_detuned_chord_is_the_same(cents: float):
    chord = [signals.note(midi + cents / 100.0, 2.0, sr=SR) for midi in (48, 52, 55)]
    found = _estimate((np.sum(chord, axis=0) / 3.0).astype(np.float32)).chord
    assert found is not None
    assert (found.root, found.quality) == (0, "maj")


@pytest.mark.parametrize(
    "y",
    [
        *(signals.note(midi, 1.5, sr=SR, voice=voice) for midi in (33, 48, 64, 79) for voice in ("pluck", "organ")),
        signals.strum([45, 57], 1.5, sr=SR),
        signals.kick(sr=SR),
        signals.snare(sr=SR),
        signals.crash(sr=SR),
        signals.noise(1.5, sr=SR),
        signals.silence(1.0, sr=SR),
        np.ones(1, np.float32),
    ],
)
def test_notes_drums_noise_and_silence_have_no_chord(y: F32):
    assert _estimate(y).chord is None


@pytest.mark.parametrize("decay", [0.08, 0.25])
def test_a_drum_whose_partials_make_a_triad_has_no_chord(decay: float):
    t = np.arange(round(0.8 * SR)) / SR
    partials = sum(np.sin(2.0 * np.pi * 98.0 * ratio * t) for ratio in (1.0, 1.26, 1.498, 2.0)) * np.exp(-t / decay)
    click = np.random.default_rng(1).standard_normal(len(t)) * np.exp(-t / 0.004)
    features = dsp.compute_features((0.1 * (partials + click)).astype(np.float32), sr=SR)
    found = dsp.estimate(features, duration=0.8)
    assert found.instrument in DRUMS
    assert (found.chord, found.key) == (None, None)
    chord = estimate_chord(features)
    assert chord is not None
    assert chord.confidence >= SURE


def test_a_chord_has_to_be_likelier_than_a_single_note():
    features = dsp.compute_features(signals.strum([45, 52, 57, 60, 64], 2.0, sr=SR), sr=SR)
    chord = estimate_chord(features, single_note=0.5)
    assert chord is not None
    assert chord.confidence >= SURE
    assert estimate_chord(features) == chord
    assert estimate_chord(features, single_note=1.0) is None


def test_the_chords_of_a_loop():
    bpm, beat = 100.0, 0.6
    chords = {0: [45, 57, 60, 64], 1: [41, 53, 57, 60], 2: [36, 52, 55, 60], 3: [43, 55, 59, 62]}  # Am F C G
    bars = [signals.strum(chords[bar % 4], 4 * beat, sr=SR, voice="saw") for bar in range(8)]
    y = np.concatenate(bars).astype(np.float32)
    for start in range(32):
        hit = signals.kick(0.3, sr=SR)
        y[round(start * beat * SR) :][: len(hit)] += 0.5 * hit[: len(y) - round(start * beat * SR)]
    found = dsp.estimate(dsp.compute_features(y, sr=SR), duration=len(y) / SR, kind="loop")
    assert found.tempo == pytest.approx(bpm, rel=0.01)
    names = [(span.chord.root, span.chord.quality) for span in found.chords]
    assert names == [(9, "min"), (5, "maj"), (0, "maj"), (7, "maj")] * 2
    assert [span.start for span in found.chords] == pytest.approx(np.arange(8) * 4 * beat, abs=0.05)
    assert found.chord is None


def test_drums_have_no_chords():
    y = signals.drum_loop(120.0, sr=SR)
    assert dsp.estimate(dsp.compute_features(y, sr=SR), duration=len(y) / SR, kind="loop").chords == ()


def test_overtones_are_explained_by_their_fundamental():
    features = dsp.compute_features(signals.note(45, 1.5, sr=SR), sr=SR)
    found = chord_model.salience(chord_model.whole_spectrum(features.notes))[0]
    assert int(found.argmax()) == 45 - 24
    assert np.sort(found)[-2] < 0.3 * found.max()


def test_a_chord_lasts_unless_another_is_much_likelier():
    odds = np.full((6, 3), 0.05)
    odds[:, 0] = 0.5
    odds[2, 1] = 0.9
    odds[4:, 2] = 0.9
    odds[4:, 0] = 1e-4
    assert smooth(odds, 3.0).tolist() == [0, 0, 0, 0, 2, 2]
    assert smooth(odds, 0.0).tolist() == [0, 0, 1, 0, 2, 2]
    assert spans(smooth(odds, 3.0)) == [(0, 4), (4, 6)]
