"""Compares the vectors in Chroma with the record, and rebuilds them from it.

The record has every vector, so Chroma may lose them. A rebuild fills a new collection beside the one in use, while
`store` writes new vectors to both, and takes over in one update of the record. Killed at any point, it goes on from
the content that was copied last.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from loguru import logger

from samplemind_worker.documents.vector_index import VectorIndex
from samplemind_worker.errors import IndexDamagedError, IndexMissingError, InternalError, ServiceUnavailableError
from samplemind_worker.store import mongo, vector_index
from samplemind_worker.store.vectors import Vectors

Progress = Callable[[int, int], None]
"""Hears how many vectors are copied, and of how many."""

_PAGE: Final = 500  # vectors of one request
_LEASE: Final = 60.0  # s without a page after which a rebuild was killed
_LOOKED_FOR: Final = 200  # contents whose vectors a comparison looks for
_PROBES: Final = 32  # vectors that must be their own nearest
_UNFOUND: Final = 8  # of them, at which the index is damaged: it is approximate, and may miss a few
_SAME: Final = 1e-3  # cosine distance below which a vector is the one that was asked for
_CHECK_SECONDS: Final = 20.0  # between two comparisons by the workers
_SLICE_SECONDS: Final = 40.0  # that one task rebuilds; the next one goes on
_RESTART_SECONDS: Final = 20.0  # that a server which was ended by its damaged index may take to come back
_FAULTS: Final = 2  # comparisons in a row: a Chroma that is just restarted is not damaged
_REST_SECONDS: Final = 3600.0  # between two rebuilds by the workers, where the first did not help

MEND: Final = "`samplemind reindex` rebuilds it from the record"


@dataclass(frozen=True, slots=True)
class Health:
    """How the index stands beside the record."""

    state: Literal["complete", "incomplete", "missing", "damaged"]
    expected: int
    """Vectors that were stored, by the record."""
    found: int
    copied: tuple[int, int] | None = None
    """While it is being rebuilt: how many vectors are copied, and of how many."""
    detail: str = ""

    @property
    def message(self) -> str:
        """What is wrong, in words; empty if nothing is."""
        if self.state == "complete":
            return ""
        what = {
            "missing": f"the index of vectors is missing in Chroma: none of {self.expected:,} is there",
            "incomplete": f"the index of vectors in Chroma is incomplete: it has {self.found:,} of {self.expected:,}",
            "damaged": f"the index of vectors in Chroma is damaged ({self.detail})",
        }[self.state]
        if self.copied is not None:
            return f"{what}; it is being rebuilt from the record: {self.copied[0]:,} of {self.copied[1]:,} are copied"
        return f"{what}; {MEND}"


def compare(vectors: Vectors) -> Health:
    """Compare counts, look for some contents, and ask for the nearest of a few; milliseconds at any size.

    Raises
    ------
    ServiceUnavailableError
        If Chroma or the record does not answer.
    """
    version = vectors.version
    row = vector_index.state(version)
    copied = (row.copied, row.total) if row is not None and row.building is not None else None
    expected = vector_index.stored(version)
    if not expected:
        # Nothing to lose; but a server that does not answer is to be noticed.
        vectors.chroma.require()
        return Health("complete", 0, 0, copied)
    try:
        found = vectors.count()
        if found < expected:
            # What was taken out of the record between the two counts is not missed.
            expected = min(expected, vector_index.stored(version))
        if found < expected:
            return Health("missing" if not found else "incomplete", expected, found, copied)
        return _look_closer(vectors, Health("complete", expected, found, copied))
    except IndexMissingError:
        return Health("missing", expected, 0, copied)
    except IndexDamagedError as error:
        return Health("damaged", expected, 0, copied, str(error))


def _look_closer(vectors: Vectors, health: Health) -> Health:
    """Look whether the counts are true: of an index that an older backup replaced, or whose files are gone."""
    rows = vector_index.sample(vectors.version, _LOOKED_FOR)
    lost = rows.keys() - vectors.present(list(rows))
    if lost and (lost := lost & vector_index.still_there(list(lost))):
        missing = max(1, round(health.expected * len(lost) / len(rows)))
        return Health("incomplete", health.expected, health.expected - missing, health.copied)
    probes = list(rows.values())[:_PROBES]
    if not probes:
        return health
    nearest = vectors.nearest_of_each(probes, limit=1)
    unfound = sum(not found or found[0][1] > _SAME for found in nearest)
    if unfound >= min(_UNFOUND, len(probes)):
        detail = f"{unfound} of {len(probes)} vectors are not found by searching for them"
        return Health("damaged", health.expected, health.found, health.copied, detail)
    return health


def tend(vectors: Vectors) -> None:
    """Compare, unless that was done a moment ago, and rebuild for a while if need be: the workers do so by themselves.

    A rebuild that was begun goes on. A new one begins at once if vectors are missing, or if Chroma could not read them
    twice in a row.
    """
    if not vector_index.take_check(vectors.version, first=vectors.first, seconds=_CHECK_SECONDS):
        return
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


def _is_due(row: VectorIndex, health: Health) -> bool:
    if health.state == "complete" or (health.state == "damaged" and row.faults < _FAULTS):
        return False
    if not row.in_vain or row.built_at is None:
        return True
    return (mongo.now() - row.built_at).total_seconds() > _REST_SECONDS


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What one run of a rebuild did."""

    done: bool
    vectors: int


def rebuild(vectors: Vectors, *, seconds: float | None = None, on_progress: Progress | None = None) -> Rebuilt | None:
    """Rebuild the index from the record, or go on with a rebuild that was begun; None if somebody else is at it.

    Ends after ``seconds`` where it is: the next run goes on from there.

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
    """One run of a rebuild that has the turn."""

    def __init__(self, vectors: Vectors, holder: str, seconds: float | None, say: Progress) -> None:
        self._vectors = vectors
        self._version = vectors.version
        self._holder = holder
        self._until = None if seconds is None else time.monotonic() + seconds
        self._say = say

    def run(self, row: VectorIndex) -> Rebuilt:
        self._sweep()
        if self._until is not None and not row.swept and row.building is None:
            return Rebuilt(done=True, vectors=0)
        building, after, copied, total = row.building, row.after, row.copied, row.total
        if building is None or not self._has(building):
            building, after, copied = self._vectors.new_name(), "", 0
            total = vector_index.with_vector(self._version)
            # In the record before it is filled: from now on `store` writes to it, too.
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
            # A worker of an older version stores in the one collection that it knows: its vectors are copied now.
            after, copied = "", 0
        vector_index.give_up(self._version, holder=self._holder)
        raise IndexDamagedError("Chroma does not keep what it is given: the rebuilt index has too few vectors")

    def _sweep(self) -> None:
        """Remove collections that are neither in use nor being filled."""
        self._vectors.drop_others(self._vectors.names)
        vector_index.note_swept(self._version, holder=self._holder)

    def _has(self, building: str) -> bool:
        """Tell whether Chroma still has what was begun before."""
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
                # No vector of ours can be at fault when Chroma takes none: the record must not be told that they are.
                raise IndexDamagedError("Chroma refuses all vectors") from error
            vector_index.unmark(refused)
            logger.warning("index.refused", fields={"contents": refused})
        # Of a content that was taken out of the record meanwhile the vector may have been removed before it was copied.
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
