"""The forms of the documents of each collection, and bringing older documents to the present one, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from samplemind_worker.documents.schema import FIRST, Schema
from samplemind_worker.store import mongo


@dataclass(frozen=True, slots=True)
class Form:
    """How far the documents of one collection are."""

    version: int = FIRST
    migrating: int = 0
    after: Any = None
    seen: int = 0
    changed: int = 0
    total: int = 0


@mongo.synchronous
async def forms() -> dict[str, Form]:
    """Return how far each collection is that was ever looked at."""
    fields = ("version", "migrating", "after", "seen", "changed", "total")
    rows = mongo.collection(Schema.Settings.name).find({"_id": {"$gt": ""}})
    return {row["_id"]: Form(**{name: row[name] for name in fields if name in row}) async for row in rows}


@mongo.synchronous
async def are_empty(collections: Sequence[str]) -> set[str]:
    """Return which of these collections hold nothing."""
    return {name for name in collections if await mongo.about_how_many(name) == 0}


@mongo.synchronous
async def begin(collection: str, version: int) -> Form:
    """Note that documents are being brought to a version, and return how far that is; it goes on where it was."""
    found = await _schemas().find_one({"_id": collection, "migrating": version})
    if found is not None:
        return Form(found["version"], version, found["after"], found["seen"], found["changed"], found["total"])
    total = await mongo.about_how_many(collection)
    begun = {"migrating": version, "after": None, "seen": 0, "changed": 0, "total": total}
    await _schemas().update_one({"_id": collection}, {"$set": begun, "$setOnInsert": {"version": FIRST}}, upsert=True)
    return Form(version - 1, version, total=total)


@mongo.synchronous
async def change_page(
    collection: str, version: int, *, after: Any, older: Mapping[str, Any], change: Sequence[dict[str, Any]], limit: int
) -> Any:
    """Change those of the next documents that are ``older``, and return the id of the last one; None at the end.

    A document is tested and changed in one update, so that one which meanwhile has the present form stays as it is.
    """
    documents = mongo.collection(collection)
    query: dict[str, Any] = {"_id": {"$exists": True} if after is None else {"$gt": after}}
    rows = await documents.find(query, {"_id": 1}, sort=[("_id", 1)]).limit(limit).to_list()
    if not rows:
        return None
    ids = [row["_id"] for row in rows]
    done = await documents.update_many({"_id": {"$in": ids}, **older}, list(change))
    counts = {"seen": len(ids), "changed": done.modified_count}
    await _schemas().update_one({"_id": collection, "migrating": version}, {"$set": {"after": ids[-1]}, "$inc": counts})
    return ids[-1]


@mongo.synchronous
async def finish(collection: str, version: int) -> None:
    """Note that all documents have a version."""
    values = {"version": version, "migrating": 0, "after": None, "finished_at": await mongo.read_clock()}
    await _schemas().update_one({"_id": collection, "migrating": version}, {"$set": values})


def _schemas() -> Any:
    return mongo.collection(Schema.Settings.name)
