"""Answers that Redis keeps for some seconds, as long as no library entry has changed.

The name of an answer has the generation of the entries (`entries.generation`), which every change raises, so an answer
is never older than the entries were a quarter of a second ago. While Redis does not answer, everything is computed.
Equal requests that come at the same time are computed once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from samplemind_web.access import Caller
from samplemind_worker.finding.postings import Kept, Postings
from samplemind_worker.store import entries

_KEPT: Final = 10  # s
_LOOK: Final = 0.25  # s between two looks at the generation
_COMPARE: Final = 2.0  # s between two looks at whether entries are missing, while none changes
_AWAY: Final = 5.0  # s without a request to Redis after it failed
_PATIENCE: Final = 0.25  # s that Redis may take
_LARGEST: Final = 512_000  # bytes of an answer that is kept


@dataclass(frozen=True, slots=True)
class State:
    """How the library entries stand."""

    generation: int
    trouble: str
    """What to say if entries are missing; empty if none are."""
    is_empty: bool


class Answers:
    """The answers of one server."""

    def __init__(self, redis: Redis, *, prefix: str) -> None:
        self._redis, self._prefix = redis, prefix
        self._away_until = 0.0
        self._making: dict[str, asyncio.Task[bytes]] = {}
        self._postings = Postings()
        self._state: State | None = None
        self._looked_at = 0.0
        self._compared_at = 0.0
        self._raised = -1
        self._looking = asyncio.Lock()

    async def state(self) -> State:
        """Return how the entries stand, or stood a moment ago."""
        if self._state is None or self._is_old():
            async with self._looking:
                if self._state is None or self._is_old():
                    self._state = await self._look(self._state)
        return self._state

    async def _look(self, last: State | None) -> State:
        looked_at, self._raised = time.monotonic(), entries.raised_here()
        generation = await entries.generation.aio()
        is_same = last is not None and last.generation == generation and not last.trouble
        if last is None or not is_same or looked_at > self._compared_at + _COMPARE:
            progress = await entries.progress.aio()
            last = State(generation, progress.trouble, not progress.entries)
            self._compared_at = looked_at
        self._looked_at = looked_at
        return last

    def _is_old(self) -> bool:
        return time.monotonic() - self._looked_at > _LOOK or self._raised != entries.raised_here()

    async def keys(self) -> Kept:
        """Return the index keys of the entries that this server keeps."""
        return self._postings.at((await self.state()).generation)

    async def kept(self, caller: Caller, what: list[Any], make: Callable[[], Awaitable[bytes]]) -> bytes:
        """Return an answer that Redis keeps, or make it; ``what`` names it among those of the caller."""
        state = await self.state()
        mine = [caller.user_id, None if caller.roots is None else sorted(caller.roots), state.trouble, *what]
        digest = blake2b(orjson.dumps(mine, default=str), digest_size=16).hexdigest()
        key = f"{self._prefix}:{state.generation}:{digest}"
        known = await self._look_up(key)
        if known is not None:
            return known
        task = self._making.get(key)
        if task is None:
            task = asyncio.ensure_future(self._make(key, make))
            self._making[key] = task
            task.add_done_callback(lambda _: self._making.pop(key, None))
        # Whoever goes away must not end it for the others.
        return await asyncio.shield(task)

    async def _make(self, key: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        body = await make()
        if len(body) <= _LARGEST:
            await self._ask(lambda: self._redis.set(key, body, ex=_KEPT))
        return body

    async def _look_up(self, key: str) -> bytes | None:
        return await self._ask(lambda: self._redis.get(key))

    async def _ask(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        if time.monotonic() < self._away_until:
            return None
        try:
            async with asyncio.timeout(_PATIENCE):
                return await ask()
        except (RedisError, OSError, TimeoutError):
            self._away_until = time.monotonic() + _AWAY
            return None
