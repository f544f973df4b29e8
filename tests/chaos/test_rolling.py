"""Workers that are stopped and restarted, and one whose clock is wrong."""

import io
import json
import signal
import subprocess
import sysconfig
import tarfile
import time
import venv
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos.proxy import Proxy
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


FIRST = "6717cac9ccb665a32b5939db95bae921d7a9df12"
"""A commit of the first release: before queues had a prefix, and messages and signs of life a version."""


@pytest.fixture
def in_first_release(tmp_path: Path) -> tuple[str, ...]:
    """What runs a process of ours with the code of the first release, as git has it, and the libraries of this one."""
    archive = subprocess.run(
        ["git", "-C", str(Path(__file__).parents[2]), "archive", FIRST, "config", "tasks", "samplemind_worker"],
        check=False,
        capture_output=True,
    )
    if archive.returncode:
        pytest.skip(f"this checkout has no commit {FIRST[:7]}: it is shallow, or no checkout of git")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(tmp_path / "first", filter="data")
    # An environment in which this release is not installed: processes that the old code starts are of that code, too.
    venv.create(tmp_path / "venv", symlinks=True)
    [packages] = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (packages / "first.pth").write_text(f"{tmp_path / 'first'}\n{sysconfig.get_path('purelib')}\n")
    return ("sh", "-c", f'cd "{tmp_path}/first" && shift && exec "{tmp_path}/venv/bin/python" "$@"', "sh")


@pytest.mark.chaos
def test_workers_of_the_first_release_beside_those_of_this_one(
    stack: MakeStack, tmp_path: Path, in_first_release: tuple[str, ...]
):
    one = stack(own_workers=True)
    # The first release knew no unix socket of Chroma's.
    with closing(Proxy(Path(one.home.read_state().sockets, "chroma.sock"))) as chroma:
        way = {"SAMPLEMIND_CHROMA_URL": f"http://127.0.0.1:{chroma.port}"}
        old = [
            one.add("worker", "--role", role, prefix=in_first_release, SAMPLEMIND_HOST="old", **way)
            for role in ("cpu", "io")
        ]
        one.add("beat", **way)
        one.wait_for_workers(2, seconds=240.0)  # the old one compiles its kernels
        write_files(tmp_path / "before", 80)
        before = one.submit(tmp_path / "before", files_per_chain="4")
        one.wait_for_progress(before, more_than=20)

        # The upgrade: new workers come, old ones leave, and work goes on.
        for role in ("cpu", "io"):
            one.add("worker", "--role", role, SAMPLEMIND_HOST="new", **way)
        one.wait_for_workers(4, seconds=120.0)
        write_files(tmp_path / "during", 120, seed=1)
        during = one.submit(tmp_path / "during", files_per_chain="4")
        one.wait_for_progress(during, more_than=10)
        for worker in old:
            worker.stop(signal.SIGTERM)
            one.outcome.faults += 1
        wait_until(lambda: one.has_ended(before) and one.has_ended(during), seconds=240.0, what="the end of both")

        assert {one.report(each)["completed"] for each in (before, during)} == {80, 120}
        assert {item.starts for item in one.items(before) + one.items(during)} == {1}
        # What the old ones analysed is of older versions, and is done again on request.
        plan = json.loads(one.run("plan", "--json"))
        one.outcome.notes.append(f"{plan['analyze']} of 200 files by the first release, and analysed again")
        assert plan["analyze"] > 0
        again = json.loads(one.run("reanalyze", "--json"))["batch_id"]
        one.check(before, during, again, within=240.0)
        wait_until(
            lambda: json.loads(one.run("plan", "--json"))["by_workers"]["migrations"] == [],
            seconds=120.0,
            what="documents of the first release have their present form",
        )
        assert json.loads(one.run("plan", "--json"))["analyze"] == 0
