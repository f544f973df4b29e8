"""Sample packs, by their content, and the turn of whoever takes them in."""

import asyncio
import math
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pymongo.errors import DuplicateKeyError, PyMongoError

from samplemind_worker.documents.pack import Pack, PackState, Turn
from samplemind_worker.errors import ServiceUnavailableError
from samplemind_worker.store import _loop, mongo

_TURN = "ingest"
_RENEWALS = 5  # of a lease


def take_turn(run: str, *, lease: float) -> bool:
    """Take the turn, if nobody holds it or whoever did has died; True if it is ours."""

    async def _take() -> bool:
        turns = Turn.get_pymongo_collection()
        with suppress(DuplicateKeyError):  # two at once make it
            await turns.update_one({"_id": _TURN}, {"$setOnInsert": {"holder": None, "lease_until": None}}, upsert=True)
        result = await turns.update_one(
            {
                "_id": _TURN,
                "$expr": {"$lt": [{"$ifNull": ["$lease_until", datetime.min.replace(tzinfo=UTC)]}, "$$NOW"]},
            },
            [{"$set": {"holder": run, "lease_until": {"$add": ["$$NOW", math.ceil(lease * 1000)]}}}],
        )
        return result.modified_count == 1

    return mongo.run(_take())


@contextmanager
def turn_kept(run: str, *, lease: float) -> Generator[None]:
    """Renew the lease of the turn until the block ends, and let go of it then."""
    ended = asyncio.Event()

    async def _renew() -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), lease / _RENEWALS)
                return
            with suppress(PyMongoError):  # the next one may get through, in time
                await Turn.get_pymongo_collection().update_one(
                    {"_id": _TURN, "holder": run},
                    [{"$set": {"lease_until": {"$add": ["$$NOW", math.ceil(lease * 1000)]}}}],
                )

    async def _leave() -> None:
        await Turn.get_pymongo_collection().update_one({"_id": _TURN, "holder": run}, {"$set": {"lease_until": None}})

    loop = _loop.get_loop()
    renewal = asyncio.run_coroutine_threadsafe(_renew(), loop)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(ended.set)
        renewal.result()
        with suppress(ServiceUnavailableError):  # the lease ends by itself
            mongo.run(_leave())


def require_turn(run: str) -> None:
    """Look whether the turn is still ours, before something that nothing else guards.

    Raises
    ------
    ServiceUnavailableError
        If another run has it: this one stood still for longer than its lease.
    """

    async def _holds() -> bool:
        return await Turn.get_pymongo_collection().find_one({"_id": _TURN, "holder": run}, {"_id": 1}) is not None

    if not mongo.run(_holds()):
        raise ServiceUnavailableError("this run stood still for so long that another one took over")


def note_run(run: str, *, began: datetime) -> None:
    """Record that a run came to its end."""

    async def _note() -> None:
        await Turn.get_pymongo_collection().update_one({"_id": _TURN, "holder": run}, {"$set": {"last_run_at": began}})

    mongo.run(_note())


def last_run() -> datetime | None:
    """Return when the last run began that came to its end."""
    turn = mongo.run(Turn.get(_TURN))
    return None if turn is None else turn.last_run_at


@dataclass(frozen=True, slots=True)
class Origin:
    """A pack as it lies in an inbox."""

    digest: str
    inbox: str
    source: str
    kind: str


def begin(origin: Origin, *, run: str, folders: Iterable[str]) -> Pack:
    """Record that a pack is being taken, into the first of these folders that no other pack has."""

    async def _begin() -> Pack:
        values = {**await _values(origin, run, PackState.TAKING), "reason": None}
        for folder in folders:
            try:
                await Pack.get_pymongo_collection().update_one(
                    {"_id": origin.digest}, {"$set": {**values, "folder": folder}}, upsert=True
                )
            except DuplicateKeyError:
                continue
            return await _get(origin.digest)
        raise ServiceUnavailableError(f"no name is left for {origin.source} in the library")

    return mongo.run(_begin())


def refuse(origin: Origin, *, run: str, reason: str) -> None:
    """Record that a pack is refused; it has no folder, or gives it back."""

    async def _refuse() -> None:
        values = await _values(origin, run, PackState.REFUSED)
        await Pack.get_pymongo_collection().update_one(
            {"_id": origin.digest},
            {
                "$set": {**values, "reason": reason, "finished_at": values["started_at"]},
                "$unset": {"folder": "", "inode": ""},
            },
            upsert=True,
        )

    mongo.run(_refuse())


async def _values(origin: Origin, run: str, state: PackState) -> dict[str, Any]:
    return {
        "run": run,
        "inbox": origin.inbox,
        "source": origin.source,
        "kind": origin.kind,
        "state": state.value,
        "started_at": await mongo.read_clock(),
    }


async def _get(digest: str) -> Pack:
    pack = await Pack.get(digest)
    if pack is None:
        raise ServiceUnavailableError("a pack vanished from the record")
    return pack


def update(digest: str, *, run: str, **values: Any) -> None:
    """Set fields of a pack that this run works on.

    Raises
    ------
    ServiceUnavailableError
        If another run has taken it over.
    """

    async def _update() -> int:
        result = await Pack.get_pymongo_collection().update_one({"_id": digest, "run": run}, {"$set": values})
        return result.matched_count

    if not mongo.run(_update()):
        raise ServiceUnavailableError("this run stood still for so long that another one took over")


def finish(digest: str, *, run: str) -> None:
    """Record that a pack is in the library, and itself out of the inbox."""
    update(digest, run=run, state=PackState.DONE.value, finished_at=mongo.now())


def adopt(digest: str, *, run: str) -> None:
    """Take over what a run left that was killed; the turn is held."""

    async def _adopt() -> None:
        await Pack.get_pymongo_collection().update_one({"_id": digest}, {"$set": {"run": run}})

    mongo.run(_adopt())


def find(digest: str) -> Pack | None:
    """Return what is known of a pack."""
    return mongo.run(Pack.get(digest))


def unfinished() -> list[Pack]:
    """Return the packs that a run left that was killed."""
    states = [PackState.TAKING.value, PackState.RECORDED.value]
    return mongo.run(Pack.find({"state": {"$in": states}}).to_list())
