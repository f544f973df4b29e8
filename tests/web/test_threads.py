"""The pools of threads for what is synchronous by nature."""

import asyncio
from threading import Event

from samplemind_web.threads import Threads


def test_a_pool_that_is_closed_waits_for_what_runs():
    begun, ended = Event(), Event()

    def work() -> None:
        begun.set()
        Event().wait(0.3)
        ended.set()

    async def run() -> bool:
        threads = Threads("tests", most=1)
        running = threads.start(work)
        await asyncio.to_thread(begun.wait)
        await threads.close()
        return ended.is_set() and running.done()

    assert asyncio.run(run())
