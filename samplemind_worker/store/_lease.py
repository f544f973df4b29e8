"""Keeps a lease in the record alive while its holder works."""

import asyncio
import itertools
import math
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from typing import Any, Final

from pymongo.errors import PyMongoError

from samplemind_worker.store import _loop

_RENEWALS: Final = 5
"""Renewals per length of a lease: a database that is away for half a minute must not let the lease end."""


@contextmanager
def renewed(
    renew: Callable[[], Coroutine[Any, Any, object]], *, lease: float, limit: float | None = None
) -> Generator[None]:
    """Renew a lease of ``lease`` seconds several times in its length, until the block ends.

    ``limit`` ends the renewals after so many seconds even if the block goes on. A renewal that fails is skipped, as the
    next one may succeed in time. The last renewal may still be under way when the block has ended.
    """
    # An event, not cancel(): the driver takes a cancelled command for a lost connection and repeats it.
    ended = asyncio.Event()
    rounds = itertools.count() if limit is None else range(math.ceil(_RENEWALS * limit / lease))

    async def _renew_until_ended() -> None:
        for _ in rounds:
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), lease / _RENEWALS)
                return
            with suppress(PyMongoError):
                await renew()

    loop = _loop.get_loop()
    asyncio.run_coroutine_threadsafe(_renew_until_ended(), loop)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(ended.set)
