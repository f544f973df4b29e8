"""Part of an open file, as a file object for parsers: it keeps the file position, and bounds what is read."""

import io
import os

_MOST_READ = 32 * 1024
"""Most bytes that one parser reads. Pictures are skipped by seeking; the texts fit in a page."""


class Window(io.RawIOBase):
    """Part of a file, as a file of its own."""

    def __init__(self, descriptor: int, start: int, size: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._start = start
        self._size = size
        self._place = 0
        self._left = _MOST_READ

    def readable(self) -> bool:
        """Say that the object can be read."""
        return True

    def seekable(self) -> bool:
        """Say that the object can seek."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move the position, to the beginning at least."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError("before the beginning")
        self._place = base + offset
        return self._place

    def tell(self) -> int:
        """Return the position."""
        return self._place

    def read(self, size: int = -1, /) -> bytes:
        """Read on; return nothing once the limit is reached."""
        left = min(max(0, self._size - self._place), self._left)
        data = os.pread(self._descriptor, left if size < 0 else min(size, left), self._start + self._place)
        self._place += len(data)
        self._left -= len(data)
        return data
