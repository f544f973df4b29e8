"""Library entries: they follow the record, whatever changes it and whoever dies meanwhile."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from samplemind_worker.documents.analysis import Analysis
from samplemind_worker.documents.entry import EntryIndex, LibraryEntry, StaleEntry
from samplemind_worker.documents.versions import CPU_STEPS, VERSIONS
from samplemind_worker.finding import entry, terms
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import entries, mongo, places, results, stale
from samplemind_worker.store.places import Place
from tests.factories import analysis_facts, audio_facts, content_id

pytestmark = pytest.mark.services


@pytest.fixture(autouse=True)
def record(workspace: Workspace) -> Workspace:
    return workspace


@mongo.synchronous
async def all_entries() -> dict[str, dict[str, Any]]:
    return {row["_id"]: row async for row in LibraryEntry.get_pymongo_collection().find()}


def add(number: int, path: str = "", **values: Any) -> Place:
    """Record a content that lies at a path."""
    key = content_id(number)
    place = Place("/library", (path or f"{number:04}.wav").encode(), key, 1000, 1, 1, settled=True)
    results.save_analyses([(audio_facts(key), analysis_facts(key, **values))])
    places.save([place])
    return place


def test_an_entry_holds_what_is_searched():
    place = add(1, "Vinyl Pack/Dark Loops/Café_Loop 120.wav", instrument="music_loop", pitch_midi=None)

    assert entry.refresh_marked() == 1

    found = all_entries()[place.file_id]
    assert (found["kind"], found["tempo"], found["key"], found["mode"]) == ("loop", 120.0, 9, "minor")
    assert found["paths"] == ["/library/Vinyl Pack/Dark Loops/Café_Loop 120.wav"]
    assert found["packs"] == ["Vinyl Pack"]
    assert {"cafe+", "loop+", "music+", "dark", "vinyl", "key=9minor", "kind=loop", "tempo~=120"} <= set(found["terms"])
    assert {"folder=vinyl pack", terms.value("in", terms.digest("/library/Vinyl Pack"))} <= set(found["terms"])
    assert "dark+" not in found["terms"]


@pytest.mark.parametrize(("provider", "found"), [("local", False), ("gemini", True)])
def test_a_word_of_the_vocabulary_counts_in_a_summary_that_a_model_wrote(provider: str, *, found: bool):
    place = add(1, ai_provider=provider, ai_summary="A loop with a gloomy marimba, rough edges and glassy noises.")

    entry.refresh_marked()

    terms_of_it = set(all_entries()[place.file_id]["terms"])
    assert {"marimba", "edge"} <= terms_of_it
    assert ({"gloomy", "rough", "glassy", "noise"} <= terms_of_it) == found
    assert terms_of_it.isdisjoint({"gloomy", "rough", "glassy", "noise"}) != found


@pytest.mark.parametrize(("provider", "found"), [("local", False), ("gemini", True)])
def test_a_number_counts_in_a_summary_that_a_model_wrote(provider: str, *, found: bool):
    place = add(1, ai_provider=provider, ai_summary="An 808 in F, like a gong on F1.")

    entry.refresh_marked()

    terms_of_it = set(all_entries()[place.file_id]["terms"])
    assert {"gong", "f1"} <= terms_of_it
    assert ({"808", "f"} <= terms_of_it) == found
    assert terms_of_it.isdisjoint({"808", "f"}) != found


@pytest.mark.parametrize(("provider", "found"), [("local", False), ("gemini", True)])
def test_what_follows_the_first_sentence_counts_in_a_summary_that_a_model_wrote(provider: str, *, found: bool):
    place = add(1, ai_provider=provider, ai_summary="A marimba, 0.7 s long. Energy lies below a gong.")

    entry.refresh_marked()

    terms_of_it = set(all_entries()[place.file_id]["terms"])
    assert "marimba" in terms_of_it
    assert ({"energy", "gong"} <= terms_of_it) == found
    assert terms_of_it.isdisjoint({"energy", "gong"}) != found


def test_a_mark_is_removed_once_the_entry_is_made():
    place = add(1)
    assert stale.marked() == [place.file_id]

    entry.refresh([place.file_id])

    assert stale.marked() == []


def test_a_content_without_a_place_has_no_entry():
    place = add(1)
    entry.refresh_marked()

    places.end([place])
    entry.refresh_marked()

    assert all_entries() == {}


def test_a_content_that_is_not_analysed_has_no_entry():
    places.save([Place("/library", b"a.wav", content_id(1), 1000, 1, 1, settled=True)])

    assert entry.refresh_marked() == 1
    assert all_entries() == {}


def test_an_entry_follows_its_place():
    place = add(1, "old/a.wav")
    entry.refresh_marked()

    places.move([(place, replace(place, path=b"new/b.wav"))])
    entry.refresh_marked()

    assert all_entries()[place.file_id]["paths"] == ["/library/new/b.wav"]


def test_a_content_that_was_overwritten_is_found_no_more():
    old = add(1, "a.wav")
    entry.refresh_marked()

    assert places.save([replace(old, file_id=content_id(2))]) == {old.file_id}
    entry.refresh_marked()

    assert all_entries() == {}


def test_a_place_that_comes_back_is_found_again():
    place = add(1)
    places.end([place])
    entry.refresh_marked()

    places.unchanged([(place.id, place.size, place.mtime_ns, place.ctime_ns)], versions={})
    entry.refresh_marked()

    assert set(all_entries()) == {place.file_id}


def test_a_deleted_content_is_found_no_more():
    place = add(1)
    entry.refresh_marked()

    results.take_out([place.file_id])
    entry.refresh_marked()

    assert all_entries() == {}


def test_many_copies_do_not_grow_the_entry_nor_hide_the_places_of_others():
    many, one = content_id(1), add(2)
    results.save_analyses([(audio_facts(many), analysis_facts(many))])
    places.save(
        [Place("/library", f"copies/{number:04}.wav".encode(), many, 1000, 1, 1, settled=True) for number in range(200)]
    )

    entry.refresh([many, one.file_id])

    found = all_entries()
    assert len(found[many]["paths"]) == entries.PLACES
    assert found[one.file_id]["paths"] == ["/library/0002.wav"]


def test_a_change_during_a_refresh_keeps_its_mark():
    place = add(1)
    reading = entries.read([place.file_id])
    places.end([place])  # another process, after this one has read

    entries.write(reading, {place.file_id: entry.entry_of(reading.sources[place.file_id])}, contents=[place.file_id])

    assert stale.marked() == [place.file_id]
    entry.refresh_marked()
    assert all_entries() == {}


def test_an_earlier_reading_does_not_overwrite_a_later_one():
    place = add(1, "a.wav")
    early = entries.read([place.file_id])
    places.move([(place, replace(place, path=b"b.wav"))])
    entry.refresh_marked()

    entries.write(early, {place.file_id: entry.entry_of(early.sources[place.file_id])}, contents=[place.file_id])

    assert all_entries()[place.file_id]["paths"] == ["/library/b.wav"]


def test_a_record_without_analyses_is_complete_from_the_start():
    assert entry.build(seconds=0.0)
    assert entries.progress().is_complete


@mongo.synchronous
async def forget_entries() -> None:
    await LibraryEntry.get_pymongo_collection().drop()
    await EntryIndex.get_pymongo_collection().drop()


def test_a_record_from_before_there_were_entries_says_so_until_they_are_made():
    for number in range(600):
        add(number)
    forget_entries()

    assert not entries.progress().is_complete
    assert not entry.build(seconds=0.0)  # a page
    state = entries.progress()
    assert (state.is_complete, state.entries, state.contents) == (False, 500, 600)

    assert entry.build()  # continues
    assert entries.progress().is_complete
    assert len(all_entries()) == 600


def test_building_anew_removes_entries_of_no_content():
    kept, lost = add(1), add(2)
    entry.refresh_marked()
    results.take_out([lost.file_id])

    assert entry.build(anew=True)

    assert set(all_entries()) == {kept.file_id}


def test_a_lost_collection_is_noticed():
    add(1)
    assert entry.build()
    mongo.run(LibraryEntry.get_pymongo_collection().drop())

    assert not entries.progress().is_complete


def test_when_everything_is_forgotten_nothing_is_missing():
    place = add(1)
    assert entry.build()
    places.end([place])
    entry.refresh_marked()

    assert entries.progress().is_complete


@mongo.synchronous
async def work_as_an_older_release(file_id: str) -> None:
    """Record that a worker of an older release has analysed a content: it leaves no mark."""
    versions = {f"versions.{step}": VERSIONS[step] - 1 for step in CPU_STEPS}
    await Analysis.get_pymongo_collection().update_one({"_id": file_id}, {"$set": versions})
    await StaleEntry.get_pymongo_collection().delete_many({})


def test_what_a_worker_of_an_older_release_analyses_is_found():
    add(1)
    assert entry.build()
    beside = add(2)
    work_as_an_older_release(beside.file_id)
    assert beside.file_id not in all_entries()

    assert entry.build()

    assert beside.file_id in all_entries()


@mongo.synchronous
async def tickets_drawn() -> int:
    return (await EntryIndex.get_pymongo_collection().find_one())["ticket"]


@mongo.synchronous
async def look_back(span: timedelta) -> None:
    """Move all analyses into the past."""
    earlier = [{"$set": {"analyzed_at": {"$subtract": ["$analyzed_at", int(span.total_seconds() * 1000)]}}}]
    await Analysis.get_pymongo_collection().update_many({}, earlier)


def test_entries_that_are_made_stay_as_they_are_without_an_older_release():
    work_as_an_older_release(add(1).file_id)  # before the entries are made, and in the past
    look_back(timedelta(hours=1))
    add(2)
    assert entry.build()
    before = tickets_drawn()

    assert entry.build()
    assert tickets_drawn() == before
