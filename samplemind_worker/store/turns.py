"""Turns: a job that one process at a time may do, under a lease that ends by the database's clock."""

import math
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from samplemind_worker.documents.pack import Turn
from samplemind_worker.errors import ServiceUnavailableError
from samplemind_worker.store import mongo
from samplemind_worker.store._lease import renewed


@mongo.synchronous
async def take(job: str, run: str, *, lease: float) -> bool:
    """Take the turn of a job for a run unless another run holds its lease; return whether it was taken."""
    turns = Turn.get_pymongo_collection()
    with suppress(DuplicateKeyError):  # another process inserts it at the same moment
        await turns.update_one({"_id": job}, {"$setOnInsert": {"holder": None, "lease_until": None}}, upsert=True)
    result = await turns.update_one(
        {
            "_id": job,
            "$expr": {"$lt": [{"$ifNull": ["$lease_until", datetime.min.replace(tzinfo=UTC)]}, "$$NOW"]},
        },
        [{"$set": {"holder": run, "lease_until": _lease_end(lease)}}],
    )
    return result.modified_count == 1


@contextmanager
def kept(job: str, run: str, *, lease: float) -> Generator[None]:
    """Renew the lease of a turn until the block ends, then give the turn back."""

    async def _renew() -> None:
        await Turn.get_pymongo_collection().update_one(
            {"_id": job, "holder": run}, [{"$set": {"lease_until": _lease_end(lease)}}]
        )

    try:
        with renewed(_renew, lease=lease):
            yield
    finally:
        with suppress(ServiceUnavailableError):  # the lease ends by itself
            give_back(job, run)


@mongo.synchronous
async def give_back(job: str, run: str) -> None:
    """Let another run take the turn, if this one holds it."""
    # Without a holder, a renewal that is still under way matches nothing.
    await Turn.get_pymongo_collection().update_one(
        {"_id": job, "holder": run}, {"$set": {"holder": None, "lease_until": None}}
    )


def _lease_end(lease: float) -> dict[str, Any]:
    return {"$add": ["$$NOW", math.ceil(lease * 1000)]}


@mongo.synchronous
async def require(job: str, run: str) -> None:
    """Check that the turn is still held, before an action that nothing else guards.

    Raises
    ------
    ServiceUnavailableError
        If another run has taken it, because this one stood still for longer than its lease.
    """
    if await Turn.get_pymongo_collection().find_one({"_id": job, "holder": run}, {"_id": 1}) is None:
        raise ServiceUnavailableError("this run stood still for so long that another one took over")


@mongo.synchronous
async def is_held(job: str) -> bool:
    """Return whether a run does the job now."""
    query = {"_id": job, "$expr": {"$gte": ["$lease_until", "$$NOW"]}, "holder": {"$ne": None}}
    return await mongo.collection("turns").find_one(query, {"_id": 1}) is not None
