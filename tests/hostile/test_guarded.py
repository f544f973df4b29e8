"""A deployment's Redis and MongoDB let SampleMind do its work, and nothing else; secrets are seen by nobody."""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest
from celery import Celery
from pydantic import AliasChoices, SecretStr
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from redis import Redis
from redis.exceptions import AuthenticationError, ResponseError

from config.celery_options import celery_options
from config.settings import Settings
from samplemind_worker.local_services import stop
from tests.acceptance.conftest import SAMPLEMIND
from tests.hostile import sounds
from tests.hostile.guarded import Guarded, free_port, guarded
from tests.hostile.stage import HostileCommand, Measured, start
from tests.web.accounts import PASSWORD, log_in
from tests.zips import wav
from training import signals

CANARY = "canary5e2f"  # within every secret; of letters that no URL and no pattern minds
UNAUTHORIZED = 13  # as MongoDB has it
FORBIDDEN = (
    "FLUSHALL", "FLUSHDB", "CONFIG GET *", "CONFIG SET maxmemory 1", "DEBUG SLEEP 0", "KEYS *", "SHUTDOWN NOSAVE",
    "EVAL return 0", "EVAL_RO return 0", "FUNCTION LIST", "SCRIPT FLUSH", "SCRIPT KILL", "MONITOR", "SAVE", "BGSAVE",
    "BGREWRITEAOF", "REPLICAOF 127.0.0.1 1", "ACL LIST", "ACL SETUSER me on", "CLIENT KILL TYPE normal", "CLIENT LIST",
    "CLUSTER RESET", "MIGRATE 127.0.0.1 1 a 0 1", "RESTORE a 0 x", "SORT a", "SWAPDB 0 1", "MODULE LIST", "FAILOVER",
    "LATENCY RESET", "SLOWLOG GET", "INFO", "LASTSAVE", "ROLE", "PSYNC a 0",
)  # fmt: skip


def is_secret(annotation: object) -> bool:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return any(map(is_secret, typing.get_args(annotation)))
    return annotation is SecretStr


def variable_of(name: str) -> str:
    """The variable that a setting is read from."""
    alias = Settings.model_fields[name].validation_alias
    if isinstance(alias, AliasChoices):
        alias = next(choice for choice in alias.choices if isinstance(choice, str))
    return alias if isinstance(alias, str) else f"SAMPLEMIND_{name.upper()}"


SECRETS = [name for name, info in Settings.model_fields.items() if is_secret(info.annotation)]


def secret_environment(servers: Guarded) -> dict[str, str]:
    """A canary in every secret setting, and in the keys that the providers' own libraries look for."""
    # Chroma is the private one: its URL names a socket, and holds no secret.
    names = {variable_of(name): f"{CANARY}-{name}" for name in SECRETS if name != "chroma_url"}
    keys = {
        name: f"{CANARY}-{name}" for name in ("ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY")
    }
    return {
        **keys,
        **names,
        # Shorter ones are refused.
        "SAMPLEMIND_WEB_SECRET": f"{CANARY}-web_secret".ljust(32, "-"),
        "SAMPLEMIND_REDIS_URL": servers.redis_url,
        "SAMPLEMIND_MONGODB_URL": servers.mongodb_url,
        # Nothing of this leaves the machine.
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"),
        "NO_PROXY": "127.0.0.1,localhost",
    }


@dataclass
class Watch:
    """Collects the command lines of all processes below some, as long as it runs."""

    pids: set[int]
    lines: set[str] = field(default_factory=set[str])
    _ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self._ended.wait(0.1):
            for pid in list(self.pids):
                for process in _tree(pid):
                    self.lines.add(_command_line(process))

    def end(self) -> None:
        self._ended.set()


def _tree(pid: int) -> list[psutil.Process]:
    try:
        return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join([process.name(), *process.cmdline()])
    except psutil.Error:
        return ""


@dataclass
class Deployment:
    """Workers, beat, Flower and the web server, which know servers with passwords."""

    samplemind: HostileCommand
    servers: Guarded
    flower: str
    web: str
    library: Path
    batch: Measured
    watch: Watch


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    with (
        tempfile.TemporaryDirectory(prefix="samplemind-test-") as place,
        guarded(Path(place), redis_password=f"{CANARY}-redis", mongodb_password=f"{CANARY}-mongodb") as servers,
    ):
        port, web_port = free_port(), free_port()
        samplemind = HostileCommand(
            Path(place) / "home",
            **secret_environment(servers),
            SAMPLEMIND_FLOWER_PORT=str(port),
            SAMPLEMIND_WEB_PORT=str(web_port),
            SAMPLEMIND_CONCURRENCY="1",
            SAMPLEMIND_DISPATCH_SECONDS="1",
            SAMPLEMIND_INBOX_SETTLE_SECONDS="0",
        )
        library = Path(place) / "library"
        library.mkdir()
        for seed in range(3):
            (library / f"{seed}.wav").write_bytes(sounds.encode("WAV", signals.kick(0.1, seed=seed)))
        (library / "broken.wav").write_bytes(b"RIFF")
        watch = Watch({os.getpid()})
        thread = threading.Thread(target=watch.run, daemon=True)
        thread.start()
        start(samplemind)
        watch.pids.add(samplemind.supervisor)
        subprocess.run(
            [SAMPLEMIND, "user", "add", "ada", "--role", "admin"],
            env=samplemind.environment,
            input=PASSWORD,
            text=True,
            check=True,
        )
        flower, web = samplemind.start("flower"), samplemind.start("web", "--no-open")
        try:
            batch = samplemind("submit", library, "--wait", "--json")
            urls = (f"http://127.0.0.1:{port}", f"http://127.0.0.1:{web_port}")
            yield Deployment(samplemind, servers, *urls, library, batch, watch)
        finally:
            flower.terminate()
            web.terminate()
            said = [text for process in (flower, web) for text in process.communicate(timeout=30)]
            watch.end()
            thread.join()
            stop(samplemind.settings().model_copy(update={"redis_url": SecretStr("x"), "mongodb_url": SecretStr("x")}))
        assert CANARY not in "".join(said)


def test_a_batch_ends_under_the_users_of_a_deployment(deployment: Deployment):
    batch = deployment.batch.object

    assert (batch["status"], batch["completed"], batch["failed"]) == ("completed", 3, 1)


def test_redis_refused_nothing_that_was_asked(deployment: Deployment):
    # Two rounds of the dispatcher, of signs of life, and of what kombu does every five seconds.
    assert deployment.batch.code == 1
    time.sleep(11)
    with deployment.servers.watcher() as redis:
        assert redis.acl_log() == []
        called = {name.removeprefix("cmdstat_") for name in redis.info("commandstats")}
    assert {"brpop", "lpush", "evalsha"} <= called


def test_the_web_server_works_under_the_users_of_a_deployment(deployment: Deployment):
    _wait_for(deployment.web)
    batch = deployment.batch.object["batch_id"]
    with httpx.Client(base_url=deployment.web, timeout=60) as web:
        assert web.get("/api/v1/samples").status_code == 401
        assert log_in(web, "ada").status_code == 200
        [content, *_] = [sample["file_id"] for sample in web.get("/api/v1/samples").json()["items"]]
        reads = ["/samples?q=kick&favourite=false", "/library", "/suggest?q=k", "/duplicates", "/map", "/tags", "/me"]
        reads += ["/batches", f"/batches/{batch}", f"/batches/{batch}/files", f"/batches/{batch}/failures", "/roots"]
        reads += ["/packs", "/nights", "/summaries/spend", "/system", "/system/doctor", "/users", "/audit"]
        reads.append("/collections")
        reads += [f"/samples/{content}{rest}" for rest in ("", "/similar", "/audio")]
        answers = {path: web.get(f"/api/v1{path}").status_code for path in reads}
        submission = {"paths": [str(deployment.library)]}
        writes = {
            "/batches": web.post("/api/v1/batches", json=submission, headers={"Idempotency-Key": "a"}).status_code,
            "/samples/marks": web.post("/api/v1/samples/marks", json={"ids": [content], "favourite": True}).status_code,
            "/peaks": web.post("/api/v1/peaks", json={"ids": [content]}).status_code,
            "/auth/token": web.post("/api/v1/auth/token", json={"name": "ada", "password": PASSWORD}).status_code,
            "/auth/login": web.post("/api/v1/auth/login", json={"name": "ada", "password": "wrong"}).status_code,
        }
        with web.stream("GET", "/api/v1/events") as events:
            first = next(events.iter_lines())
        assert web.post("/api/v1/auth/logout").is_success

    assert {path: status for path, status in answers.items() if status != 200} == {}
    # No root is named here, so that nothing can be submitted through the API; the key was noted all the same.
    assert writes == {
        "/batches": 422, "/samples/marks": 200, "/peaks": 200, "/auth/token": 200, "/auth/login": 401
    }  # fmt: skip
    assert first.startswith(("event: ", ":", "retry: "))
    assert httpx.get(f"{deployment.web}/readyz").json()["status"] == "ok"
    with deployment.servers.watcher() as redis:
        assert redis.acl_log() == []


@pytest.mark.parametrize("command", FORBIDDEN)
def test_redis_refuses_what_nobody_needs(deployment: Deployment, command: str):
    words = command.split() + (["0"] if command.startswith("EVAL") else [])
    with (
        Redis.from_url(deployment.servers.redis_url) as redis,
        pytest.raises(ResponseError, match=r"no permissions|DEBUG command not allowed"),
    ):
        redis.execute_command(*words)


def test_redis_knows_no_other_user(deployment: Deployment):
    with deployment.servers.watcher() as redis:
        users = {line.split()[1]: line.split()[2] for line in redis.acl_list()}
        redis.acl_log_reset()
    assert users == {"default": "off", "samplemind": "on", "watcher": "on"}


@pytest.mark.parametrize(
    ("database", "command"),
    [
        ("samplemind", {"dropDatabase": 1}),
        ("samplemind", {"createUser": "me", "pwd": "me", "roles": []}),
        ("samplemind", {"grantRolesToUser": "samplemind", "roles": ["dbOwner"]}),
        ("samplemind", {"profile": 2}),
        ("admin", {"listDatabases": 1, "nameOnly": False, "authorizedDatabases": False}),
        ("admin", {"shutdown": 1}),
        ("admin", {"setParameter": 1, "logLevel": 5}),
        ("admin", {"getLog": "global"}),
        ("admin", {"find": "system.users"}),
        ("other", {"find": "things"}),
        ("other", {"insert": "things", "documents": [{}]}),
        ("config", {"find": "settings"}),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_mongodb_refuses_what_nobody_needs(deployment: Deployment, database: str, command: Mapping[str, object]):
    with (
        MongoClient[dict[str, object]](deployment.servers.mongodb_url) as client,
        pytest.raises(OperationFailure) as refused,
    ):
        client[database].command(dict(command))
    assert refused.value.code == UNAUTHORIZED


def test_nobody_gets_in_without_a_password(deployment: Deployment):
    servers = deployment.servers
    with MongoClient[dict[str, object]](port=servers.mongodb_port) as client, pytest.raises(OperationFailure):
        client["samplemind"].command({"find": "audio_files"})
    with Redis(port=servers.redis_port) as redis, pytest.raises(AuthenticationError):
        redis.ping()
    _wait_for(deployment.flower)
    for page in ("/", "/workers", "/tasks", "/broker", "/api/workers", "/api/tasks", "/api/queues/length"):
        assert httpx.get(deployment.flower + page).status_code == 401, page


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(url)
        except httpx.TransportError:
            assert time.monotonic() < deadline, "Flower does not answer"
            time.sleep(0.2)
        else:
            return


def test_every_secret_setting_is_a_secret_type_and_hidden():
    assert {"redis_url", "mongodb_url", "flower_password"} <= set(SECRETS)
    named = re.compile("password|secret|token|api_?key|credential")
    kept_elsewhere = {"secrets_dir"}  # where they are, not what they are
    assert {name for name in Settings.model_fields if named.search(name)} - set(SECRETS) == kept_elsewhere


def test_no_secret_is_seen(deployment: Deployment, tmp_path: Path):
    batch, sound = deployment.batch.object["batch_id"], deployment.library / "0.wav"
    said = [deployment.batch] + [
        deployment.samplemind(*words)
        for words in (
            ("status", "--json"),
            ("files", batch),
            ("doctor",),
            ("show", sound),
            ("export", batch, "--format", "csv"),
            ("export", "--all", "--format", "json"),
            ("--debug", "status", "no such batch"),
            ("similar", sound),
            ("retry", batch),
            ("ingest", _inbox(tmp_path), "--json"),
        )
    ]
    assert [done.code for done in said] == [1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]
    _fail_in_the_workers(deployment.servers)
    pages = list(_pages(deployment.flower))

    for done in said:
        assert CANARY not in done.out + done.err, done
    assert [url for url, text in pages if CANARY in text] == []
    assert len(pages) > 10
    logs = {path.name: path.read_text() for path in (deployment.samplemind.home / "logs").iterdir()}
    assert "Traceback" in logs["worker-io.log"] + logs["worker-cpu.log"], "no worker failed"
    assert [name for name, text in logs.items() if CANARY in text] == []
    kept = [path for path in deployment.samplemind.home.rglob("*") if path.is_file()]
    assert [str(path) for path in kept if CANARY.encode() in path.read_bytes()] == []
    lines = deployment.watch.lines
    assert [line for line in lines if CANARY in line] == []
    assert all(any(f"samplemind_worker.app {role}" in line for line in lines) for role in ("worker", "beat", "flower"))


WRONG = {
    "SAMPLEMIND_REDIS_URL": (
        "redis://samplemind:CANARY-wrong@HOST/0",
        "redis://samplemind:CANARY@127.0.0.1:1/0",
        "redis://samplemind:CANARY/x@127.0.0.1:port/0",
        "redis://samplemind:CANARY@127.0.0.1:1/0?socket_timeout=CANARY",
        "amqp://samplemind:CANARY@127.0.0.1",
    ),
    "SAMPLEMIND_MONGODB_URL": (
        "mongodb://samplemind:CANARY-wrong@HOST/samplemind",
        "mongodb://samplemind:CANARY@127.0.0.1:1/samplemind",
        "mongodb://samplemind:CANARY@x@127.0.0.1/samplemind",
        "mongodb://samplemind:CANARY/@127.0.0.1:port",
        "mongodb://samplemind:CANARY@127.0.0.1/?authMechanism=CANARY",
        "http://samplemind:CANARY@127.0.0.1",
    ),
}


@pytest.mark.hostile
@pytest.mark.parametrize(("variable", "url"), [(name, url) for name, urls in WRONG.items() for url in urls])
def test_no_secret_is_seen_where_a_url_is_wrong(deployment: Deployment, tmp_path: Path, variable: str, url: str):
    ports = {
        "SAMPLEMIND_REDIS_URL": deployment.servers.redis_port,
        "SAMPLEMIND_MONGODB_URL": deployment.servers.mongodb_port,
    }
    url = url.replace("CANARY", CANARY).replace("HOST", f"127.0.0.1:{ports[variable]}")
    environment = {**deployment.samplemind.environment, "SAMPLEMIND_CHROMA_URL": "http://127.0.0.1:1", variable: url}
    other = HostileCommand(tmp_path / "home", **environment)

    submitted, doctor = other("--debug", "submit", deployment.library), other("doctor")

    # The workers may be faster, and leave nothing that this command would have to queue.
    assert submitted.code == 3 or variable == "SAMPLEMIND_REDIS_URL"
    assert doctor.code == 3
    for done in (submitted, doctor):
        assert CANARY not in done.out + done.err
        assert done.err.count("samplemind: error: ") <= 1


@pytest.mark.hostile
@pytest.mark.parametrize("role", ["cpu", "io", "ai"])
def test_no_secret_is_seen_where_a_worker_is_refused(deployment: Deployment, tmp_path: Path, role: str):
    url = deployment.servers.redis_url.replace("-redis@", "-wrong@")
    environment = {
        **deployment.samplemind.environment,
        "SAMPLEMIND_CHROMA_URL": "http://127.0.0.1:1",
        "SAMPLEMIND_REDIS_URL": url,
    }
    log = tmp_path / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "samplemind_worker.app", "worker", "--role", role],
            env=environment,
            stdout=file,
            stderr=file,
        )
    try:
        deadline = time.monotonic() + 60
        while "username-password" not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
    finally:
        process.kill()
        process.wait()
    assert CANARY not in log.read_text()


def _inbox(folder: Path) -> Path:
    inbox = folder / "inbox"
    inbox.mkdir()
    (inbox / "one.wav").write_bytes(wav(3))
    return inbox


def _fail_in_the_workers(servers: Guarded) -> None:
    """Have tasks end in a traceback, and the connection to the queue in another."""
    settings = Settings(
        redis_url=SecretStr(servers.redis_url), mongodb_url=SecretStr(servers.mongodb_url), _env_file=None
    )
    app = Celery()
    app.conf.update(celery_options(settings))
    for queue, task in (("cpu", "samplemind.decode"), ("io", "samplemind.store")):
        app.send_task(task, args=[1, 2, 3, 4, 5, 6], kwargs={"none": "such"}, queue=queue)
    app.close()
    time.sleep(3)
    servers.stop_redis()
    time.sleep(3)
    servers.start_redis()
    time.sleep(3)


def _pages(flower: str) -> Iterator[tuple[str, str]]:
    """Every page of Flower that has no form, and what its API tells."""
    auth = ("samplemind", f"{CANARY}-flower_password")
    with httpx.Client(base_url=flower, auth=auth, timeout=30) as client:
        workers = [row["hostname"] for row in client.get("/workers?json=1").json()["data"]]
        tasks = list(client.get("/api/tasks").json())
        assert workers
        assert tasks
        paths = ["/", "/workers", "/tasks", "/broker", "/metrics", "/api/workers", "/api/tasks", "/api/queues/length"]
        paths += ["/workers?json=1", "/api/task/types", "/healthcheck"]
        paths += [f"/worker/{name}" for name in workers] + [f"/task/{name}" for name in tasks[:3]]
        paths += [f"/api/task/info/{name}" for name in tasks[:3]]
        for path in paths:
            yield path, client.get(path).text
