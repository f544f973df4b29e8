"""The caller of a request, and what the caller may do.

A route names what it needs by its parameter: ``caller: Reader`` (looks and listens), ``Writer`` (tags, favourites,
collections), ``Submitter`` (starts work, uploads) or ``Admin`` (users, the audit log). What was submitted and uploaded
belongs to ``caller.user_id``.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer

from samplemind_web.problems import ProblemError
from samplemind_worker.documents.user import Scope


@dataclass(frozen=True)
class Caller:
    """The user, or the local process, that sent a request."""

    user_id: str
    scopes: frozenset[Scope]
    roots: frozenset[str] | None = None
    """The roots whose files the caller may see; None for all. A folder may lie below one that was submitted."""
    address: str = ""

    def may_see(self, where: str) -> bool:
        """Return whether the caller may see all files of a root, or a place (root and path, as ``Place.shown``)."""
        if self.roots is None or where in self.roots:
            return True
        return any(where.startswith(f"{each.rstrip('/')}/") for each in self.roots)

    def visible(self, roots: Iterable[str]) -> list[str]:
        """Return those of some roots that the caller may see."""
        return [root for root in roots if self.may_see(root)]


# These two only tell the OpenAPI document how callers show who they are; `auth.gate` has looked at it before.
_bearer = HTTPBearer(auto_error=False, description="An access token, or a personal API token (`smk_…`).")
_cookie = APIKeyCookie(
    name="samplemind",
    auto_error=False,
    description="The session of a browser (`__Host-samplemind` by TLS). Whatever changes something also needs the "
    "header `X-CSRF-Token` with the `csrf_token` of `GET /api/v1/me`.",
)


def _needs(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    async def caller(
        request: Request,
        _token: Annotated[object, Security(_bearer)],
        _session: Annotated[object, Security(_cookie)],
    ) -> Caller:
        found: Caller = request.state.identity.caller
        if scope not in found.scopes:
            raise ProblemError(HTTPStatus.FORBIDDEN, "forbidden", f"this needs the scope {scope}")
        return found

    return caller


Reader = Annotated[Caller, Depends(_needs("read"))]
Writer = Annotated[Caller, Depends(_needs("write"))]
Submitter = Annotated[Caller, Depends(_needs("submit"))]
Admin = Annotated[Caller, Depends(_needs("admin"))]
