"""Chooses the queue of a parcel, by which queues the announced workers read and which roots they reach."""

from collections.abc import Collection, Iterable

from config.locations import is_named
from config.queues import CPU, KINDS, Queues, kind_of_step
from samplemind_worker.documents.batch import Step
from samplemind_worker.store.cache import WorkerSign


class Readers:
    """The announced workers of a deployment."""

    def __init__(self, queues: Queues, signs: Collection[WorkerSign], lacks: Iterable[tuple[str, str]] = ()) -> None:
        self._queues = queues
        self._signs = signs
        self._lacks = set(lacks)
        self.read = {queue for sign in signs for queue in sign.queues}
        """All queues that at least one worker reads."""

    def queue(self, step: Step, root: str) -> str | None:
        """Return the queue for a parcel that begins with a step; None if no worker can read its files.

        If no worker is announced, it is the queue that the first one will read.
        """
        return self._queue_of_root(root) if step is Step.DECODE else self._queue_of(kind_of_step(step))

    def _queue_of(self, kind: str) -> str:
        own = self._queues.of(kind)
        # Workers from before the prefix read only the names without it.
        return kind if own not in self.read and kind in self.read else own

    def _queue_of_root(self, root: str) -> str | None:
        lacking = {host for host, lacked in self._lacks if lacked == root}
        shared = self._queue_of(CPU)
        if not is_named(root) and not lacking:
            return shared
        own = self._queues.of_root(root)
        if any(own in sign.queues and sign.host not in lacking for sign in self._signs):
            return own
        if shared in self.read:
            return None if shared == self._queues.of(CPU) else shared
        return own if not lacking else None

    def slots(self, queue: str) -> int:
        """Return how many parcels the workers of a queue process at once."""
        return sum(sign.slots for sign in self._signs if queue in sign.queues)

    def is_unread(self, queue: str) -> bool:
        """Return whether no worker reads a queue, and none will.

        The shared queues wait for the first worker, and so do those of roots while there is no cpu worker.
        """
        if queue in self.read or queue in (*KINDS, *map(self._queues.of, KINDS)):
            return False
        return self._queues.of(CPU) in self.read or not queue.startswith(self._queues.of_root(""))
