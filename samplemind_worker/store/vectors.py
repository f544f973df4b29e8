"""ChromaDB: one vector a distinct content, its id the content hash. One server, HTTP clients only.

A vector's recipe is versioned, and each version has its collection, so that vectors of two recipes never meet.
Silent files have no vector: a zero vector wrecks the index for all.
"""

import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

import httpx
from pybreaker import STATE_CLOSED, CircuitBreaker, CircuitBreakerError

from samplemind_worker.errors import InternalError, ServiceUnavailableError, SetupError
from samplemind_worker.isolation import neutral_folder

if TYPE_CHECKING:
    from chromadb.api import ServerAPI
    from chromadb.api.models.Collection import Collection

_PAGE = 1000
_SECONDS = 15.0  # s for one request
_FAILURES = 3  # in a row, after which the server is left in peace
_PEACE_SECONDS = 5.0  # s without a request then


_REFUSALS = {400, 413, 422}  # HTTP: the request itself is at fault, and will be the next time


def _is_refusal(error: Exception) -> bool:
    """Tell what Chroma, or its client, will never take from what it may take later."""
    code = getattr(error, "code", None)  # a method of the client's own errors
    return (callable(code) and code() in _REFUSALS) or type(error) is ValueError or isinstance(error, TypeError)


class Vectors:
    """The vectors of one recipe on one Chroma server; connects on first use, as chromadb takes 2 s to import.

    No request, the first one included, takes longer than ``seconds``.
    """

    def __init__(self, url: str, *, database: str, version: int, seconds: float = _SECONDS) -> None:
        self._url = url
        self._seconds = seconds
        self._name = f"{database}-sound-v{version}"
        self._server: ServerAPI | None = None
        self._collection: Collection | None = None
        self._session: httpx.Client | None = None
        self._probe = threading.Lock()
        """Held by the one that asks a server that failed whether it is back."""
        self._breaker = CircuitBreaker(
            fail_max=_FAILURES,
            reset_timeout=_PEACE_SECONDS,
            exclude=[SetupError, InternalError],
            throw_new_error_on_trip=False,
        )

    def upsert(self, vectors: Mapping[str, Sequence[float]]) -> None:
        """Store vectors by content hash.

        Raises
        ------
        ServiceUnavailableError
            If Chroma does not answer.
        InternalError
            If it refuses a vector.
        """
        if vectors:
            with self._open() as collection:
                collection.upsert(ids=list(vectors), embeddings=[list(vector) for vector in vectors.values()])

    def nearest(self, vector: Sequence[float], *, limit: int) -> list[tuple[str, float]]:
        """Return the nearest contents with their cosine distance (0 is equal, 2 is opposite), nearest first.

        Raises
        ------
        ServiceUnavailableError
            If Chroma does not answer.
        """
        with self._open() as collection:
            reply = collection.query(query_embeddings=[list(vector)], n_results=limit, include=["distances"])
        distances = reply["distances"]
        if distances is None:
            return []
        return [(key, float(distance)) for key, distance in zip(reply["ids"][0], distances[0], strict=True)]

    def ids(self) -> set[str]:
        """Return the ids of all vectors."""
        with self._open() as collection:
            found: set[str] = set()
            while page := collection.get(limit=_PAGE, offset=len(found), include=[])["ids"]:
                found.update(page)
            return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            self._session.close()
        self._server = self._collection = self._session = None

    @contextmanager
    def _open(self) -> "Generator[Collection]":
        """Yield the collection; what the client raises of a server that is away or not up to it is a TransientError.

        After some failures the server is left in peace for a while: many waiting steps must not each hold a thread for
        as long as a server that hangs takes to be given up.
        """
        probing = self._breaker.current_state != STATE_CLOSED
        if probing and not self._probe.acquire(blocking=False):
            raise ServiceUnavailableError("Chroma does not answer: it failed a moment ago")
        try:
            with self._breaker.calling():
                collection = self._connected()
                try:
                    yield collection
                except Exception as error:
                    if _is_refusal(error):
                        raise InternalError(f"Chroma refuses: {error}") from error
                    raise
        except (SetupError, InternalError):
            raise
        except CircuitBreakerError as error:
            raise ServiceUnavailableError("Chroma does not answer: it failed a moment ago") from error
        except Exception as error:
            # The server may come back without what was opened: it is opened anew the next time.
            self._collection = None
            # httpx errors, or the client's own, or a ValueError about a reply that is none.
            theirs = type(error).__module__.partition(".")[0] in {"chromadb", "httpx", "httpcore"}
            if theirs or isinstance(error, (ValueError, OSError)):
                raise ServiceUnavailableError(f"Chroma does not answer: {error}") from error
            raise
        finally:
            if probing:
                self._probe.release()

    def _connected(self) -> "Collection":
        if self._collection is None:
            self._collection = self._connect()
        return self._collection

    def _connect(self) -> "Collection":
        # The package first: two threads that enter it through different modules each hold what the other waits for.
        # It reads a `.env` of the working folder when it is loaded.
        with neutral_folder():
            import chromadb  # noqa: F401, PLC0415 -- slow import  # pyright: ignore[reportUnusedImport]
            from chromadb.api.models.Collection import Collection  # noqa: PLC0415 -- slow import

        if self._server is None:
            self._server = self._make_server()
        model = self._server.get_or_create_collection(self._name, configuration={"hnsw": {"space": "cosine"}})
        return Collection(client=self._server, model=model, embedding_function=None)

    def _make_server(self) -> "ServerAPI":
        """Make what chromadb's own client stands on: that one asks the server in its constructor, without a limit."""
        from chromadb.api import ServerAPI  # noqa: PLC0415 -- slow import
        from chromadb.config import Settings, System  # noqa: PLC0415 -- slow import

        parts = urlsplit(self._url)
        if parts.hostname is None and parts.scheme != "unix":
            raise SetupError("SAMPLEMIND_CHROMA_URL is no URL like http://127.0.0.1:8000")
        with neutral_folder():  # the settings are read from a `.env` as well
            system = System(
                Settings(
                    anonymized_telemetry=False,
                    chroma_api_impl="chromadb.api.fastapi.FastAPI",
                    chroma_server_host=parts.hostname or "localhost",
                    chroma_server_http_port=parts.port or (443 if parts.scheme == "https" else 8000),
                    chroma_server_ssl_enabled=parts.scheme == "https",
                )
            )
            server = system.instance(ServerAPI)
        session: httpx.Client = server._session  # noqa: SLF001 -- no setting of its own for time and socket  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
        if parts.scheme == "unix":
            headers = session.headers
            session.close()
            session = httpx.Client(headers=headers, transport=httpx.HTTPTransport(uds=unquote(parts.path)))
            server._session = session  # noqa: SLF001 -- as above  # pyright: ignore[reportAttributeAccessIssue]
        session.timeout = httpx.Timeout(self._seconds)
        self._session = session
        system.start()
        return server
