"""The one event loop that Beanie needs, hidden behind `store.mongo`.

Celery's tasks and the CLI are synchronous, and PyMongo's async client belongs to one loop. The loop runs in a daemon
thread of its own, which is started on first use and again after a fork.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_CANCEL_SECONDS = 5.0  # s for cancelled tasks to end


class _LoopThread:
    def __init__(self) -> None:
        self.pid = os.getpid()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="samplemind-mongo", daemon=True)
        self.thread.start()


_lock = threading.Lock()
_current: _LoopThread | None = None


def get_loop() -> asyncio.AbstractEventLoop:
    """Return this process's loop, started."""
    global _current  # noqa: PLW0603 -- one loop per process
    with _lock:
        if _current is None or _current.pid != os.getpid():
            _current = _LoopThread()
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
    """Stop the loop and its thread."""
    global _current
    with _lock:
        current, _current = _current, None
    if current is not None and current.pid == os.getpid():
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
