"""Which workers read what and reach which roots, by their signs of life: where the dispatcher sends a parcel."""

from collections.abc import Collection, Iterable

from config.queues import CPU, KINDS, Queues, kind_of_step
from samplemind_worker.documents.batch import Step
from samplemind_worker.store.cache import WorkerSign


class Readers:
    """The workers of a deployment that gave a sign of life."""

    def __init__(self, queues: Queues, signs: Collection[WorkerSign], lacks: Iterable[tuple[str, str]] = ()) -> None:
        self._queues = queues
        self._signs = signs
        self._lacks = set(lacks)
        self.read = {queue for sign in signs for queue in sign.queues}
        """All queues that somebody reads."""

    def queue(self, step: Step, root: str) -> str | None:
        """Return the queue for a parcel that begins with a step; None if its files are to be read and nobody can.

        Where no worker is there at all, it is the queue of the first to come.
        """
        return self._queue_of_root(root) if step is Step.DECODE else self._queue_of(kind_of_step(step))

    def _queue_of(self, kind: str) -> str:
        own = self._queues.of(kind)
        # Workers from before the prefix read the names without it alone.
        return kind if own not in self.read and kind in self.read else own

    def _queue_of_root(self, root: str) -> str | None:
        lacking = {host for host, lacked in self._lacks if lacked == root}
        shared = self._queue_of(CPU)
        if root.startswith("/") and not lacking:
            return shared
        own = self._queues.of_root(root)
        if any(own in sign.queues and sign.host not in lacking for sign in self._signs):
            return own
        if shared in self.read:
            return None if shared == self._queues.of(CPU) else shared
        return own if not lacking else None

    def slots(self, queue: str) -> int:
        """Return how many parcels the readers of a queue work on at once."""
        return sum(sign.slots for sign in self._signs if queue in sign.queues)

    def is_unread(self, queue: str) -> bool:
        """Whether nobody reads a queue, and nobody will: the shared ones wait for the first worker to come.

        So do those of roots while no cpu worker is there.
        """
        if queue in self.read or queue in (*KINDS, *map(self._queues.of, KINDS)):
            return False
        return self._queues.of(CPU) in self.read or not queue.startswith(self._queues.of_root(""))
