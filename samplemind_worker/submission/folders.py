"""Which folders somebody elsewhere may name for a submission, and which folders lie in one.

With ``SAMPLEMIND_ROOTS`` these are the named roots and what lies in them. Without it (a laptop) the one user may name
any absolute path; for them the whole file system is the root `LOCAL`. A bucket can be named by a root alone.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from config.locations import Location, ObjectPath
from samplemind_worker.errors import UsageError
from samplemind_worker.store import library
from samplemind_worker.submission.walk import is_audio

LOCAL: Final = "local"
_MOST_LISTED: Final = 5000  # folders in one folder
_MOST_OBJECTS: Final = 20_000  # folders and objects below one prefix: twenty requests


@dataclass(frozen=True, slots=True)
class Folder:
    """What lies directly in a folder."""

    folders: list[str]
    """The names of its folders, sorted; hidden ones, links and names that are not UTF-8 are left out."""
    audio: int
    """How many files directly in it are audio by their names."""
    complete: bool
    """False if it has more folders than are listed."""


def roots_of(named: Mapping[str, Location], *, any_path: bool) -> dict[str, Location]:
    """Return the folders below which paths may be named; ``any_path`` says whether any path may be where none are."""
    return dict(named) if named else {LOCAL: Path("/")} if any_path else {}


def resolve(root: str | None, paths: Sequence[str], roots: Mapping[str, Location]) -> list[tuple[str, Location]]:
    """Return each path with its root, as `roots_of` gives them; without a root, paths are absolute.

    Raises
    ------
    UsageError
        If there is no such root, or a path leaves it, by ``..``, by being absolute, or through a link.
    """
    return [_resolve(root, path, roots) for path in paths]


def _resolve(root: str | None, path: str, roots: Mapping[str, Location]) -> tuple[str, Location]:
    if "\0" in path:
        raise UsageError("a path holds a null byte")
    if ".." in PurePosixPath(path).parts:
        raise UsageError(f"{path!r} leads upwards")
    if root is None:
        if not path.startswith("/"):
            raise UsageError(f"{path!r} is not absolute; name its root, or give the whole path")
        if not roots:
            raise UsageError("no roots are named here: set SAMPLEMIND_ROOTS")
        return _checked(_named_above(Path(path), roots), Path(path), path, roots)
    if root not in roots:
        raise UsageError(f"there is no root {root!r}; there are: {', '.join(sorted(roots)) or 'none'}")
    if path.startswith("/"):
        raise UsageError(f"{path!r} is absolute; a path below a root begins with the name of a folder")
    base = roots[root]
    if isinstance(base, ObjectPath):
        return root, base.at(path.removesuffix("/")) if path else base
    return _checked(root, base / path, path, roots)


def _checked(root: str, target: Path, path: str, roots: Mapping[str, Location]) -> tuple[str, Path]:
    base, real = os.path.realpath(str(roots[root])), os.path.realpath(target)
    if os.path.commonpath([base, real]) != base:
        raise UsageError(f"{path!r} leads out of its root")
    return root, target


def _named_above(path: Path, roots: Mapping[str, Location]) -> str:
    return library.locate(path, roots)[0] if LOCAL not in roots else LOCAL


def look(folder: Location) -> Folder:
    """Return what lies directly in a folder or below a prefix.

    Raises
    ------
    UsageError
        If it is not there, is no folder, or cannot be read.
    BucketNotReachedError, TransientError
        If a bucket cannot be listed.
    """
    if isinstance(folder, ObjectPath):
        return _look_at_objects(folder)
    names: list[str] = []
    audio = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if _is_text(entry.name):
                        names.append(entry.name)
                elif is_audio(entry.name):
                    audio += 1
    except OSError as error:
        raise UsageError(f"cannot read the folder: {error.strerror}") from error
    return Folder(_sorted(names)[:_MOST_LISTED], audio, complete=len(names) <= _MOST_LISTED)


def _look_at_objects(place: ObjectPath) -> Folder:
    from samplemind_worker.store import objects  # noqa: PLC0415 -- slow import

    found = objects.content(place, most=_MOST_OBJECTS)
    if place.key and not (found.folders or found.objects):
        raise UsageError("there is no object below this prefix")
    names = [name for name in found.folders if name and not name.startswith(".")]
    audio = sum(is_audio(name) for name in found.objects if not name.startswith("."))
    return Folder(_sorted(names)[:_MOST_LISTED], audio, complete=found.complete and len(names) <= _MOST_LISTED)


def _sorted(names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: (name.casefold(), name))


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
