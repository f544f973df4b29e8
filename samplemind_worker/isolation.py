"""Keeps files in the working folder from influencing this program; users run commands in folders of unknown content.

Python, numba, Chroma's client, Celery and Flower import or read files there by themselves. This module loads the
standard library alone, because it runs before everything else.
"""

import os
import sys
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Final

NEUTRAL_FOLDER: Final = "/"
"""A folder that only root can write to."""

_PROJECT: Final = str(Path(__file__).parents[1])
_turn = threading.RLock()


def ignore_working_folder() -> None:
    """Prevent imports and programs from the working folder, in this process and its children.

    Call it first. Python puts that folder before its own modules for ``python -m`` and ``python -c``, with which
    `multiprocessing` starts its children, and for an empty entry of ``PYTHONPATH``.
    """
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        here = os.path.realpath(os.getcwd())  # noqa: PTH109 -- pathlib is slow to start with
    except FileNotFoundError:  # it was removed, so nothing is imported from there
        here = ""
    sys.path[:] = _without(here, sys.path)
    if "PYTHONPATH" in os.environ:
        folders = absolute_folders(os.environ["PYTHONPATH"]).split(os.pathsep)
        os.environ["PYTHONPATH"] = os.pathsep.join(_without(here, folders))
    if "PATH" in os.environ:
        # An empty or relative entry would run servers from there.
        folders = os.environ["PATH"].split(os.pathsep)
        os.environ["PATH"] = os.pathsep.join(folder for folder in folders if os.path.isabs(folder))  # noqa: PTH117 -- pathlib is slow to start with


def _without(here: str, folders: Iterable[str]) -> list[str]:
    return [folder for folder in folders if folder == _PROJECT or (folder and os.path.realpath(folder) != here)]


def absolute_folders(path: str) -> str:
    """Return a search path with absolute entries and without empty ones; links are not resolved."""
    return os.pathsep.join(os.path.abspath(folder) for folder in path.split(os.pathsep) if folder)  # noqa: PTH100 -- links stay as they are


@contextmanager
def neutral_folder() -> Generator[None]:
    """Change to a trusted working folder inside the block, for libraries that read files from it when they load."""
    with _turn:
        try:
            back = os.open(".", getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC)
        except FileNotFoundError:  # it was removed, so nothing is read there
            back = None
        try:
            os.chdir(NEUTRAL_FOLDER)
            yield
        finally:
            if back is not None:
                os.fchdir(back)
                os.close(back)
