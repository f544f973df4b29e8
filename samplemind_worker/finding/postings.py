"""The index keys of terms, as a server keeps them while no entry changes.

The key of an entry is its moment. Which entries meet several conditions follows from the keys alone, so that only
entries which are shown or ranked are read. A process that searches once reads less without them.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from samplemind_worker.store import entry_search

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Keys = NDArray[np.int64]
    """Moments, the newest first, each one once."""

_MOST_OF_ONE: Final = 100_000
"""Keys of a term; of what is more frequent, none are kept."""
_MOST: Final = 4_000_000
"""Keys that are kept, of 8 bytes each."""
_SETTLED: Final = 3.0  # s without a change of any entry, after which keys are worth keeping


class Postings:
    """The keys of the terms that were searched for lately, for use on one event loop."""

    def __init__(self) -> None:
        self._generation: int | None = None
        self._changed_at = 0.0
        self._known: OrderedDict[str, Keys | None] = OrderedDict()
        self._held = 0
        self._reading = asyncio.Lock()

    def at(self, generation: int) -> "Kept":
        """Return the keys as they are at a generation of the entries (`store.entries.generation`)."""
        return Kept(self, generation)

    @property
    def held(self) -> int:
        """How many keys are kept."""
        return self._held

    async def read(self, groups: Sequence[Sequence[str]], generation: int) -> "list[Keys] | None":
        """Return what `Kept.of` returns."""
        if generation != self._generation:
            self._changed_at = 0.0 if self._generation is None else time.monotonic()
            self._generation, self._held = generation, 0
            self._known.clear()
        if time.monotonic() - self._changed_at < _SETTLED:
            return None
        found: list[Keys] = []
        for terms in groups:
            parts = [await self._read(term) for term in terms]
            present = [part for part in parts if part is not None]
            if len(present) < len(parts):
                return None
            found.append(_united(present))
        return found if generation == self._generation else None

    async def _read(self, term: str) -> "Keys | None":
        if term in self._known:
            self._known.move_to_end(term)
            return self._known[term]
        # One after the other: many at once would only keep MongoDB from answering everybody else.
        async with self._reading:
            if term in self._known:
                return self._known[term]
            generation = self._generation
            found = await entry_search.keys_of.aio(term, most=_MOST_OF_ONE + 1)
            import numpy as np  # noqa: PLC0415 -- slow import

            keys = np.array(found, np.int64)
            keys = None if len(found) > _MOST_OF_ONE else keys[np.append(keys[:-1] != keys[1:], True)[: len(keys)]]
            if generation == self._generation:
                self._keep(term, keys)
            return keys

    def _keep(self, term: str, keys: "Keys | None") -> None:
        self._known[term] = keys
        self._held += 0 if keys is None else len(keys)
        while self._held > _MOST:
            _, dropped = self._known.popitem(last=False)
            self._held -= 0 if dropped is None else len(dropped)


@dataclass(frozen=True, slots=True)
class Kept:
    """The keys at one generation of the entries."""

    postings: Postings
    generation: int

    async def of(self, groups: Sequence[Sequence[str]]) -> "list[Keys] | None":
        """Return the keys of the entries that have one term of each group; None if too many do, or some just changed.

        Raises
        ------
        ServiceUnavailableError
            If the record does not answer.
        """
        return await self.postings.read(groups, self.generation)


def _united(parts: "Sequence[Keys]") -> "Keys":
    import numpy as np  # noqa: PLC0415 -- slow import

    if len(parts) == 1:
        return parts[0]
    return np.unique(np.concatenate(parts))[::-1] if parts else np.array([], np.int64)


def common(groups: "Sequence[Keys]") -> "Keys":
    """Return the keys that all groups have, the newest first."""
    first, *others = sorted(groups, key=len)
    for each in others:
        first = first[_are_in(first, each)]
    return first


def preferred(keys: "Keys", among: "Keys") -> "Keys":
    """Return keys with those first that are ``among`` others; the newest are first in both parts."""
    import numpy as np  # noqa: PLC0415 -- slow import

    is_first = _are_in(keys, among)
    return np.concatenate([keys[is_first], keys[~is_first]])


def _are_in(keys: "Keys", others: "Keys") -> "NDArray[np.bool_]":
    import numpy as np  # noqa: PLC0415 -- slow import

    if not len(others):
        return np.zeros(len(keys), bool)
    rising = others[::-1]
    places = np.searchsorted(rising, keys)
    return rising[np.minimum(places, len(rising) - 1)] == keys
