"""Marks contents whose library entries may not be true any more, before the record of them changes.

The mark comes first, so that a process that dies after the change leaves it. `finding.entry` makes the entries anew and
removes the marks; the workers look for marks that nobody has removed.
"""

import secrets
from collections.abc import Iterable, Mapping
from itertools import groupby

from samplemind_worker.store import mongo
from samplemind_worker.store._upsert import insert

_PAGE = 500


async def note(file_ids: Iterable[str]) -> None:
    """Mark contents, within a query that then changes what is recorded of them."""
    collection, token = mongo.collection("stale_entries"), secrets.token_hex(8)
    left = sorted(set(file_ids))
    # A mark may come and go meanwhile, so each one must be either changed or made here.
    while left:
        changed = await collection.update_many({"_id": {"$in": left}}, {"$set": {"token": token}})
        if changed.matched_count == len(left):
            return
        left = await insert([{"_id": each, "token": token} for each in left], into=collection)


async def drop(tokens: Mapping[str, str]) -> None:
    """Remove marks by their contents, but those that name a later change by now."""
    for token, marks in groupby(sorted(tokens, key=lambda each: tokens[each]), key=lambda each: tokens[each]):
        await mongo.collection("stale_entries").delete_many({"_id": {"$in": list(marks)}, "token": token})


@mongo.synchronous
async def mark(file_ids: Iterable[str]) -> None:
    """Mark contents."""
    await note(file_ids)


@mongo.synchronous
async def marked(*, after: str = "", limit: int = _PAGE) -> list[str]:
    """Return the next marked contents, in the order of their ids."""
    cursor = mongo.collection("stale_entries").find({"_id": {"$gt": after}}, {"_id": 1}, sort=[("_id", 1)])
    return [row["_id"] for row in await cursor.limit(limit).to_list()]
