"""The private Chroma gives the same answers as Chroma's own server, which has the same engine."""

import base64
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.chroma import COLLECTIONS, answers, client, own_server

pytestmark = pytest.mark.services

SOUND = {"name": "sound", "get_or_create": True, "configuration": {"hnsw": {"space": "cosine"}}}
BASE64 = [base64.b64encode(np.array(vector, dtype="<f4").tobytes()).decode() for vector in ([1, 0.5], [0, 2])]
REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("POST", "/{id}/upsert", {"ids": ["a", "b"], "embeddings": [[1.0, 0.25], [0.0, 1.0]]}),
    ("POST", "/{id}/upsert", {"ids": ["b", "c"], "embeddings": BASE64}),
    ("POST", "/{id}/upsert", {"ids": ["a"], "embeddings": [[0.5, 0.5]], "metadatas": [{"bpm": 120}]}),
    ("GET", "/{id}/count", None),
    ("GET", "/{id}/count?read_level=index_and_wal", None),
    ("POST", "/{id}/get", {"include": ["embeddings", "metadatas"]}),
    ("POST", "/{id}/get", {"ids": ["c"], "include": []}),
    ("POST", "/{id}/get", {"limit": 1, "offset": 1, "include": []}),
    ("POST", "/{id}/get", {"where": {"bpm": {"$gt": 100}}}),
    ("POST", "/{id}/query", {"query_embeddings": [[1.0, 0.0]], "n_results": 2, "include": ["distances"]}),
    ("POST", "/{id}/query", {"query_embeddings": [[1.0, 0.0]], "ids": ["b"], "include": ["embeddings"]}),
    ("POST", "/{id}/upsert", {"ids": ["d"], "embeddings": [[1.0, 0.0, 0.0]]}),
    ("POST", "/{id}/upsert", {"ids": ["d", "e"], "embeddings": [[1.0, 0.0]]}),
    ("POST", "/{id}/delete", {"ids": ["a", "none"]}),
    ("POST", "/{id}/delete", {"where": {"bpm": 1}}),
    ("GET", "/sound", None),
    ("GET", "/none", None),
    ("POST", "", {"name": "x", "get_or_create": True}),
    ("DELETE", "/sound", None),
    ("DELETE", "/sound", None),
    ("POST", "/{id}/upsert", {"ids": ["a"], "embeddings": [[1.0, 0.0]]}),
]


@contextmanager
def served(folder: Path) -> Generator[tuple[str, "subprocess.Popen[bytes]"]]:
    data, place = folder / "data", folder / "chroma.sock"
    data.mkdir(exist_ok=True)
    command = [sys.executable, "-P", "-m", "samplemind_worker.chroma_server", "--path", data, "--socket", place]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    url = f"unix://{place}"
    try:
        deadline = time.monotonic() + 60.0
        while not answers(url):
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)
        yield url, process
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture
def server(tmp_path: Path) -> Generator[str]:
    with served(tmp_path) as (url, _):
        yield url


def conversation(url: str) -> list[Any]:
    """Send the same requests to a Chroma, and return its answers without the random ids of collections."""
    said: list[tuple[str, int, object]] = []
    with client(url) as chroma:
        key = chroma.post(COLLECTIONS, json=SOUND).json()["id"]
        for method, path, body in REQUESTS:
            reply = chroma.request(method, COLLECTIONS + path.format(id=key), json=body)
            content = reply.json()
            if reply.is_error:
                del content["message"]  # worded a little differently
            said.append((f"{method} {path} {body}", reply.status_code, content))
        limits = chroma.get("/api/v2/pre-flight-checks")
        said.append(("limits", limits.status_code, limits.json()))
    # One server writes all digits of a float32, the other only those that distinguish it from its neighbours.
    return json.loads(json.dumps(said).replace(key, "ID"), parse_float=lambda text: round(float(text), 6))


def test_the_private_chroma_answers_as_chromas_own_server(server: str, tmp_path: Path):
    with own_server(tmp_path / "own") as url:
        expected = conversation(url)

    assert conversation(server) == expected


def test_only_its_owner_can_open_the_socket(server: str):
    assert Path(server.removeprefix("unix://")).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", f"{COLLECTIONS}", b"no json", 400),
        ("POST", f"{COLLECTIONS}", b"[]", 400),
        ("POST", f"{COLLECTIONS}", b"{}", 400),
        ("GET", "/api/v2/elsewhere", b"", 404),
        ("POST", "/api/v2/reset", b"", 404),
    ],
)
def test_what_it_does_not_understand_is_refused(server: str, method: str, path: str, content: bytes, status: int):
    with client(server) as chroma:
        reply = chroma.request(method, path, content=content)
        assert (reply.status_code, reply.json()["error"]) == (status, "InvalidArgumentError")
        assert chroma.get("/api/v2/heartbeat").is_success


def test_many_collections_are_found_again(server: str):
    asked = {"query_embeddings": [[1.0, 0.0]], "n_results": 1, "include": []}
    with client(server) as chroma:
        keys = [chroma.post(COLLECTIONS, json=SOUND | {"name": f"sound-{n}"}).json()["id"] for n in range(100)]
        for key in keys:
            chroma.post(f"{COLLECTIONS}/{key}/upsert", json={"ids": ["a"], "embeddings": [[1.0, 0.0]]})
        for key in keys * 2:
            assert chroma.post(f"{COLLECTIONS}/{key}/query", json=asked).json()["ids"] == [["a"]]


def test_a_body_that_is_too_large_is_not_read(server: str):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(server.removeprefix("unix://"))
        connection.sendall(f"POST {COLLECTIONS} HTTP/1.1\r\nContent-Length: {2**40}\r\n\r\n".encode())
        assert connection.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 413"


def test_a_long_request_holds_up_no_other(server: str):
    vectors = np.random.default_rng(0).normal(size=(4000, 64)).astype("<f4")
    body = {
        "ids": [str(number) for number in range(len(vectors))],
        "embeddings": [base64.b64encode(vector.tobytes()).decode() for vector in vectors],
    }
    with client(server) as chroma, client(server) as other, ThreadPoolExecutor(1) as pool:
        key = chroma.post(COLLECTIONS, json=SOUND).json()["id"]
        storing = pool.submit(chroma.post, f"{COLLECTIONS}/{key}/upsert", json=body, timeout=60.0)
        answered = 0
        while not storing.done():
            other.get("/api/v2/heartbeat").raise_for_status()
            answered += 1
        assert storing.result().is_success
    assert answered > 1


def test_it_ends_when_told_and_keeps_what_it_took(tmp_path: Path):
    with served(tmp_path) as (url, process), client(url) as chroma:
        key = chroma.post(COLLECTIONS, json=SOUND).json()["id"]
        chroma.post(f"{COLLECTIONS}/{key}/upsert", json={"ids": ["a"], "embeddings": [[1.0, 0.0]]}).raise_for_status()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        assert not answers(url)
    (tmp_path / "chroma.sock").unlink()

    with served(tmp_path) as (url, _), client(url) as chroma:
        assert chroma.get(f"{COLLECTIONS}/{key}/count").json() == 1


def test_it_starts_again_where_it_was_killed(tmp_path: Path):
    with served(tmp_path) as (_, process):
        process.kill()
        process.wait()
        assert (tmp_path / "chroma.sock").exists()

        with served(tmp_path) as (url, _):
            assert answers(url)
