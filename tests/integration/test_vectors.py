"""Vectors in a real Chroma."""

import socket
from collections.abc import Iterator

import numpy as np
import pytest

from samplemind_worker.errors import InternalError, ServiceUnavailableError, SetupError
from samplemind_worker.store.vectors import Vectors
from tests.chroma import COLLECTIONS, client
from tests.factories import content_id

pytestmark = pytest.mark.services

EAST, NORTH, WEST = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """A name that no other test uses."""
    return "v" + content_id(request.node.name)[:12]


@pytest.fixture
def vectors(chroma: str, database: str) -> Iterator[Vectors]:
    with Vectors(chroma, database=database, version=1) as made:
        yield made


def test_nearest_are_ordered_by_cosine_distance(vectors: Vectors):
    vectors.upsert({"east": EAST, "north": NORTH, "west": WEST})

    found = vectors.nearest([2.0, 0.1, 0.0], limit=3)

    assert [key for key, _ in found] == ["east", "north", "west"]
    cosine = 2.0 / np.hypot(2.0, 0.1)
    assert [distance for _, distance in found] == pytest.approx(
        [1 - cosine, 1 - 0.1 / np.hypot(2.0, 0.1), 1 + cosine], abs=1e-5
    )


def test_nearest_gives_no_more_than_asked(vectors: Vectors):
    vectors.upsert({"east": EAST, "north": NORTH})

    assert [key for key, _ in vectors.nearest(EAST, limit=1)] == ["east"]
    assert [key for key, _ in vectors.nearest(EAST, limit=10)] == ["east", "north"]


def test_nearest_of_an_empty_collection_is_nothing(vectors: Vectors):
    assert vectors.nearest(EAST, limit=5) == []


def test_upsert_twice_is_one_vector_with_the_newest_values(vectors: Vectors):
    vectors.upsert({"a": EAST})
    vectors.upsert({"a": EAST})
    vectors.upsert({"a": NORTH})

    assert vectors.ids() == {"a"}
    assert vectors.nearest(NORTH, limit=5) == [("a", pytest.approx(0.0, abs=1e-6))]


def test_upsert_of_nothing_asks_nobody():
    Vectors("http://127.0.0.1:9", database="nowhere", version=1).upsert({})


def test_ids_go_on_past_a_page(vectors: Vectors):
    rng = np.random.default_rng(0)
    wanted = {content_id(number): rng.normal(size=3).tolist() for number in range(2100)}
    vectors.upsert(wanted)

    assert vectors.ids() == set(wanted)


def test_vectors_of_two_recipes_never_meet(chroma: str, database: str):
    with (
        Vectors(chroma, database=database, version=1) as first,
        Vectors(chroma, database=database, version=2) as second,
    ):
        first.upsert({"a": EAST})
        second.upsert({"b": [1.0, 0.0]})

        assert (first.ids(), second.ids()) == ({"a"}, {"b"})


def test_vectors_recover_when_the_server_lost_the_collection(chroma: str, database: str, vectors: Vectors):
    vectors.upsert({"a": EAST})
    with client(chroma) as asked:
        asked.delete(f"{COLLECTIONS}/{database}-sound-v1").raise_for_status()

    with pytest.raises(ServiceUnavailableError, match="Chroma does not answer"):
        vectors.upsert({"b": NORTH})
    vectors.upsert({"b": NORTH})

    assert vectors.ids() == {"b"}


def test_vectors_without_a_server_say_so():
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        vectors = Vectors(f"http://127.0.0.1:{taken.getsockname()[1]}", database="nowhere", version=1)

        for call in (lambda: vectors.upsert({"a": EAST}), lambda: vectors.nearest(EAST, limit=1), vectors.ids):
            with pytest.raises(ServiceUnavailableError, match="Chroma does not answer"):
                call()


def test_a_server_that_takes_connections_and_never_answers_holds_nobody():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"

        with (
            Vectors(url, database="nowhere", version=1, seconds=0.2) as vectors,
            pytest.raises(ServiceUnavailableError, match="Chroma does not answer: timed out"),
        ):
            vectors.upsert({"a": EAST})


def test_vectors_of_a_url_without_a_host_say_so():
    with pytest.raises(SetupError, match="SAMPLEMIND_CHROMA_URL is no URL"):
        Vectors("localhost", database="nowhere", version=1).ids()


def test_what_chroma_will_never_take_is_no_outage(vectors: Vectors):
    vectors.upsert({"a": EAST})

    for _ in range(5):  # more than the failures after which a server is left in peace
        with pytest.raises(InternalError, match="Chroma refuses"):
            vectors.upsert({"b": [1.0, 0.0]})
    vectors.upsert({"c": NORTH})

    assert vectors.ids() == {"a", "c"}


def test_a_server_that_failed_is_left_in_peace():
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        nobody = Vectors(f"http://127.0.0.1:{taken.getsockname()[1]}", database="nowhere", version=1)
        said: list[str] = []
        for _ in range(4):
            with pytest.raises(ServiceUnavailableError) as error:
                nobody.upsert({"a": EAST})
            said.append(str(error.value))

    assert ["it failed a moment ago" in line for line in said] == [False, False, False, True]
