"""Queries that find library entries. Each reads the entries of a few terms, in an order that an index has.

A query has a *driver*: terms of which an entry must have one. The rest of what is asked for is tested on the entries
that the driver leads to, so the rarest condition should drive.
"""

import secrets
from collections.abc import Mapping, Sequence
from operator import itemgetter
from struct import iter_unpack
from typing import Any, Final, Literal, cast

from bson.datetime_ms import DatetimeMS
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import ExecutionTimeout

from samplemind_worker.store import mongo

Order = Literal["added", "tempo", "duration", "loudness"]

BY_TERM: Final = [("terms", ASCENDING), ("added_at", DESCENDING)]
_ORDERS: Final[dict[Order, tuple[str, int]]] = {
    "added": ("added_at", DESCENDING),
    "tempo": ("tempo", ASCENDING),
    "duration": ("duration", ASCENDING),
    "loudness": ("loudness", DESCENDING),
}
_SAMPLE: Final = 2000
_KEYS: Final = 200_000  # index keys per message: 4.6 MB
_TIME: Final = "<14xqx"
"""A BSON document that holds ``added_at`` alone: 14 bytes of header and name, the milliseconds, an end."""
_FIRST: Final = itemgetter(0)
_NAME: Final = "library_entries"

Row = dict[str, Any]


@mongo.synchronous
async def count(groups: Sequence[Sequence[str]], *, most: int) -> list[int]:
    """Return how many entries have one term of each group, counted up to ``most``."""
    entries = mongo.collection(_NAME)
    return [
        await entries.count_documents({"terms": _one_of(terms)}, limit=most, hint=BY_TERM) if terms else 0
        for terms in groups
    ]


def _one_of(terms: Sequence[str]) -> Any:
    return terms[0] if len(terms) == 1 else {"$in": list(terms)}


@mongo.synchronous
async def shares(groups: Sequence[Sequence[str]], *, counted: int) -> list[float]:
    """Estimate which share of all entries has one term of each group, of groups that ``counted`` entries have at least.

    The estimate takes them for spread evenly over the time in which entries were added.
    """
    entries = mongo.collection(_NAME)
    ends = [
        row["added_at"].timestamp()
        for order in (DESCENDING, ASCENDING)
        for row in await entries.find({}, {"_id": 0, "added_at": 1}, sort=[("added_at", order)]).limit(1).to_list()
    ]
    least = counted / max(await entries.estimated_document_count(), counted)
    found: list[float] = []
    for terms in groups:
        cursor = entries.find({"terms": _one_of(terms)}, {"_id": 0, "added_at": 1}).sort([_ORDERS["added"]])
        rows = await cursor.hint(BY_TERM).skip(counted - 1).limit(1).to_list()
        span = ends[0] - rows[0]["added_at"].timestamp() if rows else 0.0
        found.append(min(1.0, least * max(1.0, (ends[0] - ends[1]) / span)) if span > 0.0 else least)
    return found


@mongo.synchronous
async def by_terms(
    terms: Sequence[str], test: Mapping[str, Any], *, limit: int, patience: int | None = None
) -> list[Row] | None:
    """Return entries that have one of some terms and pass a test, newest first.

    None if MongoDB needs longer than ``patience``, in milliseconds.
    """
    cursor = mongo.collection(_NAME).find({"terms": _one_of(terms), **test}, {"terms": 0})
    cursor = cursor.sort([_ORDERS["added"]]).hint(BY_TERM).limit(limit)
    if patience is None:
        return await cursor.to_list()
    try:
        return await cursor.max_time_ms(patience).to_list()
    except ExecutionTimeout:
        return None


@mongo.synchronous
async def shared_times(
    first: Sequence[str], second: Sequence[str], *, before: int | None, keys: int
) -> tuple[list[int], int | None]:
    """Return times at which entries of both groups of terms were added, in milliseconds, the newest first.

    It goes back from ``before``, over ``keys`` entries of the first group, and also returns where to go on; None if
    these were all. Only index keys are read, a microsecond for each: of two terms that many entries have, but few have
    both, this finds those few sooner than a test of all entries with one of them. Entries that were added in one moment
    share a time.
    """
    bounds = {} if before is None else {"$lt": DatetimeMS(before)}
    mine = await _times(first, bounds, limit=keys)
    if not mine:
        return [], None
    if len(mine) == keys:
        # All of the last moment: the next call begins before it.
        oldest = min(mine)
        mine += await _times(first, {"$gte": DatetimeMS(oldest), "$lte": DatetimeMS(oldest)}, limit=0)
        bounds = {**bounds, "$gte": DatetimeMS(oldest)}
    else:
        oldest = None
    others = await _times(second, bounds, limit=0)
    return sorted({*mine} & {*others}, reverse=True), oldest


async def _times(terms: Sequence[str], bounds: Mapping[str, Any], *, limit: int) -> list[int]:
    """Return when the entries of a group were added, the newest first, from index keys alone."""
    query = {"terms": _one_of(terms), **({"added_at": dict(bounds)} if bounds else {})}
    cursor = mongo.collection(_NAME).find_raw_batches(query, {"_id": 0, "added_at": 1}, batch_size=_KEYS)
    found: list[int] = []
    async for batch in cursor.sort([_ORDERS["added"]]).hint(BY_TERM).limit(limit):
        found.extend(map(_FIRST, iter_unpack(_TIME, cast("bytes", batch))))
    return found


@mongo.synchronous
async def at_times(terms: Sequence[str], times: Sequence[int], test: Mapping[str, Any], *, limit: int) -> list[Row]:
    """Return entries that have one of some terms, were added at one of some times and pass a test."""
    moments = {"$in": [DatetimeMS(each) for each in times]}
    cursor = mongo.collection(_NAME).find({"terms": _one_of(terms), "added_at": moments, **test}, {"terms": 0})
    return await cursor.hint(BY_TERM).limit(limit).to_list()


@mongo.synchronous
async def sorted_among(terms: Sequence[str], test: Mapping[str, Any], *, order: Order, limit: int) -> list[Row]:
    """Return entries that have one of some terms and pass a test, by the values of a field. All of them are read."""
    field, _ = _ORDERS[order]
    query = {"$and": [{field: {"$ne": None}}, {"terms": _one_of(terms)}, dict(test)]}
    cursor = mongo.collection(_NAME).find(query, {"terms": 0})
    return await cursor.sort([_ORDERS[order]]).hint(BY_TERM).limit(limit).to_list()


@mongo.synchronous
async def in_order(test: Mapping[str, Any], *, order: Order, limit: int) -> list[Row]:
    """Return entries that pass a test, by the values of a field; ends as soon as there are enough."""
    field, direction = _ORDERS[order]
    query = {"$and": [{field: {"$gt": 0}}, dict(test)]} if order == "tempo" else dict(test)
    cursor = mongo.collection(_NAME).find(query, {"terms": 0})
    return await cursor.sort([(field, direction)]).hint([(field, direction)]).limit(limit).to_list()


@mongo.synchronous
async def sample_of_terms() -> set[str]:
    """Return the terms of a random sample of the entries: of those whose ids follow a random hash."""
    found: set[str] = set()
    for bound in (secrets.token_hex(32), ""):
        cursor = mongo.collection(_NAME).find({"_id": {"$gte": bound}}, {"terms": 1}).sort("_id", 1)
        rows = await cursor.limit(_SAMPLE).to_list()
        found.update(term for row in rows for term in row["terms"])
        if len(rows) == _SAMPLE:
            break
    return found
