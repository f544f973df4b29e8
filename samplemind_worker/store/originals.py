"""Opens the file of a content: any of its places where the bytes are still those that were analysed.

Size and both times tell that a file is unchanged, as they do for a submission. A file of other times, or one that was
read so soon after a change that its times prove nothing, is hashed once, if it is not too large for that. Only a hash
that equals the content's lets it through.
"""

import hashlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedReader
from typing import Final

from config.settings import Settings
from samplemind_worker.errors import MissingFileError, PermanentError
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

    file: BufferedReader
    place: Place
    head: bytes
    """Its first bytes."""


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
        """
        why: PermanentError = MissingFileError("the file is not there any more")
        for place in places:
            try:
                file = library.open_file(place.root, place.path, roots=self._roots, max_bytes=self._max_bytes)
            except PermanentError as error:
                why = why if isinstance(error, MissingFileError) else error
                continue
            if self._holds(file, file_id, place):
                return Original(file, place, os.pread(file.fileno(), _HEAD, 0))
            file.close()
            why = MissingFileError("the file has changed since it was analysed; submit it again")
        raise why

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
