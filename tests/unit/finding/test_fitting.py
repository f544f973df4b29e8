"""What makes a sound fit a key and a tempo, and what that costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplemind_worker.finding.fitting import Fit, Key, Sound, Wanted, fit, recipe, semitones

A_MINOR: Key = (9, "minor")
WANTED = Wanted(tempo=174.0, keys=(A_MINOR,))


def loop(tempo: float | None, key: Key | None = None, tuning: float | None = None) -> Sound:
    return Sound(kind="loop", tempo=tempo, key=key, tuning=tuning)


def note(midi: int, cents: float | None = None) -> Sound:
    return Sound(kind="one_shot", pitch=midi, tuning=cents)


def fitted(sound: Sound, wanted: Wanted = WANTED) -> Fit:
    found = fit(sound, wanted)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("sound", "told", "cost", "relation"),
    [
        (loop(174.0, A_MINOR), "as it is", 0.0, "same"),
        (loop(174.05, A_MINOR), "as it is", 0.0, "same"),
        (loop(174.0, A_MINOR, 8.0), "as it is", 0.0, "same"),
        (loop(174.0, A_MINOR, 30.0), "tune -30 cents", 0.3, "same"),
        (loop(174.0, (11, "minor")), "pitch -2", 2.0, "same"),
        (loop(174.0, (8, "minor"), -20.0), "pitch +1, tune +20 cents", 1.2, "same"),
        (loop(174.0, (0, "major")), "as it is", 0.5, "relative"),
        (loop(174.0, (4, "minor")), "as it is", 1.0, "neighbour"),
        (loop(174.0, (2, "minor")), "as it is", 1.0, "neighbour"),
        (loop(87.0, A_MINOR), "as it is (half time)", 0.25, "same"),
        (loop(348.0, A_MINOR), "as it is (double time)", 0.25, "same"),
        (loop(174.0), "as it is", 0.25, None),
        (Sound(kind="loop", key=A_MINOR), "as it is", 0.25, "same"),
        (note(57), "as it is", 0.25, "tonic"),
        (note(52), "as it is", 0.5, "chord"),
        (note(50), "as it is", 0.75, "scale"),
        (note(56), "pitch +1", 0.65, "tonic"),
        (note(57, -40.0), "tune +40 cents", 0.41, "tonic"),
        (Sound(kind="one_shot", key=A_MINOR), "as it is", 0.25, "tonic"),
        (Sound(kind="one_shot", key=(5, "major")), "as it is", 0.75, "scale"),
    ],
)
def test_says_what_has_to_be_done(sound: Sound, told: str, cost: float, relation: str | None):
    found = fitted(sound)

    assert (recipe(found), found.cost, found.relation) == (told, pytest.approx(cost), relation)
    assert found.exact == (told.startswith("as it is"))


def test_stretch_costs_by_the_ratio_in_semitones():
    found = fitted(loop(170.0, A_MINOR))

    assert recipe(found) == "170 -> 174"
    assert found.cost == pytest.approx(0.6 * 12 * 0.03356, rel=1e-3)  # log2(174 / 170) is 0.03356
    assert found.ratio == pytest.approx(174 / 170)


def test_drums_are_repitched_as_they_need_no_key():
    found = fitted(loop(170.0))

    assert recipe(found) == "repitch: 170 -> 174 is +0.40 semitones"
    assert found.cost == pytest.approx(0.25 + 0.4 * semitones(174 / 170), abs=1e-6)


def test_drums_are_stretched_where_no_transposition_is_allowed():
    assert recipe(fitted(loop(170.0), Wanted(tempo=174.0, shift=0))) == "170 -> 174"


def test_tonal_loop_is_repitched_where_that_meets_the_key():
    # Two semitones up is a ratio of 1.1225: G minor at 155.02 becomes A minor at 174.
    wide = Wanted(tempo=174.0, keys=(A_MINOR,), stretch=0.15)

    found = fitted(loop(155.02, (7, "minor")), wide)

    assert recipe(found) == "repitch: 155.02 -> 174 is +2.00 semitones"
    assert found.cost == pytest.approx(0.8, abs=0.01)


def test_pitch_and_tempo_are_changed_together():
    assert recipe(fitted(loop(172.5, (11, "minor")))) == "pitch -2, 172.5 -> 174"


def test_half_time_is_named_with_the_tempo_that_is_played():
    assert recipe(fitted(loop(86.0, A_MINOR))) == "86 -> 87 (half time)"


@pytest.mark.parametrize(
    "sound",
    [
        loop(140.0, A_MINOR),  # 24 % is too much
        Sound(kind="one_shot"),  # a drum hit has nothing to compare
        Sound(kind="loop"),
    ],
)
def test_what_does_not_fit_is_left_out(sound: Sound):
    assert fit(sound, WANTED) is None


def test_key_that_no_transposition_brings_near_does_not_fit():
    assert fit(loop(174.0, (6, "minor")), Wanted(tempo=174.0, keys=(A_MINOR,), shift=1)) is None


def test_limits_are_obeyed():
    sharp = loop(174.0, (8, "minor"))

    assert fit(sharp, Wanted(tempo=174.0, keys=(A_MINOR,), shift=0)) is None
    assert fit(loop(170.0, A_MINOR), Wanted(tempo=174.0, keys=(A_MINOR,), stretch=0.01)) is None


def test_only_a_tempo_or_only_a_key_may_be_wanted():
    assert fitted(loop(174.0, (3, "minor")), Wanted(tempo=174.0)).cost == 0.0
    assert fitted(loop(90.0, A_MINOR), Wanted(keys=(A_MINOR,))).cost == 0.0
    assert fit(loop(90.0), Wanted(keys=(A_MINOR,))) is None
    assert fit(note(57), Wanted(tempo=174.0)) is None


def test_answers_counts_what_the_sound_has():
    assert [fitted(each).answers for each in (loop(174.0, A_MINOR), loop(174.0), note(57))] == [2, 1, 1]


KEYS = st.tuples(st.integers(0, 11), st.sampled_from(["major", "minor"]))


CASES = st.tuples(
    st.floats(40.0, 300.0), st.one_of(st.none(), KEYS), st.floats(-50.0, 50.0), st.floats(40.0, 300.0), KEYS
)


@given(CASES, st.integers(0, 6))
def test_recipe_brings_a_loop_into_the_wanted_key_and_tempo(
    case: tuple[float, Key | None, float, float, Key], shift: int
):
    tempo, key, tuning, wanted_tempo, wanted_key = case
    wanted = Wanted(tempo=wanted_tempo, keys=(wanted_key,), shift=shift, stretch=0.2)

    found = fit(Sound(kind="loop", tempo=tempo, key=key, tuning=tuning), wanted)

    if found is None:
        return
    octave = {"same": 1.0, "half": 2.0, "double": 0.5}[found.time]
    assert found.new_tempo is not None
    assert found.new_tempo * octave == pytest.approx(wanted_tempo, rel=6e-4)
    assert abs(found.ratio - 1.0) <= 0.2 + 6e-4
    if key is None:
        assert found.transposition in (0.0, pytest.approx(semitones(found.ratio)))
    else:
        sounding = key[0] + tuning / 100.0 + found.transposition
        assert abs(sounding - round(sounding)) * 100.0 <= 10.01
        assert abs(found.steps) <= shift
