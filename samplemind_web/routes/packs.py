"""Sample packs: what was taken in, what each night did, and uploads into the inbox."""

from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from samplemind_web import audit, etags
from samplemind_web.access import Caller, Reader, Submitter
from samplemind_web.context import Context, ContextDep
from samplemind_web.idempotency import RESPONSES, OnceDep
from samplemind_web.paging import Cursor, Limit, Page, bad_cursor, decode_cursor, decode_text, encode_cursor
from samplemind_web.problems import ProblemError, not_found
from samplemind_web.uploads import receive
from samplemind_worker.documents.pack import Pack as PackDocument
from samplemind_worker.documents.pack import PackState
from samplemind_worker.errors import UsageError
from samplemind_worker.packs import nights
from samplemind_worker.packs.inbox import Inbox
from samplemind_worker.packs.ingest import require_inbox
from samplemind_worker.store import library, pack_lists, packs, turns

router = APIRouter(tags=["packs"])

_SECONDS: Final = 10.0

PackId = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
Run = Annotated[str, Path(max_length=40, pattern=r"^[0-9a-f-]+$")]


class Pack(BaseModel):
    """A pack that was taken from the inbox, or refused."""

    pack_id: str
    """SHA-256 of its content."""
    source: str
    """Its path in the inbox."""
    kind: str
    state: PackState
    reason: str | None
    """Why it was refused."""
    folder: str | None
    """Its folder in the library."""
    batch_id: str | None
    files: int
    new: int
    known: int
    bytes: int
    left_out: dict[str, int]
    run: str
    started_at: datetime
    finished_at: datetime | None


class Night(BaseModel):
    """What one run of the ingestion did; the counts of analysed, failed and pending files are those of now."""

    run: str
    started_at: datetime
    seconds: float
    packs: dict[str, int]
    """How many were ``taken``, ``known``, ``refused``, ``postponed`` and ``waiting``."""
    files: int
    new: int
    known: int
    analyzed: int
    failed: int
    pending: int
    summary_spend_usd: float
    removed: dict[str, int]


class Outcome(BaseModel):
    """What became of one pack."""

    pack: str
    status: str
    reason: str | None
    sha256: str | None
    folder: str | None
    batch_id: str | None
    files: int
    new: int
    known: int
    bytes: int
    left_out: dict[str, int]


class NightDetail(Night):
    """What one run of the ingestion did with each pack."""

    outcomes: list[Outcome]
    outcomes_left_out: int
    """Packs that are not listed, because the run had so many."""
    left_alone: list[str]
    """What lay in the inbox and is neither an archive, a folder nor audio."""


class Waiting(BaseModel):
    """A pack that lies in the inbox."""

    source: str
    kind: str
    complete: bool
    """Whether the next run takes it; one that has changed a moment ago may still be written."""


class InboxContent(BaseModel):
    """What lies in the inbox."""

    packs: list[Waiting]
    left_alone: list[str]
    nightly: str | None
    """The local time at which it is taken in, as ``HH:MM``; null: on demand alone."""
    ingesting: bool
    """Whether packs are being taken in now."""
    doing: str | None
    """What the run does now, in words, if this server does it."""
    error: str | None
    """Why the last run of this server broke off."""


class IngestionBegun(BaseModel):
    """That the inbox is being taken in."""

    begun: bool
    """False if a run was under way, which looks into the inbox once more."""


class Upload(BaseModel):
    """A file that lies in the inbox now."""

    name: str
    """The name that it has there."""
    bytes: int
    sha256: str
    new: bool
    """False if it was there already."""
    nightly: str | None


@router.get("/packs")
async def list_packs(
    caller: Reader,
    context: ContextDep,
    state: PackState | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Pack]:
    """List the packs that were taken or refused, newest first; none if the caller may not see where they are put."""
    if not _may_see_packs(caller, context):
        return Page(items=[])
    found = await pack_lists.page.aio(state=state, before=_pack_cursor(cursor), limit=limit)
    last = found[-1] if len(found) == limit else None
    after = None if last is None else encode_cursor([last.started_at.isoformat(), last.id])
    return Page(items=list(map(_pack, found)), next=after)


@router.get("/packs/{pack_id}", response_model=Pack, responses=etags.NOT_MODIFIED)
async def get_pack(pack_id: PackId, request: Request, caller: Reader, context: ContextDep) -> Response:
    """Return one pack."""
    found = await packs.find.aio(pack_id) if _may_see_packs(caller, context) else None
    if found is None:
        raise not_found("pack")
    return etags.respond(request, _pack(found).model_dump_json().encode())


@router.get("/nights")
async def list_nights(caller: Reader, context: ContextDep, limit: Limit = 30, cursor: Cursor = None) -> Page[Night]:
    """List the runs of the ingestion, newest first; none if the caller may not see where packs are put."""
    if not _may_see_packs(caller, context):
        return Page(items=[])
    found = await pack_lists.reports.aio(before=decode_text(cursor), limit=limit)
    after = encode_cursor([found[-1]["run"]]) if len(found) == limit else None
    return Page(items=[Night.model_validate(report) for report in found], next=after)


@router.get("/nights/{run}", response_model=NightDetail, responses=etags.NOT_MODIFIED)
async def get_night(run: Run, request: Request, caller: Reader, context: ContextDep) -> Response:
    """Return what one run did with each pack."""
    report = await pack_lists.report_of.aio(run) if _may_see_packs(caller, context) else None
    if report is None:
        raise not_found("run")
    night = NightDetail.model_validate(await nights.current.aio(report))
    return etags.respond(request, night.model_dump_json().encode())


@router.get("/inbox")
async def get_inbox(caller: Reader, context: ContextDep) -> InboxContent:
    """List what lies in the inbox; nothing if the caller may not see where it will be put."""
    settings = context.settings
    if not _may_see_packs(caller, context):
        return InboxContent(packs=[], left_alone=[], nightly=settings.nightly, ingesting=False, doing=None, error=None)
    look = await context.disks.run(lambda: Inbox(require_inbox(settings, None)).look(), seconds=_SECONDS)
    settle = settings.inbox_settle_seconds
    waiting = [
        Waiting(source=_text(pack.path), kind=pack.kind, complete=look.is_complete(pack, settle=settle))
        for pack in look.packs
    ]
    ingestion = context.ingestion
    return InboxContent(
        packs=waiting,
        left_alone=list(map(_text, look.left_alone)),
        nightly=settings.nightly,
        ingesting=ingestion.doing is not None or await turns.is_held.aio(packs.TURN),
        doing=ingestion.doing,
        error=ingestion.error,
    )


@router.post("/ingest", status_code=HTTPStatus.ACCEPTED, responses=RESPONSES, response_model=IngestionBegun)
async def ingest_inbox(caller: Submitter, context: ContextDep, once: OnceDep) -> Response:
    """Take in what lies in the inbox; it goes on in the background, and one run works at a time."""
    return await once(caller, partial(_ingest, caller, context), status=HTTPStatus.ACCEPTED)


async def _ingest(caller: Caller, context: Context) -> IngestionBegun:
    # What is wrong with the inbox is answered now.
    await context.disks.run(lambda: require_inbox(context.settings, None), seconds=_SECONDS)
    begun = context.ingestion.start()
    await audit.record(caller, "inbox.ingest")
    return IngestionBegun(begun=begun)


_UPLOAD: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": Upload, "description": "The inbox had this very file."},
    409: {"description": "The inbox has another file of that name."},
    413: {"description": "It is larger than an upload may be."},
    507: {"description": "The disk of the inbox has too little room."},
}


@router.put(
    "/inbox/{filename}",
    status_code=HTTPStatus.CREATED,
    responses=_UPLOAD,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def upload(
    filename: Annotated[str, Path(min_length=1, max_length=255)],
    request: Request,
    response: Response,
    caller: Submitter,
    context: ContextDep,
) -> Upload:
    """Put an archive or an audio file into the inbox: the body is the file, as it is."""
    try:
        received = await receive(request, filename, context)
    except ClientDisconnect:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "interrupted", "the upload was interrupted") from None
    if not received.new:
        response.status_code = HTTPStatus.OK
    await audit.record(caller, "inbox.upload", received.name, bytes=received.size, sha256=received.content)
    return Upload(
        name=received.name,
        bytes=received.size,
        sha256=received.content,
        new=received.new,
        nightly=context.settings.nightly,
    )


def _may_see_packs(caller: Caller, context: Context) -> bool:
    """Return whether a caller may see the root that packs are put into."""
    if caller.roots is None:
        return True
    settings = context.settings
    try:
        root, _ = library.locate(settings.library_folder, settings.roots)
    except UsageError:  # it lies in none of the named roots
        return False
    return caller.may_see(root)


def _pack(pack: PackDocument) -> Pack:
    return Pack(
        pack_id=pack.id,
        source=pack.source,
        kind=pack.kind,
        state=pack.state,
        reason=pack.reason,
        folder=pack.folder,
        batch_id=pack.batch_id,
        files=pack.files,
        new=pack.new,
        known=pack.files - pack.new,
        bytes=pack.bytes,
        left_out=pack.left_out,
        run=pack.run,
        started_at=pack.started_at,
        finished_at=pack.finished_at,
    )


def _pack_cursor(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    match decode_cursor(cursor):
        case [str(text), str(digest)]:
            try:
                began = datetime.fromisoformat(text)
                # As the record has it; a time at the end of the calendar has no equal in UTC.
                return (began if began.tzinfo is not None else began.replace(tzinfo=UTC)).astimezone(UTC), digest
            except (ValueError, OverflowError) as error:
                raise bad_cursor() from error
        case _:
            raise bad_cursor()


def _text(name: str) -> str:
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")
