"""Redis and MongoDB as a deployment runs them: with passwords, and a user that may do no more than is needed.

The server of the queue runs the script of docker-compose.yml; the record gets the user of deployment/mongo-user.js.
"""

import ast
import contextlib
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from redis import Redis
from redis.exceptions import RedisError

from samplemind_worker.local_services.binaries import find_mongod, find_valkey

PROJECT = Path(__file__).parents[2]
_WATCHER = "watcher"  # a user of the tests alone, who may look at what was refused


def redis_script() -> str:
    """The command of the queue's server, as docker compose hands it to sh."""
    compose = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
    shell, option, script = compose["services"]["redis"]["command"]
    assert (shell, option) == ("sh", "-c")
    return script.replace("$$", "$")


def mongo_user() -> dict[str, Any]:
    """The user that MongoDB gets when its volume is empty."""
    script = (PROJECT / "deployment" / "mongo-user.js").read_text()
    [name], [roles] = re.findall(r'user: "(\w+)"', script), re.findall(r"roles: (\[.*\])", script)
    roles = re.sub(r"(\w+): ", r'"\1": ', roles.replace("db.getName()", '"samplemind"'))
    return {"createUser": name, "roles": ast.literal_eval(roles)}


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@dataclass
class Guarded:
    """Both servers, and the passwords of the users that SampleMind has."""

    folder: Path
    redis_password: str
    mongodb_password: str
    redis_port: int
    mongodb_port: int
    _redis: subprocess.Popen[bytes] | None = None
    _mongod: subprocess.Popen[bytes] | None = None

    @property
    def redis_url(self) -> str:
        return f"redis://samplemind:{self.redis_password}@127.0.0.1:{self.redis_port}/0"

    @property
    def mongodb_url(self) -> str:
        return f"mongodb://samplemind:{self.mongodb_password}@127.0.0.1:{self.mongodb_port}/samplemind?journal=true"

    def watcher(self) -> "Redis":
        """A client that may look at everything."""
        return Redis(port=self.redis_port, username=_WATCHER, password=_WATCHER, decode_responses=True)

    def start_redis(self) -> None:
        data = self.folder / "redis"
        data.mkdir(exist_ok=True)
        script = redis_script()
        assert script.startswith("exec redis-server --dir /data ")
        script = script.replace(
            "redis-server --dir /data", f"{find_valkey()} --bind 127.0.0.1 --port {self.redis_port} --dir '{data}'"
        )
        assert script.count("\nEOF") == 1
        script = script.replace("\nEOF", f"\nuser {_WATCHER} on >{_WATCHER} ~* &* +@all\nEOF")
        with (self.folder / "redis.log").open("ab") as log:
            self._redis = subprocess.Popen(
                ["sh", "-c", script], env={**os.environ, "REDISCLI_AUTH": self.redis_password}, stdout=log, stderr=log
            )
        _wait(lambda: self.watcher().ping(), RedisError)

    def stop_redis(self) -> None:
        if self._redis is not None:
            self._redis.terminate()
            self._redis.wait(timeout=20)

    def start_mongod(self) -> None:
        data = self.folder / "mongod"
        data.mkdir()
        options = [
            "--auth",
            "--bind_ip",
            "127.0.0.1",
            "--port",
            str(self.mongodb_port),
            "--wiredTigerCacheSizeGB",
            "0.25",
        ]
        with (self.folder / "mongod.log").open("ab") as log:
            self._mongod = subprocess.Popen(
                [str(find_mongod()), *options, "--nounixsocket", "--dbpath", str(data)], stdout=log, stderr=log
            )
        with MongoClient[dict[str, Any]](port=self.mongodb_port, serverSelectionTimeoutMS=500) as client:
            _wait(lambda: client.admin.command("ping"), PyMongoError)
            client.admin.command("createUser", "root", pwd=_WATCHER, roles=["root"])
        with MongoClient[dict[str, Any]](port=self.mongodb_port, username="root", password=_WATCHER) as client:
            client["samplemind"].command({**mongo_user(), "pwd": self.mongodb_password})

    def stop(self) -> None:
        self.stop_redis()
        if self._mongod is not None:
            self._mongod.terminate()
            self._mongod.wait(timeout=30)


def _wait(ask: Any, error: type[Exception]) -> None:
    deadline = time.monotonic() + 30.0
    while True:
        try:
            ask()
        except error:
            assert time.monotonic() < deadline, "a server does not answer"
            time.sleep(0.1)
        else:
            return


@contextlib.contextmanager
def guarded(folder: Path, *, redis_password: str, mongodb_password: str) -> Iterator[Guarded]:
    """Both servers, until the end."""
    made = Guarded(folder, redis_password, mongodb_password, free_port(), free_port())
    try:
        made.start_redis()
        made.start_mongod()
        yield made
    finally:
        made.stop()
