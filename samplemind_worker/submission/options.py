"""The options of a submission: one object for the command, for sample packs, and for other callers."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from samplemind_worker.documents.batch import Priority


class SubmitOptions(BaseModel):
    """How a batch is named, ordered, carried and paid for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = None
    """None: the batch is named after its paths."""
    priority: Priority = "interactive"
    files_per_chain: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Most files per parcel. None: as in the settings."""
    ai: bool = True
    """Whether models may be asked for summaries."""
    budget_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """The most that summaries may cost. None: as in the settings."""
    force: bool = False
    """Whether known files are analysed again."""
    user_id: str = "local"
    """Who submits it."""


DEFAULTS = SubmitOptions()
