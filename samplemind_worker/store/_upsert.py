"""Writes many documents at once, each new or not.

MongoDB writes the documents that one command inserts together, but those that one command upserts one after the other,
which costs it four times as much. Most documents that are recorded are new.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError

_DUPLICATE_KEY = 11000

Collection = AsyncCollection[dict[str, Any]]


async def insert(documents: Sequence[dict[str, Any]], *, into: Collection) -> list[str]:
    """Insert documents, and return the ids of those that another process has inserted meanwhile."""
    if not documents:
        return []
    try:
        await into.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        return [documents[place]["_id"] for place in _duplicates(error)]
    return []


async def upsert(
    collection: Collection,
    values: Mapping[str, Mapping[str, Any]],
    *,
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
    at_first: Mapping[str, Any] | None = None,
    unset: tuple[str, ...] = (),
) -> None:
    """Set the values of each document, by its id; a document that is not there is inserted.

    A document that does not meet its condition stays as it is. ``at_first`` are further values of new documents;
    ``unset`` are fields that the others lose.
    """
    known = {row["_id"] async for row in collection.find({"_id": {"$in": list(values)}}, {"_id": 1})}
    new = [{"_id": key, **given, **(at_first or {})} for key, given in values.items() if key not in known]
    known.update(await insert(new, into=collection))
    updates = [
        UpdateOne(
            {"_id": key, **(conditions or {}).get(key, {})},
            {
                "$set": dict(values[key]),
                **({"$setOnInsert": dict(at_first)} if at_first else {}),
                **({"$unset": dict.fromkeys(unset, "")} if unset else {}),
            },
            upsert=True,
        )
        for key in values
        if key in known
    ]
    if updates:
        try:
            await collection.bulk_write(updates, ordered=False)
        except BulkWriteError as error:
            # The document does not meet its condition; the upsert has tried to insert a second one.
            _duplicates(error)


def _duplicates(error: BulkWriteError) -> list[int]:
    """Return the places of the writes that failed because the document exists; raise the error if another one did."""
    faults = error.details["writeErrors"]
    if error.details.get("writeConcernErrors") or any(fault["code"] != _DUPLICATE_KEY for fault in faults):
        raise error
    return [fault["index"] for fault in faults]
