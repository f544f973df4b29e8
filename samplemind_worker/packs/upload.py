"""Takes a file that comes in blocks into the inbox: whole, or not at all.

It is written under a hidden name, which `packs.inbox` does not look at, on the inbox's file system, and gets its name
when all of it is on the disk. A process that is killed leaves a hidden file without its lock; the next upload removes
that. No file is ever replaced.
"""

import errno
import fcntl
import hashlib
import os
import shutil
import time
import unicodedata
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Final

from config.settings import Settings
from samplemind_worker.errors import NameTakenError, NoRoomError, UploadTooLargeError, UsageError
from samplemind_worker.packs.ingest import require_inbox
from samplemind_worker.submission.walk import AUDIO_SUFFIXES

_BEGINNING: Final = ".upload-"
_LONGEST_NAME: Final = 200  # bytes, so that a suffix can be appended
_CHECK_EVERY: Final = 64 * 2**20  # bytes after which the disk is looked at again
_UNLOCKED_SECONDS: Final = 60.0
_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


def file_name(text: str) -> str:
    """Return the name under which a file is taken, in Unicode's composed form (NFC).

    Raises
    ------
    UsageError
        If no file may have it: it holds a separator or a control character, begins with a dot, is too long, or is
        neither that of an archive nor of audio.
    """
    name = unicodedata.normalize("NFC", text)
    if not name or name.startswith(".") or "/" in name or "\\" in name:
        raise UsageError("a name does not begin with a dot, and holds no separator")
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Cf", "Zl", "Zp") for letter in name):
        raise UsageError("a name holds no control characters")
    if len(name.encode()) > _LONGEST_NAME:
        raise UsageError(f"a name has {_LONGEST_NAME} bytes at most")
    if PurePosixPath(name).suffix.lower() not in AUDIO_SUFFIXES | {".zip"}:
        raise UsageError("the inbox takes .zip archives and audio files; the name says that this is neither")
    return name


class Upload:
    """A file that is being written."""

    def __init__(self, folder: Path, name: str, settings: Settings) -> None:
        self._folder, self._name, self._settings = folder, name, settings
        self._draft = folder / f"{_BEGINNING}{os.getpid()}-{os.urandom(6).hex()}"
        self._digest = hashlib.sha256()
        self._next_check = _CHECK_EVERY
        self.size = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with _full_is_no_room():
            self._file = os.open(self._draft, flags, 0o644)
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def write(self, block: bytes) -> None:
        """Append a block.

        Raises
        ------
        UploadTooLargeError, NoRoomError
            If it is too much.
        """
        self.size += len(block)
        if self.size > self._settings.upload_max_bytes:
            raise UploadTooLargeError(f"SAMPLEMIND_UPLOAD_MAX_BYTES allows {self._settings.upload_max_bytes:,} bytes")
        if self.size > self._next_check:
            self._next_check = self.size + _CHECK_EVERY
            require_room(self._settings, self._folder, 0)
        self._digest.update(block)
        view = memoryview(block)
        with _full_is_no_room():
            while view:
                view = view[os.write(self._file, view) :]

    def finish(self) -> tuple[str, bool]:
        """Give the file its name once it is on the disk; return its SHA-256, and whether it is new there.

        Raises
        ------
        NameTakenError
            If another file has the name.
        NoRoomError
            If the disk says only now that it is full.
        """
        with _full_is_no_room():
            os.fsync(self._file)
        content, target = self._digest.hexdigest(), self._folder / self._name
        try:
            with _full_is_no_room():
                _name(self._draft, target)
        except FileExistsError as error:
            if _content_of(target) == content:
                return content, False
            raise NameTakenError(f"the inbox has another file {self._name!r}; rename yours") from error
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return content, True

    def close(self) -> None:
        """Remove what has not got its name."""
        with suppress(FileNotFoundError):
            self._draft.unlink()
        os.close(self._file)


@contextmanager
def _full_is_no_room() -> Generator[None]:
    """Raise NoRoomError where a disk is full, of bytes or of files."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoomError("the disk of the inbox is full") from error
        raise


def _name(draft: Path, target: Path) -> None:
    """Give a file its name, unless one has it."""
    try:
        os.link(draft, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A file system without links: between the look and the renaming another upload may come, which loses.
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from error
        draft.rename(target)


def _content_of(path: Path) -> str | None:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


@contextmanager
def receiving(settings: Settings, name: str, *, expected: int | None) -> Generator[Upload]:
    """Yield an upload of that many bytes, if that is known; what is not finished leaves nothing behind.

    Raises
    ------
    UsageError
        If the name may not be used, or there can be no inbox.
    UploadTooLargeError, NoRoomError
        If there is no room for so many bytes.
    """
    name = file_name(name)
    if expected is not None and expected > settings.upload_max_bytes:
        raise UploadTooLargeError(f"SAMPLEMIND_UPLOAD_MAX_BYTES allows {settings.upload_max_bytes:,} bytes")
    folder = require_inbox(settings, None)
    _sweep(folder)
    require_room(settings, folder, expected or 0)
    upload = Upload(folder, name, settings)
    try:
        yield upload
    finally:
        upload.close()


def require_room(settings: Settings, folder: Path, size: int) -> None:
    """Check that so many more bytes leave SAMPLEMIND_PACK_FREE_BYTES free; raises NoRoomError if not."""
    if shutil.disk_usage(folder).free - size < settings.pack_free_bytes:
        raise NoRoomError("the disk of the inbox has too little room")


def _sweep(folder: Path) -> None:
    """Remove what killed processes were writing: nobody holds its lock."""
    with os.scandir(folder) as entries:
        drafts = [Path(entry.path) for entry in entries if entry.name.startswith(_BEGINNING)]
    for draft in drafts:
        with suppress(OSError):
            descriptor = os.open(draft, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # One that was made a moment ago is about to be locked.
                if time.time() - os.fstat(descriptor).st_mtime > _UNLOCKED_SECONDS:
                    draft.unlink()
            finally:
                os.close(descriptor)
