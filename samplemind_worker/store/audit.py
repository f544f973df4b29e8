"""The log of what users did."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from bson import ObjectId

from samplemind_worker.store import mongo

_COLLECTION: Final = "audit"
_PAGE = 1000


@mongo.synchronous
async def append(user_id: str, action: str, target: str, *, address: str = "", detail: Mapping[str, Any]) -> None:
    """Record one action."""
    row = {
        "_id": ObjectId(),
        "at": await mongo.read_clock(),
        "user_id": user_id,
        "action": action,
        "target": target,
        "address": address,
        "detail": dict(detail),
    }
    await mongo.collection(_COLLECTION).insert_one(row)


@mongo.synchronous
async def page(
    *, user_id: str | None = None, action: str | None = None, before: str | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """Return actions, the newest first, from the one before an id on."""
    query: dict[str, Any] = {}
    if user_id is not None:
        query["user_id"] = user_id
    if action is not None:
        query["action"] = action
    if before is not None:
        query["_id"] = {"$lt": ObjectId(before)}
    return await mongo.collection(_COLLECTION).find(query, sort=[("_id", -1)], limit=limit).to_list()


@mongo.synchronous
async def remove(*, older_than: timedelta) -> int:
    """Remove some of the entries that are older, and return their number; 0 if there is none left."""
    entries = mongo.collection(_COLLECTION)
    until = await mongo.read_clock() - older_than
    ids = [row["_id"] for row in await entries.find({"at": {"$lt": until}}, {"_id": 1}, limit=_PAGE).to_list()]
    return (await entries.delete_many({"_id": {"$in": ids}})).deleted_count if ids else 0
