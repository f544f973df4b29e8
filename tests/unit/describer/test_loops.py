"""What the local describer advises about loops: at most three things, each rare among loops of the same kind."""

from itertools import pairwise
from typing import Any

import pytest

from samplemind_worker import reference
from samplemind_worker.describer.advice import MOST
from samplemind_worker.describer.loops import ADVICE
from samplemind_worker.documents.samples import Sample
from tests.descriptions import describe, make_sample

GROUPS = reference.load()["groups"]
MIDDLE = 10
LOOPS = ("drum_loop", "music_loop")
FOLLOWING = {"click", "roominess", "bottom_share", "weight_share", "sheen_db", "width"}
KEY: dict[str, Any] = {"key": "A", "mode": "minor", "key_confidence": 0.95}
NAMES = {
    "+crest_db": "Its peaks stand far out (",
    "-crest_db": "It is squashed already (",
    "+onsets_per_second": "It is busy (",
    "-onsets_per_second": "It leaves gaps (",
    "+air_share": "It is bright at the top (",
}


def at(instrument: str, audio: dict[str, Any] | None = None, **places: int) -> Sample:
    """A loop in time, in the middle of its kind in all measures but some, whose places are 0 to 20."""
    steps = GROUPS[instrument]["percentiles"]
    character = {name: steps[name][places.get(name, MIDDLE)] for name in steps if name not in FOLLOWING}
    bottom = steps["bottom_share"][places.get("bottom_share", MIDDLE)]
    character["low_share"] = max(bottom - character["sub_share"], 0.0)
    facts = {"kind": "loop", "instrument": instrument, "tempo": 120.0, "time_signature": (4, 4)}
    key = KEY if instrument == "music_loop" else {}
    return make_sample({"duration": 8.0, **(audio or {})}, **facts, **key, character=character)


@pytest.mark.parametrize("instrument", LOOPS)
def test_no_advice_is_true_of_half_of_the_loops_of_its_kind(instrument: str):
    steps = GROUPS[instrument]["percentiles"]
    for advice in ADVICE:
        measure, more = advice.trait[1:], advice.trait[0] == "+"
        if measure not in steps:
            continue
        # Between two percentiles lies a twentieth of the loops.
        shares = [reference.percentile(instrument, measure, (a + b) / 2.0) or 0.0 for a, b in pairwise(steps[measure])]
        said = [share >= 0.7 if more else share <= 0.3 for share in shares]
        assert sum(said) <= len(said) // 2, (advice.tip, instrument)


@pytest.mark.parametrize("instrument", LOOPS)
def test_an_ordinary_loop_in_time_gets_no_advice(instrument: str):
    assert describe(at(instrument)).production_tips == ()


@pytest.mark.parametrize("instrument", LOOPS)
@pytest.mark.parametrize("place", [0, 20])
def test_an_extreme_loop_gets_three_tips(instrument: str, place: int):
    places = dict.fromkeys(GROUPS[instrument]["percentiles"], place)
    tips = describe(at(instrument, {"true_peak_dbtp": -20.0, "warnings": ["truncated"]}, **places)).production_tips
    assert len(tips) == MOST
    assert tips[0].startswith("The file ends before its header says")


@pytest.mark.parametrize("trait", NAMES)
def test_a_trait_gives_its_tip_with_its_measure(trait: str):
    place = 19 if trait[0] == "+" else 1
    tip = describe(at("drum_loop", None, **{trait[1:]: place})).production_tips[0]
    assert tip.startswith(NAMES[trait])
    assert reference.MEASURES[trait[1:]].label in tip


def test_the_onsets_of_a_pad_are_no_hits():
    busy = at("music_loop", None, onsets_per_second=19)
    pad = make_sample(
        kind="loop",
        instrument="music_loop",
        spectral_features={"rms": {"mean": 0.1, "std": 0.01}},
        character=busy.analysis.character,
        **KEY,
    )
    assert describe(busy).production_tips[0].startswith("It is busy (")
    assert describe(pad).summary.startswith("A pad loop")
    assert describe(pad).production_tips == ()
