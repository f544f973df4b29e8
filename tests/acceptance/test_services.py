"""Private services between commands: who starts them, who may stop them, and what becomes of an open batch."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile as sf

from samplemind_worker.local_services.home import Home
from tests.acceptance.conftest import Command, Done
from tests.waiting import wait_until

SR = 22050
MakeCommand = Callable[..., Command]


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return noises(tmp_path_factory.mktemp("few"), 4, 0.2)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some seconds of work."""
    return noises(tmp_path_factory.mktemp("many"), 100, 8.0)


def noises(folder: Path, count: int, seconds: float) -> Path:
    rng = np.random.default_rng(count)
    for number in range(count):
        sf.write(folder / f"{number:03}.wav", rng.normal(0.0, 0.1, round(seconds * SR)).astype(np.float32), SR)
    return folder


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name, unlike that of ``tmp_path`` at times."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def supervisor(command: Command) -> int | None:
    return Home(command.home).holder()


def begin(command: Command, *arguments: str | Path) -> tuple[subprocess.Popen[str], str]:
    """Start a command that records a batch, and return it with the batch's id."""
    process = command.start(*arguments)
    assert process.stderr is not None
    recorded = next(line for line in process.stderr if line.startswith("recorded"))
    return process, recorded.split()[-1]


def finish(command: Command, batch_id: str) -> dict[str, object]:
    return json.loads(command("status", batch_id, "--watch", "--json", timeout=180).out.splitlines()[-1])


def test_two_commands_at_once_share_services_that_end_with_the_last(
    fresh_command: MakeCommand, few: Path, many: Path
) -> None:
    command = fresh_command()
    short = command.start("submit", few, "--wait", "--stop-after", "--json")
    long = command.start("submit", many, "--files-per-chain", "1", "--wait", "--stop-after", "--json")
    ended = [json.loads(process.communicate(timeout=180)[0]) for process in (short, long)]

    assert (short.returncode, long.returncode) == (0, 0)
    assert [(batch["status"], batch["completed"]) for batch in ended] == [("completed", 4), ("completed", 100)]
    assert supervisor(command) is None


def test_interrupted_wait_keeps_temporary_services_for_the_batch(fresh_command: MakeCommand, many: Path) -> None:
    command = fresh_command()
    waiting, batch_id = begin(command, "submit", many, "--wait", "--stop-after")
    waiting.send_signal(signal.SIGINT)
    _, err = waiting.communicate(timeout=60)

    assert waiting.returncode == 130
    assert err.splitlines()[-2:] == [
        f"the batch goes on; follow it with `samplemind status {batch_id} --watch`",
        "the private services stay up, as a batch is open; `samplemind down` stops them",
    ]
    assert supervisor(command) is not None
    assert finish(command, batch_id)["completed"] == 100
    assert supervisor(command) is None


def test_services_of_a_plain_command_outlive_one_that_is_to_stop_its_own(fresh_command: MakeCommand, few: Path) -> None:
    command = fresh_command()
    command("up", "--detach")

    assert command("submit", few, "--wait", "--stop-after").code == 0
    assert supervisor(command) is not None


def test_down_names_who_uses_the_services_and_force_stops_them(fresh_command: MakeCommand, many: Path) -> None:
    command = fresh_command()
    waiting, batch_id = begin(command, "submit", many, "--wait", "--files-per-chain", "1")

    refused = command("down")
    forced = command("down", "--force")
    out, err = waiting.communicate(timeout=60)
    status = command("status", batch_id)

    assert refused.code == 3
    # A long path is cut there.
    user = f"`samplemind submit {str(many)[:20]}"
    assert refused.err.startswith(f"samplemind: error: the private services are used by {user}")
    assert f"(process {waiting.pid}): end that first, or" in refused.err
    assert forced == Done(0, "", f"batch {batch_id} has not ended, and goes on at the next `samplemind up`\nstopped\n")
    assert (waiting.returncode, out) == (3, "")
    assert err.splitlines()[-1].startswith(f"samplemind: error: the private services were stopped; batch {batch_id} is")
    # Whoever looks at an open batch has its workers started.
    assert "a batch is open: its workers are started" in status.err.splitlines()
    wait_until(lambda: not is_open(command, batch_id), seconds=120)
    assert finish(command, batch_id)["completed"] == 100


def is_open(command: Command, batch_id: str) -> bool:
    return command("status", batch_id, "--json").object["finished_at"] is None


def test_follower_starts_services_anew_whose_supervisor_was_killed(fresh_command: MakeCommand, many: Path) -> None:
    command = fresh_command(SAMPLEMIND_LEASE_SECONDS="8", SAMPLEMIND_DISPATCH_SECONDS="1")
    waiting, _ = begin(command, "submit", many, "--wait", "--json")
    killed = supervisor(command)
    assert killed is not None
    psutil.Process(killed).kill()
    out, err = waiting.communicate(timeout=240)

    assert waiting.returncode == 0, err
    assert json.loads(out)["completed"] == 100
    assert "the private services have died, and are started again" in err.splitlines()


def test_up_starts_the_workers_of_services_that_run(fresh_command: MakeCommand) -> None:
    command = fresh_command()
    command("status")
    assert Home(command.home).read_state().workers is False

    again = command("up")

    assert (again.code, again.err.splitlines()[-1]) == (
        0,
        f"running in {command.home}; end it with `samplemind down`",
    )
    wait_until(lambda: Home(command.home).read_state().workers)


def test_services_of_other_code_are_replaced_once_no_batch_is_open(fresh_command: MakeCommand, many: Path) -> None:
    command = fresh_command()
    batch_id = command("submit", many, "--files-per-chain", "1", "--json").object["batch_id"]
    home = Home(command.home)
    wait_until(lambda: {"beat", "chroma"} <= home.read_state().services.keys())
    # As a supervisor of another version would have written it.
    home.write_state(home.read_state().model_copy(update={"version": "0.0.9", "code": "older"}))
    first = supervisor(command)

    during = command("status", batch_id, "--json")
    assert "older version of samplemind until the open batch has ended" in during.err
    assert supervisor(command) == first
    # The command that sees the batch end may be the one that follows it.
    following = command("status", batch_id, "--watch", "--json", timeout=180)
    assert json.loads(following.out.splitlines()[-1])["completed"] == 100
    after = command("status")

    said = (following.err + after.err).splitlines()
    assert "the private services run another version of samplemind, and are started anew" in said
    assert supervisor(command) not in (None, first)
    assert home.read_state().version != "0.0.9"


def test_the_web_server_replaces_services_of_other_code_which_then_go_on(fresh_command: MakeCommand) -> None:
    command = fresh_command()
    command("up", "--detach")
    home = Home(command.home)
    home.write_state(home.read_state().model_copy(update={"version": "0.0.9", "code": "older"}))
    home.temporary.touch()  # as after `submit --stop-after`
    first = supervisor(command)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])

    serving = command.start("web", "--no-open", "--port", port)
    assert serving.stderr is not None
    said = list(takewhile(lambda line: "Ctrl-C ends it" not in line, serving.stderr))
    refused = command("down")
    serving.send_signal(signal.SIGINT)
    serving.communicate(timeout=60)

    assert "the private services run another version of samplemind, and are started anew\n" in said
    assert f"(process {serving.pid})" in refused.err
    assert home.read_state().version != "0.0.9"
    command("status")
    assert supervisor(command) not in (None, first)


def test_nothing_stays_in_temporary_folders_or_shared_memory(
    fresh_command: MakeCommand, many: Path, tmp_path: Path
) -> None:
    (tmp_path / "temporary").mkdir()
    (tmp_path / "signals").mkdir()
    command = fresh_command(TMPDIR=str(tmp_path / "temporary"), SAMPLEMIND_SCRATCH=str(tmp_path / "signals"))
    batch_id = command("submit", many, "--files-per-chain", "4", "--json").object["batch_id"]
    home = Home(command.home)
    wait_until(lambda: list((tmp_path / "signals").glob("*/*")))
    psutil.Process(home.read_state().services["worker-cpu"].pid).kill()
    wait_until(lambda: list((tmp_path / "signals").glob("*/*")))
    assert command("down").code == 0
    assert list((tmp_path / "signals").iterdir()) == []

    # And once more by a supervisor that cannot do it itself.
    command("up", "--detach")
    wait_until(lambda: list((tmp_path / "signals").glob("*/*")))
    killed = home.holder()
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert command("down").err == "stopped\n"
    assert list((tmp_path / "signals").iterdir()) == []
    assert [path.name for path in (tmp_path / "temporary").iterdir() if path.name.startswith("pymp")] == []
    assert finish(command, batch_id)["completed"] == 100


@pytest.mark.parametrize("files", [1, 20])
def test_analyze_leaves_nothing_in_the_temporary_folder(
    fresh_command: MakeCommand, many: Path, tmp_path: Path, files: int
) -> None:
    (tmp_path / "temporary").mkdir()
    command = fresh_command(TMPDIR=str(tmp_path / "temporary"))

    assert command("analyze", *sorted(many.iterdir())[:files], "--jobs", "2").code == 0

    assert [path.name for path in (tmp_path / "temporary").iterdir() if path.name.startswith("pymp")] == []


def test_sockets_that_a_cleaner_removed_are_made_anew(fresh_command: MakeCommand, many: Path, short: Path) -> None:
    command = fresh_command(TMPDIR=str(short))
    command.home = command.home / ("long" * 30)
    command.home.mkdir(parents=True)
    command.environment["SAMPLEMIND_HOME"] = str(command.home)
    try:
        batch_id = command("submit", many, "--json").object["batch_id"]
        first = supervisor(command)
        sockets = Path(Home(command.home).read_state().sockets)
        assert sockets.parent == short
        shutil.rmtree(sockets)

        assert command("status", batch_id, "--json").code == 0
        assert supervisor(command) == first
        assert finish(command, batch_id)["completed"] == 100
    finally:
        command("down", "--force")
