"""Opens the file of a content: any of its places where the bytes are still those that were analysed.

Size and both times tell that a file is unchanged, as they do for a submission. A file of other times, or one that was
read so soon after a change that its times prove nothing, is hashed once, if it is not too large for that. Only a hash
that equals the content's lets it through. An object must have the size and the ETag that it had, and is read in ranges.
"""

import hashlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedReader
from typing import Final, Protocol

from config.settings import Settings
from samplemind_worker.errors import MissingFileError, PermanentError, RootNotReachedError, TransientError
from samplemind_worker.store import library
from samplemind_worker.store.places import Place

_LARGEST_HASHED: Final = 256 * 2**20  # bytes: a quarter of a second
_REMEMBERED: Final = 10_000
_HEAD: Final = 16
_RACY_SECONDS: Final = 2.0
"""A file that changed less than this before may change again without its times showing it."""

_Identity = tuple[int, int, int, int, int]
"""Device, inode, size, mtime and ctime of a file."""


@dataclass(frozen=True, slots=True)
class Original:
    """An open file that holds a content, and where it lies."""

    file: "Readable"
    place: Place
    head: bytes
    """Its first bytes."""


class Readable(Protocol):
    """A file or an object that is read at any position."""

    @property
    def size(self) -> int:
        """Its size in bytes."""
        ...

    def read(self, size: int, at: int) -> bytes:
        """Return up to ``size`` bytes from a position on, none at the end."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A `Readable` of this machine."""

    file: BufferedReader

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return os.fstat(self.file.fileno()).st_size

    def read(self, size: int, at: int) -> bytes:
        """Return up to ``size`` bytes from a position on, none at the end."""
        return os.pread(self.file.fileno(), size, at)

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class Originals:
    """Opens files, and remembers which ones it has hashed. Any number of threads may use it."""

    def __init__(self, settings: Settings) -> None:
        self._roots, self._max_bytes = settings.roots, settings.max_file_bytes
        self._hashed: OrderedDict[_Identity, str] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, file_id: str, places: Sequence[Place]) -> Original:
        """Open the first of a content's places that still holds it.

        Raises
        ------
        PermanentError
            If none does: why, preferably of a file that is there.
        TransientError
            If a bucket does not answer.
        """
        why: PermanentError = MissingFileError("the file is not there any more")
        for place in places:
            try:
                file = self._open(file_id, place)
            except PermanentError as error:
                why = why if isinstance(error, MissingFileError) else error
                continue
            if file is not None:
                return Original(file, place, file.read(_HEAD, 0))
            why = MissingFileError("the file has changed since it was analysed; submit it again")
        raise why

    def copy(self, original: Original) -> BufferedReader:
        """Return an original as a file of this machine, which a decoder can read; an object is copied, and given up.

        Raises
        ------
        PermanentError, TransientError
            If it cannot be copied.
        """
        if isinstance(original.file, OnDisk):
            return original.file.file
        original.file.close()
        place = original.place
        try:
            opened = library.open_place(place.root, place.path, roots=self._roots, max_bytes=self._max_bytes)
        except RootNotReachedError as error:
            raise TransientError(str(error)) from error
        if opened.sha256 != place.file_id:
            opened.file.close()
            raise MissingFileError("the file has changed since it was analysed; submit it again")
        return opened.file

    def _open(self, file_id: str, place: Place) -> Readable | None:
        """Open a place; None if it holds another content now."""
        if not library.is_object(place.root, self._roots):
            file = library.open_file(place.root, place.path, roots=self._roots, max_bytes=self._max_bytes)
            if self._holds(file, file_id, place):
                return OnDisk(file)
            file.close()
            return None
        reader = library.open_object(place.root, place.path, roots=self._roots, max_bytes=self._max_bytes)
        if (reader.size, reader.tag) == (place.size, place.ctime_ns):
            return reader
        reader.close()
        return None

    def _holds(self, file: BufferedReader, file_id: str, place: Place) -> bool:
        status = os.fstat(file.fileno())
        size, times = status.st_size, (status.st_mtime_ns, status.st_ctime_ns)
        if size != place.size:
            return False
        if place.settled and times == (place.mtime_ns, place.ctime_ns):
            return True
        if size > _LARGEST_HASHED:
            return status.st_mtime_ns == place.mtime_ns
        identity = (status.st_dev, status.st_ino, size, *times)
        with self._lock:
            known = self._hashed.get(identity)
        if known is None:
            known = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            if time.time() - max(status.st_mtime, status.st_ctime) > _RACY_SECONDS:
                self._remember(identity, known)
        return known == file_id

    def _remember(self, identity: _Identity, content: str) -> None:
        with self._lock:
            self._hashed[identity] = content
            if len(self._hashed) > _REMEMBERED:
                self._hashed.popitem(last=False)
