"""Finds the batches whose recording or cancellation was interrupted, for the dispatcher to finish."""

from datetime import timedelta

from bson import ObjectId

from samplemind_worker.documents.batch import BatchItem, BatchJob
from samplemind_worker.documents.states import BatchStatus
from samplemind_worker.store import mongo
from samplemind_worker.store._counts import has_open_items


@mongo.synchronous
async def stalled_recordings(*, older_than: float) -> list[str]:
    """Return the unrecorded batches that got no item for so many seconds, because their recorder has died."""
    before = await mongo.read_clock() - timedelta(seconds=older_than)
    jobs = await BatchJob.find(
        {"status": BatchStatus.PENDING.value, "recorded": False, "created_at": {"$lt": before}}
    ).to_list()
    items = BatchItem.get_pymongo_collection()
    since = {"$gte": ObjectId.from_datetime(before)}
    return [job.id for job in jobs if await items.find_one({"batch_id": job.id, "_id": since}, {"_id": 1}) is None]


@mongo.synchronous
async def half_cancelled() -> list[str]:
    """Return the batches whose cancellation was interrupted, or that got items after it."""
    left = {"$or": [{"results": None}, {"recorded": False}]}
    jobs = await BatchJob.find({"status": BatchStatus.CANCELLED.value, **left}).to_list()
    return [job.id for job in jobs if job.results is None or await has_open_items(job.id)]
