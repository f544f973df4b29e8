"""Workers that are stopped and restarted, and one whose clock is wrong."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.stack import Stack, WorkerProcess, wait_until, write_files

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

MakeStack = Callable[..., Stack]


def leave(stack: Stack, worker: WorkerProcess, number: signal.Signals) -> float:
    """Stop a worker and let it restart; return how many seconds it took to end."""
    seconds = worker.stop(number)
    stack.outcome.faults += 1
    worker.resume()
    return seconds


@pytest.mark.chaos
def test_rolling_restarts(stack: MakeStack, tmp_path: Path):
    one = stack(own_workers=True, SAMPLEMIND_GRACE_SECONDS="12", SAMPLEMIND_CONCURRENCY="1")
    one.add_all(SAMPLEMIND_HOST="first")
    second = one.add("worker", "--role", "cpu", SAMPLEMIND_HOST="second")
    first, io, _, _ = one.workers
    one.wait_for_workers(3)
    write_files(tmp_path / "library", 300, name="slow")
    batch_id = one.submit(tmp_path / "library", files_per_chain="5")
    one.wait_for_progress(batch_id, more_than=0)

    took: list[float] = []
    for number in range(10):
        took.append(leave(one, (first, second, io)[number % 3], signal.SIGTERM))
        time.sleep(1.5)

    one.outcome.notes.append(f"gone after {max(took):.1f} s at most")
    assert max(took) < 20.0
    one.check(batch_id, within=240.0)
    assert {(item.starts, item.alone) for item in one.items(batch_id)} == {(1, False)}


def test_a_worker_gives_back_at_once(stack: MakeStack, tmp_path: Path):
    one = stack(own_workers=True, SAMPLEMIND_LEASE_SECONDS="300", SAMPLEMIND_REQUEUE_SECONDS="300")
    one.add_all(SAMPLEMIND_HOST="first", SAMPLEMIND_CONCURRENCY="1")
    first = one.workers[0]
    write_files(tmp_path / "library", 40, name="slow")
    batch_id = one.submit(tmp_path / "library", files_per_chain="20")
    wait_until(
        lambda: [item for item in one.items(batch_id) if item.worker], seconds=30.0, what="a worker holds something"
    )

    took = leave(one, first, signal.SIGQUIT)

    # No lease has expired in this time: the worker gave its items back.
    one.outcome.notes.append(f"gone after {took:.1f} s")
    one.check(batch_id, within=60.0)
    assert took < 10.0
    assert {(item.starts, item.alone) for item in one.items(batch_id)} == {(1, False)}


@pytest.mark.chaos
@pytest.mark.parametrize("clock", ["300", "-300"])
def test_the_clock_of_a_worker_is_off(stack: MakeStack, tmp_path: Path, clock: str):
    one = stack(own_workers=True)
    one.add("worker", "--role", "cpu", SAMPLEMIND_HOST="first")
    one.add("worker", "--role", "cpu", SAMPLEMIND_HOST="second", CHAOS_CLOCK=clock)
    io = one.add("worker", "--role", "io", CHAOS_CLOCK=clock)
    one.add("beat")
    one.wait_for_workers(3)
    write_files(tmp_path / "library", 400)
    batch_id = one.submit(tmp_path / "library", files_per_chain="4")
    one.wait_for_progress(batch_id, more_than=0)
    one.workers[1].process.kill()
    io.process.kill()
    one.outcome.faults += 2

    one.check(batch_id, within=120.0)
