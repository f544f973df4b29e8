"""The map of all sounds: what it is made of, and its bytes, which lie in several documents."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from samplemind_worker.store import mongo, turns

JOB: Final = "map"
"""The turn of whoever makes the map."""
_ONLY: Final = "map"
_STATE: Final = "sound_maps"
_PARTS: Final = "sound_map_parts"
_PAGE: Final = 5000
PART: Final = 4 * 2**20
"""Bytes of a part."""

_FIELDS: Final = dict.fromkeys(("vector", "recipe", "instrument", "key", "mode", "tempo", "kind"), 1)

Row = dict[str, Any]
Kind = Literal["points", "ids"]
"""The bytes that the API answers, or the whole ids of the contents, 32 bytes each, in the order of the points."""


def sources() -> Iterator[list[Row]]:
    """Yield what the map is made of, of all library entries in the order of their ids; reads one page at a time."""
    after = ""
    while page := _page(after):
        yield page
        after = page[-1]["_id"]


@mongo.synchronous
async def _page(after: str) -> list[Row]:
    cursor = mongo.collection("library_entries").find({"_id": {"$gt": after}}, _FIELDS, sort=[("_id", 1)])
    return await cursor.limit(_PAGE).to_list()


@mongo.synchronous
async def state() -> Row:
    """Return the fields of `SoundMap` that are recorded."""
    return await mongo.collection(_STATE).find_one({"_id": _ONLY}) or {}


@mongo.synchronous
async def entries() -> tuple[int, int]:
    """Return the number of the last refresh of library entries, and about how many entries there are."""
    row = await mongo.collection("entry_indexes").find_one({"_id": "entries"}, {"ticket": 1}) or {}
    return row.get("ticket", 0), await mongo.about_how_many("library_entries")


@mongo.synchronous
async def note(**values: Any) -> None:
    """Set fields of the state."""
    await mongo.collection(_STATE).update_one({"_id": _ONLY}, {"$set": values}, upsert=True)


@mongo.synchronous
async def save(version: str, kind: Kind, data: bytes) -> None:
    """Record bytes of a map that nobody is told of yet."""
    parts = mongo.collection(_PARTS)
    for number, begin in enumerate(range(0, len(data), PART)):
        row = {"_id": f"{version}/{kind}/{number:06}", "version": version, "data": data[begin : begin + PART]}
        await parts.insert_one(row)


@mongo.synchronous
async def publish(version: str, *, instead_of: str | None, values: Mapping[str, Any]) -> bool:
    """Put a map whose parts are recorded into use; return False if another one has come into use meanwhile."""
    await mongo.collection(_STATE).update_one({"_id": _ONLY}, {"$setOnInsert": {"version": None}}, upsert=True)
    done = await mongo.collection(_STATE).update_one(
        {"_id": _ONLY, "version": instead_of},
        {"$set": {**values, "version": version, "previous": instead_of, "progress": None}},
    )
    return done.modified_count == 1


@mongo.synchronous
async def drop_others(keep: Sequence[str | None]) -> None:
    """Delete the parts of all other maps: older ones, and those that were never put into use."""
    await mongo.collection(_PARTS).delete_many({"version": {"$nin": [each for each in keep if each is not None]}})


@mongo.synchronous
async def read(version: str, kind: Kind) -> bytes:
    """Return bytes of a map; none if there is no such map."""
    query = {"_id": {"$gte": f"{version}/{kind}/", "$lt": f"{version}/{kind}0"}}
    rows = mongo.collection(_PARTS).find(query, {"data": 1}).sort("_id", 1)
    return b"".join([row["data"] async for row in rows])


State = Literal["ready", "computing", "empty", "stale"]


@dataclass(frozen=True, slots=True)
class Report:
    """The map as users are told of it."""

    version: str | None
    """None if there is no map yet."""
    count: int
    made_at: datetime | None
    state: State
    """``computing``: the first or the next one is being made; ``empty``: no sound can be on it; ``stale``: the library
    has changed since it was made."""
    progress: float | None
    """The share of the next one that is made, 0 to 1; None if that is not known."""
    instruments: list[str]
    kinds: list[str]


@mongo.synchronous
async def report() -> Report:
    """Return what to tell of the map."""
    row, (ticket, number), is_made = await asyncio.gather(state.aio(), entries.aio(), turns.is_held.aio(JOB))
    version, count = row.get("version"), row.get("points", 0)
    is_current = ticket == row.get("ticket")
    now: State = "ready" if is_current else "stale"
    if not count:
        now = "empty" if number == 0 or is_current else "computing"
    return Report(
        version=version,
        count=count,
        made_at=row.get("made_at"),
        state="computing" if is_made else now,
        progress=row.get("progress") if is_made else None,
        instruments=row.get("instruments", []),
        kinds=row.get("kinds", []),
    )
