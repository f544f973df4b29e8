"""`samplemind demo` as a newcomer runs it: without a terminal, again on one, interrupted, and taken away."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import Settings
from samplemind_cli import tour
from samplemind_worker.demo import plan
from samplemind_worker.local_services import ensure_running, stop
from samplemind_worker.local_services.home import Home
from samplemind_worker.local_services.users import Users
from tests.acceptance.conftest import SAMPLEMIND, Command
from tests.terminal import Terminal

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

_PATIENCE = 240.0  # s; services start, and commands run, beside other tests


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that is not there yet; its services are stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="samplemind-test-") as folder:
        yield Path(folder) / "demo"
        stop(Settings(home=Path(folder) / "demo" / tour.RECORD))


@pytest.fixture(scope="module")
def walked(place: Path) -> tuple[Command, str, str]:
    """The command, after its first walk, with what it wrote to both streams."""
    # Settings that would lead away from the demonstration.
    command = Command(place.parent / "own", SAMPLEMIND_REDIS_URL="redis://127.0.0.1:1", ANTHROPIC_API_KEY="none")
    done = command("demo", place, timeout=500)
    assert done.code == 0, done.err
    return command, done.out, done.err


def sections(out: str) -> list[list[str]]:
    """The lines of each question, in order."""
    whole = out.split("$ samplemind ")
    return [part.splitlines() for part in whole[1:]]


def test_every_question_is_shown_with_its_command_and_answered(walked: tuple[Command, str, str]):
    _, out, err = walked
    analysed, searched, matched, alike, copies, kit = sections(out)
    count = len(plan.items())

    assert f"synthesized {count} sounds" in err
    assert f"completed: {count + 1} files, completed {count}, skipped 1" in "\n".join(analysed)
    assert searched[0] == "search short bright hat"
    hats = {item.path for item in plan.items() if item.notes.startswith("class=hat")}
    assert {line.split()[0].partition("/sounds/")[2] for line in searched if "/sounds/" in line} == hats
    assert next(line for line in matched if "bass_loops/line_01.wav" in line).startswith("0.00  as it is")
    assert [line.split()[0] for line in alike if "downloads/crack.flac" in line] == ["1.00"]
    assert [line.split()[0] for line in copies if "downloads/" in line] == ["1", "2", "3", "4"]
    assert [line for line in kit if line.split()[:2] == ["38", "snare"] and "the sound itself" in line]
    assert err.splitlines()[-2] == f"ask more of these sounds after: export SAMPLEMIND_HOME={_record(walked)}"


def _record(walked: tuple[Command, str, str]) -> Path:
    return walked[0].home.parent / "demo" / tour.RECORD


def test_nothing_is_left_running_and_the_users_record_is_not_touched(walked: tuple[Command, str, str], place: Path):
    assert Home(place / tour.RECORD).holder() is None
    assert not walked[0].home.exists()
    assert {path.name for path in place.iterdir()} == {".samplemind-demo", tour.LIBRARY, tour.RECORD}


def test_on_a_terminal_it_waits_and_a_second_run_analyses_nothing(walked: tuple[Command, str, str], place: Path):
    command, _, _ = walked
    own = Settings(home=place / tour.RECORD, redis_url=None, mongodb_url=None, chroma_url=None)
    with Users(Home(own.home), say=print) as users:
        # Another command uses the services: they run already, and must outlive the walk.
        users.join()
        ensure_running(own)
        terminal = Terminal([str(SAMPLEMIND), "demo", str(place)], environment=command.environment, patience=_PATIENCE)
        try:
            screen = terminal.wait_for("completed: 72 files, completed 0, skipped 72", "Enter goes on")
            assert "synthesized" not in screen
            terminal.press("\n")
            screen = terminal.wait_for("$ samplemind search short bright hat", "4 files", "Filters go with")
            assert max(map(len, screen.splitlines())) <= 80
            terminal.wait_until(lambda text: text.rstrip().endswith("q ends:"), "question")
            terminal.press("q\n")
            assert terminal.wait_for_end() == 0
        finally:
            terminal.close()
        assert Home(own.home).holder() is not None
        # While they are used, they are not taken away.
        refused = command("demo", "--remove", place)
        assert (refused.code, refused.err.count("\n")) == (3, 1)
        assert (place / tour.LIBRARY).is_dir()


def test_ctrl_c_ends_it_and_its_services(walked: tuple[Command, str, str], place: Path):
    command, _, _ = walked
    terminal = Terminal([str(SAMPLEMIND), "demo", str(place)], environment=command.environment, patience=_PATIENCE)
    try:
        terminal.wait_for("$ samplemind submit")
        # As Ctrl-C does: to the command and to the one that it runs.
        os.killpg(terminal.process.pid, signal.SIGINT)
        assert terminal.wait_for_end() == 130
    finally:
        terminal.close()
    assert "Traceback" not in terminal.text
    assert Home(place / tour.RECORD).holder() is None


def test_it_is_taken_away_whole(walked: tuple[Command, str, str], place: Path):
    command, _, _ = walked
    done = command("demo", "--remove", place)

    assert (done.code, done.err) == (0, f"removed {place}\n")
    assert not place.exists()
    assert command("demo", "--remove", place).code == 2
