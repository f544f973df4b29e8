"""Sample packs, keyed by their content, and the turn that one ingesting run at a time holds."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pymongo.errors import DuplicateKeyError

from samplemind_worker.documents.pack import Pack, PackState, Turn
from samplemind_worker.errors import ServiceUnavailableError
from samplemind_worker.store import mongo, turns

TURN: Final = "ingest"
"""The job of whoever takes in packs (`turns`)."""


def take_turn(run: str, *, lease: float) -> bool:
    """Take the turn unless another run holds its lease; return whether it was taken."""
    return turns.take(TURN, run, lease=lease)


def turn_kept(run: str, *, lease: float) -> AbstractContextManager[None]:
    """Renew the lease of the turn until the block ends, then give the turn back."""
    return turns.kept(TURN, run, lease=lease)


def require_turn(run: str) -> None:
    """Check that the turn is still held, before an action that nothing else guards.

    Raises
    ------
    ServiceUnavailableError
        If another run has taken it, because this one stood still for longer than its lease.
    """
    turns.require(TURN, run)


@mongo.synchronous
async def note_run(run: str, *, began: datetime) -> None:
    """Record that a run is complete."""
    await Turn.get_pymongo_collection().update_one({"_id": TURN, "holder": run}, {"$set": {"last_run_at": began}})


@mongo.synchronous
async def last_run() -> datetime | None:
    """Return when the last complete run began."""
    turn = await Turn.get(TURN)
    return None if turn is None else turn.last_run_at


@dataclass(frozen=True, slots=True)
class Origin:
    """A pack in an inbox."""

    digest: str
    inbox: str
    source: str
    kind: str


@mongo.synchronous
async def begin(origin: Origin, *, run: str, folders: Iterable[str]) -> Pack:
    """Record that a pack is being taken into the first of these folders that no other pack has.

    Raises
    ------
    ServiceUnavailableError
        If other packs have all of them.
    """
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


@mongo.synchronous
async def refuse(origin: Origin, *, run: str, reason: str) -> None:
    """Record that a pack is refused, and free its folder."""
    values = await _values(origin, run, PackState.REFUSED)
    await Pack.get_pymongo_collection().update_one(
        {"_id": origin.digest},
        {
            "$set": {**values, "reason": reason, "finished_at": values["started_at"]},
            "$unset": {"folder": "", "inode": ""},
        },
        upsert=True,
    )


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


@mongo.synchronous
async def update(digest: str, *, run: str, **values: Any) -> None:
    """Set fields of a pack that this run works on.

    Raises
    ------
    ServiceUnavailableError
        If another run has taken it over.
    """
    result = await Pack.get_pymongo_collection().update_one({"_id": digest, "run": run}, {"$set": values})
    if not result.matched_count:
        raise ServiceUnavailableError("this run stood still for so long that another one took over")


def finish(digest: str, *, run: str) -> None:
    """Record that a pack is in the library and no longer in the inbox."""
    update(digest, run=run, state=PackState.DONE.value, finished_at=mongo.now())


@mongo.synchronous
async def adopt(digest: str, *, run: str) -> None:
    """Take over a pack from a run that was killed; the caller holds the turn."""
    await Pack.get_pymongo_collection().update_one({"_id": digest}, {"$set": {"run": run}})


@mongo.synchronous
async def find(digest: str) -> Pack | None:
    """Return the record of a pack, or None."""
    return await Pack.get(digest)


@mongo.synchronous
async def unfinished() -> list[Pack]:
    """Return the packs that killed runs left half done."""
    states = [PackState.TAKING.value, PackState.RECORDED.value]
    return await Pack.find({"state": {"$in": states}}).to_list()
