"""Counts what the library holds, for an overview. Counting a million entries takes seconds, so the counts are kept."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import zip_longest
from typing import Any, Final

from samplemind_worker.documents.moments import first_moment
from samplemind_worker.store import mongo, places
from samplemind_worker.store.entry_search import BY_TERM
from samplemind_worker.store.library import location_id

TEMPO_STEP: Final = 10
"""BPM of one column of the tempi."""
_WITH_ERROR: Final = [("batch_id", 1), ("error.code", 1)]
_BY_CONTENT: Final = {"file_id": 1}
_PAGE: Final = 1000
_SLICE: Final = 100_000
"""Each command reads a part of a library that has more entries, or files."""


@mongo.synchronous
async def counts() -> dict[str, Any]:
    """Return the counts of the entries: ``groups``, ``packs`` and ``copies``. They are kept until an entry changes.

    While entries are being made, the counts are not kept.

    The groups count contents, seconds and bytes by kind, instrument, Camelot code and step of tempo. The packs are the
    contents of each pack, and the copies are the files that lie in the library a second time or more, with their bytes.
    """
    index = mongo.collection("entry_indexes")
    row = await index.find_one({"_id": "entries"}, {"ticket": 1, "building": 1, "counts": 1}) or {}
    ticket, kept = row.get("ticket"), row.get("counts") or {}
    if kept and kept["ticket"] == ticket:
        return kept
    # A refresh draws its ticket before it writes, and its marks stay until it has written.
    is_moving = row.get("building") or await mongo.collection("stale_entries").find_one(
        {"_id": {"$gt": ""}}, {"_id": 1}
    )
    counted = {"groups": await _count_groups(), "packs": await _count_packs(), "copies": await _count_copies()}
    made = {"ticket": ticket, **counted}
    if not is_moving:
        await index.update_one({"_id": "entries"}, {"$set": {"counts": made}})
    return made


async def _count_packs() -> list[dict[str, Any]]:
    """Count the contents of each pack, the largest first; names may hold dots, so they are no keys."""
    entries = mongo.collection("library_entries")
    rows = [
        {"name": name, "contents": await entries.count_documents({"packs": name})}
        for name in await entries.distinct("packs")
    ]
    return sorted(rows, key=lambda row: (-row["contents"], row["name"]))


@mongo.synchronous
async def counts_of(terms: Sequence[str], roots: Collection[str]) -> dict[str, Any]:
    """Return ``groups`` and ``copies`` as `counts` does, of the entries that have one of some terms alone.

    The copies are those of the places in some roots, which the terms stand for.
    """
    groups = await _count_groups({"terms": {"$in": list(terms)}})
    return {"groups": groups, "packs": [], "copies": await _sum_copies(await places.copies_in.aio(roots))}


async def _count_copies() -> dict[str, int]:
    """Count the files but one of each content, by the keys of the index of contents, and sum their bytes."""
    locations = mongo.collection("file_locations")
    copies: dict[str, int] = {}
    for bounds in _slices(await mongo.about_how_many("file_locations")):
        cursor = await locations.aggregate(
            [
                {"$match": {"file_id": bounds}},
                {"$group": {"_id": "$file_id", "count": {"$sum": 1}}},
                {"$match": {"count": {"$gt": 1}}},
            ],
            hint=_BY_CONTENT,
        )
        copies |= {row["_id"]: row["count"] - 1 async for row in cursor}
    async for row in locations.find({"gone_at": {"$ne": None}}, {"file_id": 1}):
        if row["file_id"] in copies:
            copies[row["file_id"]] -= 1
    return await _sum_copies({content: count for content, count in copies.items() if count > 0})


def _slices(files: int) -> Iterator[dict[str, str | float]]:
    """Return bounds of contents that hold about as many files each, because the id of a content is a hash."""
    digits = 0
    while files > _SLICE * 16**digits:
        digits += 1
    return _between("", *(f"{number:0{digits}x}" for number in range(1, 16**digits)))


async def _sum_copies(copies: Mapping[str, int]) -> dict[str, int]:
    """Sum the copies of the contents that were analysed, and their bytes: a file that failed has a place, too."""
    contents, files, size = list(copies), 0, 0
    for start in range(0, len(contents), _PAGE):
        query = {"_id": {"$in": contents[start : start + _PAGE]}}
        async for row in mongo.collection("audio_files").find(query, {"file_size": 1}):
            files += copies[row["_id"]]
            size += copies[row["_id"]] * row["file_size"]
    return {"files": files, "bytes": size}


async def _count_groups(match: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Count the entries from the keys of one index, or those that match by the index of terms."""
    entries = mongo.collection("library_entries")
    step = {"$floor": {"$divide": ["$tempo", TEMPO_STEP]}}
    key = {"kind": "$kind", "instrument": "$instrument", "camelot": "$camelot", "tempo": step}
    sums = {"contents": {"$sum": 1}, "seconds": {"$sum": "$duration"}, "bytes": {"$sum": "$size"}}
    parts = _parts(await mongo.about_how_many("library_entries")) if match is None else [match]
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for part in parts:
        cursor = await entries.aggregate(
            [{"$match": part}, {"$group": {"_id": key, **sums}}],
            hint="fits" if match is None else dict(BY_TERM),
            allowDiskUse=True,
        )
        async for row in cursor:
            named = {name: row["_id"].get(name) for name in key}
            group = groups.setdefault(tuple(named.values()), {**named, **dict.fromkeys(sums, 0)})
            for name in sums:
                group[name] += row[name]
    return list(groups.values())


def _parts(entries: int) -> list[dict[str, Any]]:
    """Return filters that share out the entries, each a range of the keys of the index ``fits``.

    What has no key is told by ``$not``: it needs no more than the keys of the index, as a comparison with null would.
    """
    if entries <= _SLICE:
        return [{}]
    no_text, no_number = {"$not": {"$gte": ""}}, {"$not": {"$gte": float("-inf")}}
    no_key: dict[str, Any] = {"camelot": no_text}
    no_tempo = no_key | {"tempo": no_number}
    no_pitch = no_tempo | {"pitch": no_number}
    return [
        *({"camelot": codes} for codes in _between("", "10", "11", "12", "1A", *"23456789")),
        *(no_key | {"tempo": tempi} for tempi in _between(float("-inf"), *range(60, 210, TEMPO_STEP))),
        *(no_tempo | {"pitch": notes} for notes in _between(float("-inf"), *range(24, 108, 12))),
        *(no_pitch | {"instrument": names} for names in _between("", *"bcdefghijklmnopqrstuvwxyz")),
        no_pitch | {"instrument": no_text},
    ]


def _between(*begins: str | float) -> Iterator[dict[str, str | float]]:
    """Yield the bounds of what lies from each value to the next one; the last has no end."""
    for lower, upper in zip_longest(begins, begins[1:]):
        yield {"$gte": lower} | ({} if upper is None else {"$lt": upper})


@mongo.synchronous
async def added_within(days: Sequence[int], terms: Sequence[str] | None = None) -> dict[int, int]:
    """Count the contents that were added within so many days, and of which the entry has one of some terms."""
    now = await mongo.read_clock()
    collection = mongo.collection("library_entries")
    among: dict[str, Any] = {} if terms is None else {"terms": {"$in": list(terms)}}
    return {
        each: await collection.count_documents({**among, "moment": {"$gte": first_moment(now - timedelta(days=each))}})
        for each in days
    }


@mongo.synchronous
async def failures(admits: Callable[[str], bool] = bool) -> dict[str, int]:
    """Count the files that could not be analysed by the reason of the last time.

    Those that were analysed since, or are gone, are no failures. Files whose place ``admits`` does not accept are left
    out. Only the index of items with an error is read.
    """
    cursor = mongo.collection("batch_items").find(
        {"error.code": {"$exists": True}}, {"root": 1, "path": 1, "raw_path": 1, "error.code": 1}, hint=_WITH_ERROR
    )
    newest: dict[str, tuple[Any, str]] = {}
    async for row in cursor:
        if not admits(f"{row['root'].rstrip('/')}/{row['path']}"):
            continue
        place = _place(row)
        if place not in newest or newest[place][0] < row["_id"]:
            newest[place] = (row["_id"], row["error"]["code"])
    counts: dict[str, int] = {}
    failed = list(newest)
    for start in range(0, len(failed), _PAGE):
        page = failed[start : start + _PAGE]
        rows = mongo.collection("file_locations").find({"_id": {"$in": page}}, {"file_id": 1, "gone_at": 1})
        lying = {row["_id"]: None if row.get("gone_at") else row["file_id"] async for row in rows}
        contents = {"_id": {"$in": sorted({content for content in lying.values() if content is not None})}}
        analyzed = {row["_id"] async for row in mongo.collection("audio_files").find(contents, {"_id": 1})}
        for place in page:
            # A file that was read has a place, whether it was analysed or not.
            if place not in lying or (lying[place] is not None and lying[place] not in analyzed):
                code = newest[place][1]
                counts[code] = counts.get(code, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _place(row: Mapping[str, Any]) -> str:
    return location_id(row["root"], row.get("raw_path") or row["path"].encode())
