"""Where bytes from elsewhere land on this machine: an open file without a name, so that nothing stays behind.

A small file lies in memory, a larger one on the disk of the temporary folder (``TMPDIR``), if that has room for it.
"""

import os
import shutil
import tempfile
from io import BufferedReader
from pathlib import Path
from typing import Final, Self

from samplemind_worker.errors import TooLargeError, TransientError

IN_MEMORY: Final = 8 * 2**20
"""Bytes of the largest file that lies in memory."""
_LEFT_FREE: Final = 64 * 2**20
"""Bytes of the disk that copies never take."""


class Landing:
    """Takes a file of a known size; without `finish` nothing of it is left."""

    def __init__(self, size: int) -> None:
        """Make room for a file.

        Raises
        ------
        TransientError
            If this machine has no room for so many bytes now.
        TooLargeError
            If it never has.
        """
        try:
            self._written, self._read = _in_memory() if size <= IN_MEMORY and _CAN_REOPEN else _on_disk(size)
        except OSError as error:
            raise TransientError(f"this machine cannot take a copy of an object now: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._written)
        if self._read >= 0:
            os.close(self._read)

    def write(self, block: bytes) -> None:
        """Write the next bytes.

        Raises
        ------
        TransientError
            If the disk is full.
        """
        view = memoryview(block)
        try:
            while view:
                view = view[os.write(self._written, view) :]
        except OSError as error:
            raise TransientError(f"this machine cannot take a copy of an object now: {error.strerror}") from error

    def finish(self) -> BufferedReader:
        """Return the file, which can only be read: a decoder that is given it must not change what was hashed."""
        read, self._read = self._read, -1
        return os.fdopen(read, "rb")


_CAN_REOPEN: Final = hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir()


def _in_memory() -> tuple[int, int]:
    written = os.memfd_create("samplemind-object", os.MFD_CLOEXEC)
    return _with_reader(written, f"/proc/self/fd/{written}")


def _on_disk(size: int) -> tuple[int, int]:
    disk = shutil.disk_usage(tempfile.gettempdir())
    if size + _LEFT_FREE > disk.total:
        raise TooLargeError(f"{size} bytes, for which the disk of {tempfile.gettempdir()} is too small; set TMPDIR")
    if size + _LEFT_FREE > disk.free:
        raise TransientError(f"{tempfile.gettempdir()} has no room for a copy of {size} bytes now")
    written, name = tempfile.mkstemp(prefix="samplemind-object-")
    try:
        return _with_reader(written, name)
    finally:
        os.unlink(name)  # noqa: PTH108 -- a text


def _with_reader(written: int, name: str) -> tuple[int, int]:
    try:
        return written, os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    except BaseException:
        os.close(written)
        raise
