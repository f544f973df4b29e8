"""Rewrites the recorded places of a library that was moved, so that nothing is analysed again."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from config.locations import ObjectPath
from config.settings import Settings
from samplemind_worker.errors import UsageError
from samplemind_worker.finding import entry
from samplemind_worker.store import library, places
from samplemind_worker.store.places import Area, Place
from samplemind_worker.text import plural
from samplemind_worker.upkeep.places import area_of, areas_of


@dataclass(slots=True)
class Moved:
    """The result of a move, or of a dry run."""

    moved: int = 0
    missing: int = 0
    """Recorded files that are not below the new folder, or have another size there."""
    ended: int = 0
    """How many of the missing files were marked as gone, because the old folder no longer exists."""


@dataclass(frozen=True, slots=True)
class _Target:
    """A folder of this machine, with the root and the path under which places below it are recorded."""

    folder: Path
    root: str
    path: bytes

    def place(self, below: bytes, old: Place) -> Place | None:
        """Return the place of a file in the folder; None if there is none of that size."""
        try:
            status = os.stat(os.path.join(os.fsencode(self.folder), below))  # noqa: PTH116, PTH118 -- bytes
        except OSError:
            return None
        if not stat.S_ISREG(status.st_mode) or status.st_size != old.size:
            return None
        moved = replace(old, root=self.root, path=os.path.join(self.path, below), gone_at=None)  # noqa: PTH118 -- bytes
        # Another modification time may mean another file. With the old times in the record, the next scan reads it.
        return replace(moved, ctime_ns=status.st_ctime_ns) if status.st_mtime_ns == old.mtime_ns else moved


def move(old: str, new: str, *, settings: Settings, dry_run: bool = False) -> Moved:
    """Rewrite the places below one folder, or root, to another one that holds the same files.

    A second move changes nothing, and an interrupted move is finished by the next one.

    Raises
    ------
    UsageError
        If the new folder does not exist or holds fewer than half of the files, if one folder lies in the other, or if
        the record knows nothing below the old one.
    """
    target = _target(new, settings)
    sources = [Area(old, b"")] if _is_root(old, settings) else areas_of(library.where(old), settings)
    landing = Area(target.root, target.path) if target.root in settings.roots else area_of(target.folder, settings)
    sources = [area for area in sources if area != landing]
    if any(_overlap(area, landing) for area in sources):
        raise UsageError(f"{old} and {new} must not lie in each other")
    found, missing, known = _look(sources, target)
    if not known:
        if sources and not any(places.below(landing)):
            raise UsageError(f"the record knows no file below {old}")
        return Moved()
    if missing > found:
        recorded = plural(found + missing, "recorded file is", "recorded files are")
        raise UsageError(f"{new} does not hold the files of {old}: {found:,} of {recorded} there")
    if dry_run:
        return Moved(found, missing)
    return _rewrite(sources, target, keep_missing=os.path.lexists(old))


def _is_root(text: str, settings: Settings) -> bool:
    """Return whether a text names a root: a configured one, or one that only the record knows."""
    if text in settings.roots:
        return True
    return "/" not in text and not os.path.lexists(text) and any(places.below(Area(text, b""), gone=True))


def _target(new: str, settings: Settings) -> _Target:
    folder = library.absolute(settings.roots.get(new) or library.where(new))
    if isinstance(folder, ObjectPath):
        raise UsageError(
            f"{new} is in a bucket: give the root there the name of the old one, or submit it; what is known is not "
            "analysed again"
        )
    if not folder.is_dir():
        raise UsageError(f"no such folder: {folder}")
    if settings.roots:
        area = Area(new, b"") if new in settings.roots else area_of(folder, settings)
        return _Target(folder, area.root, area.path)
    root = library.root_above(folder)
    below = os.path.relpath(os.fsencode(folder), os.fsencode(root))
    return _Target(folder, str(root), b"" if below == b"." else below)


def _overlap(one: Area, other: Area) -> bool:
    def _within(inner: bytes, outer: bytes) -> bool:
        return not outer or inner == outer or inner.startswith(outer + b"/")

    return one.root == other.root and (_within(one.path, other.path) or _within(other.path, one.path))


def _pages(sources: list[Area], target: _Target) -> Iterator[list[tuple[Place, Place | None]]]:
    """Yield the places of the sources page by page, each with its place in the target, or None."""
    for area in sources:
        for page in places.below(area, gone=True):
            yield [(place, target.place(area.below(place), place)) for place in page]


def _look(sources: list[Area], target: _Target) -> tuple[int, int, int]:
    """Return how many files the target holds, how many present places have none there, and the sum of both.

    Places that are already gone, and whose files are not in the target either, do not count.
    """
    found = missing = 0
    for page in _pages(sources, target):
        found += sum(new is not None for _, new in page)
        missing += sum(new is None and old.gone_at is None for old, new in page)
    return found, missing, found + missing


def _rewrite(sources: list[Area], target: _Target, *, keep_missing: bool) -> Moved:
    done = Moved()
    for page in _pages(sources, target):
        pairs = [(old, new) for old, new in page if new is not None]
        missing = [old for old, new in page if new is None and old.gone_at is None]
        places.move(pairs)
        done.moved += len(pairs)
        done.missing += len(missing)
        done.ended += 0 if keep_missing else places.end(missing)
    entry.refresh_marked()
    return done
