"""Queries for making the vectors of a new recipe from the statistics in the record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pymongo import ASCENDING, UpdateOne

from samplemind_worker.store import mongo, stale

STATISTICS_TYPE: Final = "<f2"
"""How the record holds the statistics of a sound: half-precision numbers, little-endian."""


@dataclass(frozen=True, slots=True)
class Outdated:
    """A content whose vector is of an older recipe, or is made anew and not yet stored in Chroma."""

    file_id: str
    recipe: int
    statistics: bytes


_INDEX: Final = [("vector_version", ASCENDING), ("versions.store", ASCENDING)]


@mongo.synchronous
async def convertible(recipe: int, *, first: int, limit: int) -> list[Outdated]:
    """Return some contents with a vector of recipe ``first`` or later and not this; then those not yet in Chroma.

    Both leave what is returned here as they are dealt with, so that nothing is read twice.
    """
    older = {"vector_version": {"$gte": first, "$lt": recipe}}
    # The analysis of a new content has no version of `store` yet.
    unfinished = {"vector_version": recipe, "versions.store": {"$lt": recipe}}
    fields = {"vector_version": 1, "sound_statistics": 1}
    for query in (older, unfinished):
        known = {**query, "sound_statistics": {"$type": "binData"}}
        rows = await mongo.collection("analyses").find(known, fields).hint(_INDEX).limit(limit).to_list()
        if rows:
            return [Outdated(row["_id"], row["vector_version"], row["sound_statistics"]) for row in rows]
    return []


@mongo.synchronous
async def count_convertible(recipe: int, *, first: int) -> int:
    """Return how many contents have a vector of recipe ``first`` or later and not this, by counting index keys."""
    return await mongo.collection("analyses").count_documents({"vector_version": {"$gte": first, "$lt": recipe}})


@mongo.synchronous
async def set_vectors(recipe: int, page: Sequence[Outdated], vectors: Mapping[str, Sequence[float]]) -> set[str]:
    """Record new vectors, unless a content was analysed again or deleted meanwhile; return which were recorded."""
    await stale.note(each.file_id for each in page)
    analyses = mongo.collection("analyses")
    updates = [
        UpdateOne(
            {"_id": each.file_id, "vector_version": each.recipe, "sound_statistics": each.statistics},
            {"$set": {"vector": list(vectors[each.file_id]), "vector_version": recipe}},
        )
        for each in page
    ]
    await analyses.bulk_write(updates, ordered=False)
    query = {"_id": {"$in": [each.file_id for each in page]}, "vector_version": recipe}
    return {row["_id"] async for row in analyses.find(query, {"_id": 1})}


@mongo.synchronous
async def mark_stored(recipe: int, contents: Sequence[str]) -> None:
    """Record that Chroma has the vectors of these contents."""
    if contents:
        query = {"_id": {"$in": list(contents)}, "vector_version": recipe, "versions.store": {"$lt": recipe}}
        await mongo.collection("analyses").update_many(query, {"$set": {"versions.store": recipe}})
