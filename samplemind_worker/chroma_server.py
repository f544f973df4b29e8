"""``python -m samplemind_worker.chroma_server --path FOLDER --socket FILE``: the private Chroma of a laptop.

Chroma's own server listens on a TCP port and asks for no password, so every user of the machine could read, change and
delete vectors. This server runs the same engine (``chromadb_rust_bindings``) on the same files, and listens on a unix
socket that only its owner can open. It speaks the part of Chroma's HTTP API (version 2) that concerns collections and
their vectors, so the same client talks to it and to the Chroma of a deployment.

The module imports nothing of ours, and of chromadb only the engine and its errors: the whole package takes seconds.
"""

import argparse
import base64
import importlib.util
import json
import os
import re
import resource
import signal
import socketserver
import sys
import threading
import types
from array import array
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import chromadb_rust_bindings
import orjson

_MAX_BODY_BYTES: Final = 64 * 2**20
_OPEN_INDEXES: Final = 64 * 32
"""Collections whose index stays in memory, in 64 parts of the engine's cache that are full on their own.

An index is written to disk with each thousandth vector. One that leaves the cache before is not found again until the
server starts anew.
"""
_OPEN_FILES: Final = 16_384  # each index has four
_END_SECONDS: Final = 8.0  # s for running requests when the server is stopped

Body = dict[str, Any]

# The stub of the module does not match the wheel.
_rust: Any = chromadb_rust_bindings


class _RefusedError(Exception):
    """The request is invalid."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Engine:
    """Chroma's engine with the arguments and results of the HTTP API. Several threads may use it."""

    def __init__(self, folder: Path) -> None:
        database = _rust.SqliteDBConfig(
            url=str(folder / "chroma.sqlite3"),
            # The same as `chroma run`, which would reject the files otherwise.
            hash_type=_rust.MigrationHash.MD5,
            migration_mode=_rust.MigrationMode.Apply,
        )
        self._rust: Any = _rust.Bindings(
            allow_reset=False, sqlite_db_config=database, persist_path=str(folder), hnsw_cache_size=_OPEN_INDEXES
        )

    def heartbeat(self, _body: Body) -> Body:
        return {"nanosecond heartbeat": self._rust.heartbeat()}

    def version(self, _body: Body) -> str:
        return self._rust.get_version()

    def limits(self, _body: Body) -> Body:
        return {"max_batch_size": self._rust.get_max_batch_size(), "supports_base64_encoding": True}

    def collections(self, body: Body, *place: str) -> list[Body]:
        limit, offset = (int(body[name]) if name in body else None for name in ("limit", "offset"))
        return [_as_json(found) for found in self._rust.list_collections(limit, offset, *place)]

    def create(self, body: Body, *place: str) -> Body:
        configuration, schema = (json.dumps(body[name]) if body.get(name) else None for name in _DESCRIPTIONS)
        get_or_create = bool(body.get("get_or_create"))
        metadata = body.get("metadata")
        made = self._rust.create_collection(body["name"], configuration, schema, metadata, get_or_create, *place)
        return _as_json(made)

    def collection(self, _body: Body, tenant: str, database: str, name: str) -> Body:
        return _as_json(self._rust.get_collection(name, tenant, database))

    def drop(self, _body: Body, tenant: str, database: str, name: str) -> Body:
        self._rust.delete_collection(name, tenant, database)
        return {}

    def count(self, _body: Body, tenant: str, database: str, key: str) -> int:
        return self._rust.count(key, tenant, database)

    def upsert(self, body: Body, tenant: str, database: str, key: str) -> Body:
        columns = (body.get(name) for name in ("metadatas", "documents", "uris"))
        self._rust.upsert(key, body["ids"], _vectors(body["embeddings"]), *columns, tenant, database)
        return {}

    def get(self, body: Body, tenant: str, database: str, key: str) -> Body:
        where, where_document = _filters(body)
        include = body.get("include", ["documents", "metadatas"])
        limit, offset = body.get("limit"), body.get("offset") or 0
        found = self._rust.get(key, body.get("ids"), where, limit, offset, where_document, include, tenant, database)
        return {"ids": found.ids, "include": include} | {name: getattr(found, name) for name in _COLUMNS}

    def query(self, body: Body, tenant: str, database: str, key: str) -> Body:
        where, where_document = _filters(body)
        include = body.get("include", ["metadatas", "documents", "distances"])
        vectors, count = _vectors(body["query_embeddings"]), body.get("n_results", 10)
        found = self._rust.query(key, body.get("ids"), vectors, count, where, where_document, include, tenant, database)
        columns = {name: getattr(found, name) for name in (*_COLUMNS, "distances")}
        return {"ids": found.ids, "include": include} | columns

    def delete(self, body: Body, tenant: str, database: str, key: str) -> Body:
        where, where_document = _filters(body)
        limit = body.get("limit")
        return {"deleted": self._rust.delete(key, body.get("ids"), where, where_document, limit, tenant, database)}


_DESCRIPTIONS: Final = ("configuration", "schema")
_COLUMNS: Final = ("embeddings", "documents", "uris", "metadatas")


def _as_json(collection: Any) -> Body:
    fields = {name: getattr(collection, name) for name in ("name", "metadata", "dimension", "tenant", "database")}
    return fields | {
        "id": str(collection.id),
        "configuration_json": collection.configuration,
        "schema": collection.schema,
        "log_position": 0,
        "version": 0,
    }


def _filters(body: Body) -> tuple[str | None, str | None]:
    where, where_document = (json.dumps(body[name]) if body.get(name) else None for name in ("where", "where_document"))
    return where, where_document


def _vectors(given: list[Any]) -> list[Any]:
    """Read vectors that are lists of numbers, or little-endian float32 in base64."""
    return [_floats(vector) if isinstance(vector, str) else vector for vector in given]


def _floats(text: str) -> list[float]:
    numbers = array("f", base64.b64decode(text, validate=True))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()


_COLLECTIONS: Final = "/api/v2/tenants/([^/]+)/databases/([^/]+)/collections"
_ROUTES: Final[list[tuple[str, re.Pattern[str], Callable[..., object]]]] = [
    (method, re.compile(path), call)
    for method, path, call in (
        ("GET", "/api/v2/heartbeat", _Engine.heartbeat),
        ("GET", "/api/v2/version", _Engine.version),
        ("GET", "/api/v2/pre-flight-checks", _Engine.limits),
        ("GET", _COLLECTIONS, _Engine.collections),
        ("POST", _COLLECTIONS, _Engine.create),
        ("GET", f"{_COLLECTIONS}/([^/]+)", _Engine.collection),
        ("DELETE", f"{_COLLECTIONS}/([^/]+)", _Engine.drop),
        ("GET", f"{_COLLECTIONS}/([^/]+)/count", _Engine.count),
        ("POST", f"{_COLLECTIONS}/([^/]+)/upsert", _Engine.upsert),
        ("POST", f"{_COLLECTIONS}/([^/]+)/get", _Engine.get),
        ("POST", f"{_COLLECTIONS}/([^/]+)/query", _Engine.query),
        ("POST", f"{_COLLECTIONS}/([^/]+)/delete", _Engine.delete),
    )
]


class _Server(socketserver.ThreadingUnixStreamServer):
    """Serves each connection in a thread of its own."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, socket: Path, engine: _Engine) -> None:
        self.engine = engine
        self._under_way = 0
        self._idle = threading.Condition()
        super().__init__(str(socket), _Handler)

    @contextmanager
    def working(self) -> Generator[None]:
        """Count a request as running."""
        with self._idle:
            self._under_way += 1
        try:
            yield
        finally:
            with self._idle:
                self._under_way -= 1
                self._idle.notify_all()

    def end(self, *, seconds: float) -> None:
        """Stop accepting connections, and wait for running requests, because a half-written index would be lost."""
        self.server_close()
        with self._idle:
            self._idle.wait_for(lambda: not self._under_way, timeout=seconds)


class _Handler(BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride] -- the only one that makes handlers
    protocol_version = "HTTP/1.1"
    server_version = "samplemind"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_DELETE = do_GET  # noqa: N815 -- the names that http.server looks for

    def _answer(self) -> None:
        try:
            path, body = self._read()
            with self.server.working():
                status, reply = HTTPStatus.OK, self._call(path, body)
        except _RefusedError as refusal:
            status, reply = refusal.status, {"error": "InvalidArgumentError", "message": str(refusal)}
        except (KeyError, TypeError, ValueError) as error:
            # A field is missing from the body or has the wrong type.
            status, reply = HTTPStatus.BAD_REQUEST, {"error": "InvalidArgumentError", "message": repr(error)}
        except Exception as error:  # noqa: BLE001 -- any error of the engine becomes this request's reply
            code = getattr(error, "code", None)  # the engine's errors have a status
            status = HTTPStatus(code()) if callable(code) else HTTPStatus.INTERNAL_SERVER_ERROR
            reply = {"error": type(error).__name__ if callable(code) else "InternalError", "message": str(error)}
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                self.log_error("%s", f"{self.command} {self.path}: {error!r}")
        self._send(status, orjson.dumps(reply))

    def _read(self) -> tuple[str, Body]:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _MAX_BODY_BYTES or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # the body is not read
            raise _RefusedError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {_MAX_BODY_BYTES} bytes, or of no length"
            )
        content = self.rfile.read(length)
        parts = urlsplit(self.path)
        body: object = orjson.loads(content) if content else dict(parse_qsl(parts.query))
        if not isinstance(body, dict):
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "wanted a JSON object")
        return parts.path, body

    def _call(self, path: str, body: Body) -> object:
        for method, pattern, call in _ROUTES:
            match = pattern.fullmatch(path)
            if match is not None and method == self.command:
                return call(self.server.engine, body, *map(unquote, match.groups()))
        raise _RefusedError(HTTPStatus.NOT_FOUND, f"the private Chroma does not know {self.command} {path}")

    def _send(self, status: HTTPStatus, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    # Buffered, so that head and body go out in one write.
    wbufsize = 1 << 16

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: a line per request would only fill the disk."""

    def address_string(self) -> str:
        """Return a name for the log; a unix socket has no address."""
        return "local"


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="samplemind_worker.chroma_server")
    parser.add_argument("--path", type=Path, required=True)
    parser.add_argument("--socket", type=Path, required=True)
    options = parser.parse_args(arguments)
    os.umask(0o077)
    _raise_limit_of_files()
    _import_errors_only()
    engine = _Engine(options.path)
    # A killed server leaves its socket behind, and a new one could not bind to it.
    options.socket.unlink(missing_ok=True)
    with _Server(options.socket, engine) as server:

        def end(_number: int, _frame: types.FrameType | None) -> None:
            # shutdown() waits for the loop that this thread runs.
            threading.Thread(target=server.shutdown).start()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        server.serve_forever(poll_interval=0.2)
        server.end(seconds=_END_SECONDS)
    return 0


def _raise_limit_of_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if most == resource.RLIM_INFINITY else min(most, _OPEN_FILES)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _import_errors_only() -> None:
    """Let the engine import ``chromadb.errors`` without the rest of chromadb."""
    spec = importlib.util.find_spec("chromadb")
    package = types.ModuleType("chromadb")
    package.__path__ = list((spec and spec.submodule_search_locations) or [])
    package.__dict__["__version__"] = version("chromadb")
    sys.modules["chromadb"] = package


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
