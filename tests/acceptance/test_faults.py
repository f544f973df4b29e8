"""What a user and a machine do to a running batch: interrupt it, cancel it, kill its workers."""

import contextlib
import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile as sf

from config.settings import Settings
from samplemind_worker.local_services import connected
from samplemind_worker.local_services.home import Home
from samplemind_worker.pipeline.workspace import Workspace
from tests.acceptance.conftest import Command
from training import signals

SR = 22050


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred different loops of eight seconds: some seconds of work."""
    folder = tmp_path_factory.mktemp("many")
    loop = signals.drum_loop(120.0, bars=4, sr=SR)
    for number in range(200):
        sf.write(folder / f"loop{number:03d}.wav", np.roll(loop, number * 7) * 0.9, SR)
    return folder


def children_of_cpu_worker(command: Command) -> list[psutil.Process]:
    worker = Home(command.home).read_state().services["worker-cpu"]
    return [child for child in psutil.Process(worker.pid).children() if not is_sandbox(child)]


def is_sandbox(process: psutil.Process) -> bool:
    try:
        return "samplemind_worker.sandbox" in process.cmdline()
    except psutil.ZombieProcess:
        return False


def wait_until_running(command: Command, batch_id: str) -> None:
    for _ in range(300):
        if command("status", batch_id, "--json").object["completed"]:
            return
        time.sleep(0.1)
    raise AssertionError("the batch did not begin")


def finish(command: Command, batch_id: str) -> dict[str, object]:
    ended = command("status", batch_id, "--watch", "--json", timeout=180)
    return json.loads(ended.out.splitlines()[-1])


def test_batch_completes_when_children_are_killed(samplemind: Command, many: Path) -> None:
    batch_id = samplemind("submit", many, "--force", "--files-per-chain", "8", "--json").object["batch_id"]
    wait_until_running(samplemind, batch_id)

    killed = 0
    for _ in range(3):
        for child in children_of_cpu_worker(samplemind)[:1]:
            child.send_signal(signal.SIGKILL)
            killed += 1
        time.sleep(1)

    ended = finish(samplemind, batch_id)
    assert killed == 3
    assert (ended["status"], ended["completed"], ended["failed"]) == ("completed", 200, 0)
    assert leftovers(samplemind) == []


def test_a_batch_goes_on_after_a_power_cut(fresh_command: Callable[..., Command], many: Path) -> None:
    command = fresh_command(SAMPLEMIND_DISPATCH_SECONDS="1", SAMPLEMIND_LEASE_SECONDS="10")
    batch_id = command("submit", many, "--files-per-chain", "8", "--json").object["batch_id"]
    wait_until_running(command, batch_id)

    state = Home(command.home).read_state()
    assert state.supervisor is not None
    everything = [psutil.Process(state.supervisor), *psutil.Process(state.supervisor).children(recursive=True)]
    for kill in (psutil.Process.suspend, psutil.Process.kill):  # all at one moment
        for process in everything:
            with contextlib.suppress(psutil.NoSuchProcess):
                kill(process)
    psutil.wait_procs(everything)

    ended = finish(command, batch_id)
    assert (ended["status"], ended["completed"], ended["failed"]) == ("completed", 200, 0)


def leftovers(command: Command) -> list[Path]:
    """Return the scratch files that are still there after a sweep had time to come by."""
    running = connected(Settings(home=command.home, _env_file=None))
    assert running is not None
    folder = Workspace(running).scratch.folder
    for _ in range(600):
        found = list(folder.iterdir()) if folder.exists() else []
        if not found:
            return []
        time.sleep(0.1)
    return found


def test_interrupted_wait_leaves_the_batch_running(samplemind: Command, many: Path) -> None:
    waiting = samplemind.start("submit", many, "--force", "--wait")
    assert waiting.stderr is not None
    recorded = next(line for line in waiting.stderr if line.startswith("recorded"))
    waiting.send_signal(signal.SIGINT)
    out, err = waiting.communicate(timeout=20)
    batch_id = recorded.split()[-1]

    assert waiting.returncode == 130
    assert out == ""
    assert err == f"the batch goes on; follow it with `samplemind status {batch_id} --watch`\n"
    ended = finish(samplemind, batch_id)
    assert (ended["status"], ended["completed"]) == ("completed", 200)


def test_cancel_stops_what_has_not_ended(samplemind: Command, many: Path) -> None:
    batch_id = samplemind("submit", many, "--force", "--files-per-chain", "1", "--json").object["batch_id"]

    cancelled = samplemind("cancel", batch_id)
    after = samplemind("status", batch_id, "--json").object
    time.sleep(2)
    later = samplemind("status", batch_id, "--json").object

    assert cancelled.code == 0
    assert after["status"] == "cancelled"
    assert after["cancelled"] > 0
    assert after["completed"] + after["cancelled"] == 200
    assert later == after


@pytest.fixture
def supervised(samplemind: Command) -> Iterator[Command]:
    samplemind("up", "--detach")
    yield samplemind
    samplemind("up", "--detach")


def test_batch_completes_when_the_supervisor_is_killed(supervised: Command, many: Path) -> None:
    batch_id = supervised("submit", many, "--force", "--files-per-chain", "8", "--json").object["batch_id"]
    wait_until_running(supervised, batch_id)
    state = Home(supervised.home).read_state()
    family = [psutil.Process(service.pid) for service in state.services.values()]
    family += [child for one in family for child in one.children(recursive=True)]
    assert state.supervisor is not None

    psutil.Process(state.supervisor).send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=10)
    started = supervised("up", "--detach")
    ended = finish(supervised, batch_id)

    assert alive == []
    assert started.code == 0
    assert (ended["status"], ended["completed"], ended["failed"]) == ("completed", 200, 0)
