"""The batches that have not ended. Loads without Beanie, because every command asks for them."""

from typing import Any, Final

from samplemind_worker.documents.states import BatchStatus
from samplemind_worker.store import mongo

UNFINISHED: Final = (BatchStatus.PENDING.value, BatchStatus.PROCESSING.value)

PAUSE_ENDS: Final[dict[str, Any]] = {
    "paused_at": None,
    "paused_seconds": {
        "$add": [
            {"$ifNull": ["$paused_seconds", 0.0]},
            {
                "$cond": [
                    {"$and": ["$paused_at", "$started_at"]},
                    {"$divide": [{"$subtract": ["$$NOW", {"$max": ["$paused_at", "$started_at"]}]}, 1000]},
                    0.0,
                ]
            },
        ]
    },
}
"""The values by which a pipeline of an update ends the pause of a batch, if it is paused."""


@mongo.synchronous
async def batch_ids() -> list[str]:
    """Return the ids of the batches that have not ended, including those that are being recorded."""
    return await _ids({"status": {"$in": list(UNFINISHED)}})


@mongo.synchronous
async def at_work() -> list[str]:
    """Return the ids of the batches for which workers are needed: those that have not ended and are not paused."""
    return await _ids({"status": {"$in": list(UNFINISHED)}, "paused_at": None})


async def _ids(query: dict[str, Any]) -> list[str]:
    cursor = mongo.collection("batch_jobs").find(query, {"_id": 1}, sort=[("_id", 1)])
    return [row["_id"] async for row in cursor]
