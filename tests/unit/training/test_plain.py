"""Plain loops that the second opinion on a tempo is learned from."""

import numpy as np
import pytest

from training import plain
from training.bank import FAMILIES, PARTS, Bank
from training.studio import SR, Studio


@pytest.fixture(scope="module")
def here() -> Studio:
    """Return a studio whose drums are clicks, and whose instruments are short sines."""
    click = np.asarray(20000 * np.exp(-np.arange(800) / 100.0), np.int16)
    note = np.asarray(20000 * np.sin(2.0 * np.pi * 261.6 / SR * np.arange(SR)), np.int16)
    return Studio(Bank([{part: [[click]] for part in PARTS}], {family: [{60: note}] for family in FAMILIES}), [])


def test_a_clip_depends_on_its_seed_alone(here: Studio) -> None:
    first, second = plain.make(7, here), plain.make(7, here)
    assert first.name == second.name
    assert np.array_equal(first.y, second.y)
    assert not np.array_equal(first.y[:1000], plain.make(8, here).y[:1000])


def test_exact_loops_are_whole_bars_of_their_tempo(here: Studio) -> None:
    clips = [clip for seed in range(40) if (clip := plain.make(seed, here)).name.endswith(" exact")]
    assert len(clips) > 20
    for clip in clips:
        assert clip.bpm is not None
        bars = len(clip.y) / SR * clip.bpm / 240.0
        assert bars == pytest.approx(round(bars), abs=0.001)
        assert np.abs(clip.y).max() == pytest.approx(1.0, abs=0.3)


def test_slow_lines_have_more_notes_per_beat_than_fast_ones() -> None:
    slow: list[float] = []
    fast: list[float] = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        slow.append(len(plain.line(rng, 70.0, 4)) / 16.0)
        fast.append(len(plain.line(rng, 160.0, 4)) / 16.0)
    assert np.mean(slow) > 1.1 * np.mean(fast)
