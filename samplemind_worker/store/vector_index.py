"""The record of the vectors in Chroma: which collection is in use, what it must hold, and which run rebuilds it."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError

from samplemind_worker.documents.index_state import IndexState
from samplemind_worker.errors import ServiceUnavailableError
from samplemind_worker.store import mongo

Rows = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Names:
    """The collection in use, and the one that is to replace it."""

    active: str
    building: str | None = None


@mongo.synchronous
async def names(version: int, *, first: str) -> Names:
    """Return the collections of a recipe; ``first`` is in use until a rebuild replaces it."""
    row = await _indexes().find_one({"_id": _id(version)}, {"active": 1, "building": 1})
    return Names(first) if row is None else Names(row["active"], row.get("building"))


@mongo.synchronous
async def state(version: int) -> IndexState | None:
    """Return the record of a recipe's index; None before its first comparison or rebuild."""
    return await _state(version)


@mongo.synchronous
async def stored(version: int) -> int:
    """Return how many contents have a vector in Chroma according to the record, by counting index keys."""
    query = {"versions.store": version, "vector_version": version}
    return await mongo.collection("analyses").count_documents(query)


@mongo.synchronous
async def sample(version: int, count: int) -> Rows:
    """Return a random sample of contents that have a vector in Chroma: those whose ids follow a random hash."""
    rows: Rows = {}
    query = {"versions.store": version, "vector_version": version}
    for bound in ({"$gte": secrets.token_hex(32)}, {"$gte": ""}):
        cursor = mongo.collection("analyses").find({**query, "_id": bound}, {"vector": 1})
        async for row in cursor.sort("_id", 1).limit(count).hint("_id_"):
            if len(rows) < count:
                rows[row["_id"]] = row["vector"]
    return rows


@mongo.synchronous
async def page(version: int, *, after: str, limit: int) -> Rows:
    """Return the next contents that have a vector in the record, in the order of their ids."""
    query = {"_id": {"$gt": after}, "vector_version": version}
    cursor = mongo.collection("analyses").find(query, {"vector": 1}).sort("_id", 1)
    return {row["_id"]: row["vector"] async for row in cursor.limit(limit).hint("_id_")}


@mongo.synchronous
async def with_vector(version: int) -> int:
    """Return about how many contents have a vector in the record."""
    return await mongo.collection("analyses").count_documents({"vector_version": version})


@mongo.synchronous
async def older(version: int) -> int | None:
    """Return the newest recipe before this one of which any content has a vector; None if there is none."""
    query = {"vector_version": {"$lt": version}}
    row = await mongo.collection("analyses").find_one(query, {"vector_version": 1}, sort=[("vector_version", -1)])
    return None if row is None else row["vector_version"]


@mongo.synchronous
async def with_older_vector(version: int) -> int:
    """Return how many contents have a vector of an older recipe, by counting index keys."""
    return await mongo.collection("analyses").count_documents({"vector_version": {"$lt": version}})


@mongo.synchronous
async def still_there(contents: Sequence[str]) -> set[str]:
    """Return which of these contents are in the record."""
    cursor = mongo.collection("analyses").find({"_id": {"$in": list(contents)}}, {"_id": 1})
    return {row["_id"] async for row in cursor}


@mongo.synchronous
async def unmark(contents: Sequence[str]) -> None:
    """Record that Chroma refuses the vectors of these contents, so that the next batch tries to store them again."""
    if not contents:
        return
    await mongo.collection("analyses").update_many({"_id": {"$in": list(contents)}}, {"$unset": {"versions.store": ""}})


@mongo.synchronous
async def take_check(version: int, *, first: str, seconds: float) -> bool:
    """Take the turn to compare the index with the record; False if the last comparison is younger than ``seconds``."""
    now = await mongo.read_clock()
    await _make(version, first)
    due = [{"checked_at": None}, {"checked_at": {"$lt": now - timedelta(seconds=seconds)}}]
    result = await _indexes().update_one({"_id": _id(version), "$or": due}, {"$set": {"checked_at": now}})
    return result.modified_count == 1


@mongo.synchronous
async def note(version: int, *, complete: bool, damaged: bool) -> IndexState | None:
    """Record the result of a comparison, and return the record of the index."""
    change: dict[str, Any] = {"$inc": {"faults": 1}} if damaged else {"$set": {"faults": 0}}
    if complete:
        change["$set"] |= {"in_vain": False, "complete_at": await mongo.read_clock()}
    await _indexes().update_one({"_id": _id(version)}, change)
    return await _state(version)


@mongo.synchronous
async def note_complete(version: int) -> None:
    """Record that a comparison has found the index complete."""
    await _indexes().update_one({"_id": _id(version)}, {"$set": {"complete_at": await mongo.read_clock()}})


@mongo.synchronous
async def lately_complete(version: int, *, seconds: float, least: int) -> int:
    """Return about how many contents there are, if at least so many and the index was complete a moment ago; else 0."""
    count = await mongo.about_how_many("analyses")
    if count < least:
        return 0
    since = await mongo.read_clock() - timedelta(seconds=seconds)
    row = await _indexes().find_one({"_id": _id(version), "complete_at": {"$gte": since}, "faults": 0}, {"_id": 1})
    return count if row is not None else 0


@mongo.synchronous
async def take(version: int, *, first: str, holder: str, lease: float) -> IndexState | None:
    """Take the turn to rebuild an index; None if another run has it."""
    now = await mongo.read_clock()
    await _make(version, first)
    free = [{"lease_until": None}, {"lease_until": {"$lt": now}}]
    result = await _indexes().update_one(
        {"_id": _id(version), "$or": free},
        {"$set": {"holder": holder, "lease_until": now + timedelta(seconds=lease)}},
    )
    return await _state(version) if result.modified_count else None


def begin(version: int, *, holder: str, building: str, total: int) -> None:
    """Record the collection that is to replace the one in use; new vectors go to both from now on."""
    _write(version, holder, {"building": building, "after": "", "copied": 0, "total": total})


def advance(version: int, *, holder: str, after: str, copied: int, lease: float) -> None:
    """Record the progress of a rebuild, and renew its lease."""
    until = mongo.now() + timedelta(seconds=lease)
    _write(version, holder, {"after": after, "copied": copied, "lease_until": until})


def take_over(version: int, *, holder: str, active: str) -> None:
    """Replace the collection in use by the new one."""
    values = {"active": active, "building": None, "after": "", "swept": False, "faults": 0, "in_vain": True}
    _write(version, holder, {**values, "built_at": mongo.now()})


def give_up(version: int, *, holder: str) -> None:
    """Give a rebuild up and keep the index in use."""
    _write(version, holder, {"building": None, "after": "", "in_vain": True, "built_at": mongo.now()})


def note_swept(version: int, *, holder: str) -> None:
    """Record that the replaced collection is deleted."""
    _write(version, holder, {"swept": True})


@mongo.synchronous
async def leave(version: int, *, holder: str) -> None:
    """Give the turn back."""
    await _indexes().update_one(
        {"_id": _id(version), "holder": holder}, {"$set": {"holder": None, "lease_until": None}}
    )


@mongo.synchronous
async def _write(version: int, holder: str, values: Mapping[str, Any]) -> None:
    result = await _indexes().update_one({"_id": _id(version), "holder": holder}, {"$set": dict(values)})
    if not result.matched_count:
        raise ServiceUnavailableError("this rebuild stood still for so long that another one took over")


@mongo.synchronous
async def forget(version: int) -> None:
    """Delete the record of an index whose collections are deleted."""
    await _indexes().delete_one({"_id": _id(version)})


async def _make(version: int, first: str) -> None:
    try:
        await _indexes().update_one(
            {"_id": _id(version)},
            {"$setOnInsert": IndexState(active=first).model_dump()},
            upsert=True,
        )
    except DuplicateKeyError:  # another process inserted it at the same moment
        return


async def _state(version: int) -> IndexState | None:
    row = await _indexes().find_one({"_id": _id(version)})
    return None if row is None else IndexState.model_validate(row)


def _indexes() -> AsyncCollection[dict[str, Any]]:
    return mongo.collection("vector_indexes")


def _id(version: int) -> str:
    return f"v{version}"
