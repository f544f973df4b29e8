"""Commands and processes in an untrusted working folder read nothing there except the audio that is named.

The kernel reports what any process opens there. A FIFO would block a process that opens it for ever.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import packages_distributions
from pathlib import Path

import httpx
import pytest

from config.settings import Settings
from samplemind_cli.app import app
from samplemind_worker.local_services.services import setting_env
from samplemind_worker.store.cache import Board
from tests import opens
from tests.factories import write_audio
from training.signals import sine

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("chroma")]

SAMPLEMIND = str(Path(sys.executable).with_name("samplemind"))
AUDIO = {"kick.wav", "pad.wav"}
FILES = (
    ".numba_config.yaml", ".netrc", "_netrc", "pyproject.toml", "setup.cfg", "tox.ini", "pytest.ini", "samplemind.toml",
    "celeryconfig.py", "flowerconfig.py", "celerybeat-schedule", "sitecustomize.py", "usercustomize.py",
    "chroma.sqlite3", "chroma_config.yaml", "config.yaml", "logging.conf", "mongod.conf", "mongo.conf", "valkey.conf",
    "redis.conf", "matplotlibrc", ".mongorc.js", ".pythonrc", "pip.conf", "openssl.cnf", ".env.local", "settings.env",
    "ai.toml", "docker-compose.yml", "pyvenv.cfg", "python._pth", "entry_points.txt", "numba.pth",
)  # fmt: skip


COMMANDS = (
    ["submit", "--dry-run", "kick.wav"],
    ["status"],
    ["files", ""],
    ["show", "kick.wav"],
    ["similar", "kick.wav"],
    ["export", "--all", "--format", "csv"],
    ["summarize", "--missing"],
    ["retry", ""],
    ["cancel", ""],
    ["ingest", "../inbox"],
    ["doctor"],
    ["--help"],
    ["--version"],
)
ELSEWHERE = {"analyze", "worker", "beat", "flower", "watch", "up", "down"}
"""Commands that other tests run, or that are processes."""


def registered() -> set[str]:
    return {
        info.name or getattr(info.callback, "__name__", "")
        for info in [*app.registered_commands, *app.registered_groups]
    }


@pytest.fixture
def bait(tmp_path: Path) -> Iterator[Path]:
    """A folder with two sounds, and a file for each name that some library might read."""
    folder = tmp_path / "pack"
    folder.mkdir()
    for number, name in enumerate(sorted(AUDIO)):
        write_audio(folder / name, sine(220.0 * (number + 1), 0.5))
    modules = {name for name in {*sys.stdlib_module_names, *packages_distributions()} if name.isidentifier()}
    for name in modules | {"config", "tasks", "samplemind_cli", "samplemind_worker", "sitecustomize"}:
        (folder / f"{name}.py").write_text(f"raise SystemExit('a stranger was imported as {name}')\n")
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"raise SystemExit('a stranger was imported as {name}')\n")
    for name in FILES:
        (folder / name).write_text("SAMPLEMIND_HOME=/stranger\n")
    (folder / ".numba_config.yaml").write_text(f"cache_dir: {folder}\ndisable_jit: 1\n")
    (folder / "stranger.dist-info").mkdir()
    (folder / "stranger.dist-info" / "entry_points.txt").write_text("[numba_extensions]\ninit = stranger:main\n")
    os.mkfifo(folder / ".env")
    return folder


class Place:
    """The folder, with the environment in which commands run there."""

    def __init__(self, folder: Path, environment: dict[str, str], opened: Callable[[], set[str]]) -> None:
        self.folder, self.environment, self.opened = folder, environment, opened

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, and check that it read nothing but the audio."""
        self.opened()
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert self.opened() - AUDIO == set(), command
        assert "stranger" not in done.stdout + done.stderr, (command, done.stdout, done.stderr)
        return done

    @contextmanager
    def running(self, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a process, and end it as a supervisor would."""
        log = self.folder.parent / "process.log"
        with log.open("ab") as out:
            process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=out, stderr=out)
        try:
            yield process
            assert process.poll() is None, log.read_text()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
        assert "stranger" not in log.read_text()


@pytest.fixture
def place(bait: Path, settings: Settings, tmp_path: Path) -> Iterator[Place]:
    """The folder of bait, before services that answer."""
    own = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    given = {**setting_env(settings), "SAMPLEMIND_HOME": str(tmp_path / "home"), "HOME": str(tmp_path / "user")}
    folders = [bait, *(path for path in bait.iterdir() if path.is_dir())]
    with opens.named(*folders) as opened:
        yield Place(bait, own | given | {"SAMPLEMIND_FLOWER_PASSWORD": "secret"}, opened)


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_analysis_reads_the_audio_alone(place: Place):
    for command in (["analyze", "kick.wav"], ["analyze", "--jobs", "2", "--json", *AUDIO]):
        done = place.run(SAMPLEMIND, *command)
        assert done.returncode == 0, done.stderr

    assert place.run(sys.executable, "-P", "-m", "samplemind_worker.lifecycle", "warm-up").returncode == 0


def test_workers_and_commands_read_the_audio_alone(place: Place, settings: Settings):
    assert settings.redis_url is not None
    place.environment["SAMPLEMIND_SCRATCH"] = "../signals"
    board = Board(settings.redis_url.get_secret_value(), settings.database)
    with (
        place.running(SAMPLEMIND, "worker", "--queues", "cpu", "--concurrency", "1"),
        place.running(SAMPLEMIND, "worker", "--queues", "store"),
        place.running(SAMPLEMIND, "worker", "--queues", "ai"),
        place.running(SAMPLEMIND, "beat"),
    ):
        wait_until(lambda: len(board.workers()) == 3)
        submitted = place.run(SAMPLEMIND, "submit", "--wait", "--json", *AUDIO)
        assert submitted.returncode == 0, submitted.stderr
        assert (place.folder.parent / "signals").is_dir()  # workers run in another folder, and find it all the same
        wait_until((Path(place.environment["SAMPLEMIND_HOME"]) / "beat" / "published").exists)
        (place.folder.parent / "inbox").mkdir()
        for command in COMMANDS:
            assert place.run(SAMPLEMIND, *command).returncode in (0, 2), command
        for other in registered() - {command[0] for command in COMMANDS} - ELSEWHERE:
            place.run(SAMPLEMIND, other, "kick.wav")
        assert place.opened() - AUDIO == set()
    board.close()


def test_flower_and_the_watch_read_nothing(place: Place):
    (place.folder.parent / "inbox").mkdir()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    place.environment["SAMPLEMIND_FLOWER_PORT"] = str(port)
    with (
        place.running(SAMPLEMIND, "flower"),
        place.running(SAMPLEMIND, "watch", "../inbox"),
    ):
        wait_until(lambda: _answers(f"http://127.0.0.1:{port}/workers"))
        assert place.opened() == set()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, auth=("samplemind", "secret"), timeout=30).is_success
    except httpx.TransportError:
        return False


def test_private_services_read_nothing(place: Place, tmp_path: Path):
    for name in ("REDIS_URL", "MONGODB_URL", "CHROMA_URL"):
        place.environment.pop(f"SAMPLEMIND_{name}")
    place.environment["SAMPLEMIND_HOME"] = str(tmp_path / "own")
    try:
        assert place.run(SAMPLEMIND, "up", "--detach").returncode == 0
        done = place.run(SAMPLEMIND, "submit", "--wait", *AUDIO)
        assert done.returncode == 0, done.stderr
        assert place.run(SAMPLEMIND, "doctor").returncode == 0
    finally:
        assert place.run(SAMPLEMIND, "down").returncode == 0
