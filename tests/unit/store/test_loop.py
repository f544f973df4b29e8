"""The thread of the event loop, and the plain functions that run on it."""

import asyncio

import pytest

from samplemind_worker.store import _loop, mongo


def test_shutdown_ends_the_tasks_that_still_run():
    ended: list[str] = []

    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def start() -> asyncio.Task[None]:
        task = asyncio.create_task(wait_for_ever())
        await asyncio.sleep(0)
        return task

    task = _loop.run(start())

    _loop.shutdown()

    assert (task.cancelled(), ended) == (True, ["cancelled"])


def test_a_loop_that_was_shut_down_is_made_anew():
    async def answer() -> int:
        return 42

    _loop.run(answer())
    _loop.shutdown()

    assert _loop.run(answer()) == 42
    _loop.shutdown()


@mongo.synchronous
async def double(number: int, *, plus: int = 0) -> int:
    """Return twice a number."""
    await asyncio.sleep(0)
    return 2 * number + plus


def test_a_synchronous_query_keeps_its_signature_and_its_name():
    assert (double(20, plus=2), double.__name__, double.__doc__) == (42, "double", "Return twice a number.")
    _loop.shutdown()


def test_a_query_that_calls_a_synchronous_one_is_refused():
    @mongo.synchronous
    async def outer() -> int:
        return double(1)

    with pytest.raises(RuntimeError, match="waits for another query on the same event loop"):
        outer()
    _loop.shutdown()
