"""The one event loop that Beanie needs, hidden behind `store.mongo`.

PyMongo's async client belongs to one loop. Celery's tasks and the CLI are synchronous: for them the loop runs in a
daemon thread of its own, which is started on first use and again after a fork. The web server has a loop already, which
it makes this process's loop (`adopt`).
"""

import asyncio
import os
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

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


def _start() -> _Current:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="samplemind-mongo", daemon=True)
    thread.start()
    return _Current(loop, thread, is_ours=True)


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
    """Return this process's loop, started."""
    global _current  # noqa: PLW0603 -- one loop per process
    with _lock:
        if _current is None or _current.pid != os.getpid():
            _current = _start()
        return _current.loop


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the loop and wait for its result; interrupting the wait cancels it.

    Raises
    ------
    RuntimeError
        If it is called on the loop itself, where waiting would never end.
    """
    if _is_loop_thread():
        coroutine.close()
        raise RuntimeError("a query waits for another query on the same event loop; it must await it")
    future = asyncio.run_coroutine_threadsafe(coroutine, get_loop())
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
