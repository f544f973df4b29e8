"""Queries that find library entries. Each reads the entries of a few terms, in an order that an index has.

A query has a *driver*: terms of which an entry must have one. The rest of what is asked for is tested on the entries
that the driver leads to, so the rarest condition should drive.

A list goes on after a `Position`, so that a page costs the same wherever it begins. Entries without a value come last.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from struct import iter_unpack
from typing import Any, Final, Literal, Self, cast, get_args

from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.cursor import AsyncCursor
from pymongo.errors import ExecutionTimeout

from samplemind_worker.store import mongo

Order = Literal["added", "name", "tempo", "duration", "loudness"]
ORDERS: Final[tuple[Order, ...]] = get_args(Order)

_NEWEST: Final = [("moment", DESCENDING)]
BY_TERM: Final = [("terms", ASCENDING), *_NEWEST]
_FIELDS: Final[dict[Order, str]] = {
    "added": "moment",
    "name": "name",
    "tempo": "tempo",
    "duration": "duration",
    "loudness": "loudness",
}
"""The field by whose value each order lists."""
_LOUDEST: Final = 1e9
_ALIKE: Final = 8  # entries of one moment that are told apart
_SAMPLE: Final = 2000
_KEYS: Final = 200_000  # index keys per message: 4.6 MB
_MOMENT: Final = "<12xqx"
"""A BSON document that holds ``moment`` alone: 12 bytes of header and name, the number, an end."""
_FIRST: Final = itemgetter(0)
_NAME: Final = "library_entries"
_SHOWN: Final = dict.fromkeys(
    (
        "name", "kind", "instrument", "sure", "tempo", "tempo_runner_up", "key", "mode", "camelot", "key_runner_up",
        "chord", "duration", "loudness", "brightness", "pitch", "descriptors", "tags", "user_tags", "collections",
        "paths", "roots", "added_at", "moment",
    ),
    1,
)  # fmt: skip
"""What lists show and rank by; an entry has its terms and its vector besides."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Position:
    """After which entry a page of a list begins."""

    value: float | str | None
    """The value that the list is sorted by; None if the entry has none."""
    file_id: str

    @classmethod
    def of(cls, row: Row, order: Order) -> Self:
        """Return the position of an entry in a list."""
        return cls(row.get(_FIELDS[order]), row["_id"])


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
async def total() -> int:
    """Return how many entries there are, by what MongoDB knows without counting."""
    return await mongo.about_how_many(_NAME)


@mongo.synchronous
async def of(file_ids: Sequence[str]) -> dict[str, Row]:
    """Return the entries of those of these contents that have one."""
    cursor = mongo.collection(_NAME).find({"_id": {"$in": list(file_ids)}}, _SHOWN)
    return {row["_id"]: row for row in await cursor.to_list()}


@mongo.synchronous
async def ids_of(terms: Sequence[str]) -> set[str]:
    """Return the contents of all entries that have one of some terms."""
    rows = mongo.collection(_NAME).find({"terms": _one_of(terms)}, {"_id": 1}).hint(BY_TERM)
    return {row["_id"] async for row in rows}


@mongo.synchronous
async def tag_counts(terms: Sequence[str]) -> dict[str, int]:
    """Count the tags that people have set on entries that have one of some terms."""
    match = {"terms": _one_of(terms), "user_tags.0": {"$exists": True}}
    count = {"$group": {"_id": "$user_tags", "contents": {"$sum": 1}}}
    stages = [{"$match": match}, {"$project": {"user_tags": 1}}, {"$unwind": "$user_tags"}, count]
    rows = await mongo.collection(_NAME).aggregate(stages, hint=dict(BY_TERM))
    return {row["_id"]: row["contents"] async for row in rows}


@mongo.synchronous
async def shares(groups: Sequence[Sequence[str]], *, counted: int) -> list[float]:
    """Estimate which share of all entries has one term of each group, of groups that ``counted`` entries have at least.

    The estimate takes them for spread evenly over the time in which entries were added.
    """
    entries = mongo.collection(_NAME)
    ends = [
        row["moment"]
        for order in (DESCENDING, ASCENDING)
        for row in await entries.find({}, {"_id": 0, "moment": 1}, sort=[("moment", order)]).limit(1).to_list()
    ]
    least = counted / max(await mongo.about_how_many(_NAME), counted)
    found: list[float] = []
    for terms in groups:
        cursor = entries.find({"terms": _one_of(terms)}, {"_id": 0, "moment": 1}).sort(_NEWEST)
        rows = await cursor.hint(BY_TERM).skip(counted - 1).limit(1).to_list()
        span = ends[0] - rows[0]["moment"] if rows else 0
        found.append(min(1.0, least * max(1.0, (ends[0] - ends[1]) / span)) if span > 0 else least)
    return found


@mongo.synchronous
async def by_terms(
    terms: Sequence[str],
    test: Mapping[str, Any],
    *,
    limit: int,
    after: Position | None = None,
    patience: int | None = None,
) -> list[Row] | None:
    """Return entries that have one of some terms and pass a test, newest first.

    None if MongoDB needs longer than ``patience``, in milliseconds.
    """
    query = {"terms": _one_of(terms), **_until(after), **test}
    cursor = mongo.collection(_NAME).find(query, _SHOWN).hint(BY_TERM)
    if patience is not None:
        cursor = cursor.max_time_ms(patience)
    try:
        return await _newest_first(cursor, limit, after)
    except ExecutionTimeout:
        if patience is None:
            raise
        return None


def _until(after: Position | None) -> dict[str, Any]:
    """Return the condition of entries that are not newer than a position."""
    return {} if after is None else {"moment": {"$lte": after.value}}


async def _newest_first(cursor: AsyncCursor[Row], limit: int, after: Position | None) -> list[Row]:
    """Return the newest entries behind a position; those of one moment are sorted here, as no index does it."""
    # In one message: by default, the first one holds 101 entries.
    rows = await cursor.sort(_NEWEST).limit(limit + _ALIKE).batch_size(limit + _ALIKE + 1).to_list()
    rows.sort(key=lambda row: (-row.get("moment", 0), row["_id"]))
    if after is not None:
        rows = [row for row in rows if row.get("moment") != after.value or row["_id"] > after.file_id]
    return rows[:limit]


@mongo.synchronous
async def shared_moments(
    first: Sequence[str], second: Sequence[str], *, before: int | None, keys: int
) -> tuple[list[int], int | None]:
    """Return the moments of entries that have a term of both groups, the newest first.

    It goes back from ``before``, over ``keys`` entries of the first group, and also returns where to go on; None if
    these were all. Only index keys are read, a microsecond for each: of two terms that many entries have, but few have
    both, this finds those few sooner than a test of all entries with one of them.
    """
    bounds = {} if before is None else {"$lt": before}
    mine = await _moments(first, bounds, limit=keys)
    if not mine:
        return [], None
    oldest = None
    if len(mine) == keys:
        # All entries of the last moment: the next call begins before it.
        oldest = min(mine)
        mine += await _moments(first, {"$gte": oldest, "$lte": oldest}, limit=0)
        bounds = {**bounds, "$gte": oldest}
    others = await _moments(second, bounds, limit=0)
    return sorted({*mine} & {*others}, reverse=True), oldest


async def _moments(terms: Sequence[str], bounds: Mapping[str, Any], *, limit: int) -> list[int]:
    """Return the moments of the entries of a group, the newest first, from index keys alone."""
    query = {"terms": _one_of(terms), **({"moment": dict(bounds)} if bounds else {})}
    cursor = mongo.collection(_NAME).find_raw_batches(query, {"_id": 0, "moment": 1}, batch_size=_KEYS)
    found: list[int] = []
    async for batch in cursor.sort(_NEWEST).hint(BY_TERM).limit(limit):
        found.extend(map(_FIRST, iter_unpack(_MOMENT, cast("bytes", batch))))
    return found


@mongo.synchronous
async def keys_of(term: str, *, most: int) -> list[int]:
    """Return the moments of up to ``most`` entries with a term, the newest first, from index keys alone."""
    # As one array: documents of one number each would take ten times as long to be decoded.
    pipeline: list[dict[str, Any]] = [
        {"$match": {"terms": term}},
        {"$sort": dict(_NEWEST)},
        {"$limit": most},
        {"$group": {"_id": None, "moments": {"$push": "$moment"}}},
    ]
    cursor = await mongo.collection(_NAME).aggregate(pipeline, hint=dict(BY_TERM))
    rows = await cursor.to_list()
    return rows[0]["moments"] if rows else []


@mongo.synchronous
async def of_moments(
    moments: Sequence[int], test: Mapping[str, Any], *, limit: int, after: Position | None = None
) -> list[Row]:
    """Return entries of some moments that pass a test, newest first."""
    query = {"moment": {"$in": list(moments)}, **test}
    return await _newest_first(mongo.collection(_NAME).find(query, _SHOWN).hint(_NEWEST), limit, after)


@mongo.synchronous
async def at_moments(terms: Sequence[str], moments: Sequence[int], test: Mapping[str, Any], *, limit: int) -> list[Row]:
    """Return entries that have one of some terms and of some moments, and pass a test, newest first."""
    query = {"terms": _one_of(terms), "moment": {"$in": list(moments)}, **test}
    return await _newest_first(mongo.collection(_NAME).find(query, _SHOWN).hint(BY_TERM), limit, None)


@mongo.synchronous
async def sorted_among(
    terms: Sequence[str], test: Mapping[str, Any], *, order: Order, limit: int, after: Position | None = None
) -> list[Row]:
    """Return entries that have one of some terms and pass a test, by the values of a field. All of them are read."""
    rows: list[Row] = []
    for part in _parts(order, after):
        query = {"$and": [part, {"terms": _one_of(terms)}, dict(test)]}
        cursor = mongo.collection(_NAME).find(query, _SHOWN).sort(_sorting(order)).hint(BY_TERM)
        rows += await cursor.limit(limit - len(rows)).batch_size(limit + 1).to_list()
        if len(rows) >= limit:
            break
    return rows


@mongo.synchronous
async def in_order(test: Mapping[str, Any], *, order: Order, limit: int, after: Position | None = None) -> list[Row]:
    """Return entries that pass a test, by the values of a field; ends as soon as there are enough."""
    entries = mongo.collection(_NAME)
    if order == "added":
        return await _newest_first(entries.find({**_until(after), **test}, _SHOWN).hint(_NEWEST), limit, after)
    rows: list[Row] = []
    for part in _parts(order, after):
        cursor = entries.find({"$and": [part, dict(test)]}, _SHOWN).sort(_sorting(order)).hint(_sorting(order))
        rows += await cursor.limit(limit - len(rows)).batch_size(limit + 1).to_list()
        if len(rows) >= limit:
            break
    return rows


@mongo.synchronous
async def place_behind(
    terms: Sequence[str], test: Mapping[str, Any], *, order: Order, skip: int, after: Position | None = None
) -> tuple[Position | None, int]:
    """Return the position ``skip`` entries behind another one, and how many entries it went over to get there.

    These are fewer, and there is no position, where the list ends before. Entries have one of some terms, or any if
    none are named, and pass a test.
    """
    hint = _NEWEST if order == "added" else _sorting(order)
    sorting, chosen = hint, dict(test)
    if terms:
        chosen, hint = {"terms": _one_of(terms), **test}, BY_TERM
    entries, passed = mongo.collection(_NAME), 0
    if order == "added":
        parts = iter([{} if after is None else {"moment": {"$lt": after.value}}])
    else:
        parts = _parts(order, after)
    for part in parts:
        query = {"$and": [part, chosen]}
        cursor = entries.find(query, {_FIELDS[order]: 1}).sort(sorting).hint(hint).skip(skip - passed - 1).limit(1)
        if found := await cursor.to_list():
            return Position.of(found[0], order), skip
        passed += await entries.count_documents(query, hint=hint)
    return None, passed


def _sorting(order: Order) -> list[tuple[str, int]]:
    return [(_FIELDS[order], DESCENDING if order == "loudness" else ASCENDING), ("_id", ASCENDING)]


def _parts(order: Order, after: Position | None) -> Iterator[dict[str, Any]]:
    """Yield the parts of a list behind a position, one after the other: each is a range of one index."""
    field = _FIELDS[order]
    value = None if after is None else after.value
    if after is not None:
        yield {field: value, "_id": {"$gt": after.file_id}}
    if after is None or value is not None:
        if order == "loudness":
            yield {field: {"$lt": _LOUDEST if value is None else value}}
        elif value is not None:
            yield {field: {"$gt": value}}
        else:
            yield {field: {"$gte": "" if order == "name" else -_LOUDEST}}
        yield {field: None}


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


@mongo.synchronous
async def next_terms(beginning: str, *, limit: int) -> list[str]:
    """Return terms that begin like this, in their order, by leaping from one to the next in the index."""
    found: list[str] = []
    bounds: dict[str, str] = {"$gte": beginning, "$lt": beginning + "\U0010ffff"}
    while len(found) < limit:
        entries = mongo.collection(_NAME)
        # In the order of the index; to ask for that order would have all of its keys sorted once more.
        cursor = entries.find({"terms": {"$elemMatch": bounds}}, return_key=True, hint=BY_TERM, limit=1)
        rows = await cursor.to_list()
        if not rows:
            break
        found.append(rows[0]["terms"])
        bounds = {"$gt": found[-1], "$lt": bounds["$lt"]}
    return found
