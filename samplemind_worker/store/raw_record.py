"""Whole collections as BSON, for backups: reading all documents of one, and putting a record together aside.

Documents are neither validated nor changed on their way. What is put together lies in collections that are called
``restoring.NAME``, and takes its place by being renamed.
"""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from bson.raw_bson import RawBSONDocument
from pymongo.asynchronous.collection import AsyncCollection

from samplemind_worker.documents.states import OPEN_STATES, BatchStatus
from samplemind_worker.errors import UsageError
from samplemind_worker.store import mongo
from samplemind_worker.store._again import pending_again
from samplemind_worker.store.unfinished import UNFINISHED

_ASIDE: Final = "restoring."
_MARK: Final = "restores"
_OF_THE_REST: Final = "schemas"  # it says of what form the other collections are
_LENGTH: Final = struct.Struct("<i")  # with which every BSON document begins

_PAGE: Final = 1000
_MOST_BYTES: Final = 8_000_000  # of one insertion


@mongo.synchronous
async def dump(name: str, write: Callable[[bytes], object], on_progress: Callable[[int], None]) -> int:
    """Write all documents of a collection in the order of their ids, as BSON; return how many there are.

    ``on_progress`` gets the number of documents of each part.
    """
    total = 0
    parts: Any = mongo.collection(name).find_raw_batches({"_id": {"$exists": True}}, sort=[("_id", 1)])
    async for part in parts:
        write(part)
        count = _count(part)
        total += count
        on_progress(count)
    return total


def _count(part: bytes) -> int:
    at = count = 0
    while at < len(part):
        (length,) = _LENGTH.unpack_from(part, at)
        at, count = at + length, count + 1
    return count


@mongo.synchronous
async def sizes(names: Sequence[str]) -> dict[str, int]:
    """Return about how many documents some collections hold."""
    return {name: await mongo.about_how_many(name) for name in names}


@mongo.synchronous
async def first_filled(names: Sequence[str]) -> str | None:
    """Return the first of these collections that holds anything of its own."""
    for name in names:
        if name != _OF_THE_REST and await _is_filled(name):
            return name
    return None


async def _is_filled(name: str) -> bool:
    return await mongo.collection(name).find_one({"_id": {"$exists": True}}, {"_id": 1}) is not None


@mongo.synchronous
async def begin(digest: str) -> bool:
    """Begin to put a backup together aside; return False if that was done, and only its end was interrupted.

    What an earlier restore has left half-done is dropped.

    Raises
    ------
    UsageError
        If another backup was put together, and only its end was interrupted.
    """
    found = await mongo.collection(_MARK).find_one({"_id": "record"})
    if found is not None and found.get("whole"):
        if found["digest"] != digest:
            raise UsageError("the end of another restore was interrupted: restore that backup again first")
        return False
    for name in await _aside():
        await mongo.collection(name).drop()
    await mongo.collection(_MARK).replace_one({"_id": "record"}, {"digest": digest, "whole": False}, upsert=True)
    return True


async def _aside() -> list[str]:
    return await mongo.database().list_collection_names(filter={"name": {"$regex": f"^{_ASIDE}"}})


@mongo.synchronous
async def make_aside(name: str, indexes: Sequence[Any]) -> None:
    """Make an empty collection aside, with its indexes."""
    await mongo.database().create_collection(_ASIDE + name)
    if indexes:
        await mongo.collection(_ASIDE + name).create_indexes(indexes)


def load(name: str, documents: Iterator[RawBSONDocument], on_progress: Callable[[int], None]) -> int:
    """Insert documents into a collection aside, as they are; return how many there are."""
    total = size = 0
    page: list[Mapping[str, Any]] = []
    for document in documents:
        page.append(document)
        size += len(document.raw)
        if len(page) == _PAGE or size > _MOST_BYTES:
            _insert(name, page)
            on_progress(len(page))
            total, size, page = total + len(page), 0, []
    if page:
        _insert(name, page)
        on_progress(len(page))
    return total + len(page)


@mongo.synchronous
async def _insert(name: str, page: Sequence[Mapping[str, Any]]) -> None:
    collection: AsyncCollection[Any] = mongo.collection(_ASIDE + name)
    await collection.insert_many(page, ordered=False)


@mongo.synchronous
async def settle() -> None:
    """Make a record aside one that work can go on with; done twice, it changes nothing more.

    What was in flight is pending: its workers and messages are gone. Items whose batch was recorded after the batches
    were read are dropped. A batch that was opened again after that is open.
    """
    items, jobs = mongo.collection(_ASIDE + "batch_items"), mongo.collection(_ASIDE + "batch_jobs")
    held = {"parcel_id": {"$exists": True}}
    await items.update_many(held, pending_again())
    known = set(await jobs.distinct("_id"))
    for batch_id in set(await items.distinct("batch_id")) - known:
        await items.delete_many({"batch_id": batch_id})
    is_open = [state.value for state in OPEN_STATES]
    for batch_id in sorted(await items.distinct("batch_id", {"state": {"$in": is_open}})):
        ended = {"_id": batch_id, "status": {"$nin": [*UNFINISHED, BatchStatus.CANCELLED.value]}, "recorded": True}
        values: dict[str, Any] = {"status": BatchStatus.PROCESSING.value, "finished_at": None, "results": None}
        await jobs.update_one(ended, {"$set": values, "$inc": {"opened": 1}})


@mongo.synchronous
async def note_whole() -> None:
    """Note that all is put together: only collections are left to be renamed."""
    await mongo.collection(_MARK).update_one({"_id": "record"}, {"$set": {"whole": True}})


@mongo.synchronous
async def take_place(name: str) -> None:
    """Give a collection that was put together aside its name.

    Raises
    ------
    UsageError
        If another process has filled the collection of this name meanwhile.
    """
    if _ASIDE + name not in await _aside():
        return  # an interrupted restore has renamed it
    if name != _OF_THE_REST and await _is_filled(name):
        raise UsageError(f"{name} was filled by another command meanwhile, and nothing is overwritten")
    await mongo.collection(_ASIDE + name).rename(name, dropTarget=True)


@mongo.synchronous
async def end() -> None:
    """Note that the restore has ended."""
    await mongo.collection(_MARK).drop()


@mongo.synchronous
async def is_interrupted() -> bool:
    """Return whether a restore was interrupted."""
    return await mongo.collection(_MARK).find_one({"_id": "record"}, {"_id": 1}) is not None
