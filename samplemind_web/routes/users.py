"""Users, for admins: who there is, what they may do, and what they did."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from bson import ObjectId
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, SecretStr

from samplemind_web import audit, paging
from samplemind_web.access import Admin
from samplemind_web.auth.identity import AuthDep
from samplemind_web.context import ContextDep
from samplemind_web.paging import Cursor, Limit, Page
from samplemind_web.parameters import Body
from samplemind_web.problems import ProblemError, not_found
from samplemind_worker.accounts import users as accounts
from samplemind_worker.documents.user import Role, User
from samplemind_worker.store import audit as audit_log
from samplemind_worker.store import users

router = APIRouter(tags=["users"])

_Roots = Annotated[list[Annotated[str, Field(max_length=4096)]], Field(max_length=100)]
_Password = Annotated[SecretStr, Field(max_length=1024)]


class UserRow(BaseModel):
    """A user."""

    name: str
    role: Role
    roots: list[str] | None
    """The roots whose files they may see; null: all."""
    created_at: datetime
    disabled_at: datetime | None


class NewUser(Body):
    """A user to add."""

    name: Annotated[str, Field(max_length=200)]
    password: _Password
    role: Role = "viewer"
    roots: _Roots | None = None


class UserChange(Body):
    """What to change of a user; what is left out stays."""

    role: Role | None = None
    roots: _Roots | None = None
    """Null, if it is given: all."""
    disabled: bool | None = None
    password: _Password | None = None


class AuditRow(BaseModel):
    """One thing that somebody did, or tried to do."""

    at: datetime
    user_id: str
    action: str
    target: str
    address: str
    detail: dict[str, Any]


@router.get("/users")
async def list_users(_: Admin, limit: Limit = 100, cursor: Cursor = None) -> Page[UserRow]:
    """List the users, by name."""
    after = paging.decode_text(cursor) or ""
    found = await users.page.aio(after=after, limit=limit)
    following = paging.encode_cursor([found[-1].id]) if len(found) == limit else None
    return Page(items=list(map(_row, found)), next=following)


@router.post("/users", status_code=HTTPStatus.CREATED)
async def add_user(given: NewUser, caller: Admin, auth: AuthDep, context: ContextDep) -> UserRow:
    """Add a user. The first one must be added by the command, because from then on everybody has to log in."""
    if not await users.exist.aio():
        detail = "add the first user, an admin, by `samplemind user add NAME --role admin`"
        raise ProblemError(HTTPStatus.CONFLICT, "no_users", detail)
    name = accounts.settled_name(given.name)
    hashed = await auth.checks.run(accounts.with_password, name, given.password.get_secret_value())
    user = await accounts.add(name, role=given.role, roots=given.roots, password=hashed, settings=context.settings)
    auth.forget(user_id=user.id)
    await audit.record(caller, "user.add", user.id, role=user.role)
    return _row(user)


@router.patch("/users/{name}")
async def change_user(name: str, given: UserChange, caller: Admin, auth: AuthDep, context: ContextDep) -> UserRow:
    """Change a user. Whatever is changed of their rights or password ends their sessions and logins at once."""
    if await users.find.aio(name) is None:
        raise not_found("user")
    values = given.model_dump(exclude_unset=True, exclude={"password"})
    values = {key: value for key, value in values.items() if value is not None or key == "roots"}
    if given.roots is not None:
        values["roots"] = accounts.settled_roots(given.roots, context.settings)
    if given.password is not None:
        values["password"] = await auth.checks.run(accounts.with_password, name, given.password.get_secret_value())
    user = await accounts.change(name, values)
    auth.forget(user_id=name)
    told = {key: value for key, value in values.items() if key != "password"}
    await audit.record(caller, "user.change", name, password="password" in values, **told)
    return _row(user)


@router.get("/audit")
async def list_audit(
    _: Admin,
    user: Annotated[str | None, Query(max_length=200, description="Only what this user did.")] = None,
    action: Annotated[str | None, Query(max_length=100, description="Only this, such as `login.failed`.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[AuditRow]:
    """List what users did, the newest first."""
    before = paging.decode_text(cursor)
    if before is not None and not ObjectId.is_valid(before):
        raise paging.bad_cursor()
    found = await audit_log.page.aio(user_id=user, action=action, before=before, limit=limit)
    following = paging.encode_cursor([str(found[-1]["_id"])]) if len(found) == limit else None
    return Page(items=[AuditRow(**{key: row[key] for key in AuditRow.model_fields}) for row in found], next=following)


def _row(user: User) -> UserRow:
    return UserRow(name=user.id, **user.model_dump(include={*UserRow.model_fields} - {"name"}))
