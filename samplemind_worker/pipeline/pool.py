"""Analyses files in processes of their own: `samplemind analyze`.

One server loads the engine and what decodes, and forks them (`analyst`), so that both are loaded once however many
there are. The caller loads none of it. Each process has a pipe of its own, and its end tells which files it had in its
hands.
"""

import os
import socket
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection
from typing import TYPE_CHECKING, Any, Final, Self

from samplemind_worker.errors import SetupError, WorkerCrashedError
from samplemind_worker.sandbox import Sandbox

if TYPE_CHECKING:
    from config.locations import Location
    from config.settings import Settings

Reports = list[dict[str, Any]]

_ANALYST: Final = "samplemind_worker.pipeline.analyst"
_CHUNK_FILES: Final = 64  # files per message at most: they are measured in one go, and results still come steadily
_CHUNK_BYTES: Final = 60_000  # of paths per message, or one longer path: pickled they are up to twice as long
_CHUNKS: Final = 2  # at least per process, as far as there are files
_AHEAD: Final = 4  # chunks per process that are begun, and not yet yielded
_IN_HAND: Final = 2  # chunks that a process has: it need not wait for the next one
_BUFFER_BYTES: Final = 1 << 18  # two chunks fit, so that the ends never wait for each other
_END_SECONDS: Final = 5.0  # in which processes that have nothing more to do end


@dataclass(eq=False, slots=True)
class _Chunk:
    """Files that are analysed together, and their reports when they are."""

    paths: "Sequence[Location]"
    reports: Reports | None = None


def _in_order(crew: "Crew", paths: "Sequence[Location]", jobs: int) -> Iterator[dict[str, Any]]:
    # A few long files are shared out, too.
    size = max(1, min(_CHUNK_FILES, len(paths) // (_CHUNKS * jobs)))
    chunks = _chunks(paths, size)
    begun: deque[_Chunk] = deque()
    waiting: deque[_Chunk] = deque()
    while True:
        while len(begun) < jobs * _AHEAD and (chunk := next(chunks, None)) is not None:
            begun.append(chunk)
            waiting.append(chunk)
        if not begun:
            return
        crew.give(waiting, jobs)
        for suspect in crew.take(waiting):
            if len(suspect.paths) == 1:
                suspect.reports = [_crashed(suspect.paths[0])]
                continue
            # One of these files is the cause. By itself each shows whether it is that one.
            at = begun.index(suspect)
            begun.remove(suspect)
            for path in reversed(suspect.paths):
                begun.insert(at, _Chunk([path]))
                waiting.appendleft(begun[at])
        while begun and (reports := begun[0].reports) is not None:
            begun.popleft()
            yield from reports


def _chunks(paths: "Sequence[Location]", most: int) -> Iterator[_Chunk]:
    """Yield files in chunks of at most so many, whose paths fit into a message."""
    some: list[Location] = []
    length = 0
    for path in paths:
        size = len(os.fsencode(str(path)))
        if some and (len(some) == most or length + size > _CHUNK_BYTES):
            yield _Chunk(some)
            some, length = [], 0
        some.append(path)
        length += size
    if some:
        yield _Chunk(some)


def _crashed(path: "Location") -> dict[str, Any]:
    from samplemind_worker.documents import report  # noqa: PLC0415 -- slow import
    from samplemind_worker.store import library  # noqa: PLC0415 -- slow import

    error = WorkerCrashedError("the analysing process died with this file in its hands")
    return report.rejected(library.shown(path), code=error.code, message=str(error))


def _none_can() -> SetupError:
    return SetupError("no process can analyse; `samplemind doctor` may say why")


class Crew:
    """The processes that analyse, and the server that forks them.

    The server is started at once and loads meanwhile. The processes end with the block, whatever they are doing.
    """

    def __init__(self) -> None:
        self._server = Sandbox(_ANALYST)
        self._lobby = self._server.lobby
        self._analysts: list[_Analyst] = []
        self._settings: Settings | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End all processes: after Ctrl-C, or when the reader is gone, running work is not waited for."""
        self._server.close()
        for analyst in self._analysts:
            analyst.pipe.close()

    def analyze(self, paths: "Sequence[Location]", *, settings: "Settings", jobs: int) -> Iterator[dict[str, Any]]:
        """Analyse files in ``jobs`` processes, and yield their reports in the order of the paths.

        A file that crashes its process is reported as ``worker_crashed``; the others are analysed all the same. The
        last report is followed by the end of the processes.
        """
        self._settings = settings
        yield from _in_order(self, paths, jobs)
        for analyst in self._analysts:
            analyst.pipe.close()
        self._server.finish(_END_SECONDS)

    def give(self, waiting: deque[_Chunk], jobs: int) -> None:
        """Hand out chunks to up to ``jobs`` processes, and start those that are missing."""
        for full in range(_IN_HAND):
            for analyst in self._analysts:
                if waiting and len(analyst.chunks) == full:
                    analyst.give(waiting.popleft())
            while waiting and len(self._analysts) < jobs:
                self._analysts.append(self._start())
                self._analysts[-1].give(waiting.popleft())

    def take(self, waiting: deque[_Chunk]) -> list[_Chunk]:
        """Wait until a chunk has its reports, or its process has died; return chunks that were analysed meanwhile.

        Chunks that such a process had not begun wait again. Raises what the analysis has raised, and SetupError if a
        process has not even begun.
        """
        suspects: list[_Chunk] = []
        ready = connection.wait([analyst.pipe for analyst in self._analysts if analyst.chunks])
        for analyst in [one for one in self._analysts if one.pipe in ready]:
            try:
                found = analyst.pipe.recv()
            except (EOFError, OSError) as error:
                if not analyst.ready:
                    raise _none_can() from error
                suspects.append(analyst.chunks.popleft())
                waiting.extendleft(reversed(analyst.chunks))
                self._analysts.remove(analyst)
                analyst.pipe.close()
                continue
            if isinstance(found, Exception):
                raise found
            if found is None:
                analyst.ready = True
            else:
                analyst.chunks.popleft().reports = found
        return suspects

    def _start(self) -> "_Analyst":
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        with theirs:
            try:
                socket.send_fds(self._lobby, [b"."], [theirs.fileno(), self._lobby.fileno()])
            except OSError as error:
                ours.close()
                raise _none_can() from error
        analyst = _Analyst(connection.Connection(ours.detach()))
        analyst.send((dict(os.environ), self._settings))
        return analyst


class _Analyst:
    """The pipe to a process that analyses the chunks it is given, one after the other."""

    def __init__(self, pipe: "connection.Connection[Any, Reports | Exception | None]") -> None:
        self.pipe = pipe
        self.ready = False
        self.chunks: deque[_Chunk] = deque()

    def give(self, chunk: _Chunk) -> None:
        """Send it one more chunk."""
        self.chunks.append(chunk)
        self.send(chunk.paths)

    def send(self, message: object) -> None:
        """Send a message, unless the process has died: that shows when its answer is awaited."""
        with suppress(OSError):
            self.pipe.send(message)
