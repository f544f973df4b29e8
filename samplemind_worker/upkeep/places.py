"""Compares recorded places with disk and bucket: ends those whose files are gone, forgets those that a user names.

The command line runs it, so it loads no engine.
"""

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import psutil
from loguru import logger

from config.locations import Location, ObjectPath
from config.settings import Settings
from samplemind_worker.errors import ServiceUnavailableError, UsageError
from samplemind_worker.finding import entry
from samplemind_worker.store import library, places
from samplemind_worker.store.places import Area, Place

if TYPE_CHECKING:
    from samplemind_worker.store.objects import Listed

_ROOTS_CACHED: Final = 4096

Finding = Literal["here", "changed", "missing", "unknown"]


@dataclass(slots=True)
class Ended:
    """How many recorded places of some folders were ended, and how many were kept though their files are missing."""

    gone: int = 0
    """Places that were ended, because their files are gone or have changed."""
    away: int = 0
    """Places that were kept, because their root is empty or their drive is not mounted."""
    away_below: list[str] = field(default_factory=list[str])
    """Some of the folders that are empty or not mounted."""


def area_of(path: Location, settings: Settings) -> Area:
    """Return the area of the record that a path of this machine, or a prefix of a bucket, denotes.

    Raises
    ------
    UsageError
        If roots are configured and the path lies in none of them.
    """
    full = library.absolute(path)
    if not settings.roots and isinstance(full, Path):
        return Area("/", os.fsencode(full).lstrip(b"/"))
    root, below = library.locate(full, settings.roots)
    return Area(root, b"" if below == b"." else below)


def end_gone(tops: Sequence[Location], settings: Settings) -> Ended:
    """End the recorded places at or below some paths whose files are gone or have changed since they were read.

    Call it after these paths were walked to the end. Places that cannot be checked are kept: in a folder without
    permission, below an empty root, on a drive that is not mounted, in a bucket that cannot be listed to the end.
    """
    ended = Ended()
    folders = [top for top in tops if isinstance(top, Path)]
    drives = _Drives(settings, folders)
    for top in tops:
        if isinstance(top, ObjectPath):
            ended.gone += _end_objects(top, settings)
    for top in folders:
        for page in places.below(area_of(top, settings)):
            gone: list[Place] = []
            for place in page:
                full = _path_on_disk(place, settings)
                match look(full, place):
                    case "changed":
                        gone.append(place)
                    case "missing":
                        away = drives.away_above(full, [_folder(place.root, settings), os.fsencode(top)])
                        if away is None:
                            gone.append(place)
                        else:
                            _count_away(ended, away)
                    case _:
                        pass
            ended.gone += places.end(gone)
    entry.refresh_marked()
    drives.remember()
    return ended


def _end_objects(top: ObjectPath, settings: Settings) -> int:
    """End the recorded places below a prefix whose objects are gone or have changed; return how many.

    Record and bucket are both read in the order of the keys, so that neither is kept in memory.
    """
    area = area_of(top, settings)
    base = library.base_of(area.root, settings.roots)
    if not isinstance(base, ObjectPath):  # as `area_of` has found it
        return 0
    length = len(base.prefix)
    there = _at_or_below(top)
    now: tuple[bytes, tuple[int, ...]] | None = None
    ended = 0
    for page in places.below(area, in_order=True):
        gone: list[Place] = []
        try:
            for place in page:
                while now is None or now[0] < place.path:
                    found = next(there, None)
                    now = (_BEHIND_ALL, ()) if found is None else (found.key[length:].encode(), _what_tells(found))
                if now != (place.path, (place.size, place.mtime_ns, place.ctime_ns)):
                    gone.append(place)
        except ServiceUnavailableError as error:
            logger.warning("places.not_compared", fields={"prefix": str(top), "error": str(error)})
            return ended + places.end(gone)
        ended += places.end(gone)
    return ended


_BEHIND_ALL: Final = b"\xff"  # no text in UTF-8 begins with it


def _at_or_below(top: ObjectPath) -> "Iterator[Listed]":
    from samplemind_worker.store import objects  # noqa: PLC0415 -- slow import

    itself = objects.look(top) if top.key else None
    if itself is not None:
        yield itself
    yield from objects.listed(top)


def _what_tells(found: "Listed") -> tuple[int, int, int]:
    return found.size, found.mtime_ns, found.tag


_MOST_NAMED: Final = 3


def _count_away(ended: Ended, folder: bytes) -> None:
    ended.away += 1
    name = library.printable(folder)[0]
    if name not in ended.away_below and len(ended.away_below) < _MOST_NAMED:
        ended.away_below.append(name)


def look(full: bytes, place: Place) -> Finding:
    """Compare a recorded place with the file that lies there now."""
    try:
        status = os.stat(full)  # noqa: PTH116 -- bytes
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    except OSError as error:
        return "missing" if error.errno == errno.ELOOP else "unknown"
    now = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    same = stat.S_ISREG(status.st_mode) and now == (place.size, place.mtime_ns, place.ctime_ns)
    return "here" if same else "changed"


def _folder(root: str, settings: Settings) -> bytes:
    return os.fsencode(library.folder_of(root, settings.roots))


def _path_on_disk(place: Place, settings: Settings) -> bytes:
    return os.path.join(_folder(place.root, settings), place.path)  # noqa: PTH118 -- bytes: names need not be UTF-8


class _Drives:
    """Distinguishes files that are gone from files whose drive is not mounted.

    Without its drive, a mount point is an empty folder, or missing. The record says which folders were mount points
    when they were walked. An empty root counts as one too, because its drive may have been mounted elsewhere then.
    """

    def __init__(self, settings: Settings, tops: Iterable[Path]) -> None:
        self._host = settings.host
        mounted = {os.fsencode(part.mountpoint) for part in psutil.disk_partitions(all=True)} - {b"/"}
        self._lost = places.known_mounts(self._host) - mounted
        walked = [os.fsencode(os.path.abspath(top)) for top in tops]  # noqa: PTH100 -- links stay as they are
        self._walked = [
            mount for mount in mounted if any(_lies_in(mount, top) or _lies_in(top, mount) for top in walked)
        ]
        self._is_empty = lru_cache(_ROOTS_CACHED)(_is_empty)

    def remember(self) -> None:
        """Record the mount points at, below and above the walked paths."""
        places.remember_mounts(self._host, self._walked)

    def away_above(self, path: bytes, roots: Sequence[bytes]) -> bytes | None:
        """Return the unmounted folder or the empty root above a missing file; None if there is neither."""
        return next(
            (folder for folder in self._lost if _lies_in(path, folder)),
            next((root for root in roots if self._is_empty(root)), None),
        )


def _lies_in(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


def _is_empty(folder: bytes) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The result of `forget` for one path."""

    path: str
    places: int
    """Places that were marked as gone."""
    already: int
    """Places that were gone before."""


def forget(paths: Sequence[Location], *, settings: Settings, dry_run: bool = False) -> list[Forgotten]:
    """Mark all recorded places at or below some paths as gone, whether their files are there or not.

    Raises
    ------
    UsageError
        If the record knows no file at or below one of the paths; nothing is changed then.
    """
    for path in paths:
        if not any(page for area in areas_of(path, settings) for page in places.below(area, gone=True)):
            raise UsageError(f"the record knows no file at or below {path}")
    return [_forget(path, settings, dry_run=dry_run) for path in paths]


def _forget(path: Location, settings: Settings, *, dry_run: bool) -> Forgotten:
    ended = already = 0
    for area in areas_of(path, settings):
        for page in places.below(area, gone=True):
            living = [place for place in page if place.gone_at is None]
            already += len(page) - len(living)
            ended += len(living) if dry_run else places.end(living)
    entry.refresh_marked()
    return Forgotten(library.shown(path), ended, already)


def areas_of(path: Location, settings: Settings) -> list[Area]:
    """Return the areas of the record that a path may denote, including those recorded before roots were configured."""
    areas = [area_of(path, settings.model_copy(update={"roots": {}}))]
    with suppress(UsageError):
        areas.append(area_of(path, settings))
    return list(dict.fromkeys(areas))
