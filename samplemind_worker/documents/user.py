"""Users of the API and the page, what they identify themselves with, and the log of what they did."""

from datetime import datetime
from typing import Any, ClassVar, Final, Literal

from beanie import Document
from bson import ObjectId
from pydantic import ConfigDict, Field
from pymongo import ASCENDING, DESCENDING, IndexModel

Role = Literal["viewer", "producer", "admin"]
Scope = Literal["read", "submit", "write", "admin"]
"""``read`` looks and listens, ``write`` sets tags, favourites and collections, ``submit`` starts work and uploads,
``admin`` manages users."""

SCOPES_OF: Final[dict[Role, frozenset[Scope]]] = {
    "viewer": frozenset({"read"}),
    "producer": frozenset({"read", "write", "submit"}),
    "admin": frozenset({"read", "write", "submit", "admin"}),
}


class User(Document):
    """Somebody who may log in."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- the user's name is the id
    role: Role = "viewer"
    roots: list[str] | None = None
    """The roots whose files the user may see; None: all."""
    password: str
    """The password, hashed by argon2id."""
    epoch: int = 0
    """Counts the changes that end all sessions and access tokens: a new password, disabling, fewer rights."""
    created_at: datetime
    disabled_at: datetime | None = None

    class Settings:
        name = "users"
        indexes: ClassVar[list[Any]] = [IndexModel([("role", ASCENDING), ("disabled_at", ASCENDING)])]


class TokenFamily(Document):
    """One login of a program: the refresh token that counts now. A replayed token removes the document."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- a random id
    user_id: str
    current: str
    """SHA-256 of the token that may be used next, in hex."""
    created_at: datetime
    expires_at: datetime

    class Settings:
        name = "token_families"
        indexes: ClassVar[list[Any]] = [
            IndexModel([("user_id", ASCENDING)]),
            IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
        ]


class ApiToken(Document):
    """A personal API token; only its hash is kept."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- a random id
    user_id: str
    name: str
    digest: str
    """SHA-256 of the token, in hex."""
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None

    class Settings:
        name = "api_tokens"
        indexes: ClassVar[list[Any]] = [
            IndexModel([("digest", ASCENDING)], unique=True),
            IndexModel([("user_id", ASCENDING), ("_id", ASCENDING)]),
        ]


class SigningKey(Document):
    """A key that access tokens are signed with; the newest one signs, the others only verify."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- the `kid` of the tokens
    secret: bytes
    created_at: datetime
    expires_at: datetime

    class Settings:
        name = "signing_keys"
        indexes: ClassVar[list[Any]] = [
            IndexModel([("created_at", DESCENDING)]),
            IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
        ]


class AuditEntry(Document):
    """One thing that somebody did, or tried to do."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    id: ObjectId  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- made by us, in the order of time
    at: datetime
    user_id: str
    action: str
    target: str = ""
    address: str = ""
    """The address that the request came from; empty for a command."""
    detail: dict[str, Any] = Field(default_factory=dict)

    class Settings:
        name = "audit"
        indexes: ClassVar[list[Any]] = [
            IndexModel([("at", ASCENDING)]),
            IndexModel([("user_id", ASCENDING), ("_id", DESCENDING)]),
            IndexModel([("action", ASCENDING), ("_id", DESCENDING)]),
        ]
