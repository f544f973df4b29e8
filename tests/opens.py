"""Counts who opens a file: the kernel tells (inotify), by whatever name and process it is opened. Linux."""

import ctypes
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_IN_OPEN = 0x20
_EVENT = struct.Struct("iIII")  # watch, mask, cookie, length of the name that follows


@contextmanager
def counted(*paths: Path) -> Iterator[Callable[[], int]]:
    """Give a function that says how often these files were opened so far, and what lies in these folders."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert descriptor >= 0
    for path in paths:
        assert libc.inotify_add_watch(descriptor, os.fsencode(path), _IN_OPEN) >= 0
    seen = 0

    def count() -> int:
        nonlocal seen
        try:
            while data := os.read(descriptor, 1 << 16):
                while data:
                    seen += 1
                    data = data[_EVENT.size + _EVENT.unpack_from(data)[3] :]
        except BlockingIOError:
            pass
        return seen

    try:
        yield count
    finally:
        os.close(descriptor)
