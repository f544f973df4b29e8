"""Shared by the tasks of a process: its workspace, the run of a step, and the refill of the window."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any

from celery import Task
from kombu.exceptions import OperationalError
from loguru import logger

from config import task_names as names
from config.settings import get_settings
from samplemind_worker.documents.batch import Step
from samplemind_worker.errors import OverTheRateError, RootNotReachedError, ServiceUnavailableError, TransientError
from samplemind_worker.metrics import counting
from samplemind_worker.metrics.definitions import STEP_RETRIES, STEP_SECONDS
from samplemind_worker.pipeline.workspace import Run, Workspace
from samplemind_worker.store import ledger
from samplemind_worker.submission.dispatch import refill
from samplemind_worker.tracing import spans
from tasks import wire
from tasks.chain import publish


def workspace() -> Workspace:
    """Return this process's workspace, made on first use; a forked child makes its own."""
    return _workspace(os.getpid())


@lru_cache(maxsize=1)
def _workspace(_pid: int) -> Workspace:
    return Workspace(get_settings())


_TRIES = 100  # earlier tries that may still hold a lease
_LONGEST_COMPLAINT = 200  # characters

ParcelStep = Callable[[Workspace, Run], bool]
"""Runs a step on a parcel, and returns whether any item goes on to the next step."""


def run_step(task: Task[..., None], step: ParcelStep, parcel_id: str) -> bool:
    """Run a step with its ids in each log line, and return whether any item goes on. If none does, the chain ends here.

    The run's token names the task and the try, so that a retry can take over from earlier tries.

    Raises
    ------
    TransientError
        If the step is to be retried.
    """
    request = task.request
    if not wire.is_readable(task):
        logger.warning("message.of_a_later_release", fields={"version": wire.version_of(task), "parcel": parcel_id})
        request.chain = None
        return False
    tries = request.retries
    # All earlier tries: one that could not claim, because the record was unreachable, has written no token.
    earlier = tuple(f"{request.id}.{number}" for number in range(max(0, tries - _TRIES), tries))
    run = Run(parcel_id, f"{request.id}.{tries}", earlier)
    name = names.step_of(task.name)
    with logger.contextualize(task=request.id, parcel=parcel_id, trace=spans.trace_of(parcel_id)):
        started = time.perf_counter()
        try:
            with spans.step(name, parcel_id, {"messaging.message.id": str(request.id), "samplemind.try": tries}):
                more = step(workspace(), run)
        except RootNotReachedError as error:  # its items were given back, for a machine that reaches the root
            logger.warning("root.not_reached", fields={"root": error.root})
            more = False
        except TransientError as error:  # it is retried; meanwhile `status` shows the reason
            counting.add(STEP_RETRIES, step=name)
            if not isinstance(error, OverTheRateError):
                _complain(error)
            raise
        seconds = time.perf_counter() - started
        counting.observe(STEP_SECONDS, seconds, step=name)
        with logger.contextualize(**run.found):
            logger.info("step.done", fields={"step": task.name, "seconds": round(seconds, 3)})
    if not more:
        request.chain = None
    else:
        links: list[dict[str, Any]] = request.chain or []  # pyright: ignore[reportAssignmentType] -- the stubs say strings
        if links and links[-1]["task"] == names.SUMMARIZE:
            # The record has the queue: a parcel that asks no model does not wait behind those that do.
            links[-1]["options"]["queue"] = ledger.queue_of(parcel_id, Step.SUMMARIZE)
    return more


def _complain(error: TransientError) -> None:
    here = workspace()
    with suppress(ServiceUnavailableError):  # Redis itself may be unreachable
        here.board.complain(here.settings.host, str(error)[:_LONGEST_COMPLAINT])


def fill_window() -> None:
    """Fill the window after a parcel has left the CPU. A failure is only logged: beat runs the dispatcher soon."""
    here = workspace()
    try:
        here.connect()
        refill(here.settings, here.board, publish_parcel)
    except (ServiceUnavailableError, OperationalError) as error:
        logger.warning("window.not_filled", fields=str(error))


def publish_parcel(parcel_id: str, first: Step, queue: str) -> None:
    """Put the chain of a parcel into a queue."""
    publish(parcel_id, first, queue)
