"""Queries of the waveforms, from which the page draws contents.

`decode` saves a waveform before anything else is recorded of its content. Whether a content has one is asked here and
nowhere noted, so a waveform that is lost is made by the next submission.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pymongo import ASCENDING

from samplemind_worker.documents.versions import WAVEFORM_VERSION
from samplemind_worker.store import mongo
from samplemind_worker.store._upsert import upsert

_INDEX: Final = [("_id", ASCENDING), ("version", ASCENDING)]


@mongo.synchronous
async def save(waveforms: Mapping[str, bytes]) -> None:
    """Record the waveforms of contents; a waveform that is there already is replaced."""
    if waveforms:
        values = {content: {"version": WAVEFORM_VERSION, "data": data} for content, data in waveforms.items()}
        await upsert(mongo.collection("waveforms"), values)


@mongo.synchronous
async def lacking(file_ids: Iterable[str]) -> set[str]:
    """Return which of these contents have no waveform of the current version, by index keys alone."""
    wanted = set(file_ids)
    return wanted - await present(wanted)


async def present(file_ids: set[str]) -> set[str]:
    """Return which of these contents have a waveform of the current version, for use within a query."""
    if not file_ids:
        return set()
    query = {"_id": {"$in": sorted(file_ids)}, "version": WAVEFORM_VERSION}
    return {row["_id"] async for row in mongo.collection("waveforms").find(query, {"_id": 1}).hint(_INDEX)}


@mongo.synchronous
async def of(file_ids: Sequence[str]) -> dict[str, bytes]:
    """Return the waveforms of those of these contents that have one, of whatever version."""
    query = {"_id": {"$in": list(file_ids)}}
    return {row["_id"]: row["data"] async for row in mongo.collection("waveforms").find(query, {"data": 1})}
