"""Finds the roots that a cpu worker reaches; it consumes only from the queues of these."""

import threading
import time
from typing import Final

from loguru import logger

from config.locations import is_named
from samplemind_worker.errors import RootNotReachedError, SampleMindError, ServiceUnavailableError, TransientError
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store.library import is_object
from samplemind_worker.store.roots import Roots

_LOOK_SECONDS: Final = 2.0
_ASK_SECONDS: Final = 15.0  # for a bucket, where each look is paid for
_BACK_SECONDS: Final = 5.0  # until one that is not reached is asked again
_STALE_SECONDS: Final = 10.0  # a check that takes longer hangs on a dead mount
_FIRST_SECONDS: Final = 1.0  # that a worker waits for the first checks before it takes work
_KEPT_SECONDS: Final = 3600.0  # that a vanished path is checked; later the next parcel reports it again


class _Watch:
    """Checks one root again and again in a thread of its own, because a dead mount blocks the thread."""

    def __init__(self, root: str, roots: Roots, *, every: float) -> None:
        self._every = every
        self._why = ""
        self.began = time.monotonic()
        self._root = root
        self._roots = roots
        self._reached_at = float("-inf")
        self.looked = threading.Event()
        self._ended = threading.Event()
        threading.Thread(target=self._run, name=f"root-{root}", daemon=True).start()

    def end(self) -> None:
        """Stop checking."""
        self._ended.set()

    @property
    def is_reached(self) -> bool:
        """Whether the last check found the root, and is recent."""
        return time.monotonic() - self._reached_at < self._every + _STALE_SECONDS

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._roots.require(self._root)
                self._reached_at = time.monotonic()
                self._why = ""
            except TransientError:  # a bucket that can answer nothing now; what was known of it holds for a while
                pass
            except SampleMindError as error:
                self._reached_at = float("-inf")
                self._tell(error)
            self.looked.set()
            self._ended.wait(self._every if self.is_reached else min(self._every, _BACK_SECONDS))

    def _tell(self, error: SampleMindError) -> None:
        """Log why a bucket is not reached, once per reason."""
        why = error.why if isinstance(error, RootNotReachedError) else ""
        if why and why != self._why:
            logger.warning("root.not_reached", fields={"root": self._root, "why": why})
        self._why = why


class Reach:
    """Follows the roots of a cpu worker in the background, and names the root queues that it should consume from.

    These are the queues of the named roots that it reaches. A root without a name is the path of a folder. Its files go
    through the queue of all cpu workers until one of them does not reach it; from then on they go through a queue of
    that root, which the workers that reach it consume from.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._settings = workspace.settings
        self._roots = Roots(self._settings.roots)
        self._watches: dict[str, _Watch] = {}
        self._contested: set[str] = set()

    def start(self) -> None:
        """Start checking, and wait a moment for the first results."""
        self._follow(set(self._settings.roots))
        deadline = time.monotonic() + _FIRST_SECONDS
        for watch in self._watches.values():
            watch.looked.wait(max(0.0, deadline - time.monotonic()))
        threading.Thread(target=self._run, name="reach", daemon=True).start()

    def queues(self) -> set[str]:
        """Return the queues of the roots that are reached now."""
        roots = {root for root, watch in list(self._watches.items()) if watch.is_reached}
        return {self._settings.queues.of_root(root) for root in roots & {*self._settings.roots, *self._contested}}

    def _run(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            try:
                self._go_round()
            except ServiceUnavailableError as error:
                logger.warning("reach.without_redis", fields=str(error))

    def _go_round(self) -> None:
        board, host = self._workspace.board, self._settings.host
        lacks = board.lacks()
        # If any roots are named, no other folder is read.
        paths = set[str]() if self._settings.roots else {root for _, root in lacks if not is_named(root)}
        self._follow({*self._settings.roots, *paths})
        self._contested = {root for other, root in lacks if other != host} & paths
        for root in {root for other, root in lacks if other == host}:
            watch = self._watches.get(root)
            if watch is None or not watch.looked.is_set():
                board.lack(host, root)
            elif watch.is_reached:
                board.reach(host, root)
                logger.info("root.reached", fields={"root": root})
            elif root in self._settings.roots or time.monotonic() - watch.began < _KEPT_SECONDS:
                board.lack(host, root)

    def _follow(self, roots: set[str]) -> None:
        for root in roots - set(self._watches):
            every = _ASK_SECONDS if is_object(root, self._settings.roots) else _LOOK_SECONDS
            self._watches[root] = _Watch(root, self._roots, every=every)
        for root in set(self._watches) - roots:
            self._watches.pop(root).end()
