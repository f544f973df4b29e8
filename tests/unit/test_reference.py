import math

import pytest

from samplemind_worker import reference
from samplemind_worker.dsp.character import MEASURES
from tests.factories import analysis_facts, audio_facts, content_id

ID = content_id(1)


def test_rank_lies_between_the_percentiles():
    steps = [0.0, 10.0, 20.0, 20.0, 20.0, 40.0]
    assert reference.rank(steps, -1.0) == 0.0
    assert reference.rank(steps, 5.0) == pytest.approx(0.1)
    assert reference.rank(steps, 20.0) == pytest.approx(0.6)
    assert reference.rank(steps, 30.0) == pytest.approx(0.9)
    assert reference.rank(steps, 99.0) == 1.0


def test_percentiles_of_the_data_rise():
    for group in reference.load()["groups"].values():
        for measure, steps in group["percentiles"].items():
            assert measure in reference.MEASURES
            assert steps == sorted(steps)
            assert all(math.isfinite(step) for step in steps)


def test_every_group_has_a_noun_and_enough_sounds():
    for name, group in reference.load()["groups"].items():
        assert reference.noun(name)
        assert group["sounds"] >= reference.FEWEST


def test_a_sound_is_compared_with_its_instrument_else_its_kind_else_all():
    assert reference.group_of("kick", "one_shot") == "kick"
    assert reference.group_of(None, "one_shot") == "one_shot"
    assert reference.group_of(None, None) == reference.EVERYTHING
    assert reference.group_of("kick", "one_shot", "no_such_measure") == reference.EVERYTHING


def test_comparisons_never_claim_all():
    assert reference.comparison(0.12, "brightness_hz", more=False) == "darker than 88 %"
    assert reference.comparison(1.0, "length_seconds", more=True) == "longer than 99 %"


def test_measures_of_an_analysis_without_character_are_none():
    assert reference.measures_of(audio_facts(ID, width=0.2), analysis_facts(ID)) == {}


def test_an_attack_without_any_brightness_to_speak_of_is_measured():
    facts = analysis_facts(ID, character={"attack_brightness_hz": 5e-324, "body_brightness_hz": 2.0})

    assert reference.measures_of(audio_facts(ID), facts)["click"] == -1075.0


def test_measures_follow_from_the_character():
    character: dict[str, float | None] = dict.fromkeys(MEASURES)
    character |= {
        "attack_brightness_hz": 4000.0,
        "body_brightness_hz": 500.0,
        "tail_seconds": 0.3,
        "decay_seconds": 0.08,
    }
    character |= {"sub_share": 0.1, "low_share": 0.2, "low_mid_share": 0.3, "mid_share": 0.4}
    character |= {"high_share": 0.0, "air_share": 0.0}
    facts = analysis_facts(
        ID, character=character, spectral_features={"contrast": {"mean": [1, 2, 3, 4, 5, 20.0, 30.0]}}
    )
    found = reference.measures_of(audio_facts(ID, width=0.25), facts)
    assert found["click"] == pytest.approx(3.0)
    assert found["roominess"] == pytest.approx(3.0)
    assert found["bottom_share"] == pytest.approx(0.3)
    assert found["weight_share"] == pytest.approx(0.6)
    assert found["sheen_db"] == pytest.approx(25.0)
    assert found["width"] == 0.25
    assert "tonalness" not in found


@pytest.mark.parametrize(
    ("measure", "value", "text"),
    [
        ("brightness_hz", 612.4, "612 Hz"),
        ("attack_seconds", 0.0123, "12 ms"),
        ("length_seconds", 2.26, "2.3 s"),
        ("air_share", 0.123, "12 %"),
        ("crest_db", 9.04, "9.0 dB"),
    ],
)
def test_values_are_written_with_their_unit(measure: str, value: float, text: str):
    assert reference.MEASURES[measure].written(value) == text
