"""What Redis holds beside the queue: the workers' heartbeats, queue lengths, and cached replies of providers.

Redis may lose all of it at any time without harm to the record.
"""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import orjson
import redis
from loguru import logger
from redis.exceptions import RedisError

from config.task_names import WIRE
from samplemind_worker.errors import ServiceUnavailableError, SetupError
from samplemind_worker.metrics import counting
from samplemind_worker.metrics.definitions import REPLY_CACHE

_OLD_SIGNS = "samplemind:worker:"
"""Prefix of the heartbeats of the previous release, whose queue names had no prefix; the next release drops it."""
_EXPIRES = 30  # s after which a heartbeat is forgotten
_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class WorkerSign:
    """A worker's heartbeat."""

    name: str
    host: str
    queues: tuple[str, ...]
    slots: int
    providers: tuple[str, ...] = ()
    """Providers that it can ask for summaries."""
    wire: int = WIRE
    """The version of the messages that it reads and writes."""


class Board:
    """The notice board of one deployment in Redis."""

    def __init__(self, url: str, database: str) -> None:
        self._prefix = f"{database}:"
        self._signs = f"{self._prefix}sign:"
        try:
            self._redis = redis.Redis.from_url(
                url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT, health_check_interval=10
            )
        except ValueError:
            # The parser's message may quote the password, so it must not reach a traceback.
            raise SetupError(
                "SAMPLEMIND_REDIS_URL is no URL of Redis: wanted redis://[:password@]host[:port][/number], "
                "rediss:// or unix://"
            ) from None

    def announce(self, sign: WorkerSign) -> None:
        """Announce that a worker takes work; the announcement expires after 30 s."""
        body = orjson.dumps({name: value for name, value in asdict(sign).items() if name != "name"})
        self._call(lambda: self._redis.set(self._signs + sign.name, body, ex=_EXPIRES))

    def withdraw(self, name: str) -> None:
        """Announce that a worker takes no more work."""
        self._call(lambda: self._redis.delete(self._signs + name))

    def workers(self) -> list[WorkerSign]:
        """Return the workers whose last heartbeat is younger than 30 s."""

        def _read() -> list[WorkerSign]:
            keys = [
                key
                for prefix in (self._signs, _OLD_SIGNS)
                for key in self._redis.scan_iter(match=f"{prefix}*", count=1000)
            ]
            found: list[WorkerSign] = []
            for key, body in zip(keys, self._redis.mget(keys) if keys else [], strict=True):
                if body is not None:
                    sign = orjson.loads(body)
                    name = key.decode().removeprefix(self._signs).removeprefix(_OLD_SIGNS)
                    providers = tuple(sign.get("providers", ()))  # older versions do not name them
                    wire = sign.get("wire", 1)
                    found.append(WorkerSign(name, sign["host"], tuple(sign["queues"]), sign["slots"], providers, wire))
            return found

        return self._call(_read)

    def lack(self, host: str, root: str) -> None:
        """Record that a machine does not reach a root; expires after 30 s."""
        self._say("lacks", host, root)

    def reach(self, host: str, root: str) -> None:
        """Record that a machine reaches a root again."""
        self._call(lambda: self._redis.zrem(f"{self._prefix}lacks", orjson.dumps([host, root])))

    def lacks(self) -> set[tuple[str, str]]:
        """Return the pairs of machine and root where the machine does not reach the root."""
        return self._said("lacks")

    def complain(self, host: str, text: str) -> None:
        """Record what keeps the workers of a machine from working; expires after 30 s."""
        self._say("complaints", host, text)

    def complaints(self) -> set[tuple[str, str]]:
        """Return the pairs of machine and complaint."""
        return self._said("complaints")

    def _say(self, name: str, host: str, text: str) -> None:
        member = orjson.dumps([host, text])
        self._call(lambda: self._redis.zadd(f"{self._prefix}{name}", {member: self._now() + _EXPIRES}))

    def _said(self, name: str) -> set[tuple[str, str]]:
        def _read() -> set[tuple[str, str]]:
            key = f"{self._prefix}{name}"
            self._redis.zremrangebyscore(key, "-inf", self._now())
            found: Any = self._redis.zrange(key, 0, -1)
            return {(host, text) for host, text in map(orjson.loads, found)}

        return self._call(_read)

    def _now(self) -> int:
        clock: Any = self._redis.time()  # one clock for all machines
        return int(clock[0])

    def take_turn(self, seconds: float) -> bool:
        """Return whether this is the first dispatch within so many seconds; the rest of a backlog may be dropped."""
        turn = f"{self._prefix}dispatched"
        return bool(self._call(lambda: self._redis.set(turn, b"", nx=True, px=max(1, int(seconds * 1000)))))

    def depth(self, queue: str) -> int:
        """Return how many messages wait in a queue."""
        return self._call(lambda: self._redis.llen(queue))

    def ping(self) -> None:
        """Ask Redis whether it is alive; raises ServiceUnavailableError if not."""
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


_LEASE = 30.0  # s that a key is leased to the worker that fetches its value; renewed while it does
_POLL = 0.05  # s between two looks of the workers that wait for it
_REMEMBERED = 2000  # values that a process keeps in its own memory
_WARN_EVERY = 60.0

_FREE = """
for i = 1, #KEYS do if redis.call('get', KEYS[i]) == ARGV[1] then redis.call('del', KEYS[i]) end end
"""
_RENEW = """
for i = 1, #KEYS do if redis.call('get', KEYS[i]) == ARGV[1] then redis.call('pexpire', KEYS[i], ARGV[2]) end end
"""

T = TypeVar("T")
P = ParamSpec("P")
Fetch = Callable[Concatenate[Mapping[str, T], P], Iterator[Mapping[str, Any]]]
"""Yields values by key as they arrive; keys without a value are left out."""


class Cache:
    """Values by key in Redis, each fetched by one worker. Safe to use from several threads.

    Without Redis the values are kept in the memory of this process; no method raises an error of Redis.
    """

    def __init__(self, url: str, *, lease: float = _LEASE, timeout: float = 2.0) -> None:
        self._redis = redis.Redis.from_url(
            url, socket_timeout=timeout, socket_connect_timeout=timeout, health_check_interval=10
        )
        self._free, self._extend = self._redis.register_script(_FREE), self._redis.register_script(_RENEW)
        self._lease = lease
        self._lock = threading.Lock()
        self._remembered: OrderedDict[str, bytes] = OrderedDict()
        self._fetching: set[str] = set()
        self._warned = float("-inf")

    def read(self, keys: Collection[str]) -> dict[str, bytes]:
        """Return the cached values."""
        names = list(keys)
        if not names:
            return {}
        bodies = self._try(lambda: self._redis.mget(names), default=[None] * len(names))
        with self._lock:
            found = {name: body or self._remembered.get(name, b"") for name, body in zip(names, bodies, strict=True)}
        return {name: body for name, body in found.items() if body}

    def write(self, values: Mapping[str, bytes], *, ttl: float) -> None:
        """Cache values for so many seconds."""
        with self._lock:
            self._remembered.update(values)
            while len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)

        def _write() -> None:
            with self._redis.pipeline(transaction=False) as pipe:
                for key, body in values.items():
                    pipe.set(key, body, px=int(ttl * 1000))
                pipe.execute()

        if values:
            self._try(_write, default=None)

    @contextmanager
    def taken(self, keys: Collection[str]) -> Generator[list[str]]:
        """Lease the keys that no other worker fetches while the block runs; a lost lease ends by itself."""
        token = secrets.token_bytes(12)
        with self._lock:
            own = [key for key in keys if key not in self._fetching]
            self._fetching.update(own)
        mine = own
        ended = threading.Event()
        try:
            mine = self._try(lambda: self._take(own, token), default=own) if own else []
            if mine:
                threading.Thread(target=self._renew, args=(mine, token, ended), name="cache-lease", daemon=True).start()
            yield mine
        finally:
            ended.set()
            if mine:
                self._try(lambda: self._free([*map(_lock_of, mine)], [token]), default=None)
            with self._lock:
                self._fetching.difference_update(own)

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _take(self, keys: Sequence[str], token: bytes) -> list[str]:
        with self._redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.set(_lock_of(key), token, nx=True, px=int(self._lease * 1000))
            return [key for key, got in zip(keys, pipe.execute(), strict=True) if got]

    def _renew(self, keys: Sequence[str], token: bytes, ended: threading.Event) -> None:
        locks, arguments = [*map(_lock_of, keys)], [token, int(self._lease * 1000)]
        while not ended.wait(self._lease / 3):
            self._try(lambda: self._extend(locks, arguments), default=None)

    def _try(self, call: Callable[[], Any], *, default: Any) -> Any:
        try:
            return call()
        except RedisError as error:
            now = time.monotonic()
            if now > self._warned + _WARN_EVERY:
                self._warned = now
                logger.warning("cache.without_redis", fields=str(error))
            return default


def _lock_of(key: str) -> str:
    return f"{key}:fetched"


def redis_cache(
    *, ttl: float, key_prefix: str
) -> Callable[[Fetch[T, P]], Callable[Concatenate[Cache, Mapping[str, T], float, P], dict[str, Any]]]:
    """Cache a bulk fetch. Each missing key is fetched by one worker, while the others wait for it.

    The decorated function gets the wanted items by key and yields results by key as they arrive; each lot is cached
    before it goes on. The result takes two more arguments, the cache and how many seconds to wait for what other
    workers fetch, and returns all values by key. Values must be JSON values.
    """

    def decorate(fetch: Fetch[T, P]) -> Callable[Concatenate[Cache, Mapping[str, T], float, P], dict[str, Any]]:
        @wraps(fetch)
        def fetched(
            cache: Cache, wanted: Mapping[str, T], patience: float, *args: P.args, **kwargs: P.kwargs
        ) -> dict[str, Any]:
            left = {f"{key_prefix}:{key}": key for key in wanted}
            found: dict[str, Any] = {}

            def _collect(bodies: Mapping[str, bytes]) -> None:
                found.update({left.pop(name): orjson.loads(body) for name, body in bodies.items()})

            until = time.monotonic() + patience
            _collect(cache.read(left))
            counting.add(REPLY_CACHE, len(found), result="hit")
            counting.add(REPLY_CACHE, len(left), result="miss")
            while left:
                with cache.taken(left) as mine:
                    # Another worker may have fetched them a moment ago.
                    _collect(cache.read(mine))
                    todo = {left[name]: wanted[left[name]] for name in mine if name in left}
                    for lot in fetch(todo, *args, **kwargs) if todo else ():
                        bodies = {f"{key_prefix}:{key}": orjson.dumps(value) for key, value in lot.items()}
                        cache.write(bodies, ttl=ttl)
                        _collect(bodies)
                    # A key without a value now would have none a moment later.
                    for name in mine:
                        left.pop(name, None)
                if not left or time.monotonic() > until:
                    break
                if not mine:
                    time.sleep(_POLL)
                _collect(cache.read(left))
            return found

        return fetched

    return decorate
