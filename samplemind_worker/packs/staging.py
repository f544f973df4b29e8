"""Writes untrusted files into the library: fills a folder beside the target, then renames it.

Every file and folder is created new (``O_EXCL``) below an open folder (``dir_fd``), and links are never followed. So
nothing is written outside, whatever a name says and whoever else writes there. Names are single, checked components.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from samplemind_worker.errors import PackNotNowError, PackRefusedError

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LOOK_EVERY: Final = 64 << 20  # bytes between two checks of the free space


@dataclass(frozen=True, slots=True)
class Budget:
    """The bytes that a pack may take, and the bytes that stay free on its disk."""

    bytes: int
    free: int


class Staging:
    """A pack's folder while it is filled; it is hidden, so that it is not taken for a part of the library."""

    def __init__(self, parent: int, name: str, budget: Budget) -> None:
        self._parent, self._name, self._budget = parent, name, budget
        self._written = self._looked = 0
        os.mkdir(name, 0o755, dir_fd=parent)
        self._top = os.open(name, _FOLDER, dir_fd=parent)
        self._last: tuple[tuple[str, ...], int] = ((), self._top)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close_last()
        os.close(self._top)

    @property
    def inode(self) -> int:
        """The inode, which identifies the folder after it was renamed."""
        return os.fstat(self._top).st_ino

    def require_room(self, size: int) -> None:
        """Check that the disk has room for so many more bytes.

        Raises
        ------
        PackNotNowError
            If not.
        """
        disk = os.fstatvfs(self._top)
        room = disk.f_bavail * disk.f_frsize - self._budget.free
        if size > room:
            raise PackNotNowError(
                f"it takes {size:,} bytes, and the library's disk has {max(room, 0):,} to spare "
                f"(SAMPLEMIND_PACK_FREE_BYTES stay free)"
            )

    def write(self, parts: Sequence[str], blocks: Iterable[bytes]) -> tuple[str, int]:
        """Write a new file, and return the SHA-256 and the number of its bytes.

        Raises
        ------
        PackRefusedError
            If the pack has more bytes than its budget, or there is such a file already.
        PackNotNowError
            If the disk is full.
        """
        digest, size = hashlib.sha256(), 0
        try:
            descriptor = os.open(parts[-1], _NEW_FILE, 0o644, dir_fd=self._folder(tuple(parts[:-1])))
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                for block in blocks:
                    self._count(len(block))
                    digest.update(block)
                    size += len(block)
                    _write_all(file.fileno(), block)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise PackNotNowError("the library's disk is full") from error
            if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG):
                raise PackRefusedError(f"{'/'.join(parts)!a} cannot be written: {error.strerror}") from error
            raise
        return digest.hexdigest(), size

    def _count(self, size: int) -> None:
        self._written += size
        if self._written > self._budget.bytes:
            raise PackRefusedError(f"more than {self._budget.bytes:,} bytes (SAMPLEMIND_PACK_MAX_BYTES)")
        if self._written - self._looked > _LOOK_EVERY:
            self._looked = self._written
            self.require_room(size)

    def _folder(self, parts: tuple[str, ...]) -> int:
        """Return an open folder below the top, created if it is missing; the last one stays open."""
        if parts != self._last[0]:
            self._close_last()
            current = os.dup(self._top)
            for part in parts:
                above, current = current, -1
                try:
                    current = open_folder(part, above, make=True)
                finally:
                    os.close(above)
            self._last = (parts, current)
        return self._last[1]

    def _close_last(self) -> None:
        if self._last[1] != self._top:
            os.close(self._last[1])
        self._last = ((), self._top)

    def place(self, name: str) -> None:
        """Rename the folder to its final name.

        Raises
        ------
        PackNotNowError
            If the name is taken.
        """
        try:
            os.stat(name, dir_fd=self._parent, follow_symlinks=False)
        except FileNotFoundError:
            # The data must be on the disk before the name is: a power cut must not leave files of zeros.
            os.sync()
            os.rename(self._name, name, src_dir_fd=self._parent, dst_dir_fd=self._parent)
            os.fsync(self._parent)
        else:
            raise PackNotNowError(f"there is a {name!a} in the library since a moment ago")


def _write_all(descriptor: int, block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def open_folder(name: str, parent: int, *, make: bool = False) -> int:
    """Open a folder below an open one, and create it if it is missing; a link is refused."""
    if make:
        with suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=parent)
    return os.open(name, _FOLDER, dir_fd=parent)


@contextmanager
def opened(folder: Path, *below: str, make: bool = False) -> Generator[int]:
    """Open a folder for the block: a trusted path, and components below it that must not be links."""
    if make:
        folder.mkdir(parents=True, exist_ok=True)
    current = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in below:
            above, current = current, -1
            try:
                current = open_folder(part, above, make=make)
            finally:
                os.close(above)
        yield current
    finally:
        if current >= 0:
            os.close(current)


def remove(parent: int, beginning: str) -> None:
    """Remove the folders below an open one whose names begin so: a killed run left them half-written."""
    for name in os.listdir(parent):
        if name.startswith(beginning):
            shutil.rmtree(name, dir_fd=parent, ignore_errors=True)
