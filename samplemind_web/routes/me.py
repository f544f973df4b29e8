"""What a user sees and changes of their own account: scopes, password, personal API tokens."""

import secrets
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, SecretStr

from samplemind_web import audit, paging
from samplemind_web.access import Reader
from samplemind_web.auth import tokens
from samplemind_web.auth.identity import AuthDep, Identity
from samplemind_web.paging import Cursor, Limit, Page
from samplemind_web.parameters import Body
from samplemind_web.problems import ProblemError, not_found
from samplemind_web.routes.auth import Me, me_of
from samplemind_worker.accounts import users as accounts
from samplemind_worker.documents.user import ApiToken, Scope
from samplemind_worker.errors import UsageError
from samplemind_worker.store import credentials

router = APIRouter(tags=["me"])
_MOST_TOKENS = 100


class NewPassword(Body):
    """A new password, and the one that counts now."""

    current: Annotated[SecretStr, Field(max_length=1024)]
    new: Annotated[SecretStr, Field(max_length=1024)]


class NewToken(Body):
    """What a personal API token is for."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=4)]
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] | None = 365
    """Null: it never expires."""


class TokenRow(BaseModel):
    """A personal API token; what it consists of is never shown again."""

    token_id: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class CreatedToken(TokenRow):
    """A new token."""

    token: str
    """Shown this once."""


@router.get("/me")
async def get_me(request: Request, _: Reader, response: Response) -> Me:
    """Return who asks, and what they may do."""
    response.headers["Cache-Control"] = "no-store"
    return me_of(request.state.identity)


@router.post("/me/password", status_code=HTTPStatus.NO_CONTENT)
async def change_my_password(given: NewPassword, request: Request, caller: Reader, auth: AuthDep) -> None:
    """Change one's password; all sessions and logins end, also this one. API tokens stay."""
    _require_login(request)
    await auth.rates.count_login(caller.user_id, caller.address)
    if await auth.check_password(caller.user_id, given.current.get_secret_value()) is None:
        await audit.record(caller, "password.refused", caller.user_id)
        raise ProblemError(HTTPStatus.FORBIDDEN, "wrong_credentials", "the current password is another one")
    hashed = await auth.checks.run(accounts.with_password, caller.user_id, given.new.get_secret_value())
    await accounts.change(caller.user_id, {"password": hashed})
    auth.forget(user_id=caller.user_id)
    await audit.record(caller, "password", caller.user_id)


@router.get("/me/tokens")
async def list_my_tokens(caller: Reader, limit: Limit = 100, cursor: Cursor = None) -> Page[TokenRow]:
    """List one's personal API tokens."""
    after = paging.decode_text(cursor) or ""
    found = await credentials.tokens_of.aio(caller.user_id, after=after, limit=limit)
    following = paging.encode_cursor([found[-1].id]) if len(found) == limit else None
    return Page(items=[TokenRow(**_row(each)) for each in found], next=following)


@router.post("/me/tokens", status_code=HTTPStatus.CREATED)
async def create_my_token(given: NewToken, request: Request, caller: Reader, response: Response) -> CreatedToken:
    """Make a personal API token, with scopes that one has."""
    _require_login(request)
    if missing := sorted(set(given.scopes) - caller.scopes):
        raise ProblemError(HTTPStatus.FORBIDDEN, "forbidden", f"you do not have the scope {missing[0]} yourself")
    if len(await credentials.tokens_of.aio(caller.user_id, limit=_MOST_TOKENS)) == _MOST_TOKENS:
        raise UsageError(f"a user has {_MOST_TOKENS} API tokens at most; delete one first")
    token = tokens.new_api_token()
    days = given.expires_in_days
    made = await credentials.add_token.aio(
        secrets.token_hex(8),
        user_id=caller.user_id,
        name=given.name,
        digest=tokens.digest_of(token),
        scopes=sorted(set(given.scopes)),
        expires_at=None if days is None else datetime.now(UTC) + timedelta(days=days),
    )
    await audit.record(caller, "token.create", made.id, name=given.name, scopes=made.scopes)
    response.headers["Cache-Control"] = "no-store"
    return CreatedToken(**_row(made), token=token)


@router.delete("/me/tokens/{token_id}", status_code=HTTPStatus.NO_CONTENT)
async def delete_my_token(token_id: str, request: Request, caller: Reader, auth: AuthDep) -> None:
    """Delete a personal API token; it stops at once."""
    _require_login(request)
    digest = await credentials.revoke_token.aio(token_id, user_id=caller.user_id)
    if digest is None:
        raise not_found("token")
    auth.forget(token=digest)
    await audit.record(caller, "token.delete", token_id)


def _require_login(request: Request) -> None:
    """Refuse API tokens, which must not make others or outlive themselves, and whoever has no account."""
    identity: Identity = request.state.identity
    if identity.by == "api_token":
        raise ProblemError(HTTPStatus.FORBIDDEN, "forbidden", "an API token cannot do this; log in")
    if identity.by == "local":
        detail = "there are no users here; `samplemind user add NAME --role admin` adds the first one"
        raise ProblemError(HTTPStatus.CONFLICT, "no_users", detail)


def _row(token: ApiToken) -> dict[str, Any]:
    return {**token.model_dump(include={*TokenRow.model_fields}), "token_id": token.id}
