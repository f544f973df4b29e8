"""Rate limits of the providers, kept in Redis and shared by all workers.

The window moves, so no minute, wherever it begins, has more requests than allowed. A pause that a provider asks for
(``Retry-After``) is stored there too, and every worker observes it. If Redis forgets the limits, a provider answers
429; without Redis each worker keeps the limits for itself.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import redis
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from loguru import logger
from redis.exceptions import RedisError

from config.ai import Rates

T = TypeVar("T")

_SLACK: Final = 2
"""s: a request sent at the end of one minute may arrive after the first request of the next minute."""
_DAY: Final = 86_400
_GRAINS: Final = 200
"""Tokens are counted in so many grains per minute, because the window stores one entry per grain."""
_LOOK_AGAIN: Final = 0.5  # s between two attempts, at most
_TIMEOUT: Final = 2.0


@dataclass(frozen=True, slots=True)
class Busy:
    """Why no request may be sent to a provider now, and in how many seconds one may be."""

    reason: str
    seconds: float


class _OneClock(RedisStorage):
    """Uses the clock of Redis, because the clocks of two machines may be seconds apart."""

    def now(self) -> float:
        seconds, micros = self.storage.time()  # pyright: ignore[reportGeneralTypeIssues] -- typed for async clients too
        return seconds + micros / 1e6

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        arguments = [self.now(), limit, expiry, amount]
        return bool(self.lua_acquire_moving_window([self.prefixed_key(key)], arguments))

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        now = self.now()
        window: Any = self.lua_moving_window([self.prefixed_key(key)], [now - expiry, limit])
        return (float(window[0]), window[1]) if window else (now, 0)


@dataclass(frozen=True, slots=True)
class _Limit:
    item: RateLimitItem
    name: str
    cost: int
    allowed: str


class Limiter:
    """Delays requests as the limits demand. Safe to use from several threads."""

    def __init__(self, url: str, database: str, *, minute: int = 60) -> None:
        self._minute = minute
        self._hold = f"{database}:held:"
        options: dict[str, Any] = {"socket_timeout": _TIMEOUT, "socket_connect_timeout": _TIMEOUT}
        self._redis = redis.Redis.from_url(url, **options)
        storage = _OneClock(url, connection_pool=self._redis.connection_pool, key_prefix=f"{database}:rate")
        self._shared = MovingWindowRateLimiter(storage)
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._held_here: dict[str, tuple[float, str]] = {}

    def acquire(self, name: str, rates: Rates, *, tokens: int, until: float) -> Busy | None:
        """Wait until a request with so many tokens may be sent, and return None.

        If that would be after ``until`` (on the monotonic clock), the reason is returned at once.
        """
        limits = self._limits(rates, tokens)
        while True:
            busy = self.held(name) or self._take(name, limits)
            if busy is None:
                return None
            if time.monotonic() + busy.seconds > until:
                return busy
            time.sleep(min(max(busy.seconds, 0.01), _LOOK_AGAIN) * random.uniform(0.9, 1.1))  # noqa: S311 -- no secret

    def hold(self, name: str, *, seconds: float, reason: str) -> bool:
        """Stop all requests to a provider for a while; return whether this call is the first to say so."""
        self._held_here[name] = (time.monotonic() + seconds, reason)
        try:
            milliseconds = max(1, int(seconds * 1000))
            if self._redis.set(self._hold + name, reason.encode(), px=milliseconds, nx=True):
                return True
            # The longer pause counts.
            self._redis.pexpire(self._hold + name, milliseconds, gt=True)
        except RedisError as error:
            logger.warning("limits.without_redis", fields=str(error))
            return True
        return False

    def held(self, name: str) -> Busy | None:
        """Return why requests to a provider are stopped, and for how long; None if they are not."""
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.pttl(self._hold + name)
                pipe.get(self._hold + name)
                left, reason = pipe.execute()
        except RedisError:
            until, text = self._held_here.get(name, (0.0, ""))
            seconds = until - time.monotonic()
            return Busy(text, seconds) if seconds > 0 else None
        return Busy(reason.decode(), left / 1000) if reason is not None and left > 0 else None

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _limits(self, rates: Rates, tokens: int) -> list[_Limit]:
        limits: list[_Limit] = []
        minute = self._minute + _SLACK
        # The day first, so that a request without a place in it takes none in the minute.
        if rates.requests_a_day is not None:
            item = RateLimitItemPerSecond(rates.requests_a_day, _DAY)
            limits.append(_Limit(item, "day", 1, f"{rates.requests_a_day} requests a day"))
        if rates.requests_a_minute is not None:
            item = RateLimitItemPerSecond(rates.requests_a_minute, minute)
            limits.append(_Limit(item, "requests", 1, f"{rates.requests_a_minute} requests a minute"))
        if rates.tokens_a_minute is not None:
            grain = -(-rates.tokens_a_minute // _GRAINS)
            amount = max(1, rates.tokens_a_minute // grain)
            # A request larger than the tokens of a minute takes all of them.
            cost = min(amount, -(-tokens // grain))
            item = RateLimitItemPerSecond(amount, minute)
            limits.append(_Limit(item, "tokens", cost, f"{rates.tokens_a_minute} tokens a minute"))
        return limits

    def _take(self, name: str, limits: list[_Limit]) -> Busy | None:
        try:
            return _take(self._shared, name, limits)
        except RedisError as error:
            logger.warning("limits.without_redis", fields=str(error))
            return _take(self._own, name, limits)


def _take(limiter: MovingWindowRateLimiter, name: str, limits: list[_Limit]) -> Busy | None:
    """Take one request from each window, or from none; a race between two callers may waste a place, no more."""
    tests: list[Callable[[_Limit], bool]] = [
        lambda limit: limiter.test(limit.item, name, limit.name, cost=limit.cost),
        lambda limit: limiter.hit(limit.item, name, limit.name, cost=limit.cost),
    ]
    for lets_through in tests:
        for limit in limits:
            if not lets_through(limit):
                return Busy(f"rate: its {limit.allowed} are used up", _seconds_left(limiter, name, limit))
    return None


def _seconds_left(limiter: MovingWindowRateLimiter, name: str, limit: _Limit) -> float:
    """Return in how many seconds the oldest entry leaves the window, by the clock of the window's storage."""
    storage: Any = limiter.storage
    now = storage.now() if isinstance(storage, _OneClock) else time.time()
    return max(0.01, limiter.get_window_stats(limit.item, name, limit.name).reset_time - now)
