"""Values that all workers together fetch once, with a real Redis."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from config.settings import Settings
from samplemind_worker.store.cache import Cache, redis_cache

pytestmark = pytest.mark.services

ROOT = Path(__file__).parents[2]
WORKERS = 6
PATIENCE = 20.0

FETCH = """
import sys, time
from pathlib import Path
from samplemind_worker.store.cache import Cache, redis_cache

@redis_cache(ttl=60, key_prefix="t")
def fetched(wanted):
    Path(sys.argv[2]).open("a").write("".join(f"{key}\\n" for key in wanted))
    time.sleep(1.0)
    yield {key: key.upper() for key in wanted}

cache = Cache(sys.argv[1])
sys.stdin.read(1)
assert fetched(cache, {"a": 1, "b": 2, "c": 3}, 20.0) == {"a": "A", "b": "B", "c": "C"}
"""


@pytest.fixture
def url(settings: Settings) -> str:
    assert settings.redis_url is not None
    return settings.redis_url.get_secret_value()


@pytest.fixture
def cache(url: str) -> Iterator[Cache]:
    made = Cache(url)
    yield made
    made.close()


@pytest.fixture
def redis(url: str) -> Iterator[Redis]:
    with Redis.from_url(url) as client:
        yield client


class Source:
    """A slow source that counts the keys it is asked for, and lacks those that begin with x."""

    def __init__(self, seconds: float = 0.0, lot: int = 100) -> None:
        self.asked: list[list[str]] = []
        self.seconds = seconds
        self.lot = lot

    def __call__(self, wanted: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        keys = list(wanted)
        for at in range(0, len(keys), self.lot):
            lot = keys[at : at + self.lot]
            self.asked.append(lot)
            time.sleep(self.seconds)
            yield {key: {"of": wanted[key]} for key in lot if not key.startswith("x")}


def cached(source: Source, ttl: float = 60.0) -> Any:
    @redis_cache(ttl=ttl, key_prefix="t")
    def fetched(wanted: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        yield from source(wanted)

    return fetched


def test_what_is_there_is_not_fetched(cache: Cache):
    source = Source()
    fetched = cached(source)

    first = fetched(cache, {"a": 1, "b": 2}, 0.0)
    second = fetched(cache, {"b": 5, "c": 3, "a": 1}, 0.0)

    assert first == {"a": {"of": 1}, "b": {"of": 2}}
    assert second == {"a": {"of": 1}, "b": {"of": 2}, "c": {"of": 3}}
    assert source.asked == [["a", "b"], ["c"]]


def test_another_worker_finds_it_for_as_long_as_it_is_kept(cache: Cache, url: str, redis: Redis):
    source = Source()
    cached(source)(cache, {"a": 1}, 0.0)

    other = Cache(url)
    assert cached(source)(other, {"a": 1}, 0.0) == {"a": {"of": 1}}
    assert source.asked == [["a"]]
    assert 55 < redis.ttl("t:a") <= 60
    assert redis.keys() == [b"t:a"]
    other.close()


def test_what_nobody_has_is_left_out_and_asked_for_again_next_time(cache: Cache):
    source = Source()
    fetched = cached(source)

    assert fetched(cache, {"x": 1, "a": 2}, PATIENCE) == {"a": {"of": 2}}
    assert fetched(cache, {"x": 1, "a": 2}, PATIENCE) == {"a": {"of": 2}}
    assert source.asked == [["x", "a"], ["x"]]


def test_each_lot_is_kept_before_the_next(cache: Cache, url: str):
    source = Source(lot=2)

    def _failing(wanted: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        lots = source(wanted)
        yield next(lots)
        raise ConnectionError("killed")

    fetched = redis_cache(ttl=60, key_prefix="t")(_failing)
    with pytest.raises(ConnectionError, match="killed"):
        fetched(cache, {"a": 1, "b": 2, "c": 3}, 0.0)

    other = Cache(url)
    assert cached(source)(other, {"a": 1, "b": 2, "c": 3}, 0.0) == {"a": {"of": 1}, "b": {"of": 2}, "c": {"of": 3}}
    assert source.asked == [["a", "b"], ["c"]]
    other.close()


def test_a_stampede_of_processes_makes_one_call(url: str, tmp_path: Path):
    log = tmp_path / "asked"
    command = [sys.executable, "-c", FETCH, url, str(log)]
    processes = [subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) for _ in range(WORKERS)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b".")
        process.stdin.close()

    assert [process.wait() for process in processes] == [0] * WORKERS
    assert sorted(log.read_text().split()) == ["a", "b", "c"]


def test_threads_that_want_some_of_the_same_share_the_work(cache: Cache):
    source = Source(seconds=0.2)
    fetched = cached(source)
    wants = [{letter: letter for letter in letters} for letters in ("abc", "bcd", "cde", "aed")]

    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda wanted: fetched(cache, wanted, PATIENCE), wants))

    assert [set(each) for each in got] == [set(wanted) for wanted in wants]
    assert sorted(key for lot in source.asked for key in lot) == ["a", "b", "c", "d", "e"]


def test_who_dies_while_fetching_is_followed_by_another_when_the_lease_ends(url: str):
    first, second = Cache(url, lease=0.5), Cache(url, lease=0.5)
    token = first._take(["t:a"], b"dead")  # noqa: SLF001 -- a worker that was killed while it held the key
    source = Source()

    assert token == ["t:a"]
    assert cached(source)(second, {"a": 1}, PATIENCE) == {"a": {"of": 1}}
    assert source.asked == [["a"]]


def test_a_slow_fetch_keeps_its_lease(url: str):
    first, second = Cache(url, lease=0.3), Cache(url, lease=0.3)
    slow, other = Source(seconds=1.5), Source()
    thread = threading.Thread(target=cached(slow), args=(first, {"a": 1}, 0.0))
    thread.start()
    while not slow.asked:
        time.sleep(0.01)

    assert cached(other)(second, {"a": 1}, PATIENCE) == {"a": {"of": 1}}
    thread.join()
    assert (slow.asked, other.asked) == ([["a"]], [])


def test_who_will_not_wait_goes_without(url: str):
    first, second = Cache(url), Cache(url)
    slow, other = Source(seconds=1.0), Source()
    thread = threading.Thread(target=cached(slow), args=(first, {"a": 1}, 0.0))
    thread.start()
    while not slow.asked:
        time.sleep(0.01)

    assert cached(other)(second, {"a": 1, "b": 2}, 0.0) == {"b": {"of": 2}}
    thread.join()
    assert other.asked == [["b"]]


def test_without_redis_each_worker_asks_once(tmp_path: Path):
    source = Source(seconds=0.2)
    fetched = cached(source)
    alone = Cache(f"unix://{tmp_path}/nowhere.sock")

    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda _: fetched(alone, {"a": 1}, PATIENCE), range(4)))

    assert got == [{"a": {"of": 1}}] * 4
    assert fetched(alone, {"a": 1}, 0.0) == {"a": {"of": 1}}
    assert source.asked == [["a"]]


def test_a_redis_that_was_emptied_costs_this_worker_nothing(cache: Cache, redis: Redis):
    source = Source()
    cached(source)(cache, {"a": 1}, 0.0)
    redis.flushall()

    assert cached(source)(cache, {"a": 1}, 0.0) == {"a": {"of": 1}}
    assert source.asked == [["a"]]
