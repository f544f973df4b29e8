"""The undo journal: every change of a user's files is described on disk before it happens, and can be taken back.

A run is one call of a command. It has a folder ``undo/ID`` below the home folder: ``journal.jsonl`` with a line per
change, and ``kept.bin`` with the bytes that undoing needs. A changed file is never written in place: a draft beside it
gets the new content, owner, mode, times and extended attributes, is synced, and takes its name in one step. A process
that is killed at any moment leaves each file whole, old or new, and a draft that the next run removes.

One run at a time changes files; `begin` and `undo.undo` hold a lock.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from io import BufferedRandom, BufferedReader
from itertools import count
from pathlib import Path
from typing import Any, Final

from samplemind_worker.errors import NotWrittenError, UsageError
from samplemind_worker.interchange import changes, delta
from samplemind_worker.interchange.changes import Change
from samplemind_worker.interchange.delta import Step
from samplemind_worker.interchange.files import (
    BLOCK,
    Content,
    append,
    content,
    identity,
    keep_attributes,
    mapped,
    opened,
    rename_to_free_name,
    require_replaceable,
    sync_folder,
    translated,
)

_KEPT_DAYS: Final = 180


class Run:
    """The journal of one run that is under way. Make one with `begin`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = folder.name
        self._drafts = 0
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._journal = os.open(folder / "journal.jsonl", flags, 0o600)
        self._kept = os.open(folder / "kept.bin", flags, 0o600)
        self.changes: list[Change] = []

    def note_undoing(self) -> None:
        """Note that the changes are taken back from now on."""
        self._append({"undoing": True})

    def close(self) -> None:
        """Close the files of the journal."""
        os.close(self._journal)
        os.close(self._kept)

    def replace(
        self, path: Path, write: Callable[[BufferedReader, BufferedRandom], object], *, sha256: str | None = None
    ) -> Change | None:
        """Give a file new content; ``write`` gets the file and the draft. Return None if the content stays the same.

        Raises
        ------
        NotWrittenError
            If the file is left as it is: its content is not ``sha256``, it may not be written, or changes meanwhile.
        SetupError
            If the disk is full.
        """
        real = Path(os.path.realpath(path))
        with translated(), opened(real) as source:
            status = os.fstat(source.fileno())
            require_replaceable(real, status)
            before = content(source, status)
            if sha256 is not None and before.sha256 != sha256:
                raise NotWrittenError("it has changed since it was analysed; `samplemind submit` takes it in again")
            with self.draft_in(real.parent) as (draft, draft_path):
                source.seek(0)
                write(source, draft)
                draft.flush()
                if (after := content(draft, status)).sha256 == before.sha256:
                    return None
                keep_attributes(source.fileno(), draft.fileno(), status)
                os.fsync(draft.fileno())
                steps, kept = _difference(source, draft, before.sha256)
                change = Change("replace", str(real), before, after, None, tuple(steps), self._keep(kept))
                with self.changing(change):
                    if identity(real.stat(follow_symlinks=False)) != identity(status):
                        raise NotWrittenError("it changed meanwhile")
                    draft_path.replace(real)
                return change

    def create(self, path: Path, write: Callable[[BufferedRandom], object], *, like: Path | None = None) -> Change:
        """Make a file that does not exist, with its folder; ``like`` is a file whose mode and times it gets.

        Raises
        ------
        NotWrittenError
            If there is something at the path, or it cannot be made.
        SetupError
            If the disk is full.
        """
        with translated():
            self.make_folder(path.parent)
            with self.draft_in(path.parent, mode=0o666) as (draft, draft_path):
                write(draft)
                draft.flush()
                if like is not None:
                    shutil.copystat(like, draft_path)
                os.fsync(draft.fileno())
                change = Change("create", str(path), after=content(draft, os.fstat(draft.fileno())))
                with self.changing(change):
                    rename_to_free_name(draft_path, path)
                return change

    def move(self, source: Path, target: Path) -> Change:
        """Move a file to a path where there is none, with its folder, also to another file system.

        Raises
        ------
        NotWrittenError
            If there is something at the target, or the file cannot be moved.
        SetupError
            If the disk is full.
        """
        with translated():
            self.make_folder(target.parent)
            status = source.stat(follow_symlinks=False)
            held = Content("", status.st_size, status.st_mtime_ns)
            change = Change("move", str(target), held, held, str(source))
            with self.changing(change):
                self.transfer(source, target)
            return change

    def link(self, source: Path, target: Path, *, hard: bool = False) -> Change:
        """Make a symbolic or hard link to a file at a path where there is nothing, with its folder.

        Raises
        ------
        NotWrittenError
            If there is something at the target, or no link can be made.
        """
        with translated():
            self.make_folder(target.parent)
            change = Change("link", str(target), source=str(source))
            with self.changing(change):
                if hard:
                    os.link(source, target)
                else:
                    target.symlink_to(source)
            return change

    def transfer(self, source: Path, target: Path) -> None:
        """Move a file without recording it; the target must be free.

        Raises
        ------
        OSError
            If it cannot be moved; then it lies where it was.
        """
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        try:
            rename_to_free_name(source, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            with opened(source) as file, self.draft_in(target.parent) as (draft, draft_path):
                shutil.copyfileobj(file, draft, BLOCK)
                draft.flush()
                keep_attributes(file.fileno(), draft.fileno(), os.fstat(file.fileno()))
                os.fsync(draft.fileno())
                rename_to_free_name(draft_path, target)
        # A process that is killed here leaves both names, which undoing takes for one file.
        source.unlink(missing_ok=True)

    def make_folder(self, path: Path) -> None:
        """Make a folder and those above it, as far as they do not exist; undoing removes those that are empty.

        Raises
        ------
        NotWrittenError
            If one cannot be made.
        SetupError
            If the disk is full.
        """
        missing: list[Path] = []
        while not path.exists():
            missing.append(path)
            path = path.parent
        for folder in reversed(missing):
            with translated(folder), self.changing(Change("folder", str(folder))), suppress(FileExistsError):
                folder.mkdir()

    @contextmanager
    def draft_in(self, folder: Path, *, mode: int = 0o600) -> Generator[tuple[BufferedRandom, Path]]:
        """Open a new draft in a folder for reading and writing; it is removed at the end if it still has its name."""
        self._drafts += 1
        path = folder / f".samplemind-{self.id}-{self._drafts}.part"
        self._append({"draft": str(path)}, sync=False)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                yield file, path
        finally:
            path.unlink(missing_ok=True)

    @contextmanager
    def changing(self, change: Change) -> Generator[None]:
        """Record a change, make it in the block, and make it durable; a block that raises an error changes nothing."""
        self._append(change.as_json())
        try:
            yield
        except Exception:  # but not a signal, which may come after the change
            self._append({"void": True})
            raise
        self.changes.append(change)
        sync_folder(Path(change.path).parent)
        if change.operation == "move" and change.source is not None:
            sync_folder(Path(change.source).parent)

    def _keep(self, kept: list[bytes]) -> tuple[int, int]:
        start = os.fstat(self._kept).st_size
        append(self._kept, b"".join(kept), start)
        os.fsync(self._kept)
        return start, sum(map(len, kept))

    def _append(self, line: dict[str, Any], *, sync: bool = True) -> None:
        append(self._journal, json.dumps(line).encode() + b"\n", os.fstat(self._journal).st_size)
        if sync:
            os.fsync(self._journal)


@contextmanager
def begin(home: Path, *, command: str) -> Generator[Run]:
    """Begin a run, after removing what a killed one has left; a run without changes leaves nothing.

    Raises
    ------
    UsageError
        If another run changes files now.
    SetupError
        If the journal cannot be written.
    """
    top = changes.folder_of_journals(home)
    with locked(home):
        remove_drafts(home)
        _remove_old(top)
        with translated():
            folder = _new_folder(top)
            (folder / "running").touch()
            (folder / "command").write_text(command, encoding="utf-8", errors="backslashreplace")
            run = Run(folder)
        try:
            yield run
        except BaseException:
            changes.settle(folder)
            raise
        finally:
            run.close()
            (folder / "running").unlink(missing_ok=True)
            if not changes.changes_of(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _new_folder(top: Path) -> Path:
    """Make the folder of a run; the names of runs are in the order of their times."""
    now = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    folder = next(path for number in count(1) if not (path := top / f"{now}-{number:02}").exists())
    folder.mkdir(mode=0o700)
    return folder


@contextmanager
def locked(home: Path) -> Generator[None]:
    """Keep other runs from changing files.

    Raises
    ------
    UsageError
        If another run changes files now.
    """
    top = changes.folder_of_journals(home)
    with translated():
        top.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(top / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError("another run changes files now; try again when it has ended") from error
        yield
    finally:
        os.close(descriptor)


def remove_drafts(home: Path) -> None:
    """Remove the drafts of runs that were killed; the lock must be held."""
    for running in changes.folder_of_journals(home).glob("*/running"):
        for line in changes.lines_of(running.parent):
            if "draft" in line and Path(line["draft"]).name.startswith(".samplemind-"):
                with suppress(OSError):
                    Path(line["draft"]).unlink(missing_ok=True)
        changes.settle(running.parent)
        running.unlink(missing_ok=True)
        if not changes.changes_of(running.parent):
            shutil.rmtree(running.parent, ignore_errors=True)


def _remove_old(top: Path) -> None:
    limit = time.time() - _KEPT_DAYS * 86_400
    for folder in top.iterdir():
        with suppress(OSError):
            if folder.is_dir() and folder.stat().st_mtime < limit:
                shutil.rmtree(folder, ignore_errors=True)


def _difference(source: BufferedReader, draft: BufferedRandom, sha256: str) -> tuple[list[Step], list[bytes]]:
    """Describe the old content by the new one, and check that it can be built from that."""
    with mapped(source) as old, mapped(draft) as new:
        steps, kept = delta.describe(old, new)
        digest = hashlib.sha256()
        for block in delta.build(steps, new, b"".join(kept)):
            digest.update(block)
        if digest.hexdigest() != sha256:
            raise NotWrittenError("it changed meanwhile")
        return steps, kept
