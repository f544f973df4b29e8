"""Vectors that a real Chroma has lost are noticed, and rebuilt from the record while work goes on."""

import random
import threading
from collections.abc import Callable

import pytest

from samplemind_worker.documents.analysis import Analysis
from samplemind_worker.documents.vector_index import VectorIndex
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import IndexDamagedError, ServiceUnavailableError
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import mongo, results, vector_index
from samplemind_worker.store.vectors import Vectors
from samplemind_worker.upkeep import reindex
from tests.factories import analysis_facts, audio_facts, content_id

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("chroma")]

VERSION = VERSIONS["store"]
DONE = {**analysis_facts("").versions, "summarize": VERSIONS["summarize"], "store": VERSION}


def vector(number: int) -> list[float]:
    draw = random.Random(number)  # noqa: S311 -- no secret
    return [draw.gauss(0.0, 1.0) for _ in range(8)]


def analyse(*numbers: int, stored: bool = True) -> dict[str, list[float]]:
    """Record contents with a vector each, as `tempo_key` does, or as `store` leaves them."""
    rows = {content_id(number): vector(number) for number in numbers}
    versions = DONE if stored else analysis_facts("").versions
    results.save_analyses(
        [(audio_facts(key), analysis_facts(key, vector=each, versions=versions)) for key, each in rows.items()]
    )
    return rows


@pytest.fixture
def vectors(workspace: Workspace) -> Vectors:
    return workspace.vectors


@pytest.fixture
def library(vectors: Vectors) -> dict[str, list[float]]:
    """1,200 contents, all of them stored."""
    rows = analyse(*range(1200))
    vectors.upsert(rows)
    return rows


def collections(vectors: Vectors) -> list[str]:
    return [name for name in vectors.chroma.collections() if name.startswith(vectors.first)]


def let_check_be_due() -> None:
    mongo.run(VectorIndex.get_pymongo_collection().update_many({}, {"$set": {"checked_at": None}}))


def state(vectors: Vectors) -> VectorIndex:
    row = vector_index.state(vectors.version)
    assert row is not None
    return row


@pytest.mark.usefixtures("library")
def test_a_complete_index_is_complete(vectors: Vectors):
    health = reindex.compare(vectors)

    assert (health.state, health.expected, health.found, health.message) == ("complete", 1200, 1200, "")


def test_an_empty_library_misses_nothing(vectors: Vectors):
    analyse(1, 2, stored=False)

    assert reindex.compare(vectors).state == "complete"


@pytest.mark.usefixtures("library")
def test_a_deleted_chroma_is_noticed(vectors: Vectors):
    vectors.chroma.drop(vectors.first)

    health = reindex.compare(vectors)

    assert (health.state, health.expected, health.found) == ("missing", 1200, 0)
    assert health.message == (
        "the index of vectors is missing in Chroma: none of 1,200 is there; "
        "`samplemind reindex` rebuilds it from the record"
    )


def test_a_truncated_chroma_is_noticed(vectors: Vectors, library: dict[str, list[float]]):
    vectors.chroma.remove(vectors.first, list(library)[:1])

    health = reindex.compare(vectors)

    assert (health.state, health.expected, health.found) == ("incomplete", 1200, 1199)


def test_an_older_chroma_with_as_many_vectors_is_noticed(vectors: Vectors, library: dict[str, list[float]]):
    vectors.chroma.remove(vectors.first, list(library)[:300])
    vectors.upsert({content_id(number): vector(number) for number in range(5000, 5300)})

    health = reindex.compare(vectors)

    assert (health.state, health.expected) == ("incomplete", 1200)
    assert 750 < health.found < 1050


def test_an_index_whose_vectors_were_changed_is_noticed(vectors: Vectors, library: dict[str, list[float]]):
    vectors.upsert({key: vector(9000 + at) for at, key in enumerate(library)})

    assert reindex.compare(vectors).state == "damaged"


@pytest.mark.parametrize("harm", ["drop", "truncate", "change"])
def test_a_rebuild_mends_it(vectors: Vectors, library: dict[str, list[float]], harm: str):
    harms: dict[str, Callable[[], None]] = {
        "drop": lambda: vectors.chroma.drop(vectors.first),
        "truncate": lambda: vectors.chroma.remove(vectors.first, list(library)[::3]),
        "change": lambda: vectors.upsert({key: vector(9000) for key in library}),
    }
    harms[harm]()
    said: list[tuple[int, int]] = []

    done = reindex.rebuild(vectors, on_progress=lambda copied, total: said.append((copied, total)))

    assert done == reindex.Rebuilt(done=True, vectors=1200)
    assert said == [(500, 1200), (1000, 1200), (1200, 1200)]
    assert vectors.ids() == library.keys()
    assert reindex.compare(vectors).state == "complete"
    key = content_id(7)
    assert vectors.nearest(library[key], limit=1)[0][0] == key
    # The old collection is gone.
    assert collections(vectors) == [vectors.names.active] != [vectors.first]


def test_a_rebuild_goes_on_where_it_was_killed(vectors: Vectors, library: dict[str, list[float]]):
    def _die(copied: int, _: int) -> None:
        if copied == 500:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reindex.rebuild(vectors, on_progress=_die)
    building = vectors.names.building
    assert reindex.compare(vectors).copied == (500, 1200)
    said: list[int] = []

    done = reindex.rebuild(vectors, on_progress=lambda copied, _: said.append(copied))

    assert (done, said) == (reindex.Rebuilt(done=True, vectors=1200), [1000, 1200])
    assert (vectors.names.active, vectors.ids()) == (building, library.keys())


def test_a_rebuild_whose_collection_was_lost_begins_anew(vectors: Vectors, library: dict[str, list[float]]):
    assert reindex.rebuild(vectors, seconds=0.0) == reindex.Rebuilt(done=False, vectors=500)
    assert vectors.names.building is not None
    vectors.chroma.drop(vectors.names.building)

    assert reindex.rebuild(vectors) == reindex.Rebuilt(done=True, vectors=1200)
    assert vectors.ids() == library.keys()


@pytest.mark.usefixtures("library")
def test_only_one_rebuilds_at_a_time(vectors: Vectors):
    others: list[reindex.Rebuilt | None] = []

    reindex.rebuild(vectors, on_progress=lambda _copied, _total: others.append(reindex.rebuild(vectors)))

    assert others == [None, None, None]


def test_a_rebuild_that_lost_its_turn_writes_nothing_more(vectors: Vectors, library: dict[str, list[float]]):
    def _stand_still(copied: int, _: int) -> None:
        if copied == 500:
            update = VectorIndex.get_pymongo_collection().update_many({}, {"$set": {"lease_until": None}})
            mongo.run(update)
            assert reindex.rebuild(vectors) == reindex.Rebuilt(done=True, vectors=1200)

    with pytest.raises(ServiceUnavailableError, match="another one took over"):
        reindex.rebuild(vectors, on_progress=_stand_still)

    assert vectors.ids() == library.keys()
    assert collections(vectors) == [vectors.names.active]


def test_work_goes_on_during_a_rebuild(vectors: Vectors, library: dict[str, list[float]]):
    """New contents are stored and others removed at each page, by another thread."""
    added: dict[str, list[float]] = {}
    removed: set[str] = set()

    def _work(copied: int) -> None:
        rows = analyse(*range(10_000 + copied, 10_100 + copied))
        vectors.upsert(rows)
        added.update(rows)
        gone = set(list(library)[copied % 1200 :: 100]) - removed
        mongo.run(Analysis.get_pymongo_collection().delete_many({"_id": {"$in": list(gone)}}))
        vectors.remove(list(gone))
        removed.update(gone)

    def _elsewhere(copied: int, _: int) -> None:
        worker = threading.Thread(target=_work, args=(copied,))
        worker.start()
        worker.join()

    reindex.rebuild(vectors, on_progress=_elsewhere)

    assert len(added) >= 300
    assert vectors.ids() == (library.keys() | added.keys()) - removed
    assert reindex.compare(vectors).state == "complete"


def test_what_was_read_before_the_rebuild_took_over_is_stored_in_the_new_one(
    vectors: Vectors, library: dict[str, list[float]]
):
    """A `store` step that is about to write while the collections change."""
    rows = analyse(7000)
    stale = vectors.names
    reindex.rebuild(vectors)

    assert stale.active not in collections(vectors)
    vectors.upsert(rows)

    assert vectors.ids() == library.keys() | rows.keys()
    assert collections(vectors) == [vectors.names.active]


def test_the_workers_rebuild_what_is_missing_by_themselves(vectors: Vectors, library: dict[str, list[float]]):
    vectors.chroma.remove(vectors.first, list(library)[:100])

    reindex.tend(vectors)

    assert vectors.ids() == library.keys()


@pytest.mark.usefixtures("library")
def test_the_workers_leave_alone_what_is_complete(vectors: Vectors):
    reindex.tend(vectors)

    assert collections(vectors) == [vectors.first]
    assert (state(vectors).faults, state(vectors).in_vain) == (0, False)


def test_the_workers_compare_once_in_a_while(vectors: Vectors, library: dict[str, list[float]]):
    reindex.tend(vectors)
    vectors.chroma.drop(vectors.first)
    reindex.tend(vectors)

    assert collections(vectors) == []
    let_check_be_due()
    reindex.tend(vectors)
    assert vectors.ids() == library.keys()


def test_the_workers_rebuild_what_cannot_be_read_twice_in_a_row(vectors: Vectors, library: dict[str, list[float]]):
    vectors.upsert({key: vector(9000) for key in library})

    reindex.tend(vectors)
    assert state(vectors).faults == 1
    assert collections(vectors) == [vectors.first]
    let_check_be_due()
    reindex.tend(vectors)

    assert reindex.compare(vectors).state == "complete"
    assert state(vectors).faults == 0


@pytest.mark.usefixtures("library")
def test_the_workers_do_not_rebuild_for_ever_what_rebuilding_does_not_mend(vectors: Vectors):
    def _lose() -> str:
        let_check_be_due()
        vectors.chroma.drop(vectors.names.active)
        reindex.tend(vectors)
        return vectors.names.active

    first = _lose()
    second = _lose()

    assert first != vectors.first
    assert second == first
    let_check_be_due()
    reindex.rebuild(vectors)
    reindex.tend(vectors)  # found complete
    assert _lose() != first


@pytest.mark.usefixtures("library")
def test_the_workers_go_on_with_a_rebuild_that_was_begun(vectors: Vectors):
    reindex.rebuild(vectors, seconds=0.0)

    reindex.tend(vectors)

    assert vectors.names.building is None
    assert collections(vectors) == [vectors.names.active] != [vectors.first]


def test_a_vector_that_chroma_refuses_keeps_nothing_from_being_rebuilt(
    vectors: Vectors, library: dict[str, list[float]]
):
    last = max(library)
    results.update_analyses({last: {"vector": [1.0, 2.0]}})

    assert reindex.rebuild(vectors) == reindex.Rebuilt(done=True, vectors=1199)
    assert vectors.ids() == library.keys() - {last}
    # The next batch stores it anew, and says why that fails.
    assert "store" not in results.progress_of([last])[last]["versions"]
    assert reindex.compare(vectors).state == "complete"


def test_a_chroma_that_refuses_everything_does_not_tell_the_record_that_nothing_is_stored(
    vectors: Vectors, library: dict[str, list[float]]
):
    """Damage that looks like a refusal: the new collection takes vectors of another length only."""
    reindex.rebuild(vectors, seconds=0.0)
    building = vectors.names.building
    assert building is not None
    vectors.chroma.drop(building)
    vectors.chroma.create(building)
    vectors.chroma.upsert(building, {"other": [1.0, 2.0]})

    with pytest.raises(IndexDamagedError, match="refuses all vectors"):
        reindex.rebuild(vectors)

    assert vector_index.stored(VERSION) == len(library)
