"""Organs and skins that are synthesized: what is learned from them is what they are named."""

import numpy as np
import pytest

from samplemind_worker import dsp
from training import heard, membranes, organs, programs


def test_an_organ_lasts_at_the_pitch_that_it_says():
    rng = np.random.default_rng(3)
    drawn = [organs.draw(rng) for _ in range(60)]
    assert all(np.abs(y).max() == pytest.approx(1.0) and 0.4 <= len(y) / organs.SR < 4.0 for y, _ in drawn)
    chords = [midi for _, midi in drawn if midi is None]
    notes = [(y, midi) for y, midi in drawn if midi is not None and midi != programs.UNKNOWN]
    assert chords
    # All tones of a rank are multiples of the note, so the period of the note repeats.
    repeated = 0
    for y, midi in notes:
        period = organs.SR / (440.0 * 2.0 ** ((midi - 69.0) / 12.0))
        middle = y[len(y) // 4 : len(y) // 4 + 4096].astype(np.float64)
        later = y[len(y) // 4 + round(4 * period) :][: len(middle)]
        middle = middle[: len(later)]
        repeated += np.corrcoef(middle, later)[0, 1] > 0.7
    assert repeated > 0.8 * len(notes)


@pytest.mark.parametrize("name", membranes.NAMES)
def test_a_skin_is_struck_once_and_dies_away(name: str):
    rng = np.random.default_rng(4)
    for _ in range(20):
        y = membranes.draw(rng, name)
        assert np.abs(y).max() == pytest.approx(1.0)
        assert 0.1 < len(y) / dsp.SR <= 2.5
        tenth = len(y) // 10
        assert np.square(y[:tenth]).mean() > 10.0 * np.square(y[-tenth:]).mean()


def test_half_of_the_variants_begin_up_to_ten_milliseconds_later():
    rng = np.random.default_rng(5)
    y = np.ones(1000, np.float32)
    begun = list(heard._begun_later(iter([(heard.AS_IS, y)] * 50 + [(heard.TREATED, y)] * 200), rng))  # noqa: SLF001 -- what is learned from
    late = np.array([len(varied) - len(y) for _, varied in begun])
    assert not late[:50].any()
    assert late.max() <= 0.01 * dsp.SR
    assert 0.35 < np.mean(late[50:] > 0) < 0.65
