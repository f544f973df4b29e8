"""What programs identify themselves with: refresh tokens, personal API tokens, and the keys of access tokens."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from samplemind_worker.documents.user import ApiToken, Scope, SigningKey
from samplemind_worker.store import mongo

_FAMILIES: Final = "token_families"
_TOKENS: Final = "api_tokens"
_KEYS: Final = "signing_keys"
_USED_EVERY: Final = timedelta(minutes=1)
"""How exactly the last use of a token is recorded."""


@mongo.synchronous
async def begin_family(family: str, *, user_id: str, digest: str, lifetime: timedelta) -> None:
    """Record the first refresh token of a login."""
    now = await mongo.read_clock()
    row = {"_id": family, "user_id": user_id, "current": digest, "created_at": now, "expires_at": now + lifetime}
    await mongo.collection(_FAMILIES).insert_one(row)


@mongo.synchronous
async def rotate(family: str, *, digest: str, new: str) -> str | None:
    """Replace the refresh token that counts by a new one; return its user, or None if it does not count."""
    query = {"_id": family, "current": digest, "expires_at": {"$gt": await mongo.read_clock()}}
    row = await mongo.collection(_FAMILIES).find_one_and_update(query, {"$set": {"current": new}})
    return None if row is None else row["user_id"]


@mongo.synchronous
async def revoke_family(family: str) -> str | None:
    """End a login; return its user, or None if it had ended."""
    row = await mongo.collection(_FAMILIES).find_one_and_delete({"_id": family})
    return None if row is None else row["user_id"]


@mongo.synchronous
async def revoke_families(user_id: str) -> int:
    """End all logins of programs of a user, and return their number."""
    return (await mongo.collection(_FAMILIES).delete_many({"user_id": user_id})).deleted_count


@mongo.synchronous
async def is_family(family: str) -> bool:
    """Return whether a login has not ended."""
    return await mongo.collection(_FAMILIES).find_one({"_id": family}, {"_id": 1}) is not None


@mongo.synchronous
async def add_token(
    token: str, *, user_id: str, name: str, digest: str, scopes: Sequence[Scope], expires_at: datetime | None
) -> ApiToken:
    """Record a personal API token."""
    row = {
        "_id": token,
        "user_id": user_id,
        "name": name,
        "digest": digest,
        "scopes": list(scopes),
        "created_at": await mongo.read_clock(),
        "expires_at": expires_at,
        "last_used_at": None,
    }
    await mongo.collection(_TOKENS).insert_one(row)
    return ApiToken.model_validate(row)


@mongo.synchronous
async def token_of(digest: str) -> ApiToken | None:
    """Return the API token with this hash, unless it has expired."""
    row = await mongo.collection(_TOKENS).find_one({"digest": digest})
    if row is None or (row["expires_at"] is not None and row["expires_at"] <= await mongo.read_clock()):
        return None
    return ApiToken.model_validate(row)


@mongo.synchronous
async def note_use(token: str) -> None:
    """Record that an API token was used, unless that was recorded a moment ago."""
    now = await mongo.read_clock()
    query = {"_id": token, "$or": [{"last_used_at": None}, {"last_used_at": {"$lt": now - _USED_EVERY}}]}
    await mongo.collection(_TOKENS).update_one(query, {"$set": {"last_used_at": now}})


@mongo.synchronous
async def tokens_of(user_id: str, *, after: str = "", limit: int = 1000) -> list[ApiToken]:
    """Return the API tokens of a user, in the order of their ids."""
    query = {"user_id": user_id, "_id": {"$gt": after}}
    rows = await mongo.collection(_TOKENS).find(query, sort=[("_id", 1)], limit=limit).to_list()
    return [ApiToken.model_validate(row) for row in rows]


@mongo.synchronous
async def revoke_token(token: str, *, user_id: str) -> str | None:
    """Delete an API token of a user; return its hash, or None if there was none."""
    row = await mongo.collection(_TOKENS).find_one_and_delete({"_id": token, "user_id": user_id})
    return None if row is None else row["digest"]


@mongo.synchronous
async def signing_keys() -> list[SigningKey]:
    """Return the keys of access tokens, the newest first."""
    now = await mongo.read_clock()
    rows: list[dict[str, Any]] = await mongo.collection(_KEYS).find(sort=[("created_at", -1)], limit=20).to_list()
    return [SigningKey.model_validate(row) for row in rows if row["expires_at"] > now]


@mongo.synchronous
async def add_signing_key(kid: str, secret: bytes, *, lifetime: timedelta) -> None:
    """Record a new key, which signs from now on."""
    now = await mongo.read_clock()
    row = {"_id": kid, "secret": secret, "created_at": now, "expires_at": now + lifetime}
    await mongo.collection(_KEYS).insert_one(row)
