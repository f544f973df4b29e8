"""Logging in and out: sessions for browsers, tokens for programs."""

from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, SecretStr

from samplemind_web import audit
from samplemind_web.access import Caller, Reader
from samplemind_web.auth import tokens
from samplemind_web.auth.identity import AuthDep, Identity, address_of, caller_of, cookie_name, is_secure
from samplemind_web.auth.sessions import LONGEST_SECONDS
from samplemind_web.parameters import Body
from samplemind_web.problems import Problem, ProblemError
from samplemind_worker.documents.user import Role, Scope, User
from samplemind_worker.store import credentials, users

router = APIRouter(tags=["login"])


class Credentials(Body):
    """A name and a password."""

    name: Annotated[str, Field(max_length=200)]
    password: Annotated[SecretStr, Field(max_length=1024)]


class Refresh(Body):
    """A refresh token."""

    refresh_token: Annotated[SecretStr, Field(max_length=200)]


class Me(BaseModel):
    """The user who is logged in."""

    user_id: str
    role: Role
    scopes: list[Scope]
    roots: list[str] | None
    """The roots whose files may be seen; null: all."""
    by: Literal["local", "session", "login", "api_token"]
    """``local``: there are no users, and nobody has to log in."""
    csrf_token: str | None
    """What the header ``X-CSRF-Token`` needs; null but for a session."""


class Tokens(BaseModel):
    """Tokens of a program. A refresh token works once, and gives the next one."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 -- a kind of tokens
    expires_in: int = tokens.ACCESS_SECONDS
    """Seconds."""
    refresh_token: str
    refresh_expires_in: int = int(tokens.REFRESH_LIFETIME.total_seconds())
    """Seconds from the login on; refreshing does not extend it."""


_REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    401: {"model": Problem, "description": "Wrong name, password or token."}
}


@router.post("/auth/login", responses=_REFUSED)
async def log_in(given: Credentials, request: Request, response: Response, auth: AuthDep) -> Me:
    """Begin a session of a browser: the answer sets its cookie."""
    user = await _checked(given, request, auth)
    before = request.cookies.get(cookie_name(request))
    if before is not None:
        await auth.sessions.end(before)
    session_id, session = await auth.sessions.begin(user)
    secure = is_secure(request)
    response.set_cookie(
        cookie_name(request),
        session_id,
        max_age=LONGEST_SECONDS,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
    response.headers["Cache-Control"] = "no-store"
    caller = caller_of(user, address_of(request))
    await audit.record(caller, "login", user.id, by="session")
    return me_of(Identity(caller, user.role, "session", session=session))


@router.post("/auth/logout", status_code=HTTPStatus.NO_CONTENT)
async def log_out(
    request: Request,
    response: Response,
    caller: Reader,
    auth: AuthDep,
    *,
    everywhere: Annotated[bool, Query(description="Also end all other sessions and logins of this user.")] = False,
) -> None:
    """End this session, or this login of a program."""
    identity: Identity = request.state.identity
    if identity.session_id is not None:
        await auth.sessions.end(identity.session_id)
    if identity.family is not None:
        await credentials.revoke_family.aio(identity.family)
        auth.forget(family=identity.family)
    if everywhere and identity.by != "local":
        await users.change.aio(caller.user_id, {}, end_sessions=True)
        await credentials.revoke_families.aio(caller.user_id)
        auth.forget(user_id=caller.user_id)
    secure = is_secure(request)
    response.delete_cookie(cookie_name(request), path="/", secure=secure, httponly=True, samesite="strict")
    response.headers["Clear-Site-Data"] = '"cache"'
    await audit.record(caller, "logout", caller.user_id, everywhere=everywhere)


@router.post("/auth/token", responses=_REFUSED)
async def get_tokens(given: Credentials, request: Request, response: Response, auth: AuthDep) -> Tokens:
    """Log in as a program."""
    user = await _checked(given, request, auth)
    family = tokens.new_family()
    refresh_token = tokens.new_refresh_token(family)
    await credentials.begin_family.aio(
        family, user_id=user.id, digest=tokens.digest_of(refresh_token), lifetime=tokens.REFRESH_LIFETIME
    )
    await audit.record(_nobody(user.id, request), "login", user.id, by="token")
    response.headers["Cache-Control"] = "no-store"
    return Tokens(access_token=await auth.access_tokens.issue(user, family), refresh_token=refresh_token)


@router.post("/auth/refresh", responses=_REFUSED)
async def refresh_tokens(given: Refresh, request: Request, response: Response, auth: AuthDep) -> Tokens:
    """Exchange a refresh token for new tokens. One that comes a second time was stolen: its whole login ends."""
    old = given.refresh_token.get_secret_value()
    family = tokens.family_of(old)
    if family is None:
        raise _no_refresh()
    new = tokens.new_refresh_token(family)
    user_id = await credentials.rotate.aio(family, digest=tokens.digest_of(old), new=tokens.digest_of(new))
    if user_id is None:
        robbed = await credentials.revoke_family.aio(family)
        auth.forget(family=family)
        if robbed is not None:
            await audit.record(_nobody(robbed, request), "token.replayed", robbed)
        raise _no_refresh()
    user = await users.find.aio(user_id)
    if user is None or user.disabled_at is not None:
        await credentials.revoke_family.aio(family)
        raise _no_refresh()
    response.headers["Cache-Control"] = "no-store"
    return Tokens(access_token=await auth.access_tokens.issue(user, family), refresh_token=new)


async def _checked(given: Credentials, request: Request, auth: AuthDep) -> User:
    """Return the user whose name and password these are; count the attempt, and record one that fails."""
    address = address_of(request)
    await auth.rates.count_login(given.name, address)
    user = await auth.check_password(given.name, given.password.get_secret_value())
    if user is None:
        await audit.record(_nobody("", request), "login.failed", given.name)
        detail = "there is no user with this name and password"
        raise ProblemError(HTTPStatus.UNAUTHORIZED, "wrong_credentials", detail)
    await auth.rates.forget_login(given.name)
    return user


def _nobody(user_id: str, request: Request) -> Caller:
    """Return whom the audit log names for a request without a caller."""
    return Caller(user_id, frozenset(), address=address_of(request))


def _no_refresh() -> ProblemError:
    detail = "this refresh token does not count, or not any more; log in again"
    return ProblemError(HTTPStatus.UNAUTHORIZED, "invalid_token", detail)


def me_of(identity: Identity) -> Me:
    """Return what a caller is told of themselves."""
    caller = identity.caller
    return Me(
        user_id=caller.user_id,
        role=identity.role,
        scopes=sorted(caller.scopes),
        roots=None if caller.roots is None else sorted(caller.roots),
        by=identity.by,
        csrf_token=None if identity.session is None else identity.session.csrf,
    )
