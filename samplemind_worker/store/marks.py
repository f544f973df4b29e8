"""The marks of contents: tags, and membership in collections.

A change marks the library entries of its contents as stale before it writes, as every change of the record does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from samplemind_worker.store import mongo, stale
from samplemind_worker.store._upsert import insert

_NAME: Final = "sample_marks"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be changed in the marks of some contents."""

    add_tags: Mapping[str, str]
    """Names of tags by their keys."""
    remove_tags: frozenset[str]
    """Keys of tags."""
    join: frozenset[str]
    """Ids of collections."""
    leave: frozenset[str]

    def alters(self, row: Row | None) -> bool:
        """Return whether the marks of a content would be others after the change."""
        keys = tag_keys(row)
        collections = set() if row is None else set(row["collections"])
        return bool(
            self.add_tags.keys() - keys
            or self.remove_tags & keys
            or self.join - collections
            or self.leave & collections
        )


def tag_keys(row: Row | None) -> set[str]:
    """Return the keys of the tags of a content."""
    return set() if row is None else {tag["key"] for tag in row["tags"]}


@mongo.synchronous
async def known(file_ids: Sequence[str]) -> set[str]:
    """Return which of these contents the record has."""
    cursor = mongo.collection("audio_files").find({"_id": {"$in": list(file_ids)}}, {"_id": 1})
    return {row["_id"] for row in await cursor.to_list()}


@mongo.synchronous
async def of(file_ids: Sequence[str]) -> dict[str, Row]:
    """Return the marks of those of these contents that have any: ``tags`` (``key``, ``name``) and ``collections``."""
    cursor = mongo.collection(_NAME).find({"_id": {"$in": list(file_ids)}})
    return {row["_id"]: row for row in await cursor.to_list()}


@mongo.synchronous
async def write(file_ids: Sequence[str], change: Change) -> None:
    """Change the marks of contents that the record has; their entries are to be made anew afterwards.

    The marks of a content that is deleted meanwhile are deleted, too.
    """
    marks = mongo.collection(_NAME)
    await stale.note(file_ids)
    if change.add_tags or change.join:
        present = {row["_id"] async for row in marks.find({"_id": {"$in": list(file_ids)}}, {"_id": 1})}
        await insert(
            [{"_id": each, "tags": [], "collections": []} for each in file_ids if each not in present], into=marks
        )
    await marks.update_many(
        {"_id": {"$in": list(file_ids)}}, [{"$set": {"tags": _tags(change), "collections": _collections(change)}}]
    )
    gone = set(file_ids) - await known.aio(file_ids)
    if gone:
        await marks.delete_many({"_id": {"$in": list(gone)}})


def _tags(change: Change) -> Any:
    """Return the tags after a change as an expression, in which what users write is a literal and never a field."""
    keys = {"$map": {"input": "$tags", "as": "tag", "in": "$$tag.key"}}
    added = [{"key": key, "name": name} for key, name in change.add_tags.items()]
    removed = {"$literal": sorted(change.remove_tags)}
    kept = {"$filter": {"input": "$tags", "as": "tag", "cond": {"$not": {"$in": ["$$tag.key", removed]}}}}
    new = {"$filter": {"input": {"$literal": added}, "as": "tag", "cond": {"$not": {"$in": ["$$tag.key", keys]}}}}
    return {"$concatArrays": [kept, new]}


def _collections(change: Change) -> Any:
    stayed = {"$setDifference": ["$collections", {"$literal": sorted(change.leave)}]}
    return {"$setUnion": [stayed, {"$literal": sorted(change.join)}]}


@mongo.synchronous
async def drop(file_ids: Sequence[str]) -> None:
    """Delete the marks of contents that the record has no more."""
    await mongo.collection(_NAME).delete_many({"_id": {"$in": list(file_ids)}})


@mongo.synchronous
async def tag_names(keys: Sequence[str]) -> dict[str, str]:
    """Return how those of these tags are written that any content has."""
    found: dict[str, str] = {}
    for key in keys:
        row = await mongo.collection(_NAME).find_one({"tags.key": key}, {"tags.$": 1})
        if row is not None:
            found[key] = row["tags"][0]["name"]
    return found


@mongo.synchronous
async def tag_counts(*, limit: int) -> list[tuple[str, int]]:
    """Return the tags that most contents have, each with their number."""
    cursor = await mongo.collection(_NAME).aggregate(
        [
            {"$match": {"tags.key": {"$gt": ""}}},
            {"$project": {"tags": 1}},
            {"$unwind": "$tags"},
            {"$group": {"_id": "$tags.key", "name": {"$first": "$tags.name"}, "contents": {"$sum": 1}}},
            {"$sort": {"contents": -1, "_id": 1}},
            {"$limit": limit},
        ]
    )
    return [(row["name"], row["contents"]) for row in await cursor.to_list()]


@mongo.synchronous
async def members(collection: str, *, limit: int) -> list[str]:
    """Return some contents of a collection."""
    cursor = mongo.collection(_NAME).find({"collections": collection}, {"_id": 1})
    return [row["_id"] for row in await cursor.limit(limit).to_list()]


@mongo.synchronous
async def count(collection: str) -> int:
    """Return how many contents a collection has."""
    return await mongo.collection(_NAME).count_documents({"collections": collection}, hint=[("collections", 1)])
