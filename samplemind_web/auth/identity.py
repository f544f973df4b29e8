"""Finds out who sent a request: by a token, a browser's session, or because only this machine reaches the server.

Users and tokens are read from the record at most half a second ago, so a disabled user is out at once.
"""

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Annotated, Final, Literal

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from samplemind_web.access import Caller
from samplemind_web.auth.checking import PasswordChecks
from samplemind_web.auth.fresh import Fresh
from samplemind_web.auth.rates import Rates
from samplemind_web.auth.sessions import Session, Sessions
from samplemind_web.auth.tokens import API_TOKEN, AccessTokens, digest_of
from samplemind_web.context import Context
from samplemind_web.problems import ProblemError
from samplemind_worker.accounts.passwords import LONGEST
from samplemind_worker.documents.states import LOCAL
from samplemind_worker.documents.user import SCOPES_OF, ApiToken, Role, User
from samplemind_worker.store import credentials, users

FORWARDED: Final = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"})
"""Headers that a proxy adds."""
_LONGEST_TOKEN: Final = 4096
_NOTE_USE_EVERY: Final = 60.0  # s


@dataclass(frozen=True)
class Identity:
    """The caller of a request, and how the caller was authenticated."""

    caller: Caller
    role: Role
    by: Literal["local", "session", "login", "api_token"]
    session: Session | None = None
    session_id: str | None = None
    family: str | None = None
    """The login of a program."""


class Auth:
    """What the server needs to know its users; one per process."""

    def __init__(self, context: Context, *, exposed: bool) -> None:
        self._exposed = exposed
        self.rates = Rates(context)
        self.sessions = Sessions(context)
        self.access_tokens = AccessTokens(context.settings)
        self.checks = PasswordChecks()
        self._users = Fresh[str, User | None](users.find.aio)
        self._tokens = Fresh[str, ApiToken | None](credentials.token_of.aio)
        self._families = Fresh[str, bool](credentials.is_family.aio)
        self._used = Fresh[str, None](credentials.note_use.aio, seconds=_NOTE_USE_EVERY)
        self._any_user = Fresh[None, bool](lambda _: users.exist.aio())

    def close(self) -> None:
        """End what runs in threads."""
        self.checks.close()

    def forget(self, *, user_id: str | None = None, token: str | None = None, family: str | None = None) -> None:
        """Read a user, an API token (by its hash) or a login anew at the next request, because it has changed."""
        if user_id is not None:
            self._users.forget(user_id)
            self._any_user.forget(None)
        if token is not None:
            self._tokens.forget(token)
        if family is not None:
            self._families.forget(family)

    async def identify(self, request: HTTPConnection) -> Identity | None:
        """Return who sent a request; None if it shows nobody.

        Raises
        ------
        ProblemError
            If it shows a token that does not count.
        ServiceUnavailableError, RedisError
            If the record, or Redis for a session, does not answer.
        """
        authorization = request.headers.get("authorization")
        if authorization is not None:
            found = await self._by_token(authorization, address_of(request))
            if found is None:
                headers = {"WWW-Authenticate": 'Bearer realm="samplemind", error="invalid_token"'}
                detail = "this token does not count, or not any more"
                raise ProblemError(HTTPStatus.UNAUTHORIZED, "invalid_token", detail, headers=headers)
            return found
        session_id = request.cookies.get(cookie_name(request))
        if session_id is not None and (found := await self._by_session(session_id, address_of(request))) is not None:
            return found
        return await self._local(request)

    async def _by_token(self, authorization: str, address: str) -> Identity | None:
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not 0 < len(token) <= _LONGEST_TOKEN:
            return None
        if token.startswith(API_TOKEN):
            return await self._by_api_token(token, address)
        claims = await self.access_tokens.read(token)
        if claims is None or not await self._families.get(claims.family):
            return None
        user = await self._active(claims.user_id)
        if user is None or user.epoch != claims.epoch:
            return None
        return Identity(caller_of(user, address), user.role, "login", family=claims.family)

    async def _by_api_token(self, token: str, address: str) -> Identity | None:
        found = await self._tokens.get(digest_of(token))
        user = None if found is None else await self._active(found.user_id)
        if found is None or user is None:
            return None
        await self._used.get(found.id)
        caller = caller_of(user, address)
        scopes = caller.scopes & frozenset(found.scopes)
        return Identity(replace(caller, scopes=scopes), user.role, "api_token")

    async def _by_session(self, session_id: str, address: str) -> Identity | None:
        session = await self.sessions.find(session_id)
        user = None if session is None else await self._active(session.user_id)
        if session is None or user is None or user.epoch != session.epoch:
            return None
        caller = caller_of(user, address)
        return Identity(caller, user.role, "session", session=session, session_id=session_id)

    async def _active(self, user_id: str) -> User | None:
        user = await self._users.get(user_id)
        return None if user is None or user.disabled_at is not None else user

    async def _local(self, request: HTTPConnection) -> Identity | None:
        """Return whoever works on this machine, if there are no users and nobody else reaches the server."""
        # A proxy that the settings do not know of would open the library to everybody who reaches the proxy.
        if self._exposed or FORWARDED & set(request.headers) or await self._any_user.get(None):
            return None
        return Identity(Caller(LOCAL, SCOPES_OF["admin"], address=address_of(request)), "admin", "local")

    async def goes_on(self, family: str) -> bool:
        """Return whether a login of a program has not ended; raises ServiceUnavailableError."""
        return await self._families.get(family)

    async def check_password(self, name: str, password: str) -> User | None:
        """Return the active user with this name and password; an unknown name takes as long as a wrong password.

        Raises
        ------
        ProblemError
            If too many passwords are being checked.
        ServiceUnavailableError
            If the record does not answer.
        """
        user = await users.find.aio(name.strip().lower()[:LONGEST])
        hashed = None if user is None or user.disabled_at is not None else user.password
        fits, better = await self.checks.verify(password, hashed)
        if user is None or not fits:
            return None
        if better is not None:
            await users.set_hash.aio(user.id, old=user.password, new=better)
        return user


def caller_of(user: User, address: str) -> Caller:
    """Return what a user may do who asks from an address."""
    return Caller(user.id, SCOPES_OF[user.role], None if user.roots is None else frozenset(user.roots), address)


def address_of(request: HTTPConnection) -> str:
    """Return the address that a request came from; empty for a unix socket."""
    return "" if request.client is None else request.client.host


def is_secure(request: HTTPConnection) -> bool:
    """Return whether the browser reached the server, or its proxy, by TLS."""
    return request.url.scheme == "https"


def cookie_name(request: HTTPConnection) -> str:
    """Return the name of the session's cookie; by TLS the browser vouches for who set it."""
    return "__Host-samplemind" if is_secure(request) else "samplemind"


async def _auth(request: Request) -> Auth:
    return request.app.state.auth


AuthDep = Annotated[Auth, Depends(_auth)]
