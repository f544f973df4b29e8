"""Jobs at the providers' batch APIs: the turn to submit one, and the jobs under way."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pymongo.errors import DuplicateKeyError

from samplemind_worker.documents.ai_job import AiJob, JobState
from samplemind_worker.store import mongo

LONGEST = timedelta(days=3)
"""After so long a job is given up: Claude ends a batch after one day, Gemini after two."""


@mongo.synchronous
async def begin(job_id: str, *, writer: str, patience: float) -> AiJob | None:
    """Take the turn to submit: return a new job, or one whose submitter died; None if another process submits now.

    A submitter is considered dead after ``patience`` seconds.
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
    """Record the contents of a job, when their analyses were read, and the money that is reserved for it."""
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
    """Record that the job is submitted to the service now."""
    change = {"$inc": {"attempts": 1}, "$set": {"asked_at": await mongo.read_clock()}}
    await AiJob.get_pymongo_collection().update_one({"_id": job_id}, change)


def submitted(job_id: str, *, name: str) -> None:
    """Record the name that the service has given a job."""
    _set(job_id, {"state": JobState.SUBMITTED.value, "name": name})


def end(job_id: str, *, written: int = 0, error: str | None = None) -> None:
    """Close a job as collected, or as failed with an error."""
    state = JobState.COLLECTED if error is None else JobState.FAILED
    _set(
        job_id,
        {"state": state.value, "written": written, "error": error, "parcels": {}, "ended_at": mongo.now()},
    )


@mongo.synchronous
async def drop(job_id: str) -> None:
    """Delete a job that was not submitted."""
    await AiJob.get_pymongo_collection().delete_one({"_id": job_id, "state": JobState.SUBMITTING.value})


@mongo.synchronous
async def under_way() -> list[AiJob]:
    """Return the submitted jobs, oldest first."""
    return await AiJob.find({"state": JobState.SUBMITTED.value}).sort("+claimed_at").to_list()


@mongo.synchronous
async def contents_under_way() -> set[str]:
    """Return the contents whose summaries are under way at a batch API, so that they are not paid for twice."""
    since = await mongo.read_clock() - LONGEST
    states = [JobState.SUBMITTING.value, JobState.SUBMITTED.value]
    query = {"state": {"$in": states}, "claimed_at": {"$gte": since}}
    jobs = AiJob.get_pymongo_collection().find(query, {"parcels": 1})
    return {content async for job in jobs for contents in job["parcels"].values() for content in contents}


@mongo.synchronous
async def _set(job_id: str, values: Mapping[str, Any]) -> None:
    await AiJob.get_pymongo_collection().update_one({"_id": job_id}, {"$set": dict(values)})
