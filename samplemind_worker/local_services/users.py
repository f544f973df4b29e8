"""Each command that uses the private services holds a shared lock on ``run/users`` until it ends.

The kernel releases the lock of a command that is killed. A command that gets the exclusive lock knows that no other
command uses the services, and keeps new ones waiting while it stops them.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from config.settings import Settings
from samplemind_worker.local_services.home import Home
from samplemind_worker.local_services.services import private_names

_LONGEST = 60  # characters of a command line


class Users:
    """A command's lock as a user of a home; a context manager that opens the lock file and releases the lock."""

    def __init__(self, home: Home, *, say: Callable[[str], None]) -> None:
        self._home, self._say = home, say
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        self._descriptor = os.open(self._home.users, os.O_RDWR | os.O_CREAT, 0o600)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @property
    def descriptor(self) -> int:
        """The open lock file."""
        assert self._descriptor is not None  # noqa: S101 -- used within the context
        return self._descriptor

    def join(self) -> None:
        """Become one of the users; waits while another command stops the services."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            self._say("waiting for another command, which stops the private services")
            fcntl.flock(self.descriptor, fcntl.LOCK_SH)

    def alone(self) -> bool:
        """Try to become the only user. If that fails, this command is no longer a user: `join` again to go on."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(self.descriptor, fcntl.LOCK_UN)
            return False
        return True

    def wait_for_stop(self) -> None:
        """Wait while another command stops the services, if one does."""
        self.join()
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    def is_stopping(self) -> bool:
        """Whether another command stops the services now."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)
        return False

    def others(self) -> list[str]:
        """Name the other commands that have the lock file open, for a message."""
        found: list[str] = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):  # it has ended, or is another user's
                if process.pid != os.getpid() and _has_open(process, self._home.users):
                    found.append(f"`{_command(process)}` (process {process.pid})")
        return found


def join_for_good(settings: Settings, *, say: Callable[[str], None]) -> None:
    """Become a user until this process ends, also if it executes another program."""
    if private_names(settings):
        users = Users(Home(settings.home), say=say).__enter__()
        users.join()
        os.set_inheritable(users.descriptor, True)  # noqa: FBT003 -- it takes no keyword


def _has_open(process: psutil.Process, path: Path) -> bool:
    return process.uids().real == os.getuid() and str(path) in {file.path for file in process.open_files()}


def _command(process: psutil.Process) -> str:
    words = process.cmdline()
    # The interpreter that runs the script says nothing.
    if len(words) > 1 and Path(words[1]).name == "samplemind":
        words = ["samplemind", *words[2:]]
    text = " ".join(words)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
