from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from samplemind_worker import dsp
from samplemind_worker.dsp.types import Form, Rhythm
from training import signals

SR = dsp.SR
F32 = npt.NDArray[np.float32]


def form_of(y: F32, *, kind: str, tempo: float, per_bar: int = 4, first: float = 0.0) -> Form:
    """Take a signal apart whose tempo is given."""
    features = dsp.compute_features(y, sr=SR)
    duration = len(y) / SR
    estimates = replace(
        dsp.estimate(features, duration=duration, kind=kind),
        tempo=tempo,
        beats=tuple(np.arange(first, duration - 0.05, 60.0 / tempo).tolist()),
        time_signature=(per_bar, 4),
    )
    return dsp.take_apart(features, estimates, duration=duration)


def rhythm_of(y: F32, *, tempo: float, per_bar: int = 4) -> Rhythm:
    rhythm = form_of(y, kind="loop", tempo=tempo, per_bar=per_bar).rhythm
    assert rhythm is not None
    return rhythm


def beat(lines: dict[str, str], bpm: float, *, bars: int = 4, late: dict[str, float] | None = None) -> F32:
    """Play lines of sixteenths, each voice so many seconds late."""
    step = 15.0 / bpm
    size = len(next(iter(lines.values())))
    y = np.zeros(round(bars * size * step * SR) + SR)
    for name, line in lines.items():
        hit = signals.DRUMS[name](sr=SR, seed=1)
        for bar in range(bars):
            for k, mark in enumerate(line):
                if mark != ".":
                    at = round(((bar * size + k) * step + (late or {}).get(name, 0.0)) * SR)
                    y[at : at + len(hit)] += hit
    y = y[: round(bars * size * step * SR)]
    return (0.8 * y / np.abs(y).max()).astype(np.float32)


@pytest.mark.parametrize("kind", ["one_shot", "loop", "track"])
def test_silence_has_no_form(kind: str):
    assert form_of(signals.silence(4.0, sr=SR), kind=kind, tempo=120.0) == Form()


def test_a_one_shot_has_no_form():
    assert form_of(signals.kick(sr=SR), kind="one_shot", tempo=120.0) == Form()


def test_one_hit_leaves_nothing_to_slice():
    y = np.concatenate((signals.kick(sr=SR), np.zeros(SR, np.float32)))
    assert form_of(y, kind="loop", tempo=120.0).slices is None


@pytest.mark.parametrize("bpm", [87.0, 120.0, 143.5])
@pytest.mark.parametrize("gain", [1.0, 0.02])
def test_slices_are_the_hits_of_a_drum_loop(bpm: float, gain: float):
    lines = {"kick": "x.......x.......", "snare": "....x.......x..."}
    y = (gain * beat(lines, bpm)).astype(np.float32)
    slices = form_of(y, kind="loop", tempo=bpm).slices
    assert slices is not None
    expected = np.arange(16) * 60.0 / bpm
    assert [one.time for one in slices] == pytest.approx(expected.tolist(), abs=0.006)
    assert all(0.0 < one.strength <= 1.0 for one in slices)


def test_a_chord_that_beats_is_cut_where_it_is_struck():
    t = np.arange(SR) / SR
    partials = [110.0 * n * detune for n in range(2, 9) for detune in (0.985, 1.0, 1.015)]
    struck = sum(np.sin(2.0 * np.pi * f * t + n) for n, f in enumerate(partials)) * np.minimum(1.0, 200.0 * t)
    y = np.tile(struck * np.exp(-0.7 * t), 8)
    slices = form_of((0.8 * y / np.abs(y).max()).astype(np.float32), kind="loop", tempo=120.0).slices
    assert slices is not None
    times = np.array([one.time for one in slices])
    assert [float(np.abs(times - second).min()) for second in range(8)] == pytest.approx([0.0] * 8, abs=0.01)
    assert len(times) <= 10  # it beats a hundred times


def test_slices_lie_at_zero_crossings():
    y = signals.melodic_loop(0, "minor", 110.0, sr=SR)
    slices = form_of(y, kind="loop", tempo=110.0).slices
    assert slices is not None
    places = [round(one.time * SR) for one in slices if one.time > 0.0]
    assert len(places) > 8
    assert [place for place in places if not y[place - 1] <= 0.0 <= y[place]] == []


def test_a_soft_hit_has_less_strength_than_a_hard_one():
    y = beat({"snare": "x.......x......."}, 120.0)
    y[len(y) // 2 :] *= 0.05
    slices = form_of(y, kind="loop", tempo=120.0).slices
    assert slices is not None
    assert slices[-1].strength < 0.8 * slices[0].strength


@pytest.mark.parametrize("swing", [0.0, 0.1, 0.2, 1 / 3])
@pytest.mark.parametrize("pattern", ["funk", "dnb"])
def test_swing_of_sixteenths_is_the_ratio_that_was_played(swing: float, pattern: str):
    rhythm = rhythm_of(signals.drum_loop(100.0, bars=4, pattern=pattern, swing=swing, sr=SR), tempo=100.0)
    assert rhythm.swing == pytest.approx((1.0 + swing) / (1.0 - swing), abs=0.12)
    assert rhythm.swing_unit == 16
    assert rhythm.feel == ("shuffled" if swing > 0.15 else rhythm.feel if swing else "straight")


@pytest.mark.parametrize(("swing", "ratio"), [(0.0, 1.0), (1 / 3, 2.0)])
def test_swing_of_eighths_is_told_from_swing_of_sixteenths(swing: float, ratio: float, monkeypatch: pytest.MonkeyPatch):
    # The sixteenths of 60 BPM are the eighths of 120 BPM.
    lines = {"kick": "x...x...x...x...", "hat_closed": "xxxxxxxxxxxxxxxx"}
    monkeypatch.setitem(signals.PATTERNS, "hats", lines)
    y = signals.drum_loop(60.0, bars=4, pattern="hats", swing=swing, sr=SR)
    rhythm = rhythm_of(y, tempo=120.0)
    assert rhythm.swing == pytest.approx(ratio, abs=0.1)
    assert rhythm.swing_unit == 8


@pytest.mark.parametrize("late", [0.60, 0.64])
def test_a_few_late_hits_are_no_swing(late: float):
    """Two hits between the beats of four bars lie near some grid by chance."""
    y = beat({"kick": "x...x...x...x..."}, 120.0)
    for bar, place in ((0, late), (2, late + 0.02)):
        start = round((4 * bar + 1 + place) * 0.5 * SR)
        hat = signals.hat_closed(sr=SR)
        y[start : start + len(hat)] += 0.8 * hat
    rhythm = rhythm_of(y, tempo=120.0)
    assert (rhythm.swing, rhythm.feel) == (1.0, "straight")


def test_quarters_alone_have_no_feel():
    rhythm = rhythm_of(beat({"kick": "x...x...x...x..."}, 120.0), tempo=120.0)
    assert (rhythm.swing, rhythm.swing_unit, rhythm.feel) == (None, None, None)
    assert rhythm.density == pytest.approx(1.0, abs=0.01)
    assert rhythm.syncopation == 0.0
    assert [offset is None for offset in rhythm.groove] == [False, True, True, True] * 4


def test_syncopation_grows_with_hits_that_are_held_over_the_beat():
    straight = rhythm_of(beat({"kick": "x.x.x.x.x.x.x.x."}, 120.0), tempo=120.0)
    syncopated = rhythm_of(beat({"kick": "x..x..x...x..x.."}, 120.0), tempo=120.0)
    assert straight.syncopation == 0.0
    assert syncopated.syncopation > 0.2


@pytest.mark.parametrize(
    ("lines", "backbeat"),
    [
        ({"kick": "x.......x.......", "snare": "....x.......x..."}, "normal"),
        ({"kick": "x.....x.....x...", "snare": "........x......."}, "half_time"),
        ({"kick": "x...x...x...x...", "snare": "..x...x...x...x."}, "double_time"),
        ({"kick": "x...x...x...x..."}, None),
    ],
)
def test_backbeat_is_where_the_snare_is(lines: dict[str, str], backbeat: str | None):
    rhythm = rhythm_of(beat({**lines, "hat_closed": "x.x.x.x.x.x.x.x."}, 120.0), tempo=120.0)
    assert rhythm.backbeat == backbeat


def test_groove_shows_how_late_a_snare_is():
    lines = {"kick": "x.x...x.x.x...x.", "snare": "....x.......x..."}
    even = rhythm_of(beat(lines, 100.0), tempo=100.0).groove
    late = rhythm_of(beat(lines, 100.0, late={"snare": 0.02}), tempo=100.0).groove
    moved = [None if a is None or b is None else b - a for a, b in zip(even, late, strict=True)]
    assert len(moved) == 16
    # The grid settles between both, so what counts is how far they are apart.
    assert (moved[4] or 0.0) - (moved[0] or 0.0) == pytest.approx(20.0, abs=4.0)


def test_a_waltz_has_twelve_sixteenths():
    rhythm = rhythm_of(signals.drum_loop(150.0, bars=4, pattern="waltz", sr=SR), tempo=150.0, per_bar=3)
    assert len(rhythm.groove) == 12
    assert rhythm.backbeat is None


def repeated(parts: list[F32]) -> F32:
    return np.concatenate(parts).astype(np.float32)


def part(name: str, bars: int) -> F32:
    """One of two sounds that have nothing in common."""
    if name == "A":
        return 0.3 * np.resize(signals.melodic_loop(0, "minor", 120.0, bars=4, sr=SR), round(bars * 2.0 * SR))
    return np.resize(signals.drum_loop(120.0, bars=2, pattern="house", sr=SR), round(bars * 2.0 * SR))


def test_sections_are_cut_where_the_sound_changes_and_labelled_by_likeness():
    y = repeated([part(name, bars) for name, bars in (("A", 8), ("B", 8), ("A", 8), ("B", 16))])
    sections = form_of(y, kind="track", tempo=120.0).sections
    assert sections is not None
    assert [one.start for one in sections] == pytest.approx([0.0, 16.0, 32.0, 48.0], abs=0.05)
    assert [one.end for one in sections] == pytest.approx([16.0, 32.0, 48.0, 80.0], abs=0.05)
    assert [one.label for one in sections] == ["A", "B", "A", "B"]
    assert [one.kind for one in sections] == ["intro", "drop", "break", "drop"]
    assert max(one.energy for one in sections) == 1.0


def test_the_last_soft_section_is_the_outro():
    y = repeated([part(name, 8) for name in ("B", "A")])
    sections = form_of(y, kind="track", tempo=120.0).sections
    assert sections is not None
    assert [one.kind for one in sections] == ["drop", "outro"]


def test_a_section_that_rises_to_a_drop_is_a_build():
    rise = part("A", 8) * np.linspace(0.3, 1.5, round(16.0 * SR))
    y = repeated([part("B", 8), rise.astype(np.float32), part("B", 8)])
    sections = form_of(y, kind="track", tempo=120.0).sections
    assert sections is not None
    assert "build" in [one.kind for one in sections]


def voices(chords: list[tuple[float, ...]], *, level: float) -> F32:
    """Four voices that begin softly, two chords per bar at 120 BPM."""
    seconds = np.arange(SR) / SR
    swell = np.minimum(1.0, np.minimum(seconds / 0.15, (1.0 - seconds) / 0.15))
    tones = [sum(swell * np.sin(2 * np.pi * 440.0 * 2.0 ** ((m - 69.0) / 12.0) * seconds) for m in c) for c in chords]
    return (level * np.concatenate(tones)).astype(np.float32)


def test_parts_have_no_names_of_dance_music_without_drums():
    loud = voices([(43, 59, 67, 74), (48, 60, 67, 76), (50, 57, 66, 74), (43, 62, 67, 71)] * 4, level=0.2)
    soft = voices([(64, 71, 76, 79), (69, 72, 76, 81), (71, 74, 78, 83), (64, 67, 76, 83)] * 4, level=0.04)
    sections = form_of(repeated([loud, soft]), kind="track", tempo=120.0).sections
    assert sections is not None
    assert [(one.label, one.kind) for one in sections] == [("A", None), ("B", None)]
    assert sections[1].energy < 0.5


def test_one_loop_that_goes_on_is_one_section():
    sections = form_of(part("B", 32), kind="track", tempo=120.0).sections
    assert sections is not None
    assert [(one.label, one.kind) for one in sections] == [("A", None)]


def test_a_short_track_has_no_sections():
    assert form_of(part("B", 6), kind="track", tempo=120.0).sections is None


def test_loop_points_repeat_without_a_seam():
    y = repeated([part("A", 8), part("B", 24), part("A", 8)])
    points = form_of(y, kind="track", tempo=120.0).loop_points
    assert points is not None
    assert [one.bars for one in points] == [4, 8, 16]
    for one in points:
        assert one.end - one.start == pytest.approx(2.0 * one.bars, abs=0.008)
        assert one.score > 0.9
        begin, end = round(one.start * SR), round(one.end * SR)
        assert y[begin - 1] <= 0.0 <= y[begin]
        assert y[end - 1] <= 0.0 <= y[end]


def test_noise_has_no_loop_points():
    rng = np.random.default_rng(0)
    y = (0.1 * rng.normal(size=60 * SR)).astype(np.float32)
    assert form_of(y, kind="track", tempo=120.0).loop_points is None
