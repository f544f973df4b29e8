"""What people set themselves: tags of contents, and collections of contents.

Tags belong to the library, so everybody sees them. A collection belongs to a user; favourites are a collection that
every user has. Both are kept with the content that they mark, for as long as the record has that content.
"""

from datetime import datetime
from typing import Any, ClassVar

from beanie import Document
from pydantic import BaseModel, Field
from pymongo import ASCENDING, IndexModel


class UserTag(BaseModel):
    """A tag that somebody has set."""

    key: str
    """The tag without case and needless space; two tags with one key are the same tag."""
    name: str
    """The tag as it was first written."""


class SampleMarks(Document):
    """The marks of one content; its id is ``file_id``."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- one per content
    tags: list[UserTag] = Field(default_factory=list[UserTag])
    collections: list[str] = Field(default_factory=list)
    """The ids of the collections that it is in, favourites included."""

    class Settings:
        name = "sample_marks"
        indexes: ClassVar[list[Any]] = [
            IndexModel([("tags.key", ASCENDING)]),
            IndexModel([("collections", ASCENDING)]),
        ]


class SampleCollection(Document):
    """A collection that a user has made; what it holds is in `SampleMarks`."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- random
    user_id: str
    name: str
    key: str | None = None
    """The name without case, unique per user; None once the collection is deleted."""
    created_at: datetime
    changed_at: datetime
    deleted_at: datetime | None = None
    """Since when it is deleted, while contents may still name it."""

    class Settings:
        name = "sample_collections"
        indexes: ClassVar[list[Any]] = [
            IndexModel(
                [("user_id", ASCENDING), ("key", ASCENDING)],
                unique=True,
                partialFilterExpression={"key": {"$gt": ""}},
            ),
            IndexModel([("deleted_at", ASCENDING)], sparse=True),
        ]
