"""Takes back what a run has changed, newest change first. It can be killed and called again."""

import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BufferedRandom, BufferedReader
from pathlib import Path

from samplemind_worker.errors import NotWrittenError, UsageError
from samplemind_worker.interchange import changes, delta, files, journal
from samplemind_worker.interchange.changes import Change
from samplemind_worker.interchange.journal import Run


@dataclass(slots=True)
class Undone:
    """What undoing a run did."""

    run: str
    taken_back: list[Change] = field(default_factory=list[Change])
    before: list[Change] = field(default_factory=list[Change])
    """Those that were taken back before, by an earlier call or by hand."""
    left: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Paths that were left as they are, and why."""


@dataclass(frozen=True, slots=True)
class Past:
    """A run that can be taken back."""

    id: str
    command: str
    """The command line, without the name of the program."""
    at: datetime
    changes: int


def runs(home: Path, *, commands: Collection[str] = ()) -> list[Past]:
    """Return the runs of some commands, or of all, that can be taken back, newest first."""
    found: list[Past] = []
    for folder in sorted(_folders(home, commands), reverse=True):
        with suppress(OSError):
            at = datetime.fromtimestamp((folder / "journal.jsonl").stat().st_mtime, UTC)
            count = sum(each.operation != "folder" for each in changes.changes_of(folder))
            found.append(Past(folder.name, _command(folder), at, count))
    return found


def _folders(home: Path, commands: Collection[str]) -> Iterator[Path]:
    for path in changes.folder_of_journals(home).glob("*/journal.jsonl"):
        if not (path.parent / "undone").exists() and (not commands or _command(path.parent).split(" ")[0] in commands):
            yield path.parent


def _command(folder: Path) -> str:
    try:
        return (folder / "command").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def find(home: Path, run_id: str, *, commands: Collection[str] = ()) -> Path:
    """Return the folder of a run of some commands, or of all, by its id, the beginning of one, or ``last``.

    Raises
    ------
    UsageError
        If there is none, or more than one.
    """
    folders = sorted(_folders(home, commands))
    if run_id == "last":
        folders = folders[-1:]
    else:
        folders = [each for each in folders if run_id and each.name.startswith(run_id)]
    if len(folders) != 1:
        there = ", ".join(each.id for each in runs(home, commands=commands)[:5]) or "none"
        what = "more than one run begins with" if folders else "no run that can be undone has the id"
        raise UsageError(f"{what} {run_id!r} (the newest: {there})")
    return folders[0]


def undo(home: Path, run_id: str, *, commands: Collection[str] = ()) -> Undone:
    """Take back a run of some commands, or of all. A file that has changed since is left as it is.

    Raises
    ------
    UsageError
        If there is no such run, or another run changes files now.
    SetupError
        If the disk is full.
    """
    with journal.locked(home):
        journal.remove_drafts(home)
        folder = find(home, run_id, commands=commands)
        done = Undone(folder.name)
        (folder / "running").touch()
        run = Run(folder)
        try:
            run.note_undoing()
            for change in reversed(changes.changes_of(folder)):
                try:
                    is_new = _take_back(run, change)
                except NotWrittenError as error:
                    done.left.append((change.path, str(error)))
                except OSError as error:
                    translated = files.translate(error)
                    if not isinstance(translated, NotWrittenError):
                        raise translated from error
                    done.left.append((change.path, str(translated)))
                else:
                    (done.taken_back if is_new else done.before).append(change)
        finally:
            run.close()
        (folder / "running").unlink(missing_ok=True)
        if not done.left:
            (folder / "undone").touch()
    return done


def _take_back(run: Run, change: Change) -> bool:
    """Take back a change, and return whether there was anything left to do."""
    path = Path(change.path)
    match change.operation:
        case "replace":
            return _restore(run, path, change)
        case "create":
            if not os.path.lexists(path):
                return False
            if files.content_of(path).sha256 != (change.after.sha256 if change.after else ""):
                raise NotWrittenError("it has changed since")
            path.unlink()
            files.sync_folder(path.parent)
        case "link":
            if not os.path.lexists(path):
                return False
            _remove_link(path, change.source or "")
        case "folder":
            with suppress(OSError):  # it is gone, or something else lies in it now
                path.rmdir()
        case "move":
            return _move_back(run, path, Path(change.source or ""), change)
    return True


def _restore(run: Run, path: Path, change: Change) -> bool:
    assert change.before is not None  # noqa: S101 -- of every replaced file
    assert change.after is not None  # noqa: S101 -- as above
    now = files.content_of(path)
    if now.sha256 == change.before.sha256:
        return False
    if now.sha256 != change.after.sha256:
        raise NotWrittenError("it has changed since")
    with files.opened(path) as source, run.draft_in(path.parent) as (draft, draft_path):
        status = os.fstat(source.fileno())
        _rebuild(run, change, source, draft)
        files.keep_attributes(source.fileno(), draft.fileno(), status)
        os.utime(draft.fileno(), ns=(status.st_atime_ns, change.before.mtime_ns))
        os.fsync(draft.fileno())
        draft_path.replace(path)
    files.sync_folder(path.parent)
    return True


def _rebuild(run: Run, change: Change, source: BufferedReader, draft: BufferedRandom) -> None:
    assert change.before is not None  # noqa: S101 -- of every replaced file
    start, size = change.kept
    with (run.folder / "kept.bin").open("rb") as file:
        file.seek(start)
        kept = file.read(size)
    digest = hashlib.sha256()
    with files.mapped(source) as new:
        for block in delta.build(list(change.steps), new, kept):
            digest.update(block)
            draft.write(block)
    draft.flush()
    if digest.hexdigest() != change.before.sha256:
        raise NotWrittenError("the journal does not hold its old content any more")


def _remove_link(path: Path, target: str) -> None:
    is_ours = str(path.readlink()) == target if path.is_symlink() else Path(target).exists() and path.samefile(target)
    if not is_ours:
        raise NotWrittenError("it is not the link that was made")
    path.unlink()
    files.sync_folder(path.parent)


def _move_back(run: Run, path: Path, source: Path, change: Change) -> bool:
    if not os.path.lexists(path) and source.exists():
        return False
    status = path.stat(follow_symlinks=False)
    if change.after is not None and (status.st_size, status.st_mtime_ns) != (change.after.size, change.after.mtime_ns):
        raise NotWrittenError("it has changed since")
    if os.path.lexists(source):
        if not _are_one(path, source):
            raise NotWrittenError(f"there is another file at {source}")
        path.unlink()  # the run was killed while it moved the file
    else:
        source.parent.mkdir(parents=True, exist_ok=True)
        run.transfer(path, source)
    files.sync_folder(path.parent)
    files.sync_folder(source.parent)
    return True


def _are_one(path: Path, source: Path) -> bool:
    return path.samefile(source) or files.content_of(path).sha256 == files.content_of(source).sha256
