"""Makes parcels of pending items and queues them; makes items pending again after a dead worker or a lost queue.

The first dispatch, the refill, expired leases and a Redis that lost its data all use this one mechanism. It may run
anywhere, any number of times at once, because every change is a compare-and-set on the items. Redis holds a window of
parcels, whatever the size of the batches. The rest waits in the record, where it can be cancelled at once.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any, Final

from config.queues import AI, CPU
from config.settings import Settings
from samplemind_worker.documents.batch import BatchJob, Step
from samplemind_worker.store import batches, interrupted, parcels
from samplemind_worker.store.cache import Board
from samplemind_worker.store.parcels import Waiting
from samplemind_worker.submission.readers import Readers

Publish = Callable[[str, Step, str], None]
"""Publishes the chain of a parcel: its id, the first step, the queue."""

_LEAST_SLOTS: Final = 2  # assumed while no worker has announced itself: work waits for the first one
_MOST_IN_FLIGHT: Final = 1000  # parcels in all queues: at 2 KB per message Redis stays below a few MB

_RECORDING_SECONDS: Final = 900.0
"""Seconds without a new item after which a recording is given up; a chunk of 2,000 items takes one or two."""

# Bytes per second of audio, to estimate a file's length from its size: CD quality, and typical rates of codecs.
_BYTES_PER_SECOND: Final[Mapping[str, int]] = {".flac": 100_000, ".mp3": 24_000, ".ogg": 20_000, ".opus": 16_000}
_PCM_BYTES_PER_SECOND: Final = 176_400


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What one run of the dispatcher did."""

    parcels: int
    taken_back: int
    requeued: int


def dispatch(settings: Settings, board: Board, publish: Publish, *, keep_expired: bool = False) -> Dispatched:
    """Take back what was lost, fill the window, and close the batches that are done.

    ``keep_expired`` leaves expired leases alone, for a while after the record was unreachable: none could be renewed.
    """
    taken_back = 0 if keep_expired else parcels.take_back_expired(max_starts=settings.max_starts)
    for batch_id in interrupted.stalled_recordings(older_than=_RECORDING_SECONDS):
        batches.abandon(batch_id)
    for batch_id in interrupted.half_cancelled():
        batches.cancel(batch_id)
    requeued = parcels.requeue([parcel.parcel_id for parcel in _lost(settings, board)])
    jobs = [job for job in batches.open_batches() if not batches.close_if_done(job.id)]
    return Dispatched(_fill(settings, board, publish, jobs, thorough=True), taken_back, requeued)


def refill(settings: Settings, board: Board, publish: Publish) -> int:
    """Fill the window only, and return how many parcels were queued. A worker calls it when a parcel leaves the CPU."""
    return _fill(settings, board, publish, batches.open_batches(), thorough=False)


def _fill(settings: Settings, board: Board, publish: Publish, jobs: Sequence[BatchJob], *, thorough: bool) -> int:
    """Queue parcels while the window has room, and return how many.

    Interactive batches go first and those in the background last; batches of one kind take turns.

    ``thorough`` also looks for analysed items behind the files of roots that no worker reaches, which may take a while.
    """
    paused = [job.id for job in jobs if job.paused_at is not None]
    jobs = [job for job in jobs if job.paused_at is None]
    if not jobs:
        return 0
    queued = 0
    readers = Readers(settings.queues, board.workers(), board.lacks())
    last_chance = parcels.reserve_last_chance(readers.queue, without=paused)
    if last_chance is not None:
        publish(*last_chance)
        queued += 1
    room = _Room(settings, readers)
    for _, turn in groupby(jobs, key=lambda job: (job.background, job.priority)):
        sources = [_parcels(settings, job, room, thorough=thorough) for job in turn]
        while sources:
            source = sources.pop(0)
            parcel = next(source, None)
            if parcel is None:
                continue
            sources.append(source)
            publish(*parcel)
            queued += 1
    return queued


class _Room:
    """Counts how many more parcels may be in flight."""

    def __init__(self, settings: Settings, readers: Readers) -> None:
        self._readers = readers
        self._per_slot = settings.window_per_slot
        flying = parcels.in_flight(settings.queues)
        # Parcels that wait for a summary do not block cpu workers; `ai_wait_seconds` ends the wait.
        self._cpu = self._window(settings.queues.of(CPU)) - flying.cpu
        self._in_all = _MOST_IN_FLIGHT - flying.cpu - flying.io
        # Batches that only ask for summaries are queued no faster than these are written, or they would delay others.
        self._ai = self._window(settings.queues.of(AI)) - flying.ai
        self._roots = Counter(flying.roots)

    def _window(self, queue: str) -> int:
        return max(self._readers.slots(queue), _LEAST_SLOTS) * self._per_slot

    def is_left(self, job: BatchJob) -> bool:
        """Return whether a parcel of this batch may be queued."""
        if job.ai_scope != "new":
            return self._ai > 0
        # Whatever step its files begin at, nothing that is done again queues up before what is new.
        return self._cpu > 0 and self._in_all > 0 and (self._ai > 0 or not job.background)

    def queue(self, step: Step, root: str) -> str | None:
        """Return the queue for a parcel; None if no worker reaches its root, or their window for it is full."""
        queue = self._readers.queue(step, root)
        if queue is not None and step is Step.DECODE and self._roots[root] >= self._window(queue):
            return None
        return queue

    def take(self, step: Step, root: str) -> None:
        """Count a parcel that was queued."""
        self._roots[root] += step is Step.DECODE
        # A parcel that begins after the CPU's steps occupies no cpu worker, and its end does not refill the window.
        self._cpu -= step is Step.DECODE
        self._ai -= step is Step.SUMMARIZE
        self._in_all -= 1


def _parcels(settings: Settings, job: BatchJob, room: _Room, *, thorough: bool) -> Iterator[tuple[str, Step, str]]:
    """Reserve parcels of a batch while there is room, and yield the arguments of `Publish` for each."""
    shut: set[str] = set()
    while room.is_left(job) and (rows := parcels.pending(job.id, limit=job.files_per_chain, without=shut)):
        parcel = _pack(rows, seconds=settings.parcel_seconds)
        step, root = Step(parcel[0]["step"]), parcel[0]["root"]
        queue = room.queue(step, root)
        if queue is None:
            shut.add(root)
            if not thorough and shut.issuperset(one.root for one in job.roots):
                return
            continue
        parcel_id, count = parcels.reserve(job.id, [row["_id"] for row in parcel], queue=queue)
        # None are left if another dispatcher was faster. Look again.
        if count:
            room.take(step, root)
            yield parcel_id, step, queue


def _pack(rows: Sequence[dict[str, Any]], *, seconds: float) -> Sequence[dict[str, Any]]:
    """Return the longest prefix of the rows that one chain may carry: one long file, or several short ones."""
    if rows[0]["alone"]:
        return rows[:1]
    expected = 0.0
    for count, row in enumerate(rows):
        # Only the CPU's steps take longer for a longer file.
        expected += _expected_seconds(row) if row["step"] == Step.DECODE else 0.0
        # A parcel is read where its root is reached, so all of its files have the same root.
        other = (row["step"], row["root"]) != (rows[0]["step"], rows[0]["root"])
        if count and (row["alone"] or other or expected > seconds):
            return rows[:count]
    return rows


def _expected_seconds(row: Mapping[str, Any]) -> float:
    suffix = PurePosixPath(row["path"]).suffix.lower()
    return row["size"] / _BYTES_PER_SECOND.get(suffix, _PCM_BYTES_PER_SECOND)


def _lost(settings: Settings, board: Board) -> list[Waiting]:
    """Return the parcels that are queued in the record, but in no queue.

    A parcel is lost if it has waited for a while and its queue is empty, or a later one was taken from there (queues
    are first in, first out), or no worker reads its queue any more. A wrong guess costs one message without work.
    """
    waiting, now = parcels.waiting_parcels(older_than=settings.requeue_seconds)
    if not waiting:
        return []
    readers = Readers(settings.queues, board.workers())
    newest = parcels.newest_claims()
    lost: list[Waiting] = []
    for queue in {parcel.queue for parcel in waiting}:
        there = [parcel for parcel in waiting if parcel.queue == queue]
        overtaken = newest.get(queue)
        if board.depth(queue) == 0 or readers.is_unread(queue):
            lost += there
        elif overtaken is not None:
            grace = timedelta(seconds=settings.requeue_seconds)
            lost += [parcel for parcel in there if parcel.queued_at < min(overtaken, now) - grace]
    return lost
