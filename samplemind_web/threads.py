"""Threads for what is synchronous by nature: walking folders, looking at disks, checking services.

Each kind of work has a pool of its own, so that folders of a dead mount, which block whoever looks at them, hold up
nothing else. A pool has no queue: who finds it full is told to come back.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, TypeVar

from samplemind_web.problems import ProblemError

T = TypeVar("T")

_RETRY = {"Retry-After": "5"}
_GRACE: Final = 3.0  # s that running calls may go on when the server ends


class Threads:
    """A bounded pool of threads."""

    def __init__(self, name: str, *, most: int) -> None:
        self._name = name
        self._most = most
        self._running: set[Future[Any]] = set()
        self._pool = ThreadPoolExecutor(max_workers=most, thread_name_prefix=f"web-{name}")

    def start(self, call: Callable[[], T]) -> "asyncio.Future[T]":
        """Start a call; cancelling the future leaves the thread running.

        Raises
        ------
        ProblemError
            If all threads are busy.
        """
        if len(self._running) >= self._most:
            detail = f"the server has as much to do as it takes on at once ({self._name}); try again soon"
            raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "busy", detail, headers=_RETRY)
        future = self._pool.submit(call)
        self._running.add(future)
        loop = asyncio.get_running_loop()

        def _ended(ended: Future[Any]) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._running.discard, ended)

        future.add_done_callback(_ended)
        return asyncio.wrap_future(future)

    async def run(self, call: Callable[[], T], *, seconds: float) -> T:
        """Return what a call returns.

        Raises
        ------
        ProblemError
            If all threads are busy, or it takes longer than so many seconds; the thread goes on.
        """
        started = self.start(call)
        try:
            return await asyncio.wait_for(asyncio.shield(started), seconds)
        except TimeoutError:
            started.add_done_callback(_forget)
            detail = f"this took longer than {seconds:g} s; a disk or a service may hang"
            raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "too_slow", detail, headers=_RETRY) from None

    async def close(self) -> None:
        """Take no more calls, and let running ones end within a moment: they use connections that are closed next."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._running:
            await asyncio.wait([asyncio.wrap_future(each) for each in self._running], timeout=_GRACE)


def _forget(future: "asyncio.Future[Any]") -> None:
    """Take notice of an error that nobody waits for any more."""
    if not future.cancelled():
        future.exception()
