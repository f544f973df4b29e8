"""Stands in front of all routes of the API: nobody passes without showing who they are, or too often.

What needs no login is listed here; a route that forgets to name what it needs is closed all the same.
"""

import secrets
import time
from http import HTTPStatus
from typing import Final

from redis.exceptions import RedisError
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from samplemind_web import problems
from samplemind_web.auth.identity import Auth, Identity, address_of
from samplemind_web.problems import ProblemError
from samplemind_worker.errors import SampleMindError

API: Final = "/api/"
OPEN: Final = frozenset(
    f"/api/v1/{path}" for path in ("auth/login", "auth/token", "auth/refresh", "version", "openapi.json")
)
"""Routes that need no login."""
LOOK_AGAIN_SECONDS: Final = 10.0
"""How often it is looked at whether a stream may go on; a heartbeat comes every 15 seconds."""
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Gate:
    """Middleware that finds out who sent a request, counts it, and refuses what another site had a browser send."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of the API that may not pass, or hand it on with its caller."""
        if scope["type"] != "http" or not scope["path"].startswith(API):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            identity = await _admit(request, scope["app"].state.auth)
        except (ProblemError, SampleMindError, RedisError) as error:
            response = await problems.answer(request, error)
            await response(scope, receive, send)
            return
        scope.setdefault("state", {})["identity"] = identity
        await self._app(scope, receive, send if identity is None else _while_admitted(request, identity, send))


def _while_admitted(request: Request, identity: Identity, send: Send) -> Send:
    """Return how to send an answer: a stream of events ends soon after whoever opened it may not see it any more."""
    streams, looked_at = False, time.monotonic()

    async def send_on(message: Message) -> None:
        nonlocal streams, looked_at
        if message["type"] == "http.response.start":
            streams = Headers(raw=message["headers"]).get("content-type", "").startswith("text/event-stream")
        elif streams and time.monotonic() - looked_at > LOOK_AGAIN_SECONDS:
            looked_at = time.monotonic()
            if not await _still_admitted(request, identity):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                raise OSError("the stream was ended, because its login has")
        await send(message)

    return send_on


async def _still_admitted(request: Request, identity: Identity) -> bool:
    auth: Auth = request.app.state.auth
    try:
        found = await auth.identify(request)
    except ProblemError:
        # An access token expires during a stream; its login goes on, and the next request needs a new one.
        return identity.by == "login" and identity.family is not None and await auth.goes_on(identity.family)
    except (SampleMindError, RedisError):
        return True
    return found is not None and found.caller == identity.caller


async def _admit(request: Request, auth: Auth) -> Identity | None:
    if request.url.path in OPEN:
        await auth.rates.count_stranger(address_of(request))
        _require_own_page(request)
        return None
    try:
        identity = await auth.identify(request)
    except ProblemError:
        await auth.rates.count_stranger(address_of(request))
        raise
    if identity is None:
        await auth.rates.count_stranger(address_of(request))
        headers = {"WWW-Authenticate": 'Bearer realm="samplemind"'}
        raise ProblemError(HTTPStatus.UNAUTHORIZED, "login_required", "this needs a login", headers=headers)
    if identity.by in {"session", "local"}:
        _require_own_page(request)
        _require_csrf_token(request, identity)
    if identity.by != "local":
        await auth.rates.count_user(identity.caller.user_id)
    return identity


def _require_own_page(request: Request) -> None:
    """Refuse what a page of another site had the browser send: it would come with the user's cookie, or from here."""
    site = request.headers.get("sec-fetch-site")
    if request.method in _SAFE:
        # Links lead here from anywhere; but no other site shows pictures or plays sounds of ours.
        if site == "cross-site" and request.headers.get("sec-fetch-mode") != "navigate":
            raise _from_elsewhere()
        return
    origin = request.headers.get("origin")
    if site not in {None, "same-origin"} or (origin is not None and origin.lower() != own_origin(request)):
        raise _from_elsewhere()


def own_origin(request: HTTPConnection) -> str:
    """Return the origin of the page as browsers write it."""
    host = request.headers.get("host", "").lower()
    scheme = request.url.scheme
    return f"{scheme}://{host.removesuffix(':443' if scheme == 'https' else ':80')}"


def _from_elsewhere() -> ProblemError:
    detail = "the request comes from another site's page (behind a proxy with TLS: set SAMPLEMIND_WEB_PROXIES)"
    return ProblemError(HTTPStatus.FORBIDDEN, "cross_site", detail)


def _require_csrf_token(request: Request, identity: Identity) -> None:
    if identity.session is None or request.method in _SAFE:
        return
    given = request.headers.get("x-csrf-token", "")
    if not secrets.compare_digest(given.encode(), identity.session.csrf.encode()):
        detail = "the header X-CSRF-Token is missing or not that of this session; GET /api/v1/me has it"
        raise ProblemError(HTTPStatus.FORBIDDEN, "csrf", detail)
