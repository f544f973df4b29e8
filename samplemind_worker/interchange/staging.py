"""A folder of files that appears as a whole, or not at all.

Files are written into a hidden folder beside the target, which takes the target's name once all are on the disk. A
process that is killed leaves the hidden folder; it holds no lock then, and the next run for this target removes it.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from samplemind_worker.errors import UsageError
from samplemind_worker.interchange.naming import shorten

_PARTIAL: Final = ".partial"
_MOST_STEM: Final = 200


def require_free(target: Path) -> None:
    """Check that a folder can be made.

    Raises
    ------
    UsageError
        If something is there already, or the folder above it is missing.
    """
    if os.path.lexists(target):
        raise UsageError(f"{target} is there already; name another folder with -o")
    if not target.parent.is_dir():
        raise UsageError(f"no such folder: {target.parent}")


@contextmanager
def new_folder(target: Path) -> Generator[Path]:
    """Yield a hidden folder that becomes the target when the block ends well, and is removed when it does not.

    Raises
    ------
    UsageError
        If something is at the target already.
    OSError
        If it cannot be written.
    """
    require_free(target)
    stem = f".{shorten(target.name, _MOST_STEM)}-"
    _remove_abandoned(target.parent, stem)
    staging = Path(tempfile.mkdtemp(prefix=stem, suffix=_PARTIAL, dir=target.parent))
    lock = os.open(staging, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield staging
        umask = os.umask(0)
        os.umask(umask)
        staging.chmod(0o777 & ~umask)
        _flush(staging)
        require_free(target)
        staging.rename(target)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    finally:
        os.close(lock)
    _flush_folder(target.parent)


def _remove_abandoned(folder: Path, stem: str) -> None:
    with suppress(OSError):
        for path in folder.iterdir():
            if path.name.startswith(stem) and path.name.endswith(_PARTIAL) and path.is_dir() and not _is_locked(path):
                shutil.rmtree(path, ignore_errors=True)


def _is_locked(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _flush(folder: Path) -> None:
    """Write all files of a folder, and the folder itself, to the disk."""
    for path in folder.rglob("*"):
        if path.is_symlink():
            continue
        if path.is_dir():
            _flush_folder(path)
            continue
        with path.open("rb") as file:
            os.fsync(file.fileno())
    _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
