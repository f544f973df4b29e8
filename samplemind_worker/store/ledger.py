"""Who holds which items: claims by compare-and-set, leases, and what is taken back.

A *claim* is a token that one task run writes into the items it takes; every later write of that run names it, so a run
that lost its items (frozen past its lease, cancelled, delivered twice) writes nothing. Leases end by the database's
clock. Updates are pipelines for that reason: only they can say ``$$NOW``.
"""

import asyncio
import math
import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from loguru import logger
from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError, PyMongoError

from samplemind_worker.documents.batch import BY_STATE, LAST_CHANCES, BatchItem, BatchJob, BatchStatus, State, Step
from samplemind_worker.errors import PermanentError
from samplemind_worker.store import _loop, mongo

_HELD = ["parcel_id", "queue", "queued_at", "taken_from", "claim", "worker", "lease_until", "solo", "resting"]
_RENEWALS = 5  # of a lease: a record that is away for half a minute must not let it end
_FIRST_STEP = Step.DECODE.value
# What scratch memory held is gone with an attempt: these steps begin again at the first.
_HOST_STEPS = [Step.FEATURES.value, Step.TEMPO_KEY.value]


@dataclass(frozen=True, slots=True)
class Item:
    """What a step needs to know of an item it has claimed."""

    id: ObjectId
    batch_id: str
    root: str
    path: bytes
    size: int
    file_id: str | None


def claim(
    parcel_id: str, step: Step, *, token: str, worker: str, lease: float, previous: Sequence[str] = ()
) -> list[Item]:
    """Take the items of a parcel that wait for a step, and return those that are now ours.

    ``previous`` are the tokens of earlier tries of the same task, whose items are taken over. The first claim of an
    attempt counts a start, before the file is touched.
    """
    waiting: list[dict[str, Any]] = [{"state": State.QUEUED.value}]
    if previous:
        waiting.append({"state": State.RUNNING.value, "claim": {"$in": list(previous)}})
    parcel = ObjectId(parcel_id)

    async def _claim() -> list[Item]:
        items = BatchItem.get_pymongo_collection()
        result = await items.update_many(
            {"parcel_id": parcel, "step": step.value, "$or": waiting},
            [
                {
                    "$set": {
                        "state": State.RUNNING.value,
                        "claim": token,
                        "worker": worker,
                        "lease_until": {"$add": ["$$NOW", int(lease * 1000)]},
                        "starts": {"$add": ["$starts", {"$cond": ["$fresh", 1, 0]}]},
                        "fresh": False,
                        "taken_from": "$queued_at",
                    }
                },
                {"$unset": ["queued_at", "resting"]},
            ],
        )
        if not result.matched_count:
            return []
        fields = {"batch_id": 1, "root": 1, "path": 1, "raw_path": 1, "size": 1, "file_id": 1}
        rows = items.find({"parcel_id": parcel, "claim": token}, fields).sort("_id", 1)
        return [_item(row) async for row in rows]

    return mongo.run(_claim())


def _item(row: Mapping[str, Any]) -> Item:
    raw = row.get("raw_path")
    path = bytes(raw) if raw is not None else row["path"].encode()
    return Item(row["_id"], row["batch_id"], row["root"], path, row["size"], row.get("file_id"))


@contextmanager
def lease_kept(parcel_id: str, *, token: str, lease: float, limit: float) -> Generator[None]:
    """Renew the lease of a claim several times in its length, until the block ends or ``limit`` seconds have passed.

    The limit keeps a step that hangs from holding its items for ever where no process limit ends it.
    """
    # An event, not cancel(): the driver takes a cancelled command for a lost connection, and tries it again.
    ended = asyncio.Event()

    async def _renew() -> None:
        for _ in range(math.ceil(_RENEWALS * limit / lease)):
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), lease / _RENEWALS)
                return
            with suppress(PyMongoError):  # the next one may get through, in time
                await BatchItem.get_pymongo_collection().update_many(
                    {"parcel_id": ObjectId(parcel_id), "claim": token},
                    [{"$set": {"lease_until": {"$add": ["$$NOW", int(lease * 1000)]}}}],
                )

    loop = _loop.get_loop()
    asyncio.run_coroutine_threadsafe(_renew(), loop)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(ended.set)


def rest(parcel_id: str, *, token: str) -> None:
    """Say that nobody works on claimed items until the task's next try: should it never come, nobody died of them."""

    async def _rest() -> None:
        await BatchItem.get_pymongo_collection().update_many(
            {"parcel_id": ObjectId(parcel_id), "claim": token}, {"$set": {"resting": True}}
        )

    mongo.run(_rest())


def advance(
    parcel_id: str, *, token: str, to: Mapping[Step, Sequence[ObjectId]], queues: Mapping[Step, str]
) -> dict[Step, int]:
    """Hand claimed items on to their next steps, and return how many went where."""

    async def _advance() -> dict[Step, int]:
        moved: dict[Step, int] = {}
        for step, ids in to.items():
            if ids:
                result = await BatchItem.get_pymongo_collection().update_many(
                    {"parcel_id": ObjectId(parcel_id), "claim": token, "_id": {"$in": list(ids)}},
                    [
                        {
                            "$set": {
                                "state": State.QUEUED.value,
                                "step": step.value,
                                "queue": queues[step],
                                "queued_at": "$$NOW",
                            }
                        },
                        {"$unset": ["claim", "worker", "lease_until", "taken_from", "resting"]},
                    ],
                )
                moved[step] = result.modified_count
        return moved

    return mongo.run(_advance())


def queued_after(parcel_id: str, step: Step) -> bool:
    """Whether items of a parcel wait for a later step than this one."""
    steps = list(Step)
    later = [one.value for one in steps[steps.index(step) + 1 :]]

    async def _find() -> bool:
        query = {"parcel_id": ObjectId(parcel_id), "state": State.QUEUED.value, "step": {"$in": later}}
        return await BatchItem.get_pymongo_collection().find_one(query, {"_id": 1}) is not None

    return mongo.run(_find())


def identify(parcel_id: str, *, token: str, file_ids: Mapping[ObjectId, str]) -> None:
    """Write down which content each claimed item turned out to be."""

    async def _identify() -> None:
        await BatchItem.get_pymongo_collection().bulk_write(
            [
                UpdateOne(
                    {"_id": item, "claim": token, "parcel_id": ObjectId(parcel_id)}, {"$set": {"file_id": content}}
                )
                for item, content in file_ids.items()
            ],
            ordered=False,
        )

    if file_ids:
        mongo.run(_identify())


def complete(parcel_id: str, *, token: str, ids: Sequence[ObjectId]) -> int:
    """End claimed items as completed."""
    return _end(parcel_id, token=token, ids=ids, values={"state": State.COMPLETED.value})


def skip(parcel_id: str, *, token: str, ids: Sequence[ObjectId], reason: str) -> int:
    """End claimed items as skipped."""
    return _end(parcel_id, token=token, ids=ids, values={"state": State.SKIPPED.value, "skip_reason": reason})


def fail(parcel_id: str, *, token: str, errors: Mapping[ObjectId, PermanentError]) -> None:
    """End claimed items as failed, each with its reason."""
    for item, error in errors.items():
        reason = {"code": error.code, "message": str(error)}
        logger.warning("file.failed", fields={"item": str(item), **reason})
        _end(parcel_id, token=token, ids=[item], values={"state": State.FAILED.value, "error": reason})


def _end(parcel_id: str, *, token: str, ids: Sequence[ObjectId], values: dict[str, Any]) -> int:
    async def _update() -> int:
        result = await BatchItem.get_pymongo_collection().update_many(
            {"parcel_id": ObjectId(parcel_id), "claim": token, "_id": {"$in": list(ids)}},
            {"$set": values, "$unset": dict.fromkeys(_HELD, "")},
        )
        return result.modified_count

    return mongo.run(_update()) if ids else 0


def pending(batch_id: str, *, limit: int) -> list[dict[str, Any]]:
    """Return the next pending items of a batch: id, path, size, step, and whether they travel alone.

    Those whose next start is the last are not among them (`reserve_last_chance`).
    """

    async def _find() -> list[dict[str, Any]]:
        cursor = BatchItem.get_pymongo_collection().find(
            {"batch_id": batch_id, "state": State.PENDING.value, "last_chance": {"$ne": True}},
            {"path": 1, "size": 1, "step": 1, "alone": 1},
        )
        # Named: as long as nothing has ended the index by id alone looks as good, and it is chosen for good.
        return await cursor.sort("_id", 1).limit(limit).hint(BY_STATE).to_list()

    return mongo.run(_find())


def reserve(batch_id: str, ids: Sequence[ObjectId], *, queue: str) -> tuple[str, int]:
    """Make a parcel of those of the items that are still pending; return its id and their number.

    Two dispatchers may reach for the same items: each item goes to the first.
    """
    parcel_id = ObjectId()

    async def _reserve() -> int:
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
        return result.modified_count

    return str(parcel_id), mongo.run(_reserve())


def reserve_last_chance(queues: Mapping[Step, str]) -> tuple[str, Step] | None:
    """Make a parcel of one item whose next start is the last, unless another such item is in flight.

    A file that takes its whole worker down takes others along, and who was it cannot be told. As no two last chances
    are in flight together, what was near it each time is not condemned with it. ``queues`` has those of the steps that
    a parcel may begin with. Returns the parcel's id and its first step.
    """
    parcel_id = ObjectId()
    branches = [{"case": {"$eq": ["$step", step.value]}, "then": queue} for step, queue in queues.items()]

    async def _reserve() -> dict[str, Any] | None:
        try:
            return await BatchItem.get_pymongo_collection().find_one_and_update(
                {"last_chance": True, "state": State.PENDING.value},
                [
                    {
                        "$set": {
                            "state": State.QUEUED.value,
                            "parcel_id": parcel_id,
                            "queue": {"$switch": {"branches": branches}},
                            "queued_at": "$$NOW",
                            "attempt": {"$add": ["$attempt", 1]},
                            "fresh": True,
                            "solo": True,
                        }
                    }
                ],
                {"step": 1},
                hint=LAST_CHANCES,
            )
        except DuplicateKeyError:
            return None

    row = mongo.run(_reserve())
    return None if row is None else (str(parcel_id), Step(row["step"]))


def in_flight() -> tuple[int, int]:
    """Return how many parcels are in flight: in the steps of the CPU, and in all steps."""

    async def _count() -> tuple[int, int]:
        cursor = await BatchItem.get_pymongo_collection().aggregate(
            [
                {"$match": {"parcel_id": {"$gt": ObjectId("0" * 24)}}},
                {"$group": {"_id": {"parcel": "$parcel_id", "cpu": {"$in": ["$step", [_FIRST_STEP, *_HOST_STEPS]]}}}},
                {"$group": {"_id": "$_id.cpu", "parcels": {"$sum": 1}}},
            ]
        )
        rows = {row["_id"]: row["parcels"] for row in await cursor.to_list()}
        return rows.get(True, 0), sum(rows.values())

    return mongo.run(_count())


def take_back_expired(*, max_starts: int) -> int:
    """Take back the items whose lease ran out: pending again, each alone; failed after ``max_starts`` starts.

    Those that rested between two tries lost their message, not their worker: they burn no start.
    """
    expired: dict[str, Any] = {"lease_until": {"$lt": mongo.now()}}

    async def _rested() -> int:
        result = await BatchItem.get_pymongo_collection().update_many(
            {**expired, "state": State.RUNNING.value, "resting": True}, _pending_again()
        )
        return result.modified_count

    return mongo.run(_rested()) + _take_back(expired, max_starts=max_starts, code="worker_crashed")


def take_back_parcel(parcel_id: str, *, task_id: str, max_starts: int, code: str) -> int:
    """Take back what a task held whose process died; ``code`` says why, should it have been the last start."""
    query = {"parcel_id": ObjectId(parcel_id), "claim": {"$regex": f"^{re.escape(task_id)}[.]"}}
    return _take_back(query, max_starts=max_starts, code=code)


def take_back_claim(parcel_id: str, *, token: str, max_starts: int, code: str) -> int:
    """Take back what one run held that ended in a fault nobody foresaw."""
    return _take_back({"parcel_id": ObjectId(parcel_id), "claim": token}, max_starts=max_starts, code=code)


_LAST_WORDS = {
    "worker_crashed": "the worker died or vanished {} times with this file in its hands",
    "internal": "{} times a step ended in a fault of ours with this file in its hands; the worker's log says which",
    "out_of_memory": "{} times a step had not enough memory with this file in its hands",
    "timeout": "{} times the step was not done within its time limit (SAMPLEMIND_STEP_SECONDS)",
}


def give_back(process: str) -> int:
    """Give back what a worker process holds that is about to end; burns no start: nobody died of it.

    ``process`` is the beginning of its claims' ``worker``.
    """

    async def _update() -> int:
        result = await BatchItem.get_pymongo_collection().update_many(
            {
                "lease_until": {"$gt": datetime.min.replace(tzinfo=UTC)},
                "worker": {"$regex": f"^{re.escape(process)}"},
                "state": State.RUNNING.value,
            },
            _pending_again(),
        )
        return result.modified_count

    return mongo.run(_update())


def _take_back(query: dict[str, Any], *, max_starts: int, code: str) -> int:
    error = {"code": code, "message": _LAST_WORDS[code].format(max_starts)}

    async def _update() -> int:
        items = BatchItem.get_pymongo_collection()
        held = {**query, "state": State.RUNNING.value}
        given_up = await items.update_many(
            {**held, "starts": {"$gte": max_starts}},
            {"$set": {"state": State.FAILED.value, "error": error}, "$unset": dict.fromkeys(_HELD, "")},
        )
        again = await items.update_many(held, _pending_again(crashed_of=max_starts))
        return given_up.modified_count + again.modified_count

    return mongo.run(_update())


def _pending_again(*, crashed_of: int | None = None) -> list[dict[str, Any]]:
    """Make items pending again; those that crashed have so many starts in all."""
    values: dict[str, Any] = {
        "state": State.PENDING.value,
        "step": {"$cond": [{"$in": ["$step", _HOST_STEPS]}, _FIRST_STEP, "$step"]},
    }
    if crashed_of is not None:
        values["alone"] = True
        values["last_chance"] = {"$gte": ["$starts", crashed_of - 1]}
    else:
        # The attempt may have been begun, and have waited between two steps: it will be begun, and counted, again.
        values["starts"] = {"$subtract": ["$starts", {"$cond": ["$fresh", 0, 1]}]}
    return [{"$set": values}, {"$unset": _HELD}]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A parcel that waits in a queue, as the record has it."""

    parcel_id: ObjectId
    queue: str
    queued_at: datetime


def waiting_parcels(*, older_than: float) -> tuple[list[Waiting], datetime]:
    """Return the parcels queued for longer than so many seconds, and the database's clock."""
    now = mongo.now()

    async def _find() -> list[Waiting]:
        cursor = await BatchItem.get_pymongo_collection().aggregate(
            [
                {"$match": {"queued_at": {"$lt": now - timedelta(seconds=older_than)}, "state": State.QUEUED.value}},
                {"$group": {"_id": {"p": "$parcel_id", "q": "$queue"}, "at": {"$min": "$queued_at"}}},
            ]
        )
        return [Waiting(row["_id"]["p"], row["_id"]["q"], row["at"]) for row in await cursor.to_list()]

    return mongo.run(_find()), now


def newest_claims() -> dict[str, datetime]:
    """Return, for each queue, when the parcel was queued that was taken from it last, of those running now."""

    async def _find() -> dict[str, datetime]:
        cursor = await BatchItem.get_pymongo_collection().aggregate(
            [
                {"$match": {"lease_until": {"$gt": datetime.min.replace(tzinfo=UTC)}, "state": State.RUNNING.value}},
                {"$group": {"_id": "$queue", "at": {"$max": "$taken_from"}}},
            ]
        )
        return {row["_id"]: row["at"] async for row in cursor if row["at"] is not None}

    return mongo.run(_find())


def requeue(parcels: Sequence[ObjectId]) -> int:
    """Make the waiting items of parcels pending again; burns no start: nobody died with them in its hands."""

    async def _update() -> int:
        result = await BatchItem.get_pymongo_collection().update_many(
            {"parcel_id": {"$in": list(parcels)}, "state": State.QUEUED.value}, _pending_again()
        )
        return result.modified_count

    return mongo.run(_update()) if parcels else 0


def live_parcels(parcels: Sequence[str]) -> set[str]:
    """Return which of these parcels still have items in flight."""

    async def _find() -> set[str]:
        ids = [ObjectId(parcel) for parcel in parcels]
        found = await BatchItem.get_pymongo_collection().distinct("parcel_id", {"parcel_id": {"$in": ids}})
        return {str(parcel) for parcel in found}

    return mongo.run(_find()) if parcels else set()
