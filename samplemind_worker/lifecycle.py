"""The life of a worker process: it loads kernels, announces itself, and gives its work back when it stops.

``python -m samplemind_worker.lifecycle warm-up`` compiles the kernels into numba's cache; ``... alive`` exits 0 if a
worker of this host takes work; a process that exists but does not consume does not count.
"""

import os
import resource
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Any, Final

import psutil
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery import Celery, signals
from celery.bootsteps import StartStopStep
from celery.worker import state
from kombu import Queue
from loguru import logger

from config import task_names as names
from config.queues import AI, CPU, IO, host_queue
from config.settings import get_settings
from samplemind_worker import kernel_cache
from samplemind_worker.errors import ServiceUnavailableError, SetupError
from samplemind_worker.logs import configure_logging
from samplemind_worker.metrics import counting, endpoint
from samplemind_worker.metrics.definitions import CHILDREN_LOST
from samplemind_worker.pipeline.audio_sandbox import audio_sandbox
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.reach import Reach
from samplemind_worker.store import mongo, parcels
from samplemind_worker.store.cache import Board, WorkerSign
from samplemind_worker.store.scratch import SWEEP_AGE
from samplemind_worker.tracing import sending, spans

_SIGN_SECONDS: Final = 10.0
_ROOTS_SECONDS: Final = 1.0
_DRAIN_SECONDS: Final = 0.2
_QUIET_LOOKS: Final = 3  # without begun work, after which a worker that leaves has none: a message may be on its way
_WATCHDOG_LOOKS: Final = 10
_IDLE_SIGNS: Final = 3  # checks in a row without consuming, after which the worker ends


def warm_up() -> None:
    """Compile the kernels, or load them from their cache."""
    with kernel_cache.compiling() as mine:
        if not mine:
            logger.warning("kernels.compiled_by_another_for_long")
        from samplemind_worker import dsp  # noqa: PLC0415 -- slow import

        dsp.warm_up()


class SignOfLife(StartStopStep):
    """Announces the worker while its consumer runs, and requests a sweep when scratch memory holds old entries."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **_: Any) -> None:  # noqa: ARG002 -- Celery passes it
        self._timer: Any = None
        self._idle = 0
        self._board: Board | None = None
        self._workspace = Workspace(get_settings())
        self._rounds = 0
        self._quiet = 0
        self._watchdog: threading.Thread | None = None
        self._reach: Reach | None = None

    def start(self, parent: Any) -> None:
        """Start announcing the worker and following the roots that it reaches."""
        settings = self._workspace.settings
        self._board = Board(self._workspace.redis_url, settings.database)
        if self._reach is None and settings.queues.of(CPU) in _queues(parent):
            self._reach = Reach(self._workspace)
            self._reach.start()
        if self._reach is not None:
            parent.timer.call_repeatedly(_ROOTS_SECONDS, self._follow_roots, args=(parent,))
        self._idle = 0
        self._follow_roots(parent)
        self._announce(parent)
        self._timer = parent.timer.call_repeatedly(_SIGN_SECONDS, self._look_and_announce, args=(parent,))
        parent.timer.call_repeatedly(settings.watchdog_seconds / _WATCHDOG_LOOKS, self._go_round)
        parent.timer.call_repeatedly(_DRAIN_SECONDS, self._drain, args=(parent,))
        if self._watchdog is None:
            self._watchdog = threading.Thread(target=self._watch, args=(parent,), name="watchdog", daemon=True)
            self._watchdog.start()

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

    def _follow_roots(self, parent: Any) -> None:
        """Consume from the queues of the roots that are reached, and stop consuming from the others."""
        if self._reach is None or self._board is None or Leaving.begun:
            return
        read, wanted = _queues(parent), self._reach.queues()
        every = self._workspace.settings.queues.of_root("")
        gained, lost = wanted - read, {queue for queue in read - wanted if queue.startswith(every)}
        for queue in gained:
            parent.app.amqp.queues.add(Queue(queue))
            parent.add_task_queue(queue)
        for queue in lost:
            parent.cancel_task_queue(queue)
        if gained or lost:
            logger.info("roots.changed", fields={"gained": sorted(gained), "lost": sorted(lost)})
            self._announce(parent)

    def _drain(self, parent: Any) -> None:
        """Take no new parcel while the worker leaves, and end it when this host has no begun one any more."""
        if not Leaving.begun:
            return
        queues = self._workspace.settings.queues
        own = {queues.own, host_queue(queues.host)}
        others = _queues(parent) - own
        for queue in others:
            parent.cancel_task_queue(queue)
        if others:
            self._announce(parent)
        self._quiet = 0 if state.reserved_requests or self._waiting(own) else self._quiet + 1
        if self._quiet >= _QUIET_LOOKS:
            Leaving.end()

    def _waiting(self, queues: set[str]) -> int:
        try:
            return 0 if self._board is None else sum(map(self._board.depth, queues))
        except ServiceUnavailableError:
            return 0  # what waits there cannot be taken now, and the dispatcher will miss it

    def _look_and_announce(self, parent: Any) -> None:
        # A worker that waits for Redis, or holds messages, takes work. Otherwise its loop runs without consuming, and
        # the worker ends so that its supervisor starts another.
        consumes = bool(parent.task_consumer.channel._in_poll or state.reserved_requests)  # noqa: SLF001 -- nothing public says so
        self._idle = 0 if consumes else self._idle + 1
        if self._idle >= _IDLE_SIGNS:
            logger.error("worker.takes_no_work")
            Leaving(parent).now(code=1)
        if consumes:
            self._announce(parent)

    def _go_round(self) -> None:
        self._rounds += 1

    def _watch(self, parent: Any) -> None:
        """End the worker when its event loop has been blocked for too long."""
        interval = self._workspace.settings.watchdog_seconds / _WATCHDOG_LOOKS
        last = looks = 0
        # Checks are counted, not time, because a process that was suspended stands still together with its loop.
        while looks < _WATCHDOG_LOOKS + 1:
            time.sleep(interval)
            looks = looks + 1 if self._rounds == last else 0
            last = self._rounds
            if Leaving.begun:
                return  # shutting down has a time limit of its own
        logger.error("worker.stands_still")
        Leaving(parent).now(code=1)

    def _announce(self, parent: Any) -> None:
        if self._board is None:
            return
        queues = _queues(parent)
        settings = self._workspace.settings
        providers = settings.providers if settings.queues.of(AI) in queues else ()
        sign = WorkerSign(parent.hostname, settings.host, tuple(sorted(queues)), parent.pool.limit or 1, providers)
        try:
            self._board.announce(sign)
            if self._workspace.settings.queues.of(CPU) in queues and self._workspace.scratch.older_than(SWEEP_AGE):
                parent.app.send_task(names.SWEEP)
        except (ServiceUnavailableError, *parent.connection_errors) as error:
            logger.warning("sign_of_life.failed", fields=str(error))


def _queues(parent: Any) -> set[str]:
    return {queue.name for queue in parent.task_consumer.queues}


class EndWithConsumer(StartStopStep):
    """Ends the worker when its consumer has failed.

    Celery would first wait for the pool, whose results nobody reads any more, and so would never end.
    """

    requires = ("celery.worker.components:Pool",)  # the consumer always starts last

    def close(self, parent: Any) -> None:
        """End at once, unless the worker is shutting down anyway."""
        if not Leaving.begun:
            Leaving(parent.consumer).now(code=1)


class Leaving:
    """Shuts a worker down.

    After SIGTERM or Ctrl-C it takes no new work, and running steps may continue for ``grace_seconds``. A cpu worker
    also goes on with the next steps of the parcels that its host has begun, because no other host has their signals.
    Parcels that have not ended then are given back, which does not count as a crash. SIGQUIT or a second signal ends
    the worker at once. Celery's own soft shutdown sleeps for its whole time even if nothing runs, and messages that it
    requeues refer to items that are still claimed.
    """

    begun = False
    """From now on a killed child does not count against its parcel."""
    _installed = False
    _going = False
    _warm: Any = None
    """Celery's own handler of SIGTERM: it ends the worker when its running tasks have ended."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._workspace = Workspace(get_settings())

    def install(self) -> None:
        """Replace Celery's signal handlers, in the main thread; after a reconnection they are installed already."""
        if Leaving._installed:
            return
        Leaving._installed = True
        Leaving._warm = signal.getsignal(signal.SIGTERM)
        signal.signal(signal.SIGTERM, self._in_time)
        signal.signal(signal.SIGINT, self._in_time)
        signal.signal(signal.SIGQUIT, self._at_once)

    def _in_time(self, _number: int, _frame: FrameType | None) -> None:
        if Leaving.begun:
            self.now()
        Leaving.begun = True
        timer = threading.Timer(self._workspace.settings.grace_seconds, self.now)
        timer.daemon = True
        timer.start()
        # The timer of `SignOfLife` drains a cpu worker, in its event loop; without a connection that does not run.
        consumer = self._consumer
        drains = consumer.connection is not None and consumer.task_consumer is not None
        if not drains or self._workspace.settings.queues.of(CPU) not in _queues(consumer):
            self.end()

    @classmethod
    def end(cls) -> None:
        """End the worker when its running tasks have ended."""
        if callable(cls._warm):
            cls._warm(signal.SIGTERM, None)

    def _at_once(self, _number: int, _frame: FrameType | None) -> None:
        self.now()

    def now(self, *, code: int = 0) -> None:
        """Give parcels back and end this process; a second call does nothing."""
        if Leaving._going:
            return
        Leaving.begun = Leaving._going = True
        count = 0
        try:
            for child in psutil.Process().children():
                with suppress(psutil.NoSuchProcess):  # it has ended already
                    child.kill()
            self._workspace.connect()
            count = parcels.give_back(self._workspace.process)
            self._workspace.board.withdraw(self._consumer.hostname)
            # Messages that were fetched and not begun are requeued now, rather than when they are missed.
            if self._consumer.task_consumer is not None:
                self._consumer.task_consumer.channel.qos.restore_unacked()
        except (ServiceUnavailableError, SetupError, *self._consumer.conninfo.connection_errors) as error:
            logger.warning("worker.left_without_giving_back", fields=str(error))
        finally:
            logger.info("worker.left", fields={"given_back": count})
            os._exit(code)


def connect_signals(app: Celery) -> None:
    """Connect the steps and handlers of this module to Celery."""
    app.steps["consumer"].add(SignOfLife)
    app.steps["worker"].add(EndWithConsumer)
    signals.worker_before_create_process.connect(_before_child, weak=False)
    signals.worker_process_init.connect(_on_child_start, weak=False)
    signals.worker_process_shutdown.connect(_on_child_end, weak=False)
    signals.worker_ready.connect(_on_ready, weak=False)
    signals.task_failure.connect(_on_task_failure, weak=False)


def _before_child(**_: Any) -> None:
    """Start the process from which all children fork their decoders."""
    audio_sandbox().start()


def _on_child_start(**_: Any) -> None:
    settings = get_settings()
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # children do not inherit the worker's handler
    configure_logging(settings, f"{os.environ.get('SAMPLEMIND_PROCESS', 'worker')}[{os.getpid()}]")
    endpoint.prepare_child()
    sending.turn_on(settings, "cpu")
    if sys.platform == "linux":  # elsewhere the limit does not count mapped memory
        resource.setrlimit(resource.RLIMIT_DATA, (settings.child_memory_bytes, settings.child_memory_bytes))
    warm_up()


def _on_child_end(**_: Any) -> None:
    """Send the spans that no end of a step has sent: the child ends without Python's own exit."""
    spans.flush()


def _on_ready(sender: Any = None, **_: Any) -> None:
    """Install the signal handlers; connect to the stores while the cpu worker has the first parcel."""
    Leaving(sender).install()
    if any(queue.name == get_settings().queues.of(IO) for queue in sender.task_consumer.queues):
        threading.Thread(target=_prepare_io, name="prepare-io", daemon=True).start()


def _prepare_io() -> None:
    try:
        Workspace(get_settings()).connect()
        mongo.make_indexes()
    except ServiceUnavailableError as error:
        logger.warning("indexes.not_created", fields=str(error))


def _on_task_failure(sender: Any = None, task_id: str = "", exception: Any = None, args: Any = (), **_: Any) -> None:
    """Give back the parcel of a child that died or was killed; the parent knows it at once."""
    if Leaving.begun:
        return
    if isinstance(exception, TimeLimitExceeded):
        code = "timeout"
    elif isinstance(exception, WorkerLostError):
        code = "worker_crashed"
    else:
        return
    counting.add(CHILDREN_LOST, reason=code)
    if sender.name in names.CHAIN and args:
        sender.app.send_task(names.TAKE_BACK, args=(args[0], task_id, code))


def main(arguments: list[str]) -> int:
    """Run one of the commands that the module's docstring names."""
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
