"""Tells what an open batch waits for. `status` asks it, and the dispatcher when nothing moves."""

from typing import Any

from samplemind_worker.documents.batch import BY_STATE, BatchItem, BatchJob, State, Step
from samplemind_worker.store import mongo


@mongo.synchronous
async def waits_for(batch_id: str) -> set[tuple[Step, str | None]]:
    """Return the steps, each with its queue, that the begun items of a batch wait for, and that of one pending item."""
    items = BatchItem.get_pymongo_collection()
    begun = {"batch_id": batch_id, "state": {"$in": [State.QUEUED.value, State.RUNNING.value]}}
    cursor = await items.aggregate(
        [{"$match": begun}, {"$group": {"_id": {"step": "$step", "queue": "$queue"}}}], hint=BY_STATE
    )
    found: set[tuple[Step, str | None]] = {
        (Step(row["_id"]["step"]), row["_id"].get("queue")) for row in await cursor.to_list()
    }
    pending = await items.find_one({"batch_id": batch_id, "state": State.PENDING.value}, {"step": 1}, hint=BY_STATE)
    return found if pending is None else found | {(Step(pending["step"]), None)}


@mongo.synchronous
async def roots_to_read(job: BatchJob) -> list[str]:
    """Return the roots below which files are still to be read; at most one if the batch does not name its roots."""
    query: dict[str, Any] = {"batch_id": job.id, "state": State.PENDING.value, "step": Step.DECODE.value}
    items = BatchItem.get_pymongo_collection()
    wanted = [{**query, "root": one.root} for one in job.roots] or [query]
    rows = [await items.find_one(each, {"root": 1}, hint=BY_STATE) for each in wanted]
    return [row["root"] for row in rows if row is not None]
