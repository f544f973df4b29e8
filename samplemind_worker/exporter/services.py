"""What Redis says of workers and queues, and Chroma of vectors, as samples."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from config.queues import CPU, KINDS, host_queue, is_of_root
from config.settings import Settings
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import IndexMissingError
from samplemind_worker.metrics import definitions as metrics
from samplemind_worker.metrics.endpoint import Sample
from samplemind_worker.store import totals, vector_index
from samplemind_worker.store.cache import Board, WorkerSign
from samplemind_worker.store.vectors import Vectors

_SECONDS: Final = 5.0  # s for one request to Chroma
_VECTORS_SECONDS: Final = 60.0
"""Seconds for which a count of vectors is kept: it reads an index key per content."""


class Queues:
    """The workers and queues of the deployment."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        url = settings.redis_url
        self._board = Board("" if url is None else url.get_secret_value(), settings.database)
        self.workers: Counter[str] = Counter()
        """Workers by the kind of queue that they read, as they were read last."""

    def read(self) -> list[Sample]:
        """Return the samples; raises ServiceUnavailableError."""
        signs = self._board.workers()
        self.workers = Counter(kind for sign in signs for kind in self._kinds(sign))
        return [*self._of_workers(signs), *self._of_queues(signs), (metrics.NOT_REACHED, {}, len(self._board.lacks()))]

    def close(self) -> None:
        """Close the connections."""
        self._board.close()

    def _kinds(self, sign: WorkerSign) -> list[str]:
        return [kind for kind in KINDS if self._settings.queues.of(kind) in sign.queues or kind in sign.queues]

    def _of_workers(self, signs: Sequence[WorkerSign]) -> Iterator[Sample]:
        for kind in KINDS:
            yield metrics.WORKERS, {"queue": kind}, self.workers[kind]
            yield metrics.SLOTS, {"queue": kind}, sum(sign.slots for sign in signs if kind in self._kinds(sign))

    def _of_queues(self, signs: Sequence[WorkerSign]) -> Iterator[Sample]:
        names = {queue for sign in signs for queue in sign.queues} | {*map(self._settings.queues.of, KINDS)}
        lengths = dict.fromkeys((*KINDS, f"{CPU}_host", f"{CPU}_root"), 0)
        hosts = {host_queue(sign.host) for sign in signs}
        for name in names:
            if is_of_root(name):
                label = f"{CPU}_root"
            else:
                plain = name.removeprefix(f"{self._settings.database}:")
                label = f"{CPU}_host" if plain in hosts else plain
            if label in lengths:
                lengths[label] += self._board.depth(name)
        for label, length in lengths.items():
            yield metrics.QUEUE_MESSAGES, {"queue": label}, length


class Index:
    """The vectors in Chroma, compared with the record."""

    def __init__(self, settings: Settings) -> None:
        url = settings.chroma_url
        version = VERSIONS["store"]
        self._vectors = Vectors(
            "" if url is None else url.get_secret_value(), database=settings.database, version=version, seconds=_SECONDS
        )
        self._kept: list[Sample] = []
        self._until = float("-inf")

    def close(self) -> None:
        """Close the connections."""
        self._vectors.close()

    def answers(self) -> None:
        """Ask Chroma whether it answers; raises ServiceUnavailableError."""
        self._vectors.chroma.require()

    def read(self) -> list[Sample]:
        """Return the samples, which may be a minute old; raises ServiceUnavailableError."""
        if time.monotonic() > self._until:
            recorded = vector_index.stored(self._vectors.version)
            try:
                present = self._vectors.count()
            except IndexMissingError:  # no vector was stored yet, or Chroma has lost all of them
                present = 0
            self._kept = [
                (metrics.CONTENTS, {}, totals.contents()),
                (metrics.VECTORS, {"where": "record"}, recorded),
                (metrics.VECTORS, {"where": "chroma"}, present),
                (metrics.VECTORS_MISSING, {}, max(0, recorded - present)),
            ]
            self._until = time.monotonic() + _VECTORS_SECONDS
        return self._kept
