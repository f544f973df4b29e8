"""Files and their analyses: bulk upserts keyed by content hash, and queries."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import UpdateOne

from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.documents.states import LOCAL
from samplemind_worker.errors import UsageError
from samplemind_worker.store import mongo, stale
from samplemind_worker.store._upsert import upsert

_PAGE = 500
_SHORTEST_PREFIX = 6  # of a file id, on the command line


@mongo.synchronous
async def progress_of(file_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the step versions and the time of analysis of those of these contents that are analysed."""
    if not file_ids:
        return {}
    cursor = mongo.collection("analyses").find({"_id": {"$in": list(file_ids)}}, {"versions": 1, "analyzed_at": 1})
    return {row["_id"]: row async for row in cursor}


@dataclass(frozen=True, slots=True)
class RecordedVector:
    """The vector of an analysis, the version of its recipe, and the version of the recipe that was last stored."""

    vector: Sequence[float] | None
    version: int | None
    stored: int | None


@mongo.synchronous
async def vectors_of(file_ids: Sequence[str]) -> dict[str, RecordedVector]:
    """Return the vectors of those of these contents that are analysed, whether or not they have one."""
    cursor = mongo.collection("analyses").find(
        {"_id": {"$in": list(file_ids)}}, {"vector": 1, "vector_version": 1, "versions.store": 1}
    )
    return {
        row["_id"]: RecordedVector(row.get("vector"), row.get("vector_version"), row["versions"].get("store"))
        async for row in cursor
    }


@mongo.synchronous
async def save_analyses(
    pairs: Sequence[tuple[AudioFacts, AnalysisFacts]], *, since: datetime | None = None, user_id: str = LOCAL
) -> None:
    """Record contents and their analyses; a new analysis replaces the old one and its summary.

    A content belongs to the user who submitted it first, an analysis to the one who submitted it last.

    An analysis that the same steps have recorded after ``since`` stays: a worker that has lost its claim must not
    overwrite it. The files are written first, so that a crash leaves no analysis without a file.
    """
    if not pairs:
        return
    await stale.note(audio.file_id for audio, _ in pairs)
    now = await mongo.read_clock()
    await upsert(
        mongo.collection("audio_files"),
        {audio.file_id: audio.model_dump() for audio, _ in pairs},
        at_first={"uploaded_at": now, "user_id": user_id},
    )
    await upsert(
        mongo.collection("analyses"),
        {analysis.file_id: {**analysis.model_dump(), "analyzed_at": now, "user_id": user_id} for _, analysis in pairs},
        conditions={analysis.file_id: _unless_analyzed(analysis, since) for _, analysis in pairs},
    )


def _unless_analyzed(analysis: AnalysisFacts, since: datetime | None) -> dict[str, Any]:
    if since is None:
        return {}
    same = {f"versions.{step}": version for step, version in analysis.versions.items()}
    return {"$nor": [{**same, "analyzed_at": {"$gte": since}}]}


@mongo.synchronous
async def mark_stored(file_ids: Sequence[str], *, version: int) -> None:
    """Record that the vectors of these contents are stored, made by this version of the recipe."""
    if file_ids:
        change = {"$set": {"versions.store": version}}
        await mongo.collection("analyses").update_many({"_id": {"$in": list(file_ids)}}, change)


@mongo.synchronous
async def update_analyses(changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Set fields of analyses, by file id, in one bulk write."""
    if not changes:
        return
    updates = [UpdateOne({"_id": key}, {"$set": dict(values)}) for key, values in changes.items()]
    await mongo.collection("analyses").bulk_write(updates, ordered=False)


_UNWRITTEN: dict[str, Any] = {"$or": [{"ai_state": "deferred"}, {"ai_wanted": True}]}
"""Matches analyses whose summary a model should write, but the model failed or none was set up."""


@mongo.synchronous
async def unwritten(*, after: str = "", limit: int = _PAGE) -> list[str]:
    """Return the next contents, in the order of their ids, whose summary a model has yet to write."""
    cursor = mongo.collection("analyses").find(
        {"$or": [{**each, "_id": {"$gt": after}} for each in _UNWRITTEN["$or"]]},
        {"_id": 1},
        sort=[("_id", 1)],
        limit=limit,
    )
    return [row["_id"] async for row in cursor]


@mongo.synchronous
async def added_between(file_ids: Sequence[str], since: datetime | None, until: datetime | None) -> set[str]:
    """Return which of these contents were analysed for the first time since then, and before ``until``."""
    if since is None and until is None:
        return set(file_ids)
    limits = {"$gte": since, "$lt": until}
    query = {
        "_id": {"$in": list(file_ids)},
        "uploaded_at": {name: moment for name, moment in limits.items() if moment is not None},
    }
    return {row["_id"] async for row in mongo.collection("audio_files").find(query, {"_id": 1})}


@mongo.synchronous
async def unwritten_of(file_ids: Sequence[str]) -> set[str]:
    """Return which of these contents have a summary that a model has yet to write."""
    if not file_ids:
        return set()
    query = {"_id": {"$in": list(file_ids)}, **_UNWRITTEN}
    return {row["_id"] async for row in mongo.collection("analyses").find(query, {"_id": 1})}


@mongo.synchronous
async def unwritten_among(file_ids: Sequence[str], batch_id: str) -> list[tuple[str, str]]:
    """Return the state and the reason of each content for which a batch got no new summary.

    ``deferred``, ``kept`` where an earlier one stays, or ``local`` where it is private or no provider was set up.
    """
    if not file_ids:
        return []
    tried = {"ai_state": {"$in": ["written", "local"]}, "ai_batch": batch_id, "ai_reason": {"$ne": None}}
    query = {"_id": {"$in": list(file_ids)}, "$or": [{"ai_state": "deferred"}, tried]}
    rows = mongo.collection("analyses").find(query, {"ai_state": 1, "ai_reason": 1})
    return [
        ("kept" if row["ai_state"] == "written" else row["ai_state"], row.get("ai_reason") or "") async for row in rows
    ]


@mongo.synchronous
async def load(file_ids: Sequence[str]) -> dict[str, tuple[AudioFacts, AnalysisFacts]]:
    """Return the recorded facts of those of these contents that are analysed."""
    if not file_ids:
        return {}
    query = {"_id": {"$in": list(file_ids)}}
    files, analyses = await asyncio.gather(
        *(mongo.collection(name).find(query).to_list() for name in ("audio_files", "analyses"))
    )
    audio = {row["_id"]: row for row in files}
    return {
        row["_id"]: (AudioFacts.model_validate(audio[row["_id"]]), AnalysisFacts.model_validate(row))
        for row in analyses
        if row["_id"] in audio
    }


@mongo.synchronous
async def form_of(file_id: str) -> dict[str, Any] | None:
    """Return format, length and warnings of a content as decoding found them; None if it is not in the library."""
    fields = ("format", "subtype", "sample_rate", "channels", "duration", "warnings")
    return await mongo.collection("audio_files").find_one({"_id": file_id}, dict.fromkeys(fields, 1))


@mongo.synchronous
async def resolve(file_id: str) -> str:
    """Return the full file id for a unique beginning of one.

    Raises
    ------
    UsageError
        If there is none, or more than one.
    """
    if len(file_id) < _SHORTEST_PREFIX or any(letter not in "0123456789abcdef" for letter in file_id):
        raise UsageError(f"{file_id!r} is neither a file nor the id of one (at least {_SHORTEST_PREFIX} hex digits)")
    query = {"_id": {"$gte": file_id, "$lte": file_id + "f" * (64 - len(file_id))}}
    found = [row["_id"] async for row in mongo.collection("audio_files").find(query, {"_id": 1}).limit(2)]
    if len(found) != 1:
        raise UsageError(
            f"no file {file_id!r} in the library" if not found else f"more than one file id begins with {file_id!r}"
        )
    return found[0]


@mongo.synchronous
async def last_error_at(item_query: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the error of the newest item that matches, if it failed."""
    rows = await mongo.collection("batch_items").find(dict(item_query)).sort("_id", -1).limit(1).to_list()
    return rows[0].get("error") if rows else None


Taken = dict[str, list[dict[str, Any]]]
"""The documents of contents, of their analyses and of their waveforms, by collection."""

# The analyses first, so that a crash leaves no analysis without a file.
_OF_CONTENTS = ("analyses", "audio_files", "waveforms")


@mongo.synchronous
async def take_out(file_ids: Sequence[str]) -> Taken:
    """Delete contents, their analyses and their waveforms, and return what was deleted."""
    if not file_ids:
        return {}
    query = {"_id": {"$in": list(file_ids)}}
    taken = {name: await mongo.collection(name).find(query).to_list() for name in _OF_CONTENTS}
    await stale.note(file_ids)
    for name in _OF_CONTENTS:
        await mongo.collection(name).delete_many(query)
    return taken


@mongo.synchronous
async def put_back(taken: Taken) -> None:
    """Restore documents that were taken out, unless the content was analysed again meanwhile."""
    for name in reversed(_OF_CONTENTS):
        rows = taken.get(name, ())
        updates = [UpdateOne({"_id": row["_id"]}, {"$setOnInsert": row}, upsert=True) for row in rows]
        if updates:
            await mongo.collection(name).bulk_write(updates, ordered=False)


def iterate() -> Iterator[tuple[AudioFacts, AnalysisFacts]]:
    """Yield all analysed contents in the order of their ids; reads one page at a time."""
    after = ""
    while True:
        ids = _ids_after(after)
        found = load(ids)
        yield from (found[key] for key in ids if key in found)
        if len(ids) < _PAGE:
            return
        after = ids[-1]


@mongo.synchronous
async def _ids_after(start: str) -> list[str]:
    cursor = mongo.collection("analyses").find({"_id": {"$gt": start}}, {"_id": 1})
    return [row["_id"] for row in await cursor.sort("_id", 1).limit(_PAGE).to_list()]
