"""The rate limits of providers, with a real Redis."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from redis import Redis

from config.ai import Rates
from config.settings import Settings
from samplemind_worker.store.limits import Busy, Limiter

pytestmark = pytest.mark.services

ROOT = Path(__file__).parents[2]
PROCESSES, CALLS_EACH = 8, 4
ALLOWED, MINUTE = 10, 3

ASK = """
import sys, time, urllib.request
from config.ai import Rates
from samplemind_worker.store.limits import Limiter

redis_url, server, count, allowed, minute = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
limiter = Limiter(redis_url, "kits", minute=minute)
sys.stdin.read(1)
for _ in range(count):
    assert limiter.acquire("p:m", Rates(requests_a_minute=allowed), tokens=1, until=time.monotonic() + 100) is None
    urllib.request.urlopen(server).read()
"""


@pytest.fixture
def url(settings: Settings) -> str:
    assert settings.redis_url is not None
    return settings.redis_url.get_secret_value()


@pytest.fixture
def limiter(url: str) -> Iterator[Limiter]:
    made = Limiter(url, "kits", minute=1)
    yield made
    made.close()


def now() -> float:
    return time.monotonic()


class Times(BaseHTTPRequestHandler):
    """Logs the time of each request."""

    seen: list[float]

    def do_GET(self) -> None:
        self.seen.append(now())
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, list[float]]]:
    times: list[float] = []
    handler = type("Handler", (Times,), {"seen": times})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as made:
        made.daemon_threads = True
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}/", times
        made.shutdown()
        thread.join()


def test_eight_processes_share_one_limit_in_any_window(url: str, server: tuple[str, list[float]]):
    address, times = server
    command = [sys.executable, "-c", ASK, url, address, str(CALLS_EACH), str(ALLOWED), str(MINUTE)]
    processes = [subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) for _ in range(PROCESSES)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b".")
        process.stdin.close()

    assert [process.wait() for process in processes] == [0] * PROCESSES
    seen = sorted(times)
    most = max(sum(start <= other < start + MINUTE for other in seen) for start in seen)
    assert len(seen) == PROCESSES * CALLS_EACH
    assert most == ALLOWED


def test_a_window_moves(limiter: Limiter):
    rates = Rates(requests_a_minute=2)

    times: list[float] = []
    for _ in range(5):
        assert limiter.acquire("p:m", rates, tokens=1, until=now() + 60) is None
        times.append(now())

    # The first and the last of any three in a row lie a minute (here: a second) apart.
    assert [later - earlier >= 1.0 for earlier, later in zip(times, times[2:], strict=False)] == [True] * 3


def test_whoever_cannot_wait_hears_at_once_for_how_long(limiter: Limiter):
    rates = Rates(requests_a_minute=1)
    assert limiter.acquire("p:m", rates, tokens=1, until=now()) is None

    busy = limiter.acquire("p:m", rates, tokens=1, until=now())

    assert busy is not None
    assert busy.reason == "rate: its 1 requests a minute are used up"
    assert 0 < busy.seconds <= 3.0


def test_each_model_has_limits_of_its_own(limiter: Limiter):
    rates = Rates(requests_a_minute=1)

    assert [limiter.acquire(name, rates, tokens=1, until=now()) for name in ("p:m", "p:n", "q:m")] == [None] * 3


def test_requests_a_day_are_not_waited_for_and_use_up_no_minute(limiter: Limiter):
    day = Rates(requests_a_minute=100, requests_a_day=3)
    assert [limiter.acquire("p:m", day, tokens=1, until=now()) for _ in range(3)] == [None] * 3

    busy = limiter.acquire("p:m", day, tokens=1, until=now() + 600)

    assert busy is not None
    assert busy.reason == "rate: its 3 requests a day are used up"
    assert busy.seconds > 80_000


def test_tokens_of_a_minute_are_shared_out(limiter: Limiter):
    rates = Rates(tokens_a_minute=30_000)

    granted = [limiter.acquire("p:m", rates, tokens=8_000, until=now()) is None for _ in range(5)]

    assert granted == [True, True, True, False, False]


def test_a_request_larger_than_a_minutes_tokens_goes_when_nothing_else_did(limiter: Limiter):
    rates = Rates(tokens_a_minute=30_000)

    assert limiter.acquire("p:m", rates, tokens=100_000, until=now()) is None
    assert isinstance(limiter.acquire("p:m", rates, tokens=1, until=now()), Busy)


def test_another_deployment_has_limits_of_its_own(limiter: Limiter, url: str):
    limiter.hold("p:m", seconds=60, reason="setup: a wrong key")
    other = Limiter(url, "loops")

    assert other.held("p:m") is None
    other.close()


def test_all_workers_hold_back_when_one_is_told_to(limiter: Limiter, url: str):
    other = Limiter(url, "kits")

    assert limiter.hold("p:m", seconds=0.6, reason="rate: it asked") is True
    assert other.hold("p:m", seconds=0.1, reason="rate: it asked") is False
    began = now()
    held = other.held("p:m")
    assert held is not None
    assert held.reason == "rate: it asked"
    assert 0.3 < held.seconds <= 0.6
    assert other.held("p:n") is None
    assert other.acquire("p:m", Rates(), tokens=1, until=now() + 10) is None
    assert now() - began >= 0.3
    other.close()


def test_a_longer_pause_wins(limiter: Limiter):
    limiter.hold("p:m", seconds=1, reason="rate: it asked")
    limiter.hold("p:m", seconds=100, reason="rate: it asked")
    limiter.hold("p:m", seconds=2, reason="rate: it asked")

    held = limiter.held("p:m")
    assert held is not None
    assert held.seconds > 90


def test_without_redis_a_worker_keeps_the_limits_for_itself(tmp_path: Path):
    alone = Limiter(f"unix://{tmp_path}/nowhere.sock", "kits", minute=1)
    rates = Rates(requests_a_minute=2)

    assert [alone.acquire("p:m", rates, tokens=1, until=now()) is None for _ in range(3)] == [True, True, False]
    assert alone.hold("p:n", seconds=30, reason="rate: it asked") is True
    assert alone.held("p:n") is not None
    assert alone.held("p:m") is None


def test_an_emptied_redis_is_no_fault(limiter: Limiter, url: str):
    rates = Rates(requests_a_minute=1)
    limiter.acquire("p:m", rates, tokens=1, until=now())
    with Redis.from_url(url) as client:
        client.flushall()
        client.script_flush()

    assert limiter.acquire("p:m", rates, tokens=1, until=now()) is None
