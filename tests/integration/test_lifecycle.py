"""Workers whose event loop raises an unforeseen error, or stops."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from bson import ObjectId
from celery import Celery
from redis import Redis

from config import task_names as names
from config.celery_options import celery_options
from config.settings import Settings
from samplemind_worker.local_services.services import setting_env
from samplemind_worker.pipeline.workspace import Workspace

pytestmark = pytest.mark.services

# The fault happens as soon as the worker takes work.
FAULTY = """
import os
import time
from celery.bootsteps import StartStopStep
from samplemind_worker import app

class Fault(StartStopStep):
    requires = ("samplemind_worker.lifecycle:SignOfLife",)

    def start(self, parent):
        reader, writer = os.pipe()
        os.write(writer, b"!")
        parent.hub.add_reader(reader, self.meet)

    def meet(self):
        if os.environ["FAULT"] == "raises":
            raise RuntimeError("nobody foresaw it")
        time.sleep(600)

create = app.create_app

def create_app(*arguments, **options):
    made = create(*arguments, **options)
    made.steps["consumer"].add(Fault)
    return made

app.create_app = create_app
app.main(["worker", "--role", "cpu", "--concurrency", "2"])
"""


@pytest.mark.parametrize(("fault", "said"), [("raises", "nobody foresaw it"), ("stands still", "worker.stands_still")])
def test_a_worker_that_takes_no_work_any_more_ends(settings: Settings, tmp_path: Path, fault: str, said: str):
    log = tmp_path / "worker.log"
    changed = {"FAULT": fault, "SAMPLEMIND_HOME": str(tmp_path / "home"), "SAMPLEMIND_WATCHDOG_SECONDS": "3"}
    with log.open("wb") as out:
        done = subprocess.run(
            [sys.executable, "-c", FAULTY],
            env={**os.environ, **setting_env(settings), **changed},
            stdout=out,
            stderr=out,
            timeout=60,
            check=False,
        )

    words = log.read_text()
    assert said in words
    assert (done.returncode, "worker.left" in words) == (1, True), words


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_a_redis_that_is_full_ends_no_worker(settings: Settings, workspace: Workspace, tmp_path: Path):
    assert settings.redis_url is not None
    queue = settings.queues.of("cpu")
    app = Celery("full", set_as_current=False)
    app.conf.update(celery_options(settings))
    app.send_task(names.DECODE, args=[str(ObjectId())])  # of no parcel that there is
    app.close()
    command = [sys.executable, "-m", "samplemind_worker.app", "worker", "--role", "cpu", "--concurrency", "1"]
    environment = {**os.environ, **setting_env(settings), "SAMPLEMIND_HOME": str(tmp_path / "home")}
    log = tmp_path / "worker.log"
    with (
        Redis.from_url(settings.redis_url.get_secret_value()) as client,
        log.open("wb") as out,
        subprocess.Popen(command, env=environment, stdout=out, stderr=out) as worker,
    ):
        try:
            message = client.rpop(queue)
            assert isinstance(message, bytes)
            wait_until(lambda: workspace.board.workers() or worker.poll() is not None)

            # The worker takes the message and at that moment cannot acknowledge it.
            client.pipeline(transaction=True).lpush(queue, message).config_set("maxmemory", "1").execute()
            wait_until(lambda: "command not allowed when used memory" in log.read_text() or worker.poll() is not None)
            time.sleep(1.0)
            assert worker.poll() is None, log.read_text()
            client.config_set("maxmemory", "0")
            client.lpush(queue, message)

            wait_until(lambda: client.llen(queue) == 0)
            assert worker.poll() is None, log.read_text()
        finally:
            client.config_set("maxmemory", "0")
            worker.kill()
