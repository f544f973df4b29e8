"""A job that was handed to a provider's batch API.

``submitting`` is written before the service is asked, with all that is needed to go on after a crash; ``submitted``
when it has named the job. Only one job may be ``submitting``: whoever makes it has the turn.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from beanie import Document
from pydantic import Field
from pymongo import ASCENDING, IndexModel


class JobState(StrEnum):
    """Where a job is; the last two are final."""

    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    COLLECTED = "collected"
    FAILED = "failed"


class AiJob(Document):
    """One job."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- made by us
    writer: str
    state: JobState = JobState.SUBMITTING
    claimed_at: datetime
    """When its submission was last begun: an old one's maker is dead."""
    attempts: int = 0
    """How often the service was asked to take it."""
    read_at: datetime | None = None
    """When the analyses were read that it asks about: of what is analysed later it knows nothing."""
    asked_at: datetime | None = None
    """When the service was last asked to take it."""
    name: str | None = None
    """What the service calls it."""
    prompt_version: str | None = None
    parcels: dict[str, list[str]] = Field(default_factory=dict)
    """Contents by parcel; emptied when it ends."""
    reservation: dict[str, Any] | None = None
    written: int = 0
    error: str | None = None
    ended_at: datetime | None = None

    class Settings:
        name = "ai_jobs"
        indexes: ClassVar[list[Any]] = [
            IndexModel([("state", ASCENDING), ("claimed_at", ASCENDING)]),
            IndexModel(
                [("state", ASCENDING)],
                name="one_submitting",
                unique=True,
                partialFilterExpression={"state": JobState.SUBMITTING.value},
            ),
        ]
