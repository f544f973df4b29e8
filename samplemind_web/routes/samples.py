"""Samples: search, rows by id, and one sample."""

import math
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from samplemind_web import etags
from samplemind_web.access import Caller, Reader
from samplemind_web.context import Context, ContextDep
from samplemind_web.paging import Cursor, Limit, bad_cursor, decode_cursor, encode_cursor
from samplemind_web.parameters import Body, FileId, FileIdPath
from samplemind_web.problems import not_found
from samplemind_web.sample_facts import Sample, sample_of
from samplemind_web.sample_filters import Filters, FiltersDep, refuse_unknown, refused
from samplemind_web.sample_rows import SamplePage, SampleRow, maker
from samplemind_worker.errors import UsageError
from samplemind_worker.finding import query as queries
from samplemind_worker.finding import search as finding
from samplemind_worker.finding.computing import computed
from samplemind_worker.finding.search import Found, Rank
from samplemind_worker.store import entry_search
from samplemind_worker.store.entry_search import Order, Position

router = APIRouter(tags=["samples"])

Sort = Literal["match", "added", "name", "tempo", "duration", "loudness"]
RANKED: Final = 400
"""How many samples a list by rank has at most."""
_MOST_IDS: Final = 500
_MANY: Final = 200  # rows that are made beside the event loop
_LONGEST: Final = 2000  # characters of a text, which is then refused with a reason


@router.get("/samples", response_model=SamplePage, responses=etags.NOT_MODIFIED)
async def search_samples(
    *,
    request: Request,
    caller: Reader,
    context: ContextDep,
    filters: FiltersDep,
    q: Annotated[str, Query(max_length=_LONGEST, description='Words; `-word` excludes, `"..."` is a phrase.')] = "",
    sort: Annotated[
        Sort | None, Query(description=f"By default `match`, of up to {RANKED:,} samples; `added` without words.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List the samples that have all words and pass all filters, best first."""
    try:
        text = queries.read(q)
    except UsageError as error:
        raise refused(error) from error
    order = _order(sort, has_words=bool(text.words))
    signed = _Cursor.read(cursor, order, _digest(q, filters))

    async def _make() -> bytes:
        chosen = await filters.chosen(caller, context.settings)
        found = await finding.search.aio(
            text,
            chosen,
            order=order,
            limit=limit,
            after=None if signed is None else signed.after,
            ranked=RANKED,
            counted=0,
            kept=await context.answers.keys(),
        )
        return await _page(
            found,
            caller,
            context,
            order=order,
            before=signed,
            digest=_digest(q, filters),
            is_ranked=bool(text.words),
        )

    what = ["search", q, filters.names, order, limit, cursor]
    return etags.respond(request, await context.answers.kept(caller, what, _make))


class SamplePages(BaseModel):
    """Where the pages of a list begin."""

    total: int
    """How many samples the list has."""
    cursors: list[str]
    """The cursors of the second page and of all behind it, each for a page of ``size`` samples."""


@router.get("/samples/pages", response_model=SamplePages, responses=etags.NOT_MODIFIED)
async def sample_pages(
    *,
    request: Request,
    caller: Reader,
    context: ContextDep,
    filters: FiltersDep,
    q: Annotated[str, Query(max_length=_LONGEST, description='Words; `-word` excludes, `"..."` is a phrase.')] = "",
    sort: Annotated[Literal["added", "name", "tempo", "duration", "loudness"], Query()] = "added",
    size: Annotated[int, Query(ge=100, le=1000, description="How many samples a page has.")] = 500,
) -> Response:
    """Return the cursors of all pages of a list of `GET /samples`, so that one can begin anywhere in it."""
    try:
        text = queries.read(q)
    except UsageError as error:
        raise refused(error) from error
    digest = _digest(q, filters)

    async def _make() -> bytes:
        chosen = await filters.chosen(caller, context.settings)
        total, begins = await finding.pages.aio(text, chosen, order=sort, size=size)
        cursors = [_cursor(digest, sort, each, total, is_exact=True) for each in begins]
        return orjson.dumps({"total": total, "cursors": cursors})

    what = ["pages", q, filters.names, sort, size]
    return etags.respond(request, await context.answers.kept(caller, what, _make))


def _cursor(digest: str, order: Order, place: Position, total: int, *, is_exact: bool) -> str:
    value = (0.0, place.value or 0) if order == "added" else (place.value, 0)
    return encode_cursor([digest, order, *value, place.file_id, total, is_exact])


def _order(sort: Sort | None, *, has_words: bool) -> Order | None:
    """Return the order of a list; None for the rank, which only words have."""
    if sort in {None, "match"}:
        return None if has_words else "added"
    return sort  # pyright: ignore[reportReturnType] -- match is dealt with


def _digest(q: str, filters: Filters) -> str:
    """Return what tells apart lists whose cursors must not be mixed."""
    return blake2b(orjson.dumps([q, filters.names]), digest_size=6).hexdigest()


class _Cursor(BaseModel):
    """What a cursor holds: the list, after which entry its next page begins, and how long the list is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    list: str
    order: Order | None
    value: float | str | None
    moment: Annotated[int, Field(ge=0, lt=1 << 63)] = 0
    id: FileId
    total: Annotated[int, Field(ge=0, lt=1 << 53)]
    exact: bool

    @classmethod
    def read(cls, cursor: str | None, order: Order | None, digest: str) -> "_Cursor | None":
        if cursor is None:
            return None
        values = decode_cursor(cursor)
        names = list(cls.model_fields)
        try:
            found = cls.model_validate(dict(zip(names, values, strict=True)))
        except ValueError:
            raise bad_cursor() from None
        if (found.list, found.order) != (digest, order) or not found.fits():
            raise bad_cursor()
        return found

    def fits(self) -> bool:
        """Return whether its value is one that the list is sorted by."""
        if self.value is None:
            return self.order in {"tempo", "loudness"}
        if isinstance(self.value, str):
            return self.order == "name"
        return self.order != "name" and math.isfinite(self.value) and abs(self.value) < 1 << 63

    @property
    def after(self) -> Position | Rank:
        if self.order is None:
            return Rank(float(self.value or 0.0), self.moment, self.id)
        return Position(self.moment if self.order == "added" else self.value, self.id)


async def _page(
    found: Found,
    caller: Caller,
    context: Context,
    *,
    order: Order | None,
    before: _Cursor | None,
    digest: str,
    is_ranked: bool,
) -> bytes:
    total, is_exact = (found.total, found.is_exact) if before is None else (before.total, before.exact)
    following = None
    if isinstance(found.next, Rank):
        place = (found.next.score, found.next.moment, found.next.file_id)
        following = encode_cursor([digest, order, *place, total, is_exact])
    elif found.next is not None and order is not None:
        following = _cursor(digest, order, found.next, total, is_exact=is_exact)
    row = maker(caller, context.settings)
    state = await context.answers.state()

    def _make() -> bytes:
        return orjson.dumps(
            {
                "items": [
                    row(hit.entry, hit.path, score=hit.score if is_ranked else None, why=hit.why) for hit in found.hits
                ],
                "next": following,
                "total": total if is_exact else None,
                "total_at_least": max(total, len(found.hits)),
                "unmet": found.unmet,
                "notes": [state.trouble] if state.trouble else [],
            }
        )

    return await computed(_make) if len(found.hits) > _MANY else _make()


class Ids(Body):
    """The samples that are asked for."""

    ids: Annotated[list[FileId], Field(max_length=_MOST_IDS)]


class SampleRows(BaseModel):
    """The rows of some samples."""

    items: list[SampleRow]
    """In the order of the ids; those that are missing are left out."""
    missing: list[str]
    """Samples that the library does not have, or that the caller may not see."""


@router.post("/samples/rows", response_model=SampleRows)
async def sample_rows(caller: Reader, context: ContextDep, wanted: Ids) -> Response:
    """Return the rows of some samples, in the order of their ids."""
    ids = list(dict.fromkeys(wanted.ids))
    row, entries = maker(caller, context.settings), await entry_search.of.aio(ids)
    rows = {each: row(entries[each]) for each in ids if each in entries}
    items = [each for each in rows.values() if each["places"]]
    seen = {each["file_id"] for each in items}
    body = {"items": items, "missing": [each for each in ids if each not in seen]}
    return Response(orjson.dumps(body), media_type=etags.JSON)


@router.get("/samples/{file_id}", response_model=Sample, responses=etags.NOT_MODIFIED)
async def get_sample(request: Request, caller: Reader, context: ContextDep, file_id: FileIdPath) -> Response:
    """Return what is known of one sample: the facts, where they are from, the summary, and the caller's marks."""
    refuse_unknown(request)

    async def _make() -> bytes:
        found: dict[str, Any] | None = await sample_of(file_id, caller, context.settings)
        return b"" if found is None else orjson.dumps(found)

    body = await context.answers.kept(caller, ["sample", file_id], _make)
    if not body:
        raise not_found("sample")
    return etags.respond(request, body)
