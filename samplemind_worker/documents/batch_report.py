"""The fields of a batch, and of a file of one, as commands print them."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from samplemind_worker.documents.report import Failure


class Spent(TypedDict):
    """What the summaries of a batch cost."""

    calls: int
    """Requests to models, those under way included."""
    usd: float
    """Their cost in US dollars; a request under way counts with the most that it may cost."""
    hint: NotRequired[str]
    """Why no model wrote the summaries, where that was not asked for."""


class Batch(TypedDict):
    """A batch. The counts from ``completed`` to ``pending`` add up to ``total_files``."""

    batch_id: str
    """The id, by whose beginning commands find it."""
    name: str
    """The name that it was given, or one from its paths."""
    status: Literal["pending", "processing", "completed", "failed", "cancelled"]
    """Where the batch is."""
    total_files: int
    """All entries that are recorded."""
    completed: int
    """Files whose result is stored."""
    failed: int
    """Files that cannot be analysed."""
    skipped: int
    """Entries that were left out, or unchanged since they were analysed."""
    cancelled: int
    """Files that `cancel` stopped."""
    running: int
    """Files that are worked on."""
    pending: int
    """Files that wait, in the record or in a queue."""
    recorded: bool
    """False while its folders are walked."""
    created_at: str | None
    """When it was submitted (UTC, ISO 8601)."""
    started_at: str | None
    """When work on it began (UTC)."""
    finished_at: str | None
    """When its last file ended (UTC); null while it is open."""
    paused_at: str | None
    """Since when it is paused (UTC)."""
    thinned_at: str | None
    """Since when only the files that failed, or were retried, are listed (UTC)."""
    files_per_second: float
    """Files that were completed or failed, per second since the start."""
    eta_seconds: int | None
    """Seconds until it ends at that rate; 0 once it has ended, null where that is not known."""
    errors: dict[str, int]
    """How many files failed, by the code of the error."""
    ai: Spent
    """What its summaries cost."""
    notes: NotRequired[list[str]]
    """What keeps an open batch from going on, in sentences; `status BATCH` alone has it."""


class ChangedFiles(Batch):
    """A batch, and how many of its files a command has changed."""

    changed: int
    """Files that were queued again, or cancelled."""


class ChangedPause(Batch):
    """A batch, and whether a command has paused it or let it go on."""

    changed: bool
    """False if it was so before."""


class Summarized(Batch):
    """A batch of summaries that has ended, and how many no model wrote."""

    deferred: int
    """Files whose local text stands in for one that may come."""
    kept: int
    """Files that kept the text that they had."""
    local: int
    """Files whose text is by the local describer."""


class NothingToDo(TypedDict):
    """No batch, as there is nothing to do."""

    total_files: Literal[0]
    """No file."""


class BatchFile(TypedDict):
    """A file of a batch."""

    path: str
    """The path, below the root's folder or name."""
    state: Literal["pending", "queued", "running", "completed", "failed", "skipped", "cancelled"]
    """Where the file is; the last four are final."""
    step: Literal["decode", "features", "tempo_key", "summarize", "store"]
    """The step that it is at, or that it ended with."""
    attempts: int
    """How often it was queued."""
    file_id: str | None
    """SHA-256 of its bytes, once it was read."""
    skip_reason: str | None
    """Why it was skipped."""
    error: Failure | None
    """Why it failed."""
