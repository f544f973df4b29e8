"""What the record knows of the index of one recipe, as a plain model that loads without Beanie."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class IndexState(BaseModel):
    """The collections of one recipe in Chroma, the progress of a rebuild, and the last comparisons."""

    model_config = ConfigDict(extra="ignore")

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
    complete_at: datetime | None = None
    """When a comparison last found the index complete."""
    faults: int = 0
    """How many of the last comparisons in a row failed because Chroma could not read the index."""
    in_vain: bool = False
    """Whether no comparison has found the index complete since the last rebuild."""
