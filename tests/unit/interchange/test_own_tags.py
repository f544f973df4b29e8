"""What SampleMind has written into a file does not count when the file is analysed anew."""

import io
import tempfile
from pathlib import Path

import mutagen.id3
import pytest

from config.settings import get_settings
from samplemind_worker import own_tags
from samplemind_worker.documents.facts import AudioFacts
from samplemind_worker.interchange.tags import Tags
from samplemind_worker.metadata.evidence import Statement, collect
from samplemind_worker.pipeline import engine
from samplemind_worker.pipeline.signals import Signal, limits, read_signal
from tests import chunks
from tests.unit.interchange.sounds import KINDS, LOOP, ONE_SHOT, sound, tagged
from training import signals

WRONG = Tags(kind="loop", tempo=93.0, beats=5, tonic=1, mode="major", key="Db", instrument="music_loop")


def decoded(data: bytes) -> Signal:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        with Path(file.name).open("rb") as source:
            return read_signal(source, name=b"a", file_id="a" * 64, limits=limits(get_settings()))


def statements(facts: AudioFacts) -> list[Statement]:
    return collect(facts.metadata, "", duration=facts.duration, sample_rate=facts.sample_rate)


@pytest.mark.parametrize("tags", [LOOP, ONE_SHOT], ids=["loop", "one_shot"])
@pytest.mark.parametrize("kind", KINDS)
def test_own_tags_state_nothing(kind: str, tags: Tags):
    data, planned = tagged(sound(kind), tags)
    assert planned.written
    facts = decoded(data).facts
    assert statements(facts) == []
    assert facts.tags == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_mark_names_what_several_runs_have_written(kind: str):
    first, _ = tagged(sound(kind), Tags(kind="loop", key="Am", tonic=9, mode="minor"))
    second, _ = tagged(first, LOOP)
    assert statements(decoded(second).facts) == []
    assert tagged(second, LOOP) == (second, tagged(second, LOOP)[1])


def test_a_wrong_answer_does_not_confirm_itself():
    before = chunks.riff(signals.drum_loop(120.0, bars=2), [])
    after, _ = tagged(before, WRONG)
    answers = [engine.judge(engine.measure(decoded(data)))[1] for data in (before, after)]
    assert answers[0].tempo == pytest.approx(120.0, abs=0.5)
    assert answers[1].model_dump(exclude={"seconds"}) == answers[0].model_dump(exclude={"seconds"})


def test_what_others_wrote_or_changed_since_counts():
    theirs = chunks.riff(signals.kick(0.2), [chunks.acid(tempo=174.0, beats=32, root=50)])
    said = statements(decoded(tagged(theirs, LOOP)[0]).facts)
    assert {(one.source, one.about) for one in said} == {("acid", "kind"), ("acid", "tempo"), ("acid", "key")}
    file = io.BytesIO(tagged(sound("mp3"), LOOP)[0])
    tag = mutagen.id3.ID3(file)
    tag["TBPM"] = mutagen.id3.TBPM(encoding=0, text="64")
    file.seek(0)
    tag.save(file, v2_version=3)
    said = statements(decoded(file.getvalue()).facts)
    assert [(one.source, one.about, one.said.value) for one in said] == [("id3", "tempo", 64.0)]


def test_a_mark_with_odd_text_costs_nothing():
    said = {"id3": {"bpm": "120", own_tags.FIELD: "=; tags.bpm; ;;tags.bpm=x; acid.beats=1"}, "acid": {"beats": 2}}
    assert own_tags.of_others(said) == said
    assert own_tags.of_others({"id3": {own_tags.FIELD: "tags.bpm=x"}, "cues": [{"id": 1}]})["cues"] == [{"id": 1}]
