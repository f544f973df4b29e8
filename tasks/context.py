"""What the tasks of this process share: the workspace, made on first use in the process that works."""

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
from samplemind_worker.pipeline.workspace import Run, Workspace
from samplemind_worker.store import ledger
from samplemind_worker.submission.dispatch import refill
from tasks.chain import publish


def workspace() -> Workspace:
    """Return this process's workspace; a forked child makes its own."""
    return _workspace(os.getpid())


@lru_cache(maxsize=1)
def _workspace(_pid: int) -> Workspace:
    return Workspace(get_settings())


_TRIES = 100  # that may have a lease still
_LONGEST_COMPLAINT = 200  # characters

ParcelStep = Callable[[Workspace, Run], bool]
"""A step on a parcel: True if any item of it goes on to the next step."""


def run_step(task: Task[..., None], step: ParcelStep, parcel_id: str) -> bool:
    """Run a step, with its ids in every line of the log; end the chain here if no item goes on, or say where it goes.

    The run's token names the task and the try, so that a retry can take over from the try before.
    """
    request = task.request
    tries = request.retries
    # All of them: a try that could not even claim, as the record was away, has written no token of its own.
    earlier = tuple(f"{request.id}.{number}" for number in range(max(0, tries - _TRIES), tries))
    run = Run(parcel_id, f"{request.id}.{tries}", earlier)
    with logger.contextualize(task=request.id, parcel=parcel_id):
        started = time.perf_counter()
        try:
            more = step(workspace(), run)
        except RootNotReachedError as error:  # what it held is given back, for those who reach it
            logger.warning("root.not_reached", fields={"root": error.root})
            more = False
        except TransientError as error:  # it is tried again; meanwhile `status` says why nothing moves
            if not isinstance(error, OverTheRateError):
                _complain(error)
            raise
        logger.info("step.done", fields={"step": task.name, "seconds": round(time.perf_counter() - started, 3)})
    if not more:
        request.chain = None
    else:
        links: list[dict[str, Any]] = request.chain or []  # pyright: ignore[reportAssignmentType] -- the stubs say strings
        if links and links[-1]["task"] == names.SUMMARIZE:
            # As the record has it: what asks no model goes past those that wait for one.
            links[-1]["options"]["queue"] = ledger.queue_of(parcel_id, Step.SUMMARIZE)
    return more


def _complain(error: TransientError) -> None:
    here = workspace()
    with suppress(ServiceUnavailableError):  # Redis may be what is away, which whoever asks will see
        here.board.complain(here.settings.host, str(error)[:_LONGEST_COMPLAINT])


def fill_window() -> None:
    """Queue what the window has room for, now that a parcel has left the CPU; what fails beat does soon."""
    here = workspace()
    try:
        here.connect()
        refill(here.settings, here.board, publish_parcel)
    except (ServiceUnavailableError, OperationalError) as error:
        logger.warning("window.not_filled", fields=str(error))


def publish_parcel(parcel_id: str, first: Step, queue: str) -> None:
    """Put the chain of a parcel into a queue."""
    publish(parcel_id, first, queue)
