"""The library entries: what they are made of, writing them, and how far they are made."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from samplemind_worker.documents.versions import CPU_STEPS, ENTRY_VERSION, VERSIONS
from samplemind_worker.errors import ServiceUnavailableError
from samplemind_worker.store import marks, mongo, stale
from samplemind_worker.store._upsert import upsert
from samplemind_worker.text import plural

PLACES: Final = 16
"""Places of a content that its entry holds: a silent file may lie in a hundred thousand."""
_BATCHES: Final = 16
_PAGE: Final = 500
_SWEPT: Final = 5000
"""Entries that are looked at by one command when entries were made anew."""
_ONLY: Final = "entries"
_SUMMARIZED: Final = timedelta(minutes=1)
"""Time in which a worker mostly has summarized what it has analysed."""

_raised = 0

_ANALYSIS = (
    "kind",
    "kind_confidence",
    "instrument",
    "instrument_confidence",
    "tempo",
    "tempo_confidence",
    "tempo_candidates",
    "key",
    "key_confidence",
    "key_candidates",
    "mode",
    "camelot",
    "chord.name",
    "pitch_midi",
    "pitch_cents",
    "tuning_cents",
    "character",
    "spectral_features.centroid_hz.mean",
    "spectral_features.contrast.mean",
    "ai_provider",
    "ai_summary",
    "ai_tags",
    "analyzed_at",
    "vector",
    "vector_version",
)
_AUDIO = ("duration", "file_size", "loudness_lufs", "channels", "width", "tags", "uploaded_at")


@dataclass(frozen=True, slots=True)
class Source:
    """What the record has of one content: the parts of its documents that an entry is made of."""

    audio: Mapping[str, Any]
    analysis: Mapping[str, Any]
    places: Sequence[Mapping[str, Any]]
    """Documents of some of its living places."""
    batches: Sequence[str]
    marks: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Its tags and collections."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of the record, from which entries are to be written."""

    ticket: int
    tokens: Mapping[str, str]
    sources: Mapping[str, Source]
    """The contents that are analysed and lie somewhere."""


@mongo.synchronous
async def read(file_ids: Sequence[str]) -> Reading:
    """Read what the entries of some contents are made of."""
    query = {"_id": {"$in": list(file_ids)}}
    # In this order: a change that is marked after this reading keeps its mark, and a later reading has a higher ticket.
    tokens = {row["_id"]: row["token"] async for row in mongo.collection("stale_entries").find(query)}
    ticket = await _draw_ticket()
    analyses = {row["_id"]: row async for row in mongo.collection("analyses").find(query, dict.fromkeys(_ANALYSIS, 1))}
    audio = {row["_id"]: row async for row in mongo.collection("audio_files").find(query, dict.fromkeys(_AUDIO, 1))}
    places = await _places_of(list(analyses.keys() & audio.keys()))
    batches = await _batches_of(list(places))
    marked = await marks.of.aio(list(places))
    sources = {
        key: Source(audio[key], analyses[key], found, batches.get(key, ()), marked.get(key, {}))
        for key, found in places.items()
    }
    return Reading(ticket, tokens, sources)


async def _draw_ticket() -> int:
    row: Any = await mongo.collection("entry_indexes").find_one_and_update(
        {"_id": _ONLY}, {"$inc": {"ticket": 1}}, upsert=True, return_document=ReturnDocument.AFTER
    )
    return row["ticket"]


async def _places_of(file_ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Return up to `PLACES` living places of each content; contents without any are left out."""
    locations = mongo.collection("file_locations")
    fields = {"file_id": 1, "root": 1, "path": 1}
    most = PLACES * len(file_ids) + 1
    found: dict[str, list[dict[str, Any]]] = {}
    query = {"file_id": {"$in": file_ids}, "gone_at": None}
    rows = await locations.find(query, fields).limit(most).to_list() if file_ids else []
    for row in rows:
        found.setdefault(row["file_id"], []).append(row)
    if len(rows) == most:
        # Some content has very many places, and took the room of others.
        for content in file_ids:
            query = {"file_id": content, "gone_at": None}
            if few := await locations.find(query, fields).limit(PLACES).to_list():
                found[content] = few
    return {content: few[:PLACES] for content, few in found.items()}


async def _batches_of(file_ids: list[str]) -> dict[str, list[str]]:
    """Return the newest batches that analysed each content, as far as their items are kept."""
    if not file_ids:
        return {}
    query = {"file_id": {"$in": file_ids}, "skip_reason": None}
    cursor = mongo.collection("batch_items").find(query, {"file_id": 1, "batch_id": 1})
    found: dict[str, set[str]] = {}
    for row in await cursor.limit(_BATCHES * len(file_ids)).to_list():
        found.setdefault(row["file_id"], set()).add(row["batch_id"])
    return {content: sorted(ids, reverse=True)[:_BATCHES] for content, ids in found.items()}


@mongo.synchronous
async def write(reading: Reading, entries: Mapping[str, Mapping[str, Any]], *, contents: Sequence[str]) -> None:
    """Write the entries of the contents that were read, delete those of the others, and remove the marks.

    An entry that a later reading has written stays, and so does the mark of a change that came after this reading.
    """
    older = {"ticket": {"$lt": reading.ticket}}
    collection = mongo.collection("library_entries")
    values = {key: {**entry, "ticket": reading.ticket} for key, entry in entries.items()}
    await upsert(collection, values, conditions=dict.fromkeys(values, older))
    if ended := [key for key in contents if key not in entries]:
        await collection.delete_many({"_id": {"$in": ended}, **older})
    await raise_generation.aio()
    await stale.drop(reading.tokens)


@mongo.synchronous
async def raise_generation() -> None:
    """Note that answers made of entries are outdated, also where what is not in an entry has changed."""
    global _raised  # noqa: PLW0603 -- one count per process
    await mongo.collection("entry_indexes").update_one({"_id": _ONLY}, {"$inc": {"generation": 1}})
    _raised += 1


def raised_here() -> int:
    """Return how often this process has changed entries; what it has read before that may be outdated."""
    return _raised


@mongo.synchronous
async def generation() -> int:
    """Return a number that every change of an entry raises, so that an answer of another number may be outdated."""
    row = await mongo.collection("entry_indexes").find_one({"_id": _ONLY}, {"generation": 1})
    return (row or {}).get("generation", 0)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the entries are made."""

    is_complete: bool
    entries: int
    contents: int
    """Contents that are analysed, whether or not they lie anywhere still."""

    @property
    def trouble(self) -> str:
        """What to say if entries are missing, as an answer may then lack something; empty if none are."""
        if self.is_complete:
            return ""
        return (
            f"the search index holds {self.entries:,} of {plural(self.contents, 'file')}; the workers build it, "
            "or `samplemind reindex` at once"
        )

    def require(self) -> None:
        """Raise ServiceUnavailableError if entries are missing."""
        if self.trouble:
            raise ServiceUnavailableError(self.trouble)


@mongo.synchronous
async def progress() -> Progress:
    """Return how far the entries are made; takes a millisecond at any size."""
    row = await _state()
    entries = await mongo.about_how_many("library_entries")
    contents = await mongo.about_how_many("analyses")
    # A lost collection has no entry; a library that never was built needs none until something is analysed.
    is_complete = entries >= contents or (row.get("version") == ENTRY_VERSION and (entries > 0 or await _is_bare()))
    return Progress(is_complete, entries, contents)


async def _is_bare() -> bool:
    """Return whether nothing lies anywhere any more, so that there is nothing to find."""
    living = {"file_id": {"$gt": ""}, "gone_at": None}
    return await mongo.collection("file_locations").find_one(living, {"_id": 1}) is None


async def _state() -> dict[str, Any]:
    return await mongo.collection("entry_indexes").find_one({"_id": _ONLY}) or {}


@mongo.synchronous
async def begin(*, anew: bool = False) -> str | None:
    """Return the content after which entries are to be made; None if all are made.

    A building that was interrupted continues, unless it is to begin ``anew``. A record without analyses is complete.
    All are made again after a worker of an older release has analysed anything: it neither makes entries nor marks.
    """
    index = mongo.collection("entry_indexes")
    with suppress(DuplicateKeyError):
        await index.update_one({"_id": _ONLY}, {"$setOnInsert": {"ticket": 0}}, upsert=True)
    row = await _state()
    if not anew and row.get("building") == ENTRY_VERSION:
        return row.get("after", "")
    now = await mongo.read_clock()
    if not anew and row.get("version") == ENTRY_VERSION and not await _is_behind(row.get("looked_at", now)):
        await index.update_one({"_id": _ONLY}, {"$set": {"looked_at": now}})
        return None
    start = {"building": ENTRY_VERSION, "after": "", "since": row["ticket"], "looked_at": now}
    await index.update_one({"_id": _ONLY}, {"$set": start})
    return ""


async def _is_behind(looked_at: datetime) -> bool:
    """Return whether a worker of an older release has analysed anything since the last look, or just before it."""
    older = [{f"versions.{step}": {"$lt": VERSIONS[step]}} for step in CPU_STEPS]
    query = {"analyzed_at": {"$gte": looked_at - _SUMMARIZED}, "$or": older}
    return await mongo.collection("analyses").find_one(query, {"_id": 1}) is not None


@mongo.synchronous
async def next_contents(*, after: str, limit: int = _PAGE) -> list[str]:
    """Return the next analysed contents, in the order of their ids."""
    cursor = mongo.collection("analyses").find({"_id": {"$gt": after}}, {"_id": 1}, sort=[("_id", 1)])
    return [row["_id"] for row in await cursor.limit(limit).to_list()]


@mongo.synchronous
async def advance(after: str) -> None:
    """Record the last content whose entry is made."""
    await mongo.collection("entry_indexes").update_one({"_id": _ONLY}, {"$set": {"after": after}})


async def _delete_unwritten(since: int) -> None:
    """Delete the entries whose ticket is not later, page by page: one command for a million exceeds its time limit."""
    entries = mongo.collection("library_entries")
    after = ""
    while page := await entries.find({"_id": {"$gt": after}}, {"ticket": 1}).sort("_id", 1).limit(_SWEPT).to_list():
        if unwritten := [row["_id"] for row in page if row["ticket"] <= since]:
            await entries.delete_many({"_id": {"$in": unwritten}, "ticket": {"$lte": since}})
        after = page[-1]["_id"]


@mongo.synchronous
async def finish() -> None:
    """Delete entries that this building has not written, as they are of no content, and record that all are made."""
    row = await _state()
    await _delete_unwritten(row.get("since", 0))
    change = {"$set": {"version": ENTRY_VERSION, "building": 0, "after": ""}, "$inc": {"generation": 1}}
    await mongo.collection("entry_indexes").update_one({"_id": _ONLY}, change)
