"""What is done with users: adding, disabling and changing them. The command and the web server call this."""

import os
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from typing_extensions import TypedDict

from config.locations import is_named
from config.settings import Settings
from samplemind_worker.accounts import passwords
from samplemind_worker.documents.states import LOCAL
from samplemind_worker.documents.user import Role, User
from samplemind_worker.errors import UsageError
from samplemind_worker.store import credentials, mongo, users

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_MOST_ROOTS: Final = 100


def settled_name(text: str) -> str:
    """Return the one spelling of a user's name.

    Raises
    ------
    UsageError
        If nobody can have this name.
    """
    name = text.strip().lower()
    if _NAME.fullmatch(name) is None:
        raise UsageError("a user's name has up to 63 letters a-z, digits, '.', '_' and '-', and begins with no sign")
    if name == LOCAL:
        raise UsageError(f"{LOCAL} is whoever works without a login; take another name")
    return name


def settled_roots(given: Iterable[str], settings: Settings) -> list[str]:
    """Return roots as the record names them: names of ``SAMPLEMIND_ROOTS``, or absolute paths where it is not set.

    Raises
    ------
    UsageError
        If one is neither.
    """
    roots = sorted(set(given))
    for root in roots:
        if settings.roots and root not in settings.roots:
            raise UsageError(f"{root} is none of the roots in SAMPLEMIND_ROOTS ({', '.join(sorted(settings.roots))})")
        if not settings.roots and is_named(root):
            raise UsageError(f"{root} is no absolute path; names of roots need SAMPLEMIND_ROOTS")
        if os.path.normpath(root).strip("/") == "":
            raise UsageError("/ cannot be granted: name folders, or no root at all, and everything may be seen")
    if len(roots) > _MOST_ROOTS:
        raise UsageError(f"a user may be granted {_MOST_ROOTS} roots at most, or all")
    return sorted({os.path.normpath(root) if root.startswith("/") and not settings.roots else root for root in roots})


async def add(name: str, *, role: Role, roots: Iterable[str] | None, password: str, settings: Settings) -> User:
    """Record a new user; ``password`` is the hash of theirs, and without ``roots`` they may see all.

    Raises
    ------
    UsageError
        If the name cannot be taken, or a root is none.
    """
    granted = None if roots is None else settled_roots(roots, settings)
    return await users.create.aio(settled_name(name), role=role, roots=granted, password=password)


async def change(name: str, values: dict[str, Any]) -> User:
    """Change ``role``, ``roots``, ``disabled`` or ``password`` (a hash) of a user.

    Whatever takes something away also ends the user's sessions, refresh tokens and access tokens.

    Raises
    ------
    UsageError
        If there is no such user, or no admin would be left who is not disabled.
    """
    user = await find(name)
    disabled = values.get("disabled", user.disabled_at is not None)
    if user.role == "admin" and user.disabled_at is None and (disabled or values.get("role", "admin") != "admin"):
        await _require_another_admin(user.id)
    fields = {key: value for key, value in values.items() if key != "disabled"}
    if "disabled" in values and disabled != (user.disabled_at is not None):
        fields["disabled_at"] = await mongo.now.aio() if disabled else None
    if not fields:
        return user
    ends = fields.keys() & {"password", "disabled_at", "role", "roots"} != set()
    changed = await users.change.aio(user.id, fields, end_sessions=ends)
    if changed is None:
        raise _unknown(name)
    if ends:
        await credentials.revoke_families.aio(user.id)
    return changed


async def find(name: str) -> User:
    """Return a user.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    user = await users.find.aio(name.strip().lower())
    if user is None:
        raise _unknown(name)
    return user


def _unknown(name: str) -> UsageError:
    return UsageError(f"there is no user {name}; `samplemind user list` shows all")


async def _require_another_admin(name: str) -> None:
    if not set(await users.active_admins.aio()) - {name}:
        raise UsageError(f"{name} is the only admin who is not disabled; add another one first")


add_user = mongo.synchronous(add)
"""Does what `add` does, for synchronous code."""
change_user = mongo.synchronous(change)
"""Does what `change` does, for synchronous code."""


class UserReport(TypedDict):
    """A user of the web server."""

    name: str
    """The name to log in with."""
    role: str
    """`viewer`, `producer` or `admin`."""
    roots: list[str] | None
    """The roots that may be seen; null: all."""
    created_at: str
    """When the user was added (UTC, ISO 8601)."""
    disabled_at: str | None
    """Since when the user is kept out (UTC)."""


def reports() -> list[UserReport]:
    """Return all users as the command prints them."""
    found: list[User] = []
    while page := users.page(after=found[-1].id if found else ""):
        found += page
    return [report(user) for user in found]


def report(user: User) -> UserReport:
    """Return a user as the command prints one."""
    return {
        "name": user.id,
        "role": user.role,
        "roots": user.roots,
        "created_at": _iso(user.created_at),
        "disabled_at": None if user.disabled_at is None else _iso(user.disabled_at),
    }


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def with_password(name: str, password: str) -> str:
    """Return the hash of a new password of a user.

    Raises
    ------
    UsageError
        If it is refused.
    """
    passwords.check(password, name=name)
    return passwords.hash_password(password)
