"""Answers of the record that are kept for a moment, so that a burst of requests asks once."""

import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

_SECONDS = 0.5
_MOST = 10_000


class Fresh(Generic[Key, Value]):
    """Asks again for what was asked longer ago than some seconds. For use on one event loop."""

    def __init__(self, ask: Callable[[Key], Awaitable[Value]], *, seconds: float = _SECONDS) -> None:
        self._ask = ask
        self._seconds = seconds
        self._known: dict[Key, tuple[float, Value]] = {}

    async def get(self, key: Key) -> Value:
        """Return the answer; raises what asking raises."""
        found = self._known.get(key)
        if found is not None and time.monotonic() - found[0] < self._seconds:
            return found[1]
        asked_at = time.monotonic()
        answer = await self._ask(key)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[key] = asked_at, answer
        return answer

    def forget(self, key: Key) -> None:
        """Ask again at the next time."""
        self._known.pop(key, None)
