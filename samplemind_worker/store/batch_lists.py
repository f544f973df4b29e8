"""Lists of batches and of their files, in pages, and what has changed since a time: what the web server shows."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bson import ObjectId

from samplemind_worker.documents.batch import BY_STATE, BatchItem, BatchJob
from samplemind_worker.documents.states import BatchStatus, State
from samplemind_worker.store import batches, mongo
from samplemind_worker.store.unfinished import UNFINISHED

_MOST_CHANGED: Final = 200  # batches that are told about at once


@mongo.synchronous
async def get(batch_id: str) -> BatchJob | None:
    """Return the batch of exactly this id."""
    return await BatchJob.get(batch_id)


@mongo.synchronous
async def page(*, statuses: Sequence[BatchStatus], before: str | None, limit: int) -> list[BatchJob]:
    """Return the batches that are not hidden, newest first, of some statuses or of all, before a batch's id."""
    query: dict[str, Any] = {"hidden_at": None}
    if statuses:
        query["status"] = {"$in": [status.value for status in statuses]}
    if before is not None:
        query["_id"] = {"$lt": before}
    return await BatchJob.find(query).sort("-_id").limit(limit).to_list()


@mongo.synchronous
async def reports(jobs: Sequence[BatchJob]) -> list[dict[str, Any]]:
    """Return the report of each batch (`batches.report`)."""
    return await asyncio.gather(*map(batches.report.aio, jobs))


@mongo.synchronous
async def hide(batch_id: str) -> bool:
    """Leave a batch out of lists from now on; False if it is open. Nothing of it is deleted."""
    query = {"_id": batch_id, "status": {"$nin": list(UNFINISHED)}}
    now = await mongo.read_clock()
    values = [{"$set": {"hidden_at": {"$ifNull": ["$hidden_at", now]}}}]
    return (await BatchJob.get_pymongo_collection().update_one(query, values)).matched_count == 1


@mongo.synchronous
async def items(
    batch_id: str, *, state: State | None, code: str | None, after: ObjectId | None, limit: int
) -> list[BatchItem]:
    """Return files of a batch in the order of their paths, after an item's id; those with an error code have failed."""
    query: dict[str, Any] = {"batch_id": batch_id}
    if code is not None:
        query |= {"state": (state or State.FAILED).value, "error.code": code}
    elif state is not None:
        query["state"] = state.value
    if after is not None:
        query["_id"] = {"$gt": after}
    return await BatchItem.find(query).sort("+_id").limit(limit).to_list()


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """The files of a batch that failed for the same reason."""

    code: str
    message: str
    count: int
    attempts: int
    """The most that any of them was dispatched."""
    examples: list[tuple[str, str]]
    """Root and path of some of them."""


@mongo.synchronous
async def ids_of_content(file_id: str, *, limit: int) -> list[str]:
    """Return the ids of items, of any batch, that had a content."""
    cursor = BatchItem.get_pymongo_collection().find({"file_id": file_id}, {"_id": 1})
    return [str(row["_id"]) for row in await cursor.limit(limit).to_list()]


@mongo.synchronous
async def failures(batch_id: str, *, groups: int, examples: int) -> list[FailureGroup]:
    """Return up to so many groups of failed files, the largest first."""
    cursor = await BatchItem.get_pymongo_collection().aggregate(
        [
            {"$match": {"batch_id": batch_id, "state": State.FAILED.value}},
            {
                "$group": {
                    "_id": {"code": "$error.code", "message": "$error.message"},
                    "count": {"$sum": 1},
                    "attempts": {"$max": "$attempt"},
                    "examples": {"$firstN": {"input": ["$root", "$path"], "n": examples}},
                }
            },
            {"$sort": {"count": -1, "_id": 1}},
            {"$limit": groups},
        ],
        hint=BY_STATE,
    )
    return [
        FailureGroup(
            row["_id"].get("code", ""),
            row["_id"].get("message", ""),
            row["count"],
            row["attempts"],
            [(root, path) for root, path in row["examples"]],
        )
        for row in await cursor.to_list()
    ]


@mongo.synchronous
async def watched(ids: Sequence[str], *, since: datetime) -> list[BatchJob]:
    """Return the open batches, those that began or ended since a time, and those of these ids; at most 200."""
    query = {
        "$or": [
            {"status": {"$in": list(UNFINISHED)}},
            {"finished_at": {"$gte": since}},
            {"created_at": {"$gte": since}},
            {"_id": {"$in": list(ids)}},
        ]
    }
    return await BatchJob.find(query).sort("-_id").limit(_MOST_CHANGED).to_list()
