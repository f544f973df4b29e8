"""What an index looks up holds all that fits."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from samplemind_worker.finding.fitting import Sound, Wanted, fit
from samplemind_worker.finding.reach import Reach, costliest, reaches

KEYS = st.tuples(st.integers(0, 11), st.sampled_from(["major", "minor"]))
TEMPI = st.one_of(st.none(), st.floats(30.0, 400.0))
LOOPS = st.builds(
    Sound, kind=st.just("loop"), tempo=TEMPI, key=st.one_of(st.none(), KEYS), tuning=st.floats(-50.0, 50.0)
)
ONE_SHOTS = st.builds(
    Sound,
    kind=st.just("one_shot"),
    key=st.one_of(st.none(), KEYS),
    pitch=st.one_of(st.none(), st.integers(0, 127)),
    tuning=st.floats(-50.0, 50.0),
)
WANTED = st.builds(
    Wanted,
    tempo=TEMPI,
    keys=st.lists(KEYS, max_size=2).map(tuple),
    shift=st.integers(0, 7),
    stretch=st.floats(0.0, 0.5),
)


def holds(reach: Reach, sound: Sound) -> bool:
    if reach.timeless and sound.tempo is not None:
        return False
    if reach.pitches:
        return sound.key is None and sound.pitch is not None and sound.pitch % 12 in reach.pitches
    if reach.keys is not None and (sound.key is None if reach.keys else sound.key is not None):
        return False
    if reach.keys and sound.key not in reach.keys:
        return False
    return reach.tempo is None or (sound.tempo is not None and reach.tempo[0] <= sound.tempo <= reach.tempo[1])


@settings(max_examples=400)
@given(st.one_of(LOOPS, ONE_SHOTS), WANTED)
# Repitching by 3.49 semitones counts as in tune where 3.58 are asked for, which is less than four less a quarter tone.
@example(
    Sound(kind="loop", tempo=163.5, key=(11, "minor"), tuning=42.0),
    Wanted(tempo=100.0, keys=((6, "major"),), shift=4, stretch=0.5),
)
def test_holds_what_fits_at_its_cost(sound: Sound, wanted: Wanted):
    found = fit(sound, wanted)

    if found is not None:
        assert found.cost <= costliest(wanted)
        for cost in (found.cost, found.cost + 0.3, costliest(wanted)):
            assert any(holds(each, sound) for each in reaches(wanted, cost))


def test_what_fits_as_it_is_is_looked_up_alone():
    found = reaches(Wanted(tempo=174.0, keys=((9, "minor"),)), 0.0)

    assert [each.keys for each in found] == [((9, "minor"),)]
    assert found[0].tempo == pytest.approx((174.0, 174.0), rel=6e-4)


def test_what_has_no_tempo_or_no_key_is_looked_up_later():
    found = reaches(Wanted(tempo=174.0, keys=((9, "minor"),)), 0.25)

    assert [each.keys for each in found][-3:] == [(), ((9, "minor"),), ()]
    assert [each.timeless for each in found][-3:] == [False, True, True]
    assert found[-1].pitches == (9,)
