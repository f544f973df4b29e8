"""All steps of the CPU on files here and now: no services, no record. What `samplemind analyze` runs."""

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

from config.settings import Settings
from samplemind_worker.documents import report
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.errors import PermanentError, WorkerCrashedError, attempt
from samplemind_worker.pipeline.audio_sandbox import audio_sandbox
from samplemind_worker.pipeline.engine import Signal, judge, measure
from samplemind_worker.pipeline.reader import Source, identify_within, read_signals
from samplemind_worker.store import library

_CHUNK_FILES = 16  # files a child gets at once: enough to hide the way there, few enough to keep the order flowing
_AHEAD = 4  # chunks in flight for each child
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def analyze_file(path: Path, settings: Settings) -> tuple[AudioFacts, AnalysisFacts]:
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


def analyze_paths(paths: Sequence[Path], *, settings: Settings, jobs: int) -> Iterator[dict[str, Any]]:
    """Yield the report of each file, in the order of the paths, from ``jobs`` processes.

    A file that takes its process down is reported as ``worker_crashed``, and the others go on.
    """
    if jobs == 1 and len(paths) == 1:
        yield from _analyze_chunk(paths, settings)
        return
    chunks = deque(paths[at : at + _CHUNK_FILES] for at in range(0, len(paths), _CHUNK_FILES))
    pool = _pool(jobs)
    running: deque[tuple[Sequence[Path], Future[list[dict[str, Any]]]]] = deque()
    try:
        while chunks or running:
            while chunks and len(running) < jobs * _AHEAD:
                chunk = chunks.popleft()
                running.append((chunk, pool.submit(_analyze_chunk, chunk, settings)))
            chunk, future = running.popleft()
            try:
                yield from future.result()
            except BrokenProcessPool:
                # Some chunk in flight killed its process, and the pool with it. Those in flight go one file at a time.
                pool.shutdown(wait=False, cancel_futures=True)
                suspects = [chunk, *(waiting for waiting, _ in running)]
                running.clear()
                for suspect in suspects:
                    yield from _analyze_alone(suspect, settings)
                pool = _pool(jobs)
    except BaseException:
        # Nobody listens any more (Ctrl-C, a closed pipe): what is under way need not end first.
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pool(jobs: int) -> ProcessPoolExecutor:
    # One thread a child. Libraries count theirs when they are loaded, before a child could say so itself.
    for name in _THREADS:
        os.environ.setdefault(name, "1")
    # Spawned, not forked: the caller may have threads.
    return ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_child,
        initargs=(audio_sandbox().lobby,),
    )


def _start_child(lobby: socket.socket) -> None:
    audio_sandbox().adopt(lobby)
    # Ctrl-C reaches the whole process group; the parent alone decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent is gone: a killed parent closes no queue."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _analyze_alone(paths: Sequence[Path], settings: Settings) -> Iterator[dict[str, Any]]:
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


def _analyze_chunk(paths: Sequence[Path], settings: Settings) -> list[dict[str, Any]]:
    reports: list[dict[str, Any]] = []
    for path, result in zip(paths, _analyze(paths, settings), strict=True):
        if isinstance(result, PermanentError):
            reports.append(report.rejected(_shown(path), code=result.code, message=str(result)))
        else:
            reports.append(report.analyzed(_shown(path), *result))
    return reports


def _analyze(paths: Sequence[Path], settings: Settings) -> Generator[tuple[AudioFacts, AnalysisFacts] | PermanentError]:
    """Yield the analysis of each file, or why it has none; while one is analysed the next ones are decoded."""
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
        # To its end: a decoder whose answers are not all taken is put away.
        next(signals, None)


def _judged(signal: Signal, settings: Settings) -> tuple[AudioFacts, AnalysisFacts]:
    return judge(measure(signal), stated_evidence=settings.stated_evidence)


def _open(path: Path, settings: Settings, files: ExitStack) -> Source:
    # Links were weighed when the path was found or named; what they lead to is what is read.
    root, relative = library.locate(Path(os.path.realpath(path)), settings.roots)
    file = library.open_file(root, relative, roots=settings.roots, max_bytes=settings.max_file_bytes)
    files.enter_context(file)
    name = os.path.abspath(os.fsencode(path))  # noqa: PTH100 -- bytes; a link has its own name
    return Source(file, name, identify_within(file, settings))


def _shown(path: Path) -> str:
    text, _ = library.printable(os.fsencode(path))
    return text
