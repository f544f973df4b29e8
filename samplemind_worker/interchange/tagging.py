"""The use case of ``samplemind tag``: writes a target, lets the record follow, and takes it back."""

import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from config.settings import Settings
from samplemind_worker.errors import NotWrittenError, SetupError
from samplemind_worker.interchange import changes, journal, undo
from samplemind_worker.interchange.files import content_of
from samplemind_worker.interchange.journal import Run
from samplemind_worker.interchange.selection import Left, Sample
from samplemind_worker.interchange.targets import Outcome, Target, left
from samplemind_worker.interchange.undo import Undone
from samplemind_worker.store.vectors import Vectors
from samplemind_worker.upkeep import successors

COMMANDS: Final = ("tag", "slice")
"""The commands whose runs `take_back` takes back."""
_PAGE: Final = 200
"""Files after which the record follows."""
_UNRECORDED: Final = "unrecorded"
"""Marks the journal of a run that the record may not have followed to its end."""


class Tagging:
    """One run of a target over some samples; iterate over it once."""

    def __init__(self, target: Target, settings: Settings, *, command: str, vectors: Vectors | None) -> None:
        self._target = target
        self._settings = settings
        self._command = command
        self._vectors = vectors
        self.run_id: str | None = None
        """The id by which the run can be taken back, once it has changed something."""

    def preview(self, samples: Iterable[Sample | Left]) -> Generator[Outcome]:
        """Yield what would be done, without doing it."""
        yield from _written(self._target, samples, None)

    def write(self, samples: Iterable[Sample | Left]) -> Generator[Outcome]:
        """Do it, and yield what was done with each file.

        Raises
        ------
        UsageError
            If another run changes files now.
        SetupError
            If the disk is full, or an extra is missing; what was written stays and can be taken back.
        """
        home = self._settings.home
        with journal.begin(home, command=self._command) as run:
            recover(self._settings, self._vectors, but=run.folder)
            (run.folder / _UNRECORDED).touch()
            held: dict[Path, str] = {}
            try:
                for outcome in _written(self._target, samples, run):
                    if run.changes:
                        self.run_id = run.id
                    held |= _held(outcome)
                    yield outcome
                    if len(held) >= _PAGE:
                        successors.follow(held, self._settings, self._vectors)
                        held.clear()
            finally:
                if run.changes:
                    self.run_id = run.id
                for change in run.changes[-1:]:  # of which an interrupt may have kept the outcome
                    if change.operation == "replace" and change.after is not None:
                        held[Path(change.path)] = change.after.sha256
                successors.follow(held, self._settings, self._vectors)
            # After an interrupt the mark stays, and the next run looks at the files themselves.
            (run.folder / _UNRECORDED).unlink(missing_ok=True)


def _held(outcome: Outcome) -> dict[Path, str]:
    """Return what a file holds that was changed, by the path that was named and by that without links."""
    change = outcome.change
    if change is None or change.after is None or os.path.realpath(outcome.path) != change.path:
        return {}
    return dict.fromkeys([outcome.path, Path(change.path)], change.after.sha256)


def _written(target: Target, samples: Iterable[Sample | Left], run: Run | None) -> Iterator[Outcome]:
    """Write runs of analysed samples together, and yield the others in between."""
    others: list[Outcome] = []

    def analysed() -> Iterator[Sample]:
        for sample in samples:
            if isinstance(sample, Left):
                others.append(left(sample))
            else:
                yield sample

    for outcome in target.write(analysed(), run):
        yield from others
        others.clear()
        yield outcome
    yield from others


def recover(settings: Settings, vectors: Vectors | None, *, but: Path | None = None) -> None:
    """Let the record follow runs that were killed before it could."""
    for mark in changes.folder_of_journals(settings.home).glob(f"*/{_UNRECORDED}"):
        if mark.parent != but:
            _follow_files(mark.parent, settings, vectors)
            mark.unlink(missing_ok=True)


def _follow_files(folder: Path, settings: Settings, vectors: Vectors | None) -> None:
    """Let the record follow what the files of a run hold now, as far as that is what the run knows."""
    held: dict[Path, str] = {}
    for change in changes.changes_of(folder):
        if change.operation == "replace" and change.before is not None and change.after is not None:
            with suppress(OSError, NotWrittenError):
                now = content_of(Path(change.path)).sha256
                if now in (change.before.sha256, change.after.sha256):
                    held[Path(change.path)] = now
                if len(held) >= _PAGE:
                    successors.follow(held, settings, vectors)
                    held.clear()
    successors.follow(held, settings, vectors)


def take_back(run_id: str, settings: Settings, vectors: Vectors | None) -> Undone:
    """Take back a run, and let the record follow.

    Raises
    ------
    UsageError
        If there is no such run, or another run changes files now.
    SetupError
        If the disk is full; it can be called again.
    """
    folder = undo.find(settings.home, run_id, commands=COMMANDS)
    (folder / _UNRECORDED).touch()
    try:
        return undo.undo(settings.home, folder.name, commands=COMMANDS)
    finally:
        with suppress(SetupError):
            _follow_files(folder, settings, vectors)
            (folder / _UNRECORDED).unlink(missing_ok=True)
