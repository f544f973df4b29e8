"""The states of items and batches, the five steps, and who works without users. Loads without Beanie."""

from enum import StrEnum
from typing import Final

LOCAL: Final = "local"
"""Who works on a machine without users; nobody can have this name."""


class State(StrEnum):
    """Where an item is; the last four are final."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


OPEN_STATES = (State.PENDING, State.QUEUED, State.RUNNING)
FINAL_STATES = (State.COMPLETED, State.FAILED, State.SKIPPED, State.CANCELLED)


class BatchStatus(StrEnum):
    """Where a batch is."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """The five steps of a file, in their order."""

    DECODE = "decode"
    FEATURES = "features"
    TEMPO_KEY = "tempo_key"
    SUMMARIZE = "summarize"
    STORE = "store"
