"""The map of all sounds: where it is, and its parts. A map is whole before anybody is told of it."""

from datetime import datetime
from typing import Any, ClassVar

from beanie import Document
from pydantic import Field
from pymongo import ASCENDING, IndexModel


class SoundMap(Document):
    """The map in use, and how far the next one is; there is one, with the id ``map``."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- there is only one
    version: str | None = None
    """Names the parts of the map in use."""
    previous: str | None = None
    """The map before it, whose parts are kept for those who are reading them."""
    points: int = 0
    """How many there are."""
    made_at: datetime | None = None
    instruments: list[str] = Field(default_factory=list)
    """What the points' numbers of instruments stand for, in this order."""
    kinds: list[str] = Field(default_factory=list)
    sounds: str = ""
    """Digest of the contents and their vectors."""
    labels: str = ""
    """Digest of what else the points tell."""
    ticket: int = -1
    """The number of the last refresh of library entries before they were read."""
    entries: int = 0
    """Library entries at that time."""
    looked_at: datetime | None = None
    """When the entries were last compared with the map."""
    seconds: float = 0.0
    """How long that took, the making of the map included."""
    progress: float | None = None
    """The share of the next map that is made."""

    class Settings:
        name = "sound_maps"


class SoundMapPart(Document):
    """A piece of a map's bytes, as documents of MongoDB hold 16 MB at most; its id has version, kind and number."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- VERSION/KIND/NUMBER
    version: str
    data: bytes

    class Settings:
        name = "sound_map_parts"
        indexes: ClassVar[list[Any]] = [IndexModel([("version", ASCENDING)])]
