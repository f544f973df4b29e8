"""Half the price for who can wait: many parcels handed to a provider's batch API at once, collected hours later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from config.ai import AiTask
from samplemind_worker.documents.samples import Sample
from samplemind_worker.providers.base import Reply

Parcels = Mapping[str, Sequence[Sample]]
"""Samples by a key of ours (letters, digits, hyphens; at most 64), each as many as one request may be about."""


class BulkState(StrEnum):
    """How far a job is."""

    RUNNING = "running"
    ENDED = "ended"
    """Its replies can be collected, perhaps not for every parcel."""
    GONE = "gone"
    """The service gave it up, or does not know it any more: nothing can be collected."""


@dataclass(frozen=True, slots=True)
class BulkJob:
    """A job as the service knows it."""

    name: str
    state: BulkState


@dataclass(frozen=True, slots=True)
class Sent:
    """What is known of a job whose answer was lost."""

    label: str
    keys: frozenset[str]
    """Of its parcels."""
    since: datetime
    until: datetime
    """When the service got it, if it did."""
    others: frozenset[str]
    """What the service calls other jobs of ours that are under way."""


@runtime_checkable
class BulkProvider(Protocol):
    """What some providers can do besides. All of it raises ProviderError."""

    def submit(self, task: AiTask, parcels: Parcels, *, label: str) -> BulkJob:
        """Hand parcels over; ``label`` and their keys are what `find` knows the job by."""
        ...

    def find(self, sent: Sent) -> BulkJob | None:
        """Return the job, None if the service did not get it: for whoever died before the name was written down.

        Where that cannot be told yet it is a ProviderUnavailableError: look again, and do not submit it again.
        """
        ...

    def poll(self, name: str) -> BulkState:
        """Return how far a job is."""
        ...

    def collect(self, name: str, parcels: Parcels) -> dict[str, Reply]:
        """Return the replies of a job that ended, by the keys of its parcels; those that failed have none.

        There is no repair here: what is missing is for the next run to ask for.
        """
        ...
