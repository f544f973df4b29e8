"""Probes of the stores: each opens a store, writes, reads back what it wrote, and removes it.

A server that answers a ping may still be unable to do that, if its index is damaged or its disk is full or read-only.
"""

import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from samplemind_worker.errors import IndexMissingError, ServiceUnavailableError
from samplemind_worker.store.chroma import Chroma

_SECONDS: Final = 5.0  # s for one request
_LONGEST: Final = 200  # characters of what a server says


def redis(url: str, database: str) -> None:
    """Probe Redis; raises ServiceUnavailableError."""
    from redis import Redis  # noqa: PLC0415 -- slow import
    from redis.exceptions import RedisError  # noqa: PLC0415 -- slow import

    key, value = f"{database}:probe:{secrets.token_hex(4)}", secrets.token_bytes(8)
    client = Redis.from_url(url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS)
    with _saying("Redis", RedisError), client:
        client.set(key, value, ex=60)
        _require("Redis", client.get(key) == value)
        client.delete(key)


def mongodb(url: str, database: str) -> None:
    """Probe MongoDB; raises ServiceUnavailableError."""
    from pymongo import MongoClient  # noqa: PLC0415 -- slow import
    from pymongo.errors import PyMongoError  # noqa: PLC0415 -- slow import

    milliseconds = int(_SECONDS * 1000)
    with (
        _saying("MongoDB", PyMongoError),
        MongoClient[dict[str, Any]](
            url, serverSelectionTimeoutMS=milliseconds, connectTimeoutMS=milliseconds, socketTimeoutMS=milliseconds
        ) as client,
    ):
        probes = client[database]["probes"]
        written = probes.insert_one({}).inserted_id
        _require("MongoDB", probes.find_one({"_id": written}) is not None)
        probes.delete_one({"_id": written})


def chroma(url: str, database: str, *, version: int) -> None:
    """Probe Chroma: read the vectors in use, and write to a collection of the probe's own.

    Raises
    ------
    ServiceUnavailableError
        If it cannot be used.
    """
    own = f"{database}-probe-{secrets.token_hex(4)}"
    with Chroma(url, seconds=_SECONDS) as server:
        with suppress(IndexMissingError):  # no vector was stored yet
            server.count(f"{database}-sound-v{version}")
        server.create(own)
        try:
            server.upsert(own, {"probe": [0.5, 0.25]})
            _require("Chroma", server.present(own, ["probe"]) == {"probe"})
        finally:
            server.drop(own)


def folder(path: Path) -> None:
    """Write a file in a folder, read it and remove it; raises OSError."""
    file = path / f".probe-{secrets.token_hex(4)}"
    value = secrets.token_bytes(8)
    try:
        file.write_bytes(value)
        if file.read_bytes() != value:
            raise OSError("what was written is not what is read")
    finally:
        file.unlink(missing_ok=True)


@contextmanager
def _saying(name: str, *errors: type[Exception]) -> Generator[None]:
    try:
        yield
    except errors as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise ServiceUnavailableError(f"{name} cannot be used: {first[:_LONGEST]}") from error


def _require(name: str, same: bool) -> None:  # noqa: FBT001 -- the only argument
    if not same:
        raise ServiceUnavailableError(f"{name} does not have what was written to it")
