"""ChromaDB over HTTP: named collections of vectors on one server. Its errors are translated here and nowhere else.

The requests are sent with httpx and not with ChromaDB's own client, which takes 2.7 s to import (too long for
`status`) and does not distinguish a missing collection from an unreadable one.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import httpx

from samplemind_worker.circuit import Circuit
from samplemind_worker.errors import (
    IndexDamagedError,
    IndexMissingError,
    InternalError,
    ServiceUnavailableError,
    SetupError,
)

_PAGE = 1000
_SECONDS = 15.0  # s for one request
_FAILURES = 3  # failures in a row after which no request is sent for a while
_PAUSE_SECONDS = 5.0  # s without a request after that

_DATABASE = "/api/v2/tenants/default_tenant/databases/default_database"
_REFUSALS = {400, 413, 422}  # HTTP: the request itself is at fault, so repeating it is useless
_ENGINE_FAULTS = ("Error executing plan", "Error in compaction")
"""Beginnings of messages that Chroma's engine sends as refusals although its own data is at fault."""
_NOT_FOUND = 404
_FAULTS = 500  # HTTP: from this status on the server is at fault


class Chroma:
    """One Chroma server. No request, the first one included, takes longer than ``seconds``.

    Every method raises ServiceUnavailableError if the server does not answer, IndexMissingError if it has no such
    collection, IndexDamagedError if it cannot read or write it, and InternalError if it refuses what it is given.
    """

    def __init__(self, url: str, *, seconds: float = _SECONDS) -> None:
        self._url = url
        self._seconds = seconds
        self._session: httpx.Client | None = None
        self._opening = threading.Lock()
        self._ids: dict[str, str] = {}
        """The server's id of each collection, by name; the id changes when a collection is dropped and made again."""
        # Many steps must not each wait for a server that hangs.
        self._circuit = Circuit(
            failures=_FAILURES,
            pause_seconds=_PAUSE_SECONDS,
            # With these the server has answered, if only with an error.
            exclude=[SetupError, InternalError, IndexMissingError, IndexDamagedError],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            session.close()
        self._ids.clear()

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
        self._ids[name] = self._request("POST", f"{_DATABASE}/collections", given)["id"]

    def drop(self, name: str) -> None:
        """Remove a collection with all its vectors, if it exists."""
        try:
            self._request("DELETE", f"{_DATABASE}/collections/{name}")
        except IndexMissingError:
            return
        finally:
            self._ids.pop(name, None)

    def count(self, name: str) -> int:
        """Return how many vectors a collection has."""
        return self._ask(name, "GET", "count")

    def upsert(self, name: str, vectors: Mapping[str, Sequence[float]]) -> None:
        """Store vectors by id, replacing those that exist."""
        given = {"ids": list(vectors), "embeddings": [list(vector) for vector in vectors.values()]}
        self._ask(name, "POST", "upsert", given)

    def remove(self, name: str, ids: Sequence[str]) -> None:
        """Remove vectors; ids without a vector are ignored."""
        self._ask(name, "POST", "delete", {"ids": list(ids)})

    def nearest(self, name: str, vectors: Sequence[Sequence[float]], *, limit: int) -> list[list[tuple[str, float]]]:
        """Return for each vector the nearest ids with their cosine distance (0 is equal, 2 is opposite)."""
        given = {"query_embeddings": [list(each) for each in vectors], "n_results": limit, "include": ["distances"]}
        reply = self._ask(name, "POST", "query", given)
        return [list(zip(*found, strict=True)) for found in zip(reply["ids"], reply["distances"] or [], strict=True)]

    def present(self, name: str, ids: Sequence[str]) -> set[str]:
        """Return which of these ids have a vector."""
        return set(self._ask(name, "POST", "get", {"ids": list(ids), "include": []})["ids"])

    def ids(self, name: str) -> set[str]:
        """Return the ids of all vectors."""
        found: set[str] = set()
        while page := self._ask(name, "POST", "get", {"limit": _PAGE, "offset": len(found), "include": []})["ids"]:
            found.update(page)
        return found

    def _ask(self, name: str, method: str, action: str, given: Mapping[str, Any] | None = None) -> Any:
        """Send a request about a collection; its id is looked up again if the collection was made again meanwhile."""
        known = self._ids.get(name)
        if known is not None:
            try:
                return self._request(method, f"{_DATABASE}/collections/{known}/{action}", given)
            except IndexMissingError:
                self._ids.pop(name, None)
        self._ids[name] = found = self._request("GET", f"{_DATABASE}/collections/{name}")["id"]
        return self._request(method, f"{_DATABASE}/collections/{found}/{action}", given)

    def _request(self, method: str, path: str, given: Mapping[str, Any] | None = None) -> Any:
        with self._circuit.attempt(ServiceUnavailableError("Chroma does not answer: it failed a moment ago")):
            try:
                reply = self._connected().request(method, path, json=given)
            except httpx.RemoteProtocolError as error:
                # The server took the request and hung up, as one does that dies of a damaged index.
                raise IndexDamagedError(f"Chroma breaks off: {error}") from error
            except httpx.HTTPError as error:
                raise ServiceUnavailableError(f"Chroma does not answer: {error}") from error
            except ValueError as error:  # a number that JSON cannot express
                raise InternalError(f"Chroma refuses: {error}") from error
            if reply.is_success:
                return _content(reply)
            raise _error(reply)

    def _connected(self) -> httpx.Client:
        with self._opening:
            if self._session is None:
                self._session = _connect(self._url, seconds=self._seconds)
            return self._session


def _connect(url: str, *, seconds: float) -> httpx.Client:
    """Return a client of the server at ``http://host[:port]``, ``https://host[:port]`` or ``unix:///path/of/a/socket``.

    The connection is opened by the first request.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 8000)
    except ValueError:  # the port is not a number
        parts, port = urlsplit(""), 0
    if parts.scheme == "unix" and parts.path:
        transport = httpx.HTTPTransport(uds=unquote(parts.path))
        return httpx.Client(base_url="http://localhost", timeout=seconds, transport=transport)
    if parts.hostname is None or parts.scheme not in {"http", "https"}:
        raise SetupError("SAMPLEMIND_CHROMA_URL is no URL like http://127.0.0.1:8000")
    return httpx.Client(base_url=url if parts.port else f"{url.rstrip('/')}:{port}", timeout=seconds)


def _content(reply: httpx.Response) -> Any:
    try:
        return reply.json()
    except ValueError as error:
        raise ServiceUnavailableError(f"Chroma does not answer: {error}") from error


def _error(reply: httpx.Response) -> Exception:
    """Return the error that an unsuccessful reply stands for."""
    try:
        said = str(reply.json()["message"])
    except (ValueError, KeyError, TypeError):
        said = f"HTTP {reply.status_code}"
    if reply.status_code == _NOT_FOUND:
        return IndexMissingError(f"Chroma does not have it: {said}")
    if reply.status_code in _REFUSALS and not said.startswith(_ENGINE_FAULTS):
        return InternalError(f"Chroma refuses: {said}")
    if reply.status_code >= _FAULTS or reply.status_code in _REFUSALS:
        return IndexDamagedError(f"Chroma fails: {said}")
    return ServiceUnavailableError(f"Chroma does not answer: {said}")
