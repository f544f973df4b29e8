"""Which workers read what, by their signs of life: where the dispatcher sends a parcel."""

from collections.abc import Sequence
from typing import Final

from config.queues import AI, CPU, IO, KINDS, Queues
from samplemind_worker.documents.batch import Step
from samplemind_worker.store.cache import WorkerSign

FIRST_KIND: Final = {Step.DECODE: CPU, Step.SUMMARIZE: AI, Step.STORE: IO}
"""The kind of queue of each step that a parcel may begin with."""


class Readers:
    """The workers of a deployment that gave a sign of life."""

    def __init__(self, queues: Queues, signs: Sequence[WorkerSign]) -> None:
        self._queues = queues
        self._signs = signs
        self.read = {queue for sign in signs for queue in sign.queues}
        """All queues that somebody reads."""

    def queue(self, step: Step) -> str:
        """Return the queue for a parcel that begins with a step; where nobody reads any, that of the first to come.

        Workers from before the prefix read the names without it alone.
        """
        kind = FIRST_KIND[step]
        own = self._queues.of(kind)
        return kind if own not in self.read and kind in self.read else own

    def slots(self, queue: str) -> int:
        """Return how many parcels the readers of a queue work on at once."""
        return sum(sign.slots for sign in self._signs if queue in sign.queues)

    def is_unread(self, queue: str) -> bool:
        """Whether nobody reads a queue, and nobody will: the shared ones wait for the first worker to come."""
        return queue not in self.read and queue not in (*KINDS, *map(self._queues.of, KINDS))
