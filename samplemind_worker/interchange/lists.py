"""Targets that are one file about many samples: a playlist, a rekordbox collection, the tags of FL Studio's browser.

Without a file to write to, the list goes to standard output. A list in a file can be taken back like any other change.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from typing import Protocol

from samplemind_worker.errors import NotWrittenError, UsageError
from samplemind_worker.interchange.files import opened, translated
from samplemind_worker.interchange.journal import Run
from samplemind_worker.interchange.selection import Sample
from samplemind_worker.interchange.tags import Tags
from samplemind_worker.interchange.targets import Options, Outcome, each_alone


@dataclass(frozen=True, slots=True)
class Entry:
    """A sample in a list."""

    path: Path
    """The absolute path."""
    tags: Tags
    size: int
    sample_rate: int
    format: str
    first_beat: float | None
    """Seconds."""


class Format(Protocol):
    """How a list is written."""

    def require(self, path: Path) -> None:
        """Raise NotWrittenError if the list cannot hold a path."""
        ...

    def render(self, entries: list[Entry], *, folder: Path | None, before: bytes) -> bytes:
        """Return the list. ``folder`` is where it lies, None if that is unknown; ``before`` is what it held."""
        ...


class List:
    """Writes a list of samples."""

    def __init__(
        self, form: Format, options: Options, output: Path | None, to_stdout: Callable[[bytes], object]
    ) -> None:
        """Take the form and where the list goes.

        Raises
        ------
        UsageError
            If there cannot be a file at ``output``.
        """
        if output is not None and (output.is_dir() or not output.resolve().parent.is_dir()):
            raise UsageError(f"cannot write {output}: it is a folder, or there is no folder to write it to")
        self._form = form
        self._options = options
        self._output = output
        self._to_stdout = to_stdout

    def write(self, samples: Iterable[Sample], run: Run | None) -> Iterator[Outcome]:
        """Write the list, or say what would be in it."""
        entries: list[Entry] = []

        def add(sample: Sample) -> Outcome:
            path = Path(os.path.abspath(sample.path))  # noqa: PTH100 -- links stay as they are
            self._form.require(path)
            beats = sample.analysis.beats
            entries.append(
                Entry(
                    path,
                    self._options.tags(sample),
                    sample.audio.file_size,
                    sample.audio.sample_rate,
                    sample.audio.format,
                    beats[0] if beats else None,
                )
            )
            return Outcome(sample.path, "written", ("an entry",))

        done = list(each_alone(samples, add))
        if run is not None and entries:
            self._save(entries, run)
        yield from done

    def _save(self, entries: list[Entry], run: Run) -> None:
        if self._output is None:
            self._to_stdout(self._form.render(entries, folder=None, before=b""))
            return
        target = Path(os.path.abspath(self._output))  # noqa: PTH100 -- a link is resolved when it is written
        before = b""
        if target.exists():
            with translated(), opened(target.resolve()) as file:
                before = file.read()
        data = self._form.render(entries, folder=target.parent, before=before)

        def write(draft: BufferedRandom) -> None:
            draft.write(data)

        try:
            if target.exists():
                run.replace(target, lambda _, draft: write(draft))
            else:
                run.create(target, write)
        except NotWrittenError as error:
            raise UsageError(f"cannot write {self._output}: {error}") from error


def require_text(path: Path) -> str:
    """Return a path as text.

    Raises
    ------
    NotWrittenError
        If it is no UTF-8.
    """
    try:
        return os.fsencode(path).decode()
    except UnicodeDecodeError as error:
        raise NotWrittenError("its name is not UTF-8, which the list cannot hold") from error
