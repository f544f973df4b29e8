"""Named roots: this module alone opens the file of a recorded place, and no path leaves its root.

With ``SAMPLEMIND_ROOTS`` a root is one of its names, and nothing else may be read. Without it (a laptop), a root is the
absolute path of a folder that was submitted, or a whole bucket (``s3://bucket``).
"""

import errno
import hashlib
import os
import stat
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Final

from config.locations import Location, ObjectPath, is_named, location
from samplemind_worker.errors import (
    BucketNotReachedError,
    MissingFileError,
    OutsideRootsError,
    PermissionDeniedError,
    RootNotReachedError,
    SampleMindError,
    TooLargeError,
    TransientError,
    UnreadableError,
    UsageError,
)

if TYPE_CHECKING:
    from samplemind_worker.store.objects import ObjectReader

# O_PATH opens a folder that may be entered but not listed.
_FOLDER: Final = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Non-blocking, so that opening a FIFO without a writer does not hang a worker.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


_RACY_SECONDS: Final = 2.0
"""A file that changed less than this before it was read may change again without its times showing it (as in git)."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file of the library, or the copy of an object, and what tells later that it is unchanged."""

    file: BufferedReader
    size: int
    mtime_ns: int
    ctime_ns: int
    """Time of the last change of the file's entry; for an object, a digest of its ETag (`objects`)."""
    settled: bool
    """Whether a change of the content would show in these."""
    sha256: str | None
    """Hash of an object, which was hashed while it was copied; None for a file."""


def where(text: str) -> Location:
    """Read a path, or a URL of a file or of a bucket.

    Raises
    ------
    UsageError
        If it is another URL, or one that names no place.
    """
    try:
        return location(text)
    except ValueError as error:
        raise UsageError(str(error)) from error


def absolute(place: Location) -> Location:
    """Return a place in full; links stay as they are, as they are resolved when the file is opened."""
    return place if isinstance(place, ObjectPath) else Path(os.path.abspath(place))  # noqa: PTH100 -- keeps links


def locate(place: Location, roots: Mapping[str, Location]) -> tuple[str, bytes]:
    """Return (root, relative path) of a place.

    Raises
    ------
    UsageError
        If roots are named and the place is in none of them.
    """
    full = absolute(place)
    if not roots:
        root = root_of(full if isinstance(full, ObjectPath) else full.parent)
        return str(root), relative(full, root)
    for name, base in sorted(roots.items(), key=lambda pair: -len(str(pair[1]))):
        root = absolute(base)
        if isinstance(full, ObjectPath) and isinstance(root, ObjectPath) and full.is_relative_to(root):
            return name, relative(full, root)
        if isinstance(full, Path) and isinstance(root, Path) and full.is_relative_to(root):
            return name, relative(full, root)
    raise UsageError(f"{full} lies under none of the roots in SAMPLEMIND_ROOTS ({', '.join(sorted(roots))})")


def relative(place: Location, base: Location) -> bytes:
    """Return the path of a place below another one; ``.`` for the folder itself, as for the whole of a prefix."""
    if isinstance(place, ObjectPath) and isinstance(base, ObjectPath):
        return place.below(base).encode() if place != base else b"."
    return os.fsencode(os.path.relpath(str(place), str(base)))


def root_of(place: Location) -> Location:
    """Return the root, where none are named, of the files in a folder or a prefix."""
    return place.whole if isinstance(place, ObjectPath) else root_above(place)


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
    place = os.fsencode(root).rstrip(b"/") + b"/" if not is_named(root) else os.fsencode(root) + b"\0"
    return hashlib.blake2b(place + path, digest_size=16).hexdigest()


def printable(path: bytes) -> tuple[str, bytes | None]:
    """Return a path as text for the record, and its bytes if the text does not hold them."""
    try:
        return path.decode(), None
    except UnicodeDecodeError:
        return path.decode(errors="backslashreplace"), path


def shown(path: Location | str) -> str:
    """Return a path, a name, or an object's address as text for people."""
    text, _ = printable(os.fsencode(str(path)))
    return text


def place_of(root: str, path: bytes) -> bytes:
    """Return a recorded place as a path; below a named root it is relative, as machines mount that where they like."""
    return path if is_named(root) else _joined(root, path)


def _joined(base: str, path: bytes) -> bytes:
    # Not by `os.path.join`, as the key of an object may begin with a slash.
    return os.fsencode(base).rstrip(b"/") + b"/" + path


def base_of(root: str, roots: Mapping[str, Location]) -> Location:
    """Return where a recorded root lies.

    Raises
    ------
    OutsideRootsError
        If roots are named and this is none of them.
    """
    if roots:
        if root not in roots:
            raise OutsideRootsError(f"no root {root!r} in SAMPLEMIND_ROOTS on this machine")
        return roots[root]
    if is_named(root):
        raise OutsideRootsError(f"no root {root!r} in SAMPLEMIND_ROOTS on this machine")
    return location(root)


def is_object(root: str, roots: Mapping[str, Location]) -> bool:
    """Return whether what lies below a root is in a bucket."""
    return isinstance(roots.get(root), ObjectPath) if roots else not is_named(root) and not root.startswith("/")


def folder_of(root: str, roots: Mapping[str, Location]) -> Path:
    """Return the folder of a recorded root.

    Raises
    ------
    OutsideRootsError
        If roots are named and this is none of them, or if it lies in a bucket.
    """
    base = base_of(root, roots)
    if isinstance(base, ObjectPath):
        raise OutsideRootsError(f"{root} lies in a bucket, not in a folder of this machine")
    return base


def full_path(root: str, path: bytes, roots: Mapping[str, Location]) -> bytes:
    """Return the path of a recorded place on this machine, or its URL.

    Raises
    ------
    OutsideRootsError
        If roots are named and this is none of them.
    """
    return _joined(str(base_of(root, roots)), path)


def open_place(root: str, path: bytes, *, roots: Mapping[str, Location], max_bytes: int) -> Opened:
    """Open the file of a recorded place for reading; an object is copied to this machine first.

    Raises
    ------
    PermanentError
        As `open_file` does.
    RootNotReachedError
        If its bucket is not reached.
    TransientError
        If its bucket cannot answer now, or this machine has no room for a copy.
    """
    base = base_of(root, roots)
    if isinstance(base, ObjectPath):
        return _copied(root, _object_at(base, path), max_bytes)
    file = open_file(root, path, roots=roots, max_bytes=max_bytes)
    status = os.fstat(file.fileno())
    age = time.time() - max(status.st_mtime, status.st_ctime)
    return Opened(file, status.st_size, status.st_mtime_ns, status.st_ctime_ns, age > _RACY_SECONDS, None)


def open_object(root: str, path: bytes, *, roots: Mapping[str, Location], max_bytes: int) -> "ObjectReader":
    """Open the object of a recorded place in a bucket for reading in ranges.

    Raises
    ------
    PermanentError
        As `open_file` does, also if the root lies in no bucket.
    TransientError
        If the bucket is not reached, or cannot answer now.
    """
    base = base_of(root, roots)
    if not isinstance(base, ObjectPath):
        raise OutsideRootsError(f"{root} lies in no bucket")
    from samplemind_worker.store.objects import ObjectReader  # noqa: PLC0415 -- slow import

    return ObjectReader(_object_at(base, path), max_bytes=max_bytes)


def _object_at(base: ObjectPath, path: bytes) -> ObjectPath:
    try:
        return base.at(path.decode())
    except UnicodeDecodeError as error:  # it was the name of a file, when this root was a folder
        raise MissingFileError("no object can have this name") from error


def _copied(root: str, place: ObjectPath, max_bytes: int) -> Opened:
    from samplemind_worker.store import objects  # noqa: PLC0415 -- slow import

    try:
        copy = objects.copy(place, max_bytes=max_bytes)
    except BucketNotReachedError as error:
        raise RootNotReachedError(root, str(error)) from error
    return Opened(
        copy.file, copy.size, copy.mtime_ns, copy.tag, settled=True, sha256=copy.sha256 if copy.size else None
    )


def open_file(root: str, path: bytes, *, roots: Mapping[str, Location], max_bytes: int) -> BufferedReader:
    """Open a regular file below a folder for reading; no race with a process that exchanges files leads out of it.

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
