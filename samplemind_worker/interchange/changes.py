"""Reads undo journals: the changes of a run in their order, and what became of the last one if it was interrupted."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from samplemind_worker.errors import NotWrittenError
from samplemind_worker.interchange.delta import Step
from samplemind_worker.interchange.files import Content, content_of

Operation = Literal["replace", "create", "move", "link", "folder"]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a file or folder, as the journal describes it."""

    operation: Operation
    path: str
    """The absolute path after the change; bytes that are no UTF-8 are escaped as ``os.fsdecode`` does."""
    before: Content | None = None
    after: Content | None = None
    source: str | None = None
    """Where a moved file lay before, or what a link points to."""
    steps: tuple[Step, ...] = ()
    """How the old content is built from the new one and from the kept bytes, for ``replace``."""
    kept: tuple[int, int] = (0, 0)
    """Start and size of its kept bytes in ``kept.bin``."""

    def as_json(self) -> dict[str, Any]:
        """Return the line of the journal."""
        line: dict[str, Any] = {"operation": self.operation, "path": self.path}
        for name, held in (("before", self.before), ("after", self.after)):
            if held is not None:
                line[name] = [held.sha256, held.size, held.mtime_ns]
        if self.source is not None:
            line["source"] = self.source
        if self.operation == "replace":
            line |= {"steps": self.steps, "kept": self.kept}
        return line

    @classmethod
    def from_json(cls, line: dict[str, Any]) -> Self:
        """Read a line of the journal."""
        before, after = (None if line.get(name) is None else Content(*line[name]) for name in ("before", "after"))
        steps = tuple((str(kind), int(start), int(size)) for kind, start, size in line.get("steps", ()))
        start, size = line.get("kept", (0, 0))
        return cls(line["operation"], line["path"], before, after, line.get("source"), steps, (start, size))


def folder_of_journals(home: Path) -> Path:
    """Return the folder of all journals."""
    return home / "undo"


def lines_of(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a journal; a last line that was cut off by a crash is left out."""
    with suppress(FileNotFoundError), (folder / "journal.jsonl").open("rb") as file:
        for line in file:
            with suppress(ValueError):
                yield json.loads(line)


def changes_of(folder: Path) -> list[Change]:
    """Return the changes of a run, in their order; one that was killed is to be settled before (`settle`)."""
    changes: list[Change] = []
    for line in lines_of(folder):
        if "operation" in line:
            changes.append(Change.from_json(line))
        elif "void" in line and changes:
            changes.pop()
    return changes


def settle(folder: Path) -> None:
    """Note in the journal of an interrupted run that its last change was not made, if that is so."""
    last: Change | None = None
    for line in lines_of(folder):
        if "operation" in line:
            last = Change.from_json(line)
        elif "void" in line or "undoing" in line:
            last = None
    if last is None or _was_made(last):
        return
    # A line of its own, also behind one that a crash has cut off.
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(b'\n{"void": true}\n')
        file.flush()
        os.fsync(file.fileno())


def _was_made(change: Change) -> bool:
    if change.operation != "replace" or change.before is None:
        return os.path.lexists(change.path)
    try:
        return content_of(Path(change.path)).sha256 != change.before.sha256
    except (OSError, NotWrittenError):
        return True  # something else has happened to the file since
