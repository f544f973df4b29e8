"""Writing many documents at once, some of them new, and the marks of entries that are to be made anew."""

from typing import Any

import pytest
from pymongo.errors import BulkWriteError

from samplemind_worker.store import mongo, stale
from samplemind_worker.store._upsert import insert, upsert

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("workspace")]


def rows(name: str) -> dict[str, dict[str, Any]]:
    async def read() -> list[dict[str, Any]]:
        return await mongo.collection(name).find().to_list()

    return {row.pop("_id"): row for row in mongo.run(read())}


def tokens() -> dict[str, str]:
    return {key: row["token"] for key, row in rows("stale_entries").items()}


def test_new_documents_are_inserted_and_the_others_changed():
    things = mongo.collection("things")
    mongo.run(insert([{"_id": "old", "size": 1, "gone": True, "kept": 5}], into=things))

    values = {"old": {"size": 2}, "new": {"size": 3}}
    mongo.run(upsert(things, values, at_first={"made": 7}, unset=("gone",)))

    assert rows("things") == {"old": {"size": 2, "kept": 5}, "new": {"size": 3, "made": 7}}


def test_a_document_that_does_not_meet_its_condition_stays():
    things = mongo.collection("things")
    mongo.run(insert([{"_id": "later", "ticket": 9}, {"_id": "earlier", "ticket": 1}], into=things))

    values = {"later": {"ticket": 5}, "earlier": {"ticket": 5}, "new": {"ticket": 5}}
    mongo.run(upsert(things, values, conditions={key: {"ticket": {"$lt": 5}} for key in values}))

    assert {key: row["ticket"] for key, row in rows("things").items()} == {"later": 9, "earlier": 5, "new": 5}


def test_what_another_process_has_inserted_is_said_and_the_rest_inserted():
    things = mongo.collection("things")
    mongo.run(insert([{"_id": "a", "size": 1}], into=things))

    there = mongo.run(insert([{"_id": "a", "size": 2}, {"_id": "b", "size": 2}], into=things))

    assert there == ["a"]
    assert rows("things") == {"a": {"size": 1}, "b": {"size": 2}}


def test_another_fault_of_a_write_is_raised():
    async def allow_sizes_only() -> None:
        await mongo.database().create_collection("things", validator={"size": {"$type": "int"}})

    mongo.run(allow_sizes_only())

    with pytest.raises(BulkWriteError):
        mongo.run(upsert(mongo.collection("things"), {"a": {"size": "large"}, "b": {"size": 1}}))

    assert rows("things") == {"b": {"size": 1}}


def test_every_mark_names_the_last_change():
    stale.mark(["a", "b"])
    before = tokens()

    stale.mark(["b", "c"])

    after = tokens()
    assert after["a"] == before["a"]
    assert after["b"] == after["c"] != before["b"]


def test_a_mark_that_was_renewed_meanwhile_stays():
    stale.mark(["a", "b"])
    stale.mark(["c"])
    seen = tokens()
    stale.mark(["b"])

    mongo.run(stale.drop(seen))

    assert list(tokens()) == ["b"]
