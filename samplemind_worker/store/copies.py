"""Queries of the search for duplicates: contents in several places, contents of the same audio, fingerprints."""

from collections.abc import Iterator, Sequence

from samplemind_worker.documents.facts import AudioFacts
from samplemind_worker.store import mongo

_PAGE = 2000


@mongo.synchronous
async def repeated() -> list[str]:
    """Return the contents that lie in more than one living place."""
    rows = await mongo.collection("file_locations").aggregate(
        [
            # By the index of contents.
            {"$match": {"file_id": {"$gt": ""}, "gone_at": None}},
            {"$group": {"_id": "$file_id", "count": {"$sum": 1}}},
            {"$match": {"count": {"$gt": 1}}},
            {"$sort": {"_id": 1}},
        ],
        allowDiskUse=True,
    )
    return [row["_id"] async for row in rows]


@mongo.synchronous
async def same_audio() -> list[list[str]]:
    """Return the contents that have the same decoded audio, as groups of two or more."""
    rows = await mongo.collection("audio_files").aggregate(
        [
            # From the index alone.
            {"$match": {"audio_hash": {"$gt": ""}}},
            {"$group": {"_id": "$audio_hash", "count": {"$sum": 1}}},
            {"$match": {"count": {"$gt": 1}}},
        ],
        allowDiskUse=True,
    )
    hashes = [row["_id"] async for row in rows]
    groups: dict[str, list[str]] = {}
    for first in range(0, len(hashes), _PAGE):
        query = {"audio_hash": {"$in": hashes[first : first + _PAGE]}}
        async for row in mongo.collection("audio_files").find(query, {"audio_hash": 1}):
            groups.setdefault(row["audio_hash"], []).append(row["_id"])
    return sorted(sorted(group) for group in groups.values())


@mongo.synchronous
async def facts_of(file_ids: Sequence[str]) -> dict[str, AudioFacts]:
    """Return what decoding found of these contents."""
    found: dict[str, AudioFacts] = {}
    for first in range(0, len(file_ids), _PAGE):
        query = {"_id": {"$in": list(file_ids[first : first + _PAGE])}}
        # Chunks and tags may be long.
        async for row in mongo.collection("audio_files").find(query, {"metadata": 0, "tags": 0}):
            found[row["_id"]] = AudioFacts.model_validate(row)
    return found


@mongo.synchronous
async def without_hash() -> int:
    """Count the files whose contents were analysed before audio was hashed."""
    cursor = mongo.collection("audio_files").find({"audio_hash": None}, {"_id": 1})
    return await _count([row["_id"] async for row in cursor])


@mongo.synchronous
async def count_files(file_ids: Sequence[str]) -> int:
    """Count the living places of these contents."""
    return await _count(file_ids)


async def _count(file_ids: Sequence[str]) -> int:
    count = 0
    for first in range(0, len(file_ids), _PAGE):
        query = {"file_id": {"$in": list(file_ids[first : first + _PAGE])}, "gone_at": None}
        count += await mongo.collection("file_locations").count_documents(query)
    return count


def fingerprints() -> Iterator[list[tuple[str, bytes | None]]]:
    """Yield the contents and their fingerprints page by page, in the order of their ids."""
    after = ""
    while page := _fingerprints_after(after):
        yield page
        after = page[-1][0]


@mongo.synchronous
async def _fingerprints_after(start: str) -> list[tuple[str, bytes | None]]:
    cursor = mongo.collection("analyses").find({"_id": {"$gt": start}}, {"fingerprint": 1})
    return [(row["_id"], row.get("fingerprint")) async for row in cursor.sort("_id", 1).limit(_PAGE)]
