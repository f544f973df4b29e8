"""Data that a server cannot start with is set aside, so that the server starts empty.

Only for data that the record can replace: what Valkey holds is a hint, and Chroma's vectors are in the record too.
"""

import shutil
import time
from pathlib import Path

_MARK = ".damaged-"


def set_aside(folder: Path) -> Path | None:
    """Move a data folder out of the way and make an empty one; None if there was nothing in it."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return None
    aside = folder.with_name(f"{folder.name}{_MARK}{time.strftime('%Y%m%d-%H%M%S')}")
    if aside.exists():
        shutil.rmtree(aside)
    folder.rename(aside)
    folder.mkdir(mode=0o700)
    return aside


def put_back(folder: Path, aside: Path) -> None:
    """Undo `set_aside`: the data was not at fault."""
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)


def found(data: Path) -> list[Path]:
    """Return what is set aside below the folder of all data, the oldest first."""
    return sorted(data.glob(f"*{_MARK}*"), key=lambda path: path.name.partition(_MARK)[2])


def keep_only(folder: Path, aside: Path) -> None:
    """Remove what was set aside of a data folder before."""
    for older in folder.parent.glob(f"{folder.name}{_MARK}*"):
        if older != aside:
            shutil.rmtree(older, ignore_errors=True)
