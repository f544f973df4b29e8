"""Who asks, and what they may do."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends

Scope = Literal["read", "submit", "write", "admin"]
"""``read`` looks and listens, ``write`` sets tags, favourites and collections, ``submit`` starts work and uploads,
``admin`` manages users."""


@dataclass(frozen=True)
class Caller:
    """Whoever sent a request."""

    user_id: str
    scopes: frozenset[Scope]


async def _caller() -> Caller:
    return Caller("local", frozenset({"read", "submit", "write", "admin"}))


Reader = Annotated[Caller, Depends(_caller)]
Writer = Annotated[Caller, Depends(_caller)]
Submitter = Annotated[Caller, Depends(_caller)]
Admin = Annotated[Caller, Depends(_caller)]
