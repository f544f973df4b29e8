"""Collections: what a user puts together under a name. The favourites are one that every user has.

A deleted collection is gone for its user at once; `finish_deleting` then takes its contents out, and goes on where a
process that died has stopped.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from samplemind_worker.documents.favourites import favourites_of
from samplemind_worker.errors import UsageError
from samplemind_worker.finding import entry
from samplemind_worker.finding.marks import Changed, apply, clean_name
from samplemind_worker.finding.terms import fold_name
from samplemind_worker.store import entries, marks, mongo, sample_collections
from samplemind_worker.store.marks import Change
from samplemind_worker.store.sample_collections import Row

FAVOURITES: Final = "favourites"
"""How a user names the own favourites, instead of an id."""
MOST: Final = 200
"""Collections of a user, without the favourites."""
LONGEST_NAME: Final = 100
"""Characters of a name."""

_PAGE: Final = 500
_SECONDS: Final = 10.0  # s that deleting works at once
_NO_TAGS: Final[dict[str, str]] = {}
_NONE: Final = frozenset[str]()


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection as its user sees it."""

    id: str
    name: str
    samples: int
    """How many contents it has."""
    created_at: datetime | None = None
    changed_at: datetime | None = None

    @property
    def built_in(self) -> bool:
        """Whether it can be neither renamed nor deleted."""
        return self.id == FAVOURITES


async def _collection(row: Row) -> Collection:
    samples = await marks.count.aio(row["_id"])
    return Collection(row["_id"], row["name"], samples, row["created_at"], row["changed_at"])


async def _favourites(user_id: str) -> Collection:
    return Collection(FAVOURITES, "Favourites", await marks.count.aio(favourites_of(user_id)))


@mongo.synchronous
async def of_user(user_id: str) -> list[Collection]:
    """Return the favourites of a user, then the own collections by name."""
    rows = await sample_collections.of_user.aio(user_id, limit=MOST)
    return list(await asyncio.gather(_favourites(user_id), *map(_collection, rows)))


@mongo.synchronous
async def find(user_id: str, collection: str) -> Collection | None:
    """Return a collection of a user by its id; None if this user has none of that id."""
    if collection == FAVOURITES:
        return await _favourites(user_id)
    row = await sample_collections.find.aio(user_id, collection=collection)
    return None if row is None else await _collection(row)


@mongo.synchronous
async def term_of(user_id: str, collection: str) -> str:
    """Return how entries name a collection of a user, which is given by its id or its name.

    Raises
    ------
    UsageError
        If this user has no such collection.
    """
    # A shell passes on bytes that are not UTF-8; no collection has them.
    collection = collection.encode(errors="backslashreplace").decode()
    if collection in {FAVOURITES, favourites_of(user_id)}:
        return favourites_of(user_id)
    row = await sample_collections.find.aio(user_id, collection=collection)
    row = row or await sample_collections.find.aio(user_id, key=fold_name(collection))
    if row is None:
        raise UsageError("--collection: there is no such collection")
    return row["_id"]


@mongo.synchronous
async def create(user_id: str, name: str) -> Collection | None:
    """Make an empty collection; None if the user has one of that name.

    Raises
    ------
    UsageError
        If the name is none, or the user has too many collections.
    """
    name = clean_name(name, "the name of a collection", longest=LONGEST_NAME)
    if len(await sample_collections.of_user.aio(user_id, limit=MOST)) == MOST:
        raise UsageError(f"there are {MOST} collections already; delete one first")
    row = None if fold_name(name) == FAVOURITES else await _created(user_id, name)
    return None if row is None else await _collection(row)


async def _created(user_id: str, name: str) -> Row | None:
    return await sample_collections.create.aio(user_id, name=name, key=fold_name(name))


@mongo.synchronous
async def rename(collection: str, name: str) -> bool:
    """Rename a collection, whose user the caller has checked; return False if that user has another of that name.

    Raises
    ------
    UsageError
        If the name is none.
    """
    name = clean_name(name, "the name of a collection", longest=LONGEST_NAME)
    key = fold_name(name)
    is_free = key != FAVOURITES and await sample_collections.rename.aio(collection, name=name, key=key)
    if is_free:
        await entries.raise_generation.aio()
    return is_free


@mongo.synchronous
async def put(user_id: str, collection: str, *, add: Sequence[str], remove: Sequence[str]) -> Changed | None:
    """Put contents into a collection of a user, and take others out; None if it was deleted meanwhile.

    Raises
    ------
    UsageError
        If a content is to be both added and removed.
    """
    if set(add) & set(remove):
        raise UsageError("a sample cannot be both added and removed")
    name = frozenset({await term_of.aio(user_id, collection)})
    joined = await apply(add, Change(_NO_TAGS, _NONE, name, _NONE))
    left = await apply(remove, Change(_NO_TAGS, _NONE, _NONE, name))
    changed = Changed(joined.changed + left.changed, joined.missing + left.missing)
    if collection == FAVOURITES or not changed.changed:
        return changed
    if await sample_collections.touch.aio(collection) is None:
        # It was deleted while contents were put in, perhaps after all others were taken out.
        await apply(add, Change(_NO_TAGS, _NONE, _NONE, name))
        return None
    return changed


@mongo.synchronous
async def delete(collection: str) -> None:
    """Delete a collection, whose user the caller has checked. Its contents stay as they are."""
    await sample_collections.hide.aio(collection)
    await entries.raise_generation.aio()
    await _take_out(collection, until=time.monotonic() + _SECONDS)


@mongo.synchronous
async def finish_deleting(*, seconds: float) -> None:
    """Take the contents out of collections that are deleted, for so many seconds at most."""
    until = time.monotonic() + seconds
    for collection in await sample_collections.hidden.aio(limit=_PAGE):
        await _take_out(collection, until=until)


async def _take_out(collection: str, *, until: float) -> None:
    change = Change(_NO_TAGS, _NONE, _NONE, frozenset({collection}))
    while page := await marks.members.aio(collection, limit=_PAGE):
        if time.monotonic() > until:
            return
        await marks.write.aio(page, change)
        await asyncio.to_thread(entry.refresh, page)
    await sample_collections.drop.aio(collection)
