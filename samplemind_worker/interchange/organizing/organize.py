"""Organizes files: plans where they go, carries it out through the undo journal, and keeps the record true.

A move is written into the journal, made, and then recorded. What a killed run has moved but not recorded is recorded
by the next run; a run that is called again goes on where it stopped, because it finds what is there already.
"""

import os
import stat
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from io import BufferedRandom
from pathlib import Path
from shutil import copyfileobj
from typing import Any, Final, Literal

from config.settings import Settings
from samplemind_worker.errors import NotWrittenError, PermanentError, UsageError
from samplemind_worker.finding import entry
from samplemind_worker.finding.filters import Filter
from samplemind_worker.finding.query import Query
from samplemind_worker.finding.search import search
from samplemind_worker.interchange import changes, files, journal, undo
from samplemind_worker.interchange.changes import Change
from samplemind_worker.interchange.journal import Run
from samplemind_worker.interchange.organizing.layout import PATTERN, Layout, values_of
from samplemind_worker.store import library, places
from samplemind_worker.store.places import Place

How = Literal["link", "hardlink", "copy", "move"]

_PAGE: Final = 500
_COMMANDS: Final = ("organize",)
_UNRECORDED: Final = "unrecorded-moves"
"""A file in the folder of a run whose moves may not be in the record yet."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which files are organized, and how."""

    words: Query
    chosen: Filter
    top: Path
    """The folder that they go into; absolute."""
    pattern: str = PATTERN
    how: How = "link"


@dataclass(frozen=True, slots=True)
class Step:
    """What is done with one file."""

    source: Path
    target: Path
    file_id: str
    is_done: bool
    """The file lies there already."""
    place: Place


@dataclass(frozen=True, slots=True)
class Left:
    """A content that nothing can be done with here."""

    why: str


IN_A_BUCKET: Final = Left("lies in a bucket, where nothing is linked, copied or moved from")
CHANGED: Final = Left("is not on this machine, or has changed since it was analysed; `samplemind submit` looks again")


@dataclass(slots=True)
class Organized:
    """What a run did."""

    run: str | None = None
    """The id by which it is taken back; None if it changed nothing."""
    done: list[Step] = field(default_factory=list[Step])
    left: list[tuple[Step, str]] = field(default_factory=list[tuple[Step, str]])
    """Files that were left as they are, and why."""


def plan(wanted: Wanted, settings: Settings) -> Iterator[Step | Left]:
    """Yield what is to be done for the files that have all words and pass the filter, one file per content.

    A content that lies nowhere on this machine, or has changed since it was analysed, is yielded with why it is left.

    Raises
    ------
    UsageError
        If the pattern cannot be used, or files are to be moved out of the roots that are recorded.
    """
    if wanted.how == "move" and settings.roots:
        library.locate(wanted.top / "file", settings.roots)
    layout = Layout(wanted.top, wanted.pattern)
    for rows in _pages(wanted.words, wanted.chosen):
        lying = places.of([row["_id"] for row in rows])
        for row in rows:
            found = _source_of(lying.get(row["_id"], ()), wanted.chosen, settings)
            if isinstance(found, Left):
                yield found
                continue
            place, source = found
            is_there = partial(_is_there, source=source, how=wanted.how)
            target, is_done = layout.place(values_of(row, source), source.suffix, is_there)
            yield Step(source, target, row["_id"], is_done, place)


def _pages(words: Query, chosen: Filter) -> Iterator[list[dict[str, Any]]]:
    after = None
    while True:
        found = search(words, chosen, order="name", limit=_PAGE, after=after)
        yield [hit.entry for hit in found.hits]
        after = found.next
        if after is None:
            return


def _source_of(lying: Sequence[Place], chosen: Filter, settings: Settings) -> tuple[Place, Path] | Left:
    why = CHANGED
    for place in lying:
        if not chosen.admits(place.shown):
            continue
        if library.is_object(place.root, settings.roots):
            why = IN_A_BUCKET
            continue
        with suppress(PermanentError):
            folder = os.fsencode(library.folder_of(place.root, settings.roots))
            full = os.path.join(folder, place.path)  # noqa: PTH118 -- bytes: names need not be UTF-8
            if _is_unchanged(full, place):
                return place, Path(os.fsdecode(full))
    return why


def _is_unchanged(full: bytes, place: Place) -> bool:
    """Return whether a file is the one that was recorded; its ctime does not count, as a hard link changes it."""
    try:
        status = os.stat(full)  # noqa: PTH116 -- bytes
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and (status.st_size, status.st_mtime_ns) == (place.size, place.mtime_ns)


def _is_there(path: Path, source: Path, how: How) -> bool:
    """Return whether a path is what would be made of the source, or the source itself."""
    try:
        if how == "link" and path.is_symlink():
            return path.readlink() == source
        if path.is_symlink():
            return False
        if path.samefile(source):
            return True
        same_size = path.stat().st_size == source.stat().st_size
        return how == "copy" and same_size and files.content_of(path).sha256 == files.content_of(source).sha256
    except (OSError, NotWrittenError):
        return False


def carry_out(steps: Iterable[Step], wanted: Wanted, settings: Settings, *, command: str) -> Organized:
    """Link, copy or move files. One that cannot be is left as it is, and the others are done all the same.

    Raises
    ------
    UsageError
        If the folder that they go into cannot be made, or another run changes files now.
    SetupError
        If the disk is full; what was done stays and can be taken back.
    """
    finish(settings)
    result = Organized()
    with journal.begin(settings.home, command=command) as run, _recorded(run, wanted.how, settings):
        for step in steps:
            if step.is_done:
                continue
            _make_top(run, wanted.top)
            try:
                _carry_out(run, step, wanted.how)
            except NotWrittenError as error:
                result.left.append((step, str(error)))
            else:
                result.done.append(step)
        if run.changes:
            result.run = run.id
    return result


def _make_top(run: Run, top: Path) -> None:
    try:
        run.make_folder(top)
    except NotWrittenError as error:
        raise UsageError(str(error)) from error


def _carry_out(run: Run, step: Step, how: How) -> None:
    match how:
        case "link" | "hardlink":
            run.link(step.source, step.target, hard=how == "hardlink")
        case "move":
            run.move(step.source, step.target)
        case "copy":
            with files.translated(), files.opened(step.source) as source:

                def _write(draft: BufferedRandom) -> None:
                    copyfileobj(source, draft, files.BLOCK)

                run.create(step.target, _write, like=step.source)


@contextmanager
def _recorded(run: Run, how: How, settings: Settings) -> Generator[None]:
    """Record the moves of a run when it ends, however it does."""
    if how != "move":
        yield
        return
    mark = run.folder / _UNRECORDED
    mark.touch()
    try:
        yield
    finally:
        # All that the journal has: a signal may have come between a move and its note in memory.
        follow(changes.changes_of(run.folder), settings)
        mark.unlink()


def finish(settings: Settings) -> None:
    """Record what a killed run has moved.

    Raises
    ------
    UsageError
        If another run changes files now.
    """
    marks = list(changes.folder_of_journals(settings.home).glob(f"*/{_UNRECORDED}"))
    if not marks:
        return
    with journal.locked(settings.home):
        for mark in marks:
            follow(changes.changes_of(mark.parent), settings)
            mark.unlink(missing_ok=True)


def follow(made: Iterable[Change], settings: Settings, *, back: bool = False) -> int:
    """Have the record follow files that were moved, or moved ``back``; return how many it followed."""
    followed = 0
    pairs: list[tuple[Place, Place]] = []
    for change in made:
        if change.operation != "move" or change.source is None:
            continue
        old, new = (change.path, change.source) if back else (change.source, change.path)
        pair = _pair(Path(old), Path(new), settings)
        if pair is not None:
            pairs.append(pair)
        if len(pairs) >= _PAGE:
            places.move(pairs)
            followed, pairs = followed + len(pairs), []
    places.move(pairs)
    entry.refresh_marked()
    return followed + len(pairs)


def _pair(old: Path, new: Path, settings: Settings) -> tuple[Place, Place] | None:
    """Return the recorded place of a file and its new one; None if the record does not know it, or it is not there."""
    if os.path.lexists(old):
        return None
    with suppress(UsageError, OSError):
        place = places.at(*library.locate(old, settings.roots))
        status = new.stat(follow_symlinks=False)
        if place is None or (status.st_size, status.st_mtime_ns) != (place.size, place.mtime_ns):
            return None
        root, path = library.locate(new, settings.roots)
        if place.root.startswith("/") and new.is_relative_to(place.root):
            # It stays in the folder that was submitted.
            root, path = place.root, os.fsencode(new.relative_to(place.root))
        return place, replace(place, root=root, path=path, ctime_ns=status.st_ctime_ns, gone_at=None)
    return None


def take_back(run_id: str, settings: Settings) -> undo.Undone:
    """Take back a run, and have the record follow.

    Raises
    ------
    UsageError
        If there is no such run, or another run changes files now.
    SetupError
        If the disk is full.
    """
    finish(settings)
    done = undo.undo(settings.home, run_id, commands=_COMMANDS)
    follow([*done.before, *done.taken_back], settings, back=True)
    return done
