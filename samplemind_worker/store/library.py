"""Named roots: this module alone opens the file of a recorded place, and no path leaves its root.

With ``SAMPLEMIND_ROOTS`` a root is one of its names, and nothing else may be read. Without it (a laptop), a root is the
absolute path of a folder that was submitted.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Final

from samplemind_worker.errors import (
    MissingFileError,
    OutsideRootsError,
    PermissionDeniedError,
    SampleMindError,
    TooLargeError,
    TransientError,
    UnreadableError,
    UsageError,
)

# O_PATH opens a folder that may be entered but not listed.
_FOLDER: Final = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Non-blocking, so that opening a FIFO without a writer does not hang a worker.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


def locate(path: Path, roots: Mapping[str, Path]) -> tuple[str, bytes]:
    """Return (root, relative path) of an absolute path.

    Raises
    ------
    UsageError
        If roots are named and the path is in none of them.
    """
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 -- links are resolved when the file is opened, not here
    if not roots:
        root = root_above(absolute.parent)
        return str(root), os.fsencode(absolute.relative_to(root))
    for name, folder in sorted(roots.items(), key=lambda pair: -len(str(pair[1]))):
        base = Path(os.path.abspath(folder))  # noqa: PTH100 -- as above
        if absolute.is_relative_to(base):
            return name, os.fsencode(absolute.relative_to(base))
    raise UsageError(f"{absolute} lies under none of the roots in SAMPLEMIND_ROOTS ({', '.join(sorted(roots))})")


def root_above(folder: Path) -> Path:
    """Return the folder, or the nearest one above it whose path is UTF-8, because a root is recorded as text."""
    while True:
        try:
            str(folder).encode()
        except UnicodeEncodeError:
            folder = folder.parent
        else:
            return folder


def location_id(root: str, path: bytes) -> str:
    """Return the key of a place: a digest, as paths may be longer than an index key and need not be UTF-8.

    Where a root is the path of a folder, the key is that of the full path: a file is the same file whether its folder
    or the folder's parent was submitted.
    """
    place = os.fsencode(root).rstrip(b"/") + b"/" if root.startswith("/") else os.fsencode(root) + b"\0"
    return hashlib.blake2b(place + path, digest_size=16).hexdigest()


def printable(path: bytes) -> tuple[str, bytes | None]:
    """Return a path as text for the record, and its bytes if the text does not hold them."""
    try:
        return path.decode(), None
    except UnicodeDecodeError:
        return path.decode(errors="backslashreplace"), path


def place_of(root: str, path: bytes) -> bytes:
    """Return a recorded place as a path; below a named root it is relative, as machines mount that where they like."""
    return os.path.join(os.fsencode(root), path) if root.startswith("/") else path  # noqa: PTH118 -- bytes


def folder_of(root: str, roots: Mapping[str, Path]) -> Path:
    """Return the folder of a recorded root.

    Raises
    ------
    OutsideRootsError
        If roots are named and this is none of them.
    """
    if roots:
        if root not in roots:
            raise OutsideRootsError(f"no root {root!r} in SAMPLEMIND_ROOTS on this machine")
        return roots[root]
    return Path(root)


def open_file(root: str, path: bytes, *, roots: Mapping[str, Path], max_bytes: int) -> BufferedReader:
    """Open a regular file below a root for reading. No race with a process that exchanges files leads out of the root.

    Links are resolved first and the target is checked. Then each folder of the path is opened without following links.

    Raises
    ------
    OutsideRootsError
        If the path leaves the root, by ``..``, by being absolute, or through a link.
    MissingFileError, PermissionDeniedError, UnreadableError, TooLargeError
        If it cannot be read, is no regular file, or is larger than ``max_bytes``.
    """
    folder = os.fsencode(folder_of(root, roots))
    if path.startswith(b"/") or b".." in path.split(b"/") or b"\0" in path:
        raise OutsideRootsError("the path leaves its root")
    try:
        real_root = os.path.realpath(folder)
        real_file = os.path.realpath(os.path.join(folder, path))  # noqa: PTH118 -- bytes: names need not be UTF-8
        if os.path.commonpath([real_root, real_file]) != real_root:
            raise OutsideRootsError("a link leads out of the root")
        descriptor = _open_below(real_root, os.path.relpath(real_file, real_root).split(b"/"))
    except OSError as error:
        raise _translated(error) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError("not a regular file")
        if status.st_size > max_bytes:
            raise TooLargeError(f"{status.st_size} bytes; SAMPLEMIND_MAX_FILE_BYTES allows {max_bytes}")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _open_below(folder: bytes, parts: Sequence[bytes]) -> int:
    above = os.open(folder, _FOLDER)
    try:
        for part in parts[:-1]:
            below = os.open(part, _FOLDER, dir_fd=above)
            os.close(above)
            above = below
        return os.open(parts[-1], _FILE, dir_fd=above)
    finally:
        os.close(above)


def _translated(error: OSError) -> SampleMindError:
    if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        return TransientError(f"this machine cannot open a file now: {error.strerror}")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return MissingFileError("the file is not there any more")
    if error.errno in (errno.EACCES, errno.EPERM):
        return PermissionDeniedError("no permission to read the file")
    return UnreadableError(f"cannot be opened: {error.strerror}")
