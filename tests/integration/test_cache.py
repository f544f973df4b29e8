"""The workers' notice board in a real Redis."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from config.settings import Settings
from samplemind_worker.errors import ServiceUnavailableError
from samplemind_worker.store.cache import Board, WorkerSign

pytestmark = pytest.mark.services

CPU = WorkerSign("cpu-1@studio", "studio", ("cpu.studio", "cpu"), 8)
IO = WorkerSign("io-2@studio", "studio", ("control", "io", "ai"), 4, ("claude", "ollama"))


@pytest.fixture
def board(settings: Settings) -> Iterator[Board]:
    assert settings.redis_url is not None
    made = Board(settings.redis_url.get_secret_value(), "kits")
    yield made
    made.close()


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    assert settings.redis_url is not None
    with Redis.from_url(settings.redis_url.get_secret_value()) as client:
        yield client


def test_announced_workers_are_listed(board: Board):
    assert board.workers() == []

    board.announce(CPU)
    board.announce(IO)
    board.announce(CPU)

    assert sorted(board.workers(), key=lambda sign: sign.name) == [CPU, IO]


def test_a_sign_of_life_is_forgotten_after_half_a_minute(board: Board, redis: Redis):
    board.announce(CPU)
    (key,) = redis.keys()

    assert 25 <= redis.ttl(key) <= 30
    redis.pexpire(key, 1)
    while redis.exists(key):
        pass
    assert board.workers() == []


def test_another_sign_of_life_counts_anew(board: Board, redis: Redis):
    board.announce(CPU)
    (key,) = redis.keys()
    redis.expire(key, 2)

    board.announce(CPU)

    assert redis.ttl(key) >= 25


def test_withdrawn_workers_are_not_listed(board: Board):
    board.announce(CPU)
    board.announce(IO)

    board.withdraw(CPU.name)
    board.withdraw("nobody")

    assert board.workers() == [IO]


def test_depth_is_the_number_of_waiting_messages(board: Board, redis: Redis):
    assert board.depth("cpu") == 0

    redis.rpush("cpu", "a", "b")
    redis.rpush("io", "c")

    assert (board.depth("cpu"), board.depth("io"), board.depth("ai")) == (2, 1, 0)


def test_board_without_redis_says_so(tmp_path: Path):
    board = Board(f"unix://{tmp_path}/nowhere.sock", "kits")

    for call in (board.ping, board.workers, lambda: board.depth("cpu"), lambda: board.withdraw("x")):
        with pytest.raises(ServiceUnavailableError, match="Redis does not answer"):
            call()


def test_ping_of_a_redis_that_answers_is_silent(board: Board):
    assert board.ping() is None


def test_of_a_backlog_of_dispatches_one_takes_its_turn(board: Board):
    assert [board.take_turn(0.3) for _ in range(5)] == [True, False, False, False, False]

    time.sleep(0.35)
    assert board.take_turn(0.3) is True
