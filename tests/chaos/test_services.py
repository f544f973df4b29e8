"""Power cuts under a batch, and commands that share the private services."""

import json
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import psutil
import pytest

from samplemind_worker.store import batches
from tests.chaos.stack import Stack, wait_until, write_files

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

MakeStack = Callable[..., Stack]


def cut_power(one: Stack) -> None:
    """Kill the supervisor and all below it at one moment."""
    supervisor = one.home.holder()
    assert supervisor is not None
    everything = [psutil.Process(supervisor), *psutil.Process(supervisor).children(recursive=True)]
    for kill in (psutil.Process.suspend, psutil.Process.kill):
        for process in everything:
            with suppress(psutil.NoSuchProcess):
                kill(process)
    psutil.wait_procs(everything)
    one.outcome.faults += 1


def test_a_power_cut_that_leaves_zeros(stack: MakeStack, tmp_path: Path):
    one = stack()
    write_files(tmp_path / "library", 300)
    batch_id = one.submit(tmp_path / "library", files_per_chain="4")
    one.wait_for_progress(batch_id, more_than=0)

    cut_power(one)
    [log] = (one.home.data / "valkey").glob("appendonlydir/*.incr.aof")
    with log.open("ab") as file:
        file.write(bytes(8192))
    for schedule in (one.home.root / "beat").glob("schedule*"):
        size = schedule.stat().st_size
        schedule.write_bytes(schedule.read_bytes()[: size // 2] + bytes(size - size // 2))
    (one.home.run / "lock").write_bytes(bytes(64))
    one.outcome.faults += 3
    # Every command that finds a batch open starts the services and the workers.
    one.run("status", batch_id)

    one.check(batch_id, within=120.0)
    assert len(list(one.home.data.glob("valkey.damaged-*"))) == 1


def test_a_power_cut_under_a_follower(stack: MakeStack, tmp_path: Path):
    """`submit --wait` starts the services anew, and reports the batch when it has ended."""
    one = stack()
    write_files(tmp_path / "library", 120, name="slow")
    follower = one.begin("submit", tmp_path / "library", "--wait", "--json", "--files-per-chain", "4")
    wait_until(lambda: batches.recent(1), seconds=60.0, what="the batch is recorded")
    batch_id = batches.recent(1)[0].id
    one.wait_for_progress(batch_id, more_than=0)

    cut_power(one)
    printed, said = follower.communicate(timeout=200)

    assert follower.returncode == 0, said
    assert said.count("the private services have died, and are started again") == 1
    report = json.loads(printed)
    assert (report["batch_id"], report["status"], report["completed"]) == (batch_id, "completed", 120)
    one.check(batch_id, within=10.0)


def test_a_power_cut_that_damages_what_is_recorded(stack: MakeStack, tmp_path: Path):
    """The record is repaired from a copy of it, and the vectors are made again from the record."""
    one = stack()
    write_files(tmp_path / "first", 20)
    first = one.submit(tmp_path / "first")
    one.check(first, within=90.0)
    write_files(tmp_path / "library", 200, seed=1)
    batch_id = one.submit(tmp_path / "library", files_per_chain="4")
    one.wait_for_progress(batch_id, more_than=0)

    cut_power(one)
    turtle = one.home.data / "mongod" / "WiredTiger.turtle"
    turtle.write_bytes(bytes(turtle.stat().st_size))
    with (one.home.data / "chroma" / "chroma.sqlite3").open("r+b") as database:
        database.write(bytes(40960))
    one.outcome.faults += 2
    one.run("status", batch_id)

    one.run("reindex")
    one.check(first, batch_id, within=120.0)
    assert {path.name.partition(".")[0] for path in one.home.data.glob("*.damaged-*")} == {"mongod", "chroma"}


def stopped(one: Stack) -> None:
    one.run("down", "--force")


def killed(one: Stack) -> None:
    supervisor = one.home.holder()
    assert supervisor is not None
    psutil.Process(supervisor).kill()


def without_sockets(one: Stack) -> None:
    for socket in Path(one.home.read_state().sockets).glob("*.sock"):
        socket.unlink()


def of_another_version(one: Stack) -> None:
    one.home.write_state(one.home.read_state().model_copy(update={"version": "0.0.9", "code": "older"}))


@pytest.mark.chaos
@pytest.mark.parametrize("fault", [stopped, killed, without_sockets, of_another_version])
def test_whoever_looks_has_the_services_go_on(stack: MakeStack, tmp_path: Path, fault: Callable[[Stack], None]):
    one = stack()
    write_files(tmp_path / "library", 120, name="slow")
    batch_id = one.submit(tmp_path / "library", files_per_chain="4")
    one.wait_for_progress(batch_id, more_than=0)

    fault(one)
    one.outcome.faults += 1
    one.run("status", batch_id)

    assert one.check(batch_id, within=120.0)["completed"] == 120
    one.run("status")
    assert one.home.read_state().version == version("samplemind")


@pytest.mark.chaos
def test_an_interrupted_wait_stops_nothing_under_its_batch(stack: MakeStack, tmp_path: Path):
    """After Ctrl-C in `--wait --stop-after` the batch goes on, and the command that sees its end stops the services."""
    one = stack()
    one.run("down")
    shutil.rmtree(one.home.root)
    write_files(tmp_path / "library", 60, name="slow")
    waiting = one.begin("submit", tmp_path / "library", "--wait", "--stop-after", "--files-per-chain", "2")
    assert waiting.stderr is not None
    batch_id = next(line for line in waiting.stderr if line.startswith("recorded")).split()[-1]

    waiting.send_signal(signal.SIGINT)
    _, said = waiting.communicate(timeout=60)
    one.outcome.faults += 1

    assert waiting.returncode == 130
    assert "the private services stay up, as a batch is open" in said
    one.run("status", batch_id, "--watch")
    assert one.home.holder() is None
    one.run("up", "--detach")
    assert one.check(batch_id, within=10.0)["completed"] == 60


def test_two_commands_on_a_cold_home(stack: MakeStack, tmp_path: Path):
    """The first to end stops nothing under the other, and the last one stops the services."""
    one = stack()
    one.run("down")
    shutil.rmtree(one.home.root)
    write_files(tmp_path / "few", 4)
    write_files(tmp_path / "many", 60, name="slow", seed=1)
    one.outcome.faults += 1

    commands = [
        one.begin("submit", tmp_path / name, "--wait", "--stop-after", "--json", "--files-per-chain", "2")
        for name in ("few", "many")
    ]
    ends = [command.communicate(timeout=200) for command in commands]

    assert [command.returncode for command in commands] == [0, 0], ends
    reports = [json.loads(printed) for printed, _ in ends]
    assert [report["completed"] for report in reports] == [4, 60]
    assert one.home.holder() is None
    one.run("up", "--detach")
    one.check(*(report["batch_id"] for report in reports), within=10.0)
