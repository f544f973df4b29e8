"""Where the vectors of one recipe are in Chroma, and the progress of a rebuild.

A rebuild fills a collection beside the one in use and takes over in one update of this document. After a crash it goes
on from the content that was copied last.
"""

from datetime import datetime

from beanie import Document


class VectorIndex(Document):
    """The index of one recipe; its id is ``v`` followed by the recipe's version."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- the recipe is the id
    active: str
    """The collection in use."""
    building: str | None = None
    """The collection that is to replace it."""
    after: str = ""
    """The content that was copied last; contents are copied in the order of their ids."""
    copied: int = 0
    total: int = 0
    """How many contents there were to copy when the rebuild began."""
    holder: str | None = None
    """The run that rebuilds."""
    lease_until: datetime | None = None
    swept: bool = True
    """Whether the collection that was replaced last is deleted."""
    built_at: datetime | None = None
    """When the last rebuild took over."""
    checked_at: datetime | None = None
    """When the workers last compared the index with the record."""
    faults: int = 0
    """How many of the last comparisons in a row failed because Chroma could not read the index."""
    in_vain: bool = False
    """Whether no comparison has found the index complete since the last rebuild."""

    class Settings:
        name = "vector_indexes"
