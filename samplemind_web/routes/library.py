"""The library as a whole: what it holds, what completes a word, and what lies in it twice."""

from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from samplemind_web import etags
from samplemind_web.access import Reader
from samplemind_web.context import ContextDep
from samplemind_web.duplicates import DuplicatesPage
from samplemind_web.paging import Cursor, bad_cursor, decode_cursor, encode_cursor
from samplemind_web.sample_filters import refuse_unknown
from samplemind_worker.finding import completion, overview
from samplemind_worker.finding.overview import Overview

router = APIRouter(tags=["library"])

_MOST_GROUPS: Final = 200


class Library(Overview):
    """What the library holds; ``packs`` is empty for callers who may not see all roots."""

    notes: list[str]
    """What the counts may lack."""


@router.get("/library", response_model=Library, responses=etags.NOT_MODIFIED)
async def get_library(request: Request, caller: Reader, context: ContextDep) -> Response:
    """Return what the library holds, at a glance."""
    refuse_unknown(request)

    async def _make() -> bytes:
        found = await overview.summary.aio(caller.roots, caller.may_see)
        state = await context.answers.state()
        return orjson.dumps({**found, "notes": [state.trouble] if state.trouble else []})

    return etags.respond(request, await context.answers.kept(caller, ["library"], _make))


class Suggestion(BaseModel):
    """What completes the beginning of a word."""

    kind: Literal["word", "key", "instrument", "tag", "pack"]
    text: str
    """What is shown."""
    value: str
    """What is searched for: a word of ``q``, or the value of the filter of this kind."""
    count: int | None
    """How many samples have it, counted up to 5,000; null where that is not counted."""


class Suggestions(BaseModel):
    """Completions, the most useful first."""

    items: list[Suggestion]


@router.get("/suggest", response_model=Suggestions, responses=etags.NOT_MODIFIED)
async def suggest(
    request: Request,
    caller: Reader,
    context: ContextDep,
    q: Annotated[str, Query(min_length=1, max_length=60, description="The beginning of a word.")],
    limit: Annotated[int, Query(ge=1, le=20, description="The most of each kind.")] = 6,
) -> Response:
    """Complete the beginning of a word: words, keys, instruments, tags and packs of the library."""
    refuse_unknown(request)

    async def _make() -> bytes:
        found = await completion.complete.aio(q, limit=limit, roots=caller.roots)
        items = [{"kind": each.kind, "text": each.text, "value": each.value, "count": each.count} for each in found]
        return orjson.dumps({"items": items})

    return etags.respond(request, await context.answers.kept(caller, ["suggest", q, limit], _make))


@router.get("/duplicates", response_model=DuplicatesPage)
async def list_duplicates(
    caller: Reader,
    context: ContextDep,
    *,
    near: Annotated[bool, Query(description="Find altered copies, too: cut, louder, re-encoded, resampled.")] = False,
    limit: Annotated[int, Query(ge=1, le=_MOST_GROUPS, description="The most groups of a page.")] = 50,
    cursor: Cursor = None,
) -> Response:
    """List files that are the same sound, in groups, those that free most space first.

    The whole library is compared in the background: until that is done, ``state`` is ``computing``. The pages of one
    comparison belong together; a page of one that has been replaced is refused.
    """
    comparison, start = (None, 0) if cursor is None else _place(cursor)
    found = await context.duplicates.page(caller, near=near, comparison=comparison, start=start, limit=limit)
    if found is None:
        raise bad_cursor()
    body: dict[str, Any] = {**found.values, "next": None}
    if found.following is not None:
        body["next"] = encode_cursor([found.comparison, found.following])
    return Response(orjson.dumps(body), media_type=etags.JSON)


def _place(cursor: str) -> tuple[str, int]:
    values = decode_cursor(cursor)
    match values:
        case [str() as comparison, int() as start] if 0 <= start < 1 << 31 and not isinstance(start, bool):
            return comparison, start
        case _:
            raise bad_cursor()
