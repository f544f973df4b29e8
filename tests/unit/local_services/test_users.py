import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from samplemind_worker.local_services.home import Home
from samplemind_worker.local_services.users import Users

JOIN = """
import sys; from pathlib import Path
from samplemind_worker.local_services.home import Home; from samplemind_worker.local_services.users import Users
with Users(Home(Path(sys.argv[1])), say=print) as users:
    getattr(users, sys.argv[2])()
    print("in", flush=True); sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.make_folders()
    return home


@pytest.fixture
def users(home: Home) -> Iterator[Users]:
    with Users(home, say=lambda _: None) as users:
        yield users


def another(home: Home, what: str = "join") -> subprocess.Popen[str]:
    """A command that uses the services, or is about to stop them (``alone``)."""
    process = subprocess.Popen(
        [sys.executable, "-c", JOIN, home.root, what], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_whoever_is_alone_may_stop_the_services(users: Users):
    users.join()

    assert users.others() == []
    assert users.alone()


def test_another_command_is_named_and_keeps_the_services(home: Home, users: Users):
    users.join()
    other = another(home)
    try:
        assert not users.alone()
        assert not users.is_stopping()
        [named] = users.others()
        assert named.endswith(f"(process {other.pid})")
    finally:
        end(other)

    assert users.alone()


def test_two_that_leave_at_once_do_not_both_stay(home: Home, users: Users):
    users.join()
    with Users(home, say=lambda _: None) as second:
        second.join()

        assert not users.alone()
        assert second.alone()


def test_a_new_command_waits_for_one_that_stops_the_services(home: Home):
    stopping = another(home, "alone")
    said: list[str] = []
    with Users(home, say=lambda words: (said.append(words), stopping.kill())) as users:
        assert users.is_stopping()
        users.join()
    stopping.communicate()

    assert said == ["waiting for another command, which stops the private services"]
