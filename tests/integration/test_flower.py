"""Flower as `samplemind flower` starts it, before real services."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from redis import Redis

from config.settings import Settings

pytestmark = pytest.mark.services


@pytest.fixture
def flower(services: Settings, tmp_path: Path) -> Iterator[str]:
    """The URL of a Flower that was started in a folder with a `config` and a `samplemind_worker` of its own."""
    for name in ("config.py", "samplemind_worker.py"):
        (tmp_path / name).write_text("raise SystemExit('a stranger was imported')")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    assert services.redis_url is not None
    assert services.mongodb_url is not None
    environment = {
        **os.environ,
        "SAMPLEMIND_REDIS_URL": services.redis_url.get_secret_value(),
        "SAMPLEMIND_MONGODB_URL": services.mongodb_url.get_secret_value(),
        "SAMPLEMIND_CHROMA_URL": services.chroma_url or "",
        "SAMPLEMIND_FLOWER_PASSWORD": "secret",
        "SAMPLEMIND_FLOWER_PORT": str(port),
    }
    command = [str(Path(sys.executable).with_name("samplemind")), "flower"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
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


def test_flower_asks_for_the_password_and_counts_the_queues(flower: str, services: Settings):
    assert services.redis_url is not None
    with Redis.from_url(services.redis_url.get_secret_value()) as redis:
        redis.flushall()
        redis.lpush("samplemind:io", "one", "two", "three")
        reply = httpx.get(f"{flower}/api/queues/length", auth=("samplemind", "secret"), timeout=30.0)
        redis.delete("samplemind:io")

    assert httpx.get(flower).status_code == 401
    waiting = {queue["name"]: queue["messages"] for queue in reply.json()["active_queues"]}
    kinds = ("cpu", "io", "ai", "control")
    assert [waiting[f"samplemind:{kind}"] for kind in kinds] == [0, 3, 0, 0]
