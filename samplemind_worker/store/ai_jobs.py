"""Jobs at the providers' batch APIs: who may submit now, and which are under way."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pymongo.errors import DuplicateKeyError

from samplemind_worker.documents.ai_job import AiJob, JobState
from samplemind_worker.store import mongo

LONGEST = timedelta(days=3)
"""No job is waited for longer: Claude ends a batch after one day, Gemini after two."""


@mongo.synchronous
async def begin(job_id: str, *, writer: str, patience: float) -> AiJob | None:
    """Take the turn to submit: return a new job, or the one whose maker died; None if somebody is at it.

    ``patience``: seconds after which whoever submits is taken for dead.
    """
    now = await mongo.read_clock()
    job = AiJob(id=job_id, writer=writer, claimed_at=now)
    try:
        await job.insert()
    except DuplicateKeyError:
        taken = await AiJob.get_pymongo_collection().find_one_and_update(
            {"state": JobState.SUBMITTING.value, "claimed_at": {"$lt": now - timedelta(seconds=patience)}},
            {"$set": {"claimed_at": now}},
            projection={"_id": 1},
        )
        return None if taken is None else await AiJob.get(taken["_id"])
    return job


def prepare(
    job_id: str,
    *,
    writer: str,
    prompt_version: str,
    parcels: Mapping[str, Sequence[str]],
    reservation: Any,
    read_at: datetime,
) -> None:
    """Write down what a job will ask about, as it was read at a time, and the money that is set aside for it."""
    values = {
        "writer": writer,
        "prompt_version": prompt_version,
        "parcels": {key: list(contents) for key, contents in parcels.items()},
        "reservation": reservation,
        "read_at": read_at,
    }
    _set(job_id, values)


@mongo.synchronous
async def count_attempt(job_id: str) -> None:
    """Write down that the service is asked now."""
    change = {"$inc": {"attempts": 1}, "$set": {"asked_at": await mongo.read_clock()}}
    await AiJob.get_pymongo_collection().update_one({"_id": job_id}, change)


def submitted(job_id: str, *, name: str) -> None:
    """Write down what the service calls a job."""
    _set(job_id, {"state": JobState.SUBMITTED.value, "name": name})


def end(job_id: str, *, written: int = 0, error: str | None = None) -> None:
    """Close a job: collected, or failed with an error."""
    state = JobState.COLLECTED if error is None else JobState.FAILED
    _set(
        job_id,
        {"state": state.value, "written": written, "error": error, "parcels": {}, "ended_at": mongo.now()},
    )


@mongo.synchronous
async def drop(job_id: str) -> None:
    """Forget a job that was never more than a turn."""
    await AiJob.get_pymongo_collection().delete_one({"_id": job_id, "state": JobState.SUBMITTING.value})


@mongo.synchronous
async def under_way() -> list[AiJob]:
    """Return the jobs that the service has, oldest first."""
    return await AiJob.find({"state": JobState.SUBMITTED.value}).sort("+claimed_at").to_list()


@mongo.synchronous
async def contents_under_way() -> set[str]:
    """Return what a summary is to come for from a batch API: nobody else need ask, and pay, for it."""
    since = await mongo.read_clock() - LONGEST
    states = [JobState.SUBMITTING.value, JobState.SUBMITTED.value]
    query = {"state": {"$in": states}, "claimed_at": {"$gte": since}}
    jobs = AiJob.get_pymongo_collection().find(query, {"parcels": 1})
    return {content async for job in jobs for contents in job["parcels"].values() for content in contents}


@mongo.synchronous
async def _set(job_id: str, values: Mapping[str, Any]) -> None:
    await AiJob.get_pymongo_collection().update_one({"_id": job_id}, {"$set": dict(values)})
