"""Contents whose file was replaced by another one. The place says nothing of them any more, so they are noted here.

Like a content whose place is gone, such a content is kept for a grace time. Then `upkeep.tidy` deletes it, unless it
lies somewhere again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from pymongo import DeleteOne, UpdateOne

from samplemind_worker.store import mongo

_PAGE = 1000


async def note(file_ids: Iterable[str]) -> None:
    """Note contents, within a query that then records others at their places."""
    contents = sorted(set(file_ids))
    if not contents:
        return
    now = await mongo.read_clock()
    updates = [UpdateOne({"_id": each}, {"$set": {"since": now}}, upsert=True) for each in contents]
    await mongo.collection("displaced_contents").bulk_write(updates, ordered=False)


@mongo.synchronous
async def expired(*, older_than: timedelta, limit: int = _PAGE) -> dict[str, datetime]:
    """Return contents that were replaced longer than ``older_than`` ago, longest first, with the time of each."""
    before = await mongo.read_clock() - older_than
    cursor = mongo.collection("displaced_contents").find({"since": {"$lt": before}}).sort("since", 1)
    return {row["_id"]: row["since"] for row in await cursor.limit(limit).to_list()}


@mongo.synchronous
async def drop(noted: Mapping[str, datetime]) -> None:
    """Remove notes, but those of contents that were replaced once more since."""
    if noted:
        drops = [DeleteOne({"_id": content, "since": since}) for content, since in noted.items()]
        await mongo.collection("displaced_contents").bulk_write(drops, ordered=False)


@mongo.synchronous
async def forget(file_ids: Sequence[str]) -> None:
    """Remove the notes of contents that are deleted already."""
    await mongo.collection("displaced_contents").delete_many({"_id": {"$in": list(file_ids)}})
