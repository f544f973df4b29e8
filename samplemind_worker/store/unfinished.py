"""The batches that have not ended. Loads without Beanie, because every command asks for them."""

from typing import Final

from samplemind_worker.documents.states import BatchStatus
from samplemind_worker.store import mongo

UNFINISHED: Final = (BatchStatus.PENDING.value, BatchStatus.PROCESSING.value)


@mongo.synchronous
async def batch_ids() -> list[str]:
    """Return the ids of the batches that have not ended, including those that are being recorded."""
    cursor = mongo.collection("batch_jobs").find({"status": {"$in": list(UNFINISHED)}}, {"_id": 1}, sort=[("_id", 1)])
    return [row["_id"] async for row in cursor]
