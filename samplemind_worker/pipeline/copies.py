"""WAV copies of files that browsers cannot play: written by the sandbox, kept on disk within a budget of bytes.

A copy is named by its content, so it never changes: readers need no lock, and a copy that is removed while it is read
is read to its end. It appears under its name when it is complete. Two processes that make the same copy at once do the
work twice, and one copy takes the place of the other. This module loads no decoder.
"""

import os
import queue
import struct
import tempfile
import threading
import time
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

from config.settings import Settings
from samplemind_worker.errors import PermanentError, SetupError, TooLargeError, WorkerCrashedError
from samplemind_worker.pipeline.audio_sandbox import READER, audio_sandbox
from samplemind_worker.sandbox import Bounds, Sandbox, Wanted

VERSION: Final = 1
"""Raised when copies are written in another way; the older ones are then not found, and go in time."""

_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
_SAMPLE_BYTES: Final = 2
_MOST_BYTES: Final = 2**32 - 2**16  # sizes in a WAV have 32 bits
_SPARE: Final = 1 << 20
"""Bytes by which a copy may exceed what its duration says."""
_LEFT_FREE: Final = 64 * 2**20
"""Bytes of the disk that copies never take."""
_PARTIAL: Final = ".partial"
_STALE_SECONDS: Final = 3600.0
"""Age of a partial copy whose process must have died."""


class Copies:
    """The copies below one folder. Its methods block, and may be called by several threads at once."""

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.home / "audio"
        self._budget = settings.audio_cache_bytes
        self._limits = {
            "max_duration": settings.max_duration,
            "max_channels": settings.max_channels,
            "max_sample_rate": settings.max_sample_rate,
        }
        self._bounds = Bounds(
            settings.decode_memory_bytes,
            settings.decode_seconds,
            samples=1,  # an answer must have some
            written=min(self._budget, _MOST_BYTES),
        )
        self._idle: queue.SimpleQueue[Sandbox] = queue.SimpleQueue()
        """Decoders that wait for their next file; all share one server."""
        self._making_room = threading.Lock()
        self._promised: dict[str, int] = {}
        """Bytes of the copies that are being made."""

    def close(self) -> None:
        """End the decoders that do nothing now."""
        with suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    def find(self, file_id: str) -> BufferedReader | None:
        """Open a copy, if there is one."""
        try:
            file = self._path(file_id).open("rb")
        except OSError:
            return None
        with suppress(OSError):  # it counts as used now
            os.utime(file.fileno())
        return file

    def make(self, file_id: str, file: BufferedReader, *, expected: int) -> BufferedReader:
        """Make the copy of an open file, and open it; ``expected`` is about how many bytes of samples it has.

        Raises
        ------
        PermanentError
            If the file cannot be decoded, or its copy is larger than all copies may be.
        TransientError
            If no decoder can be started on this machine now.
        SetupError
            If the folder cannot be written, or its disk is full.
        """
        size = expected + _SPARE
        if size > self._bounds.written:
            raise TooLargeError(f"decoded it takes {expected} bytes; raise SAMPLEMIND_AUDIO_CACHE_BYTES to hear it")
        try:
            self._make_room(file_id, size)
            with tempfile.NamedTemporaryFile(dir=self.folder, suffix=_PARTIAL, delete=False) as partial:
                try:
                    self._write(file, partial.fileno())
                    Path(partial.name).replace(self._path(file_id))
                except BaseException:
                    Path(partial.name).unlink(missing_ok=True)
                    raise
                return open(os.dup(partial.fileno()), "rb")  # noqa: PTH123 -- whoever asked closes it
        except OSError as error:
            raise SetupError(f"{self.folder} cannot be written: {error.strerror}") from error
        finally:
            self._promised.pop(file_id, None)

    def _write(self, file: BufferedReader, output: int) -> None:
        request = {"limits": self._limits, "at": _HEADER.size}
        sandbox = self._sandbox()
        try:
            [answer] = sandbox.read([Wanted(file.fileno(), request, output)], self._bounds)
        finally:
            self._idle.put(sandbox)
        if isinstance(answer, PermanentError):
            raise answer
        header, size = _header(answer.facts, os.fstat(output).st_size)
        # A first reading may have been longer than the one that was kept.
        os.truncate(output, size)
        os.pwrite(output, header, 0)

    def _sandbox(self) -> Sandbox:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            sandbox = Sandbox(READER)
            sandbox.adopt(audio_sandbox().lobby.dup())
            return sandbox

    def _make_room(self, file_id: str, size: int) -> None:
        """Remove the copies that were not used for longest, until there is room for one more."""
        with self._making_room:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            free = os.statvfs(self.folder)
            if free.f_bavail * free.f_frsize < size + _LEFT_FREE:
                raise SetupError(f"the disk of {self.folder} is full")
            copies = sorted(self._all())
            used = sum(bytes_ for _, bytes_, _ in copies) + sum(self._promised.values())
            for _, taken, path in copies:
                if used + size <= self._budget:
                    break
                path.unlink(missing_ok=True)
                used -= taken
            self._promised[file_id] = size

    def _all(self) -> list[tuple[float, int, Path]]:
        """Return when each copy was last used, its bytes, and its path; remove what dead processes left."""
        found: list[tuple[float, int, Path]] = []
        oldest = time.time() - _STALE_SECONDS
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):
                status = path.stat()
                if path.suffix != _PARTIAL:
                    found.append((status.st_mtime, status.st_size, path))
                elif status.st_mtime < oldest:
                    path.unlink()
        return found

    def _path(self, file_id: str) -> Path:
        return self.folder / f"{file_id}.{VERSION}.wav"


def _header(facts: dict[str, Any], size: int) -> tuple[bytes, int]:
    """Return the header of a WAV whose samples a decoder has written, and the size of the file with its header.

    Raises
    ------
    WorkerCrashedError
        If the decoder has not written what it says.
    """
    try:
        rate, channels, frames = (int(facts[name]) for name in ("rate", "channels", "frames"))
    except (KeyError, TypeError, ValueError) as error:
        raise WorkerCrashedError("the decoder answered nonsense") from error
    width = channels * _SAMPLE_BYTES
    if channels not in {1, 2} or not 0 < rate < 2**31 or not 0 < frames * width <= size - _HEADER.size:
        raise WorkerCrashedError("the decoder answered nonsense")
    data = frames * width
    header = _HEADER.pack(
        b"RIFF", data + _HEADER.size - 8, b"WAVE", b"fmt ", 16, 1, channels, rate, rate * width, width,
        8 * _SAMPLE_BYTES, b"data", data,
    )  # fmt: skip
    return header, _HEADER.size + data
