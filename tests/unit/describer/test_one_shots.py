"""What the local describer says of one-shots: few things, each rare among the sounds of the same instrument."""

import re
from itertools import pairwise
from typing import Any

import pytest

from samplemind_worker import reference
from samplemind_worker.describer.advice import MOST
from samplemind_worker.describer.one_shots import ADVICE
from samplemind_worker.documents.samples import Sample, Summary
from tests.descriptions import DRUMS, OTHERS, describe, make_sample

GROUPS = reference.load()["groups"]
MIDDLE = 10
FOLLOWING = {"click", "roominess", "bottom_share", "weight_share", "sheen_db", "width"}


def at(instrument: str, audio: dict[str, Any] | None = None, **places: int) -> Sample:
    """A one-shot in the middle of its instrument in all measures but some, whose places are 0 to 20."""
    steps = GROUPS[instrument]["percentiles"]
    character = {name: steps[name][places.get(name, MIDDLE)] for name in steps if name not in FOLLOWING}
    character |= {"low_share": max(0.0, steps["bottom_share"][places.get("bottom_share", MIDDLE)])}
    character["low_share"] = max(character["low_share"] - character["sub_share"], 0.0)
    return make_sample({"duration": 0.5, **(audio or {})}, kind="one_shot", instrument=instrument, character=character)


def texts(summary: Summary) -> tuple[str, ...]:
    return (*summary.production_tips, *summary.creative_ideas, *summary.fl_studio_recommendations)


@pytest.mark.parametrize("instrument", [name for name in (*DRUMS, *OTHERS) if name in GROUPS])
def test_no_advice_is_true_of_half_of_the_sounds_of_its_instrument(instrument: str):
    steps = GROUPS[instrument]["percentiles"]
    for advice in ADVICE:
        measure, more = advice.trait[1:], advice.trait[0] == "+"
        if measure not in steps:
            continue
        # Between two percentiles lies a twentieth of the sounds.
        shares = [reference.percentile(instrument, measure, (a + b) / 2.0) or 0.0 for a, b in pairwise(steps[measure])]
        said = [share >= 0.7 if more else share <= 0.3 for share in shares]
        assert sum(said) <= len(said) // 2, (advice.tip, instrument)


@pytest.mark.parametrize("instrument", [name for name in (*DRUMS, *OTHERS) if name in GROUPS])
def test_an_ordinary_sound_gets_no_advice(instrument: str):
    summary = describe(at(instrument))
    assert all("vary" in tip or "BPM" not in tip for tip in summary.production_tips)
    said = [tip for tip in summary.production_tips if "than" in tip]
    # What follows from several measures need not lie in the middle with them.
    assert [tip for tip in said if not re.search(r"tail|below (?:200|635)|200 to 635", tip)] == []


@pytest.mark.parametrize("instrument", ["kick", "snare", "hat_closed", "crash", "tom", "piano", "bass", "vocal"])
@pytest.mark.parametrize("place", [0, 20])
def test_an_extreme_sound_gets_three_tips_one_idea_and_one_tool_at_most(instrument: str, place: int):
    places = dict.fromkeys(GROUPS[instrument]["percentiles"], place)
    summary = describe(at(instrument, {"true_peak_dbtp": -20.0, "warnings": ["truncated"]}, **places))
    assert len(summary.production_tips) == MOST
    assert len(summary.creative_ideas) <= 1
    assert len(summary.fl_studio_recommendations) <= 1


def test_a_file_that_is_damaged_comes_first():
    tips = describe(at("kick", {"warnings": ["truncated"]}, attack_brightness_hz=20)).production_tips
    assert tips[0].startswith("The file ends before its header says")


def test_body_and_click_of_a_kick_are_told_apart():
    clicky, dull = (describe(at("kick", attack_brightness_hz=place)) for place in (19, 1))
    assert "Click: its start centers on" in clicky.summary
    assert "higher than 95 % of kicks" in clicky.summary
    assert "lower than 95 % of kicks" in dull.summary
    assert "Body: " in clicky.summary
    assert clicky.production_tips[0].startswith("Its click stands out (")
    assert dull.production_tips[0].startswith("It has little click (")


def test_brightness_is_that_among_the_sounds_of_the_instrument():
    same = GROUPS["hat_closed"]["percentiles"]["brightness_hz"][1]
    for instrument, adjective in (("hat_closed", "dark"), ("kick", "bright")):
        sample = at(instrument)
        sample.analysis.character["brightness_hz"] = same
        summary = describe(sample)
        assert f"it is {adjective} (brightness" in summary.summary


def test_a_sound_without_traits_is_called_ordinary():
    assert "Among snares it is ordinary in brightness and length." in describe(at("snare")).summary


def test_most_of_the_energy_is_placed():
    sample = at("snare")
    shares = {"sub": 0.0, "low": 0.05, "low_mid": 0.05, "mid": 0.2, "high": 0.65, "air": 0.05}
    sample.analysis.character.update({f"{name}_share": share for name, share in shares.items()})
    assert "65 % of its energy lies between 2 kHz and 6.4 kHz." in describe(sample).summary


def test_a_long_rest_is_to_be_trimmed():
    sample = at("kick", {"duration": 3.0})
    sample.analysis.character["length_seconds"] = 0.4
    assert describe(sample).production_tips[0] == "The hit has died away after 0.4 s: trim the rest of the 3 s."


def test_a_file_of_several_sounds_is_called_a_series_and_is_compared_with_no_single_one():
    sample = at("kick", {"duration": 14.0}, attack_seconds=20)
    sample.analysis.character.update({"onsets_per_second": 0.5, "decay_seconds": 0.2, "length_seconds": 13.0})
    summary = describe(sample)
    assert summary.summary == "A series of about 7 sounds one after the other, 14 s long."
    assert summary.production_tips == (
        "It holds about 7 sounds: cut it at its onsets, and each can be found by itself.",
    )
    assert not any("kicks" in text for text in texts(summary))


@pytest.mark.parametrize(("seconds", "decay"), [(4.0, 0.2), (14.0, 3.0)])
def test_a_short_file_and_sounds_that_run_into_each_other_are_no_series(seconds: float, decay: float):
    sample = at("kick", {"duration": seconds})
    sample.analysis.character.update({"onsets_per_second": 0.5, "decay_seconds": decay})
    assert "series" not in describe(sample).summary


def test_nothing_musical_is_said_of_what_has_no_pitch_and_no_instrument():
    sample = make_sample({"duration": 3.0}, kind="one_shot", character=at("snare").analysis.character)
    said = " ".join([describe(sample).summary, *texts(describe(sample))])
    assert not re.search(r"\b(key|major|minor|BPM|pitch)\b", said)


def test_a_fan_that_is_perhaps_in_e_major_is_in_no_key():
    sample = make_sample(kind="loop", kind_confidence=0.6, key="E", mode="major", key_confidence=0.3, tempo=None)
    summary = describe(sample)
    assert "E major" not in " ".join([summary.summary, *texts(summary)])
