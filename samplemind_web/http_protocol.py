"""uvicorn's HTTP/1.1 protocol with limits on the head of a request, which uvicorn leaves to a proxy.

A client that sends its request line and headers slowly, or without an end, is cut off.
"""

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_SECONDS: Final = 15.0
"""How long the head of a request may take, or its first byte on a new connection."""
_HEAD_BYTES: Final = 65_536
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class GuardedProtocol(HttpToolsProtocol):
    """Closes the connection of a client whose request does not begin in time, or begins with too much.

    A request may be answered before its body has come, when it is refused. The rest of that body is read and dropped,
    so that the client sees the answer, for as long as a head may take.
    """

    _timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_body = False

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read some bytes; give up on a head that is too large."""
        if self._timer is None and self._is_idle():
            self._wait()  # the first bytes of a further request, or more of a body that is not wanted
        if not self._in_body:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._timer is not None and self._head_bytes > _HEAD_BYTES:
            self._refuse(_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Stop waiting, and answer the request."""
        self._stop()
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for a further request where this one is answered already."""
        self._in_body = False
        super().on_message_complete()
        if self._is_idle():
            self._stop()
            self._wait()

    def _is_idle(self) -> bool:
        before = cast("RequestResponseCycle | None", self.cycle)
        return before is None or before.response_complete

    def _wait(self) -> None:
        self._head_bytes = 0
        self._timer = self.loop.call_later(HEAD_SECONDS, self._refuse, b"")

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, answer: bytes) -> None:
        self._stop()
        if not self.transport.is_closing():
            if answer:
                self.transport.write(answer)
            self.transport.close()
