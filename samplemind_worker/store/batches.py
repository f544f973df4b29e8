"""Batch jobs and their items: recording, counting, listing, cancelling, retrying."""

import asyncio
import re
import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from config.ai import AiTask
from samplemind_worker.documents.batch import (
    BY_STATE,
    HELD,
    BatchItem,
    BatchJob,
    Priority,
    RecordedRoot,
    SummaryScope,
    task_of,
)
from samplemind_worker.documents.batch_report import Batch
from samplemind_worker.documents.states import OPEN_STATES, BatchStatus, State, Step
from samplemind_worker.errors import UsageError
from samplemind_worker.store import mongo
from samplemind_worker.store._counts import (
    close_early,
    count_cancelled,
    count_errors,
    count_recorded,
    count_states,
    has_open_items,
)
from samplemind_worker.store.spend import sums_of_batch
from samplemind_worker.store.thinning import finish_thinning
from samplemind_worker.store.unfinished import PAUSE_ENDS, UNFINISHED

_PAGE = 1000
_CHUNK = 10_000  # items per update command
_OPEN = list(OPEN_STATES)
_AS_NEW = {"state": State.PENDING.value, "step": Step.DECODE.value, "starts": 0, "fresh": True}
_RELEASED = dict.fromkeys(HELD, "")
_LAST = re.compile(r"last(?:~(?P<back>[0-9]{1,9}))?")


@mongo.synchronous
async def create(
    *,
    name: str,
    paths: Sequence[str],
    priority: Priority,
    files_per_chain: int,
    ai: bool,
    force: bool,
    ai_budget: int | None = None,
    ai_task: AiTask | None = None,
    ai_writer: str | None = None,
    ai_scope: SummaryScope = "new",
    roots: Sequence[RecordedRoot] = (),
    user_id: str = "local",
    background: bool = False,
) -> BatchJob:
    """Record a batch without items; it is not dispatched before `close_recording` is called."""
    now = await mongo.read_clock()
    job = BatchJob(
        id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}", created_at=now,
        name=name, paths=list(paths), priority=priority, files_per_chain=files_per_chain, force=force,
        ai=ai, ai_budget=ai_budget, ai_task=ai_task or task_of(priority), ai_writer=ai_writer, ai_scope=ai_scope,
        roots=list(roots), user_id=user_id, background=background,
    )  # fmt: skip
    await job.insert()
    return job


@mongo.synchronous
async def note_hint(batch_id: str, hint: str) -> None:
    """Record why the local describer writes a batch's summaries."""
    await _set_job(batch_id, {"ai_hint": hint})


@mongo.synchronous
async def add_items(items: list[dict[str, Any]]) -> None:
    """Insert items in one bulk write, without validating each: `new_item` has made all of them."""
    await BatchItem.get_pymongo_collection().insert_many(items, ordered=False)


def close_recording(batch_id: str, *, total_files: int, roots: Sequence[RecordedRoot] = ()) -> None:
    """Mark the recording as complete, so that the batch is dispatched unless it was cancelled meanwhile.

    ``roots`` are those of its files, if they were not known when it was created.

    Raises
    ------
    UsageError
        If the batch was given up meanwhile (`stalled_recordings`).
    """
    _mark_recorded(batch_id, total_files, [root.model_dump() for root in roots])
    status = find(batch_id).status
    if status is BatchStatus.CANCELLED:
        cancel(batch_id)
    elif status is BatchStatus.FAILED:
        abandon(batch_id)
        raise UsageError(f"recording stood still for so long that batch {batch_id} was given up; submit it again")


@mongo.synchronous
async def _mark_recorded(batch_id: str, total_files: int, roots: list[dict[str, Any]]) -> None:
    # What a cancellation counted meanwhile is counted anew, so that counts and total agree at all times.
    values = {"recorded": True, "total_files": total_files, "results": None}
    await _set_job(batch_id, values | ({"roots": roots} if roots else {}))


@mongo.synchronous
async def abandon(batch_id: str) -> None:
    """Mark a batch that was recorded only in part as failed; its items stay listed as cancelled."""
    opened = await _cancel_items(batch_id)
    job = await BatchJob.get(batch_id)
    if job is not None and (opened or job.results is None):
        await close_early(job, BatchStatus.FAILED, total=await count_recorded(batch_id))


@mongo.synchronous
async def find(batch_id: str) -> BatchJob:
    """Return the batch of that id, or of that unique beginning of an id.

    ``last`` is the newest batch, ``last~1`` the one before it.

    Raises
    ------
    UsageError
        If there is none, or more than one.
    """
    if (back := _LAST.fullmatch(batch_id)) is not None:
        return await _newest_but(int(back["back"] or 0))
    jobs = await _beginning_with(batch_id) if batch_id and batch_id.isascii() else []
    if not jobs:
        raise UsageError(f"no batch {batch_id!r}; `samplemind status` lists the recent ones")
    if len(jobs) > 1:
        raise UsageError(f"more than one batch begins with {batch_id!r}; give more of its id")
    return jobs[0]


async def _beginning_with(batch_id: str) -> list[BatchJob]:
    """Return the batch of that id, or up to two batches whose ids begin with it."""
    exact = await BatchJob.get(batch_id)
    if exact is not None:
        return [exact]
    # Ids are digits, letters and hyphens, which all sort before the tilde.
    return await BatchJob.find({"_id": {"$gte": batch_id, "$lt": batch_id + "~"}}).limit(2).to_list()


async def _newest_but(back: int) -> BatchJob:
    """Return the batch that was made ``back`` batches before the newest one; raises UsageError if there is none."""
    jobs = await BatchJob.find_all().sort("-created_at").skip(back).limit(1).to_list()
    if not jobs:
        raise UsageError(
            "there is no batch so far back; `samplemind status` lists the recent ones"
            if back
            else "no batch yet; `samplemind submit FOLDER` makes one"
        )
    return jobs[0]


@mongo.synchronous
async def recent(limit: int, *, since: datetime | None = None, until: datetime | None = None) -> list[BatchJob]:
    """Return the newest batches, newest first; only those from ``since`` on, and before ``until``."""
    bounds = {name: bound for name, bound in (("$gte", since), ("$lt", until)) if bound is not None}
    query: dict[str, Any] = {"created_at": bounds} if bounds else {}
    return await BatchJob.find(query).sort("-created_at").limit(limit).to_list()


@mongo.synchronous
async def report(job: BatchJob) -> dict[str, Any]:
    """Return the JSON object of `status --json`.

    The counts of an open batch come from the items' states, by counting index keys; those of an ended one are stored.
    """
    if job.results is not None:
        total, counts, errors, now = job.total_files, job.results["counts"], job.results["errors"], None
    else:
        total = job.total_files if job.recorded else await count_recorded(job.id)
        counts, errors, now = await asyncio.gather(
            count_states(job.id, total, thinned=job.thinned), count_errors(job.id), mongo.read_clock()
        )
    ended = counts["completed"] + counts["failed"] - job.ended_before
    elapsed = job.seconds_at_work(job.finished_at or now)
    rate = ended / elapsed if elapsed > 0 else 0.0
    left = counts["pending"] + counts["running"]
    made: Batch = {
        "batch_id": job.id,
        "name": job.name,
        "status": job.status.value,
        "total_files": total,
        "completed": counts["completed"],
        "failed": counts["failed"],
        "skipped": counts["skipped"],
        "cancelled": counts["cancelled"],
        "running": counts["running"],
        "pending": counts["pending"],
        "recorded": job.recorded,
        "created_at": _iso(job.created_at),
        "started_at": _iso(job.started_at),
        "finished_at": _iso(job.finished_at),
        "paused_at": _iso(job.paused_at),
        "thinned_at": _iso(job.thinned_at),
        "files_per_second": round(rate, 2),
        "eta_seconds": 0 if not left else round(left / rate) if rate > 0 and job.paused_at is None else None,
        "errors": errors,
        "ai": await sums_of_batch(job.id),
    }
    if job.ai_hint:
        made["ai"]["hint"] = job.ai_hint
    return {**made}


@mongo.synchronous
async def close_if_done(batch_id: str) -> bool:
    """Close the batch if no item of it is open; True if this call closed it. Any process may call it at any time."""
    if await has_open_items(batch_id):
        return False
    job = await BatchJob.get(batch_id)
    if job is None or not job.recorded or job.status not in (BatchStatus.PENDING, BatchStatus.PROCESSING):
        return False
    # Again, because `opened` is known only now; a retry that opens items from here on raises it.
    if await has_open_items(batch_id):
        return False
    counts, errors = await asyncio.gather(
        count_states(batch_id, job.total_files, thinned=job.thinned), count_errors(batch_id)
    )
    now = await mongo.read_clock()
    result = await BatchJob.get_pymongo_collection().update_one(
        {"_id": batch_id, "status": job.status.value, "results": None, "opened": job.opened},
        [
            {
                "$set": {
                    "status": BatchStatus.COMPLETED.value,
                    "finished_at": now,
                    "started_at": job.started_at or now,
                    "results": {"$literal": {"counts": counts, "errors": errors}},
                    **PAUSE_ENDS,
                }
            }
        ],
    )
    return result.modified_count == 1


@mongo.synchronous
async def open_batches() -> list[BatchJob]:
    """Return the recorded batches that have not ended: interactive ones first, those in the background last.

    Batches of one kind are in the order of their last dispatch.
    """
    query = {"status": {"$in": list(UNFINISHED)}, "recorded": True}
    jobs = await BatchJob.find(query).sort("-priority", "+dispatched_at").to_list()
    return sorted(jobs, key=lambda job: (job.background, job.priority != "interactive"))


@mongo.synchronous
async def cancel(batch_id: str) -> int:
    """Cancel the items that have not ended, and return their number; running tasks lose their claims.

    Any number of callers may cancel one batch at once, as a command and the dispatcher do. Each counts the items that
    were cancelled by any of them since it began.
    """
    before = await count_cancelled(batch_id)
    # The status first, so that everything that dispatches or closes batches from here on sees it.
    await BatchJob.get_pymongo_collection().update_one(
        {"_id": batch_id, "status": {"$in": list(UNFINISHED)}},
        {"$set": {"status": BatchStatus.CANCELLED.value}},
    )
    opened = await _cancel_items(batch_id)
    job = await BatchJob.get(batch_id)
    # Not a second time: the items of a thinned batch are no longer complete.
    if job is not None and job.status is BatchStatus.CANCELLED and (opened or job.results is None):
        total = job.total_files if job.recorded else await count_recorded(batch_id)
        await close_early(job, BatchStatus.CANCELLED, total=total)
    return await count_cancelled(batch_id) - before


async def _cancel_items(batch_id: str) -> bool:
    """Cancel the open items, and return whether there were any.

    One command for a million items would exceed its time limit, so each command cancels some thousands. The loop goes
    on until no open item is left, because an item that changes its state may escape one scan of the index.
    """
    items = BatchItem.get_pymongo_collection()
    query = {"batch_id": batch_id, "state": {"$in": _OPEN}}
    found = False
    while rows := await items.find(query, {"_id": 1}).limit(_CHUNK).to_list():
        found = True
        await items.update_many(
            {"_id": {"$in": [row["_id"] for row in rows]}, "state": {"$in": _OPEN}},
            {"$set": {"state": State.CANCELLED.value}, "$unset": _RELEASED},
        )
    return found


@mongo.synchronous
async def is_cancelled(batch_id: str) -> bool:
    """Return whether a batch was cancelled."""
    query = {"_id": batch_id, "status": BatchStatus.CANCELLED.value}
    return await BatchJob.get_pymongo_collection().find_one(query, {"_id": 1}) is not None


@mongo.synchronous
async def retry(batch_id: str, *, code: str | None = None) -> int:
    """Make the failed items, or those that failed with this error code, pending again, and return their number.

    Each command changes some thousands. If this process dies in between, the others stay failed for another retry.
    """
    items = BatchItem.get_pymongo_collection()
    failed = {"batch_id": batch_id, "state": State.FAILED.value} | ({} if code is None else {"error.code": code})
    if not await items.count_documents(failed, limit=1):
        return 0
    completed = await items.count_documents({"batch_id": batch_id, "state": State.COMPLETED.value})
    # The job first: if this process dies in between, the dispatcher closes an open batch without open items.
    await _open(batch_id)
    # No thinning begins once the batch is open. One that has begun is finished, or items would be counted twice.
    thinned = await finish_thinning(batch_id)
    ended_before = completed if thinned is None else thinned["completed"]
    await _set_job(batch_id, {"started_at": None, "paused_seconds": 0.0, "ended_before": ended_before})
    retried = 0
    # In the order of their ids, so that an item that fails again meanwhile is not retried twice.
    page = items.find(failed, {"_id": 1}, hint=BY_STATE).sort("_id", 1).limit(_CHUNK)
    while rows := await page.to_list():
        result = await items.update_many(
            {"_id": {"$in": [row["_id"] for row in rows]}, "state": State.FAILED.value},
            {
                "$set": {**_AS_NEW, "retried": True},
                "$unset": {**_RELEASED, "error": "", "last_chance": ""},
            },
        )
        retried += result.modified_count
        # Again, because another process may have found no open item a moment ago and closed the batch.
        await _open(batch_id)
        page = items.find({**failed, "_id": {"$gt": rows[-1]["_id"]}}, {"_id": 1}, hint=BY_STATE)
        page = page.sort("_id", 1).limit(_CHUNK)
    return retried


async def _open(batch_id: str) -> None:
    await BatchJob.get_pymongo_collection().update_one(
        {"_id": batch_id},
        {
            "$set": {
                "status": BatchStatus.PROCESSING.value,
                "finished_at": None,
                "results": None,
                "hidden_at": None,
            },
            "$inc": {"opened": 1},
        },
    )


def iterate(batch_id: str, *, state: State | None = None) -> Iterator[BatchItem]:
    """Yield the items of a batch, or those in a state, in the order of their paths, page by page.

    They are read by their ids, which do not change. If they were read by their states, an item that changes its state
    meanwhile would be read twice or not at all.
    """
    query: dict[str, Any] = {"batch_id": batch_id}
    if state is not None:
        query["state"] = state.value
    while True:
        page = _page(query)
        yield from page
        if len(page) < _PAGE:
            return
        query["_id"] = {"$gt": page[-1].id}


@mongo.synchronous
async def _page(query: dict[str, Any]) -> list[BatchItem]:
    return await BatchItem.find(query).sort("+_id").limit(_PAGE).to_list()


@mongo.synchronous
async def working_on(batch_id: str, *, limit: int = 3) -> list[str]:
    """Return the paths of some items that are running now."""
    cursor = BatchItem.get_pymongo_collection().find({"batch_id": batch_id, "state": State.RUNNING.value}, {"path": 1})
    return [row["path"] for row in await cursor.limit(limit).to_list()]


async def _set_job(batch_id: str, values: dict[str, Any]) -> None:
    await BatchJob.get_pymongo_collection().update_one({"_id": batch_id}, {"$set": values})


def _iso(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
