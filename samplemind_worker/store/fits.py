"""Looks up the entries that may fit a key and a tempo."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from samplemind_worker.store import mongo

_FIELDS: Final = dict.fromkeys(("kind", "tempo", "camelot", "pitch", "tuning"), 1)


@mongo.synchronous
async def look_up(queries: Sequence[Mapping[str, Any]], *, limit: int) -> list[dict[str, Any]]:
    """Return what is compared of the entries of some queries, up to ``limit`` of each query."""
    collection = mongo.collection("library_entries")
    return [row for query in queries for row in await collection.find(query, _FIELDS).limit(limit).to_list()]


@mongo.synchronous
async def are_few(queries: Sequence[Mapping[str, Any]], *, limit: int) -> bool:
    """Return whether at most ``limit`` entries pass all of these queries, as far as that is quickly seen."""
    collection = mongo.collection("library_entries")
    if await collection.estimated_document_count() <= limit:
        return True
    for query in queries:
        if await collection.count_documents(query, limit=limit + 1) <= limit:
            return True
    return False
