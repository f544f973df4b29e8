"""Flower as `samplemind flower` starts it, before real services."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import httpx
import pytest
from redis import Redis

from config.settings import Settings
from samplemind_worker.app import create_app

pytestmark = pytest.mark.services

PASSWORD = "a secret, with: marks"  # noqa: S105 -- made for these tests


@pytest.fixture
def flower(services: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a Flower that was started in a folder with a `config` and a `samplemind_worker` of its own."""
    for name in ("config.py", "samplemind_worker.py"):
        (tmp_path / name).write_text("raise SystemExit('a stranger was imported')")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    assert services.redis_url is not None
    environment = {
        **os.environ,
        "SAMPLEMIND_REDIS_URL": services.redis_url.get_secret_value(),
        # It opens only the queue.
        "SAMPLEMIND_MONGODB_URL": "",
        "SAMPLEMIND_CHROMA_URL": "",
        "SAMPLEMIND_HOME": str(tmp_path / "home"),
        "SAMPLEMIND_FLOWER_PASSWORD": PASSWORD,
        "SAMPLEMIND_FLOWER_PORT": str(port),
    }
    command = [str(Path(sys.executable).with_name("samplemind")), "flower"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    monkeypatch.setenv("SAMPLEMIND_FLOWER_PORT", str(port))
    monkeypatch.setenv("SAMPLEMIND_FLOWER_PASSWORD", PASSWORD)
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60.0
    while not answers(url):
        assert process.poll() is None, "Flower ended"
        assert time.monotonic() < deadline, "Flower does not answer"
        time.sleep(0.2)
    yield url
    process.terminate()
    process.wait(timeout=20)


def answers(url: str) -> bool:
    try:
        httpx.get(url)
    except httpx.TransportError:
        return False
    return True


def test_flower_answers_nothing_without_the_password(flower: str):
    paths = (
        "/", "/workers", "/worker/anybody", "/tasks", "/task/one", "/broker", "/login", "/logout", "/metrics",
        "/healthcheck", "/static/css/flower.css", "/api/workers", "/api/tasks", "/nothing", "//metrics", "/%6detrics",
    )  # fmt: skip
    given = ("", "Basic", "Basic c2FtcGxlbWluZDp3cm9uZw==", "Bearer x", "Basic \xff".encode("latin-1"))
    answered: list[tuple[str, str, object, int, str]] = []
    with httpx.Client(base_url=flower, timeout=30.0) as client:
        for method, path, credentials in product(("GET", "POST", "OPTIONS", "HEAD"), paths, given):
            reply = client.request(method, path, headers={"Authorization": credentials} if credentials else {})
            if reply.status_code != 401 or reply.text not in {"Access denied", ""}:
                answered.append((method, path, credentials, reply.status_code, reply.text))
    assert answered == []


def test_flower_shows_health_metrics_and_queues_with_the_password(flower: str, services: Settings):
    assert services.redis_url is not None
    with (
        Redis.from_url(services.redis_url.get_secret_value()) as redis,
        httpx.Client(base_url=flower, auth=("samplemind", PASSWORD), timeout=30.0) as client,
    ):
        redis.flushall()
        redis.lpush("samplemind:io", "one", "two", "three")
        reply = client.get("/api/queues/length")
        redis.delete("samplemind:io")
        pages = [client.get(path) for path in ("/", "/broker", "/static/css/flower.css", "/metrics", "/healthcheck")]

    assert [page.status_code for page in pages] == [200] * 5
    assert pages[-1].text == "OK"
    waiting = {queue["name"]: queue["messages"] for queue in reply.json()["active_queues"]}
    kinds = ("cpu", "io", "ai", "control")
    assert [waiting[f"samplemind:{kind}"] for kind in kinds] == [0, 3, 0, 0]


@pytest.mark.usefixtures("flower")
def test_the_health_check_knows_the_password(monkeypatch: pytest.MonkeyPatch):
    command = [sys.executable, "-m", "samplemind_worker.dashboard", "alive"]

    assert subprocess.run(command, check=False).returncode == 0
    monkeypatch.setenv("SAMPLEMIND_FLOWER_PASSWORD", "another")
    assert subprocess.run(command, check=False).returncode == 1


def test_a_page_of_a_worker_says_what_is_known_of_it(flower: str, services: Settings):
    name = "cpu-7@studio"
    with (
        create_app(services, role="beat") as app,
        httpx.Client(base_url=flower, auth=("samplemind", PASSWORD), timeout=30.0) as client,
        app.connection_for_write() as connection,
        app.events.Dispatcher(connection, hostname=name) as events,
    ):
        deadline = time.monotonic() + 60.0
        while (page := client.get(f"/worker/{name}")).status_code == 404:
            assert time.monotonic() < deadline, "Flower has not heard of the worker"
            events.send("worker-heartbeat", freq=2, active=3, processed=41, loadavg=[1.5, 1, 1], sw_ident="py-celery")
            time.sleep(0.2)
        unknown = client.get("/worker/nobody@nowhere")

    assert page.status_code == 200
    assert [text for text in (name, "<td>3</td>", "<td>41</td>", "remote control off") if text not in page.text] == []
    assert (unknown.status_code, "Unknown worker" in unknown.text) == (404, True)


def test_beat_needs_no_store_but_the_queue(services: Settings, tmp_path: Path):
    assert services.redis_url is not None
    environment = {
        **os.environ,
        "SAMPLEMIND_REDIS_URL": services.redis_url.get_secret_value(),
        "SAMPLEMIND_MONGODB_URL": "",
        "SAMPLEMIND_CHROMA_URL": "",
        "SAMPLEMIND_HOME": str(tmp_path / "home"),
        "SAMPLEMIND_DISPATCH_SECONDS": "1",
    }
    command = [str(Path(sys.executable).with_name("samplemind")), "beat"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60.0
        while not (tmp_path / "home" / "beat" / "published").exists():
            assert process.poll() is None, "beat ended"
            assert time.monotonic() < deadline, "beat has queued nothing"
            time.sleep(0.2)
    finally:
        process.terminate()
        process.wait(timeout=20)
