"""The folder of compiled kernels, and the lock of the process that compiles them.

numba stores kernels as pickles, so anyone who can write to the folder can run code in this program. It must therefore
be writable by nobody but this user, root and the owner of the code.
"""

import fcntl
import os
import stat
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

from samplemind_worker.errors import SetupError

VARIABLE: Final = "NUMBA_CACHE_DIR"
PATIENCE: Final = 300.0
"""Seconds to wait for another process that compiles; longer than it takes on any machine."""

_NAME: Final = "samplemind-kernels"
_SOURCES: Final = Path(__file__).parent / "dsp"
_LOOK_SECONDS: Final = 0.1


def candidates() -> list[Path]:
    """Return the possible folders: from the environment, beside the kernels' sources, in the user's cache."""
    given = os.environ.get(VARIABLE)
    bases = [Path(given).expanduser().absolute()] if given else []
    bases += [_SOURCES / "__pycache__", user_cache_path("samplemind", appauthor=False)]
    # Child processes get the folder itself.
    folders = [base if base.name == _NAME else base / _NAME for base in bases if base.is_absolute()]
    return list(dict.fromkeys(folders))


def prepare() -> Path:
    """Return the first folder that exists, or can be made, and that no other user can write to.

    Raises
    ------
    SetupError
        If there is no such folder.
    """
    for folder in candidates():
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if is_ours(folder):
                return folder
    raise SetupError(f"there is no folder for compiled kernels: set {VARIABLE} to a folder of yours")


def is_ours(folder: Path) -> bool:
    """Tell whether this process can write to a folder, and nobody who could not change the code as well."""
    found = folder.lstat()
    trusted = {0, os.geteuid(), Path(__file__).stat().st_uid}
    private = stat.S_ISDIR(found.st_mode) and found.st_uid in trusted and not found.st_mode & 0o022
    return private and os.access(folder, os.W_OK | os.X_OK)


@contextmanager
def compiling(*, patience: float = PATIENCE) -> Generator[bool]:
    """Let one process compile while the others wait; they then load its results from the folder.

    Yields False if another process still compiles after ``patience`` seconds; compiling twice does no harm.
    """
    descriptor = os.open(prepare() / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        deadline = time.monotonic() + patience
        while not (mine := _lock(descriptor)) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        yield mine
    finally:
        os.close(descriptor)


def is_compiling(folder: Path) -> bool:
    """Tell whether a process holds the lock of a folder."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        return not _lock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
