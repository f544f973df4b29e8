"""Keeps what the exporter shows: it is read when it is asked for, never twice at once, and never all of the time."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from loguru import logger

from config.settings import Settings
from samplemind_worker.errors import SampleMindError
from samplemind_worker.exporter.record import WORK, Record
from samplemind_worker.exporter.services import Index, Queues
from samplemind_worker.metrics import definitions as metrics
from samplemind_worker.metrics.endpoint import Sample

SERVICES: Final = ("mongodb", "redis", "chroma")

_LEAST_SECONDS: Final = 2.0
"""Seconds for which a snapshot is shown at least."""
_SHARE: Final = 0.1
"""The exporter reads for at most this share of the time, however large the record is."""
_MOST_SECONDS: Final = 120.0
"""Seconds for which a snapshot is shown at most, while somebody asks."""
_PATIENCE: Final = 8.0
"""Seconds that a request waits for a new snapshot before it gets the last one; Prometheus gives up after ten."""


class Snapshots:
    """The last snapshot, and the one that is being taken."""

    def __init__(self, settings: Settings) -> None:
        self._record, self._queues, self._index = Record(settings), Queues(settings), Index(settings)
        self._threads = ThreadPoolExecutor(len(SERVICES) + 1, thread_name_prefix="exporter")
        self._lock = threading.Lock()
        self._coming: Future[None] | None = None
        self._samples: list[Sample] = [(metrics.UP, {"service": service}, 0) for service in SERVICES]
        self._began = self._took = 0.0
        self._due = float("-inf")

    def get(self) -> Iterator[Sample]:
        """Yield the samples of the newest snapshot; a new one is taken first if it is due and does not take long."""
        with self._lock:
            if self._coming is None and time.monotonic() >= self._due:
                self._coming = self._threads.submit(self._take)
            coming = self._coming
        if coming is not None:
            with suppress(TimeoutError):
                coming.result(_PATIENCE)
        with self._lock:
            samples, began, took = self._samples, self._began, self._took
        yield from samples
        yield metrics.SNAPSHOT_AGE, {}, time.monotonic() - began if began else 0.0
        yield metrics.SNAPSHOT_SECONDS, {}, took

    def close(self) -> None:
        """Take no more snapshots, and close the connections to Redis and Chroma."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._queues.close()
        self._index.close()

    def _take(self) -> None:
        began = time.monotonic()
        try:
            samples = self._read()
        except Exception as error:  # noqa: BLE001 -- the next snapshot may be read all the same; it is logged
            logger.opt(exception=error).error("exporter.not_read")
            samples = None
        took = time.monotonic() - began
        with self._lock:
            if samples is not None:
                self._samples, self._began, self._took = samples, began, took
            # Waiting for a service that does not answer is no load, and its return is to be seen soon.
            answered = samples is not None and not any(metric is metrics.UP and not up for metric, _, up in samples)
            rest = min(_MOST_SECONDS, took * (1 / _SHARE - 1)) if answered else 0.0
            self._due = time.monotonic() + max(_LEAST_SECONDS, rest)
            self._coming = None

    def _read(self) -> list[Sample]:
        # All at once: each may wait for its time limit.
        parts = {
            "mongodb": self._threads.submit(_asked, self._record.read),
            "redis": self._threads.submit(_asked, self._queues.read),
            "chroma": self._threads.submit(_asked, self._index.answers),
        }
        found = {service: part.result() for service, part in parts.items()}
        samples: list[Sample] = [(metrics.UP, {"service": service}, found[service] is not None) for service in SERVICES]
        for part in found.values():
            samples += part or []
        if found["mongodb"] is not None and found["chroma"] is not None:
            samples += _asked(self._index.read) or []
        if found["mongodb"] is not None and found["redis"] is not None:
            samples += [
                (
                    metrics.IN_PROGRESS_PER_WORKER,
                    {"queue": kind},
                    self._record.in_progress[kind] / max(1, self._queues.workers[kind]),
                )
                for kind in WORK
            ]
        return samples


def _asked(question: Callable[[], list[Sample] | None]) -> list[Sample] | None:
    """Return the samples of a service, an empty list if it has none; None if it does not answer."""
    try:
        return question() or []
    except SampleMindError as error:
        logger.warning("exporter.no_answer", fields=str(error))
        return None
