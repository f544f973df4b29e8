"""Files that are played: opened, copied where browsers cannot play them, and sent in blocks.

Opening and reading a file blocks, for long if its drive sleeps or it lies in a bucket, so that is done by a few threads
of its own. Each answer holds one block in memory, however slow its reader is, and is ended if the reader takes nothing
for a minute.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http import HTTPStatus
from io import BufferedReader
from typing import Final, TypeVar

from config.settings import Settings
from samplemind_web.problems import ProblemError
from samplemind_worker.errors import PermanentError, TransientError
from samplemind_worker.pipeline.audio_sandbox import audio_sandbox
from samplemind_worker.pipeline.copies import Copies
from samplemind_worker.store.originals import OnDisk, Original, Originals, Readable
from samplemind_worker.store.places import Place

T = TypeVar("T")

BLOCK: Final = 256 * 1024
_READERS: Final = 16
_COPIERS: Final = 3
_MOST_WAITING: Final = 32  # copies that are made or waited for
_OPEN_SECONDS: Final = 15.0
_COPY_SECONDS: Final = 60.0
_SAMPLE_BYTES: Final = 2

_STATUS: Final = {
    "missing": HTTPStatus.GONE,
    "permission": HTTPStatus.FORBIDDEN,
    "outside_roots": HTTPStatus.FORBIDDEN,
}


class Sounds:
    """The files that one server has open for playing."""

    def __init__(self, settings: Settings) -> None:
        self._originals, self._copies = Originals(settings), Copies(settings)
        self._readers = ThreadPoolExecutor(_READERS, "sounds")
        self._copiers = ThreadPoolExecutor(_COPIERS, "copies")
        self._making: dict[str, asyncio.Task[None]] = {}

    def close(self) -> None:
        """Begin nothing more; what is being copied is dropped."""
        self._readers.shutdown(wait=False, cancel_futures=True)
        self._copiers.shutdown(wait=False, cancel_futures=True)
        self._copies.close()

    async def open(self, file_id: str, places: Sequence[Place]) -> Original:
        """Open the file of a content.

        Raises
        ------
        ProblemError
            If none of its places holds it any more, or its drive does not answer.
        """
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                return await self._in_thread(self._readers, self._originals.open, file_id, places)
        except PermanentError as error:
            raise refusal(error) from error
        except TransientError as error:
            raise _not_now(str(error)) from error
        except TimeoutError as error:
            raise _not_now("the folder of this file does not answer; its drive may be away") from error

    async def copy_of(self, file_id: str, places: Sequence[Place], *, expected: int) -> Readable:
        """Open the WAV copy of a content, which is made if there is none; requests for the same one wait together.

        Raises
        ------
        ProblemError
            If the file cannot be opened or decoded, or too much is waited for.
        """
        found = await self._in_thread(self._readers, self._copies.find, file_id)
        if found is not None:
            return OnDisk(found)
        task = self._making.get(file_id)
        if task is None:
            if len(self._making) >= _MOST_WAITING:
                raise _not_now("too many files are being made ready for playing; try again in a few seconds")
            task = self._making[file_id] = asyncio.create_task(self._make(file_id, places, expected))
            task.add_done_callback(lambda done: self._made(file_id, done))
        try:
            async with asyncio.timeout(_COPY_SECONDS):
                # It goes on if the caller leaves: the next one finds the copy.
                await asyncio.shield(task)
        except TimeoutError as error:
            raise _not_now("this file is being made ready for playing; try again in a few seconds") from error
        found = await self._in_thread(self._readers, self._copies.find, file_id)
        if found is None:
            raise _not_now("the copy of this file was removed at once; raise SAMPLEMIND_AUDIO_CACHE_BYTES")
        return OnDisk(found)

    async def _make(self, file_id: str, places: Sequence[Place], expected: int) -> None:
        original = await self.open(file_id, places)
        # Here, on the main thread: the kernel ends a sandbox with the thread that has started it.
        audio_sandbox().start()
        with closing(original.file):
            try:
                made = await self._in_thread(self._copiers, lambda: self._copy(file_id, original, expected))
            except PermanentError as error:
                raise refusal(error) from error
            except TransientError as error:
                raise _not_now(str(error)) from error
        made.close()

    def _copy(self, file_id: str, original: Original, expected: int) -> BufferedReader:
        with self._originals.copy(original) as file:
            return self._copies.make(file_id, file, expected=expected)

    def _made(self, file_id: str, task: asyncio.Task[None]) -> None:
        self._making.pop(file_id, None)
        if not task.cancelled():
            task.exception()  # whoever waits has it, and nobody may

    async def blocks(self, file: Readable, span: range) -> AsyncGenerator[bytes]:
        """Yield the bytes of a file, and close it at the end; fewer if it was cut meanwhile."""
        try:
            at = span.start
            while at < span.stop:
                size = min(BLOCK, span.stop - at)
                block = await self._in_thread(self._readers, file.read, size, at)
                if not block:
                    return
                at += len(block)
                yield block
        finally:
            file.close()

    @staticmethod
    async def _in_thread(pool: ThreadPoolExecutor, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)


def expected_bytes(*, duration: float, rate: int, channels: int) -> int:
    """Return about how many bytes the samples of a copy take."""
    return round(duration * rate) * min(channels, 2) * _SAMPLE_BYTES


def refusal(error: PermanentError) -> ProblemError:
    """Return the problem for a file that cannot be opened or decoded."""
    status = _STATUS.get(error.code, HTTPStatus.UNPROCESSABLE_ENTITY)
    # Some of these answers may be kept by default, and a file may come back.
    return ProblemError(status, error.code, str(error), headers={"Cache-Control": "no-store"})


def _not_now(detail: str) -> ProblemError:
    headers = {"Retry-After": "5", "Cache-Control": "no-store"}
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "busy", detail, headers=headers)
