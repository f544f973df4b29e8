"""Marks contents whose library entries may not be true any more, before the record of them changes.

The mark comes first, so that a process that dies after the change leaves it. `finding.entry` makes the entries anew and
removes the marks; the workers look for marks that nobody has removed.
"""

import secrets
from collections.abc import Iterable

from pymongo import UpdateOne

from samplemind_worker.store import mongo

_PAGE = 500


async def note(file_ids: Iterable[str]) -> None:
    """Mark contents, within a query that then changes what is recorded of them."""
    token = secrets.token_hex(8)
    updates = [UpdateOne({"_id": each}, {"$set": {"token": token}}, upsert=True) for each in sorted(set(file_ids))]
    if updates:
        await mongo.collection("stale_entries").bulk_write(updates, ordered=False)


@mongo.synchronous
async def mark(file_ids: Iterable[str]) -> None:
    """Mark contents."""
    await note(file_ids)


@mongo.synchronous
async def marked(*, after: str = "", limit: int = _PAGE) -> list[str]:
    """Return the next marked contents, in the order of their ids."""
    cursor = mongo.collection("stale_entries").find({"_id": {"$gt": after}}, {"_id": 1}, sort=[("_id", 1)])
    return [row["_id"] for row in await cursor.limit(limit).to_list()]
