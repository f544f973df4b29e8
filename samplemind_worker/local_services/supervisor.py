"""The supervisor, the parent of the private services: it starts them, restarts those that die, and stops them in order.

It has one thread, and polls nothing once all services are ready: signals wake it through a socket. It cannot have more,
because it runs code between fork and exec, and because the kernel ties a child to the thread that started it.
"""

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from types import FrameType

from loguru import logger

from config.scratch import scratch_folder
from config.settings import Settings
from samplemind_worker.errors import SetupError
from samplemind_worker.local_services import processes
from samplemind_worker.local_services.home import Home, Running, State
from samplemind_worker.local_services.rescue import Rescue
from samplemind_worker.local_services.services import (
    ADD_WORKERS_SIGNAL,
    ESSENTIAL,
    RENEW_SOCKETS_SIGNAL,
    SERVERS,
    Service,
    code_digest,
    given_digest,
    lost_sockets,
    models_digest,
    servers,
    web_server,
    with_urls,
    workers,
)

FIRST_BACKOFF = 0.5
MAX_BACKOFF = 30.0
HEALTHY_SECONDS = 60.0
"""A child that stayed up this long resets its back-off."""

_PROBE_SECONDS = 0.02
_HURRIED_GRACE = 2.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass
class Child:
    """A service and its current process."""

    service: Service
    rescue: Rescue
    process: subprocess.Popen[bytes] | None = None
    running: Running | None = None
    started: float = 0.0
    due: float = 0.0
    backoff: float = FIRST_BACKOFF
    was_ready: bool = False
    restarts: int = 0
    log_start: int = 0


def supervise(settings: Settings, *, with_workers: bool = True) -> bool:
    """Run the services until a signal ends them; return False at once if another supervisor holds this home.

    Raises SetupError if the services cannot be started. Call it in the main thread of a process.
    """
    home = Home(settings.home)
    os.umask(0o077)
    home.prepare()
    lock = home.take_lock()
    if lock is None:
        return False
    try:
        home.failure.unlink(missing_ok=True)
        last = home.read_state()
        _end_leftovers(settings, last)
        state = State(
            supervisor=os.getpid(),
            version=version("samplemind"),
            code=code_digest(),
            given=given_digest(settings),
            models=models_digest(settings),
            sockets=str(home.socket_folder()),
        )
        _remove_sockets(home, state)
        supervisor = Supervisor(
            home,
            state,
            servers(settings, home, state),
            lambda: workers(with_urls(settings, state), home),
            lambda: web_server(with_urls(settings, state), home),
            with_workers=with_workers,
            web_port=settings.web_port,
        )
        try:
            supervisor.run()
        finally:
            _remove_signals(settings, state)
    finally:
        os.close(lock)
    return True


def clear(settings: Settings) -> bool:
    """End the processes and remove the files of a killed supervisor; False if there are none, or one is running."""
    home = Home(settings.home)
    if not home.run.is_dir() or (lock := home.take_lock()) is None:
        return False
    try:
        last = home.read_state()
        if last.supervisor is None:
            return False
        _end_leftovers(settings, last)
        _remove_sockets(home, last.model_copy(update={"stopping": True}))
        home.write_state(State())
    finally:
        os.close(lock)
    return True


def _end_leftovers(settings: Settings, last: State) -> None:
    ended = processes.end_leftovers(last.services.values())
    if ended:
        logger.warning("leftovers_ended", fields={"processes": ended})
    _remove_signals(settings, last)


def _remove_signals(settings: Settings, state: State) -> None:
    """Remove the decoded signals of workers that have ended: nothing else frees that shared memory."""
    shutil.rmtree(scratch_folder(with_urls(settings, state)), ignore_errors=True)


class Supervisor:
    """Keeps children running until a stop signal; each instance runs once."""

    def __init__(
        self,
        home: Home,
        state: State,
        services: Iterable[Service],
        more: Callable[[], list[Service]],
        web: Callable[[], Service],
        *,
        with_workers: bool,
        web_port: int,
    ) -> None:
        self._home = home
        self._state = state
        self._children = [_child(service) for service in services]
        self._more = more
        self._web = web
        self._web_port = web_port
        self._wants_workers = with_workers
        self._stop_requests = 0
        self._sockets_to_renew = False
        self._wakeup, self._waker = socket.socketpair()

    def run(self) -> None:
        """Run until a stop signal, then stop all children; raises SetupError if an essential one cannot start."""
        self._install_handlers()
        try:
            while not self._stop_requests:
                if self._step():
                    self._save()
                self._add_more()
                self._renew_sockets()
                self._sleep(self._next_event())
        finally:
            self._shut_down()

    def _install_handlers(self) -> None:
        for end in (self._wakeup, self._waker):
            end.settimeout(0)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for number in STOP_SIGNALS:
            signal.signal(number, self._on_stop)
        signal.signal(ADD_WORKERS_SIGNAL, self._on_add_workers)
        signal.signal(RENEW_SOCKETS_SIGNAL, self._on_renew_sockets)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_requests += 1

    def _on_add_workers(self, _number: int, _frame: FrameType | None) -> None:
        self._wants_workers = True

    def _on_renew_sockets(self, _number: int, _frame: FrameType | None) -> None:
        self._sockets_to_renew = True

    def _renew_sockets(self) -> None:
        """Restart the services whose socket was removed: no new connection to them can be made."""
        if not self._sockets_to_renew:
            return
        self._sockets_to_renew = False
        lost = lost_sockets(self._state)
        for child in self._children:
            if child.service.name in lost and child.process is not None:
                logger.warning("socket_lost", fields={"service": child.service.name})
                child.process.terminate()

    def _add_more(self) -> None:
        """Add the workers, and the web server, once they are asked for."""
        # On few cores the workers' imports would slow down the servers, which every command waits for.
        served = all(child.was_ready for child in self._children if child.service.name in ESSENTIAL)
        if self._wants_workers and served and not self._state.workers:
            self._children += [_child(service) for service in self._more()]
            self._state.workers = True
        if served and not self._state.web_port and self._home.web.exists():
            self._children.append(_child(self._web()))
            self._state.web_port = self._web_port

    def _step(self) -> bool:
        """Handle ended processes, start those that are due, probe those that are starting; True if anything changed."""
        changed = False
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                self._bury(child, child.process)
                changed = True
            if child.process is None and time.monotonic() >= child.due:
                self._start(child)
            if child.running is not None and not child.running.ready:
                ready = child.service.ready
                child.running.ready = ready is None or ready()
                if child.running.ready:
                    changed = child.was_ready = True
                    child.rescue.succeeded()
                    logger.info("service_ready", fields={"service": child.service.name})
        return changed

    def _start(self, child: Child) -> None:
        service = child.service
        log = self._home.log(service.name)
        if service.name in SERVERS:
            self._home.socket_folder()  # a cleaner of temporary files may have removed it
        if child.rescue.repairing:
            self._save()  # the copy takes long if the record is large
            child.rescue.copy_before_repair()
        before = log.stat().st_size if log.exists() else 0
        try:
            child.process = processes.start(
                child.rescue.argv, env=service.env, cwd=service.cwd, log=log, death_signal=service.death_signal
            )
        except OSError as error:
            raise SetupError(f"{service.name} cannot be started: {error}") from error
        # Only what this process writes is read later; a log that has grown too large begins anew.
        child.log_start = before if log.stat().st_size >= before else 0
        child.started = time.monotonic()
        pid = child.process.pid
        child.running = Running(pid=pid, created=processes.created(pid), restarts=child.restarts)
        # Saved at once: if the supervisor is killed, its successor must know which processes to end.
        self._save()
        logger.info("service_started", fields={"service": service.name, "pid": pid})

    def _bury(self, child: Child, process: subprocess.Popen[bytes]) -> None:
        name = child.service.name
        processes.kill_group(process.pid)
        log = self._home.log(name)
        was_ready = child.running is not None and child.running.ready
        if child.rescue.after_end(process.returncode, was_ready=was_ready):
            child.process = child.running = None
            return
        if name in ESSENTIAL and not child.was_ready:
            raise SetupError(
                f"{name} ended at its start: "
                f"{processes.last_words(log, since=child.log_start) or f'exit code {process.returncode}'}; "
                f"{child.rescue.advice}see {log}"
            )
        now = time.monotonic()
        if now - child.started >= HEALTHY_SECONDS:
            child.backoff = FIRST_BACKOFF
        child.due = now + child.backoff
        fields = {"service": name, "code": process.returncode, "restart_in": child.backoff}
        logger.warning("service_died", fields=fields)
        child.backoff = min(child.backoff * 2, MAX_BACKOFF)
        child.restarts += 1
        child.process = child.running = None

    def _next_event(self) -> float | None:
        """Return the seconds until something must be done without a signal; None if nothing must."""
        waits = [_PROBE_SECONDS for child in self._children if child.running is not None and not child.running.ready]
        waits += [max(0.0, child.due - time.monotonic()) for child in self._children if child.process is None]
        return min(waits, default=None)

    def _sleep(self, seconds: float | None) -> None:
        if select.select([self._wakeup], [], [], seconds)[0]:
            self._wakeup.recv(4096)

    def _save(self) -> None:
        self._state.services = {
            child.service.name: child.running for child in self._children if child.running is not None
        }
        self._state.repairing = [child.service.name for child in self._children if child.rescue.repairing]
        try:
            self._home.write_state(self._state)
        except OSError as error:  # a full disk must not take down what runs
            logger.error("state_not_written", fields={"error": str(error)})

    def _shut_down(self) -> None:
        self._state.stopping = True
        self._save()
        logger.info("stopping")
        for stage in sorted({child.service.stop_stage for child in self._children}):
            self._stop([child for child in self._children if child.service.stop_stage == stage])
        for child in self._children:
            child.rescue.interrupt()
        signal.set_wakeup_fd(-1)
        self._wakeup.close()
        self._waker.close()
        _remove_sockets(self._home, self._state)
        self._state = State()
        self._children = []
        self._save()
        logger.info("stopped")

    def _stop(self, children: Iterable[Child]) -> None:
        alive = [(child, child.process) for child in children if child.process is not None]
        for _, process in alive:
            process.terminate()
        started = time.monotonic()
        for child, process in alive:
            while process.poll() is None:
                hurried = self._stop_requests > 1
                grace = min(child.service.grace, _HURRIED_GRACE) if hurried else child.service.grace
                left = started + grace - time.monotonic()
                if left <= 0:
                    logger.warning("service_killed", fields={"service": child.service.name})
                    process.kill()
                    process.wait()
                else:
                    self._sleep(min(left, 0.5))
            processes.kill_group(process.pid)


def _child(service: Service) -> Child:
    return Child(service, Rescue(service))


def log_to_stderr() -> None:
    """Make loguru write one line per event, with its fields."""
    logger.remove()
    logger.add(sys.stderr, format="{time:YYYY-MM-DD HH:mm:ss} {level} {message} {extra}")


def _remove_sockets(home: Home, state: State) -> None:
    for name in ("valkey.sock", "mongod.sock", "mongodb-0.sock", "chroma.sock"):
        (home.socket_folder() / name).unlink(missing_ok=True)
    if home.socket_folder() != home.run and state.stopping:
        with suppress(OSError):  # it holds files that are not ours
            home.socket_folder().rmdir()
