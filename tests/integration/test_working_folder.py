"""Every command and process in an untrusted working folder reads nothing there except the audio that is named.

The kernel reports what any process opens there. A FIFO would block a process that opens it for ever.
"""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from importlib.metadata import packages_distributions
from pathlib import Path

import httpx
import pytest

from config.settings import Settings
from samplemind_cli.app import app
from samplemind_worker.local_services.services import setting_env
from samplemind_worker.metrics.definitions import port_of
from samplemind_worker.store.cache import Board
from tests import opens, stems_model
from tests.ai_server import AiServer
from tests.bucket import BucketServer
from tests.factories import write_audio
from tests.otlp_server import Collector
from tests.terminal import Terminal
from tests.waiting import wait_until
from training import signals

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


COMMANDS = """
submit --dry-run kick.wav
status
status last --watch --json
files last
show kick.wav --all
search kick
similar kick.wav
similar ../snare.wav
match pad.wav --key Am
match ../snare.wav --bpm 120
duplicates --near
library
plan
summarize last --provider claude --wait
summarize last --provider gemini --wait
summarize last --provider openai --wait
summarize last --provider ollama --wait
summarize --missing
pause last
resume last
cancel last
retry last
reanalyze --force --no-ai --wait
reindex
export --all -o ../library.csv
export --all --format parquet -o ../library.parquet
backup ../backup
restore ../backup --dry-run
kit --like kick.wav -o ../kit
slice pad.wav --parts 2 -o ../slices
stems pad.wav --method medians -o ../medians
stems pad.wav -o ../stems
organize --into ../organized
organize --undo last
tag kick.wav --to json --copy-to ../tagged
tag kick.wav --to rekordbox -o ../rekordbox.xml
tag kick.wav --to files
tag --undo last
ingest ../inbox --wait
forget kick.wav --dry-run
roots move . ../elsewhere --dry-run
user add anna --role admin
user list
doctor
config
schema status
help submit
--version
"""
"""What users type there, after both sounds are analysed."""
MAY_REFUSE = {"pause", "resume", "summarize --missing"}
"""Those that find nothing to do with two sounds that are analysed."""
ELSEWHERE = {"analyze", "browse", "web", "demo", "up", "down", "logs", "worker", "beat", "flower", "exporter", "watch"}
"""Commands of the other tests here."""
PASSWORD = "a password of the tests"  # noqa: S105 -- of a user who ends with the test


def registered() -> set[str]:
    return {
        info.name or getattr(info.callback, "__name__", "")
        for info in [*app.registered_commands, *app.registered_groups]
    }


@pytest.fixture
def bait(tmp_path: Path) -> Path:
    """A folder with two sounds, and a file for each name that some library might read."""
    folder = tmp_path / "pack"
    folder.mkdir()
    write_audio(folder / "kick.wav", signals.kick(seed=1))
    write_audio(folder / "pad.wav", signals.sine(220.0, 1.0))
    write_audio(tmp_path / "snare.wav", signals.snare(seed=1))
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
            input=f"{PASSWORD}\n{PASSWORD}\n",
            capture_output=True,
            text=True,
            timeout=540,
            check=False,
        )
        assert self.opened() == set(), command
        assert "stranger" not in done.stdout + done.stderr, (command, done.stdout, done.stderr)
        return done

    @contextmanager
    def terminal(self, *command: str) -> Generator[Terminal]:
        """Run a command on a terminal."""
        screen = Terminal(command, folder=self.folder, environment=self.environment)
        try:
            yield screen
        finally:
            screen.close()
        assert "stranger" not in screen.raw.decode(errors="replace")

    @contextmanager
    def running(self, *command: str) -> Generator[subprocess.Popen[bytes]]:
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
    # What is written next to a sound before it replaces it is no bait.
    names = {path.name for folder in folders for path in folder.iterdir()} - AUDIO
    with opens.named(*folders) as opened:
        yield Place(bait, own | given | {"SAMPLEMIND_FLOWER_PASSWORD": "secret"}, lambda: opened() & names)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_analysis_reads_the_audio_alone(place: Place, bucket_server: BucketServer):
    bucket_server.fill("pack", place.folder.parent / "pack" / "numba")
    bucket_server.client.put_object(Bucket="pack", Key="kick.wav", Body=(place.folder / "kick.wav").read_bytes())
    place.environment |= bucket_server.environment()
    for command in (
        ["analyze", "kick.wav"],
        ["analyze", "--jobs", "2", "--json", *sorted(AUDIO)],
        ["analyze", "s3://pack/kick.wav"],
    ):
        done = place.run(SAMPLEMIND, *command)
        assert done.returncode == 0, done.stderr
    bucket_server.empty("pack")

    assert place.run(sys.executable, "-P", "-m", "samplemind_worker.lifecycle", "warm-up").returncode == 0


@pytest.mark.timeout(900)
def test_workers_and_commands_read_the_audio_alone(place: Place, settings: Settings):
    assert settings.redis_url is not None
    outside = place.folder.parent
    (outside / "inbox").mkdir()
    (outside / "elsewhere").mkdir()
    for name in AUDIO:
        shutil.copy2(place.folder / name, outside / "elsewhere")
    metrics = free_port()
    board = Board(settings.redis_url.get_secret_value(), settings.database)
    with Collector() as collector, AiServer() as models:
        place.environment |= models.environment() | {
            "SAMPLEMIND_SCRATCH": "../signals",
            "SAMPLEMIND_METRICS_PORT": str(metrics),
            "SAMPLEMIND_TRACING_URL": collector.url,
            "SAMPLEMIND_STEMS_MODEL": str(outside / "model.onnx"),
            "SAMPLEMIND_STEMS_MODEL_HASH": stems_model.make(outside / "model.onnx"),
            "SAMPLEMIND_STEMS_MODEL_LICENCE": "none",
        }
        with (
            place.running(SAMPLEMIND, "worker", "--queues", "cpu", "--concurrency", "1"),
            place.running(SAMPLEMIND, "worker", "--queues", "store"),
            place.running(SAMPLEMIND, "worker", "--queues", "ai"),
            place.running(SAMPLEMIND, "beat"),
        ):
            wait_until(lambda: len(board.workers()) == 3, seconds=120)
            submitted = place.run(SAMPLEMIND, "submit", "--wait", "--json", *sorted(AUDIO))
            assert submitted.returncode == 0, submitted.stderr
            assert (outside / "signals").is_dir()  # workers run in another folder, and find it all the same
            wait_until((Path(place.environment["SAMPLEMIND_HOME"]) / "beat" / "published").exists)
            assert httpx.get(f"http://127.0.0.1:{port_of('cpu', first=metrics)}/metrics").is_success
            wait_until(lambda: collector.requests)
            lines = COMMANDS.strip().splitlines()
            for line in lines:
                done = place.run(SAMPLEMIND, *shlex.split(line))
                refused = any(line.startswith(words) for words in MAY_REFUSE)
                assert done.returncode in ((0, 1, 2) if refused else (0,)), (line, done.stderr)
            assert registered() == {line.split()[0] for line in lines if not line.startswith("-")} | ELSEWHERE
            assert {call.provider for call in models.calls} == {"claude", "gemini", "openai", "ollama"}
            assert place.opened() == set()
    board.close()


def test_screens_and_the_completion_of_the_shell_read_nothing(place: Place):
    with place.terminal(SAMPLEMIND) as menu:
        menu.wait_for("What next?", "Leave")
        menu.press("\x03")
        assert menu.wait_for_end() == 0
    with place.terminal(SAMPLEMIND, "browse") as browser:
        browser.wait_for("Library", "submit FOLDER")
        browser.press("\x03")
        assert browser.wait_for_end() == 0
    place.environment |= {"_SAMPLEMIND_COMPLETE": "complete_bash", "COMP_CWORD": "2"}
    for words in ("status ", "search --key", "files "):
        place.environment["COMP_WORDS"] = f"samplemind {words}"
        place.run(SAMPLEMIND)
    assert place.opened() == set()


def test_servers_and_the_watch_read_nothing(place: Place):
    (place.folder.parent / "inbox").mkdir()
    flower, web, exporter = free_port(), free_port(), free_port()
    place.environment["SAMPLEMIND_FLOWER_PORT"] = str(flower)
    with (
        place.running(SAMPLEMIND, "flower"),
        place.running(SAMPLEMIND, "web", "--no-open", "--port", str(web)),
        place.running(SAMPLEMIND, "exporter", "--port", str(exporter)),
        place.running(SAMPLEMIND, "watch", "../inbox"),
    ):
        for url in (
            f"http://127.0.0.1:{flower}/workers",
            f"http://127.0.0.1:{web}/healthz",
            f"http://127.0.0.1:{web}/api/v1/samples",
            f"http://127.0.0.1:{web}/api/v1/openapi.json",
            f"http://127.0.0.1:{exporter}/metrics",
        ):
            wait_until(lambda url=url: _answers(url), seconds=120)
        assert place.opened() == set()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, auth=("samplemind", "secret") if "/workers" in url else None, timeout=30).is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def alone(place: Place) -> Place:
    """The folder of bait, without services."""
    for name in ("REDIS_URL", "MONGODB_URL", "CHROMA_URL"):
        place.environment.pop(f"SAMPLEMIND_{name}")
    place.environment["SAMPLEMIND_HOME"] = str(place.folder.parent / "own")
    return place


def test_private_services_read_nothing(alone: Place):
    alone.environment["SAMPLEMIND_WEB_PORT"] = str(free_port())
    try:
        assert alone.run(SAMPLEMIND, "up", "--detach", "--web").returncode == 0
        done = alone.run(SAMPLEMIND, "submit", "--wait", *sorted(AUDIO))
        assert done.returncode == 0, done.stderr
        assert alone.run(SAMPLEMIND, "doctor").returncode == 0
        assert alone.run(SAMPLEMIND, "logs").returncode == 0
    finally:
        assert alone.run(SAMPLEMIND, "down").returncode == 0


@pytest.mark.timeout(600)
def test_the_demonstration_reads_nothing(alone: Place):
    try:
        done = alone.run(SAMPLEMIND, "demo", "../demo")
        assert done.returncode == 0, done.stderr
    finally:
        assert alone.run(SAMPLEMIND, "demo", "../demo", "--remove").returncode == 0
