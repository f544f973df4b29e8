"""The target ``files``: tags in the audio files themselves, or in tagged copies of them."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from io import BufferedRandom, BufferedReader
from pathlib import Path

from samplemind_worker.errors import NotWrittenError
from samplemind_worker.interchange import audio_tags
from samplemind_worker.interchange.audio_tags import Plan
from samplemind_worker.interchange.changes import Change
from samplemind_worker.interchange.files import content, content_of, opened, require_replaceable, translated
from samplemind_worker.interchange.journal import Run
from samplemind_worker.interchange.selection import Sample
from samplemind_worker.interchange.tags import Tags
from samplemind_worker.interchange.targets import Options, Outcome, each_alone


class _NothingToDoError(Exception):
    """The file has all values already."""


class TaggedFiles:
    """Writes tags into files."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._changes: dict[str, Change] = {}
        """The changes of this run, by path: a link may lead to a file that has its tags already."""

    def write(self, samples: Iterable[Sample], run: Run | None) -> Iterator[Outcome]:
        """Tag each file, or say what it would get."""
        yield from each_alone(samples, lambda sample: self._write(sample, run))

    def _write(self, sample: Sample, run: Run | None) -> Outcome:
        tags = self._options.tags(sample)
        if run is None:
            return self._would_write(sample, tags)
        if self._options.copy_to is not None:
            return self._copy(sample, tags, run)
        if (done := self._changes.get(os.path.realpath(sample.path))) is not None:
            return Outcome(sample.path, "unchanged", change=done)
        plans: list[Plan] = []

        def write(source: BufferedReader, draft: BufferedRandom) -> None:
            plans.append(audio_tags.plan(source, tags, overwrite=self._options.overwrite))
            if not plans[0].changes:
                raise _NothingToDoError
            audio_tags.write(source, draft, plans[0])

        try:
            change = run.replace(sample.path, write, sha256=sample.place.file_id)
        except _NothingToDoError:
            return _outcome(sample.path, plans[0], written=False)
        if change is not None:
            self._changes[change.path] = change
        return Outcome(
            sample.path,
            "unchanged" if change is None else "written",
            tuple(plans[0].planned.written),
            tuple(plans[0].planned.kept),
            change=change,
        )

    def _would_write(self, sample: Sample, tags: Tags) -> Outcome:
        with translated(), opened(Path(os.path.realpath(sample.path))) as source:
            _require_content(source, sample)
            if self._options.copy_to is None:
                require_replaceable(sample.path, os.fstat(source.fileno()))
            elif os.path.lexists(target := self._options.target(sample)):
                return self._beside(sample, tags, target)
            ready = audio_tags.plan(source, tags, overwrite=self._options.overwrite)
            return _outcome(self._options.target(sample), ready, written=ready.changes or bool(self._options.copy_to))

    def _copy(self, sample: Sample, tags: Tags, run: Run) -> Outcome:
        target = self._options.target(sample)
        if os.path.lexists(target):
            return self._beside(sample, tags, target)
        with translated(), opened(Path(os.path.realpath(sample.path))) as source:
            _require_content(source, sample)
            ready = audio_tags.plan(source, tags, overwrite=self._options.overwrite)
            change = run.create(target, lambda draft: audio_tags.write(source, draft, ready), like=sample.path)
            return Outcome(target, "written", tuple(ready.planned.written), tuple(ready.planned.kept), change=change)

    def _beside(self, sample: Sample, tags: Tags, target: Path) -> Outcome:
        """Tell whether a file at the target is the copy that an earlier run has made."""
        with opened(Path(os.path.realpath(sample.path))) as source, tempfile.TemporaryFile() as draft:
            ready = audio_tags.plan(source, tags, overwrite=self._options.overwrite)
            audio_tags.write(source, draft, ready)
            if content(draft, os.fstat(draft.fileno())).sha256 == content_of(target).sha256:
                return _outcome(target, ready, written=False)
        raise NotWrittenError(f"there is another file at {target}")


def _require_content(source: BufferedReader, sample: Sample) -> None:
    if content(source, os.fstat(source.fileno())).sha256 != sample.place.file_id:
        raise NotWrittenError("it has changed since it was analysed; `samplemind submit` takes it in again")
    source.seek(0)


def _outcome(path: Path, ready: Plan, *, written: bool) -> Outcome:
    fields = tuple(ready.planned.written) if written else ()
    return Outcome(path, "written" if written else "unchanged", fields, tuple(ready.planned.kept))
