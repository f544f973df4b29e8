"""Outermost middleware: which requests are looked at at all, and what every answer says to the browser.

A request for another host name is refused, because a stranger's name that leads here (DNS rebinding) would make their
page one of ours. Bodies are limited in bytes and in time. Every answer has the security headers.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.settings import Settings
from samplemind_web import problems
from samplemind_web.auth.gate import API
from samplemind_web.auth.identity import is_secure
from samplemind_web.problems import ProblemError

MOST_BYTES: Final = 1_000_000
"""The largest body, but for uploads, whose route has its own limit."""
UPLOADS: Final = "/api/v1/inbox/"
MOST_QUERY_BYTES: Final = 16_384
_MOST_HEADER_BYTES: Final = 32_768
PAUSE_SECONDS: Final = 30.0
"""How long a body may pause."""
_BODY_SECONDS: Final = 60.0
"""How long a body may take that is no upload."""

_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_ONCE: Final = frozenset(
    {"host", "origin", "authorization", "x-csrf-token", "content-length", "content-type", "idempotency-key", "range"}
)
"""Headers that are read and must not be given twice: two readers might take different ones."""

PAGE_POLICY: Final = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self' data: blob:; "
    "font-src 'self'; "
    "media-src 'self' blob:; "
    "connect-src 'self'; "
    "worker-src 'self' blob:; "
    "manifest-src 'self'; "
    "base-uri 'none'; "
    "form-action 'self'; "
    "frame-ancestors 'none'"
)
# An answer of the API is no page: should a browser take one for a page, it may do nothing.
_API_POLICY: Final = (
    "default-src 'none'; media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
)
_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
}
_TLS_ONLY = "max-age=31536000; includeSubDomains"


class Shield:
    """Middleware that refuses what no route should see, and adds the security headers to every answer."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = _HERE | {host.lower().strip("[]") for host in settings.web_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        send = _with_headers(request, send)
        try:
            self._check(request)
        except ProblemError as error:
            response = await problems.answer(request, error)
            await response(scope, receive, send)
            return
        await self._app(scope, _limited(request, receive), send)

    def _check(self, request: Request) -> None:
        headers = request.scope["headers"]
        if sum(len(name) + len(value) for name, value in headers) > _MOST_HEADER_BYTES:
            raise ProblemError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", "too many headers")
        if len(request.scope["query_string"]) > MOST_QUERY_BYTES:
            detail = f"the query has more than {MOST_QUERY_BYTES:,} bytes"
            raise ProblemError(HTTPStatus.REQUEST_URI_TOO_LONG, "query_too_long", detail)
        if twice := _given_twice(name.decode("latin-1") for name, _ in headers):
            raise ProblemError(HTTPStatus.BAD_REQUEST, "header_twice", f"the header {twice} is given twice")
        self._check_host(request)
        length = request.headers.get("content-length", "0")
        if not _is_upload(request) and (not length.isdecimal() or int(length) > MOST_BYTES):
            raise ProblemError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "too_large",
                f"the body has more than {MOST_BYTES:,} bytes",
                headers={"Connection": "close"},
            )

    def _check_host(self, request: HTTPConnection) -> None:
        host = _host_name(request.headers.get("host", ""))
        server = request.scope.get("server")
        # A page cannot have an address of ours as its name unless it came from here.
        if host in self._hosts or (server is not None and host == str(server[0]).partition("%")[0]):
            return
        detail = "the server does not know itself by this host name; SAMPLEMIND_WEB_HOSTS lists more"
        raise ProblemError(HTTPStatus.MISDIRECTED_REQUEST, "unknown_host", detail)


def _host_name(host: str) -> str:
    """Return the name in a Host header, without its port; empty if it is not written like one."""
    name, port = host.lower(), ""
    if name.startswith("["):
        name, bracket, port = name[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            return ""
        port = port[1:]
    else:
        name, _, port = name.partition(":")
    return name.removesuffix(".") if not port or port.isdecimal() else ""


def _given_twice(names: Iterable[str]) -> str | None:
    counts = Counter(names)
    return next((name for name in sorted(_ONCE) if counts[name] > 1), None)


def _is_upload(request: Request) -> bool:
    return request.method == "PUT" and request.scope["path"].startswith(UPLOADS)


def _limited(request: Request, receive: Receive) -> Receive:
    """Return how to receive the body of a request within its limits; what breaks one ends the request."""
    upload = _is_upload(request)
    taken, ended, until = 0, False, time.monotonic() + _BODY_SECONDS

    async def take() -> Message:
        nonlocal taken, ended
        if ended:
            return await receive()  # waits for the client to leave
        seconds = PAUSE_SECONDS if upload else max(0.0, min(PAUSE_SECONDS, until - time.monotonic()))
        try:
            message = await asyncio.wait_for(receive(), seconds)
        except TimeoutError as error:
            headers = {"Connection": "close"}
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "the body did not arrive in time", headers) from error
        taken += len(message.get("body", b""))
        if taken > MOST_BYTES and not upload:
            headers = {"Connection": "close"}
            detail = f"the body has more than {MOST_BYTES:,} bytes"
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, headers)
        ended = not message.get("more_body", False)
        return message

    return take


def _with_headers(request: Request, send: Send) -> Send:
    secure, api = is_secure(request), request.scope["path"].startswith(API)

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _ALWAYS.items():
                headers.setdefault(name, value)
            headers["Content-Security-Policy"] = _API_POLICY if api else PAGE_POLICY
            if secure:
                headers["Strict-Transport-Security"] = _TLS_ONLY
            if api:
                headers.setdefault("Cache-Control", "private, no-cache")
        await send(message)

    return send_with_headers
