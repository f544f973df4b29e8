"""Redis beside the queue: which workers take work, and how much waits. Nothing here is the record."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import redis
from redis.exceptions import RedisError

from samplemind_worker.errors import ServiceUnavailableError, SetupError

_PREFIX = "samplemind:worker:"
_TURN = "samplemind:dispatched"
_EXPIRES = 30  # s without a sign of life
_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class WorkerSign:
    """A worker's sign of life."""

    name: str
    host: str
    queues: tuple[str, ...]
    slots: int


class Board:
    """The notice board in Redis."""

    def __init__(self, url: str) -> None:
        try:
            self._redis = redis.Redis.from_url(
                url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT, health_check_interval=10
            )
        except ValueError:
            # Without the parser's words, which may quote the password; also in a traceback.
            raise SetupError(
                "SAMPLEMIND_REDIS_URL is no URL of Redis: wanted redis://[:password@]host[:port][/number], "
                "rediss:// or unix://"
            ) from None

    def announce(self, sign: WorkerSign) -> None:
        """Say that a worker takes work; forgotten after 30 s without another sign."""
        body = orjson.dumps({"host": sign.host, "queues": sign.queues, "slots": sign.slots})
        self._call(lambda: self._redis.set(_PREFIX + sign.name, body, ex=_EXPIRES))

    def withdraw(self, name: str) -> None:
        """Say that a worker takes no more work."""
        self._call(lambda: self._redis.delete(_PREFIX + name))

    def workers(self) -> list[WorkerSign]:
        """Return the workers that gave a sign of life within 30 s."""

        def _read() -> list[WorkerSign]:
            keys = list(self._redis.scan_iter(match=_PREFIX + "*", count=1000))
            found: list[WorkerSign] = []
            for key, body in zip(keys, self._redis.mget(keys) if keys else [], strict=True):
                if body is not None:
                    sign = orjson.loads(body)
                    name = key.decode().removeprefix(_PREFIX)
                    found.append(WorkerSign(name, sign["host"], tuple(sign["queues"]), sign["slots"]))
            return found

        return self._call(_read)

    def take_turn(self, seconds: float) -> bool:
        """Whether this is the first to dispatch within so many seconds: of a backlog of dispatches one will do."""
        return bool(self._call(lambda: self._redis.set(_TURN, b"", nx=True, px=max(1, int(seconds * 1000)))))

    def depth(self, queue: str) -> int:
        """Return how many messages wait in a queue."""
        return self._call(lambda: self._redis.llen(queue))

    def ping(self) -> None:
        """Ask for a sign of life."""
        self._call(self._redis.ping)

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    @staticmethod
    def _call(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except RedisError as error:
            raise ServiceUnavailableError(f"Redis does not answer: {error}") from error
