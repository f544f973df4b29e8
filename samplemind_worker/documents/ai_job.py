"""A job that was handed to a provider's batch API.

``submitting`` is written before the job is sent, with all that is needed to go on after a crash. ``submitted`` is
written when the service has named the job. Only one job may be ``submitting``, so making one is taking the turn.
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
    """One job at a batch API."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- made by us
    writer: str
    state: JobState = JobState.SUBMITTING
    claimed_at: datetime
    """When its submission was last begun; the submitter of an old one is dead."""
    attempts: int = 0
    """How often it was sent to the service."""
    read_at: datetime | None = None
    """When the analyses that it asks about were read; it does not cover later analyses."""
    asked_at: datetime | None = None
    """When it was last sent to the service."""
    name: str | None = None
    """The name that the service gave it."""
    prompt_version: str | None = None
    parcels: dict[str, list[str]] = Field(default_factory=dict)
    """Contents by request; emptied when the job ends."""
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
