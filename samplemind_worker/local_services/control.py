"""Starts, finds and stops the supervisor from another process."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from config.settings import Settings
from samplemind_worker.errors import SetupError
from samplemind_worker.local_services import damage, processes
from samplemind_worker.local_services.home import Home, State
from samplemind_worker.local_services.services import (
    ADD_WORKERS_SIGNAL,
    ESSENTIAL,
    OTHER_MODELS,
    RENEW_SOCKETS_SIGNAL,
    START_ANEW,
    asks_otherwise,
    child_env,
    given_digest,
    lost_sockets,
    private_names,
    probe,
    with_urls,
)
from samplemind_worker.local_services.users import Users

START_SECONDS = 30.0
HUNG_SECONDS = 8.0
"""Patience with a service that has answered before, and still runs."""
_LOOK_SECONDS = 0.02
_ALL = "the private services"
_REPAIRED = ", whose damaged data are being repaired"

# Kept until the next look reaps them: collecting a running Popen gives a ResourceWarning.
_started: list[tuple[Home, subprocess.Popen[bytes]]] = []


def ensure_running(
    settings: Settings,
    *,
    workers: bool = True,
    temporary: bool = False,
    on_wait: Callable[[str], None] | None = None,
) -> Settings:
    """Return the settings with every URL, after starting the private services that are missing.

    Uses the supervisor of ``settings.home`` or starts one that outlives the caller; ``temporary`` marks those that are
    started here (``Home.temporary``). Returns when Valkey and MongoDB answer; Chroma and the workers may still be
    starting. ``on_wait`` is told what is being waited for, what was repaired, and if the workers that run already have
    other settings for models. Raises SetupError, which says how to mend it, if the services cannot be started.
    """
    if not private_names(settings):
        return settings
    launch = _Launch(settings, workers=workers, temporary=temporary)
    told = ""
    answered = time.monotonic()
    deadline = answered + START_SECONDS
    while waiting := launch.look():
        now = time.monotonic()
        hangs = launch.hangs(waiting)
        if not hangs:
            answered = now
        doing = f"waiting for {waiting}" if hangs else f"starting {waiting}"
        if on_wait is not None and doing != told:
            told = doing
            on_wait(doing)
        if waiting.endswith(_REPAIRED):
            deadline = now + START_SECONDS
        elif now - answered > HUNG_SECONDS:
            raise SetupError(_hung(Home(settings.home), waiting))
        elif now > deadline:
            raise SetupError(_too_slow(Home(settings.home), waiting))
        time.sleep(_LOOK_SECONDS)
    if on_wait is not None and launch.repaired:
        kept = damage.found(Home(settings.home).data)[-1]
        on_wait(
            "the damaged data of mongod were repaired: look with `samplemind status` whether all batches are there; "
            f"the data from before the repair are kept in {kept}"
        )
    if on_wait is not None and workers and asks_otherwise(settings, launch.state):
        on_wait(f"{OTHER_MODELS}; {START_ANEW}")
    return with_urls(settings, launch.state)


def connected(settings: Settings) -> Settings | None:
    """Return the settings with every URL if the private services run and answer, otherwise None; start nothing."""
    if not private_names(settings):
        return settings
    state = _running(Home(settings.home))
    if state is None or state.supervisor is None or state.stopping or state.given != given_digest(settings):
        return None
    return None if _not_ready(settings, state) else with_urls(settings, state)


def supervises_workers(settings: Settings) -> bool:
    """Tell whether the private services run with workers, which may still be starting and give no sign of life."""
    home = Home(settings.home)
    return bool(private_names(settings)) and home.holder() is not None and home.read_state().workers


def start_workers(settings: Settings, *, on_wait: Callable[[str], None]) -> bool:
    """Have workers join private services that run without them; False if there is nothing to start.

    Workers that the supervisor has and that give no sign of life are not started twice.
    """
    if not private_names(settings) or supervises_workers(settings):
        return False
    ensure_running(settings, workers=True, on_wait=on_wait)
    return True


def web_address(settings: Settings) -> str | None:
    """Return the URL of the web server that the supervisor runs; None if there is none, or it does not answer yet."""
    state = _running(Home(settings.home))
    found = None if state is None else state.services.get("web")
    return f"http://127.0.0.1:{state.web_port}/" if state is not None and found is not None and found.ready else None


def start_web(settings: Settings) -> str:
    """Have the supervisor that runs also run the web server, until `samplemind down`; return its URL when it answers.

    Raises
    ------
    SetupError
        If it does not answer. The supervisor goes on trying.
    """
    home = Home(settings.home)
    home.web.touch(mode=0o600)
    deadline = time.monotonic() + START_SECONDS
    asked = False
    while (address := web_address(settings)) is None:
        state, log = _running(home), home.log("web")
        if state is None or state.supervisor is None:
            raise SetupError(f"the private services have ended: see {home.log('supervisor')}")
        if not asked and not state.web_port:
            _tell(state.supervisor, ADD_WORKERS_SIGNAL)
            asked = True
        found = state.services.get("web")
        if (found is not None and found.restarts) or time.monotonic() > deadline:
            words = processes.last_words(log) if log.exists() else "it has not been started"
            raise SetupError(
                f"the web server does not start ({words.removeprefix('samplemind: error: ')}): it is tried again until "
                f"`samplemind down`; see {log}"
            )
        time.sleep(_LOOK_SECONDS)
    return address


def stop(settings: Settings, *, timeout: float = 30.0) -> bool:
    """Stop the private services and wait until they have ended; False if none ran.

    After ``timeout`` seconds it asks once more, which cuts every service's grace short. Raises SetupError if even that
    does not end them.
    """
    home = Home(settings.home)
    pid = home.holder()
    if pid is None:
        return _end_started(home)
    for wait in (timeout, 15.0):
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            return True
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline:
            if home.holder() != pid:
                _reap(pid)
                return True
            time.sleep(_LOOK_SECONDS)
    raise SetupError(f"the private services do not end: see {home.log('supervisor')}, or kill process {pid}")


def _end_started(home: Home) -> bool:
    """End the supervisors that this process started and that hold no lock yet: they would come up after the stop."""
    alive = [process for place, process in _started if place.root == home.root and process.poll() is None]
    for process in alive:
        process.terminate()
        process.wait()
    return bool(alive)


def _reap(pid: int) -> None:
    """Wait for a supervisor that this process started: it has let go of its lock, and is about to end."""
    for started in [started for started in _started if started[1].pid == pid]:
        started[1].wait(timeout=5)
        _started.remove(started)


def run_foreground(settings: Settings, *, web: bool, say: Callable[[str], None]) -> bool:
    """Supervise in this process until SIGINT, SIGTERM or SIGHUP; False at once if a supervisor runs already.

    It runs the web server, too, if ``web`` says so.
    """
    from samplemind_worker.local_services.supervisor import log_to_stderr, supervise  # noqa: PLC0415 -- slow import

    home = Home(settings.home)
    home.make_folders()
    if home.holder() is not None:
        return False
    with Users(home, say=say) as users:
        users.wait_for_stop()
    home.temporary.unlink(missing_ok=True)
    log_to_stderr()
    if not web:
        return supervise(settings)
    home.web.touch(mode=0o600)
    try:
        return supervise(settings)
    finally:
        home.web.unlink(missing_ok=True)


class _Launch:
    """One attempt to get the private services running."""

    def __init__(self, settings: Settings, *, workers: bool, temporary: bool) -> None:
        self.state = State()
        self.repaired: set[str] = set()
        self._settings = settings
        self._home = Home(settings.home)
        self._workers = workers
        self._temporary = temporary
        self._asked_for_workers = False
        self._asked_for_sockets = False
        self._mine: subprocess.Popen[bytes] | None = None

    def look(self) -> str:
        """Take the next step; return what is being waited for, or an empty text if the essential services answer."""
        state = _running(self._home)
        if state is None:
            self._spawn_unless_alive()
            return _ALL
        if state.supervisor is None or state.stopping:
            return _ALL
        if state.given != given_digest(self._settings):
            raise SetupError(
                "the private services run with other settings (SAMPLEMIND_*_URL, SAMPLEMIND_DATABASE or "
                "SAMPLEMIND_ROOTS): stop them with `samplemind down`"
            )
        if self._workers and not state.workers and not self._asked_for_workers:
            _tell(state.supervisor, ADD_WORKERS_SIGNAL)
            self._asked_for_workers = True
        if lost_sockets(state) and not self._asked_for_sockets:
            _tell(state.supervisor, RENEW_SOCKETS_SIGNAL)
            self._asked_for_sockets = True
        self.state = state
        self.repaired |= set(state.repairing)
        waiting = _not_ready(self._settings, state)
        if waiting in state.repairing:
            waiting += _REPAIRED
        if not waiting and self._mine is not None and self._mine.pid != state.supervisor:
            # Another supervisor was faster. Ours may still be loading, and must not start after the other was stopped.
            self._mine.terminate()
            self._mine.wait()
        return waiting

    def hangs(self, name: str) -> bool:
        """Tell whether a service has answered before, still runs, and is not being restarted for a lost socket."""
        found = self.state.services.get(name)
        return found is not None and found.ready and not self._asked_for_sockets

    def _spawn_unless_alive(self) -> None:
        if self._mine is not None:
            code = self._mine.poll()
            if code is None:
                return
            # 0: another supervisor was faster, and has ended since.
            if code:
                raise SetupError(_failure(self._home))
        self._mine = _spawn(self._settings, self._home, workers=self._workers, temporary=self._temporary)


def _tell(supervisor: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended since; the next look starts another
        os.kill(supervisor, number)


def _running(home: Home) -> State | None:
    """Return the state of the living supervisor, an empty one while it starts, None when there is none."""
    pid = home.holder()
    for started in list(_started):
        if started[1].poll() is not None:
            _started.remove(started)
    if pid is None:
        return None
    state = home.read_state()
    return state if state.supervisor == pid else State()


def _spawn(settings: Settings, home: Home, *, workers: bool, temporary: bool) -> subprocess.Popen[bytes]:
    home.prepare()
    if temporary:
        home.temporary.touch(mode=0o600)
    else:
        home.temporary.unlink(missing_ok=True)
    arguments = [] if workers else ["--no-workers"]
    log = processes.open_log(home.log("supervisor"))
    try:
        process = subprocess.Popen(  # noqa: S603 -- our own command line
            # -P: the working folder may hold a `config` or `tasks` of its own.
            [sys.executable, "-P", "-m", "samplemind_worker.local_services", *arguments],
            env=child_env(settings),
            cwd=home.root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    finally:
        os.close(log)
    _started.append((home, process))
    return process


def _not_ready(settings: Settings, state: State) -> str:
    wanted = [name for name in private_names(settings) if name in ESSENTIAL]
    return next((name for name in wanted if not probe(name, state)), "")


def _failure(home: Home) -> str:
    try:
        return home.failure.read_text(encoding="utf-8")
    except OSError:
        log = home.log("supervisor")
        return f"the supervisor of the private services ended: {processes.last_words(log)}; see {log}"


def _hung(home: Home, name: str) -> str:
    log = home.log(name)
    return (
        f"{name} runs, but has not answered for {HUNG_SECONDS:.0f} s: {processes.last_words(log)}; see {log}; "
        "`samplemind down` ends it, and the next command starts it anew"
    )


def _too_slow(home: Home, waiting: str) -> str:
    log = home.log(waiting if waiting in ESSENTIAL else "supervisor")
    return f"{waiting} did not answer within {START_SECONDS:.0f} s: {processes.last_words(log)}; see {log}"
