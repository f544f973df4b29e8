"""Totals over all batches, for the exporter of metrics. What has ended is read once; what is open is counted anew.

Every count is of index keys, or of the items in flight, whose number the dispatcher limits.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bson import ObjectId

from config.queues import CPU, Queues, kind_of_step
from samplemind_worker.documents.batch import BY_STATE, GIVEN_BACK, BatchItem, BatchJob
from samplemind_worker.documents.states import State, Step
from samplemind_worker.store import mongo
from samplemind_worker.store._counts import count_errors, count_recorded
from samplemind_worker.store._kinds import kind_of_queue
from samplemind_worker.store.unfinished import UNFINISHED

_COUNTED = tuple(state for state in State if state is not State.PENDING)
_LATER_STEPS = (Step.SUMMARIZE, Step.STORE)  # the others begin again at `decode`
_THINNED_STATES = (State.COMPLETED, State.SKIPPED, State.CANCELLED)
_OVERLAP = timedelta(hours=1)
"""A batch that was cancelled is counted again for a while, without another time of its end."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What one batch, or several, hold."""

    states: Mapping[str, int]
    errors: Mapping[str, int]
    status: str
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """What one batch that has not ended holds, and what it waits for."""

    totals: Totals
    pending: Mapping[str, int]
    """Pending items by the kind of queue that they wait for; none if it is paused, so that they wait for no worker."""
    waits_since: datetime | None
    """Since when its oldest pending item waits; None if no item is pending, or it is paused."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """Items and parcels that are queued or run, by the kind of their queue, and since when the oldest one is queued."""

    items: Mapping[str, int]
    parcels: Mapping[str, int]
    queued_since: datetime | None


@mongo.synchronous
async def ended(since: datetime | None) -> dict[str, Totals]:
    """Return the batches that ended since a time (or ever), and some that ended shortly before, by id."""
    when = {"$ne": None} if since is None else {"$gte": since - _OVERLAP}
    fields = {"results.counts": 1, "results.errors": 1, "finished_at": 1, "status": 1}
    cursor = BatchJob.get_pymongo_collection().find({"finished_at": when}, fields).sort("finished_at", 1)
    return {
        row["_id"]: Totals(
            row["results"].get("counts", {}), row["results"].get("errors", {}), row["status"], row["finished_at"]
        )
        async for row in cursor
        if row.get("results") is not None
    }


@mongo.synchronous
async def unfinished() -> dict[str, Open]:
    """Return the batches that have not ended, by id."""
    jobs = await BatchJob.find({"status": {"$in": list(UNFINISHED)}}).to_list()
    now = await mongo.read_clock()
    return {job.id: await _open(job, now) for job in jobs}


async def _open(job: BatchJob, now: datetime) -> Open:
    items = BatchItem.get_pymongo_collection()
    pending = {"batch_id": job.id, "state": State.PENDING.value}
    total, errors, later, first, tallies = await asyncio.gather(
        _total(job),
        count_errors(job.id),
        asyncio.gather(
            *(items.count_documents({**pending, "step": step.value}, hint=GIVEN_BACK) for step in _LATER_STEPS)
        ),
        items.find_one(pending, {"retried": 1}, sort=[("_id", 1)], hint=BY_STATE),
        asyncio.gather(*(items.count_documents({"batch_id": job.id, "state": state.value}) for state in _COUNTED)),
    )
    states: dict[str, int] = {}
    left = total
    for state, tally in zip(_COUNTED, tallies, strict=True):
        more = (job.thinned or {}).get(state.value, 0) if state in _THINNED_STATES else 0
        # Items move on between the counts, so that one may be counted twice.
        states[state.value] = min(tally + more, left)
        left -= states[state.value]
    since = None
    if first is not None:
        # A retried item keeps the id that it was recorded with.
        since = (job.started_at or now) if first.get("retried") else first["_id"].generation_time
    totals = Totals({State.PENDING.value: left, **states}, errors, job.status.value)
    if job.paused_at is not None:
        return Open(totals, {}, None)
    waiting = Counter({kind_of_step(step): count for step, count in zip(_LATER_STEPS, later, strict=True)})
    waiting[CPU] = max(0, left - waiting.total())
    return Open(totals, waiting, since)


async def _total(job: BatchJob) -> int:
    return job.total_files if job.recorded else await count_recorded(job.id)


@mongo.synchronous
async def in_flight(queues: Queues) -> InFlight:
    """Return what is queued or runs in the queues of a deployment."""
    items = BatchItem.get_pymongo_collection()
    cursor = await items.aggregate(
        [
            {"$match": {"parcel_id": {"$gt": ObjectId("0" * 24)}}},
            {"$group": {"_id": {"parcel": "$parcel_id", "kind": kind_of_queue(queues)}, "items": {"$sum": 1}}},
            {"$group": {"_id": "$_id.kind", "parcels": {"$sum": 1}, "items": {"$sum": "$items"}}},
        ]
    )
    rows = await cursor.to_list()
    oldest = await items.find_one({"queued_at": {"$exists": True}}, {"queued_at": 1}, sort=[("queued_at", 1)])
    return InFlight(
        Counter({row["_id"]: row["items"] for row in rows}),
        Counter({row["_id"]: row["parcels"] for row in rows}),
        None if oldest is None else oldest["queued_at"],
    )


@mongo.synchronous
async def contents() -> int:
    """Return about how many distinct contents are analysed."""
    return await mongo.about_how_many("analyses")
