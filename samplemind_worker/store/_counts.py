"""Counts the items of a batch by state and by error."""

import asyncio
from collections.abc import Mapping

from samplemind_worker.documents.batch import BatchItem, BatchJob
from samplemind_worker.documents.states import FINAL_STATES, OPEN_STATES, BatchStatus, State
from samplemind_worker.store import mongo
from samplemind_worker.store.unfinished import PAUSE_ENDS


async def count_states(batch_id: str, total: int, *, thinned: Mapping[str, int] | None) -> dict[str, int]:
    """Count the items by state; the sum is always the total.

    The pending items are not counted but taken as the rest of the total, because they are the many while `status` is
    asked most. Items move on between the counts, so one may be counted twice; each count is therefore limited to what
    is left of the total. ``thinned`` are the counts of the items that were deleted.
    """
    items = BatchItem.get_pymongo_collection()
    tallies = await asyncio.gather(
        *(items.count_documents({"batch_id": batch_id, "state": state.value}) for state in FINAL_STATES),
        # An item that waits between two steps was begun, so it counts as running.
        items.count_documents(
            {"batch_id": batch_id, "state": {"$in": [State.QUEUED.value, State.RUNNING.value]}, "fresh": False}
        ),
    )
    counts: dict[str, int] = {}
    left = total
    for name, tally in zip([*(state.value for state in FINAL_STATES), "running"], tallies, strict=True):
        counts[name] = min(tally + (thinned or {}).get(name, 0), left)
        left -= counts[name]
    return {**counts, "pending": left}


async def count_errors(batch_id: str) -> dict[str, int]:
    """Count the failed items by error, the most frequent first."""
    cursor = await BatchItem.get_pymongo_collection().aggregate(
        [
            {"$match": {"batch_id": batch_id, "error.code": {"$exists": True}}},
            {"$group": {"_id": "$error.code", "count": {"$sum": 1}}},
        ]
    )
    counts = {row["_id"]: row["count"] async for row in cursor}
    return dict(sorted(counts.items(), key=lambda pair: -pair[1]))


async def has_open_items(batch_id: str) -> bool:
    """Return whether any item has not ended."""
    query = {"batch_id": batch_id, "state": {"$in": list(OPEN_STATES)}}
    return await BatchItem.get_pymongo_collection().find_one(query, {"_id": 1}) is not None


async def count_recorded(batch_id: str) -> int:
    """Count the items that are recorded so far."""
    return await BatchItem.get_pymongo_collection().count_documents({"batch_id": batch_id})


async def count_cancelled(batch_id: str) -> int:
    """Count the items that are cancelled."""
    query = {"batch_id": batch_id, "state": State.CANCELLED.value}
    return await BatchItem.get_pymongo_collection().count_documents(query)


async def close_early(job: BatchJob, status: BatchStatus, *, total: int) -> None:
    """Store the final counts of a batch that is cancelled or given up, and the time unless one is stored.

    A batch that was retried since ``job`` was read stays open.
    """
    counts, errors = await asyncio.gather(count_states(job.id, total, thinned=job.thinned), count_errors(job.id))
    values = {
        "status": status.value,
        "total_files": total,
        "finished_at": {"$ifNull": ["$finished_at", await mongo.read_clock()]},
        "results": {"$literal": {"counts": counts, "errors": errors}},
        **PAUSE_ENDS,
    }
    query = {"_id": job.id, "opened": job.opened}
    await BatchJob.get_pymongo_collection().update_one(query, [{"$set": values}])
