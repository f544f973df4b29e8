"""The target ``json``: all that is known of a sample, in a file beside it or in a folder that mirrors its place."""

import json
import os
from collections.abc import Iterable, Iterator
from io import BufferedRandom
from pathlib import Path

from samplemind_worker.documents.report import analyzed
from samplemind_worker.errors import NotWrittenError
from samplemind_worker.interchange.files import opened, translated
from samplemind_worker.interchange.journal import Run
from samplemind_worker.interchange.selection import Sample
from samplemind_worker.interchange.targets import Options, Outcome, each_alone

SUFFIX = ".samplemind.json"


class Sidecars:
    """Writes a JSON file per sample; its object is that of ``samplemind show --json``."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def write(self, samples: Iterable[Sample], run: Run | None) -> Iterator[Outcome]:
        """Write each file, or say what would be written."""
        yield from each_alone(samples, lambda sample: self._write(sample, run))

    def _write(self, sample: Sample, run: Run | None) -> Outcome:
        beside = self._options.target(sample)
        target = beside.with_name(beside.name + SUFFIX)
        report = {"made_by": "samplemind", **analyzed(os.fsdecode(sample.path), sample.audio, sample.analysis)}
        data = json.dumps(report, ensure_ascii=True, indent=1).encode() + b"\n"
        change = None
        if not os.path.lexists(target):
            if run is not None:
                change = run.create(target, lambda draft: _write_all(draft, data))
        else:
            with translated(), opened(target) as file:
                there = file.read()
            if there == data:
                return Outcome(target, "unchanged")
            if not _is_ours(there):
                raise NotWrittenError(f"there is another file at {target}")
            if run is not None:
                change = run.replace(target, lambda _, draft: _write_all(draft, data))
        return Outcome(target, "written", ("everything",), change=change)


def _write_all(draft: BufferedRandom, data: bytes) -> None:
    draft.write(data)


def _is_ours(data: bytes) -> bool:
    try:
        held = json.loads(data)
    except ValueError:
        return False
    return isinstance(held, dict) and held.get("made_by") == "samplemind"


def path_beside(path: Path) -> Path:
    """Return where the sidecar of a file lies."""
    return path.with_name(path.name + SUFFIX)
