"""Tags, favourites and collections: they are searched, kept, and gone with their contents."""

import json
from datetime import timedelta
from typing import Any

import pytest

from samplemind_worker.documents.entry import LibraryEntry
from samplemind_worker.documents.favourites import favourites_of
from samplemind_worker.documents.marks import SampleCollection, SampleMarks
from samplemind_worker.errors import UsageError
from samplemind_worker.finding import entry, marks, sample_collections
from samplemind_worker.finding.filter_text import read
from samplemind_worker.finding.query import read as read_text
from samplemind_worker.finding.search import search
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import marks as marks_store
from samplemind_worker.store import mongo, places, results, stale
from samplemind_worker.store.marks import Change
from samplemind_worker.store.places import Place
from samplemind_worker.upkeep import tidy
from tests.command import Cli
from tests.factories import analysis_facts, audio_facts, content_id

pytestmark = pytest.mark.services

USER = "anna"


@pytest.fixture(autouse=True)
def record(workspace: Workspace) -> Workspace:
    return workspace


def add(number: int) -> str:
    """Record a content that lies somewhere, and return its id."""
    key = content_id(number)
    results.save_analyses([(audio_facts(key), analysis_facts(key))])
    places.save([Place("/library", f"{number:04}.wav".encode(), key, 1000, 1, 1, settled=True)])
    entry.refresh_marked()
    return key


@mongo.synchronous
async def entry_of(file_id: str) -> dict[str, Any]:
    return await LibraryEntry.get_pymongo_collection().find_one({"_id": file_id}) or {}


@mongo.synchronous
async def marks_of(file_id: str) -> dict[str, Any] | None:
    return await SampleMarks.get_pymongo_collection().find_one({"_id": file_id})


def tags_of(file_id: str) -> list[str]:
    return entry_of(file_id)["user_tags"]


def found_by(text: str = "", **filters: Any) -> set[str]:
    return {hit.entry["_id"] for hit in search(read_text(text), read(**filters), limit=100).hits}


def test_a_tag_is_found_at_once_as_a_filter_and_as_a_word():
    one, two = add(1), add(2)

    assert marks.change([one], user_id=USER, add_tags=["Dusty Vinyl"]).changed == 1

    assert found_by(tag="dusty  vinyl") == {one}
    assert found_by("dusty") == found_by('"dusty vinyl"') == {one}
    [hit] = search(read_text("dusty"), read()).hits
    assert (hit.score, hit.why) == (1.0, ("tag: dusty",))
    assert stale.marked() == []
    assert tags_of(two) == []


def test_a_change_may_be_repeated_and_says_what_it_changed():
    one, two = add(1), add(2)
    marks.change([one], user_id=USER, add_tags=["dark"])

    done = marks.change([one, two, two, content_id("none")], user_id=USER, add_tags=["DARK"], favourite=False)

    assert (done.changed, done.missing) == (1, [content_id("none")])
    assert [tags_of(one), tags_of(two)] == [["dark"], ["dark"]]  # as it was first written


def test_what_a_user_writes_is_no_expression_of_the_database():
    one = add(1)

    marks.change([one], user_id="$name", add_tags=["$tags", "$$ROOT", '{"$gt": ""}'], favourite=True)
    marks.change([one], user_id=USER, remove_tags=["$$ROOT"])

    assert tags_of(one) == ['{"$gt": ""}', "$tags"]
    assert entry_of(one)["collections"] == ["favourites:$name"]


def test_favourites_are_those_of_one_user():
    one, two = add(1), add(2)
    marks.change([one], user_id=USER, favourite=True)
    marks.change([two], user_id="bert", favourite=True)

    assert found_by(favourite=True, user_id=USER) == {one}
    marks.change([one], user_id="bert", favourite=False)
    assert found_by(favourite=True, user_id=USER) == {one}
    marks.change([one], user_id=USER, favourite=False)
    assert found_by(favourite=True, user_id=USER) == set()


def test_too_many_tags_change_nothing():
    one, two = add(1), add(2)
    marks.change([one], user_id=USER, add_tags=[f"tag {n}" for n in range(marks.MOST_TAGS)])

    with pytest.raises(UsageError, match="1 of these samples would have more than 40 tags"):
        marks.change([two, one], user_id=USER, add_tags=["one more"])

    assert tags_of(two) == []
    assert marks.change([one], user_id=USER, add_tags=["one more"], remove_tags=["tag 0"]).changed == 1


def test_a_tag_is_not_added_and_removed_at_once():
    with pytest.raises(UsageError, match="both added and removed"):
        marks.change([add(1)], user_id=USER, add_tags=["Dark"], remove_tags=["dark"])


def test_marks_that_a_dying_process_has_written_reach_the_entries():
    one = add(1)
    marks_store.write([one], Change({"dark": "dark"}, frozenset(), frozenset(), frozenset()))
    assert found_by(tag="dark") == set()  # it died here

    entry.refresh_marked()

    assert found_by(tag="dark") == {one}


def test_marks_stay_while_the_content_is_analysed_anew_or_lies_nowhere():
    one = add(1)
    marks.change([one], user_id=USER, add_tags=["dark"], favourite=True)
    results.save_analyses([(audio_facts(one), analysis_facts(one, tempo=90.0))])
    [place] = places.of([one])[one]
    places.end([place])
    entry.refresh_marked()
    assert found_by(tag="dark") == set()

    places.unchanged([(place.id, place.size, place.mtime_ns, place.ctime_ns)], versions={})
    entry.refresh_marked()

    assert found_by(tag="dark", favourite=True, user_id=USER) == {one}


def test_marks_are_deleted_with_their_content(record: Workspace):
    one, two = add(1), add(2)
    marks.change([one, two], user_id=USER, add_tags=["dark"])
    places.end(places.of([one])[one])

    tidy.sweep(record.vectors, older_than=timedelta(0))

    assert (marks_of(one), marks_of(two) is None) == (None, False)


def test_marks_of_a_content_that_is_deleted_meanwhile_are_deleted():
    one, two = add(1), add(2)
    results.take_out([one])

    marks_store.write([one, two], Change({"dark": "dark"}, frozenset(), frozenset(), frozenset()))

    assert (marks_of(one), marks_of(two) is None) == (None, False)


def test_a_collection_holds_contents_and_is_searched():
    one, two = add(1), add(2)
    made = sample_collections.create(USER, "  Club   set ")
    assert made is not None
    assert (made.name, made.samples, made.built_in) == ("Club set", 0, False)

    changed = sample_collections.put(USER, made.id, add=[one, two, content_id("none")], remove=[])

    assert changed == marks.Changed(2, [content_id("none")])
    assert found_by(collection=sample_collections.term_of(USER, "club SET")) == {one, two}
    sample_collections.put(USER, made.id, add=[], remove=[one])
    assert found_by(collection=made.id) == {two}
    assert [each.samples for each in sample_collections.of_user(USER)] == [0, 1]


def test_names_are_unique_for_each_user():
    made, other = sample_collections.create(USER, "Set"), sample_collections.create(USER, "Other")
    assert made is not None
    assert other is not None

    assert sample_collections.create(USER, "sEt") is None
    assert sample_collections.create(USER, "Favourites") is None
    assert sample_collections.create("bert", "Set") is not None
    assert not sample_collections.rename(other.id, "SET")
    assert sample_collections.rename(made.id, "SET")
    assert [each.name for each in sample_collections.of_user(USER)] == ["Favourites", "Other", "SET"]


def test_a_collection_of_another_user_is_not_there():
    made = sample_collections.create("bert", "Set")
    assert made is not None

    assert sample_collections.find(USER, made.id) is None
    for name in (made.id, "Set", favourites_of("bert")):
        with pytest.raises(UsageError, match="no such collection"):
            sample_collections.term_of(USER, name)


def test_a_deleted_collection_leaves_nothing_and_frees_its_name():
    one = add(1)
    made = sample_collections.create(USER, "Set")
    assert made is not None
    sample_collections.put(USER, made.id, add=[one], remove=[])

    sample_collections.delete(made.id)

    assert (marks_of(one) or {})["collections"] == []
    assert entry_of(one)["collections"] == []
    assert mongo.run(SampleCollection.get_pymongo_collection().count_documents({})) == 0
    assert sample_collections.create(USER, "Set") is not None


def test_a_deletion_that_was_cut_short_is_finished(record: Workspace):
    one = add(1)
    made = sample_collections.create(USER, "Set")
    assert made is not None
    sample_collections.put(USER, made.id, add=[one], remove=[])
    sample_collections.sample_collections.hide(made.id)  # the process died here
    assert sample_collections.find(USER, made.id) is None
    assert sample_collections.create(USER, "Set") is not None

    tidy.run(record.vectors, record.settings)

    assert entry_of(one)["collections"] == []
    assert sample_collections.sample_collections.hidden(limit=1) == []


def test_nothing_stays_in_a_collection_that_is_deleted_meanwhile():
    one = add(1)
    made = sample_collections.create(USER, "Set")
    assert made is not None
    sample_collections.sample_collections.hide(made.id)

    with pytest.raises(UsageError, match="no such collection"):
        sample_collections.put(USER, made.id, add=[one], remove=[])

    assert marks_of(one) is None


def test_a_user_has_no_more_collections_than_are_listed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sample_collections, "MOST", 2)
    sample_collections.create(USER, "a")
    sample_collections.create(USER, "b")

    with pytest.raises(UsageError, match="there are 2 collections already"):
        sample_collections.create(USER, "c")


def test_tags_are_counted():
    one, two = add(1), add(2)
    marks.change([one, two], user_id=USER, add_tags=["Dark"])
    marks.change([two], user_id=USER, add_tags=["dusty"])

    assert marks_store.tag_counts(limit=10) == [("Dark", 2), ("dusty", 1)]
    assert marks_store.tag_counts(limit=1) == [("Dark", 2)]


def test_the_command_finds_favourites_and_collections(cli: Cli):
    one, two = add(1), add(2)
    made = sample_collections.create("local", "Club set")
    assert made is not None
    sample_collections.put("local", made.id, add=[one], remove=[])
    marks.change([two], user_id="local", favourite=True)

    for filters, found in ((["--favourite"], two), (["--collection", "club set"], one)):
        code, out, _ = cli("search", "--json", *filters)
        assert (code, [json.loads(line)["file_id"] for line in out.splitlines()]) == (0, [found])
    code, _, complaint = cli("search", "--collection", "Other")
    assert (code, "--collection: there is no such collection" in complaint) == (2, True)
