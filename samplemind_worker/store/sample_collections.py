"""Collections of contents, each of one user. What they hold is in `store.marks`."""

import secrets
from datetime import datetime
from typing import Any, Final

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from samplemind_worker.store import mongo

_NAME: Final = "sample_collections"

_LIVING: Final[dict[str, str]] = {"$gt": ""}
"""Matches the key of a collection that is not deleted."""

Row = dict[str, Any]


@mongo.synchronous
async def create(user_id: str, *, name: str, key: str) -> Row | None:
    """Make an empty collection; None if the user has one of that name."""
    now = await mongo.read_clock()
    row: Row = {
        "_id": secrets.token_hex(12),
        "user_id": user_id,
        "name": name,
        "key": key,
        "created_at": now,
        "changed_at": now,
    }
    try:
        await mongo.collection(_NAME).insert_one(row)
    except DuplicateKeyError:
        return None
    return row


@mongo.synchronous
async def rename(collection: str, *, name: str, key: str) -> bool:
    """Rename a collection; return False if the user has another one of that name."""
    change = {"$set": {"name": name, "key": key, "changed_at": await mongo.read_clock()}}
    try:
        await mongo.collection(_NAME).update_one({"_id": collection, "key": _LIVING}, change)
    except DuplicateKeyError:
        return False
    return True


@mongo.synchronous
async def of_user(user_id: str, *, limit: int) -> list[Row]:
    """Return the collections of a user, by name."""
    cursor = mongo.collection(_NAME).find({"user_id": user_id, "key": _LIVING})
    return await cursor.sort([("user_id", 1), ("key", 1)]).limit(limit).to_list()


@mongo.synchronous
async def find(user_id: str, *, collection: str | None = None, key: str | None = None) -> Row | None:
    """Return a collection of a user, by its id or by the key of its name."""
    query: Row = {"user_id": user_id, "key": _LIVING if key is None else key}
    return await mongo.collection(_NAME).find_one(query if collection is None else {**query, "_id": collection})


@mongo.synchronous
async def touch(collection: str) -> datetime | None:
    """Record that the contents of a collection have changed, and return when; None if it is deleted."""
    change = {"$set": {"changed_at": await mongo.read_clock()}}
    row = await mongo.collection(_NAME).find_one_and_update(
        {"_id": collection, "key": _LIVING}, change, return_document=ReturnDocument.AFTER
    )
    return None if row is None else row["changed_at"]


@mongo.synchronous
async def hide(collection: str) -> None:
    """Delete a collection for its user, before its contents are taken out of it."""
    change = {"$set": {"deleted_at": await mongo.read_clock()}, "$unset": {"key": ""}}
    await mongo.collection(_NAME).update_one({"_id": collection, "deleted_at": None}, change)


@mongo.synchronous
async def hidden(*, limit: int) -> list[str]:
    """Return some collections that are deleted, while contents may still name them."""
    cursor = mongo.collection(_NAME).find({"deleted_at": {"$exists": True}}, {"_id": 1})
    return [row["_id"] for row in await cursor.limit(limit).to_list()]


@mongo.synchronous
async def drop(collection: str) -> None:
    """Delete a collection that no content names any more."""
    await mongo.collection(_NAME).delete_one({"_id": collection})
