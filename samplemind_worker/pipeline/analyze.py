"""Runs the CPU's steps on files in this process, without services and without the record."""

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, TypeVar

from config.locations import Location, ObjectPath
from config.settings import Settings
from samplemind_worker.documents import report
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.errors import (
    PermanentError,
    RootNotReachedError,
    ServiceUnavailableError,
    attempt,
)
from samplemind_worker.pipeline.audio_sandbox import audio_sandbox
from samplemind_worker.pipeline.engine import judge, load, measure
from samplemind_worker.pipeline.reader import Source, identify_within, read_signals
from samplemind_worker.pipeline.signals import Signal
from samplemind_worker.store import library

T = TypeVar("T")
R = TypeVar("R")

_GROUP_SECONDS: Final = 60.0  # of sound: a minute of samples takes 5 MB


def analyze_file(path: Location, settings: Settings) -> tuple[AudioFacts, AnalysisFacts]:
    """Analyse one file.

    Raises
    ------
    PermanentError
        If it cannot be analysed.
    """
    [result] = _analyze([path], settings)
    if isinstance(result, PermanentError):
        raise result
    return result


def analyze_chunk(paths: Sequence[Location], settings: Settings) -> list[dict[str, Any]]:
    """Analyse files, and return the report of each; those that cannot be analysed are rejected in theirs."""
    results = list(_analyze(paths, settings))
    return [_report(library.shown(path), result) for path, result in zip(paths, results, strict=True)]


def _report(path: str, result: tuple[AudioFacts, AnalysisFacts] | PermanentError) -> dict[str, Any]:
    if isinstance(result, PermanentError):
        return report.rejected(path, code=result.code, message=str(result))
    return report.analyzed(path, *result)


def _analyze(
    paths: Sequence[Location], settings: Settings
) -> Generator[tuple[AudioFacts, AnalysisFacts] | PermanentError]:
    """Yield the analysis of each file, or its error. While files are analysed, the next ones are decoded.

    Short files are measured one after the other, and then judged, so that code and tables stay in the processor's
    caches.
    """
    # The decoder's server takes about as long to load.
    audio_sandbox().start()
    load()
    with ExitStack() as files:
        opened = [attempt(lambda path=path: _open(path, settings, files)) for path in paths]
        signals = read_signals([one for one in opened if isinstance(one, Source)], settings)
        for group in _groups(next(signals) if isinstance(one, Source) else one for one in opened):
            measured = [_each(one, measure) for one in group]
            for one in measured:
                yield _each(one, lambda one: judge(one, stated_evidence=settings.stated_evidence))
        # Exhaust it: a decoder whose answers are not all taken is ended.
        next(signals, None)


def _groups(signals: Iterable[Signal | PermanentError]) -> Generator[list[Signal | PermanentError]]:
    """Yield the signals in groups that memory holds."""
    group: list[Signal | PermanentError] = []
    seconds = 0.0
    for one in signals:
        group.append(one)
        seconds += 0.0 if isinstance(one, PermanentError) else len(one.y) / one.sr
        if seconds >= _GROUP_SECONDS:
            yield group
            group, seconds = [], 0.0
    yield group


def _each(one: T | PermanentError, work: Callable[[T], R]) -> R | PermanentError:
    return one if isinstance(one, PermanentError) else attempt(lambda: work(one))


def _open(path: Location, settings: Settings, files: ExitStack) -> Source:
    if isinstance(path, ObjectPath):
        return _open_object(path, settings, files)
    # Links were checked when the path was found or named. Here the file that they lead to is read.
    root, relative = library.locate(Path(os.path.realpath(path)), settings.roots)
    file = library.open_file(root, relative, roots=settings.roots, max_bytes=settings.max_file_bytes)
    files.enter_context(file)
    name = os.path.abspath(os.fsencode(path))  # noqa: PTH100 -- bytes; a link has its own name
    return Source(file, name, identify_within(file, settings))


def _open_object(path: ObjectPath, settings: Settings, files: ExitStack) -> Source:
    root, relative = library.locate(path, settings.roots)
    try:
        opened = library.open_place(root, relative, roots=settings.roots, max_bytes=settings.max_file_bytes)
    except RootNotReachedError as error:
        raise ServiceUnavailableError(error.why) from error
    files.enter_context(opened.file)
    return Source(opened.file, str(path).encode(), opened.sha256 or identify_within(opened.file, settings))
