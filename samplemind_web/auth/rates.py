"""Limits on how often: requests per address before a login and per user after it, and attempts to log in.

The windows move and lie in Redis, so that all servers share them. Without Redis requests go on unlimited, but nobody
logs in: a password must not be guessed while nothing counts.
"""

import hashlib
import ipaddress
import time
from http import HTTPStatus
from typing import Final

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from loguru import logger
from redis.exceptions import RedisError

from samplemind_web.context import Context
from samplemind_web.problems import ProblemError
from samplemind_worker.text import plural

BEFORE_LOGIN: Final = RateLimitItemPerMinute(60)
PER_NAME: Final = (RateLimitItemPerMinute(5), RateLimitItemPerHour(30))
"""Attempts to log in: whoever used up a minute's five again and again waits for longer."""
PER_ADDRESS: Final = (RateLimitItemPerMinute(5), RateLimitItemPerHour(60))
_AWAY_SECONDS: Final = 5.0
"""How long Redis is not asked after it did not answer, so that not every request waits for it."""


class Rates:
    """Counts requests and attempts."""

    def __init__(self, context: Context) -> None:
        pool = context.redis.connection_pool  # where Redis is; the URL only says what kind of server it is
        storage = RedisStorage(
            "redis://",
            implementation="redispy",
            key_prefix=context.key("rate"),
            connection_pool=pool,  # pyright: ignore[reportArgumentType] -- the library's types leave pools out
        )
        self._limiter = MovingWindowRateLimiter(storage)
        self._per_user = RateLimitItemPerMinute(context.settings.web_requests)
        self._away_until = 0.0

    async def count_stranger(self, address: str) -> None:
        """Count a request of an address that nobody has logged in from.

        Raises
        ------
        ProblemError
            If there were too many.
        """
        await self._count(BEFORE_LOGIN, "address", _network(address))

    async def count_user(self, user_id: str) -> None:
        """Count a request of a user; raises what `count_stranger` raises."""
        await self._count(self._per_user, "user", user_id)

    async def count_login(self, name: str, address: str) -> None:
        """Count an attempt to log in, before the password is looked at.

        Raises
        ------
        ProblemError
            If there were too many for this name, or from this address.
        RedisError
            If Redis does not answer.
        """
        for item in PER_ADDRESS:
            await self._hit(item, "login-address", _network(address))
        for item in PER_NAME:
            await self._hit(item, "login-name", _short(name))

    async def forget_login(self, name: str) -> None:
        """Forget the attempts for a name that has logged in."""
        for item in PER_NAME:
            await self._limiter.clear(item, "login-name", _short(name))

    async def _count(self, item: RateLimitItem, *key: str) -> None:
        if time.monotonic() < self._away_until:
            return
        try:
            await self._hit(item, *key)
        except (RedisError, OSError) as error:
            self._away_until = time.monotonic() + _AWAY_SECONDS
            logger.warning("requests_not_counted", fields={"error": str(error)})

    async def _hit(self, item: RateLimitItem, *key: str) -> None:
        if await self._limiter.hit(item, *key):
            return
        window = await self._limiter.get_window_stats(item, *key)
        seconds = max(1, round(window.reset_time - time.time()) + 1)
        detail = f"too many requests; try again in {plural(seconds, 'second')}"
        headers = {"Retry-After": str(seconds)}
        raise ProblemError(HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests", detail, headers=headers)


def _short(name: str) -> str:
    return hashlib.sha256(name.strip().casefold().encode(errors="surrogatepass")).hexdigest()[:32]


def _network(address: str) -> str:
    """Return what counts as one address: of IPv6 a whole network of the size that one customer has."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False).network_address)
