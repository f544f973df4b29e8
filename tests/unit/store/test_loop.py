"""The event loop's thread: what it leaves behind."""

import asyncio

from samplemind_worker.store import _loop


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
