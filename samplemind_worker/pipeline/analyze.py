"""Runs the CPU's steps on files at once, without services and without the record: `samplemind analyze`."""

import multiprocessing
import os
import signal
import socket
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
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
    SetupError,
    WorkerCrashedError,
    attempt,
)
from samplemind_worker.pipeline.audio_sandbox import audio_sandbox
from samplemind_worker.pipeline.engine import judge, load, measure
from samplemind_worker.pipeline.reader import Source, identify_within, read_signals
from samplemind_worker.pipeline.signals import Signal
from samplemind_worker.store import library

_CHUNK_FILES = 16  # files per message to a child: enough to hide its cost, few enough for a steady flow
_AHEAD = 4  # chunks in flight per child
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


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


def analyze_paths(paths: Sequence[Location], *, settings: Settings, jobs: int) -> Iterator[dict[str, Any]]:
    """Analyse files in ``jobs`` processes, and yield their reports in the order of the paths.

    A file that crashes its process is reported as ``worker_crashed``; the others are analysed all the same.
    """
    if jobs == 1 and len(paths) == 1:
        yield from _analyze_chunk(paths, settings)
        return
    chunks = deque(paths[at : at + _CHUNK_FILES] for at in range(0, len(paths), _CHUNK_FILES))
    pool = _pool(jobs)
    running: deque[tuple[Sequence[Location], Future[list[dict[str, Any]]]]] = deque()
    try:
        while chunks or running:
            while chunks and len(running) < jobs * _AHEAD:
                chunk = chunks.popleft()
                running.append((chunk, pool.submit(_analyze_chunk, chunk, settings)))
            chunk, future = running.popleft()
            try:
                yield from future.result()
            except BrokenProcessPool:
                # A chunk in flight killed its process, which breaks the pool. Those in flight run again, file by file.
                pool.shutdown(wait=False, cancel_futures=True)
                suspects = [chunk, *(waiting for waiting, _ in running)]
                running.clear()
                for suspect in suspects:
                    yield from _analyze_alone(suspect, settings)
                pool = _pool(jobs)
    except BaseException:
        # The reader is gone (Ctrl-C, a closed pipe), so running work is not waited for.
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pool(jobs: int) -> ProcessPoolExecutor:
    # One thread per child. Libraries read these variables when they are loaded, before a child could set them.
    for name in _THREADS:
        os.environ.setdefault(name, "1")
    try:
        # Spawned, not forked: the caller may have threads.
        return ProcessPoolExecutor(
            jobs,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_child,
            initargs=(audio_sandbox().lobby,),
        )
    except OSError as error:
        # On Linux the semaphores of the pool are files in /dev/shm.
        raise SetupError(
            f"processes cannot share work: {error.strerror}; `samplemind doctor` says what is wrong"
        ) from error


def _start_child(lobby: socket.socket) -> None:
    audio_sandbox().adopt(lobby)
    # Ctrl-C reaches the whole process group; only the parent acts on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent has ended: a killed parent does not close the queue."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _analyze_alone(paths: Sequence[Location], settings: Settings) -> Iterator[dict[str, Any]]:
    pool = _pool(1)
    try:
        for path in paths:
            try:
                yield from pool.submit(_analyze_chunk, [path], settings).result()
            except BrokenProcessPool:
                error = WorkerCrashedError("the analysing process died with this file in its hands")
                yield report.rejected(_shown(path), code=error.code, message=str(error))
                pool.shutdown(wait=False)
                pool = _pool(1)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _analyze_chunk(paths: Sequence[Location], settings: Settings) -> list[dict[str, Any]]:
    reports: list[dict[str, Any]] = []
    for path, result in zip(paths, _analyze(paths, settings), strict=True):
        if isinstance(result, PermanentError):
            reports.append(report.rejected(_shown(path), code=result.code, message=str(result)))
        else:
            reports.append(report.analyzed(_shown(path), *result))
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


def _shown(path: Location) -> str:
    text, _ = library.printable(os.fsencode(str(path)))
    return text
