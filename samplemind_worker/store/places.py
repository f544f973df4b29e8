"""Where contents lie: one document per place, which is living, or gone since a time.

A place is never deleted when its file is: it is marked as gone, and its content is kept for a grace time, so that a
file that comes back need not be analysed again. `upkeep.tidy` deletes what stays gone longer.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import DeleteOne, UpdateOne
from pymongo.asynchronous.cursor import AsyncCursor

from config.locations import is_named
from samplemind_worker.store import displaced, mongo, stale, waveforms
from samplemind_worker.store._upsert import upsert
from samplemind_worker.store.library import location_id, place_of, printable

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """The path of a content, and the size and times of the file when it was read."""

    root: str
    path: bytes
    file_id: str
    size: int
    mtime_ns: int
    ctime_ns: int
    settled: bool
    gone_at: datetime | None = None

    @property
    def id(self) -> str:
        """The key of this place in the record."""
        return location_id(self.root, self.path)

    @property
    def shown(self) -> str:
        """The full path, as text."""
        return f"{self.root.rstrip('/')}/{printable(self.path)[0]}"

    def values(self) -> dict[str, Any]:
        """Return its fields in the record."""
        path, raw_path = printable(self.path)
        return {
            "root": self.root,
            "path": path,
            "raw_path": raw_path,
            "file_id": self.file_id,
            "size": self.size,
            "mtime_ns": self.mtime_ns,
            "ctime_ns": self.ctime_ns,
            "settled": self.settled,
        }


@dataclass(frozen=True, slots=True)
class Area:
    """All places at or below a path: of a named root, or, with the root ``/``, anywhere on this machine."""

    root: str
    path: bytes

    def holds(self, place: Place) -> bool:
        """Return whether a place lies in this area; compares bytes, as different names may be equal as text."""
        full = self._full(place)
        return not self.path or full == self.path or full.startswith(self.path + b"/")

    def below(self, place: Place) -> bytes:
        """Return the path of a place of this area, relative to the area."""
        return self._full(place)[len(self.path) :].lstrip(b"/")

    def _full(self, place: Place) -> bytes:
        return place_of(place.root, place.path).lstrip(b"/") if self.root == "/" else place.path


@mongo.synchronous
async def save(places: Iterable[Place]) -> set[str]:
    """Record places; one that held another content or was gone now holds this content. Return those other contents."""
    return await _save(list(places))


async def _save(places: Sequence[Place]) -> set[str]:
    now_here = {place.id: place.file_id for place in places}
    before = mongo.collection("file_locations").find({"_id": {"$in": list(now_here)}}, {"file_id": 1})
    others = {row["file_id"] async for row in before if row["file_id"] != now_here[row["_id"]]}
    await stale.note({*now_here.values(), *others})
    await displaced.note(others)
    values = {place.id: place.values() for place in places}
    await upsert(mongo.collection("file_locations"), values, unset=("gone_at",))
    return others


def _place(row: Mapping[str, Any]) -> Place:
    return Place(
        row["root"],
        row.get("raw_path") or row["path"].encode(),
        row["file_id"],
        row["size"],
        row["mtime_ns"],
        row["ctime_ns"],
        row["settled"],
        row.get("gone_at"),
    )


@mongo.synchronous
async def unchanged(keys: Sequence[tuple[str, int, int, int]], *, versions: Mapping[str, int]) -> dict[str, str]:
    """Return place id -> file id of those places whose content needs no work.

    ``keys`` are (place id, size, mtime_ns, ctime_ns) as found now. A place is unchanged if its size and both times
    equal the recorded ones, its times were old enough when it was read to prove it, every step's version is
    recorded, and its waveform is. A place that was gone and is found unchanged is living again.
    """
    if not keys:
        return {}
    stats = {key[0]: key[1:] for key in keys}
    cursor = mongo.collection("file_locations").find(
        {"_id": {"$in": list(stats)}, "settled": True},
        {"file_id": 1, "size": 1, "mtime_ns": 1, "ctime_ns": 1, "gone_at": 1},
    )
    rows = [row async for row in cursor if stats[row["_id"]] == (row["size"], row["mtime_ns"], row["ctime_ns"])]
    # Before its analysis is looked for: `sweep` deletes that first, and then looks whether the place is back.
    if back := [row for row in rows if "gone_at" in row]:
        await stale.note(row["file_id"] for row in back)
        updates = [UpdateOne(row, {"$unset": {"gone_at": ""}}) for row in back]
        await mongo.collection("file_locations").bulk_write(updates, ordered=False)
    found = {row["_id"]: row["file_id"] for row in rows}
    done = await waveforms.present(await _with_versions(set(found.values()), versions))
    return {place: content for place, content in found.items() if content in done}


async def _with_versions(file_ids: set[str], versions: Mapping[str, int]) -> set[str]:
    query: dict[str, Any] = {"_id": {"$in": list(file_ids)}}
    query.update({f"versions.{step}": version for step, version in versions.items()})
    return {row["_id"] async for row in mongo.collection("analyses").find(query, {"_id": 1})}


@mongo.synchronous
async def at(root: str, path: bytes) -> Place | None:
    """Return a place as it is in the record, living or gone."""
    row = await mongo.collection("file_locations").find_one({"_id": location_id(root, path)})
    return None if row is None else _place(row)


@mongo.synchronous
async def with_ids(ids: Sequence[str]) -> dict[str, Place]:
    """Return those of these places that are in the record, living or gone, by their ids."""
    cursor = mongo.collection("file_locations").find({"_id": {"$in": list(ids)}})
    return {row["_id"]: _place(row) async for row in cursor}


@mongo.synchronous
async def of(file_ids: Sequence[str], *, gone: bool = False) -> dict[str, list[Place]]:
    """Return the living (or the gone) places of these contents, sorted by path; contents without any are left out."""
    if not file_ids:
        return {}
    found: dict[str, list[Place]] = {}
    query = {"file_id": {"$in": list(file_ids)}, "gone_at": {"$ne": None} if gone else None}
    async for row in mongo.collection("file_locations").find(query):
        found.setdefault(row["file_id"], []).append(_place(row))
    return {content: sorted(lie, key=lambda place: place.shown) for content, lie in found.items()}


@mongo.synchronous
async def some_of(file_id: str, *, limit: int, roots: Collection[str] | None = None) -> list[Place]:
    """Return some living places of a content, in some roots or all: a silent file may lie in a hundred thousand."""
    query = {"file_id": file_id, "gone_at": None, **({} if roots is None else _in_one_of(roots))}
    cursor = mongo.collection("file_locations").find(query)
    return [_place(row) for row in await cursor.limit(limit).to_list()]


@mongo.synchronous
async def lying_in(file_ids: Sequence[str], *, roots: Collection[str]) -> set[str]:
    """Return which of these contents have a living place in one of some roots."""
    query = {"file_id": {"$in": list(file_ids)}, "gone_at": None, **_in_one_of(roots)}
    return set(await mongo.collection("file_locations").distinct("file_id", query))


@mongo.synchronous
async def copies_in(roots: Collection[str]) -> dict[str, int]:
    """Count the living places in some roots beyond one of each content, of the contents that have more than one."""
    cursor = await mongo.collection("file_locations").aggregate(
        [
            {"$match": {"gone_at": None, **_in_one_of(roots)}},
            {"$group": {"_id": "$file_id", "count": {"$sum": 1}}},
            {"$match": {"count": {"$gt": 1}}},
        ],
        allowDiskUse=True,
    )
    return {row["_id"]: row["count"] - 1 async for row in cursor}


def _in_one_of(roots: Collection[str]) -> dict[str, Any]:
    """Return the query for places in some roots; a root that is a folder may lie above or below a recorded one."""
    folders: list[dict[str, Any]] = []
    for root in sorted(roots):
        if not is_named(root):
            folders.append({"root": _within(root.rstrip("/"))})
            parts = root.rstrip("/").split("/")
            above = (("/".join(parts[:count]) or "/", "/".join(parts[count:])) for count in range(1, len(parts)))
            folders += ({"root": folder, "path": _within(rest)} for folder, rest in above)
    return {"$or": [{"root": {"$in": sorted(roots)}}, *folders]}


def below(area: Area, *, gone: bool = False, in_order: bool = False) -> Iterator[list[Place]]:
    """Yield the living places of an area page by page; with ``gone``, also those that are gone.

    ``in_order`` sorts those of one root by the bytes of their paths in UTF-8.
    """
    for query in _queries(area):
        cursor = mongo.collection("file_locations").find(query if gone else {**query, "gone_at": None})
        if in_order:
            cursor = cursor.sort([("root", 1), ("path", 1)])
        for page in _pages(cursor):
            yield [place for place in page if area.holds(place)]


def by_path() -> Iterator[list[Place]]:
    """Yield all living places page by page, in the order of their roots and paths."""
    cursor = mongo.collection("file_locations").find({"gone_at": None}).sort([("root", 1), ("path", 1)])
    yield from _pages(cursor)


def _pages(cursor: AsyncCursor[dict[str, Any]]) -> Iterator[list[Place]]:
    # A reply of MongoDB otherwise holds up to 16 MB, which take 70 MB in Python.
    cursor.batch_size(_PAGE)
    try:
        while rows := mongo.run(cursor.to_list(_PAGE)):
            yield [_place(row) for row in rows]
    finally:
        mongo.run(cursor.close())


def _queries(area: Area) -> list[dict[str, Any]]:
    """Return the queries that find an area by the index of roots and paths.

    A file on this machine may be recorded below any of its folders: each that was submitted is a root.
    """
    exact = {"_id": location_id(area.root, area.path)}
    path = printable(area.path)[0]
    if area.root != "/":
        return [exact, {"root": area.root, "path": _within(path)}] if path else [{"root": area.root}]
    parts = path.split("/") if path else []
    above = [("/" + "/".join(parts[:count]), "/".join(parts[count:])) for count in range(len(parts))]
    full = "/" + path
    roots = {full, *_roots_within({"$gte": "/", "$lt": "0"} if not path else _within(full))}
    return [
        exact,
        *({"root": root, "path": _within(rest)} for root, rest in above),
        *({"root": root} for root in sorted(roots)),
    ]


@mongo.synchronous
async def _roots_within(bounds: Mapping[str, str]) -> list[str]:
    return await mongo.collection("file_locations").distinct("root", {"root": bounds})


def _within(path: str) -> dict[str, str]:
    """Return the range of what lies below a path; ``0`` is the character that follows ``/``."""
    return {"$gte": path + "/", "$lt": path + "0"}


@mongo.synchronous
async def end(places: Sequence[Place]) -> int:
    """Mark places as gone unless the record of them has changed meanwhile; return how many were marked."""
    if not places:
        return 0
    await stale.note(place.file_id for place in places)
    now = await mongo.read_clock()
    updates = [
        UpdateOne(
            {
                "_id": place.id,
                "file_id": place.file_id,
                "size": place.size,
                "mtime_ns": place.mtime_ns,
                "ctime_ns": place.ctime_ns,
                "gone_at": None,
            },
            {"$set": {"gone_at": now}},
        )
        for place in places
    ]
    return (await mongo.collection("file_locations").bulk_write(updates, ordered=False)).modified_count


@mongo.synchronous
async def move(pairs: Sequence[tuple[Place, Place]]) -> None:
    """Replace places by others: the new ones are saved first, then the old ones deleted.

    A process that dies in between leaves both, and moving them again does no harm. A living place that is already
    recorded at a target stays as it is.
    """
    if not pairs:
        return
    collection = mongo.collection("file_locations")
    query = {"_id": {"$in": [new.id for _, new in pairs]}, "gone_at": None}
    living = {row["_id"] async for row in collection.find(query, {"_id": 1})}
    await stale.note(old.file_id for old, _ in pairs)
    await _save([new for _, new in pairs if new.id not in living])
    drops = [DeleteOne({"_id": old.id, "file_id": old.file_id}) for old, _ in pairs]
    await collection.bulk_write(drops, ordered=False)


@mongo.synchronous
async def expired(*, older_than: timedelta, limit: int = _PAGE) -> list[Place]:
    """Return places that have been gone for longer than ``older_than``, longest first."""
    before = await mongo.read_clock() - older_than
    cursor = mongo.collection("file_locations").find({"gone_at": {"$lt": before}}).sort("gone_at", 1)
    return [_place(row) for row in await cursor.limit(limit).to_list()]


@mongo.synchronous
async def wanted(file_ids: Sequence[str], *, older_than: timedelta) -> set[str]:
    """Return which of these contents have a place that is living or has been gone for less than ``older_than``."""
    if not file_ids:
        return set()
    before = await mongo.read_clock() - older_than
    query = {"file_id": {"$in": list(file_ids)}, "$or": [{"gone_at": None}, {"gone_at": {"$gte": before}}]}
    return set(await mongo.collection("file_locations").distinct("file_id", query))


@mongo.synchronous
async def drop(gone: Sequence[Place]) -> int:
    """Delete places that are gone, unless they have come back; return how many were deleted."""
    if not gone:
        return 0
    drops = [DeleteOne({"_id": place.id, "gone_at": place.gone_at}) for place in gone]
    return (await mongo.collection("file_locations").bulk_write(drops, ordered=False)).deleted_count


@mongo.synchronous
async def remember_mounts(host: str, folders: Iterable[bytes]) -> None:
    """Record the mount points of a machine."""
    now = await mongo.read_clock()
    updates = [
        UpdateOne(
            {"_id": location_id(host, folder)},
            {"$set": {"host": host, "folder": folder, "seen_at": now}},
            upsert=True,
        )
        for folder in folders
    ]
    if updates:
        await mongo.collection("mount_points").bulk_write(updates, ordered=False)


@mongo.synchronous
async def known_mounts(host: str) -> set[bytes]:
    """Return the recorded mount points of a machine."""
    cursor = mongo.collection("mount_points").find({"host": host}, {"folder": 1})
    return {row["folder"] async for row in cursor}
