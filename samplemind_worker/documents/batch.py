"""A batch of submitted files, and its items: the record of progress.

An item's life::

    pending ──dispatch──> queued ──claim──> running ──end of step──> queued (next step) … ──> completed
       ^                    │                  │                                              failed
       └──── lost message ──┴── lease ran out ─┘                                              skipped
                                                                                              cancelled

Only ids travel through Redis. A parcel is the set of items that one Celery chain carries; each dispatch gives its
items a new ``parcel_id`` and the next ``attempt``, so that a message of an earlier dispatch finds nothing to do.
"""

from datetime import datetime
from typing import Any, ClassVar, Literal

from beanie import Document
from bson import ObjectId
from pydantic import BaseModel, ConfigDict, Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from config.ai import AiTask
from samplemind_worker.documents.states import BatchStatus, State, Step

Priority = Literal["interactive", "bulk"]
SummaryScope = Literal["new", "deferred", "all"]
"""Which summaries a batch writes: missing ones, missing and deferred ones, or all again."""


class ItemError(BaseModel):
    """Why an item failed."""

    code: str
    message: str


class RecordedRoot(BaseModel):
    """A root of a batch, and its folder as the machine that recorded the batch saw it."""

    root: str
    device: int
    inode: int


class BatchJob(Document):
    """One submission. Holds no list of its files: a document ends at 16 MB, which is about 400,000 ids."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- the batch id
    name: str
    status: BatchStatus = BatchStatus.PENDING
    recorded: bool = False
    """Whether all items are recorded; the batch is not dispatched before."""
    total_files: int = 0
    priority: Priority = "interactive"
    files_per_chain: int
    ai: bool = True
    """Whether a model may write the summaries; else the local describer writes them."""
    ai_task: AiTask = AiTask.AUDIO_ANALYSIS
    """The purpose of its summaries, which selects providers (table of routes) and prompts."""
    ai_writer: str | None = None
    """The provider that is asked instead of those in the table of routes."""
    ai_budget: int | None = None
    """The most that its summaries may cost, in millionths of a USD."""
    ai_scope: SummaryScope = "new"
    ai_hint: str | None = None
    """Why the local describer wrote its summaries although that was not asked for."""
    force: bool = False
    background: bool = False
    """Whether it is served after all other batches, with parcels only while nothing waits in their way."""
    paused_at: datetime | None = None
    """Since when none of its files is begun, because a user has paused it; None of a batch that has ended."""
    paused_seconds: float = 0.0
    """How long it was paused since ``started_at``, without the pause that lasts."""
    paths: list[str] = Field(default_factory=list)
    roots: list[RecordedRoot] = Field(default_factory=list[RecordedRoot])
    """The roots of its files; empty if an older version recorded the batch."""
    user_id: str = "local"
    created_at: datetime
    started_at: datetime | None = None
    """When the first item was dispatched, since the last retry."""
    ended_before: int = 0
    """Files that ended before the last retry, which do not count towards the rate."""
    finished_at: datetime | None = None
    dispatched_at: datetime | None = None
    """When an item of it was last dispatched; of the open batches the one with the oldest time is served next."""
    results: dict[str, Any] | None = None
    """Counts and errors of a batch that ended."""
    opened: int = 0
    """Counts how often the batch was opened again; an update that closes the batch must name the current number."""
    thinned: dict[str, int] | None = None
    """Counts by state of the items that are deleted because the batch ended long ago; written before they are."""
    thinned_at: datetime | None = None
    """When the last of them was deleted."""
    hidden_at: datetime | None = None
    """Since when lists leave it out, because a user has cleared it away; nothing of it is deleted."""

    @property
    def asks_models(self) -> bool:
        """Whether a model may be asked for its summaries; never changes."""
        return self.ai and self.ai_writer != "local"

    def seconds_at_work(self, until: datetime | None) -> float:
        """Return the seconds from its start to a time for which it was not paused."""
        if self.started_at is None or until is None:
            return 0.0
        pause = 0.0 if self.paused_at is None else (until - max(self.paused_at, self.started_at)).total_seconds()
        return (until - self.started_at).total_seconds() - self.paused_seconds - pause

    class Settings:
        name = "batch_jobs"
        indexes: ClassVar[list[Any]] = [
            IndexModel([("created_at", DESCENDING)]),
            IndexModel([("status", ASCENDING), ("priority", DESCENDING), ("dispatched_at", ASCENDING)]),
            IndexModel([("thinned_at", ASCENDING), ("finished_at", ASCENDING)]),
            # Ids begin with the time, so lists are in the order of their ids.
            IndexModel([("hidden_at", ASCENDING), ("_id", DESCENDING)]),
            IndexModel([("status", ASCENDING), ("hidden_at", ASCENDING), ("_id", DESCENDING)]),
            IndexModel([("finished_at", DESCENDING)]),
        ]


def task_of(priority: Priority) -> AiTask:
    """Return what summaries are for where nothing else is asked for."""
    return AiTask.BATCH if priority == "bulk" else AiTask.AUDIO_ANALYSIS


BY_STATE = "batch_id_1_state_1__id_1"
"""The index of items by state; its name is the server's own."""

HELD = ("parcel_id", "queue", "queued_at", "taken_from", "claim", "worker", "lease_until", "solo", "resting")
"""Fields that only an item in flight has."""
LAST_CHANCES = "last_chances"
"""The index of items whose next start is the last."""


GIVEN_BACK = "given_back"
"""The index of pending items that begin after the steps of the CPU."""


class BatchItem(Document):
    """One file of a batch."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    id: ObjectId  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- made by us, in path order
    batch_id: str
    root: str
    path: str
    raw_path: bytes | None = None
    """The bytes of the path, if they are not UTF-8."""
    size: int
    mtime_ns: int
    ctime_ns: int
    state: State
    step: Step
    attempt: int = 0
    """How often it was dispatched."""
    starts: int = 0
    """How often an attempt of it was begun."""
    fresh: bool = True
    """Whether the current attempt is still to begin."""
    alone: bool = False
    """Whether it travels in a parcel of its own, because it was begun and did not end."""
    retried: bool | None = None
    """True if it failed and was retried; thinning has not counted it and leaves it alone."""
    crashed_at: datetime | None = None
    """When a process that held it was last found dead, and it was given another start."""
    last_chance: bool = False
    """Whether its next start is the last; see `parcels.reserve_last_chance`."""
    solo: bool | None = None
    """True while its last chance is in flight; a unique index admits one item at a time."""
    parcel_id: ObjectId | None = None
    queue: str | None = None
    queued_at: datetime | None = None
    taken_from: datetime | None = None
    """``queued_at`` of the running step; parcels queued before it that still wait were overtaken."""
    claim: str | None = None
    """Token of the task that runs it; every later write of that task must name it."""
    worker: str | None = None
    lease_until: datetime | None = None
    resting: bool | None = None
    """True between two tries of a task, while no process works on it."""
    file_id: str | None = None
    skip_reason: str | None = None
    error: ItemError | None = None

    class Settings:
        name = "batch_items"
        indexes: ClassVar[list[Any]] = [
            IndexModel([("batch_id", ASCENDING), ("state", ASCENDING), ("_id", ASCENDING)], name=BY_STATE),
            IndexModel([("batch_id", ASCENDING), ("_id", ASCENDING)]),
            IndexModel([("file_id", ASCENDING)], sparse=True),
            IndexModel([("parcel_id", ASCENDING)], sparse=True),
            IndexModel([("lease_until", ASCENDING)], sparse=True),
            IndexModel([("queued_at", ASCENDING)], sparse=True),
            IndexModel([("crashed_at", ASCENDING)], sparse=True),
            IndexModel([("state", ASCENDING)], name=LAST_CHANCES, partialFilterExpression={"last_chance": True}),
            IndexModel(
                [("batch_id", ASCENDING), ("state", ASCENDING), ("step", ASCENDING)],
                name=GIVEN_BACK,
                partialFilterExpression={
                    "state": State.PENDING.value,
                    "step": {"$in": [Step.SUMMARIZE.value, Step.STORE.value]},
                },
            ),
            IndexModel([("solo", ASCENDING)], unique=True, partialFilterExpression={"solo": True}),
            IndexModel(
                [("batch_id", ASCENDING), ("error.code", ASCENDING)],
                partialFilterExpression={"error.code": {"$exists": True}},
            ),
        ]


def new_item(
    batch_id: str,
    *,
    root: str,
    path: str,
    raw_path: bytes | None,
    size: int,
    mtime_ns: int,
    ctime_ns: int,
    skip_reason: str | None = None,
    file_id: str | None = None,
) -> dict[str, Any]:
    """Return the document of a pending item, or of one that is skipped from the start."""
    ending: dict[str, Any] = {"state": State.PENDING.value}
    if skip_reason is not None:
        ending = {"state": State.SKIPPED.value, "skip_reason": skip_reason}
    if file_id is not None:
        ending["file_id"] = file_id
    return {
        "_id": ObjectId(),
        "batch_id": batch_id,
        "root": root,
        "path": path,
        "raw_path": raw_path,
        "size": size,
        "mtime_ns": mtime_ns,
        "ctime_ns": ctime_ns,
        "step": Step.DECODE.value,
        "attempt": 0,
        "starts": 0,
        "fresh": True,
        "alone": False,
        **ending,
    }
