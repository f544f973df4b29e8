"""Users: queries of their accounts."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from samplemind_worker.documents.user import Role, User
from samplemind_worker.errors import UsageError
from samplemind_worker.store import mongo

_COLLECTION: Final = "users"


@mongo.synchronous
async def create(name: str, *, role: Role, roots: Sequence[str] | None, password: str) -> User:
    """Record a new user with the hash of a password.

    Raises
    ------
    UsageError
        If there is one of that name.
    """
    row = {
        "_id": name,
        "role": role,
        "roots": None if roots is None else list(roots),
        "password": password,
        "epoch": 0,
        "created_at": await mongo.read_clock(),
        "disabled_at": None,
    }
    try:
        await mongo.collection(_COLLECTION).insert_one(row)
    except DuplicateKeyError as error:
        raise UsageError(f"there is a user {name} already") from error
    return User.model_validate(row)


@mongo.synchronous
async def find(name: str) -> User | None:
    """Return a user."""
    row = await mongo.collection(_COLLECTION).find_one({"_id": name})
    return None if row is None else User.model_validate(row)


@mongo.synchronous
async def page(*, after: str = "", limit: int = 1000) -> list[User]:
    """Return the next users, in the order of their names."""
    cursor = mongo.collection(_COLLECTION).find({"_id": {"$gt": after}}, sort=[("_id", 1)], limit=limit)
    return [User.model_validate(row) for row in await cursor.to_list()]


@mongo.synchronous
async def exist() -> bool:
    """Return whether there is any user, also a disabled one."""
    return await mongo.collection(_COLLECTION).find_one({"_id": {"$gt": ""}}, {"_id": 1}) is not None


@mongo.synchronous
async def active_admins() -> list[str]:
    """Return the names of two admins who are not disabled, or of fewer if there are no more."""
    query = {"role": "admin", "disabled_at": None}
    rows = await mongo.collection(_COLLECTION).find(query, {"_id": 1}, limit=2).to_list()
    return [row["_id"] for row in rows]


@mongo.synchronous
async def change(name: str, values: Mapping[str, Any], *, end_sessions: bool) -> User | None:
    """Change fields of a user; with ``end_sessions``, what they are logged in with counts no longer."""
    update: dict[str, Any] = {"$set": dict(values)} if values else {}
    if end_sessions:
        update["$inc"] = {"epoch": 1}
    row = await mongo.collection(_COLLECTION).find_one_and_update(
        {"_id": name}, update, return_document=ReturnDocument.AFTER
    )
    return None if row is None else User.model_validate(row)


@mongo.synchronous
async def set_hash(name: str, *, old: str, new: str) -> None:
    """Replace the hash of a password by one of the same password, unless the password was changed meanwhile."""
    await mongo.collection(_COLLECTION).update_one({"_id": name, "password": old}, {"$set": {"password": new}})
