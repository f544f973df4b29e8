"""Queries that find library entries. Each reads the entries of a few terms, in an order that an index has.

A query has a *driver*: terms of which an entry must have one. The rest of what is asked for is tested on the entries
that the driver leads to, so the rarest condition should drive.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from pymongo import ASCENDING, DESCENDING

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
_NAME: Final = "library_entries"

Row = dict[str, Any]


def passing(
    all_of: Sequence[Sequence[str]], none_of: Sequence[str], more: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return a query that tests entries: one of each group of terms, none of some terms, and other queries.

    A term is tested within two negations, for which MongoDB uses no index: only the driver does.
    """
    parts: list[Mapping[str, Any]] = [{"$nor": [{"$nor": [{"terms": _one_of(each)}]}]} for each in all_of]
    if none_of:
        parts.append({"$nor": [{"$nor": [{"$nor": [{"terms": _one_of(none_of)}]}]}]})
    parts += more
    return {"$and": parts} if parts else {}


@mongo.synchronous
async def count(groups: Sequence[Sequence[str]], *, most: int) -> list[int]:
    """Return how many entries have one term of each group, counted up to ``most``."""
    entries = mongo.database()[_NAME]
    return [
        await entries.count_documents({"terms": _one_of(terms)}, limit=most, hint=BY_TERM) if terms else 0
        for terms in groups
    ]


def _one_of(terms: Sequence[str]) -> Any:
    return terms[0] if len(terms) == 1 else {"$in": list(terms)}


@mongo.synchronous
async def by_terms(terms: Sequence[str], test: Mapping[str, Any], *, limit: int) -> list[Row]:
    """Return entries that have one of some terms and pass a test, newest first."""
    cursor = mongo.database()[_NAME].find({"terms": _one_of(terms), **test}, {"terms": 0})
    return await cursor.sort([_ORDERS["added"]]).hint(BY_TERM).limit(limit).to_list()


@mongo.synchronous
async def sorted_among(terms: Sequence[str], test: Mapping[str, Any], *, order: Order, limit: int) -> list[Row]:
    """Return entries that have one of some terms and pass a test, by the values of a field. All of them are read."""
    field, _ = _ORDERS[order]
    query = {"$and": [{field: {"$ne": None}}, {"terms": _one_of(terms)}, dict(test)]}
    cursor = mongo.database()[_NAME].find(query, {"terms": 0})
    return await cursor.sort([_ORDERS[order]]).hint(BY_TERM).limit(limit).to_list()


@mongo.synchronous
async def in_order(test: Mapping[str, Any], *, order: Order, limit: int) -> list[Row]:
    """Return entries that pass a test, by the values of a field; ends as soon as there are enough."""
    field, direction = _ORDERS[order]
    query = {"$and": [{field: {"$gt": 0}}, dict(test)]} if order == "tempo" else dict(test)
    cursor = mongo.database()[_NAME].find(query, {"terms": 0})
    return await cursor.sort([(field, direction)]).hint([(field, direction)]).limit(limit).to_list()


@mongo.synchronous
async def sample_of_terms() -> set[str]:
    """Return the terms of a random sample of the entries."""
    cursor = await mongo.database()[_NAME].aggregate([{"$sample": {"size": _SAMPLE}}, {"$project": {"terms": 1}}])
    return {term for row in await cursor.to_list() for term in row.get("terms", ())}
