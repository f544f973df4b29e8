"""Pausing batches: the dispatcher begins none of their files until they are resumed."""

from samplemind_worker.errors import UsageError
from samplemind_worker.store import batches, mongo
from samplemind_worker.store.unfinished import UNFINISHED


def pause(batch_id: str) -> bool:
    """Pause a batch, and return whether it was not paused before. What is in flight ends.

    Raises
    ------
    UsageError
        If the batch has ended.
    """
    return _set(batch_id, paused=True)


def resume(batch_id: str) -> bool:
    """Let a paused batch go on, and return whether it was paused; raises what `pause` does."""
    return _set(batch_id, paused=False)


def _set(batch_id: str, *, paused: bool) -> bool:
    changed = _update(batch_id, paused)
    if not changed and batches.find(batch_id).status.value not in UNFINISHED:
        raise UsageError(f"batch {batch_id} has ended")
    return changed


@mongo.synchronous
async def _update(batch_id: str, paused: bool) -> bool:  # noqa: FBT001 -- a query takes what it is called with
    query = {"_id": batch_id, "status": {"$in": list(UNFINISHED)}, "paused_at": None if paused else {"$ne": None}}
    values = {"paused_at": await mongo.read_clock() if paused else None}
    result = await mongo.collection("batch_jobs").update_one(query, {"$set": values})
    return result.modified_count == 1
