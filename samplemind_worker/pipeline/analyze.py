"""Runs the CPU's steps on files in this process, without services and without the record."""

import os
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

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
    reports: list[dict[str, Any]] = []
    for path, result in zip(paths, _analyze(paths, settings), strict=True):
        if isinstance(result, PermanentError):
            reports.append(report.rejected(library.shown(path), code=result.code, message=str(result)))
        else:
            reports.append(report.analyzed(library.shown(path), *result))
    return reports


def _analyze(
    paths: Sequence[Location], settings: Settings
) -> Generator[tuple[AudioFacts, AnalysisFacts] | PermanentError]:
    """Yield the analysis of each file, or its error. While one file is analysed, the next ones are decoded."""
    # The decoder's server takes about as long to load.
    audio_sandbox().start()
    load()
    with ExitStack() as files:
        opened = [attempt(lambda path=path: _open(path, settings, files)) for path in paths]
        signals = read_signals([one for one in opened if isinstance(one, Source)], settings)
        for one in opened:
            signal = next(signals) if isinstance(one, Source) else one
            yield (
                signal
                if isinstance(signal, PermanentError)
                else attempt(lambda signal=signal: _judged(signal, settings))
            )
        # Exhaust it: a decoder whose answers are not all taken is ended.
        next(signals, None)


def _judged(signal: Signal, settings: Settings) -> tuple[AudioFacts, AnalysisFacts]:
    return judge(measure(signal), stated_evidence=settings.stated_evidence)


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
