"""Files and analyses in the real record."""

import time
from typing import Any

import pytest

from samplemind_worker.documents.versions import CPU_STEPS, VERSIONS
from samplemind_worker.errors import UsageError
from samplemind_worker.store import mongo, results
from tests.factories import analysis_facts, audio_facts, content_id

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("workspace")]

CONTENT = content_id(1)


def save(*contents: str, **values: Any) -> None:
    results.save_analyses([(audio_facts(content), analysis_facts(content, **values)) for content in contents])


def test_progress_tells_versions_and_when():
    save(CONTENT)

    progress = results.progress_of([CONTENT, content_id(2)])

    assert list(progress) == [CONTENT]
    assert progress[CONTENT]["versions"] == {step: VERSIONS[step] for step in CPU_STEPS}
    assert abs((mongo.now() - progress[CONTENT]["analyzed_at"]).total_seconds()) < 60.0


def test_save_analyses_comes_back_as_it_was():
    audio, analysis = (
        audio_facts(CONTENT, metadata={"title": "A loop"}, loudness_lufs=None),
        analysis_facts(
            CONTENT, time_signature=(4, 4), tempo_candidates=[{"tempo": 120.0, "score": 0.9}], beats=[0.0, 0.5]
        ),
    )

    results.save_analyses([(audio, analysis)])

    found_audio, found_analysis = results.load([CONTENT, content_id(2)])[CONTENT]
    assert found_audio == audio
    assert found_analysis.analyzed_at is not None
    assert found_analysis.model_copy(update={"analyzed_at": None}) == analysis


def test_save_analyses_twice_is_one_analysis():
    save(CONTENT)
    first = results.progress_of([CONTENT])[CONTENT]
    uploaded = uploaded_at(CONTENT)
    time.sleep(0.01)

    save(CONTENT)

    assert len(list(results.iterate())) == 1
    assert results.progress_of([CONTENT])[CONTENT]["versions"] == first["versions"]
    assert uploaded_at(CONTENT) == uploaded


def uploaded_at(content: str) -> object:
    async def _find() -> object:
        row = await mongo.database()["audio_files"].find_one({"_id": content})
        return None if row is None else row["uploaded_at"]

    return mongo.run(_find())


def test_save_analyses_anew_loses_what_followed_from_the_old():
    save(CONTENT)
    results.update_analyses({CONTENT: {"ai_summary": "A loop.", "versions.summarize": 1, "versions.store": 1}})

    save(CONTENT, tempo=100.0)

    _, analysis = results.load([CONTENT])[CONTENT]
    assert (analysis.tempo, analysis.ai_summary) == (100.0, None)
    assert analysis.versions == {step: VERSIONS[step] for step in CPU_STEPS}


def test_save_analyses_of_one_content_twice_in_a_parcel_is_one():
    save(CONTENT, CONTENT)

    assert [audio.file_id for audio, _ in results.iterate()] == [CONTENT]


def test_update_analyses_sets_fields_and_makes_none():
    save(CONTENT)

    results.update_analyses({CONTENT: {"ai_summary": "A loop."}, content_id(2): {"ai_summary": "Nothing."}})

    assert [(analysis.file_id, analysis.ai_summary) for _, analysis in results.iterate()] == [(CONTENT, "A loop.")]


def test_nothing_to_do_asks_nobody():
    results.save_analyses([])
    results.update_analyses({})

    assert (results.load([]), results.progress_of([])) == ({}, {})


def test_iterate_goes_on_past_a_page_without_loss_or_repetition():
    contents = [content_id(number) for number in range(1105)]
    save(*contents)

    assert [audio.file_id for audio, _ in results.iterate()] == sorted(contents)


def test_resolve_takes_an_id_or_its_unique_beginning():
    save(CONTENT)

    assert results.resolve(CONTENT) == CONTENT
    assert results.resolve(CONTENT[:6]) == CONTENT


def test_resolve_refuses_a_beginning_of_more_than_one():
    save("abcdef" + "0" * 58, "abcdef" + "f" * 58)

    with pytest.raises(UsageError, match="more than one file id begins with 'abcdef'"):
        results.resolve("abcdef")
    assert results.resolve("abcdeff") == "abcdef" + "f" * 58


@pytest.mark.parametrize("file_id", ["", "abc", "ABCDEF", "kick.wav", "abcdeg"])
def test_resolve_refuses_what_is_no_id(file_id: str):
    with pytest.raises(UsageError, match="is neither a file nor the id of one"):
        results.resolve(file_id)


def test_resolve_of_an_unknown_id_says_so():
    with pytest.raises(UsageError, match="no file 'abcdef' in the library"):
        results.resolve("abcdef")


def test_what_was_analysed_since_is_not_wiped_by_a_worker_that_comes_late():
    begun = mongo.now()
    pair = (audio_facts(CONTENT), analysis_facts(CONTENT))
    other = (audio_facts(content_id(2)), analysis_facts(content_id(2)))
    results.save_analyses([pair], since=begun)
    results.update_analyses({CONTENT: {"ai_summary": "A loop.", "versions.summarize": 1}})

    results.save_analyses([pair, other], since=begun)
    late = {analysis.file_id: analysis.ai_summary for _, analysis in results.iterate()}
    results.save_analyses([pair], since=mongo.now())  # of a later batch, which wants it anew
    anew = {analysis.file_id: analysis.ai_summary for _, analysis in results.iterate()}

    assert late == {CONTENT: "A loop.", content_id(2): None}
    assert anew == {CONTENT: None, content_id(2): None}
