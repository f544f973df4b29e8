"""Access to the vectors in Chroma for commands, and their health."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from config.settings import Settings, get_settings
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import IndexDamagedError, IndexMissingError, ServiceUnavailableError, SetupError
from samplemind_worker.store import vector_index
from samplemind_worker.store.chroma import Chroma
from samplemind_worker.store.vectors import Vectors
from samplemind_worker.upkeep.index_health import Health, compare

_GLANCE: Final = 3.0  # s that `status` waits for one reply of Chroma
_START_SECONDS: Final = 20.0  # that a private Chroma may take to start
_LOOK_SECONDS: Final = 0.1
_LARGE: Final = 20_000  # vectors from which on a comparison takes longer than an answer
_TRUSTED_SECONDS: Final = 60.0  # s for which a comparison of so many is trusted


@contextmanager
def open_vectors(settings: Settings, *, seconds: float = _START_SECONDS) -> Generator[Vectors]:
    """Yield the vectors of the current recipe, once a private Chroma has started.

    Raises
    ------
    ServiceUnavailableError
        If Chroma does not answer.
    """
    url = url_of(settings)
    if get_settings().chroma_url is None:
        _wait_for(url, seconds)
    with Vectors(url, database=settings.database, version=VERSIONS["store"]) as vectors:
        yield vectors


def trouble(settings: Settings) -> str:
    """Say what is wrong with the index; empty if nothing is, or if Chroma does not answer."""
    with Vectors(url_of(settings), database=settings.database, version=VERSIONS["store"], seconds=_GLANCE) as vectors:
        try:
            return compare(vectors).message
        except ServiceUnavailableError:
            return ""


def require(vectors: Vectors) -> Health:
    """Return how the index stands; if it is incomplete, some of the nearest may be missing.

    A comparison of a large index is trusted for a minute; what Chroma has lost altogether a search still tells.

    Raises
    ------
    IndexMissingError, IndexDamagedError
        If there is no index, or its answers cannot be relied on.
    """
    count = vector_index.lately_complete(vectors.version, seconds=_TRUSTED_SECONDS, least=_LARGE)
    if count:
        return Health("complete", count, count)
    health = compare(vectors)
    if health.state == "complete" and health.expected >= _LARGE:
        vector_index.note_complete(vectors.version)
    if health.state == "missing":
        raise IndexMissingError(health.message)
    if health.state == "damaged":
        raise IndexDamagedError(health.message)
    return health


def url_of(settings: Settings) -> str:
    """Return the URL of Chroma; raises SetupError if there is none."""
    if settings.chroma_url is None:
        raise SetupError("no ChromaDB: set SAMPLEMIND_CHROMA_URL")
    return settings.chroma_url.get_secret_value()


def _wait_for(url: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not answers(url):
        if time.monotonic() > deadline:
            raise ServiceUnavailableError("Chroma does not answer")
        time.sleep(_LOOK_SECONDS)


def answers(url: str) -> bool:
    """Return whether Chroma answers."""
    try:
        with Chroma(url, seconds=_GLANCE) as chroma:
            chroma.require()
    except ServiceUnavailableError:
        return False
    return True
