"""Starts and ends child processes so that none outlives the supervisor."""

import contextlib
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import psutil

from samplemind_worker.local_services.home import Running

MAX_LOG_BYTES = 10 * 2**20
_PR_SET_PDEATHSIG = 1
# s. A corrected clock shifts the computed start of a process; a process id is not used again so soon.
_SLACK = 2.0


def start(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path, death_signal: signal.Signals
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, with its output in ``log``.

    On Linux the kernel sends ``death_signal`` when the calling *thread* dies, kill -9 included, so call from the main
    thread. Elsewhere a child may outlive a killed supervisor until the next one ends it (``end_leftovers``).
    """
    output = open_log(log)
    try:
        return subprocess.Popen(  # noqa: S603 -- our own command lines
            argv,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent(death_signal),  # noqa: PLW1509 -- the supervisor has one thread
        )
    finally:
        os.close(output)


def open_log(log: Path) -> int:
    """Open a log for appending, moved to ``.1`` first if it has grown too large."""
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_name(log.name + ".1"))
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    # Loaded before the fork, because the child must not wait for the loader's locks.
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def ask_kernel() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:  # it died before the kernel was asked
            os.kill(os.getpid(), signal.SIGKILL)

    return ask_kernel


def created(pid: int) -> float:
    """Return when a process started, 0 if it is gone."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0


def kill_group(leader: int) -> None:
    """Kill whatever is left of a child's process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of zombies
        os.killpg(leader, signal.SIGKILL)


def end_leftovers(services: Iterable[Running], *, grace: float = 15.0) -> int:
    """End the processes that a killed supervisor left, with the workers' groups; return how many there were.

    A child is identified by its process id and its start. The id of a dead child still identifies its group: the
    kernel does not use an id again while a group has it.
    """
    leaders = {
        service.pid for service in services if abs((created(service.pid) or service.created) - service.created) < _SLACK
    }
    leftovers = [process for process in psutil.process_iter() if _session(process) in leaders] if leaders else []
    for process in leftovers:
        if process.pid in leaders:
            _signal(process, signal.SIGTERM)
    _, alive = psutil.wait_procs(leftovers, timeout=grace)
    for process in alive:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=5.0)
    return len(leftovers)


def _session(process: psutil.Process) -> int:
    try:
        return 0 if process.status() == psutil.STATUS_ZOMBIE else os.getsid(process.pid)
    except (OSError, psutil.Error):
        return 0


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.Error):  # it has ended since
        process.send_signal(number)


def last_words(log: Path, *, since: int | None = None) -> str:
    """Return the last line of a log; with ``since`` the first line after that offset that is marked as an error."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(min(since or 0, size), size - 65536))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines() if line.strip()]
    if since is not None:
        # mongod logs the cause first, then its consequences.
        lines = [line for line in lines if re.search(r'"s": ?"[EF]"', line)][:1] or lines
    return _plain(lines[-1])[:300] if lines else ""


def _plain(line: str) -> str:
    """Turn one of mongod's JSON lines into words; other lines stay as they are."""
    try:
        entry = json.loads(line)
        attributes = entry.get("attr", {})
        message = attributes.get("message")
        details = (attributes.get("error"), message, message.get("msg") if isinstance(message, dict) else None)
        return ": ".join([entry["msg"], *(detail.strip() for detail in details if isinstance(detail, str))])
    except (ValueError, AttributeError, KeyError, TypeError):
        return line
