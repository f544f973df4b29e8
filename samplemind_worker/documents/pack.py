"""A sample pack that was taken from an inbox, and the one turn that ingestion takes.

A pack's life::

    taking ──> recorded ──> done        its files are in the library, its batch in the record, itself in ``done/``
       └────────────────> refused       with the reason

Each state is written before the action that it stands for, so that the next run can finish what a killed one left.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from beanie import Document
from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel


class PackState(StrEnum):
    """Where a pack is; the last two are final."""

    TAKING = "taking"
    RECORDED = "recorded"
    DONE = "done"
    REFUSED = "refused"


class Pack(Document):
    """One pack, known by its content: SHA-256 of an archive or a file, or a digest of a folder's names and contents."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- the content's digest
    inbox: str
    source: str
    """Its path in the inbox."""
    kind: str
    state: PackState
    run: str
    """The run that works on it or did last; every write must name it."""
    folder: str | None = None
    """Its folder below the library root; no other pack may have the same."""
    inode: int | None = None
    """Inode of the filled folder, which tells whether the folder at the target is this one."""
    uploaded: bool = False
    """Whether all of its files lie in the bucket that packs are unpacked into."""
    batch_id: str | None = None
    reason: str | None = None
    files: int = 0
    new: int = 0
    bytes: int = 0
    left_out: dict[str, int] = Field(default_factory=dict)
    started_at: datetime
    finished_at: datetime | None = None

    class Settings:
        name = "packs"
        indexes: ClassVar[list[Any]] = [
            IndexModel([("state", ASCENDING)]),
            IndexModel([("started_at", DESCENDING), ("_id", ASCENDING)]),
            IndexModel([("state", ASCENDING), ("started_at", DESCENDING), ("_id", ASCENDING)]),
            IndexModel([("folder", ASCENDING)], unique=True, partialFilterExpression={"folder": {"$type": "string"}}),
        ]


class RunReport(Document):
    """The report of a run that took packs from an inbox, wherever it ran."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- the run, which begins with its time
    report: dict[str, Any]
    """The JSON of `ingest --json`; of many packs it names the first."""

    class Settings:
        name = "run_reports"


class Turn(Document):
    """A job that one process at a time may do, under a lease that ends by the database's clock."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- the job's name
    holder: str | None = None
    lease_until: datetime | None = None
    last_run_at: datetime | None = None
    """When the last complete run began."""
    removed: dict[str, int] = Field(default_factory=dict)
    """What tidying has removed since the last report."""

    class Settings:
        name = "turns"
