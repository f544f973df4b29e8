"""Queries of the library entries for likeness: which contents pass a filter, and their vectors.

A filter is given as a query of the entries. An empty query is passed by every content that lies anywhere.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from samplemind_worker.store import mongo


@mongo.synchronous
async def passing(contents: Sequence[str], query: Mapping[str, Any]) -> set[str]:
    """Return which of these contents pass."""
    cursor = mongo.collection("library_entries").find({"_id": {"$in": list(contents)}, **query}, {"_id": 1})
    return {row["_id"] for row in await cursor.to_list()}


@mongo.synchronous
async def total() -> int:
    """Return about how many entries there are."""
    return await mongo.about_how_many("library_entries")


@mongo.synchronous
async def count(query: Mapping[str, Any], *, most: int) -> int:
    """Return how many contents pass, counted up to ``most``."""
    return await mongo.collection("library_entries").count_documents(dict(query), limit=most)


@mongo.synchronous
async def vectors(query: Mapping[str, Any], *, recipe: int) -> dict[str, bytes]:
    """Return the vectors of one recipe of all contents that pass, as half-precision numbers, little-endian."""
    cursor = mongo.collection("library_entries").find({**query, "recipe": recipe}, {"vector": 1})
    return {row["_id"]: row["vector"] for row in await cursor.to_list()}


@mongo.synchronous
async def same_audio(audio_hash: str) -> set[str]:
    """Return the contents whose decoded audio has this hash."""
    cursor = mongo.collection("audio_files").find({"audio_hash": audio_hash}, {"_id": 1})
    return {row["_id"] for row in await cursor.to_list()}
