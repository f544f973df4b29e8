"""Keeps the data that a server cannot start with as ``data/NAME.damaged-TIME``.

Valkey and Chroma start empty after that, because the record replaces what they hold. mongod holds the record itself:
its data are copied, and mongod repairs the original.
"""

import shutil
import time
from pathlib import Path

_MARK = ".damaged-"


def set_aside(folder: Path) -> Path | None:
    """Move a data folder out of the way and make an empty one; return None if there was nothing in it."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return None
    aside = _new_place(folder)
    folder.rename(aside)
    folder.mkdir(mode=0o700)
    return aside


def copy_aside(folder: Path) -> Path:
    """Copy a data folder.

    Raises
    ------
    OSError
        If the copy cannot be made; nothing of it is left then.
    """
    aside = _new_place(folder)
    try:
        shutil.copytree(folder, aside)
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return aside


def put_back(folder: Path, aside: Path) -> None:
    """Replace a data folder by what was kept of it."""
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)


def found(data: Path) -> list[Path]:
    """Return all damaged data that are kept below ``data``, the oldest first."""
    return sorted(data.glob(f"*{_MARK}*"), key=lambda path: path.name.partition(_MARK)[2])


def keep_only(folder: Path, aside: Path) -> None:
    """Remove what was kept of a data folder earlier."""
    for older in folder.parent.glob(f"{folder.name}{_MARK}*"):
        if older != aside:
            shutil.rmtree(older, ignore_errors=True)


def _new_place(folder: Path) -> Path:
    aside = folder.with_name(f"{folder.name}{_MARK}{time.strftime('%Y%m%d-%H%M%S')}")
    if aside.exists():
        shutil.rmtree(aside)
    return aside
