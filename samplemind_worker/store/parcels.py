"""Parcels: the dispatcher makes them of pending items, requeues lost ones, and takes items back from dead workers.

Every change is a compare-and-set on the items, so any number of dispatchers may run at once. Leases end by the
database's clock; updates are pipelines where they need it (``$$NOW``).
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bson import ObjectId
from pymongo.errors import DuplicateKeyError

from config.queues import AI, CPU, IO, Queues
from samplemind_worker.documents.batch import (
    BY_STATE,
    LAST_CHANCES,
    BatchItem,
    BatchJob,
    BatchStatus,
    State,
    Step,
)
from samplemind_worker.metrics import counting
from samplemind_worker.metrics.definitions import ITEMS_TAKEN_BACK
from samplemind_worker.store import mongo
from samplemind_worker.store._again import pending_again
from samplemind_worker.store._failing import fail_one
from samplemind_worker.store._kinds import kind_of_queue

_FIRST_STEP = Step.DECODE.value
QUIET = timedelta(seconds=10)
"""A last chance is given when no process has died for so long, which is longer than replacing a dead child takes."""
LONGEST_WAIT = timedelta(seconds=90)
"""After so long a last chance is given anyway, so that a stream of broken files does not hold back other batches."""


@mongo.synchronous
async def pending(batch_id: str, *, limit: int, without: Collection[str] = ()) -> list[dict[str, Any]]:
    """Return the next pending items of a batch: id, root, path, size, step, and whether they travel alone.

    Items whose next start is the last are left out (see `reserve_last_chance`), and so are items whose files are still
    to be read below one of the roots in ``without``.
    """
    read = {"$or": [{"root": {"$nin": list(without)}}, {"step": {"$ne": _FIRST_STEP}}]} if without else {}
    cursor = BatchItem.get_pymongo_collection().find(
        {"batch_id": batch_id, "state": State.PENDING.value, "last_chance": {"$ne": True}, **read},
        {"root": 1, "path": 1, "size": 1, "step": 1, "alone": 1},
    )
    # The index is named, because until an item ends the index by id looks as good and would be kept.
    return await cursor.sort("_id", 1).limit(limit).hint(BY_STATE).to_list()


@mongo.synchronous
async def reserve(batch_id: str, ids: Sequence[ObjectId], *, queue: str) -> tuple[str, int]:
    """Make a parcel of the items that are still pending; return its id and their number.

    If two dispatchers reserve the same item, it goes to the first.
    """
    parcel_id = ObjectId()
    result = await BatchItem.get_pymongo_collection().update_many(
        {"_id": {"$in": list(ids)}, "state": State.PENDING.value},
        [
            {
                "$set": {
                    "state": State.QUEUED.value,
                    "parcel_id": parcel_id,
                    "queue": queue,
                    "queued_at": "$$NOW",
                    "attempt": {"$add": ["$attempt", 1]},
                    "fresh": True,
                }
            }
        ],
    )
    if result.modified_count:
        await BatchJob.get_pymongo_collection().update_one(
            {"_id": batch_id, "status": {"$in": [BatchStatus.PENDING.value, BatchStatus.PROCESSING.value]}},
            [
                {
                    "$set": {
                        "status": BatchStatus.PROCESSING.value,
                        "dispatched_at": "$$NOW",
                        "started_at": {"$ifNull": ["$started_at", "$$NOW"]},
                    }
                }
            ],
        )
    return str(parcel_id), result.modified_count


@mongo.synchronous
async def reserve_last_chance(
    queue_of: Callable[[Step, str], str | None], *, without: Sequence[str] = ()
) -> tuple[str, Step, str] | None:
    """Make a parcel of one item whose next start is the last, unless another such item is in flight.

    A file that kills its whole worker interrupts other files too, and nothing tells which one was the cause. Only one
    last chance is in flight at a time, so that files which happened to be near do not fail with it. A last chance also
    waits until no process has died for a while, so that files do not fail because something else kills processes.
    ``queue_of`` returns the queue for a first step and a root, or None if no worker reaches the root. Items of the
    batches in ``without`` wait. Returns the parcel's id, its first step and its queue.
    """
    parcel_id = ObjectId()
    waits: dict[str, Any] = {"last_chance": True, "state": State.PENDING.value, "batch_id": {"$nin": list(without)}}
    items = BatchItem.get_pymongo_collection()
    if await items.find_one(waits, {"_id": 1}, hint=LAST_CHANCES) is None:
        return None
    now = await mongo.read_clock()
    died = await items.find_one({"crashed_at": {"$gt": now - QUIET}}, {"_id": 1})
    ripe = waits if died is None else {**waits, "crashed_at": {"$not": {"$gt": now - LONGEST_WAIT}}}
    shut: list[str] = []
    while row := await items.find_one({**ripe, "root": {"$nin": shut}}, {"step": 1, "root": 1}, hint=LAST_CHANCES):
        step = Step(row["step"])
        queue = queue_of(step, row["root"])
        if queue is None:
            shut.append(row["root"])
        elif await _reserve_one(row["_id"], parcel_id, queue):
            return str(parcel_id), step, queue
        else:
            return None
    return None


async def _reserve_one(item: ObjectId, parcel_id: ObjectId, queue: str) -> bool:
    """Make a parcel of one item that is still pending, as the only last chance in flight."""
    try:
        result = await BatchItem.get_pymongo_collection().update_one(
            {"_id": item, "state": State.PENDING.value, "last_chance": True},
            [
                {
                    "$set": {
                        "state": State.QUEUED.value,
                        "parcel_id": parcel_id,
                        "queue": queue,
                        "queued_at": "$$NOW",
                        "attempt": {"$add": ["$attempt", 1]},
                        "fresh": True,
                        "solo": True,
                    }
                }
            ],
        )
    except DuplicateKeyError:
        return False
    return result.modified_count == 1


@dataclass(frozen=True, slots=True)
class InFlight:
    """The number of parcels in flight, by the part of the pipeline that they are in."""

    cpu: int
    ai: int
    io: int
    roots: Mapping[str, int]
    """Parcels in the CPU steps, by root."""


@mongo.synchronous
async def in_flight(queues: Queues) -> InFlight:
    """Return how many parcels are in flight in the CPU steps, waiting for models, and in the queue of the stores."""
    cursor = await BatchItem.get_pymongo_collection().aggregate(
        [
            {"$match": {"parcel_id": {"$gt": ObjectId("0" * 24)}}},
            {"$group": {"_id": {"parcel": "$parcel_id", "kind": kind_of_queue(queues)}, "root": {"$first": "$root"}}},
            {"$group": {"_id": {"kind": "$_id.kind", "root": "$root"}, "parcels": {"$sum": 1}}},
        ]
    )
    kinds: Counter[str] = Counter()
    roots: dict[str, int] = {}
    for row in await cursor.to_list():
        kinds[row["_id"]["kind"]] += row["parcels"]
        if row["_id"]["kind"] == CPU:
            roots[row["_id"]["root"]] = row["parcels"]
    return InFlight(kinds[CPU], kinds[AI], kinds[IO], roots)


@mongo.synchronous
async def take_back_expired(*, max_starts: int) -> int:
    """Make items pending again, each alone, whose lease has expired; fail them after ``max_starts`` starts.

    Items that were idle between two tries of a task have lost their message and no worker: that does not count as a
    start.
    """
    expired: dict[str, Any] = {"lease_until": {"$lt": await mongo.read_clock()}}
    idle = await BatchItem.get_pymongo_collection().update_many(
        {**expired, "state": State.RUNNING.value, "resting": True}, pending_again()
    )
    counting.add(ITEMS_TAKEN_BACK, idle.modified_count, reason="idle")
    return idle.modified_count + await _take_back(expired, max_starts=max_starts, code="worker_crashed")


@mongo.synchronous
async def take_back_parcel(parcel_id: str, *, task_id: str, max_starts: int, code: str) -> int:
    """Take back the items of a task whose process died; ``code`` is the error of items that had their last start."""
    query = {"parcel_id": ObjectId(parcel_id), "claim": {"$regex": f"^{re.escape(task_id)}[.]"}}
    return await _take_back(query, max_starts=max_starts, code=code)


@mongo.synchronous
async def take_back_claim(parcel_id: str, *, token: str, max_starts: int, code: str) -> int:
    """Take back the items of a task run that ended in an unexpected error."""
    query = {"parcel_id": ObjectId(parcel_id), "claim": token}
    return await _take_back(query, max_starts=max_starts, code=code)


@mongo.synchronous
async def give_back_claim(parcel_id: str, *, token: str) -> int:
    """Give back the items of a task run that cannot read its files on this machine; does not count as a start."""
    query = {"parcel_id": ObjectId(parcel_id), "claim": token, "state": State.RUNNING.value}
    result = await BatchItem.get_pymongo_collection().update_many(query, pending_again())
    counting.add(ITEMS_TAKEN_BACK, result.modified_count, reason="root_not_reached")
    return result.modified_count


LAST_WORDS: Final = {
    "worker_crashed": "the worker died or vanished {} times with this file in its hands",
    "internal": "{} times a step ended in a fault of ours with this file in its hands; the worker's log says which",
    "out_of_memory": "{} times a step had not enough memory with this file in its hands",
    "timeout": "{} times the step was not done within its time limit (SAMPLEMIND_STEP_SECONDS)",
}
"""Messages of files that were begun for the last time, by code."""

_DEATHS = frozenset({"worker_crashed", "timeout"})
"""Codes that mean that the process died; it survives the other errors."""


@mongo.synchronous
async def give_back(process: str) -> int:
    """Give back the items of a worker process that is about to end; does not count as a start.

    ``process`` is the beginning of its claims' ``worker``.
    """
    result = await BatchItem.get_pymongo_collection().update_many(
        {
            "lease_until": {"$gt": datetime.min.replace(tzinfo=UTC)},
            "worker": {"$regex": f"^{re.escape(process)}"},
            "state": State.RUNNING.value,
        },
        pending_again(),
    )
    counting.add(ITEMS_TAKEN_BACK, result.modified_count, reason="worker_left")
    return result.modified_count


async def _take_back(query: dict[str, Any], *, max_starts: int, code: str) -> int:
    error = {"code": code, "message": LAST_WORDS[code].format(max_starts)}
    items = BatchItem.get_pymongo_collection()
    held = {**query, "state": State.RUNNING.value}
    given_up = 0
    while await fail_one({**held, "starts": {"$gte": max_starts}}, error):
        given_up += 1
    again = await items.update_many(held, pending_again(crashed_of=max_starts, died=code in _DEATHS))
    counting.add(ITEMS_TAKEN_BACK, again.modified_count, reason=code)
    return given_up + again.modified_count


@dataclass(frozen=True, slots=True)
class Waiting:
    """A parcel that waits in a queue, according to the record."""

    parcel_id: ObjectId
    queue: str
    queued_at: datetime


@mongo.synchronous
async def waiting_parcels(*, older_than: float) -> tuple[list[Waiting], datetime]:
    """Return the parcels that have waited for more than ``older_than`` seconds, and the database's clock."""
    now = await mongo.read_clock()
    cursor = await BatchItem.get_pymongo_collection().aggregate(
        [
            {"$match": {"queued_at": {"$lt": now - timedelta(seconds=older_than)}, "state": State.QUEUED.value}},
            {"$group": {"_id": {"p": "$parcel_id", "q": "$queue"}, "at": {"$min": "$queued_at"}}},
        ]
    )
    return [Waiting(row["_id"]["p"], row["_id"]["q"], row["at"]) for row in await cursor.to_list()], now


@mongo.synchronous
async def newest_claims() -> dict[str, datetime]:
    """Return for each queue when the newest of the parcels that run now was queued."""
    cursor = await BatchItem.get_pymongo_collection().aggregate(
        [
            {"$match": {"lease_until": {"$gt": datetime.min.replace(tzinfo=UTC)}, "state": State.RUNNING.value}},
            {"$group": {"_id": "$queue", "at": {"$max": "$taken_from"}}},
        ]
    )
    return {row["_id"]: row["at"] async for row in cursor if row["at"] is not None}


@mongo.synchronous
async def requeue(parcels: Sequence[ObjectId]) -> int:
    """Make the waiting items of parcels pending again; does not count as a start."""
    if not parcels:
        return 0
    result = await BatchItem.get_pymongo_collection().update_many(
        {"parcel_id": {"$in": list(parcels)}, "state": State.QUEUED.value}, pending_again()
    )
    counting.add(ITEMS_TAKEN_BACK, result.modified_count, reason="message_lost")
    return result.modified_count


@mongo.synchronous
async def live_parcels(parcels: Sequence[str]) -> set[str]:
    """Return which of these parcels still have items in flight."""
    if not parcels:
        return set()
    ids = [ObjectId(parcel) for parcel in parcels]
    found = await BatchItem.get_pymongo_collection().distinct("parcel_id", {"parcel_id": {"$in": ids}})
    return {str(parcel) for parcel in found}
