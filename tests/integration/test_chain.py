"""Runs a parcel's chain through real workers: pytest-celery's nodes, with local processes instead of containers."""

import json
import os
import signal as posix
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from pytest_celery import (
    CeleryTestBroker,
    CeleryTestSetup,
    CeleryTestWorker,
    CeleryWorkerCluster,
)
from redis import Redis

from config import task_names as names
from config.celery_options import celery_options
from config.settings import Settings
from samplemind_worker.documents.batch import State
from samplemind_worker.local_services.services import setting_env
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import batches, results
from samplemind_worker.submission import dispatch as dispatch_step
from samplemind_worker.submission import scan
from samplemind_worker.submission.dispatch import Publish
from samplemind_worker.submission.listing import Listing
from samplemind_worker.submission.options import SubmitOptions
from tasks.chain import publish
from tasks.submit import dispatch
from tasks.wire import HEADER
from tests.factories import write_audio
from training import signals

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("chroma"), pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
FILES = 60


def wait_until(condition: Callable[[], object], *, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


class RedisOfTheRun:
    """The broker's container: the Redis that this test run has started."""

    name = id = "redis"

    def __init__(self, settings: Settings) -> None:
        assert settings.redis_url is not None
        self.client = Redis.from_url(settings.redis_url.get_secret_value())
        self._url = celery_options(settings)["broker_url"]

    @property
    def celeryconfig(self) -> dict[str, str]:
        return {"url": self._url, "host_url": self._url}

    def ready(self) -> bool:
        return bool(self.client.ping())

    def teardown(self) -> None:
        self.client.close()


class WorkerProcess:
    """A worker's container, which is the process that a deployment starts."""

    def __init__(self, role: str, workspace: Workspace, log: Path) -> None:
        self.name = self.id = role
        self._workspace = workspace
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def status(self) -> str:
        return "running" if self._process is not None and self._process.poll() is None else "exited"

    def start(self) -> None:
        environment = {**os.environ, **setting_env(self._workspace.settings)}
        command = [sys.executable, "-m", "samplemind_worker.app", "worker", "--role", self.name, "--concurrency", "1"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)

    def ready(self) -> bool:
        """Wait until the worker takes work."""
        assert self._process is not None
        mine = f"{self.name}-{self._process.pid}@{self._workspace.settings.host}"
        wait_until(lambda: self.status == "exited" or mine in {sign.name for sign in self._workspace.board.workers()})
        assert self.status == "running", self.logs()
        return True

    def logs(self) -> str:
        return self._log.read_text()

    def kill(self, signal: str) -> None:
        assert self._process is not None
        self._process.send_signal(posix.Signals[signal])
        self._process.wait()

    def reload(self) -> None:
        """No container is needed for a process."""

    def restart(self, timeout: float) -> None:  # noqa: ARG002 -- as of a container
        self.start()
        self.ready()

    def teardown(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(30)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings under which a lost parcel is requeued soon."""
    return settings.model_copy(update={"lease_seconds": 3.0, "requeue_seconds": 2.0})


@pytest.fixture
def celery_broker(settings: Settings) -> Iterator[CeleryTestBroker]:
    node = CeleryTestBroker(RedisOfTheRun(settings))
    yield node
    node.teardown()


@pytest.fixture
def celery_backend_cluster() -> None:
    """No result backend: the record is MongoDB."""
    return


@pytest.fixture
def celery_setup_config(settings: Settings) -> dict[str, Any]:
    return celery_options(settings)


def worker_node(role: str, workspace: Workspace, folder: Path, app: Celery) -> Iterator[CeleryTestWorker]:
    container = WorkerProcess(role, workspace, folder / f"{role}.log")
    container.start()
    node = CeleryTestWorker(container, app)
    yield node
    node.teardown()


@pytest.fixture
def cpu_worker(workspace: Workspace, tmp_path: Path, celery_setup_app: Celery) -> Iterator[CeleryTestWorker]:
    yield from worker_node("cpu", workspace, tmp_path, celery_setup_app)


@pytest.fixture
def io_worker(workspace: Workspace, tmp_path: Path, celery_setup_app: Celery) -> Iterator[CeleryTestWorker]:
    yield from worker_node("io", workspace, tmp_path, celery_setup_app)


@pytest.fixture
def celery_worker_cluster(cpu_worker: CeleryTestWorker, io_worker: CeleryTestWorker) -> Iterator[CeleryWorkerCluster]:
    cluster = CeleryWorkerCluster(cpu_worker, io_worker)
    yield cluster
    cluster.teardown()


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """As many files as a chain carries, with long names, which make the largest message."""
    kick, broken = signals.kick(0.1), b"RIFF\x10\x00\x00\x00WAVEjunk"
    folder = tmp_path / "library" / ("folder " * 20)
    for number in range(FILES - 2):
        write_audio(folder / f"{'long name ' * 10}{number:02}.wav", kick * (1.0 - number / 100))
    write_audio(folder / "z copy.wav", kick)
    (folder / "broken.wav").write_bytes(broken)
    return tmp_path / "library"


def messages(broker: CeleryTestBroker, queue: str) -> list[bytes]:
    return broker.container.client.lrange(queue, 0, -1)


def body_of(message: bytes) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    args, kwargs, embed = json.loads(json.loads(message)["body"])
    return args, kwargs, embed


def parcels_of(batch_id: str) -> set[str]:
    return {str(item.parcel_id) for item in batches.iterate(batch_id) if item.parcel_id is not None}


def report_of(batch_id: str) -> dict[str, Any]:
    return batches.report(batches.find(batch_id))


def test_chain_carries_ids_alone_through_the_workers(
    request: pytest.FixtureRequest, workspace: Workspace, celery_broker: CeleryTestBroker, library: Path
):
    queues = workspace.settings.queues
    job = scan.submit(Listing([library]), settings=workspace.settings)
    assert dispatch(workspace.settings) == 1

    # Before any worker runs: the whole chain is one small message that names a parcel, and nothing else.
    (message,) = messages(celery_broker, queues.of("cpu"))
    args, kwargs, embed = body_of(message)
    (parcel,) = parcels_of(job.id)
    assert len(message) < 2048
    assert (args, kwargs) == ([parcel], {})
    assert [(link["task"], link["args"]) for link in embed["chain"]] == [
        (name, [parcel]) for name in names.CHAIN[:0:-1]
    ]
    assert json.loads(message)["headers"][HEADER] == names.WIRE

    # With the worker of the CPU alone, the parcel goes through its three steps and waits for the next worker.
    cpu: CeleryTestWorker = request.getfixturevalue("cpu_worker")
    assert cpu.ready()
    wait_until(lambda: messages(celery_broker, queues.of("ai")))
    (message,) = messages(celery_broker, queues.of("ai"))
    assert len(message) < 2048
    assert body_of(message)[0] == [parcel]
    assert json.loads(message)["headers"]["task"] == names.SUMMARIZE
    assert json.loads(message)["headers"][HEADER] == names.WIRE
    assert messages(celery_broker, queues.own) == []

    setup: CeleryTestSetup = request.getfixturevalue("celery_setup")
    assert setup.ready(docker=True)
    wait_until(lambda: report_of(job.id)["status"] == "completed")

    report = report_of(job.id)
    assert {name: report[name] for name in ("completed", "failed", "skipped", "total_files")} == {
        "completed": FILES - 1,
        "failed": 1,
        "skipped": 0,
        "total_files": FILES,
    }
    assert report["errors"] == {"unreadable": 1}
    assert len(list(results.iterate())) == FILES - 2
    assert len(workspace.vectors.ids()) == FILES - 2
    assert {item.starts for item in batches.iterate(job.id)} == {1}
    assert list(workspace.scratch.folder.iterdir()) == []
    for queue in queues.declared:
        assert messages(celery_broker, queue) == []
    assert [name for name in names.CHAIN[:3] if name not in cpu.logs()] == []
    assert [line for worker in setup.worker_cluster for line in worker.logs().splitlines() if " ERROR " in line] == []


def test_chain_survives_the_death_of_a_worker(celery_setup: CeleryTestSetup, workspace: Workspace, library: Path):
    assert celery_setup.ready(docker=True)
    cpu, _ = celery_setup.worker_cluster
    job = scan.submit(Listing([library]), SubmitOptions(files_per_chain=4), settings=workspace.settings)
    dispatch(workspace.settings)
    wait_until(lambda: report_of(job.id)["completed"] > 0)

    assert report_of(job.id)["status"] == "processing"
    cpu.kill()
    cpu.restart()

    def ended() -> bool:
        celery_setup.app.send_task(names.DISPATCH)
        time.sleep(0.5)
        return report_of(job.id)["status"] == "completed"

    wait_until(ended)
    report = report_of(job.id)
    assert (report["completed"], report["failed"], report["errors"]) == (FILES - 1, 1, {"unreadable": 1})
    assert len(list(results.iterate())) == FILES - 2
    assert {item.state for item in batches.iterate(job.id)} == {State.COMPLETED, State.FAILED}


def test_what_asks_no_model_passes_those_that_wait_for_one(
    cpu_worker: CeleryTestWorker, workspace: Workspace, celery_broker: CeleryTestBroker, tmp_path: Path
):
    write_audio(tmp_path / "library" / "one.wav", signals.kick(0.1))
    write_audio(tmp_path / "library" / "two.wav", signals.kick(0.2))
    assert cpu_worker.ready()
    asks = scan.submit(Listing([tmp_path / "library" / "one.wav"]), settings=workspace.settings)
    does_not = scan.submit(
        Listing([tmp_path / "library" / "two.wav"]), SubmitOptions(ai=False), settings=workspace.settings
    )
    assert dispatch(workspace.settings) == 2

    of = workspace.settings.queues.of
    for job, queue in ((asks, of("ai")), (does_not, of("io"))):
        wait_until(lambda queue=queue: messages(celery_broker, queue))
        (message,) = messages(celery_broker, queue)
        (item,) = batches.iterate(job.id)
        assert body_of(message)[0] == [str(item.parcel_id)]
        assert json.loads(message)["headers"]["task"] == names.SUMMARIZE
        # The record has the same queue, so a lost message is sent to it again.
        assert (item.step, item.queue) == ("summarize", queue)


def test_messages_of_the_first_release_are_read(
    cpu_worker: CeleryTestWorker, workspace: Workspace, celery_broker: CeleryTestBroker, tmp_path: Path
):
    """They name no version, and lie in queues without a prefix."""
    queues = workspace.settings.queues
    write_audio(tmp_path / "library" / "one.wav", signals.kick(0.1))
    job = scan.submit(Listing([tmp_path / "library"]), settings=workspace.settings)
    assert dispatch(workspace.settings) == 1
    (parcel,) = parcels_of(job.id)
    old = json.loads((ROOT / "tests" / "wire" / "1.json").read_text().replace("PARCEL", parcel))["decode"]
    client = celery_broker.container.client
    client.pipeline(transaction=True).delete(queues.of("cpu")).lpush("cpu", json.dumps(old)).execute()

    assert cpu_worker.ready()

    wait_until(lambda: messages(celery_broker, queues.of("ai")))
    (item,) = batches.iterate(job.id)
    assert (item.step, item.starts, item.attempt) == ("summarize", 1, 1)


def test_a_message_of_a_later_release_is_put_down_untouched(
    cpu_worker: CeleryTestWorker, workspace: Workspace, celery_broker: CeleryTestBroker, tmp_path: Path
):
    cpu = workspace.settings.queues.of("cpu")
    write_audio(tmp_path / "library" / "one.wav", signals.kick(0.1))
    job = scan.submit(Listing([tmp_path / "library"]), settings=workspace.settings)
    assert dispatch(workspace.settings) == 1
    (message,) = messages(celery_broker, cpu)
    later = json.loads(message)
    later["headers"][HEADER] = names.WIRE + 1
    client = celery_broker.container.client
    client.pipeline(transaction=True).delete(cpu).lpush(cpu, json.dumps(later)).execute()

    assert cpu_worker.ready()

    wait_until(lambda: "message.of_a_later_release" in cpu_worker.logs())
    (item,) = batches.iterate(job.id)
    assert (item.state, item.step, item.starts) == (State.QUEUED, "decode", 0)
    # Its files are sent again, here by this release.
    wait_until(lambda: dispatch_step.dispatch(workspace.settings, workspace.board, publish_to(workspace)).requeued)
    wait_until(lambda: messages(celery_broker, workspace.settings.queues.of("ai")))
    (item,) = batches.iterate(job.id)
    assert (item.step, item.starts, item.attempt) == ("summarize", 1, 2)


def publish_to(workspace: Workspace) -> Publish:
    """Publish as a worker of this release does."""
    app = Celery("samplemind", set_as_current=False)
    app.conf.update(celery_options(workspace.settings))
    return partial(publish, app=app)


def test_a_night_has_the_worker_that_knows_the_models_fill_in(
    workspace: Workspace, celery_broker: CeleryTestBroker, tmp_path: Path, celery_setup_app: Celery
):
    (tmp_path / "inbox").mkdir()
    night = {"nightly": "00:00", "inbox": tmp_path / "inbox", "library_root": tmp_path / "packs", "home": tmp_path}
    queues = workspace.settings.queues
    with_night = Workspace(workspace.settings.model_copy(update=night))
    for io in worker_node("store", with_night, tmp_path, celery_setup_app):
        assert io.ready()
        celery_setup_app.send_task(names.INGEST)
        wait_until(lambda: messages(celery_broker, queues.of("ai")))
    with_night.close()

    (message,) = messages(celery_broker, queues.of("ai"))
    assert json.loads(message)["headers"]["task"] == names.FILL_IN
