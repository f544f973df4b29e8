"""Deletes the items of old batches, except those that failed. The counts of a batch are kept for good."""

from datetime import timedelta

from pymongo import ReturnDocument

from samplemind_worker.documents.batch import BatchItem, BatchJob, State
from samplemind_worker.documents.pack import Turn
from samplemind_worker.store import mongo

_CHUNK = 10_000  # items per delete command
_THINNED = (State.COMPLETED, State.SKIPPED, State.CANCELLED)


@mongo.synchronous
async def thin(*, older_than: timedelta) -> tuple[int, bool] | None:
    """Delete up to 10,000 items of one batch that ended so long ago; None if there is no such batch.

    Returns how many were deleted, and whether they were the last. It may be interrupted, and several processes may run
    it at once. The counts are written before the first item is deleted, and only while the batch is closed:
    `batches.retry` opens it first, and finishes what was begun.
    """
    before = await mongo.read_clock() - older_than
    old = {"thinned_at": None, "finished_at": {"$lt": before}, "results": {"$ne": None}}
    jobs = BatchJob.get_pymongo_collection()
    row = await jobs.find_one(old, {"opened": 1, "results.counts": 1}, sort=[("finished_at", 1)])
    if row is None:
        return None
    counts = row["results"]["counts"]
    await jobs.update_one(
        {**old, "_id": row["_id"], "opened": row.get("opened", 0), "thinned": None},
        {"$set": {"thinned": {state.value: counts[state.value] for state in _THINNED}}},
    )
    return await _delete_some(row["_id"])


async def _delete_some(batch_id: str) -> tuple[int, bool]:
    """Delete the next items that the batch counts as deleted; record the time when none is left."""
    jobs, items = BatchJob.get_pymongo_collection(), BatchItem.get_pymongo_collection()
    if await jobs.find_one({"_id": batch_id, "thinned": {"$ne": None}}, {"_id": 1}) is None:
        return 0, False
    query = {"batch_id": batch_id, "state": {"$in": [state.value for state in _THINNED]}, "retried": None}
    ids = [row["_id"] for row in await items.find(query, {"_id": 1}).limit(_CHUNK).to_list()]
    deleted = (await items.delete_many({"_id": {"$in": ids}})).deleted_count if ids else 0
    is_last = len(ids) < _CHUNK
    if is_last:
        await jobs.update_one({"_id": batch_id}, {"$set": {"thinned_at": await mongo.read_clock()}})
    return deleted, is_last


async def finish_thinning(batch_id: str) -> dict[str, int] | None:
    """Finish the thinning of a batch, within a query; return the counts of all deleted items."""
    while True:
        job = await BatchJob.get(batch_id)
        if job is None or job.thinned is None or job.thinned_at is not None:
            return None if job is None else job.thinned
        await _delete_some(batch_id)


_TIDYING = {"_id": "tidy"}


@mongo.synchronous
async def note_removed(counts: dict[str, int]) -> None:
    """Add to the counts of what tidying has removed since the last report."""
    change = {"$inc": {f"removed.{name}": count for name, count in counts.items()}}
    await Turn.get_pymongo_collection().update_one(_TIDYING, change, upsert=True)


@mongo.synchronous
async def take_removed() -> dict[str, int]:
    """Return what tidying has removed since the last call."""
    before = await Turn.get_pymongo_collection().find_one_and_update(
        _TIDYING, {"$unset": {"removed": ""}}, return_document=ReturnDocument.BEFORE
    )
    return {} if before is None else before.get("removed", {})
