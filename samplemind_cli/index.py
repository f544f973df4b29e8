"""Access to the vectors in Chroma for commands: their health, the nearest vectors, a rebuild."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from config.settings import Settings, get_settings
from samplemind_cli.output import note
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import IndexDamagedError, IndexMissingError, ServiceUnavailableError, SetupError
from samplemind_worker.finding import entry
from samplemind_worker.local_services.chroma_data import start_anew
from samplemind_worker.store import entries, vector_index
from samplemind_worker.store.chroma import Chroma
from samplemind_worker.store.vectors import Vectors
from samplemind_worker.upkeep import reindex as reindex_step
from samplemind_worker.upkeep.reindex import Health

_GLANCE: Final = 3.0  # s that `status` waits for one reply of Chroma
_START_SECONDS: Final = 20.0  # that a private Chroma may take to start
_RESTART_SECONDS: Final = 60.0  # that it may take to be started again after several failures
_LOOK_SECONDS: Final = 0.1


@contextmanager
def open_vectors(settings: Settings, *, seconds: float = _START_SECONDS) -> Generator[Vectors]:
    """Yield the vectors of the current recipe, once a private Chroma has started.

    Raises
    ------
    ServiceUnavailableError
        If Chroma does not answer.
    """
    url = _url(settings)
    if get_settings().chroma_url is None:
        _wait_for(url, seconds)
    with Vectors(url, database=settings.database, version=VERSIONS["store"]) as vectors:
        yield vectors


def trouble(settings: Settings) -> str:
    """Say what is wrong with the index; empty if nothing is, or if Chroma does not answer."""
    with Vectors(_url(settings), database=settings.database, version=VERSIONS["store"], seconds=_GLANCE) as vectors:
        try:
            return reindex_step.compare(vectors).message
        except ServiceUnavailableError:
            return ""


def require(vectors: Vectors) -> Health:
    """Return how the index stands; if it is incomplete, some of the nearest may be missing.

    Raises
    ------
    IndexMissingError, IndexDamagedError
        If there is no index, or its answers cannot be relied on.
    """
    health = reindex_step.compare(vectors)
    if health.state == "missing":
        raise IndexMissingError(health.message)
    if health.state == "damaged":
        raise IndexDamagedError(health.message)
    return health


def rebuild_entries(on_progress: Callable[[int, int], None]) -> int:
    """Make all library entries anew, and return how many there are."""
    total, done = entries.progress().contents, 0

    def _advance(count: int) -> None:
        nonlocal done
        done += count
        on_progress(done, max(done, total))

    entry.refresh_marked()
    entry.build(anew=True, on_progress=_advance)
    return entries.progress().entries


def rebuild(settings: Settings, on_progress: Callable[[int, int], None]) -> int:
    """Rebuild the index, or follow somebody else's rebuild to its end; return how many vectors it has.

    What a private Chroma cannot use is set aside, and it starts empty.

    Raises
    ------
    ServiceUnavailableError
        If Chroma or the record does not answer.
    """
    try:
        with open_vectors(settings) as vectors:
            return _rebuild(vectors, on_progress)
    except ServiceUnavailableError as error:
        is_ours = isinstance(error, IndexDamagedError) or not _answers(_url(settings))
        aside = start_anew(get_settings()) if is_ours else None
        if aside is None:
            raise
        note(f"{error}; its data is set aside as {aside}, and it starts empty")
    with open_vectors(settings, seconds=_RESTART_SECONDS) as vectors:
        return _rebuild(vectors, on_progress)


def _rebuild(vectors: Vectors, on_progress: Callable[[int, int], None]) -> int:
    before = vector_index.state(vectors.version)
    while True:
        done = reindex_step.rebuild(vectors, on_progress=on_progress)
        if done is not None:
            return done.vectors
        row = vector_index.state(vectors.version)
        if row is not None and row.built_at != (before and before.built_at):
            return vectors.count()
        if row is not None and row.building is not None:
            on_progress(row.copied, max(row.copied, row.total))
        time.sleep(_LOOK_SECONDS)


def _url(settings: Settings) -> str:
    if settings.chroma_url is None:
        raise SetupError("no ChromaDB: set SAMPLEMIND_CHROMA_URL")
    return settings.chroma_url.get_secret_value()


def _wait_for(url: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not _answers(url):
        if time.monotonic() > deadline:
            raise ServiceUnavailableError("Chroma does not answer")
        time.sleep(_LOOK_SECONDS)


def _answers(url: str) -> bool:
    try:
        with Chroma(url, seconds=_GLANCE) as chroma:
            chroma.require()
    except ServiceUnavailableError:
        return False
    return True
