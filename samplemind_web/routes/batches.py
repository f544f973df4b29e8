"""Batches: submit folders, follow, pause, cancel, retry, and clear away."""

from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final

from bson import ObjectId
from bson.errors import InvalidId
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from samplemind_web import audit, etags
from samplemind_web.access import Caller, Reader, Submitter
from samplemind_web.batch_reports import Batch, BatchDetail, is_visible, to_batch, to_detail, visible
from samplemind_web.context import Context, ContextDep
from samplemind_web.idempotency import RESPONSES, OnceDep
from samplemind_web.paging import Cursor, Limit, Page, bad_cursor, decode_text, encode_cursor
from samplemind_web.parameters import Body
from samplemind_web.problems import ProblemError, not_found
from samplemind_web.recording import queue
from samplemind_worker.documents.batch import BatchItem, BatchJob, Priority
from samplemind_worker.documents.states import LOCAL, BatchStatus, State, Step
from samplemind_worker.errors import UsageError
from samplemind_worker.store import batch_lists, batches, pausing
from samplemind_worker.submission import folders
from samplemind_worker.submission.files import full_path
from samplemind_worker.submission.options import SubmitOptions

router = APIRouter(tags=["batches"])

_PAGE: Final = 100  # batches that are read at once
_MOST_GROUPS: Final = 200
_EXAMPLES: Final = 5
_QUEUEING_SECONDS: Final = 20.0
_MAY_HAVE_ENDED: Final[dict[int | str, dict[str, Any]]] = {
    409: {"description": "It has ended, or the first request with this Idempotency-Key is still being carried out."}
}

BatchId = Annotated[str, Path(max_length=64, pattern=r"^[0-9A-Za-z-]+$")]
Code = Annotated[str, Field(max_length=40, pattern=r"^[a-z_]+$")]


class Submission(Body):
    """What is to be analysed, and how."""

    root: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The root that the paths lie below (`GET /roots`); null: the paths are absolute."""
    paths: Annotated[list[Annotated[str, Field(max_length=4096)]], Field(min_length=1, max_length=1000)]
    """Files and folders; an empty one is the root itself."""
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    ai: bool = True
    """Whether models may be asked for summaries."""
    priority: Priority = "interactive"
    force: bool = False
    """Whether known files are analysed again."""
    budget_usd: Annotated[float, Field(ge=0, allow_inf_nan=False, le=1_000_000)] | None = None
    """The most that summaries may cost."""


class FileError(BaseModel):
    """Why a file failed."""

    code: str
    message: str


class BatchFile(BaseModel):
    """A file of a batch."""

    path: str
    """Its whole path; below a named root, the root's name and the path in it."""
    root: str
    folder: str
    """Its folder, below the root."""
    name: str
    state: State
    step: Step
    attempts: int
    file_id: str | None
    skip_reason: str | None
    error: FileError | None


class FailureGroup(BaseModel):
    """Files of a batch that failed for the same reason."""

    code: str
    message: str
    count: int
    attempts: int
    """The most that any of them was tried."""
    examples: list[str]
    """The paths of some of them."""


class RetryOptions(Body):
    """Which files are analysed again."""

    code: Code | None = None
    """Those that failed with this error; null: all that failed."""


class Queued(BaseModel):
    """How many files were queued again."""

    queued: int


class Cancelled(BaseModel):
    """How many files were cancelled."""

    cancelled: int


class Paused(BaseModel):
    """Whether a batch is paused."""

    paused_at: datetime | None
    """Since when; null: it goes on."""


@router.get("/batches")
async def list_batches(
    caller: Reader,
    status: Annotated[list[BatchStatus], Query(max_length=5, description="Only batches of these statuses.")] = [],  # noqa: B006 -- FastAPI copies it
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Batch]:
    """List the batches, newest first, without those that were cleared away."""
    before = decode_text(cursor)
    found: list[BatchJob] = []
    more = True
    while more and len(found) <= limit:
        # Whoever sees few of the batches must not have them read one by one.
        page = await batch_lists.page.aio(statuses=status, before=before, limit=max(limit, _PAGE))
        found += [job for job in page if is_visible(caller, job)]
        more = len(page) == max(limit, _PAGE)
        before = page[-1].id if page else before
    shown = found[:limit]
    reports = await batch_lists.reports.aio(shown)
    items = [to_batch(job, report) for job, report in zip(shown, reports, strict=True)]
    return Page(items=items, next=encode_cursor([shown[-1].id]) if len(found) > limit else None)


@router.post("/batches", status_code=HTTPStatus.ACCEPTED, responses=RESPONSES, response_model=Batch)
async def submit_batch(body: Submission, caller: Submitter, context: ContextDep, once: OnceDep) -> Response:
    """Submit files and folders. The answer comes as soon as audio is found; the walk goes on in the background."""
    return await once(caller, partial(_submit, body, caller, context), status=HTTPStatus.ACCEPTED)


async def _submit(body: Submission, caller: Caller, context: Context) -> Batch:
    roots = folders.roots_of(context.settings.roots, any_path=caller.user_id == LOCAL)
    allowed = {name: roots[name] for name in caller.visible(roots)}
    options = SubmitOptions(
        name=body.name,
        priority=body.priority,
        ai=body.ai,
        budget_usd=body.budget_usd,
        force=body.force,
        user_id=caller.user_id,
    )
    batch_id = await context.recorder.submit(
        lambda: [path for _, path in folders.resolve(body.root, body.paths, allowed)],
        options,
        then=context.events.nudge,
    )
    await audit.record(caller, "batch.submit", batch_id, root=body.root or "", paths=len(body.paths))
    context.events.nudge(batch_id)
    job = await batch_lists.get.aio(batch_id)
    if job is None:
        raise not_found("batch")
    return to_batch(job, await batches.report.aio(job))


@router.get("/batches/{batch_id}", response_model=BatchDetail, responses=etags.NOT_MODIFIED)
async def get_batch(batch_id: BatchId, request: Request, caller: Reader, context: ContextDep) -> Response:
    """Return how a batch stands, what it works on, and what keeps it from going on."""
    detail = await to_detail(await visible(batch_id, caller), context.notes)
    return etags.respond(request, detail.model_dump_json().encode())


@router.delete(
    "/batches/{batch_id}", status_code=HTTPStatus.NO_CONTENT, responses={409: {"description": "It is open."}}
)
async def clear_batch(batch_id: BatchId, caller: Submitter, context: ContextDep) -> None:
    """Clear a batch that has ended away from all lists. Nothing that it recorded is deleted."""
    job = await _own(batch_id, caller)
    if not await batch_lists.hide.aio(job.id):
        raise ProblemError(HTTPStatus.CONFLICT, "batch_open", "the batch has not ended; cancel it first")
    await audit.record(caller, "batch.clear", job.id)
    context.events.nudge(job.id)


@router.get("/batches/{batch_id}/files")
async def list_batch_files(
    batch_id: BatchId,
    caller: Reader,
    *,
    state: State | None = None,
    code: Annotated[Code | None, Query(description="Only files that failed with this error.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[BatchFile]:
    """List the files of a batch in the order of their paths."""
    job = await visible(batch_id, caller)
    if code is not None and state not in (None, State.FAILED):
        return Page(items=[])
    try:
        after = None if (text := decode_text(cursor)) is None else ObjectId(text)
    except InvalidId as error:
        raise bad_cursor() from error
    items = await batch_lists.items.aio(job.id, state=state, code=code, after=after, limit=limit)
    more = len(items) == limit
    return Page(items=list(map(_file, items)), next=encode_cursor([str(items[-1].id)]) if more else None)


@router.get("/batches/{batch_id}/failures")
async def list_failures(batch_id: BatchId, caller: Reader) -> Page[FailureGroup]:
    """Group the files that failed by error and message, the most frequent first; ``total`` counts the failed files.

    There are 200 groups at most; `files` lists each file.
    """
    job = await visible(batch_id, caller)
    groups = await batch_lists.failures.aio(job.id, groups=_MOST_GROUPS, examples=_EXAMPLES)
    report = await batches.report.aio(job)
    return Page(items=list(map(_group, groups)), total=report["failed"])


@router.post("/batches/{batch_id}/retry", responses=RESPONSES, response_model=Queued)
async def retry_batch(
    batch_id: BatchId, caller: Submitter, context: ContextDep, once: OnceDep, body: RetryOptions | None = None
) -> Response:
    """Analyse the failed files of a batch again, or those that failed with one error."""
    job = await _own(batch_id, caller)
    return await once(caller, partial(_retry, job, None if body is None else body.code, caller, context))


async def _retry(job: BatchJob, code: str | None, caller: Caller, context: Context) -> Queued:
    queued = await batches.retry.aio(job.id, code=code)
    if queued:
        await context.services.run(partial(queue, context.settings, job.id), seconds=_QUEUEING_SECONDS)
        await audit.record(caller, "batch.retry", job.id, queued=queued, code=code or "")
        context.events.nudge(job.id)
    return Queued(queued=queued)


@router.post("/batches/{batch_id}/cancel", responses=RESPONSES, response_model=Cancelled)
async def cancel_batch(batch_id: BatchId, caller: Submitter, context: ContextDep, once: OnceDep) -> Response:
    """Cancel the files of a batch that have not ended, also while it is being recorded."""
    job = await _own(batch_id, caller)
    return await once(caller, partial(_cancel, job, caller, context))


async def _cancel(job: BatchJob, caller: Caller, context: Context) -> Cancelled:
    cancelled = await batches.cancel.aio(job.id)
    await audit.record(caller, "batch.cancel", job.id, cancelled=cancelled)
    context.events.nudge(job.id)
    return Cancelled(cancelled=cancelled)


@router.post("/batches/{batch_id}/pause", responses=_MAY_HAVE_ENDED, response_model=Paused)
async def pause_batch(batch_id: BatchId, caller: Submitter, context: ContextDep, once: OnceDep) -> Response:
    """Begin no more files of a batch until it is resumed; those in work end. Nothing changes if it is paused."""
    job = await _own(batch_id, caller)
    return await once(caller, partial(_pause, job, caller, context))


async def _pause(job: BatchJob, caller: Caller, context: Context) -> Paused:
    try:
        paused = await pausing.pause.aio(job.id)
    except UsageError as error:
        raise _has_ended() from error
    if paused:
        await audit.record(caller, "batch.pause", job.id)
        context.events.nudge(job.id)
    return await _paused(job)


@router.post("/batches/{batch_id}/resume", responses=_MAY_HAVE_ENDED, response_model=Paused)
async def resume_batch(batch_id: BatchId, caller: Submitter, context: ContextDep, once: OnceDep) -> Response:
    """Let a paused batch go on. Nothing changes if it is not paused."""
    job = await _own(batch_id, caller)
    return await once(caller, partial(_resume, job, caller, context))


async def _resume(job: BatchJob, caller: Caller, context: Context) -> Paused:
    try:
        resumed = await pausing.resume.aio(job.id)
    except UsageError as error:
        raise _has_ended() from error
    if resumed:
        await context.services.run(partial(queue, context.settings, job.id), seconds=_QUEUEING_SECONDS)
        await audit.record(caller, "batch.resume", job.id)
        context.events.nudge(job.id)
    return await _paused(job)


async def _paused(job: BatchJob) -> Paused:
    now = await batch_lists.get.aio(job.id)
    return Paused(paused_at=None if now is None else now.paused_at)


def _has_ended() -> ProblemError:
    return ProblemError(HTTPStatus.CONFLICT, "batch_ended", "the batch has ended")


async def _own(batch_id: str, caller: Caller) -> BatchJob:
    """Return a batch that a caller may change: their own, or any for an administrator; raises ProblemError if not."""
    job = await visible(batch_id, caller)
    if job.user_id != caller.user_id and "admin" not in caller.scopes:
        detail = "somebody else submitted this batch; they or an administrator may change it"
        raise ProblemError(HTTPStatus.FORBIDDEN, "not_yours", detail)
    return job


def _file(item: BatchItem) -> BatchFile:
    folder, _, name = item.path.rpartition("/")
    return BatchFile(
        path=full_path(item.root, item.path),
        root=item.root,
        folder=folder,
        name=name,
        state=item.state,
        step=item.step,
        attempts=item.attempt,
        file_id=item.file_id,
        skip_reason=item.skip_reason,
        error=None if item.error is None else FileError(code=item.error.code, message=item.error.message),
    )


def _group(group: batch_lists.FailureGroup) -> FailureGroup:
    return FailureGroup(
        code=group.code,
        message=group.message,
        count=group.count,
        attempts=group.attempts,
        examples=[full_path(root, path) for root, path in group.examples],
    )
