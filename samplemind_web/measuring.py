"""Counts requests and measures how long answers take, by route, for Prometheus (`samplemind_worker.metrics`)."""

import time
from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from samplemind_worker.metrics import counting
from samplemind_worker.metrics.definitions import HTTP_REQUESTS, HTTP_SECONDS

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER: Final = "other"
"""Stands for methods that are none, and for what is no route: the files of the page, unknown paths, refusals."""


class Measured:
    """Middleware around everything else; of a stream of events, its beginning counts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and count it when its answer begins; one without an answer counts as a fault."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        counted = False

        def count(status: int) -> None:
            nonlocal counted
            counted = True
            method, route = _method(scope), str(getattr(scope.get("route"), "path", _OTHER))
            counting.add(HTTP_REQUESTS, method=method, route=route, status=str(status))
            counting.observe(HTTP_SECONDS, time.perf_counter() - started, method=method, route=route)

        async def send_measured(message: Message) -> None:
            if message["type"] == "http.response.start":
                count(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, send_measured)
        finally:
            if not counted:
                count(HTTPStatus.INTERNAL_SERVER_ERROR)


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else _OTHER
