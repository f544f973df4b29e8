"""Pausing batches: the dispatcher begins none of their files until they are resumed."""

from samplemind_worker.errors import UsageError
from samplemind_worker.store import batches, mongo
from samplemind_worker.store.unfinished import PAUSE_ENDS, UNFINISHED


@mongo.synchronous
async def pause(batch_id: str) -> bool:
    """Pause a batch, and return whether it was not paused before. What is in flight ends.

    Raises
    ------
    UsageError
        If the batch has ended, or there is none.
    """
    return await _set(batch_id, paused=True)


@mongo.synchronous
async def resume(batch_id: str) -> bool:
    """Let a paused batch go on, and return whether it was paused; raises what `pause` does."""
    return await _set(batch_id, paused=False)


async def _set(batch_id: str, *, paused: bool) -> bool:
    query = {"_id": batch_id, "status": {"$in": list(UNFINISHED)}, "paused_at": None if paused else {"$ne": None}}
    values = {"paused_at": "$$NOW"} if paused else PAUSE_ENDS
    result = await mongo.collection("batch_jobs").update_one(query, [{"$set": values}])
    if result.modified_count == 0 and (await batches.find.aio(batch_id)).status.value not in UNFINISHED:
        raise UsageError(f"batch {batch_id} has ended")
    return result.modified_count == 1
