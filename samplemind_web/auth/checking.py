"""Passwords are hashed and checked in a few threads, with a limit on how many wait: argon2 takes time and memory."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import ParamSpec, TypeVar

from samplemind_web.problems import ProblemError
from samplemind_worker.accounts import passwords

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = 2
_MOST_WAITING = 20


class PasswordChecks:
    """Runs the slow part of logins off the event loop."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="password")
        self._waiting = 0

    async def verify(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        """Do what `passwords.verify` does.

        Raises
        ------
        ProblemError
            If too many passwords are being checked.
        """
        return await self.run(passwords.verify, password, hashed)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something that hashes; raises what `verify` raises, and what the work raises."""
        if self._waiting >= _MOST_WAITING:
            headers = {"Retry-After": "2"}
            detail = "too many passwords are being checked; try again in a moment"
            raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "busy", detail, headers=headers)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: work(*args, **kwargs))
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
