"""Vectors in a real Chroma."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

from samplemind_worker.errors import IndexMissingError, InternalError, ServiceUnavailableError, SetupError
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store.chroma import Chroma
from samplemind_worker.store.vectors import Vectors
from tests.factories import content_id

pytestmark = pytest.mark.services

EAST, NORTH, WEST = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]


@pytest.fixture
def database(workspace: Workspace) -> str:
    """The name of this test's database, whose record is open."""
    return workspace.settings.database


@pytest.fixture
def vectors(chroma: str, database: str) -> Iterator[Vectors]:
    with Vectors(chroma, database=database, version=1, guarded=True) as made:
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


def test_what_was_never_stored_is_missing(vectors: Vectors):
    for call in (lambda: vectors.nearest(EAST, limit=5), vectors.count, vectors.ids, lambda: vectors.present(["a"])):
        with pytest.raises(IndexMissingError, match="Chroma does not have it"):
            call()


def test_removed_vectors_are_not_found(vectors: Vectors):
    vectors.remove(["a"])
    vectors.upsert({"a": EAST, "b": NORTH, "c": WEST})

    vectors.remove(["a", "c", "unknown"])

    assert (vectors.count(), vectors.ids(), vectors.present(["a", "b"])) == (1, {"b"}, {"b"})
    assert [key for key, _ in vectors.nearest(EAST, limit=5)] == ["b"]


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


def test_vectors_are_stored_though_the_server_lost_the_collection(chroma: str, vectors: Vectors):
    vectors.upsert({"a": EAST})
    with Chroma(chroma) as another:
        another.drop(vectors.first)

    vectors.upsert({"b": NORTH})

    assert vectors.ids() == {"b"}


def test_a_server_that_is_away_says_so():
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        nobody = Chroma(f"http://127.0.0.1:{taken.getsockname()[1]}")

        for call in (lambda: nobody.upsert("any", {"a": EAST}), lambda: nobody.count("any"), nobody.collections):
            with pytest.raises(ServiceUnavailableError, match="Chroma does not answer"):
                call()


def test_a_server_that_takes_connections_and_never_answers_holds_nobody():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"

        with (
            Chroma(url, seconds=0.2) as chroma,
            pytest.raises(ServiceUnavailableError, match="Chroma does not answer: timed out"),
        ):
            chroma.upsert("any", {"a": EAST})


def test_a_server_on_a_unix_socket_is_asked_there(tmp_path: Path):
    path = tmp_path / "a socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def _answer() -> None:
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(1000).partition(b"\r\n")[0])
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        asked: list[bytes] = []
        server = threading.Thread(target=_answer)
        server.start()
        with Chroma(f"unix://{quote(str(path))}") as chroma:
            chroma.require()
        server.join()

    assert asked == [b"GET /api/v2/heartbeat HTTP/1.1"]


@pytest.mark.parametrize("url", ["localhost", "127.0.0.1:8000", "http://host:port", "ftp://host:1", "unix:", ""])
def test_what_is_no_url_is_said(url: str):
    with pytest.raises(SetupError, match="SAMPLEMIND_CHROMA_URL is no URL"):
        Chroma(url).count("any")


def test_what_chroma_will_never_take_is_no_outage(vectors: Vectors):
    vectors.upsert({"a": EAST})

    for _ in range(5):  # more than the failures after which a server is left in peace
        with pytest.raises(InternalError, match="Chroma refuses"):
            vectors.upsert({"b": [1.0, 0.0]})
    vectors.upsert({"c": NORTH})

    assert vectors.ids() == {"a", "c"}


def test_a_number_that_json_does_not_have_is_refused(vectors: Vectors):
    with pytest.raises(InternalError, match="Chroma refuses"):
        vectors.upsert({"a": [float("nan"), 0.0, 0.0]})


def test_a_server_that_failed_is_asked_nothing_for_a_while():
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        nobody = Chroma(f"http://127.0.0.1:{taken.getsockname()[1]}", guarded=True)
        said: list[str] = []
        for _ in range(4):
            with pytest.raises(ServiceUnavailableError) as error:
                nobody.upsert("any", {"a": EAST})
            said.append(str(error.value))

    assert ["it failed a moment ago" in line for line in said] == [False, False, False, True]
