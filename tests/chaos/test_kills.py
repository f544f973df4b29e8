"""Processes and queues that die under a batch."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import pytest
from redis import Redis

from samplemind_worker.documents.batch import State, Step
from samplemind_worker.errors import ServiceUnavailableError
from samplemind_worker.store import batches, pausing
from samplemind_worker.submission.dispatch import dispatch
from tasks.chain import publish
from tests.chaos.stack import AS_SHIPPED, COMMAND, Stack, wait_until, write_files

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

MakeStack = Callable[..., Stack]


def client_of(stack: Stack) -> Redis:
    assert stack.settings.redis_url is not None
    return Redis.from_url(stack.settings.redis_url.get_secret_value())


@pytest.mark.chaos
def test_mixed_kills(stack: MakeStack, tmp_path: Path):
    one = stack()
    write_files(tmp_path / "library", 2000)
    batch_id = one.submit(tmp_path / "library", files_per_chain="8")
    one.wait_for_progress(batch_id, more_than=0)

    victims = ("child", "worker-cpu", "child", "valkey", "child", "worker-io", "child", "beat")
    while one.outcome.faults < 24 and not one.has_ended(batch_id):
        victim = victims[one.outcome.faults % len(victims)]
        if victim == "child":
            one.kill_child()
        else:
            one.kill(victim)
        time.sleep(1.0)

    assert one.outcome.faults >= 20
    one.check(batch_id, within=300.0)


def test_a_child_a_worker_and_the_queue_die(stack: MakeStack, tmp_path: Path):
    """The short form of the scenario above."""
    one = stack()
    write_files(tmp_path / "library", 300)
    batch_id = one.submit(tmp_path / "library", files_per_chain="8")
    one.wait_for_progress(batch_id, more_than=0)

    for victim in ("child", "valkey", "worker-cpu", "worker-io"):
        if victim == "child":
            one.kill_child()
        else:
            one.kill(victim)
        time.sleep(0.5)

    one.check(batch_id, within=120.0)


@pytest.mark.chaos
def test_a_paused_batch_stays_paused_whatever_dies_and_then_goes_on(stack: MakeStack, tmp_path: Path):
    one = stack()
    write_files(tmp_path / "library", 600)
    batch_id = one.submit(tmp_path / "library", files_per_chain="4")
    one.wait_for_progress(batch_id, more_than=0)

    assert pausing.pause(batch_id)
    for victim in ("child", "worker-cpu", "valkey", "worker-io", "mongod", "beat"):
        if victim == "child":
            one.kill_child()
        else:
            one.kill(victim)

    def is_still() -> bool:
        with suppress(ServiceUnavailableError):
            return not {item.state for item in one.items(batch_id)} & {State.QUEUED, State.RUNNING}
        return False

    wait_until(is_still, seconds=120.0, what="what was begun ends or is given back")
    held = one.progress(batch_id)
    assert 0 < held < 600
    assert dispatch(one.settings, one.workspace.board, lambda *_: None).parcels == 0
    assert one.progress(batch_id) == held
    one.run("resume", batch_id)

    report = one.check(batch_id, within=180.0)
    assert (report["completed"], report["paused_at"]) == (600, None)


@pytest.mark.chaos
def test_redis_restarts_while_workers_are_busy(stack: MakeStack, tmp_path: Path):
    one = stack()
    write_files(tmp_path / "library", 1500, seconds=0.5)
    batch_id = one.submit(tmp_path / "library", files_per_chain="4")
    one.wait_for_progress(batch_id, more_than=0)

    waits: list[float] = []
    for _ in range(5):
        if one.has_ended(batch_id):
            batch_id = one.submit(tmp_path / "library", "--force", files_per_chain="4")
        before = one.process("valkey")
        before.terminate()
        one.outcome.faults += 1
        wait_until(lambda before=before: not before.is_running(), seconds=20.0, what="Redis ends")
        done = one.progress(batch_id)
        waits.append(one.wait_for_progress(batch_id, more_than=done + 20, seconds=30.0))

    one.outcome.notes.append("consuming again after " + ", ".join(f"{wait:.1f}" for wait in waits) + " s")
    one.check(batch_id, within=180.0)


@pytest.mark.chaos
def test_redis_forgets_everything(stack: MakeStack, tmp_path: Path):
    one = stack()
    write_files(tmp_path / "library", 1200)
    batch_id = one.submit(tmp_path / "library", files_per_chain="4")
    one.wait_for_progress(batch_id, more_than=0)

    client = client_of(one)
    for _ in range(3):
        client.flushall()
        one.outcome.faults += 1
        time.sleep(2.0)
    # Without persistence, so that the next server starts empty.
    client.config_set("appendonly", "no")
    one.kill("valkey")
    for path in (one.home.data / "valkey").rglob("*"):
        if path.is_file():
            path.unlink()
    client.close()

    one.check(batch_id, within=180.0)


@pytest.mark.chaos
def test_a_child_dies_50_times_and_a_whole_worker(stack: MakeStack, tmp_path: Path):
    one = stack(**AS_SHIPPED)
    library = tmp_path / "library"
    write_files(library, 3000, seconds=0.3)
    batch_id = one.submit(library, files_per_chain="2")
    one.wait_for_progress(batch_id, more_than=0)

    while one.outcome.faults < 50:
        assert one.kill_child() or not one.has_ended(batch_id)
        time.sleep(0.15)

    # The whole tree dies while it holds slow files, with the leases of production.
    write_files(tmp_path / "slow", 40, name="slow")
    slow = one.submit(tmp_path / "slow", files_per_chain="10")
    wait_until(lambda: held(slow), seconds=120.0, what="a slow file is being worked on")
    main = one.process("worker-cpu")
    tree = [main, *main.children()]
    for process in tree:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    one.outcome.faults += 1
    dead = {str(process.pid) for process in tree}
    waited = wait_until(
        lambda: not [worker for worker in held(slow) if worker.split(":")[2] in dead],
        seconds=60.0,
        what="what the dead worker held is taken back",
    )

    one.outcome.notes.append(f"the work of a dead tree was taken back after {waited:.1f} s")
    one.check(batch_id, slow, within=240.0)


def held(batch_id: str) -> list[str]:
    """Return which workers hold items of the batch."""
    return [item.worker for item in batches.iterate(batch_id) if item.worker is not None]


@pytest.mark.chaos
def test_the_dispatcher_dies_10_times_and_two_are_no_harm(stack: MakeStack, tmp_path: Path):
    one = stack(own_workers=True)
    one.add_all()
    second = one.add("beat", SAMPLEMIND_HOME=str(tmp_path / "second"))
    write_files(tmp_path / "library", 1200)
    batch_id = one.submit(tmp_path / "library", files_per_chain="4")
    one.wait_for_progress(batch_id, more_than=0)

    io = one.workers[1]
    for number in range(10):
        (io if number % 2 else second).process.kill()
        one.outcome.faults += 1
        time.sleep(1.0)
        # One more dispatcher runs at the same time, in this process.
        dispatch(one.settings, one.workspace.board, partial(publish, app=app_of(one)))

    one.check(batch_id, within=180.0)
    # The io worker's threads died with the dispatcher: only items that they held may have been started twice.
    assert {item.starts for item in one.items(batch_id) if item.step is Step.DECODE} <= {1}


def app_of(stack: Stack):
    from celery import Celery  # noqa: PLC0415 -- slow import

    from config.celery_options import celery_options  # noqa: PLC0415 -- slow import

    app = Celery("chaos", set_as_current=False)
    app.conf.update(celery_options(stack.settings))
    return app


@pytest.mark.chaos
def test_the_command_dies_while_it_records(stack: MakeStack, tmp_path: Path):
    one = stack()
    library = tmp_path / "library"
    write_files(library, 60)
    for number in range(400):
        folder = library / f"{number:03}"
        folder.mkdir()
        for name in range(100):
            (folder / f"{name}.wav").symlink_to(library / "good-00-00000.wav")
    with subprocess.Popen(
        [str(COMMAND), "submit", str(library)], env=one.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        wait_until(lambda: batches.recent(1), seconds=30.0, what="a batch is being recorded")
        process.kill()
    one.outcome.faults += 1
    batch_id = batches.recent(1)[0].id
    report = json.loads(one.run("status", batch_id, "--json"))

    assert (report["recorded"], report["status"], report["running"], report["completed"]) == (False, "pending", 0, 0)
    again = one.submit(library)
    one.check(again, within=180.0)


def test_the_same_message_100_times(stack: MakeStack, tmp_path: Path):
    one = stack(own_workers=True)
    write_files(tmp_path / "library", 6)
    batch_id = one.submit(tmp_path / "library", files_per_chain="6")
    (parcel,) = {str(item.parcel_id) for item in one.items(batch_id)}
    app, queue = app_of(one), one.settings.queues.of("cpu")
    for _ in range(100):
        publish(parcel, Step.DECODE, queue, app=app)
        one.outcome.faults += 1

    one.add_all()

    one.check(batch_id, within=60.0)
    client = client_of(one)
    wait_until(lambda: client.llen(queue) == 0, seconds=30.0, what="the queue is empty")
    client.close()
    assert {(item.starts, item.attempt) for item in one.items(batch_id)} == {(1, 1)}


@pytest.mark.chaos
def test_a_worker_frozen_past_its_lease(stack: MakeStack, tmp_path: Path):
    one = stack(own_workers=True)
    one.add_all(SAMPLEMIND_HOST="first")
    write_files(tmp_path / "library", 20, name="slow")
    batch_id = one.submit(tmp_path / "library", files_per_chain="10")
    wait_until(lambda: held(batch_id), seconds=30.0, what="a worker holds something")
    first = one.workers[0]
    frozen = first.tree()
    for process in frozen:
        process.send_signal(signal.SIGSTOP)
        one.outcome.faults += 1
    holders = {worker for worker in held(batch_id) if worker.startswith("first:")}
    one.add("worker", "--role", "cpu", SAMPLEMIND_HOST="second")
    wait_until(lambda: one.has_ended(batch_id), seconds=90.0, what="another worker has done the work")
    before = {item.id: (item.state, item.attempt, item.starts) for item in one.items(batch_id)}

    for process in frozen:
        process.send_signal(signal.SIGCONT)
    time.sleep(5.0)

    assert holders
    assert {item.id: (item.state, item.attempt, item.starts) for item in one.items(batch_id)} == before
    one.check(batch_id, within=30.0)
