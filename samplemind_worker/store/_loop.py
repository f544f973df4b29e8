"""The one event loop that Beanie needs, hidden behind `store.mongo`.

PyMongo's async client belongs to one loop. Celery's tasks and the CLI are synchronous: for them the loop runs in a
daemon thread of its own, which connecting starts (`start`), also after a fork. The web server has a loop already, which
it makes this process's loop (`adopt`). A query never starts a loop: a thread that outlives its connection would leave
one behind.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from samplemind_worker.errors import ServiceUnavailableError

T = TypeVar("T")

_CANCEL_SECONDS = 5.0  # s for cancelled tasks to end


@dataclass(frozen=True)
class _Current:
    """The loop of this process, and the thread that runs it."""

    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    is_ours: bool
    """Whether the thread was started here."""
    pid: int = field(default_factory=os.getpid)


_lock = threading.Lock()
_current: _Current | None = None


def start() -> None:
    """Start this process's loop, unless it has one, until `shutdown`."""
    global _current  # noqa: PLW0603 -- one loop per process
    with _lock:
        if _current is None or _current.pid != os.getpid():
            loop = asyncio.new_event_loop()
            thread = threading.Thread(target=loop.run_forever, name="samplemind-mongo", daemon=True)
            thread.start()
            _current = _Current(loop, thread, is_ours=True)


def adopt() -> None:
    """Make the loop that runs this coroutine the process's loop, until `shutdown`.

    Raises
    ------
    RuntimeError
        If the process has a loop already.
    """
    global _current  # noqa: PLW0603 -- one loop per process
    with _lock:
        if _current is not None and _current.pid == os.getpid():
            raise RuntimeError("this process has an event loop already")
        _current = _Current(asyncio.get_running_loop(), threading.current_thread(), is_ours=False)


def get_loop() -> asyncio.AbstractEventLoop:
    """Return this process's loop.

    Raises
    ------
    ServiceUnavailableError
        If it has none, because it is not connected, or no longer.
    """
    current = _current
    if current is None or current.pid != os.getpid():
        raise ServiceUnavailableError("MongoDB is not connected")
    return current.loop


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the loop and wait for its result; interrupting the wait cancels it.

    Raises
    ------
    RuntimeError
        If it is called on the loop itself, where waiting would never end.
    ServiceUnavailableError
        If the process has no loop.
    """
    try:
        if _is_loop_thread():
            raise RuntimeError("a query waits for another query on the same event loop; it must await it")
        future = asyncio.run_coroutine_threadsafe(coroutine, get_loop())
    except BaseException:
        coroutine.close()
        raise
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def _is_loop_thread() -> bool:
    current = _current
    return current is not None and current.thread is threading.current_thread()


def shutdown() -> None:
    """Stop the loop and its thread; a loop that was adopted goes on, but is no longer the process's."""
    global _current
    with _lock:
        current, _current = _current, None
    if current is not None and current.is_ours and current.pid == os.getpid():
        asyncio.run_coroutine_threadsafe(_end_tasks(), current.loop).result()
        current.loop.call_soon_threadsafe(current.loop.stop)
        current.thread.join(timeout=_CANCEL_SECONDS)
        current.loop.close()


async def _end_tasks() -> None:
    """Cancel all running tasks and wait until they end: an interrupted command leaves tasks of the driver behind."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_CANCEL_SECONDS)
