"""The thread of the event loop, and the plain functions that run on it."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from samplemind_worker.errors import ServiceUnavailableError, SetupError
from samplemind_worker.store import _loop, mongo


@pytest.fixture
def loop() -> Iterator[None]:
    """The loop of this process."""
    _loop.start()
    yield
    _loop.shutdown()


@pytest.mark.usefixtures("loop")
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

    _loop.start()
    _loop.run(answer())
    _loop.shutdown()
    _loop.start()

    assert _loop.run(answer()) == 42
    _loop.shutdown()


def test_a_query_without_a_connection_starts_no_loop():
    with ThreadPoolExecutor(1) as thread, pytest.raises(ServiceUnavailableError, match="not connected"):
        thread.submit(double, 1).result()

    asyncio.run(adopted())  # it is refused where there is a loop already


def test_a_connection_that_fails_leaves_no_loop():
    with pytest.raises(SetupError):
        mongo.connect("mongodb://", database="x")

    asyncio.run(adopted())


async def adopted() -> None:
    """Adopt the running loop, and give it back."""
    _loop.adopt()
    _loop.shutdown()


@mongo.synchronous
async def double(number: int, *, plus: int = 0) -> int:
    """Return twice a number."""
    await asyncio.sleep(0)
    return 2 * number + plus


@pytest.mark.usefixtures("loop")
def test_a_synchronous_query_keeps_its_signature_and_its_name():
    assert (double(20, plus=2), double.__name__, double.__doc__) == (42, "double", "Return twice a number.")


@pytest.mark.usefixtures("loop")
def test_a_query_that_calls_a_synchronous_one_is_refused():
    @mongo.synchronous
    async def outer() -> int:
        return double(1)

    with pytest.raises(RuntimeError, match="waits for another query on the same event loop"):
        outer()
