import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from samplemind_worker import dsp, reference
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.dsp.character import character
from samplemind_worker.finding import vocabulary
from samplemind_worker.finding.vocabulary import WORDS, explain, lookup, suggest, words_of
from tests.factories import audio_facts, content_id
from training import signals
from training import vocabulary as learned

ID = content_id(1)
DOCS = Path(__file__).parents[3] / "docs"


def facts(
    y: object, *, instrument: str | None, kind: str = "one_shot", **audio: object
) -> tuple[AudioFacts, AnalysisFacts]:
    features = dsp.compute_features(np.asarray(y, np.float32), sr=dsp.SR)
    analysis = AnalysisFacts.model_validate(
        {
            "file_id": ID,
            "kind": kind,
            "instrument": instrument,
            "character": character(features),
            "spectral_features": features.summary,
        }
    )
    return audio_facts(ID, **{"channels": 1, **audio}), analysis


def at(group: str, shares: dict[str, float], *, kind: str = "one_shot") -> tuple[AudioFacts, AnalysisFacts]:
    """A sound whose measures lie at these places among the sounds of a group, in steps of a twentieth."""
    steps = reference.load()["groups"][group]["percentiles"]
    character = {name: steps[name][round(20 * share)] for name, share in shares.items()}
    analysis = AnalysisFacts.model_validate({
        "file_id": ID, "kind": kind, "instrument": group, "character": character
    })  # fmt: skip
    return audio_facts(ID, channels=1), analysis


def test_there_are_at_least_thirty_words():
    assert len(WORDS) >= 30


def test_no_token_means_two_words():
    tokens = [token for word in WORDS.values() for token in (word.name, *word.synonyms)]
    assert sorted(tokens) == sorted(set(tokens))


def test_opposites_name_each_other_and_are_the_same_measures_turned():
    for word in WORDS.values():
        if word.opposite is not None:
            other = WORDS[word.opposite]
            assert other.opposite == word.name
            assert [part.turned.measure for part in word.parts] == [part.measure for part in other.parts]
            assert [not part.more for part in word.parts] == [part.more for part in other.parts]


def test_every_measure_of_a_word_is_learned():
    everything = reference.load()["groups"][reference.EVERYTHING]["percentiles"]
    assert {part.measure for word in WORDS.values() for part in word.parts} <= set(everything)


@pytest.mark.parametrize(
    ("token", "word"),
    [("dark", "dark"), ("Dark", "dark"), ("lo-fi", "dusty"), ("lofi", "dusty"), ("SUB", "deep"), ("sharp", "snappy")],
)
def test_lookup_knows_words_and_synonyms(token: str, word: str):
    assert lookup(token) == word


@pytest.mark.parametrize("token", ["", "xyzzy", "kick", "$where", "12", "ä" * 10_000, "مرحبا"])
def test_lookup_knows_nothing_else(token: str):
    assert lookup(token) is None


def test_suggestions_are_spelt_alike():
    assert "punchy" in suggest("punchi")
    assert suggest("xyzzyq") == []
    assert suggest("a" * 10_000) == []


def test_a_kick_without_its_top_is_dark_and_no_bright_one():
    steps = reference.load()["groups"]["kick"]["percentiles"]["brightness_hz"]
    assert "dark" in words_of(*at("kick", {"brightness_hz": 0.1}))
    assert "bright" in words_of(*at("kick", {"brightness_hz": 0.9}))
    assert steps[2] < steps[18]


def test_strength_rises_with_the_percentile():
    strengths = [
        words_of(*at("kick", {"length_seconds": share})).get("long", 0.0) for share in np.linspace(0.0, 1.0, 21)
    ]
    assert strengths == sorted(strengths)
    assert strengths[0] == 0.0
    assert strengths[-1] == 1.0


@pytest.mark.parametrize("group", sorted(reference.load()["groups"]))
def test_opposites_exclude_each_other_wherever_their_measures_lie(group: str):
    steps = reference.load()["groups"][group]["percentiles"]
    for word in WORDS.values():
        if word.opposite is None or not word.parts or any(part.measure not in steps for part in word.parts):
            continue
        other = WORDS[word.opposite]
        limits = [
            reference.load()["words"][one.name].get(group, 1.0) for one in (word, other)
        ]  # fmt: skip
        for places in product(range(21), repeat=len(word.parts)):
            measures = {part.measure: steps[part.measure][k] for part, k in zip(word.parts, places, strict=True)}
            degrees = [vocabulary.degree(one, group, measures) for one in (word, other)]
            assert not all(degree > limit for degree, limit in zip(degrees, limits, strict=True))


def test_words_for_much_and_for_little_treble_exclude_each_other():
    # Bright for a kick, and without any air: by its measures alone it would be both.
    shares = {"brightness_hz": 0.95, "air_share": 0.0}
    audio, analysis = at("kick", shares)
    measures = reference.measures_of(audio, analysis)
    for name in ("bright", "muffled"):
        limit = reference.load()["words"][name]["kick"]
        assert vocabulary.degree(WORDS[name], "kick", measures) > limit
    much, little = (side & set(words_of(audio, analysis)) for side in vocabulary.TREBLE)
    assert (much, little) == (set(), {"muffled"})


def test_words_of_what_was_never_measured_are_none():
    assert words_of(audio_facts(ID), AnalysisFacts(file_id=ID, kind="one_shot")) == {}


def test_words_of_silence_are_none():
    assert words_of(*facts(signals.silence(1.0, sr=dsp.SR), instrument=None)) == {}


def test_an_instrument_without_reference_falls_back_to_its_kind():
    found = words_of(*facts(signals.noise(3.0, sr=dsp.SR), instrument=None))
    assert {"noisy", "bright"} <= set(found)


def test_channels_that_hold_the_same_are_mono():
    y = signals.sine(440.0, 1.0, sr=dsp.SR)
    assert "mono" in words_of(*facts(y, instrument="synth", channels=2, width=0.0))
    assert "stereo" in words_of(*facts(y, instrument="synth", channels=2, width=0.4))


def test_explains_a_word_by_its_measure():
    audio, analysis = at("kick", {"brightness_hz": 0.1})
    value = analysis.character["brightness_hz"]
    assert value is not None
    written = reference.MEASURES["brightness_hz"].written(value)
    assert explain("dark", audio, analysis) == f"dark: brightness {written}, darker than 90 % of kicks"


def test_explains_a_word_that_cannot_be_told():
    assert explain("dark", audio_facts(ID), AnalysisFacts(file_id=ID, kind="one_shot")) == "dark: not measured"


def test_explains_mono():
    y = signals.sine(440.0, 1.0, sr=dsp.SR)
    assert explain("mono", *facts(y, instrument="synth", channels=1)) == "mono: 1 channel"
    text = explain("mono", *facts(y, instrument="synth", channels=2, width=0.0))
    assert text == "mono: 2 channels that hold the same"


def test_the_page_of_the_vocabulary_is_what_the_data_says():
    assert (DOCS / "vocabulary.md").read_text() == learned.page()


def test_the_page_names_every_word():
    text = (DOCS / "vocabulary.md").read_text()
    assert [name for name in WORDS if not re.search(rf"^\| {name} \|", text, re.MULTILINE)] == []


@pytest.mark.parametrize(("onsets", "word"), [(0.5, "sparse"), (2.5, None), (4.5, None), (9.0, "dense")])
def test_a_track_is_sparse_or_dense_by_its_onsets_too_not_by_the_comparison_alone(onsets: float, word: str | None):
    analysis = AnalysisFacts.model_validate({
        "file_id": ID, "kind": "track", "instrument": None, "character": {"onsets_per_second": onsets}
    })  # fmt: skip

    found = words_of(audio_facts(ID, channels=1), analysis).keys() & {"sparse", "dense"}

    assert found == ({word} if word else set())
