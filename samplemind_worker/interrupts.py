"""Starts children that Ctrl-C does not end: a terminal sends it to a whole process group, and the parent acts on it."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def ignored_by_children() -> Generator[None]:
    """Have programs that are started inside the block ignore Ctrl-C from their first moment on, before they could.

    Only the main thread may change that; started from another one they do what Ctrl-C asks until they change it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, heard or signal.SIG_DFL)  # None is a handler that Python has not set
