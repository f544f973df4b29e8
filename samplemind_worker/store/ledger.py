"""Claims of items: how a task run takes them, renews its lease, hands them on and ends them.

A *claim* is a token that one task run writes into the items it takes. Every later write of that run names the token, so
a run that lost its items (frozen past its lease, cancelled, delivered twice) writes nothing. Leases end by the
database's clock, so updates are pipelines, the only updates that can refer to ``$$NOW``.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bson import ObjectId

from samplemind_worker.documents.batch import HELD, BatchItem, State, Step
from samplemind_worker.errors import PermanentError
from samplemind_worker.metrics import counting
from samplemind_worker.metrics.definitions import ITEMS_ENDED
from samplemind_worker.store import mongo
from samplemind_worker.store._failing import fail_one
from samplemind_worker.store._lease import renewed


@dataclass(frozen=True, slots=True)
class Item:
    """What a step needs to know about an item that it has claimed."""

    id: ObjectId
    batch_id: str
    root: str
    path: bytes
    size: int
    file_id: str | None
    waited: float = 0.0
    """Seconds that the item waited in its queue."""


@mongo.synchronous
async def claim(
    parcel_id: str, step: Step, *, token: str, worker: str, lease: float, previous: Sequence[str] = ()
) -> list[Item]:
    """Claim the items of a parcel that wait for a step, and return the claimed ones.

    ``previous`` are the tokens of earlier tries of the same task, whose items are taken over. The first claim of an
    attempt counts a start, before the file is touched.
    """
    waiting: list[dict[str, Any]] = [{"state": State.QUEUED.value}]
    if previous:
        waiting.append({"state": State.RUNNING.value, "claim": {"$in": list(previous)}})
    parcel = ObjectId(parcel_id)
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
    fields = ("batch_id", "root", "path", "raw_path", "size", "file_id", "taken_from", "lease_until")
    rows = items.find({"parcel_id": parcel, "claim": token}, fields).sort("_id", 1)
    return [_item(row, lease) async for row in rows]


def _item(row: Mapping[str, Any], lease: float) -> Item:
    raw = row.get("raw_path")
    path = bytes(raw) if raw is not None else row["path"].encode()
    queued_at = row.get("taken_from")
    waited = 0.0 if queued_at is None else (row["lease_until"] - queued_at).total_seconds() - lease
    return Item(row["_id"], row["batch_id"], row["root"], path, row["size"], row.get("file_id"), waited)


@contextmanager
def lease_kept(parcel_id: str, *, token: str, lease: float, limit: float) -> Generator[None]:
    """Renew the lease of a claim until the block ends or ``limit`` seconds have passed.

    The limit keeps a step that hangs from holding its items for ever where no process limit ends it.
    """

    async def _renew() -> None:
        await BatchItem.get_pymongo_collection().update_many(
            {"parcel_id": ObjectId(parcel_id), "claim": token},
            [{"$set": {"lease_until": {"$add": ["$$NOW", int(lease * 1000)]}}}],
        )

    with renewed(_renew, lease=lease, limit=limit):
        yield


@mongo.synchronous
async def rest(parcel_id: str, *, token: str) -> None:
    """Mark claimed items idle until the task is retried. A lease that expires meanwhile does not count as a crash."""
    await BatchItem.get_pymongo_collection().update_many(
        {"parcel_id": ObjectId(parcel_id), "claim": token}, {"$set": {"resting": True}}
    )


@mongo.synchronous
async def advance(
    parcel_id: str,
    *,
    token: str,
    to: Mapping[Step, Sequence[ObjectId]],
    queues: Mapping[Step, str],
    file_ids: Mapping[ObjectId, str] | None = None,
) -> dict[Step, int]:
    """Queue claimed items for their next steps, and return the number of items per step.

    ``file_ids`` are the content hashes of all of them, where the step has found these.
    """
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
                            **({} if file_ids is None else {"file_id": _content_of(file_ids)}),
                        }
                    },
                    {"$unset": ["claim", "worker", "lease_until", "taken_from", "resting"]},
                ],
            )
            moved[step] = result.modified_count
    return moved


@mongo.synchronous
async def queued_after(parcel_id: str, step: Step) -> bool:
    """Return whether items of a parcel wait for a later step than this one."""
    steps = list(Step)
    later = [one.value for one in steps[steps.index(step) + 1 :]]
    query = {"parcel_id": ObjectId(parcel_id), "state": State.QUEUED.value, "step": {"$in": later}}
    return await BatchItem.get_pymongo_collection().find_one(query, {"_id": 1}) is not None


@mongo.synchronous
async def queue_of(parcel_id: str, step: Step) -> str | None:
    """Return the queue that items of a parcel wait in for a step; None if none do."""
    query = {"parcel_id": ObjectId(parcel_id), "state": State.QUEUED.value, "step": step.value}
    row = await BatchItem.get_pymongo_collection().find_one(query, {"queue": 1})
    return None if row is None else row["queue"]


@mongo.synchronous
async def identify(parcel_id: str, *, token: str, file_ids: Mapping[ObjectId, str]) -> None:
    """Record the content hashes of claimed items that are to end; `advance` records those of the others."""
    if file_ids:
        await BatchItem.get_pymongo_collection().update_many(
            {"_id": {"$in": list(file_ids)}, "claim": token, "parcel_id": ObjectId(parcel_id)},
            [{"$set": {"file_id": _content_of(file_ids)}}],
        )


def _content_of(file_ids: Mapping[ObjectId, str]) -> dict[str, Any]:
    """Return the expression for the content hash of an item.

    One command that changes many documents costs MongoDB half of what a command per document does.
    """
    items, contents = list(file_ids), list(file_ids.values())
    return {"$arrayElemAt": [{"$literal": contents}, {"$indexOfArray": [{"$literal": items}, "$_id"]}]}


def complete(parcel_id: str, *, token: str, ids: Sequence[ObjectId]) -> int:
    """End claimed items as completed."""
    return _end(parcel_id, token=token, ids=ids, values={"state": State.COMPLETED.value})


def skip(parcel_id: str, *, token: str, ids: Sequence[ObjectId], reason: str) -> int:
    """End claimed items as skipped."""
    return _end(parcel_id, token=token, ids=ids, values={"state": State.SKIPPED.value, "skip_reason": reason})


@mongo.synchronous
async def fail(parcel_id: str, *, token: str, errors: Mapping[ObjectId, PermanentError]) -> None:
    """End claimed items as failed, each with its reason."""
    if not errors:
        return
    for item, error in errors.items():
        held = {"_id": item, "parcel_id": ObjectId(parcel_id), "claim": token}
        await fail_one(held, {"code": error.code, "message": str(error)})


@mongo.synchronous
async def _end(parcel_id: str, *, token: str, ids: Sequence[ObjectId], values: dict[str, Any]) -> int:
    if not ids:
        return 0
    result = await BatchItem.get_pymongo_collection().update_many(
        {"parcel_id": ObjectId(parcel_id), "claim": token, "_id": {"$in": list(ids)}},
        {"$set": values, "$unset": dict.fromkeys(HELD, "")},
    )
    counting.add(ITEMS_ENDED, result.modified_count, state=values["state"])
    return result.modified_count
