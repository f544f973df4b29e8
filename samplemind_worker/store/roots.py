"""Tells a root that is mounted from the empty folder where it would be mounted, and asks whether a bucket is there."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from config.locations import Location, ObjectPath, is_named
from samplemind_worker.documents.batch import RecordedRoot
from samplemind_worker.errors import BucketNotReachedError, RootNotReachedError
from samplemind_worker.store.library import base_of

_NAMES: Final = 64  # entries that are compared: enough to recognize a folder
_UNLISTED: Final = frozenset({"."})  # stands for the names in a folder that may be entered but not listed


@dataclass(frozen=True, slots=True)
class _View:
    """A root as it was seen at one time."""

    device: int
    inode: int
    names: frozenset[str]


class Roots:
    """The roots as this process has seen them. Safe to use from several threads."""

    def __init__(self, named: Mapping[str, Location]) -> None:
        self._named = named
        self._seen: dict[str, _View] = {}

    def require(self, root: str, recorded: RecordedRoot | None = None) -> None:
        """Check that a root is reached; ``recorded`` is what the machine that recorded the batch saw.

        An empty folder is reached only if it is the same folder as before, because an unmounted device leaves an empty
        folder behind. A folder on another device than before must hold some of the same names.

        Raises
        ------
        RootNotReachedError
            If it is not.
        OutsideRootsError
            If roots are named and this is the path of a folder, or a bucket.
        TransientError
            If it is a bucket, whose service can answer nothing now.
        """
        if is_named(root) and root not in self._named:
            raise RootNotReachedError(root)
        base = base_of(root, self._named)
        if isinstance(base, ObjectPath):
            _ask(root, base)
            return
        view = _look(base)
        before = self._seen.get(root)
        if view is None or not _is_same(view, before, recorded):
            raise RootNotReachedError(root)
        self._seen[root] = view if view.names or before is None else before


def recorded(root: str, base: Location) -> RecordedRoot:
    """Return what a batch records about a root when it is submitted."""
    if isinstance(base, ObjectPath):
        return RecordedRoot(root=root, device=0, inode=0)
    status = base.stat()
    return RecordedRoot(root=root, device=status.st_dev, inode=status.st_ino)


def _ask(root: str, place: ObjectPath) -> None:
    from samplemind_worker.store import objects  # noqa: PLC0415 -- slow import

    try:
        objects.require(place)
    except BucketNotReachedError as error:
        raise RootNotReachedError(root, str(error)) from error


def _look(folder: Path) -> _View | None:
    try:
        status = folder.stat()
        return _View(status.st_dev, status.st_ino, _names_in(folder))
    except OSError:  # it is gone, or the server of its mount is (ESTALE, ENOTCONN, EIO)
        return None


def _names_in(folder: Path) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in islice(entries, _NAMES))
    except PermissionError:
        if os.access(folder, os.X_OK):
            return _UNLISTED
        raise


def _is_same(view: _View, before: _View | None, recorded: RecordedRoot | None) -> bool:
    if not view.names:
        return any(known and (known.device, known.inode) == (view.device, view.inode) for known in (before, recorded))
    return before is None or view.device == before.device or not view.names.isdisjoint(before.names)
