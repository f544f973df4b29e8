"""How far the documents of one collection are brought to their present form."""

from datetime import datetime
from typing import Any

from beanie import Document

FIRST = 1
"""The version of documents of a collection that was never changed."""


class Schema(Document):
    """The form of all documents of a collection; its id is the collection's name."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- one per collection
    version: int = FIRST
    """The version that all documents have at least."""
    migrating: int = 0
    """The version that they are being brought to; 0 if they are not."""
    after: Any = None
    """The id of the last document that was looked at."""
    seen: int = 0
    changed: int = 0
    total: int = 0
    """How many documents there were when that began."""
    finished_at: datetime | None = None

    class Settings:
        name = "schemas"
