"""Queries that find library entries. Each reads the entries of a few terms, in an order that an index has.

A query has a *driver*: terms of which an entry must have one. The rest of what is asked for is tested on the entries
that the driver leads to, so the rarest condition should drive.
"""

import secrets
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
async def by_terms(terms: Sequence[str], test: Mapping[str, Any], *, limit: int) -> list[Row]:
    """Return entries that have one of some terms and pass a test, newest first."""
    cursor = mongo.collection(_NAME).find({"terms": _one_of(terms), **test}, {"terms": 0})
    return await cursor.sort([_ORDERS["added"]]).hint(BY_TERM).limit(limit).to_list()


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
