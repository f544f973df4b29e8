"""Sessions of browsers, in Redis. A cookie holds a random id; Redis knows only its hash.

A session ends a day after it was last used, and at the latest a week after the login. If Redis loses the sessions,
people log in again.
"""

import hashlib
import secrets
import time
from dataclasses import asdict, dataclass
from typing import Final

import orjson

from samplemind_web.context import Context
from samplemind_worker.documents.user import User

IDLE_SECONDS: Final = 24 * 3600
LONGEST_SECONDS: Final = 7 * 24 * 3600
_TOUCH_SECONDS: Final = 60
"""How exactly the last use is known."""
_LONGEST_ID: Final = 100


@dataclass(frozen=True)
class Session:
    """A login of a browser."""

    user_id: str
    epoch: int
    """The user's epoch at the login; the session counts as long as it is the same."""
    csrf: str
    began: float
    used: float


class Sessions:
    """Begins, finds and ends sessions."""

    def __init__(self, context: Context) -> None:
        self._redis = context.redis
        self._prefix = context.key("session:")

    async def begin(self, user: User) -> tuple[str, Session]:
        """Return the id of a new session, for the cookie, and the session.

        Raises
        ------
        RedisError
            If Redis does not answer.
        """
        session_id, now = secrets.token_urlsafe(32), time.time()
        session = Session(user.id, user.epoch, secrets.token_urlsafe(32), now, now)
        await self._redis.set(self._key(session_id), orjson.dumps(asdict(session)), ex=IDLE_SECONDS)
        return session_id, session

    async def find(self, session_id: str) -> Session | None:
        """Return a session that has not ended, which then goes on for another day; raises what `begin` raises."""
        if not 0 < len(session_id) <= _LONGEST_ID:
            return None
        key = self._key(session_id)
        data = await self._redis.get(key)
        if data is None:
            return None
        session, now = Session(**orjson.loads(data)), time.time()
        left = session.began + LONGEST_SECONDS - now
        if left <= 0:
            return None
        if now - session.used > _TOUCH_SECONDS:
            value = orjson.dumps({**asdict(session), "used": now})
            # XX: a session that is ended meanwhile stays ended.
            await self._redis.set(key, value, xx=True, ex=max(1, min(IDLE_SECONDS, int(left))))
        return session

    async def end(self, session_id: str) -> None:
        """End a session; raises what `begin` raises."""
        if session_id:
            await self._redis.delete(self._key(session_id))

    def _key(self, session_id: str) -> str:
        return self._prefix + hashlib.sha256(session_id.encode(errors="surrogatepass")).hexdigest()
