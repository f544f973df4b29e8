"""ChromaDB over HTTP: named collections of vectors on one server. Its errors are translated here and nowhere else.

The requests are sent with httpcore, the transport of httpx, which loads in a third of its time. ChromaDB's own client
takes 2.7 s to import and does not distinguish a missing collection from an unreadable one.

Searches are asked on an event loop, too (`AsyncChroma`). What is asked is written once, as generators that yield
requests and are sent the replies.
"""

import json
import math
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar
from urllib.parse import unquote, urlsplit

import httpcore

from samplemind_worker.errors import (
    IndexDamagedError,
    IndexMissingError,
    InternalError,
    ServiceUnavailableError,
    SetupError,
)
from samplemind_worker.store import _loop
from samplemind_worker.tracing import spans

if TYPE_CHECKING:
    from samplemind_worker.circuit import Circuit

T = TypeVar("T")

_PAGE = 1000
_SECONDS = 15.0  # s for one request
_FAILURES = 3  # failures in a row after which no request is sent for a while
_PAUSE_SECONDS = 5.0  # s without a request after that
_CONNECTIONS = 8  # to one server from one event loop

_DATABASE = "/api/v2/tenants/default_tenant/databases/default_database"
_REFUSALS = {400, 413, 422}  # HTTP: the request itself is at fault, so repeating it is useless
_ENGINE_FAULTS = ("Error executing plan", "Error in compaction")
"""Beginnings of messages that Chroma's engine sends as refusals although its own data is at fault."""
_SUCCESS = range(200, 300)
_NOT_FOUND = 404
_TRANSPORT_FAULTS = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)
_FAULTS = 500  # HTTP: from this status on the server is at fault


class _Request(NamedTuple):
    """What is to be sent."""

    method: str
    path: str
    given: Mapping[str, Any] | None = None


_Steps = Generator[_Request, Any, T]
"""Yields requests, is sent the content of each reply or thrown its error, and returns a result."""


class _Questions:
    """What is asked about the vectors of collections."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        """The server's id of each collection, by name; the id changes when a collection is dropped and made again."""

    def nearest(
        self, name: str, vectors: Sequence[Sequence[float]], *, limit: int
    ) -> _Steps[list[list[tuple[str, float]]]]:
        given = {"query_embeddings": [list(each) for each in vectors], "n_results": limit, "include": ["distances"]}
        reply = yield from self.ask(name, "POST", "query", given)
        return [list(zip(*found, strict=True)) for found in zip(reply["ids"], reply["distances"] or [], strict=True)]

    def get(self, name: str, ids: Sequence[str]) -> _Steps[dict[str, list[float]]]:
        reply = yield from self.ask(name, "POST", "get", {"ids": list(ids), "include": ["embeddings"]})
        return dict(zip(reply["ids"], reply["embeddings"] or [], strict=True))

    def ask(self, name: str, method: str, action: str, given: Mapping[str, Any] | None = None) -> _Steps[Any]:
        """Ask about a collection; its id is looked up again if the collection was made again meanwhile."""
        known = self.ids.get(name)
        if known is not None:
            try:
                return (yield _Request(method, f"{_DATABASE}/collections/{known}/{action}", given))
            except IndexMissingError:
                self.ids.pop(name, None)
        reply = yield _Request("GET", f"{_DATABASE}/collections/{name}")
        self.ids[name] = found = reply["id"]
        return (yield _Request(method, f"{_DATABASE}/collections/{found}/{action}", given))


class Chroma:
    """One Chroma server. No request, the first one included, takes longer than ``seconds``.

    Every method raises ServiceUnavailableError if the server does not answer, IndexMissingError if it has no such
    collection, IndexDamagedError if it cannot read or write it, and InternalError if it refuses what it is given.
    """

    def __init__(self, url: str, *, seconds: float = _SECONDS, guarded: bool = False) -> None:
        """Prepare the connections; a ``guarded`` server is sent nothing for a while after it failed several times.

        A worker guards it, because many steps must not each wait for a server that hangs. A command sends a few
        requests only, and ends with the first failure.
        """
        self._url = url
        self._seconds = seconds
        self._session: _Session | None = None
        self._opening = threading.Lock()
        self._questions = _Questions()
        self._circuit = _circuit() if guarded else None
        self._on_loop: AsyncChroma | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            session.close()
        self._questions.ids.clear()
        if self._on_loop is not None:
            with suppress(ServiceUnavailableError):  # the loop has ended, and its connections with it
                _loop.run(self.aclose())
            self._on_loop = None

    async def aclose(self) -> None:
        """Close the connections of the event loop, on that loop."""
        on_loop, self._on_loop = self._on_loop, None
        if on_loop is not None:
            await on_loop.aclose()

    @property
    def on_loop(self) -> "AsyncChroma":
        """The same server, for coroutines on the loop of this process; it has connections of its own."""
        if self._on_loop is None:
            self._on_loop = AsyncChroma(self._url, seconds=self._seconds)
        return self._on_loop

    def require(self) -> None:
        """Ask the server whether it is alive."""
        self._request("GET", "/api/v2/heartbeat")

    def collections(self) -> list[str]:
        """Return the names of all collections."""
        names: list[str] = []
        while page := self._request("GET", f"{_DATABASE}/collections?limit={_PAGE}&offset={len(names)}"):
            names += [collection["name"] for collection in page]
        return names

    def create(self, name: str) -> None:
        """Make a collection that compares by cosine distance, unless it exists."""
        given = {"name": name, "configuration": {"hnsw": {"space": "cosine"}}, "get_or_create": True}
        self._questions.ids[name] = self._request("POST", f"{_DATABASE}/collections", given)["id"]

    def drop(self, name: str) -> None:
        """Remove a collection with all its vectors, if it exists."""
        try:
            self._request("DELETE", f"{_DATABASE}/collections/{name}")
        except IndexMissingError:
            return
        finally:
            self._questions.ids.pop(name, None)

    def count(self, name: str) -> int:
        """Return how many vectors a collection has."""
        return self._ask(name, "GET", "count")

    def upsert(self, name: str, vectors: Mapping[str, Sequence[float]]) -> None:
        """Store vectors by id, replacing those that exist."""
        # JSON has no number that is not finite; it would become null.
        if not all(math.isfinite(sum(vector)) for vector in vectors.values()):
            raise InternalError("Chroma refuses: a vector has a number that is not finite")
        given = {"ids": list(vectors), "embeddings": [list(vector) for vector in vectors.values()]}
        self._ask(name, "POST", "upsert", given)

    def remove(self, name: str, ids: Sequence[str]) -> None:
        """Remove vectors; ids without a vector are ignored."""
        self._ask(name, "POST", "delete", {"ids": list(ids)})

    def nearest(self, name: str, vectors: Sequence[Sequence[float]], *, limit: int) -> list[list[tuple[str, float]]]:
        """Return for each vector the nearest ids with their cosine distance (0 is equal, 2 is opposite)."""
        return self._run(self._questions.nearest(name, vectors, limit=limit))

    def present(self, name: str, ids: Sequence[str]) -> set[str]:
        """Return which of these ids have a vector."""
        return set(self._ask(name, "POST", "get", {"ids": list(ids), "include": []})["ids"])

    def get(self, name: str, ids: Sequence[str]) -> dict[str, list[float]]:
        """Return the vectors of those of these ids that have one."""
        return self._run(self._questions.get(name, ids))

    def ids(self, name: str) -> set[str]:
        """Return the ids of all vectors."""
        found: set[str] = set()
        while page := self._ask(name, "POST", "get", {"limit": _PAGE, "offset": len(found), "include": []})["ids"]:
            found.update(page)
        return found

    def _ask(self, name: str, method: str, action: str, given: Mapping[str, Any] | None = None) -> Any:
        return self._run(self._questions.ask(name, method, action, given))

    def _run(self, steps: _Steps[T]) -> T:
        try:
            request = next(steps)
            while True:
                try:
                    reply = self._request(*request)
                except IndexMissingError as error:
                    request = steps.throw(error)
                else:
                    request = steps.send(reply)
        except StopIteration as done:
            return done.value

    def _request(self, method: str, path: str, given: Mapping[str, Any] | None = None) -> Any:
        body = None if given is None else _encoded(given)
        traced = spans.span(f"chroma {path.rpartition('/')[2].partition('?')[0]}", {"db.system.name": "chroma"})
        with traced, _attempt(self._circuit), _translated():
            return _content(self._connected().request(method, path, body))

    def _connected(self) -> "_Session":
        with self._opening:
            if self._session is None:
                self._session = _connect(self._url, seconds=self._seconds)
            return self._session


class AsyncChroma:
    """One Chroma server, for the searches on one event loop. It raises what `Chroma` raises, and is always guarded."""

    def __init__(self, url: str, *, seconds: float = _SECONDS) -> None:
        self._questions = _Questions()
        self._circuit = _circuit()
        self._base, socket = _address(url)
        self._pool = httpcore.AsyncConnectionPool(uds=socket, max_connections=_CONNECTIONS)
        self._extensions = _timeouts(seconds)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._pool.aclose()

    async def nearest(
        self, name: str, vectors: Sequence[Sequence[float]], *, limit: int
    ) -> list[list[tuple[str, float]]]:
        """Return what `Chroma.nearest` returns."""
        return await self._run(self._questions.nearest(name, vectors, limit=limit))

    async def get(self, name: str, ids: Sequence[str]) -> dict[str, list[float]]:
        """Return what `Chroma.get` returns."""
        return await self._run(self._questions.get(name, ids))

    async def _run(self, steps: _Steps[T]) -> T:
        try:
            request = next(steps)
            while True:
                try:
                    reply = await self._request(*request)
                except IndexMissingError as error:
                    request = steps.throw(error)
                else:
                    request = steps.send(reply)
        except StopIteration as done:
            return done.value

    async def _request(self, method: str, path: str, given: Mapping[str, Any] | None) -> Any:
        body = None if given is None else _encoded(given)
        with _attempt(self._circuit), _translated():
            return _content(
                await self._pool.request(
                    method, self._base + path, headers=_headers(body), content=body, extensions=self._extensions
                )
            )


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except httpcore.RemoteProtocolError as error:
        # The server took the request and hung up, as one does that dies of a damaged index.
        raise IndexDamagedError(f"Chroma breaks off: {error}") from error
    except _TRANSPORT_FAULTS as error:
        raise ServiceUnavailableError(f"Chroma does not answer: {error}") from error


def _attempt(circuit: "Circuit | None") -> AbstractContextManager[None]:
    if circuit is None:
        return nullcontext()
    return circuit.attempt(ServiceUnavailableError("Chroma does not answer: it failed a moment ago"))


def _circuit() -> "Circuit":
    from samplemind_worker.circuit import Circuit  # noqa: PLC0415 -- slow import

    return Circuit(
        failures=_FAILURES,
        pause_seconds=_PAUSE_SECONDS,
        # With these the server has answered, if only with an error.
        exclude=[SetupError, InternalError, IndexMissingError, IndexDamagedError],
    )


class _Session:
    """The connections to one server. Safe to use from several threads."""

    def __init__(self, base: str, pool: httpcore.ConnectionPool, *, seconds: float) -> None:
        self._base, self._pool = base, pool
        self._extensions = _timeouts(seconds)

    def request(self, method: str, path: str, body: bytes | None) -> httpcore.Response:
        url = self._base + path
        return self._pool.request(method, url, headers=_headers(body), content=body, extensions=self._extensions)

    def close(self) -> None:
        self._pool.close()


def _connect(url: str, *, seconds: float) -> _Session:
    """Return a client of a server; the connection is opened by the first request."""
    base, socket = _address(url)
    return _Session(base, httpcore.ConnectionPool(uds=socket), seconds=seconds)


def _address(url: str) -> tuple[str, str | None]:
    """Return the base of all URLs, and the path of the socket, of ``http[s]://host[:port]`` or ``unix:///socket``."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 8000)
    except ValueError:  # the port is not a number
        parts, port = urlsplit(""), 0
    if parts.scheme == "unix" and parts.path:
        return "http://localhost", unquote(parts.path)
    if parts.hostname is None or parts.scheme not in {"http", "https"}:
        raise SetupError("SAMPLEMIND_CHROMA_URL is no URL like http://127.0.0.1:8000")
    return (url if parts.port else f"{url.rstrip('/')}:{port}").rstrip("/"), None


def _timeouts(seconds: float) -> dict[str, Any]:
    return {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), seconds)}


def _headers(body: bytes | None) -> list[tuple[str, str]]:
    return [] if body is None else [("Content-Type", "application/json")]


def _encoded(given: Mapping[str, Any]) -> bytes:
    """Return the body of a request; ten times as fast as `json` for vectors."""
    import orjson  # noqa: PLC0415 -- slow import

    return orjson.dumps(given)


def _content(reply: httpcore.Response) -> Any:
    """Return what a reply holds; raises the error that an unsuccessful one stands for."""
    if reply.status not in _SUCCESS:
        raise _error(reply)
    try:
        return json.loads(reply.content)
    except ValueError as error:
        raise ServiceUnavailableError(f"Chroma does not answer: {error}") from error


def _error(reply: httpcore.Response) -> Exception:
    """Return the error that an unsuccessful reply stands for."""
    try:
        said = str(json.loads(reply.content)["message"])
    except (ValueError, KeyError, TypeError):
        said = f"HTTP {reply.status}"
    if reply.status == _NOT_FOUND:
        return IndexMissingError(f"Chroma does not have it: {said}")
    if reply.status in _REFUSALS and not said.startswith(_ENGINE_FAULTS):
        return InternalError(f"Chroma refuses: {said}")
    if reply.status >= _FAULTS or reply.status in _REFUSALS:
        return IndexDamagedError(f"Chroma fails: {said}")
    return ServiceUnavailableError(f"Chroma does not answer: {said}")
