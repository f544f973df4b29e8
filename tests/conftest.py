"""Real services for the tests: one private Valkey, mongod and Chroma a test run, and a database of its own a test."""

import itertools
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymongo
import pytest
import redis
from hypothesis import settings as hypothesis_settings

from config.settings import Settings, get_settings
from samplemind_cli.app import run
from samplemind_worker.local_services import ensure_running, stop
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import mongo, objects
from tests.chroma import answers
from tests.command import Cli

if TYPE_CHECKING:
    from tests.bucket import BucketServer

_numbers = itertools.count(1)

# Settings of whoever runs the tests are none of theirs.
for _variable in [name for name in os.environ if name.startswith("SAMPLEMIND_")]:
    del os.environ[_variable]
os.environ["XDG_CONFIG_HOME"] = os.devnull
os.environ["SAMPLEMIND_ENV_FILE"] = os.devnull

# No test measures time, and a busy machine makes any example slow.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")

# A shell starts what it puts in the background deaf to Ctrl-C, and every process that the tests start would be too.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@pytest.fixture(scope="session")
def services() -> Iterator[Settings]:
    """Settings whose URLs lead to real services, started for this run and stopped after it."""
    with tempfile.TemporaryDirectory(prefix="samplemind-test-") as folder:
        own = Settings(home=Path(folder), redis_url=None, mongodb_url=None, chroma_url=None, _env_file=None)
        running = ensure_running(own, workers=False)
        try:
            yield running
        finally:
            stop(own)


@pytest.fixture(scope="session")
def chroma(services: Settings) -> str:
    """The URL of a Chroma that answers; it is the last of the services to do so."""
    assert services.chroma_url is not None
    url = services.chroma_url.get_secret_value()
    deadline = time.monotonic() + 60.0
    while not answers(url):
        assert time.monotonic() < deadline, "Chroma does not answer"
        time.sleep(0.1)
    return url


@pytest.fixture
def settings(services: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Settings with a database and scratch folder of this test alone, and an empty Redis."""
    assert services.redis_url is not None
    assert services.mongodb_url is not None
    client = redis.Redis.from_url(services.redis_url.get_secret_value())
    client.flushall()
    client.close()
    name = f"test{next(_numbers)}"
    yield services.model_copy(update={"database": name, "scratch": tmp_path / "scratch", "host": "testhost"})
    # mongod keeps a file open per collection and index, and ends when the system gives it no more.
    with pymongo.MongoClient[dict[str, Any]](services.mongodb_url.get_secret_value()) as record:
        record.drop_database(name)


@pytest.fixture
def workspace(settings: Settings) -> Iterator[Workspace]:
    """A workspace whose connection to the record is open."""
    made = Workspace(settings)
    made.connect(create_indexes=True)
    yield made
    made.close()
    mongo.close()


@pytest.fixture
def cli(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Cli]:
    """The command line with the settings of this test; returns exit code, stdout and stderr."""
    assert settings.redis_url is not None
    assert settings.mongodb_url is not None
    monkeypatch.setenv("SAMPLEMIND_REDIS_URL", settings.redis_url.get_secret_value())
    monkeypatch.setenv("SAMPLEMIND_MONGODB_URL", settings.mongodb_url.get_secret_value())
    assert settings.chroma_url is not None
    monkeypatch.setenv("SAMPLEMIND_CHROMA_URL", settings.chroma_url.get_secret_value())
    monkeypatch.setenv("SAMPLEMIND_DATABASE", settings.database)
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    yield lambda *arguments: (run(list(arguments)), *capsys.readouterr())
    get_settings.cache_clear()


@pytest.fixture(scope="session")
def _bucket_service() -> Iterator["BucketServer"]:
    from tests.bucket import serve  # noqa: PLC0415 -- slow import

    with serve() as server:
        yield server


@pytest.fixture
def bucket_server(_bucket_service: "BucketServer", monkeypatch: pytest.MonkeyPatch) -> Iterator["BucketServer"]:
    """A service of buckets that this process, and its children, find by their environment."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in _bucket_service.environment().items():
        monkeypatch.setenv(name, value)
    _bucket_service.reset()
    yield _bucket_service
    _bucket_service.reset()


@pytest.fixture
def few_attempts(bucket_server: "BucketServer", monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:  # noqa: ARG001 -- before it
    """A client of this test alone, which reads the environment anew, and repeats a request once."""
    monkeypatch.setattr(objects, "_ATTEMPTS", 2)
    objects.disconnect()
    yield
    objects.disconnect()
