"""All steps of the CPU on files here and now: no services, no record. What `samplemind analyze` runs."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from config.settings import Settings
from samplemind_worker.documents import report
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.errors import PermanentError, WorkerCrashedError
from samplemind_worker.steps.engine import attempt, identify, judge, limits, measure, read_signal
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
    # Links were weighed when the path was found or named; what they lead to is what is read.
    root, relative = library.locate(Path(os.path.realpath(path)), settings.roots)
    with library.open_file(root, relative, roots=settings.roots, max_bytes=settings.max_file_bytes) as file:
        name = os.path.abspath(os.fsencode(path))  # noqa: PTH100 -- bytes; a link has its own name
        signal = read_signal(file, name=name, file_id=identify(file), limits=limits(settings))
    return judge(measure(signal), stated_evidence=settings.stated_evidence)


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
    return ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_start_child)


def _start_child() -> None:
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
    for path in paths:
        result = attempt(lambda path=path: analyze_file(path, settings))
        if isinstance(result, PermanentError):
            reports.append(report.rejected(_shown(path), code=result.code, message=str(result)))
        else:
            reports.append(report.analyzed(_shown(path), *result))
    return reports


def _shown(path: Path) -> str:
    text, _ = library.printable(os.fsencode(path))
    return text
