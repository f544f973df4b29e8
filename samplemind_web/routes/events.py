"""Streams of server-sent events: what changes, as the JSON that ``GET`` answers."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Response

from samplemind_web.access import Caller, Reader
from samplemind_web.batch_reports import visible
from samplemind_web.context import Context, ContextDep
from samplemind_web.events import EventId, parse_id
from samplemind_web.problems import ProblemError
from samplemind_web.routes.batches import BatchId
from samplemind_web.streams import EventStream
from samplemind_worker.store.unfinished import UNFINISHED

router = APIRouter(tags=["events"])

LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", max_length=100, description="The id of the last event: what changed since is sent."),
]
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "A stream of events."}
}
_ENDED: Final[dict[int | str, dict[str, Any]]] = {204: {"description": "The batch has ended, and that was told."}}


@router.get("/events", status_code=HTTPStatus.OK, responses=_STREAM, response_class=EventStream)
async def stream_events(caller: Reader, context: ContextDep, last_event_id: LastEventId = None) -> Response:
    """Stream what changes: ``batch``, ``library``, ``services`` and ``map``; first what is open, or changed since."""
    return await _stream(caller, context, None, parse_id(last_event_id))


@router.get(
    "/batches/{batch_id}/events", status_code=HTTPStatus.OK, responses=_STREAM | _ENDED, response_class=EventStream
)
async def stream_batch_events(
    batch_id: BatchId, caller: Reader, context: ContextDep, last_event_id: LastEventId = None
) -> Response:
    """Stream the states of one batch. When it has ended, a browser that comes back is told to stay away (204)."""
    job = await visible(batch_id, caller)
    last = parse_id(last_event_id)
    ended = None if job.status.value in UNFINISHED else job.finished_at
    if last is not None and last.ended and ended is not None and ended <= last.time:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    return await _stream(caller, context, batch_id, last)


async def _stream(caller: Caller, context: Context, batch_id: str | None, last: EventId | None) -> Response:
    since = None if last is None else last.at
    subscriber = await context.events.subscribe(caller, batch_id=batch_id, since=since)
    if subscriber is None:
        detail = "as many streams are open as this server keeps"
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "too_many_streams", detail, headers={"Retry-After": "10"})
    return EventStream(context.events, subscriber)
