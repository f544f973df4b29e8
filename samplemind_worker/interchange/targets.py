"""What every writer of files has in common: its options, what it reports of a file, and its interface."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from samplemind_worker.errors import NotWrittenError
from samplemind_worker.interchange.changes import Change
from samplemind_worker.interchange.journal import Run
from samplemind_worker.interchange.selection import Left, Sample
from samplemind_worker.interchange.tags import LEAST, Notation, Tags, tags_of

State = Literal["written", "unchanged", "left"]


@dataclass(frozen=True, slots=True)
class Options:
    """How a target is written."""

    least: float = LEAST
    notation: Notation = "musical"
    overwrite: bool = False
    copy_to: Path | None = None
    """The folder that mirrors the samples; None: in place, or beside them."""

    def tags(self, sample: Sample) -> Tags:
        """Return what is written about a sample."""
        return tags_of(sample.audio, sample.analysis, notation=self.notation, least=self.least)

    def target(self, sample: Sample) -> Path:
        """Return the path of a sample in the mirrored folder, or its own."""
        if self.copy_to is None:
            return sample.path
        return self.copy_to / os.path.relpath(sample.path, sample.top)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done with a file, or would be."""

    path: Path
    state: State
    fields: tuple[str, ...] = ()
    """What was written."""
    kept: tuple[str, ...] = ()
    """What holds another value already, and was left."""
    reason: str = ""
    """Why a file was left as it is."""
    change: Change | None = None
    """What the journal has of it."""


class Target(Protocol):
    """A writer of files: into the samples, or beside them."""

    def write(self, samples: Iterable[Sample], run: Run | None) -> Iterator[Outcome]:
        """Write, and yield what was done with each file; without a journal, what would be done.

        Raises
        ------
        SetupError
            If the disk is full, or an extra is missing; what was written stays.
        """
        ...


def each_alone(samples: Iterable[Sample], work: Callable[[Sample], Outcome]) -> Iterator[Outcome]:
    """Do the work of each sample, and yield what was done; a sample that cannot be written costs no other."""
    for sample in samples:
        try:
            yield work(sample)
        except NotWrittenError as error:
            yield Outcome(sample.path, "left", reason=str(error))


def left(sample: Left) -> Outcome:
    """Return the outcome of a file that is not analysed."""
    return Outcome(sample.path, "left", reason=sample.reason)
