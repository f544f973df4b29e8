"""Who asks, and what they may do.

A route names what it needs by its parameter: ``caller: Reader`` (looks and listens), ``Writer`` (tags, favourites,
collections), ``Submitter`` (starts work, uploads) or ``Admin`` (users, the audit log). What was submitted and uploaded
belongs to ``caller.user_id``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from samplemind_worker.documents.user import LOCAL, SCOPES_OF, Scope


@dataclass(frozen=True)
class Caller:
    """Whoever sent a request."""

    user_id: str
    scopes: frozenset[Scope]
    roots: frozenset[str] | None = None
    """The roots whose files they may see; None: all."""
    address: str = ""

    def may_see(self, root: str) -> bool:
        """Return whether they may see files of a root, and their paths."""
        return self.roots is None or root in self.roots

    def visible(self, roots: Iterable[str]) -> list[str]:
        """Return those of some roots that they may see."""
        return [root for root in roots if self.may_see(root)]


async def _caller() -> Caller:
    return Caller(LOCAL, SCOPES_OF["admin"])


Reader = Annotated[Caller, Depends(_caller)]
Writer = Annotated[Caller, Depends(_caller)]
Submitter = Annotated[Caller, Depends(_caller)]
Admin = Annotated[Caller, Depends(_caller)]
