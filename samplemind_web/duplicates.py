"""Comparisons of the whole library, which take seconds to minutes: made in the background, one at a time, and kept.

A comparison is made anew when somebody asks, entries have changed since, and it is a minute old.
"""

import asyncio
import secrets
import time
from dataclasses import dataclass
from typing import Any, Final, Literal

from loguru import logger

from config.settings import Settings
from samplemind_web.access import Caller
from samplemind_web.paging import Page
from samplemind_web.threads import Threads
from samplemind_worker.errors import ServiceUnavailableError
from samplemind_worker.finding import duplicates
from samplemind_worker.finding.alterations import DEFAULT_THRESHOLD
from samplemind_worker.finding.duplicates import DuplicateGroup, Found, Group
from samplemind_worker.store import entries

_PATIENCE: Final = 2.0  # s that a request waits for a comparison
_KEPT: Final = 60.0  # s for which a comparison is not made anew


class DuplicatesPage(Page[DuplicateGroup]):
    """A page of groups."""

    state: Literal["ready", "computing"]
    files: int | None
    """Files that were compared; null for callers who may not see all roots."""
    frees: int | None
    """Bytes that are free if one file of each group is kept."""
    outdated: int | None
    """Files that an older version analysed: they were compared by their bytes alone."""


@dataclass(frozen=True, slots=True)
class Part:
    """A page of a comparison."""

    comparison: str
    values: dict[str, Any]
    following: int | None


@dataclass(frozen=True, slots=True)
class _Comparison:
    name: str
    found: Found
    generation: int
    made_at: float


class Duplicates:
    """The last comparisons of one server: without and with altered copies."""

    def __init__(self, settings: Settings, threads: Threads) -> None:
        self._settings, self._threads = settings, threads
        self._known: dict[bool, _Comparison] = {}
        self._running: dict[bool, asyncio.Task[None]] = {}

    async def page(self, caller: Caller, *, near: bool, comparison: str | None, start: int, limit: int) -> Part | None:
        """Return a page of groups; None if it is one of a comparison that was replaced.

        Raises
        ------
        ServiceUnavailableError, ProblemError
            If the record does not answer, or there is too much to do.
        """
        known = self._known.get(near)
        if comparison is not None:
            return self._part(known, caller, start, limit) if known and known.name == comparison else None
        if known is None or await self._is_outdated(known):
            await self._compare(near)
            known = self._known.get(near)
        if known is None:
            none = {"items": [], "total": None, "files": None, "frees": None, "outdated": None, "state": "computing"}
            return Part("", none, None)
        return self._part(known, caller, 0, limit)

    async def _is_outdated(self, known: _Comparison) -> bool:
        is_old = time.monotonic() - known.made_at > _KEPT
        return is_old and await entries.generation.aio() != known.generation

    async def _compare(self, near: bool) -> None:  # noqa: FBT001 -- which of the two
        """Have the library compared, and wait a moment for it."""
        task = self._running.get(near)
        if task is None:
            task = self._running[near] = asyncio.ensure_future(self._run(near))
            task.add_done_callback(lambda _: self._running.pop(near, None))
        await asyncio.wait({task}, timeout=_PATIENCE)
        if task.done():
            task.result()

    async def _run(self, near: bool) -> None:  # noqa: FBT001 -- which of the two
        generation = await entries.generation.aio()
        threshold = DEFAULT_THRESHOLD if near else None
        try:
            found = await self._threads.start(
                lambda: duplicates.find(self._settings, threshold=threshold, say=lambda _: None)
            )
        except ServiceUnavailableError as error:
            logger.warning("comparison_failed", fields={"error": str(error)})
            raise
        self._known[near] = _Comparison(secrets.token_hex(6), found, generation, time.monotonic())

    def _part(self, known: _Comparison, caller: Caller, start: int, limit: int) -> Part:
        groups = [each for each in known.found.groups if _may_see(caller, each)]
        end = start + limit
        values = {
            "items": [duplicates.report(each) for each in groups[start:end]],
            "total": len(groups),
            "state": "ready",
            "files": known.found.files if caller.roots is None else None,
            "frees": sum(each.frees for each in groups),
            "outdated": known.found.outdated if caller.roots is None else None,
        }
        return Part(known.name, values, end if end < len(groups) else None)

    async def close(self) -> None:
        """Let comparisons end within a moment; those that do not end with the process."""
        for task in list(self._running.values()):
            task.cancel()
        await self._threads.close()


def _may_see(caller: Caller, group: Group) -> bool:
    """Return whether a caller may see all files of a group."""
    return caller.roots is None or all(caller.may_see(each.place.shown) for each in group.files)
