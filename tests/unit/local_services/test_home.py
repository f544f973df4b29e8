import fcntl
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from samplemind_worker.errors import SetupError
from samplemind_worker.local_services.home import MAX_SOCKET_PATH, Home, Running, State


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def test_prepare_makes_private_folders(home: Home):
    folders = [home.root, home.run, home.logs, home.data]

    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o700] * 4


def test_prepare_closes_folders_that_were_open(home: Home):
    home.run.chmod(0o755)
    home.prepare()

    assert stat.S_IMODE(home.run.stat().st_mode) == 0o700


def test_prepare_on_a_full_disk_says_how_much_is_missing(home: Home):
    with pytest.raises(SetupError, match=r"MB free, the private services need 1048576 MB: free some space"):
        home.prepare(need_bytes=2**40)


def test_lock_is_held_by_one_and_names_its_holder(home: Home):
    assert home.holder() is None
    lock = home.take_lock()
    assert lock is not None

    assert home.holder() == os.getpid()
    assert home.take_lock() is None

    os.close(lock)
    assert home.holder() is None


def test_lock_is_not_waited_for_while_a_supervisor_has_it(home: Home):
    lock = home.take_lock()
    started = time.monotonic()

    assert home.take_lock(seconds=30.0) is None
    assert time.monotonic() - started < 1.0
    os.close(lock)


def test_lock_waits_for_those_who_look(home: Home):
    os.close(home.take_lock())
    look = os.open(home.run / "lock", os.O_RDONLY)
    fcntl.flock(look, fcntl.LOCK_SH)
    threading.Timer(0.2, os.close, [look]).start()

    lock = home.take_lock(seconds=10.0)
    assert lock is not None
    os.close(lock)


def test_lock_ends_with_its_holder(home: Home):
    code = (
        "import sys, time; from pathlib import Path; from samplemind_worker.local_services.home import Home\n"
        "Home(Path(sys.argv[1])).take_lock(); print('taken', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, home.root], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "taken\n"
        assert home.holder() == process.pid
        process.kill()

    lock = home.take_lock()
    assert lock is not None
    os.close(lock)


def test_state_comes_back_as_written(home: Home):
    state = State(supervisor=7, sockets="/run/me", services={"valkey": Running(pid=8, created=1.5, ready=True)})
    home.write_state(state)

    assert home.read_state() == state
    assert [path.name for path in home.run.iterdir()] == ["services.json"]


@pytest.mark.parametrize("text", ["", "{", '{"supervisor": "many"}'])
def test_torn_state_is_an_empty_one(home: Home, text: str):
    (home.run / "services.json").write_text(text)

    assert home.read_state() == State()


def test_sockets_lie_in_run_when_their_path_is_short():
    assert Home(Path("/srv/short")).socket_place == Path("/srv/short/run")


@pytest.mark.parametrize("name", ["x" * 120, "a,b"])
def test_sockets_move_to_a_private_short_folder(tmp_path: Path, name: str):
    home = Home(tmp_path / name)
    folder = home.socket_folder()
    try:
        assert len(os.fsencode(folder / "mongodb-0.sock")) <= MAX_SOCKET_PATH
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert home.socket_folder() == folder

        folder.chmod(0o755)
        with pytest.raises(SetupError, match="not a private folder of yours"):
            home.socket_folder()
    finally:
        folder.rmdir()


def test_sockets_do_not_follow_a_link(tmp_path: Path):
    home = Home(tmp_path / ("x" * 120))
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    home.socket_place.symlink_to(tmp_path / "elsewhere")
    try:
        with pytest.raises(SetupError, match="not a private folder of yours"):
            home.socket_folder()
    finally:
        home.socket_place.unlink()
