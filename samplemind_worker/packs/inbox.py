"""Lists the packs of an inbox, says whether they are complete, and moves them away afterwards.

``inbox/vendor/pack.zip`` belongs to a vendor, ``inbox/pack.zip`` does not. A folder in the inbox is a vendor's if it
directly contains archives or ``.done`` files, and no audio; any other folder is a pack itself. Packs are moved to
``done`` or ``refused``. Links are ignored at every level.
"""

import os
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from samplemind_worker.packs import staging
from samplemind_worker.submission.walk import AUDIO_SUFFIXES

Kind = Literal["zip", "folder", "file"]

UNKNOWN: Final = "unknown"
"""The vendor of packs that are directly in the inbox."""

DONE, REFUSED = "done", "refused"
_MARK, _REASON = ".done", ".reason.txt"
_PROBE: Final = ".samplemind-clock"
_DEEPEST: Final = 100  # levels of folders; the settings allow no more
_LONGEST_NAME: Final = 200  # bytes of a name to which a suffix is appended
_LONGEST_STEM: Final = 180  # bytes of a stem to which a number and a suffix are appended


@dataclass(frozen=True, slots=True)
class Found:
    """A pack in the inbox; its names are those of the file system (``os.fsdecode``)."""

    vendor: str | None
    name: str
    kind: Kind
    changed_ns: int
    """When it or anything in it changed last, by the clock of its file system."""
    marked: str | None
    """The name of the file beside it that marks it as complete."""

    @property
    def path(self) -> str:
        """Where it lies below the inbox."""
        return self.name if self.vendor is None else f"{self.vendor}/{self.name}"

    @property
    def title(self) -> str:
        """Its name without the suffix."""
        return self.name if self.kind == "folder" else PurePosixPath(self.name).stem


@dataclass(frozen=True, slots=True)
class Look:
    """The contents of an inbox at one time."""

    packs: list[Found]
    left_alone: list[str]
    """Entries that are neither an archive, a folder nor audio."""
    now_ns: int
    """The time by the clock of the inbox's file system, which may differ from this machine's."""

    def is_complete(self, pack: Found, *, settle: float) -> bool:
        """Return whether a pack is marked as complete or has not changed for this many seconds."""
        return pack.marked is not None or self.now_ns - pack.changed_ns >= settle * 1e9


class Inbox:
    """An inbox, by its path; it is opened anew each time that it is listed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def look(self) -> Look:
        """List the inbox; makes and removes a hidden file to read the clock of its file system."""
        packs: list[Found] = []
        alone: list[str] = []
        with staging.opened(self.folder) as top:
            for name, status in _entries(top):
                if name in (DONE, REFUSED):
                    continue
                if stat.S_ISDIR(status.st_mode) and _is_vendor(name, top):
                    with staging.opened(self.folder, name) as folder:
                        _sort(folder, name, packs, alone)
            _sort(top, None, packs, alone)
            now = _now(top)
        return Look(sorted(packs, key=lambda pack: pack.path), sorted(alone), now)

    def holds(self, path: str) -> bool:
        """Return whether something exists at a path below the inbox."""
        try:
            os.lstat(self.folder / path)
        except OSError:
            return False
        return True

    def move_done(self, pack: Found) -> str:
        """Move a pack and its mark to ``done``; return its new path below the inbox."""
        return self._move(pack, DONE)

    def move_refused(self, pack: Found, reason: str) -> str:
        """Move a pack to ``refused``, with the reason in a file beside it; return its new path below the inbox."""
        return self._move(pack, REFUSED, reason=reason)

    def _move(self, pack: Found, to: str, *, reason: str | None = None) -> str:
        above = () if pack.vendor is None else (pack.vendor,)
        with (
            staging.opened(self.folder, *above) as source,
            staging.opened(self.folder, to, *above, make=True) as target,
        ):
            name = _free_name(pack.name, target)
            if reason is not None:
                # The reason first: a run that is killed in between must not leave a pack refused without one.
                _write_text(f"{_cut(name)}{_REASON}", reason, target)
            os.rename(pack.name, name, src_dir_fd=source, dst_dir_fd=target)
            if pack.marked is not None:
                with suppress(FileNotFoundError):
                    os.rename(pack.marked, _free_name(pack.marked, target), src_dir_fd=source, dst_dir_fd=target)
        return "/".join((to, *above, name))


def _entries(folder: int) -> list[tuple[str, os.stat_result]]:
    """Return the visible entries of an open folder, except links, sorted by name."""
    found: list[tuple[str, os.stat_result]] = []
    with os.scandir(folder) as scan:
        for entry in scan:
            if entry.name.startswith("."):
                continue
            with suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                if not stat.S_ISLNK(status.st_mode):
                    found.append((entry.name, status))
    return sorted(found)


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _is_vendor(name: str, parent: int) -> bool:
    try:
        folder = staging.open_folder(name, parent)
    except OSError:
        return False
    try:
        suffixes = {_suffix(entry) for entry, status in _entries(folder) if stat.S_ISREG(status.st_mode)}
    except OSError:
        return False
    finally:
        os.close(folder)
    return bool(suffixes & {".zip", _MARK}) and not suffixes & AUDIO_SUFFIXES


def _sort(folder: int, vendor: str | None, packs: list[Found], alone: list[str]) -> None:
    """Add the packs in the inbox itself or in a vendor's folder to ``packs``, and ignored entries to ``alone``."""
    entries = _entries(folder)
    names = {name for name, _ in entries}
    for name, status in entries:
        if vendor is None and (name in (DONE, REFUSED) or (stat.S_ISDIR(status.st_mode) and _is_vendor(name, folder))):
            continue
        kind = _kind(name, status)
        if kind is None:
            if _suffix(name) != _MARK:
                alone.append(name if vendor is None else f"{vendor}/{name}")
            continue
        changed = _changed(status)
        if kind == "folder":
            newest = _newest_below(name, folder)
            if newest is None:  # nothing is in it yet
                continue
            changed = max(changed, newest)
        marks = (f"{name}{_MARK}", f"{PurePosixPath(name).stem}{_MARK}" if kind == "zip" else "")
        packs.append(Found(vendor, name, kind, changed, next((mark for mark in marks if mark in names), None)))


def _kind(name: str, status: os.stat_result) -> Kind | None:
    if stat.S_ISDIR(status.st_mode):
        return "folder"
    if not stat.S_ISREG(status.st_mode):
        return None
    return "zip" if _suffix(name) == ".zip" else "file" if _suffix(name) in AUDIO_SUFFIXES else None


def _changed(status: os.stat_result) -> int:
    """Return when an entry changed last.

    This is the time of the inode. Many programs copy the time of the contents, so that one may be of any year.
    """
    return status.st_ctime_ns


def _newest_below(name: str, parent: int, *, depth: int = _DEEPEST) -> int | None:
    """Return when a file in a folder changed last, as deep as a pack may be; None if it holds no file."""
    newest: int | None = None
    try:
        folder = staging.open_folder(name, parent)
    except OSError:  # gone or unreadable, which is reported when it is taken
        return 0
    try:
        for entry, status in _entries(folder):
            below: int | None = _changed(status)
            if stat.S_ISDIR(status.st_mode):
                below = _newest_below(entry, folder, depth=depth - 1) if depth else 0
            if below is not None:
                newest = max(newest or 0, below)
    except OSError:
        return 0
    finally:
        os.close(folder)
    return newest


def _now(folder: int) -> int:
    """Return the time by the clock of an open folder's file system."""
    with suppress(FileNotFoundError):
        os.unlink(_PROBE, dir_fd=folder)
    try:
        descriptor = os.open(_PROBE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
    except FileExistsError:  # another run lists it at the same time
        return time.time_ns()
    try:
        return os.fstat(descriptor).st_ctime_ns
    finally:
        os.close(descriptor)
        with suppress(FileNotFoundError):
            os.unlink(_PROBE, dir_fd=folder)


def _free_name(name: str, folder: int) -> str:
    """Return the name, with a number appended if it is taken in an open folder."""
    taken = set(os.listdir(folder))
    path = PurePosixPath(name)
    stem, suffix = (path.stem, path.suffix) if len(path.suffix) <= len(_MARK) else (name, "")
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{_cut(stem, _LONGEST_STEM)}-{number}{suffix}"
    return free


def _cut(name: str, length: int = _LONGEST_NAME) -> str:
    return os.fsdecode(os.fsencode(name)[:length])


def _write_text(name: str, text: str, folder: int) -> None:
    draft = f".new.{name}"
    with suppress(FileNotFoundError):
        os.unlink(draft, dir_fd=folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(draft, flags, 0o644, dir_fd=folder)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text + "\n")
    os.rename(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
