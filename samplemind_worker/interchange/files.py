"""Files of users: what they hold and carry with them, and the steps by which one safely takes the place of another."""

import errno
import hashlib
import mmap
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedRandom, BufferedReader
from pathlib import Path
from typing import Final

from samplemind_worker.errors import NotWrittenError, SetupError
from samplemind_worker.interchange.delta import Bytes

BLOCK: Final = 1 << 20
File = BufferedReader | BufferedRandom
"""An open file: one of the user, or a draft."""
_DISK_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_SAID: Final = {
    errno.EEXIST: "there is a file of that name already",
    errno.ENOENT: "it is not there any more",
    errno.ENAMETOOLONG: "the name would be too long",
    errno.EXDEV: "it lies on another file system, to which no hard link can lead",
}
_REFUSED: Final = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds: the SHA-256 of its bytes (empty for a moved file, which is not read), size and time."""

    sha256: str
    size: int
    mtime_ns: int


def content_of(path: Path) -> Content:
    """Return what a regular file holds.

    Raises
    ------
    OSError
        If it cannot be read.
    NotWrittenError
        If it is not a regular file.
    """
    with opened(path) as file:
        return content(file, os.fstat(file.fileno()))


def keep_attributes(source: int, draft: int, status: os.stat_result) -> None:
    """Give a draft the owner, mode, extended attributes and times of an open file.

    Raises
    ------
    NotWrittenError
        If its owner cannot be kept.
    """
    if (status.st_uid, status.st_gid) != (os.fstat(draft).st_uid, os.fstat(draft).st_gid):
        try:
            os.fchown(draft, status.st_uid, status.st_gid)
        except OSError as error:
            raise NotWrittenError("its owner could not be kept: it belongs to another user or group") from error
    os.fchmod(draft, stat.S_IMODE(status.st_mode))
    if hasattr(os, "listxattr"):
        for name in os.listxattr(source):
            with suppress(PermissionError):  # trusted.* and security.* are the system's
                os.setxattr(draft, name, os.getxattr(source, name))
    os.utime(draft, ns=(status.st_atime_ns, status.st_mtime_ns))


def rename_to_free_name(draft: Path, path: Path) -> None:
    """Give a draft its name, which no other file may have.

    Raises
    ------
    FileExistsError
        If there is something already.
    """
    try:
        os.link(draft, path, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise
        # A file system without hard links.
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        draft.replace(path)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def opened(path: Path) -> Generator[BufferedReader]:
    """Open a regular file for reading, not through a link.

    Raises
    ------
    NotWrittenError
        If it is no regular file.
    OSError
        If it cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotWrittenError("it is not a regular file")
    with os.fdopen(descriptor, "rb") as file:
        yield file


def require_replaceable(path: Path, status: os.stat_result) -> None:
    """Check that replacing a file harms nothing.

    Raises
    ------
    NotWrittenError
        If it is read-only, or has other names that would keep the old content.
    """
    if not status.st_mode & 0o222 or not os.access(path, os.W_OK):
        raise NotWrittenError("it is read-only")
    if status.st_nlink > 1:
        raise NotWrittenError(f"it has {status.st_nlink} names (hard links), and only one of them would change")


def identity(status: os.stat_result) -> tuple[int, ...]:
    """Return what differs if a file was changed or exchanged."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def content(file: File, status: os.stat_result) -> Content:
    """Return what an open file holds."""
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256")
    return Content(digest.hexdigest(), file.tell(), status.st_mtime_ns)


@contextmanager
def mapped(file: File) -> Generator[Bytes]:
    """Map an open file into memory."""
    if os.fstat(file.fileno()).st_size == 0:  # an empty file cannot be mapped
        yield b""
        return
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data


def append(descriptor: int, data: bytes, end: int) -> None:
    """Append, or leave nothing of it."""
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        os.ftruncate(descriptor, end)
        raise


@contextmanager
def translated(folder: Path | None = None) -> Generator[None]:
    """Raise our errors for those of the operating system; with ``folder``, for those of making it."""
    try:
        yield
    except OSError as error:
        if folder is not None and error.errno not in (*_DISK_FULL, errno.ENAMETOOLONG):
            raise NotWrittenError(f"the folder {folder} cannot be made ({error.strerror})") from error
        raise translate(error) from error


def translate(error: OSError) -> NotWrittenError | SetupError:
    """Return our error for one of the operating system."""
    if error.errno in _DISK_FULL:
        return SetupError(f"{error.strerror}; nothing is half-written, and the next run goes on from here")
    if error.errno in _SAID:
        return NotWrittenError(_SAID[error.errno])
    if error.errno in _REFUSED:
        return NotWrittenError(f"the file or its folder cannot be written ({error.strerror})")
    where = f": {error.filename}" if isinstance(error.filename, str) else ""
    return NotWrittenError(f"{error.strerror or error}{where}")
