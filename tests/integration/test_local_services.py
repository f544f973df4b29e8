"""Real private services in a home of their own."""

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from pydantic import SecretStr
from pymongo import MongoClient, WriteConcern
from redis import Redis

from config.settings import Settings
from samplemind_worker.errors import SetupError
from samplemind_worker.local_services import connected, ensure_running, start_web, stop, web_address
from samplemind_worker.local_services.doctor import diagnose
from samplemind_worker.local_services.home import Home
from samplemind_worker.local_services.session import end
from samplemind_worker.sandbox import PROTECTIONS
from samplemind_worker.store.chroma import Chroma
from tests import chroma
from tests.hostile.guarded import free_port

pytestmark = pytest.mark.services


def settings_of(home: Path, **more: object) -> Settings:
    urls = {"redis_url": None, "mongodb_url": None, "chroma_url": None}
    return Settings(_env_file=None, home=home, **(urls | more))


def wait_until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def supervisor_of(settings: Settings) -> psutil.Process:
    pid = Home(settings.home).holder()
    assert pid is not None
    return psutil.Process(pid)


def supervisors(settings: Settings) -> list[int]:
    found: list[int] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # it has ended, or is another user's
            named = "samplemind_worker.local_services" in process.cmdline()
            if named and process.environ().get("SAMPLEMIND_HOME") == str(settings.home):
                found.append(process.pid)
    return found


def service_pid(settings: Settings, name: str) -> int:
    return Home(settings.home).read_state().services[name].pid


def chroma_answers(settings: Settings) -> bool:
    assert settings.chroma_url is not None
    return chroma.answers(settings.chroma_url.get_secret_value())


def write_marks(settings: Settings) -> None:
    with MongoClient(settings.mongodb_url.get_secret_value()) as mongo:
        mongo.get_default_database().marks.insert_one({"_id": "kept"})
    with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
        redis.set("kept", "yes")


def marks(settings: Settings) -> tuple[int, bytes]:
    with MongoClient(settings.mongodb_url.get_secret_value()) as mongo:
        stored = mongo.get_default_database().marks.count_documents({})
    with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
        return stored, redis.get("kept")


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Settings]:
    settings = settings_of(tmp_path / "home")
    yield settings
    stop(settings)


@pytest.fixture
def running(bare: Settings) -> Settings:
    return ensure_running(bare, workers=False)


def test_services_answer_at_their_urls(running: Settings):
    with Redis.from_url(running.redis_url.get_secret_value()) as redis:
        assert redis.ping() is True
        assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert redis.config_get("appendonly") == {"appendonly": "yes"}
    with MongoClient(running.mongodb_url.get_secret_value()) as mongo:
        assert mongo.admin.command("ping") == {"ok": 1.0}
        assert mongo.get_default_database().name == "samplemind"
        assert mongo.get_default_database().write_concern.document == {"j": True}
    wait_until(lambda: chroma_answers(running))


def test_everything_below_home_is_private(running: Settings):
    wait_until(lambda: chroma_answers(running))
    found = [running.home, *running.home.rglob("*")]

    assert [path for path in found if path.lstat().st_mode & 0o077] == []
    assert {path.name for path in found if stat.S_ISSOCK(path.lstat().st_mode)} == {
        "valkey.sock",
        "mongod.sock",
        "mongodb-0.sock",
        "chroma.sock",
    }


def test_no_service_listens_on_a_port_that_other_users_reach(running: Settings):
    wait_until(lambda: chroma_answers(running))
    family = [supervisor_of(running), *supervisor_of(running).children(recursive=True)]
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for process in family
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }

    assert len(family) == 4
    assert listening == set()


def test_second_call_uses_the_running_services(bare: Settings, running: Settings):
    supervisor = supervisor_of(bare)
    started = time.monotonic()

    assert ensure_running(bare, workers=False) == running
    assert time.monotonic() - started < 1.0
    assert connected(bare) == running
    assert supervisor_of(bare) == supervisor


def test_workers_are_added_when_first_asked_for(bare: Settings, running: Settings):
    supervisor = supervisor_of(bare)
    assert Home(bare.home).read_state().workers is False

    assert ensure_running(bare, workers=True) == running
    logs = bare.home / "logs"
    wait_until(lambda: {"worker-cpu", "worker-io", "beat"} <= {log.stem for log in logs.iterdir()})
    wait_until(lambda: Home(bare.home).read_state().workers)
    assert supervisor_of(bare) == supervisor


def test_workers_that_do_not_know_a_model_are_told_of_and_those_that_do_are_one_more(bare: Settings):
    asks = bare.model_copy(update={"gemini_api_key": SecretStr("k")})
    told: list[str] = []
    ensure_running(bare, on_wait=told.append)
    wait_until(lambda: Home(bare.home).read_state().workers)
    ensure_running(bare, on_wait=told.append)
    assert [words for words in told if "models" in words] == []

    ensure_running(asks, on_wait=told.append)
    assert "the workers run with other settings of models" in told[-1]
    checks = {check.name: check for check in diagnose(asks)}
    assert (checks["models"].state, "worker-ai" in checks) == ("warn", False)

    stop(bare)
    told.clear()
    ensure_running(asks, on_wait=told.append)
    wait_until(lambda: {"worker-ai", "beat"} <= Home(bare.home).read_state().services.keys())
    assert [words for words in told if "models" in words] == []
    checks = {check.name: check for check in diagnose(asks)}
    assert {checks[name].state for name in ("worker-cpu", "worker-io", "worker-ai", "beat")} == {"ok"}
    assert "models" not in checks


def test_the_web_server_is_a_child_that_comes_back_and_ends_with_the_others(bare: Settings):
    own = bare.model_copy(update={"web_port": free_port()})
    ensure_running(own, workers=False)
    assert web_address(own) is None
    assert "web" not in {check.name for check in diagnose(own)}

    address = start_web(own)
    assert address == f"http://127.0.0.1:{own.web_port}/"
    assert httpx.get(f"{address}readyz").json()["services"] == {"mongodb": True, "redis": True}
    [check] = [check for check in diagnose(own) if check.name == "web"]
    assert (check.state, address in check.detail) == ("ok", True)
    # What listens there is reached from this machine alone.
    [place] = {
        each.laddr.ip for each in psutil.Process(service_pid(own, "web")).net_connections("tcp") if not each.raddr
    }
    assert place == "127.0.0.1"

    first = service_pid(own, "web")
    psutil.Process(first).kill()
    wait_until(lambda: web_address(own) is not None and service_pid(own, "web") != first)
    assert httpx.get(f"{address}healthz").status_code == 200

    assert end(own, force=False, say=lambda _: None) is True
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}healthz")
    # The next start is one without it.
    ensure_running(own, workers=True)
    wait_until(lambda: Home(own.home).read_state().workers)
    assert Home(own.home).read_state().web_port == 0


def test_a_web_server_whose_port_is_taken_is_told_of_and_started_once_it_is_free(bare: Settings):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        own = bare.model_copy(update={"web_port": port})
        ensure_running(own, workers=False)
        with pytest.raises(SetupError, match=f"port {port} is taken"):
            start_web(own)
    wait_until(lambda: web_address(own), seconds=40)
    assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200


def test_killed_mongod_comes_back_with_its_data(running: Settings):
    write_marks(running)
    killed = service_pid(running, "mongod")
    os.kill(killed, signal.SIGKILL)

    wait_until(
        lambda: (
            Home(running.home).read_state().services.get("mongod") is not None
            and service_pid(running, "mongod") != killed
        )
    )
    assert ensure_running(settings_of(running.home), workers=False) == running
    assert marks(running) == (1, b"yes")
    assert Home(running.home).read_state().services["mongod"].restarts == 1


def test_killed_supervisor_leaves_no_orphan_and_no_lock(bare: Settings, running: Settings):
    write_marks(running)
    supervisor = supervisor_of(bare)
    children = supervisor.children(recursive=True)
    assert len(children) == 3
    supervisor.kill()

    wait_until(lambda: not any(alive(child) for child in children), seconds=10.0)
    assert connected(bare) is None
    assert ensure_running(bare, workers=False) == running
    assert marks(running) == (1, b"yes")


def test_killed_supervisor_can_be_replaced_at_once(bare: Settings, running: Settings):
    write_marks(running)
    supervisor_of(bare).kill()
    # Its lock is free while its servers are still ending.
    wait_until(lambda: Home(bare.home).holder() is None)

    assert ensure_running(bare, workers=False) == running
    assert marks(running) == (1, b"yes")


def test_starts_at_once_share_one_supervisor(bare: Settings):
    code = (
        "import sys; from pathlib import Path; from config.settings import Settings\n"
        "from samplemind_worker.local_services import ensure_running\n"
        "from samplemind_worker.local_services.home import Home\n"
        "settings = ensure_running(Settings(_env_file=None, home=Path(sys.argv[1])), workers=False)\n"
        "print(Home(settings.home).holder(), settings.chroma_url.get_secret_value())"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SAMPLEMIND_")}
    starters = [
        subprocess.Popen([sys.executable, "-c", code, bare.home], stdout=subprocess.PIPE, text=True, env=clean)
        for _ in range(3)
    ]
    said = {starter.communicate(timeout=60)[0] for starter in starters}
    assert supervisors(bare) == [supervisor_of(bare).pid]
    assert [starter.returncode for starter in starters] == [0, 0, 0]
    assert said == {f"{supervisor_of(bare).pid} {connected(bare).chroma_url.get_secret_value()}\n"}


def test_stop_ends_a_supervisor_that_has_only_been_started(bare: Settings):
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure_running(bare, workers=False, on_wait=interrupt)

    assert stop(bare) is True
    assert supervisors(bare) == []
    assert stop(bare) is False


def test_stop_leaves_nothing(bare: Settings, running: Settings):
    family = [supervisor_of(bare), *supervisor_of(bare).children(recursive=True)]

    assert stop(bare) is True
    assert stop(bare) is False
    assert connected(bare) is None
    wait_until(lambda: not any(alive(process) for process in family), seconds=2.0)
    assert sorted(path.name for path in (bare.home / "run").iterdir()) == ["lock", "services.json"]
    assert Home(bare.home).read_state().services == {}
    again = ensure_running(bare, workers=False)
    assert again.chroma_url == running.chroma_url


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_foreground_ends_with_its_terminal(bare: Settings, number: signal.Signals):
    code = (
        "import sys; from pathlib import Path; from config.settings import Settings\n"
        "from samplemind_worker.local_services import run_foreground\n"
        "sys.exit(not run_foreground(Settings(_env_file=None, home=Path(sys.argv[1])), web=False, say=print))"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SAMPLEMIND_")}
    process = subprocess.Popen([sys.executable, "-c", code, bare.home], stderr=subprocess.PIPE, text=True, env=clean)
    wait_until(lambda: connected(bare))
    children = supervisor_of(bare).children(recursive=True)
    process.send_signal(number)
    _, log = process.communicate(timeout=30)

    assert process.returncode == 0
    assert log.splitlines()[-1].endswith("INFO stopped {}")
    assert not any(alive(child) for child in children)


def test_home_with_a_long_path(tmp_path: Path):
    settings = settings_of(tmp_path / ("long " * 40).strip())
    try:
        running = ensure_running(settings, workers=False)
        write_marks(running)
        assert marks(running) == (1, b"yes")
        sockets = Path(Home(settings.home).read_state().sockets)
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    finally:
        stop(settings)
    assert not sockets.exists()


def test_private_services_beside_a_given_one(tmp_path: Path, running: Settings):
    settings = settings_of(tmp_path / "second", redis_url=running.redis_url)
    try:
        filled = ensure_running(settings, workers=False)
        assert filled.redis_url == running.redis_url
        assert filled.mongodb_url != running.mongodb_url
        assert set(Home(settings.home).read_state().services) == {"mongod", "chroma"}
        with pytest.raises(SetupError, match=r"other settings .*SAMPLEMIND_\*_URL.*: stop them with `samplemind down`"):
            ensure_running(settings_of(settings.home), workers=False)
    finally:
        stop(settings)


def test_vectors_that_chromas_own_server_stored_are_still_there(bare: Settings):
    chroma_folder = bare.home / "data" / "chroma"
    chroma_folder.mkdir(parents=True, mode=0o700)
    with chroma.own_server(chroma_folder) as url, Chroma(url) as before:
        before.create("samplemind-sound-v1")
        before.upsert("samplemind-sound-v1", {"a": [1.0, 0.0], "b": [0.0, 1.0]})

    settings = ensure_running(bare, workers=False)
    wait_until(lambda: chroma_answers(settings))
    with Chroma(settings.chroma_url.get_secret_value()) as after:
        assert after.nearest("samplemind-sound-v1", [[1.0, 0.1]], limit=2) == [
            [("a", pytest.approx(0.005, abs=1e-3)), ("b", pytest.approx(0.9, abs=0.01))]
        ]


def test_a_private_mongod_compresses_no_messages(running: Settings):
    with MongoClient(running.mongodb_url.get_secret_value()) as mongo:
        reply = mongo.admin.command("hello", compression=["snappy", "zstd", "zlib"])
    assert reply.get("compression", []) == []


def test_mongod_that_cannot_open_its_data_is_named(bare: Settings):
    ensure_running(bare, workers=False)
    stop(bare)
    table = bare.home / "data" / "mongod" / "WiredTiger.wt"
    table.write_bytes(b"no tiger" * 8192)

    with pytest.raises(
        SetupError,
        match=r"^mongod ended at its start: .+; `mongod --repair` did not help, and .*/data/mongod was left as it was: "
        r".+; see .*mongod\.log$",
    ):
        ensure_running(bare, workers=False)
    assert connected(bare) is None
    assert table.read_bytes() == b"no tiger" * 8192
    assert list((bare.home / "data").glob("*.damaged-*")) == []


def test_mongod_with_wrong_options_is_not_repaired(bare: Settings, running: Settings, tmp_path: Path):
    write_marks(running)
    stop(bare)
    (tmp_path / "bin").mkdir()
    broken = tmp_path / "bin" / "mongod"
    broken.write_text("#!/bin/sh\necho no such option >&2; exit 2\n")
    broken.chmod(0o755)

    done = in_foreground(bare, broken.parent)

    assert done.stderr.splitlines()[-1].startswith(
        "samplemind_worker.errors.SetupError: mongod ended at its start: no such option; see "
    )
    assert marks(ensure_running(bare, workers=False)) == (1, b"yes")


def end_uncleanly(settings: Settings) -> None:
    """Kill mongod and the supervisor with the last checkpoint behind them and a journal that is in use."""
    with MongoClient(settings.mongodb_url.get_secret_value()) as mongo:
        mongo.admin.command("fsync")
        journalled = mongo.get_default_database().get_collection("later", write_concern=WriteConcern(j=True))
        journalled.insert_one({"_id": "in the journal"})
    supervisor = supervisor_of(settings)
    supervisor.suspend()
    mongod = psutil.Process(service_pid(settings, "mongod"))
    for process in (mongod, supervisor):
        process.kill()
    psutil.wait_procs([supervisor], timeout=10.0)
    wait_until(lambda: not alive(mongod))


def zero_the_turtle(data: Path) -> None:
    """Damage the file that leads to the last checkpoint."""
    turtle = data / "WiredTiger.turtle"
    turtle.write_bytes(bytes(turtle.stat().st_size))


def test_half_written_journal_needs_no_repair(bare: Settings, running: Settings):
    write_marks(running)
    end_uncleanly(running)
    [journal] = (bare.home / "data" / "mongod" / "journal").glob("WiredTigerLog.*")
    used = len(journal.read_bytes().rstrip(b"\0"))
    with journal.open("r+b") as file:
        file.seek(used - 64)
        file.write(os.urandom(4096))

    assert marks(ensure_running(bare, workers=False)) == (1, b"yes")
    assert list((bare.home / "data").glob("mongod.damaged-*")) == []


def zero_the_journal(data: Path) -> None:
    for journal in (data / "journal").glob("WiredTigerLog.*"):
        with journal.open("r+b") as file:
            file.write(bytes(128))


@pytest.mark.parametrize("damage", [zero_the_turtle, zero_the_journal])
def test_damaged_record_is_repaired(bare: Settings, running: Settings, damage: Callable[[Path], None]):
    write_marks(running)
    end_uncleanly(running)
    data = bare.home / "data" / "mongod"
    damage(data)
    before = (data / "WiredTiger.turtle").read_bytes()
    told: list[str] = []

    again = ensure_running(bare, workers=False, on_wait=told.append)

    assert marks(again) == (1, b"yes")
    [aside] = (bare.home / "data").glob("mongod.damaged-*")
    assert (aside / "WiredTiger.turtle").read_bytes() == before
    assert told[-1].endswith(f"are kept in {aside}")
    [check] = [check for check in diagnose(bare) if check.name == "set aside"]
    assert (check.state, str(aside) in check.mend) == ("warn", True)


def in_foreground(settings: Settings, first_on_path: Path) -> "subprocess.CompletedProcess[str]":
    """Run the supervisor until it ends, with the servers of a folder before all others."""
    code = (
        "import sys; from pathlib import Path; from config.settings import Settings\n"
        "from samplemind_worker.local_services import run_foreground\n"
        "run_foreground(Settings(_env_file=None, home=Path(sys.argv[1])), web=False, say=print)"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SAMPLEMIND_")}
    return subprocess.run(
        [sys.executable, "-c", code, settings.home],
        env=clean | {"PATH": f"{first_on_path}:{clean['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


def appended_zeros(folder: Path) -> Path:
    """Simulate a power cut: the file has grown, but its data were not written."""
    [log] = folder.glob("appendonlydir/*.incr.aof")
    with log.open("ab") as file:
        file.write(bytes(4096))
    return log


def test_damaged_queue_is_set_aside_and_everything_else_stays(bare: Settings, running: Settings):
    write_marks(running)
    stop(bare)
    damaged = appended_zeros(bare.home / "data" / "valkey").read_bytes()

    again = ensure_running(bare, workers=False)

    assert marks(again) == (1, None)
    [aside] = (bare.home / "data").glob("valkey.damaged-*")
    assert next(aside.glob("appendonlydir/*.incr.aof")).read_bytes() == damaged
    [check] = [check for check in diagnose(bare) if check.name == "set aside"]
    assert (check.state, str(aside) in check.mend) == ("warn", True)


def test_queue_that_is_damaged_while_it_runs_is_set_aside(bare: Settings, running: Settings):
    write_marks(running)
    appended_zeros(bare.home / "data" / "valkey")
    killed = service_pid(running, "valkey")
    os.kill(killed, signal.SIGKILL)

    wait_until(lambda: list((bare.home / "data").glob("valkey.damaged-*")))
    wait_until(lambda: (found := Home(bare.home).read_state().services.get("valkey")) and found.ready)
    assert marks(ensure_running(bare, workers=False)) == (1, None)


@pytest.mark.parametrize("page", [0, 5])
def test_damaged_vectors_are_set_aside(bare: Settings, running: Settings, page: int):
    wait_until(lambda: chroma_answers(running))
    stop(bare)
    with (bare.home / "data" / "chroma" / "chroma.sqlite3").open("r+b") as file:
        file.seek(page * 4096)
        file.write(bytes(10 * 4096))

    again = ensure_running(bare, workers=False)

    wait_until(lambda: chroma_answers(again))
    assert len(list((bare.home / "data").glob("chroma.damaged-*"))) == 1
    [check] = [check for check in diagnose(bare) if check.name == "set aside"]
    assert check.mend.startswith("run `samplemind reindex`")


def test_data_of_a_server_that_starts_in_no_way_stay_where_they_are(bare: Settings, running: Settings, tmp_path: Path):
    write_marks(running)
    stop(bare)
    (tmp_path / "bin").mkdir()
    broken = tmp_path / "bin" / "valkey-server"
    broken.write_text("#!/bin/sh\necho no such option >&2; exit 1\n")
    broken.chmod(0o755)
    done = in_foreground(bare, broken.parent)

    assert done.stderr.splitlines()[-1].startswith(
        "samplemind_worker.errors.SetupError: valkey ended at its start: no such"
    )
    assert list((bare.home / "data").glob("*.damaged-*")) == []
    assert marks(ensure_running(bare, workers=False)) == (1, b"yes")


def test_home_that_cannot_be_made(tmp_path: Path):
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(SetupError, match=r"file/home cannot be written .*: set SAMPLEMIND_HOME"):
        ensure_running(settings_of(tmp_path / "file" / "home"), workers=False)


def test_given_urls_start_nothing(tmp_path: Path):
    settings = settings_of(
        tmp_path / "home", redis_url="redis://h/0", mongodb_url="mongodb://h/d", chroma_url="http://h:1"
    )

    assert ensure_running(settings) == settings
    assert connected(settings) == settings
    assert not settings.home.exists()


def test_doctor_finds_the_running_services_well(bare: Settings, running: Settings):
    wait_until(lambda: chroma_answers(running))
    private = {check.name: check.detail for check in diagnose(bare) if check.name in {"valkey", "mongod", "chroma"}}

    assert private == {"valkey": "answers", "mongod": "answers", "chroma": "answers"}
    assert {check.name: check.state for check in diagnose(running) if check.name in {"redis", "mongodb", "chroma"}} == {
        "redis": "ok",
        "mongodb": "ok",
        "chroma": "ok",
    }


def test_doctor_says_what_decoders_are_held_in(bare: Settings):
    [check] = [check for check in diagnose(bare) if check.name == "sandbox"]

    assert check.ok
    if sys.platform == "linux":
        assert check.detail == "decoders are held in: " + ", ".join(PROTECTIONS)


def test_doctor_names_what_is_down_and_no_password(bare: Settings):
    settings = settings_of(
        bare.home,
        redis_url="redis://:hush/hush@127.0.0.1:1/0",
        mongodb_url="mongodb://user:hush@127.0.0.1:1/?serverSelectionTimeoutMS=100",
        chroma_url="http://hush@127.0.0.1:1",
    )
    checks = {check.name: check for check in diagnose(settings)}

    assert [checks[name].state for name in ("redis", "mongodb", "chroma")] == ["fail"] * 3
    assert "hush" not in str(checks)
