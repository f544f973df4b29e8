"""``Idempotency-Key``: a POST that is sent twice with the same key is carried out once, and answered alike.

For a day Redis keeps, per user and key, a digest of the request and its answer. What failed is not kept, so that it may
be tried again. If Redis does not answer, a request with a key is refused, as nobody could tell whether it was carried
out before. If Redis has lost its data, it is carried out again.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Annotated, Any, Final

import orjson
from fastapi import Depends, Header, Request
from fastapi.responses import Response
from pydantic import BaseModel
from redis.asyncio import Redis
from redis.exceptions import RedisError

from samplemind_web.access import Caller
from samplemind_web.context import ContextDep
from samplemind_web.problems import ProblemError

_KEPT: Final = 24 * 3600  # s
_LEASE: Final = 30  # s for which a request counts as being carried out; renewed while it is
_PATIENCE: Final = 10.0  # s that the second request waits for the first one
_LOOK: Final = 0.05  # s

# A later holder's entry is left alone.
_END = """
if redis.call('hget', KEYS[1], 'token') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('del', KEYS[1]) end
redis.call('hset', KEYS[1], 'answer', ARGV[2])
return redis.call('expire', KEYS[1], ARGV[3])
"""
_BEGIN = """
if redis.call('exists', KEYS[1]) == 1 then return 0 end
redis.call('hset', KEYS[1], 'token', ARGV[1], 'request', ARGV[2])
return redis.call('expire', KEYS[1], ARGV[3])
"""

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text that is new for each thing to do. A request that is sent again with its key, because "
        "no answer came, is not carried out twice. Kept for a day.",
    ),
]


class Once:
    """Carries out a request, unless it was carried out before."""

    def __init__(self, redis: Redis, place: str, request: Request, key: str | None) -> None:
        self._redis, self._place, self._request, self._key = redis, place, request, key
        # By its hash: the user of a deployment may not EVAL.
        self._begin, self._end = redis.register_script(_BEGIN), redis.register_script(_END)

    async def __call__(
        self, caller: Caller, act: Callable[[], Awaitable[BaseModel]], *, status: int = HTTPStatus.OK
    ) -> Response:
        """Return the answer of ``act``, or the one that it gave before.

        Raises
        ------
        ProblemError
            If the key was used for another request, or the first request is still being carried out.
        RedisError
            If there is a key and Redis does not answer.
        """
        if self._key is None:
            return _response(status, (await act()).model_dump_json().encode())
        owner = hashlib.sha256(orjson.dumps([caller.user_id, self._key])).hexdigest()
        name = f"{self._place}:{owner}"
        digest = await self._digest()
        token = secrets.token_hex(8)
        until = asyncio.get_running_loop().time() + _PATIENCE
        while not await self._begin(keys=[name], args=[token, digest, str(_LEASE)]):
            if (answer := await self._answer(name, digest)) is not None:
                return answer
            if asyncio.get_running_loop().time() > until:
                detail = "the first request with this key is still being carried out; ask again"
                raise ProblemError(HTTPStatus.CONFLICT, "still_running", detail, headers={"Retry-After": "5"})
            await asyncio.sleep(_LOOK)
        return await self._act(name, token, act, status)

    async def _act(self, name: str, token: str, act: Callable[[], Awaitable[BaseModel]], status: int) -> Response:
        body = b""
        renewing = asyncio.create_task(self._renew(name))
        try:
            body = (await act()).model_dump_json().encode()
        finally:
            renewing.cancel()
            kept = orjson.dumps([int(status), body.decode()]).decode() if body else ""
            with suppress(RedisError):  # it is done, whether or not that can be noted
                await self._end(keys=[name], args=[token, kept, str(_KEPT)])
        return _response(status, body)

    async def _answer(self, name: str, digest: str) -> Response | None:
        """Return the kept answer; None if there is none yet."""
        kept: dict[Any, Any] = await self._redis.hgetall(name)  # pyright: ignore[reportGeneralTypeIssues] -- the stubs say it may be synchronous
        if not kept:
            return None
        if kept[b"request"] != digest.encode():
            detail = "Idempotency-Key: this key was used for another request"
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "key_reused", detail)
        if b"answer" not in kept:
            return None
        status, body = orjson.loads(kept[b"answer"])
        return _response(status, body.encode(), headers={"Idempotency-Replayed": "true"})

    async def _renew(self, name: str) -> None:
        while True:
            await asyncio.sleep(_LEASE / 3)
            with suppress(RedisError):
                await self._redis.expire(name, _LEASE)

    async def _digest(self) -> str:
        request = self._request
        parts = [request.method, request.url.path, request.url.query, (await request.body()).hex()]
        return hashlib.sha256(orjson.dumps(parts)).hexdigest()


def _response(status: int, body: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, "application/json")


async def _once(context: ContextDep, request: Request, key: Key = None) -> Once:
    return Once(context.redis, context.key("once"), request, key)


OnceDep = Annotated[Once, Depends(_once)]

RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    409: {"description": "The first request with this Idempotency-Key is still being carried out."},
}
"""For the routes that take a key."""
