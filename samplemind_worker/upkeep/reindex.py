"""Rebuilds the vectors in Chroma from the record, and keeps them complete.

The record has every vector, so Chroma may lose them. A rebuild fills a new collection beside the one in use, while
`store` writes new vectors to both. One update of the record then puts the new collection into use. A rebuild that is
killed continues after the content that was copied last.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from loguru import logger

from samplemind_worker.documents.index_state import IndexState
from samplemind_worker.errors import IndexDamagedError, IndexMissingError, InternalError, ServiceUnavailableError
from samplemind_worker.store import mongo, vector_index
from samplemind_worker.store.vectors import Vectors
from samplemind_worker.upkeep import recipe
from samplemind_worker.upkeep.index_health import Health, compare

Progress = Callable[[int, int], None]
"""Is called with the number of vectors that are copied, and their total."""

_PAGE: Final = 500  # vectors per request
_LEASE: Final = 60.0  # s without a page after which a rebuild counts as killed
_CHECK_SECONDS: Final = 20.0  # s between two comparisons by the workers
_SLICE_SECONDS: Final = 40.0  # s that one task rebuilds; the next one continues
_RESTART_SECONDS: Final = 20.0  # s within which a server that a damaged index has ended may be back
_FAULTS: Final = 2  # failed comparisons in a row: a Chroma that has just restarted is not damaged
_REST_SECONDS: Final = 3600.0  # s between two rebuilds by the workers, if the first did not help


def tend(vectors: Vectors) -> None:
    """Compare, unless that was done a moment ago, and rebuild for a while if needed. The workers call it regularly.

    Vectors of an older recipe that can be made anew are made first.

    A rebuild that has begun continues. A new one begins at once if vectors are missing, or if Chroma failed to
    read them twice in a row.
    """
    if not vector_index.take_check(vectors.version, first=vectors.first, seconds=_CHECK_SECONDS):
        return
    converted = recipe.convert(vectors, seconds=_SLICE_SECONDS)
    if converted.vectors:
        logger.info("recipe.converted", fields=str(converted))
    health = compare(vectors)
    row = vector_index.note(vectors.version, complete=health.state == "complete", damaged=health.state == "damaged")
    if row is None or (row.building is None and row.swept and not _is_due(row, health)):
        return
    if health.message:
        logger.warning("index.rebuilding", fields={"why": health.message})
    if health.state == "damaged":
        # Reading a damaged index may have ended the server.
        _wait_for(vectors, seconds=_RESTART_SECONDS)
    done = rebuild(vectors, seconds=_SLICE_SECONDS)
    logger.info("index.rebuilt", fields=str(done))


def _wait_for(vectors: Vectors, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            vectors.chroma.require()
        except ServiceUnavailableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1.0)
        else:
            return


def _is_due(row: IndexState, health: Health) -> bool:
    if health.state == "complete" or (health.state == "damaged" and row.faults < _FAULTS):
        return False
    if not row.in_vain or row.built_at is None:
        return True
    return (mongo.now() - row.built_at).total_seconds() > _REST_SECONDS


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The result of one run of a rebuild."""

    done: bool
    vectors: int


def rebuild(vectors: Vectors, *, seconds: float | None = None, on_progress: Progress | None = None) -> Rebuilt | None:
    """Rebuild the index from the record, or continue a rebuild; None if another process is rebuilding it.

    It stops after ``seconds``, and the next run continues from there.

    Raises
    ------
    ServiceUnavailableError
        If Chroma or the record does not answer; what was copied is kept.
    """
    holder = uuid.uuid4().hex
    row = vector_index.take(vectors.version, first=vectors.first, holder=holder, lease=_LEASE)
    if row is None:
        return None
    try:
        return _Rebuild(vectors, holder, seconds, on_progress or (lambda _copied, _total: None)).run(row)
    finally:
        vector_index.leave(vectors.version, holder=holder)


class _Rebuild:
    """One run of a rebuild that holds the lease."""

    def __init__(self, vectors: Vectors, holder: str, seconds: float | None, say: Progress) -> None:
        self._vectors = vectors
        self._version = vectors.version
        self._holder = holder
        self._until = None if seconds is None else time.monotonic() + seconds
        self._say = say

    def run(self, row: IndexState) -> Rebuilt:
        self._sweep()
        if self._until is not None and not row.swept and row.building is None:
            return Rebuilt(done=True, vectors=0)
        building, after, copied, total = row.building, row.after, row.copied, row.total
        if building is None or not self._has(building):
            building, after, copied = self._vectors.new_name(), "", 0
            total = vector_index.with_vector(self._version)
            # Recorded before it is filled, so that `store` writes to it too from now on.
            vector_index.begin(self._version, holder=self._holder, building=building, total=total)
            self._vectors.chroma.create(building)
        for last_pass in (False, True):
            while rows := vector_index.page(self._version, after=after, limit=_PAGE):
                copied += self._copy(building, rows)
                after = max(rows)
                vector_index.advance(self._version, holder=self._holder, after=after, copied=copied, lease=_LEASE)
                self._say(copied, max(copied, total))
                if self._until is not None and time.monotonic() > self._until and not last_pass:
                    return Rebuilt(done=False, vectors=copied)
            if vector_index.stored(self._version) <= (count := self._vectors.chroma.count(building)):
                vector_index.take_over(self._version, holder=self._holder, active=building)
                self._sweep()
                return Rebuilt(done=True, vectors=count)
            # A worker of an older version stores only in the collection in use: copy its vectors now.
            after, copied = "", 0
        vector_index.give_up(self._version, holder=self._holder)
        raise IndexDamagedError("Chroma does not keep what it is given: the rebuilt index has too few vectors")

    def _sweep(self) -> None:
        """Remove collections that are neither in use nor being filled."""
        self._vectors.drop_others(self._vectors.names)
        vector_index.note_swept(self._version, holder=self._holder)

    def _has(self, building: str) -> bool:
        """Return whether Chroma still has the collection of an earlier run."""
        try:
            self._vectors.chroma.count(building)
        except (IndexMissingError, IndexDamagedError):
            return False
        return True

    def _copy(self, building: str, rows: vector_index.Rows) -> int:
        """Store vectors in the new collection; return how many."""
        refused: list[str] = []
        try:
            self._vectors.chroma.upsert(building, rows)
        except InternalError as error:
            refused = [content for content in rows if not self._takes(building, content, rows[content])]
            if len(refused) == len(rows):
                # If Chroma refuses all vectors, the fault is not theirs, and the record must not say so.
                raise IndexDamagedError("Chroma refuses all vectors") from error
            vector_index.unmark(refused)
            logger.warning("index.refused", fields={"contents": refused})
        # A content may have been deleted meanwhile, and its vector copied after it was removed: remove it again.
        gone = rows.keys() - vector_index.still_there(list(rows))
        if gone:
            self._vectors.chroma.remove(building, list(gone))
        return len(rows.keys() - gone - set(refused))

    def _takes(self, building: str, content: str, vector: list[float]) -> bool:
        try:
            self._vectors.chroma.upsert(building, {content: vector})
        except InternalError:
            return False
        return True
