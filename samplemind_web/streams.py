"""Sends server-sent events. A client that takes none for a while is dropped; it comes back by itself."""

import asyncio
import random
from contextlib import suppress
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from samplemind_web.events import Events, Subscriber

HEARTBEAT: Final = 15.0  # s
_LIFE: Final = 900.0  # s after which a stream ends at the latest
_SLOW: Final = 30.0  # s that a client may take for what is sent at once
_RETRY: Final = b"retry: 2000\n\n"  # ms after which a browser connects again
_BEAT: Final = b": \n\n"


class EventStream(Response):
    """The events of a subscriber, until the client leaves or the server ends."""

    media_type = "text/event-stream"

    def __init__(self, events: Events, subscriber: Subscriber, *, heartbeat: float = HEARTBEAT) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._events = events
        self._subscriber = subscriber
        self._heartbeat = heartbeat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- ASGI's signature
        """Send until the end."""
        subscriber = self._subscriber
        watching = asyncio.create_task(self._watch(receive))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._send(send, _RETRY)
            # Whoever comes back is asked again who they are.
            until = asyncio.get_running_loop().time() + _LIFE * random.uniform(0.8, 1.0)  # noqa: S311 -- a spread
            while not subscriber.is_over and asyncio.get_running_loop().time() < until:
                if not subscriber.waiting:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(subscriber.woken.wait(), self._heartbeat)
                events = subscriber.take()
                await self._send(send, b"".join(event.encoded() for event in events) or _BEAT)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except OSError:
            # A client that is too slow (TimeoutError): without an end of the body the server cuts the connection. Or
            # whoever opened the stream may not see it any more (`auth.gate`).
            return
        finally:
            watching.cancel()
            self._events.unsubscribe(subscriber)

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._subscriber.end()

    @staticmethod
    async def _send(send: Send, body: bytes) -> None:
        await asyncio.wait_for(send({"type": "http.response.body", "body": body, "more_body": True}), _SLOW)
