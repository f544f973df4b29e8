"""What happens when a worker process starts, lives and stops: kernels, signs of life, last words.

``python -m samplemind_worker.lifecycle warm-up`` compiles the kernels into numba's cache; ``... alive`` exits 0 if a
worker of this host takes work (it asks whether the worker consumes, not whether its process exists).
"""

import fcntl
import importlib
import os
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery import Celery, signals
from celery.bootsteps import StartStopStep
from loguru import logger

from config.queues import CPU, IO
from config.settings import get_settings
from samplemind_worker.errors import ServiceUnavailableError
from samplemind_worker.logs import configure_logging
from samplemind_worker.steps.workspace import Workspace
from samplemind_worker.store.cache import Board, WorkerSign
from samplemind_worker.store.scratch import SWEEP_AGE
from tasks import names

_SIGN_SECONDS: Final = 10.0


@contextmanager
def _one_at_a_time() -> Generator[None]:
    """Let one process of this user compile while the others wait, and then find its work in the cache."""
    path = Path(tempfile.gettempdir()) / f"samplemind-warm-up-{os.getuid()}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def warm_up() -> None:
    """Compile the kernels, or load them from numba's cache on disk."""
    from samplemind_worker import dsp  # noqa: PLC0415 -- slow import

    with _one_at_a_time():
        dsp.warm_up()


class SignOfLife(StartStopStep):
    """Announces the worker while its consumer runs; asks for a sweep when scratch memory holds something old."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **_: Any) -> None:  # noqa: ARG002 -- Celery passes it
        self._timer: Any = None
        self._board: Board | None = None
        self._workspace = Workspace(get_settings())

    def start(self, parent: Any) -> None:
        """Begin to announce."""
        settings = self._workspace.settings
        self._board = Board(self._workspace.redis_url)
        queues = tuple(queue.name for queue in parent.task_consumer.queues)
        sign = WorkerSign(parent.hostname, settings.host, queues, parent.pool.limit or 1)
        self._announce(parent, sign)
        self._timer = parent.timer.call_repeatedly(_SIGN_SECONDS, self._announce, args=(parent, sign))

    def stop(self, parent: Any) -> None:
        """Withdraw the announcement."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._board is not None:
            try:
                self._board.withdraw(parent.hostname)
            except ServiceUnavailableError:
                logger.info("sign_of_life.not_withdrawn")
            self._board.close()
            self._board = None

    def _announce(self, parent: Any, sign: WorkerSign) -> None:
        if self._board is None:
            return
        try:
            self._board.announce(sign)
            if CPU in sign.queues and self._workspace.scratch.older_than(SWEEP_AGE):
                parent.app.send_task(names.SWEEP)
        except (ServiceUnavailableError, *parent.connection_errors) as error:
            logger.warning("sign_of_life.failed", fields=str(error))


def connect_signals(app: Celery) -> None:
    """Connect our start and stop to Celery's."""
    app.steps["consumer"].add(SignOfLife)
    signals.worker_process_init.connect(_on_child_start, weak=False)
    signals.worker_ready.connect(_on_ready, weak=False)
    signals.task_failure.connect(_on_task_failure, weak=False)


def _on_child_start(**_: Any) -> None:
    configure_logging(get_settings(), f"{os.environ.get('SAMPLEMIND_PROCESS', 'worker')}[{os.getpid()}]")
    warm_up()


def _on_ready(sender: Any = None, **_: Any) -> None:
    """Load what the first store would wait for, while the first parcel is still with the cpu worker."""
    if any(queue.name == IO for queue in sender.task_consumer.queues):
        threading.Thread(target=importlib.import_module, args=("chromadb",), name="load-chromadb", daemon=True).start()


def _on_task_failure(sender: Any = None, task_id: str = "", exception: Any = None, args: Any = (), **_: Any) -> None:
    """Give back what a process held that died or was ended: here, in the parent, it is known at once."""
    if isinstance(exception, TimeLimitExceeded):
        code = "timeout"
    elif isinstance(exception, WorkerLostError):
        code = "worker_crashed"
    else:
        return
    if sender.name in names.CHAIN and args:
        sender.app.send_task(names.TAKE_BACK, args=(args[0], task_id, code))


def main(arguments: list[str]) -> int:
    """Run one of the commands in this module's docstring."""
    settings = get_settings()
    match arguments:
        case ["warm-up"]:
            warm_up()
            return 0
        case ["alive"]:
            workspace = Workspace(settings)
            try:
                alive = any(worker.host == settings.host for worker in workspace.board.workers())
            except ServiceUnavailableError as error:
                sys.stderr.write(f"{error}\n")
                return 1
            return 0 if alive else 1
        case _:
            sys.stderr.write("usage: python -m samplemind_worker.lifecycle warm-up | alive\n")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
