"""ChromaDB: one vector a distinct content, its id the content hash. One server, HTTP clients only.

A vector's recipe is versioned, and each version has its collection, so that vectors of two recipes never meet.
Silent files have no vector: a zero vector wrecks the index for all.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from samplemind_worker.errors import ServiceUnavailableError, SetupError

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

_PAGE = 1000


class Vectors:
    """The vectors of one recipe on one Chroma server; connects on first use, as chromadb takes 2 s to import."""

    def __init__(self, url: str, *, database: str, version: int) -> None:
        self._url = url
        self._name = f"{database}-sound-v{version}"
        self._collection: Collection | None = None

    def upsert(self, vectors: dict[str, Sequence[float]]) -> None:
        """Store vectors by content hash.

        Raises
        ------
        ServiceUnavailableError
            If Chroma does not answer.
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

    @contextmanager
    def _open(self) -> "Generator[Collection]":
        """Yield the collection; what the client raises of a server that is away or not up to it is a TransientError."""
        try:
            if self._collection is None:
                self._collection = self._connect()
            yield self._collection
        except SetupError:
            raise
        except Exception as error:
            # The server may come back without what was opened: it is opened anew the next time.
            self._collection = None
            # The client's constructor raises ValueError("Could not connect ..."), later calls httpx errors or its own.
            theirs = type(error).__module__.partition(".")[0] in {"chromadb", "httpx", "httpcore"}
            if theirs or isinstance(error, (ValueError, OSError)):
                raise ServiceUnavailableError(f"Chroma does not answer: {error}") from error
            raise

    def _connect(self) -> "Collection":
        import chromadb  # noqa: PLC0415 -- slow import
        from chromadb.config import Settings  # noqa: PLC0415 -- slow import

        parts = urlsplit(self._url)
        if parts.hostname is None:
            raise SetupError("SAMPLEMIND_CHROMA_URL is no URL like http://127.0.0.1:8000")
        client = chromadb.HttpClient(
            host=parts.hostname,
            port=parts.port or (443 if parts.scheme == "https" else 8000),
            ssl=parts.scheme == "https",
            settings=Settings(anonymized_telemetry=False),
        )
        return client.get_or_create_collection(
            self._name, configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )
