"""Whether a store can be used: each probe opens it, writes, reads what it wrote and removes it.

A server that answers a ping may be unable to do any of that: its index is damaged, its disk is full or read-only.
"""

import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from samplemind_worker.errors import ServiceUnavailableError

_SECONDS: Final = 5.0  # s for one request
_COLLECTIONS: Final = "/api/v2/tenants/default_tenant/databases/default_database/collections"
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


def chroma(url: str, database: str) -> None:
    """Probe Chroma: count the vectors of each collection of ours, and use one of the probe's own.

    Raises
    ------
    ServiceUnavailableError
        If it cannot be used.
    """
    own = f"{database}-probe-{secrets.token_hex(4)}"
    with _chroma(url) as ask:
        _count_vectors(ask, database)
        made: Any = ask("POST", _COLLECTIONS, {"name": own})
        try:
            ask("POST", f"{_COLLECTIONS}/{made['id']}/upsert", {"ids": ["probe"], "embeddings": [[0.5, 0.25]]})
            found: Any = ask("POST", f"{_COLLECTIONS}/{made['id']}/get", {"ids": ["probe"]})
            _require("Chroma", found["ids"] == ["probe"])
        finally:
            ask("DELETE", f"{_COLLECTIONS}/{own}", None)


def read_chroma(url: str, database: str) -> None:
    """Probe Chroma by reading alone; raises ServiceUnavailableError if it cannot be read."""
    with _chroma(url) as ask:
        _count_vectors(ask, database)


_Ask = Callable[[str, str, object], Any]


def _count_vectors(ask: _Ask, database: str) -> None:
    # Counting opens the index, as every search and every write does.
    for collection in ask("GET", f"{_COLLECTIONS}?limit=1000", None):
        if collection["name"].startswith(f"{database}-sound-v"):
            ask("GET", f"{_COLLECTIONS}/{collection['id']}/count", None)


@contextmanager
def _chroma(url: str) -> Generator[_Ask]:
    import httpx  # noqa: PLC0415 -- slow import

    parts = urlsplit(url)
    on_socket = parts.scheme == "unix"
    transport = httpx.HTTPTransport(uds=unquote(parts.path) if on_socket else None)
    base = "http://localhost" if on_socket else url.rstrip("/")
    with (
        _saying("Chroma", httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError),
        httpx.Client(base_url=base, transport=transport, timeout=_SECONDS) as client,
    ):

        def ask(method: str, path: str, body: object) -> Any:
            reply = client.request(method, path, json=body)
            if reply.is_success:
                return reply.json()
            said = reply.text if "{" not in reply.text else reply.json().get("message", reply.text)
            raise ServiceUnavailableError(f"Chroma fails: {said[:_LONGEST]}")

        yield ask


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
