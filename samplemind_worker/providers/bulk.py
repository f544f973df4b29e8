"""The interface of batch APIs: many requests are submitted as one job, at half the price, and collected hours later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from config.ai import AiTask
from samplemind_worker.documents.samples import Sample
from samplemind_worker.providers.base import Reply

SampleGroups = Mapping[str, Sequence[Sample]]
"""The samples of each request, by a key of ours (letters, digits, hyphens; at most 64 characters)."""


class BulkState(StrEnum):
    """The state of a job at the service."""

    RUNNING = "running"
    ENDED = "ended"
    """Its replies can be collected. Some requests may have none."""
    GONE = "gone"
    """The service gave the job up or does not know it any more. Nothing can be collected."""


@dataclass(frozen=True, slots=True)
class BulkJob:
    """A job as the service knows it."""

    name: str
    state: BulkState


@dataclass(frozen=True, slots=True)
class Sent:
    """What we know of a job that was submitted but whose name was not recorded."""

    label: str
    keys: frozenset[str]
    """The keys of its requests."""
    since: datetime
    until: datetime
    """The span in which the service received it, if it did."""
    others: frozenset[str]
    """The names of our other jobs that are running at the service."""


@runtime_checkable
class BulkProvider(Protocol):
    """A provider that has a batch API too. Every method raises ProviderError."""

    def submit(self, task: AiTask, groups: SampleGroups, *, label: str) -> BulkJob:
        """Submit a job with one request per group; `find` recognizes it by ``label`` or by the keys."""
        ...

    def find(self, sent: Sent) -> BulkJob | None:
        """Return a job whose name was lost in a crash; None if the service never received it.

        While that cannot be decided it raises ProviderUnavailableError: call again later and do not submit again.
        """
        ...

    def poll(self, name: str) -> BulkState:
        """Return the state of a job."""
        ...

    def collect(self, name: str, groups: SampleGroups) -> dict[str, Reply]:
        """Return the replies of a job that has ended, by key; requests that failed have none.

        Missing summaries are not asked for again here. The next run does that.
        """
        ...
