"""The settings and stores that steps use on this machine, and the claim that each step holds on its parcel."""

import os
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Self

from bson import ObjectId
from loguru import logger

from config.scratch import scratch_folder
from config.settings import Settings
from samplemind_worker.documents.batch import BatchJob, Step
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import (
    PermanentError,
    RootNotReachedError,
    ServiceUnavailableError,
    SetupError,
    TransientError,
)
from samplemind_worker.store import batches, ledger, mongo, parcels
from samplemind_worker.store.cache import Board, Cache
from samplemind_worker.store.ledger import Item
from samplemind_worker.store.limits import Limiter
from samplemind_worker.store.roots import Roots
from samplemind_worker.store.scratch import Scratch
from samplemind_worker.store.vectors import Vectors
from samplemind_worker.tracing import spans

_PROCESS = os.getpid()
"""The id of the worker's main process: its children are forked after this module is loaded, and keep the value."""


class ExpiryHold:
    """Tells a dispatcher whether an expired lease means that its holder has died.

    It does not if the record was unreachable, or if this process has not looked at it for a while (a laptop that slept,
    a new process), because then no lease could be renewed. For half a lease after that, expired leases are kept.
    """

    def __init__(
        self,
        lease: float,
        *,
        interval: float,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._span = lease / 2
        # Dispatchers alternate, so a few intervals between two looks do not mean sleep, however short the lease.
        self._longest = max(self._span, 3 * interval)
        self._wall, self._steady = wall, steady
        self._until = self._looked = float("-inf")

    def is_due(self) -> bool:
        """Return whether to keep expired leases now. The wall clock detects sleep, in which the steady one stops."""
        now = self._wall()
        if abs(now - self._looked) > self._longest:
            self.renew()
        self._looked = now
        return self._steady() < self._until

    def renew(self) -> None:
        """Keep expired leases from now on, for half a lease."""
        self._until = self._steady() + self._span


class Workspace:
    """The settings, and the stores that they name; each store connects on first use."""

    def __init__(self, settings: Settings) -> None:
        if settings.redis_url is None or settings.mongodb_url is None or settings.chroma_url is None:
            raise SetupError(
                "SAMPLEMIND_REDIS_URL, SAMPLEMIND_MONGODB_URL and SAMPLEMIND_CHROMA_URL must all be set for a worker"
            )
        self.settings = settings
        self.redis_url = settings.redis_url.get_secret_value()
        self.mongodb_url = settings.mongodb_url.get_secret_value()
        self.chroma_url = settings.chroma_url.get_secret_value()
        self.expiry_hold = ExpiryHold(settings.lease_seconds, interval=settings.dispatch_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to Redis and Chroma; the connection to the record belongs to the process."""
        for name in ("board", "cache", "limiter", "vectors"):
            if (opened := self.__dict__.pop(name, None)) is not None:
                opened.close()

    def connect(self, *, create_indexes: bool = False) -> None:
        """Open this process's connection to the record, if it is not open yet."""
        mongo.connect(self.mongodb_url, database=self.settings.database, create_indexes=create_indexes)

    @cached_property
    def scratch(self) -> Scratch:
        """The shared memory that hands signals and features from step to step."""
        return Scratch(scratch_folder(self.settings), budget=self.settings.scratch_bytes)

    @cached_property
    def roots(self) -> Roots:
        """The roots, as this process has seen them."""
        return Roots(self.settings.roots)

    @cached_property
    def vectors(self) -> Vectors:
        """The vectors of the current recipe."""
        return Vectors(self.chroma_url, database=self.settings.database, version=VERSIONS["store"], guarded=True)

    @cached_property
    def board(self) -> Board:
        """The workers' notice board."""
        return Board(self.redis_url, self.settings.database)

    @cached_property
    def cache(self) -> Cache:
        """The cache of replies that were paid for."""
        return Cache(self.redis_url)

    @cached_property
    def limiter(self) -> Limiter:
        """The limits on the rate of requests to providers."""
        return Limiter(self.redis_url, self.settings.database)

    @property
    def process(self) -> str:
        """The prefix that names this worker's processes and threads in leases."""
        return f"{self.settings.host}:{_PROCESS}:"

    @property
    def worker(self) -> str:
        """Names this thread in a lease."""
        return f"{self.process}{os.getpid()}:{threading.get_native_id()}"

    def queues(self, *, ask_models: bool = True) -> dict[Step, str]:
        """Name the queue of each step, as seen from this machine."""
        return {step: self.settings.queues.of_step(step, ask_models=ask_models) for step in Step}


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one task on a parcel. Its token fences its writes; ``previous`` are the tokens of earlier tries."""

    parcel_id: str
    token: str
    previous: tuple[str, ...] = ()
    found: dict[str, str] = field(default_factory=dict[str, str], compare=False)
    """What the run has found out about its parcel, for the log: the ``batch``."""


@contextmanager
def claimed(workspace: Workspace, run: Run, step: Step) -> Generator[list[Item]]:
    """Claim the parcel's items that wait for a step, and renew their lease while the block runs.

    An error gives the items back: idle for the retry of a TransientError, to other machines for a
    RootNotReachedError, and each alone for any error of ours.
    """
    workspace.connect()
    settings = workspace.settings
    items = ledger.claim(
        run.parcel_id,
        step,
        token=run.token,
        previous=run.previous,
        worker=workspace.worker,
        lease=settings.lease_seconds,
    )
    if not items:
        yield items
        return
    run.found["batch"] = items[0].batch_id
    spans.annotate({"samplemind.batch": items[0].batch_id, "samplemind.items": len(items)})
    try:
        with (
            logger.contextualize(batch=items[0].batch_id),
            ledger.lease_kept(
                run.parcel_id, token=run.token, lease=settings.lease_seconds, limit=settings.step_seconds + 60
            ),
        ):
            _note_items(step, items)
            yield items
    except TransientError:
        with suppress(TransientError):  # the record itself may be unreachable
            ledger.rest(run.parcel_id, token=run.token)
        raise
    except RootNotReachedError as error:
        with suppress(ServiceUnavailableError):
            workspace.board.lack(settings.host, error.root)
            if error.why:
                workspace.board.complain(settings.host, str(error))
        parcels.give_back_claim(run.parcel_id, token=run.token)
        raise
    except PermanentError:
        raise
    except Exception as error:
        # One file may have caused this fault of ours. Each goes on alone, so that only that file fails with it.
        code = "out_of_memory" if isinstance(error, MemoryError) else "internal"
        parcels.take_back_claim(run.parcel_id, token=run.token, max_starts=settings.max_starts, code=code)
        # Celery would end the whole worker on a MemoryError.
        raise RuntimeError(f"{type(error).__name__}: {error}") from error


def _note_items(step: Step, items: Sequence[Item]) -> None:
    """Log which items a parcel carries, where a parcel may begin, so that the log can be searched for a file."""
    if step in (Step.DECODE, Step.SUMMARIZE):
        carried = " ".join(str(item.id) for item in items)
        logger.info("parcel.begun", fields={"batch": items[0].batch_id, "step": step.value, "items": carried})


def hand_on(
    workspace: Workspace,
    run: Run,
    step: Step,
    batch_id: str,
    to: dict[Step, Sequence[ObjectId]],
    *,
    file_ids: Mapping[ObjectId, str] | None = None,
) -> bool:
    """Queue items for their next steps, and return whether any item of the parcel goes on.

    ``file_ids`` are the content hashes of all of them, where the step has found these. If no item goes on, and none of
    the batch is left, the batch is closed.
    """
    where = workspace.queues(ask_models=Step.SUMMARIZE not in to or job_of(batch_id).asks_models)
    if any(ledger.advance(run.parcel_id, token=run.token, to=to, queues=where, file_ids=file_ids).values()):
        return True
    if ledger.queued_after(run.parcel_id, step):
        return True
    batches.close_if_done(batch_id)
    return False


@lru_cache(maxsize=64)
def job_of(batch_id: str) -> BatchJob:
    """Return a batch as it was when it was first asked for. Cached: read immutable fields only."""
    return batches.find(batch_id)
