"""A batch as the API shows it, and who may see it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel

from config.settings import Settings
from samplemind_web.access import Caller
from samplemind_web.problems import ProblemError, not_found
from samplemind_web.threads import Threads
from samplemind_worker.documents.batch import BatchJob, Priority
from samplemind_worker.documents.states import BatchStatus
from samplemind_worker.errors import SampleMindError
from samplemind_worker.store import batch_lists, batches
from samplemind_worker.store.unfinished import UNFINISHED
from samplemind_worker.submission import obstacles

_NOTES_SECONDS: Final = 3.0  # s after which notes are looked up anew
_OLD_NOTES_SECONDS: Final = 30.0  # s for which they are shown meanwhile
_PATIENCE: Final = 2.0  # s that an answer waits for the first notes
_MOST_NOTES: Final = 100  # batches
_SHOWN: Final = 3  # files that are being worked on


class Spend(BaseModel):
    """What the summaries of a batch cost."""

    calls: int
    usd: float
    hint: str | None = None
    """Why no model wrote them, where that was not asked for."""


class Batch(BaseModel):
    """A batch; the counts of its files add up to ``total_files``."""

    batch_id: str
    name: str
    status: Literal["pending", "processing", "completed", "failed", "cancelled"]
    total_files: int
    completed: int
    failed: int
    skipped: int
    cancelled: int
    running: int
    pending: int
    recorded: bool
    """False while its folders are walked."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    paused_at: datetime | None
    """Since when none of its files is begun, because a user has paused it."""
    thinned_at: datetime | None
    """Since when only the files that failed, or were retried, are listed."""
    hidden_at: datetime | None
    """Since when lists leave it out."""
    files_per_second: float
    eta_seconds: int | None
    errors: dict[str, int]
    ai: Spend
    user_id: str
    priority: Priority
    paths: list[str]


class BatchDetail(Batch):
    """A batch, and what it does now."""

    notes: list[str] = []
    """What keeps it from going on, in sentences."""
    working_on: list[str] = []
    """The paths of some files, below their roots."""


class Notes:
    """What keeps open batches from going on. It is looked up in a thread, and shown for some seconds."""

    def __init__(self, settings: Settings, threads: Threads) -> None:
        self._settings = settings
        self._threads = threads
        self._known: dict[str, tuple[float, list[str]]] = {}
        self._coming: dict[str, asyncio.Task[list[str]]] = {}

    async def of(self, job: BatchJob) -> list[str]:
        """Return the sentences about a batch; those about one that has ended are none.

        What is some seconds old is returned while it is looked up anew: a store that hangs must not hold up the answer.
        """
        if job.status.value not in UNFINISHED:
            return []
        if (known := self.known(job)) is not None:
            return known
        if (task := self._coming.get(job.id)) is None:
            task = self._coming[job.id] = asyncio.create_task(self._look(job))
            task.add_done_callback(lambda _: self._coming.pop(job.id, None))
        if (old := self.known(job, seconds=_OLD_NOTES_SECONDS)) is not None:
            return old
        try:
            return await asyncio.wait_for(asyncio.shield(task), _PATIENCE)
        except TimeoutError:
            return []

    def known(self, job: BatchJob, *, seconds: float = _NOTES_SECONDS) -> list[str] | None:
        """Return what was looked up in the last seconds."""
        at, notes = self._known.get(job.id, (0.0, None))
        return notes if asyncio.get_running_loop().time() - at < seconds else None

    async def _look(self, job: BatchJob) -> list[str]:
        try:
            notes = await self._threads.run(lambda: obstacles.obstacles(self._settings, job), seconds=10.0)
        except (ProblemError, SampleMindError):
            return self.known(job, seconds=_OLD_NOTES_SECONDS) or []
        self._known.pop(job.id, None)
        self._known[job.id] = asyncio.get_running_loop().time(), notes
        while len(self._known) > _MOST_NOTES:
            del self._known[next(iter(self._known))]
        return notes


def is_visible(caller: Caller, job: BatchJob) -> bool:
    """Return whether a caller may see a batch: their own, or one whose files all lie below roots that they may see."""
    if caller.roots is None or job.user_id == caller.user_id:
        return True
    return bool(job.roots) and all(caller.may_see(one.root) for one in job.roots)


async def visible(batch_id: str, caller: Caller) -> BatchJob:
    """Return the batch of an id.

    Raises
    ------
    ProblemError
        If there is none, or the caller may not see it.
    """
    job = await batch_lists.get.aio(batch_id)
    if job is None or not is_visible(caller, job):
        raise not_found("batch")
    return job


def to_batch(job: BatchJob, report: dict[str, object]) -> Batch:
    """Return a batch from its report (`batches.report`)."""
    return Batch.model_validate(report | _more(job))


async def to_detail(job: BatchJob, notes: Notes) -> BatchDetail:
    """Return a batch with what it does now."""
    report, working_on, said = await asyncio.gather(batches.report.aio(job), _working_on(job), notes.of(job))
    return BatchDetail.model_validate(report | _more(job) | {"notes": said, "working_on": working_on})


async def details(jobs: Sequence[BatchJob], notes: Notes) -> list[BatchDetail]:
    """Return batches with what they do now; what keeps them from going on is looked up for two of them each time."""
    reports = await batch_lists.reports.aio(jobs)
    working = await asyncio.gather(*map(_working_on, jobs))
    stale = [job for job in jobs if job.status.value in UNFINISHED and notes.known(job) is None]
    await asyncio.gather(*(notes.of(job) for job in stale[:2]))
    return [
        BatchDetail.model_validate(report | _more(job) | {"notes": _last(notes, job), "working_on": working_on})
        for job, report, working_on in zip(jobs, reports, working, strict=True)
    ]


def _last(notes: Notes, job: BatchJob) -> list[str]:
    return (notes.known(job, seconds=_OLD_NOTES_SECONDS) or []) if job.status.value in UNFINISHED else []


async def _working_on(job: BatchJob) -> list[str]:
    return await batches.working_on.aio(job.id, limit=_SHOWN) if job.status is BatchStatus.PROCESSING else []


def _more(job: BatchJob) -> dict[str, object]:
    return {
        "user_id": job.user_id,
        "priority": job.priority,
        "paths": job.paths,
        "hidden_at": job.hidden_at,
    }
