"""What several routes take: bodies, which refuse fields that they do not know, and the ids of samples."""

from typing import Annotated, Final

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

_SHA256: Final = "^[0-9a-f]{64}$"

FileId = Annotated[str, Field(pattern=_SHA256)]
"""The id of a sample within a body."""
FileIdPath = Annotated[str, Path(pattern=_SHA256)]
"""The id of a sample within a path."""


class Body(BaseModel):
    """The body of a request. A field that it does not know is refused: a misspelt one would otherwise do nothing."""

    model_config = ConfigDict(extra="forbid")
