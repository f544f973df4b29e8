"""The vectors of one recipe: one per distinct content, with the content hash as its id.

A recipe is versioned, and each version has collections of its own, so that vectors of two recipes never mix. Silent
files have no vector, because a zero vector damages the index. The record (`vector_index`) says which collection is in
use and which one is being built to replace it, so that a rebuild takes over in one update.
"""

import re
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from typing import Self, TypeVar

from samplemind_worker.errors import IndexMissingError
from samplemind_worker.store import vector_index
from samplemind_worker.store.chroma import Chroma
from samplemind_worker.store.vector_index import Names

T = TypeVar("T")

_SECONDS = 15.0  # s for one request


class Vectors:
    """The vectors of one recipe on one Chroma server, as the record says where they are.

    Every method raises ServiceUnavailableError if Chroma or the record does not answer.
    """

    def __init__(
        self, url: str, *, database: str, version: int, seconds: float = _SECONDS, guarded: bool = False
    ) -> None:
        self.version = version
        self.chroma = Chroma(url, seconds=seconds, guarded=guarded)
        self._database = database

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def first(self) -> str:
        """The collection that is in use until a rebuild has replaced it."""
        return f"{self._database}-sound-v{self.version}"

    def of(self, version: int) -> Self:
        """Return the vectors of another recipe, by the same connections."""
        other = copy(self)
        other.version = version
        return other

    def close(self) -> None:
        """Close the connections."""
        self.chroma.close()

    @property
    def names(self) -> Names:
        """The collections, as the record has them now."""
        return vector_index.names(self.version, first=self.first)

    def upsert(self, vectors: Mapping[str, Sequence[float]]) -> None:
        """Store vectors by content hash, in the collection in use and in the one that is to replace it.

        The contents must be in the record before this is called: a rebuild that begins just now reads them there.

        Raises
        ------
        InternalError
            If Chroma refuses a vector.
        """
        if not vectors:
            return
        names = self.names
        if names.building is not None:
            with suppress(IndexMissingError):  # the rebuild creates it in a moment, or was given up
                self.chroma.upsert(names.building, vectors)
        try:
            self.chroma.upsert(names.active, vectors)
        except IndexMissingError:
            active = self.names.active
            if active == names.active:
                # These are the first vectors, or Chroma has lost the collection, which its count then shows.
                self.chroma.create(active)
            self.chroma.upsert(active, vectors)

    def remove(self, contents: Sequence[str]) -> None:
        """Remove the vectors of contents, after their analyses were taken out of the record."""
        names = self.names
        for name in (names.active, names.building):
            if name is not None and contents:
                with suppress(IndexMissingError):
                    self.chroma.remove(name, contents)

    def nearest(self, vector: Sequence[float], *, limit: int) -> list[tuple[str, float]]:
        """Return the nearest contents with their cosine distance (0 is equal, 2 is opposite), nearest first."""
        [found] = self.nearest_of_each([vector], limit=limit)
        return found

    def nearest_of_each(self, vectors: Sequence[Sequence[float]], *, limit: int) -> list[list[tuple[str, float]]]:
        """Return what `nearest` returns for each of several vectors, with one request."""
        return self._read(lambda name: self.chroma.nearest(name, vectors, limit=limit))

    async def nearest_here(self, vector: Sequence[float], *, limit: int) -> list[tuple[str, float]]:
        """Await what `nearest` returns, on the loop of this process."""
        [found] = await self._read_here(lambda name: self.chroma.on_loop.nearest(name, [vector], limit=limit))
        return found

    async def get_here(self, contents: Sequence[str]) -> dict[str, list[float]]:
        """Await what `get` returns, on the loop of this process."""
        return await self._read_here(lambda name: self.chroma.on_loop.get(name, contents)) if contents else {}

    def count(self) -> int:
        """Return the number of vectors in the collection in use."""
        return self._read(self.chroma.count)

    def present(self, contents: Sequence[str]) -> set[str]:
        """Return which of these contents have a vector."""
        return self._read(lambda name: self.chroma.present(name, contents)) if contents else set()

    def get(self, contents: Sequence[str]) -> dict[str, list[float]]:
        """Return the vectors of those of these contents that have one."""
        return self._read(lambda name: self.chroma.get(name, contents)) if contents else {}

    def ids(self) -> set[str]:
        """Return the ids of all vectors."""
        return self._read(self.chroma.ids)

    def new_name(self) -> str:
        """Return a name for a collection that is to replace the one in use."""
        return f"{self.first}-{uuid.uuid4().hex[:8]}"

    def drop_others(self, keep: Names) -> None:
        """Delete the collections that rebuilds of this recipe have left behind."""
        for name in self.collections():
            if name not in (keep.active, keep.building):
                self.chroma.drop(name)

    def collections(self) -> list[str]:
        """Return the names of all collections of this recipe."""
        ours = re.compile(rf"{re.escape(self.first)}(-[0-9a-f]{{8}})?")
        return [name for name in self.chroma.collections() if ours.fullmatch(name)]

    async def _read_here(self, call: Callable[[str], Awaitable[T]]) -> T:
        name = (await vector_index.names.aio(self.version, first=self.first)).active
        try:
            return await call(name)
        except IndexMissingError:
            active = (await vector_index.names.aio(self.version, first=self.first)).active
            if active == name:
                raise
            return await call(active)

    def _read(self, call: Callable[[str], T]) -> T:
        """Read from the collection in use, or from its successor if a rebuild takes over meanwhile."""
        name = self.names.active
        try:
            return call(name)
        except IndexMissingError:
            active = self.names.active
            if active == name:
                raise
            return call(active)
