"""Workers whose event loop meets what nobody foresaw."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import Settings
from samplemind_worker.embedded.services import setting_env

pytestmark = pytest.mark.services

# A worker that meets it as soon as it takes work.
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
