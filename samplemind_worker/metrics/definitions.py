"""All metrics of SampleMind: names, units, labels and help texts, and nothing else.

Names follow the rules of Prometheus: one prefix, base units (seconds, bytes, US dollars), ``_total`` for counters. A
label has a small set of values that the code fixes. No label ever holds a name of a file, a folder, a batch or a user.
"""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; ``name`` is the whole name that Prometheus shows."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    text: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper limits of a histogram's buckets in seconds, without the last one, which is infinite."""


_STEP_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_HTTP_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# --- Counted by workers ---

STEP_SECONDS: Final = Metric(
    "samplemind_step_duration_seconds",
    "histogram",
    "Seconds that a step took for one parcel.",
    ("step",),
    _STEP_BUCKETS,
)
STEP_RETRIES: Final = Metric(
    "samplemind_step_retries_total",
    "counter",
    "Steps that are tried again because of a fault that may pass.",
    ("step",),
)
ITEMS_ENDED: Final = Metric(
    "samplemind_items_ended_total", "counter", "Items that this worker ended, by their final state.", ("state",)
)
ITEMS_FAILED: Final = Metric(
    "samplemind_items_failed_total",
    "counter",
    "Items that this worker ended as failed, by the code of the error.",
    ("code",),
)
ITEMS_TAKEN_BACK: Final = Metric(
    "samplemind_items_taken_back_total",
    "counter",
    "Items in flight that were made pending again: their lease ran out, their message was lost, their process died, "
    "or a leaving worker gave them back.",
    ("reason",),
)
CHILDREN_LOST: Final = Metric(
    "samplemind_worker_children_lost_total", "counter", "Children of a cpu worker that died with a parcel.", ("reason",)
)
AI_CALLS: Final = Metric(
    "samplemind_ai_calls_total", "counter", "Calls of providers of summaries, by how they ended.", ("provider", "state")
)
AI_TOKENS: Final = Metric(
    "samplemind_ai_tokens_total",
    "counter",
    "Tokens that providers of summaries have counted.",
    ("provider", "direction"),
)
AI_COST: Final = Metric(
    "samplemind_ai_cost_usd_total", "counter", "What settled calls of providers have cost, in USD.", ("provider",)
)
REPLY_CACHE: Final = Metric(
    "samplemind_reply_cache_reads_total",
    "counter",
    "Summaries that were looked for in the cache of replies.",
    ("result",),
)
SCRATCH_READS: Final = Metric(
    "samplemind_scratch_reads_total",
    "counter",
    "Parcels whose signals or features were looked for in scratch memory; after a miss they are computed again.",
    ("result",),
)
SCRATCH_BYTES: Final = Metric(
    "samplemind_scratch_used_bytes",
    "gauge",
    "Bytes of decoded signals in scratch memory, and of copies of large objects.",
)
SCRATCH_LIMIT: Final = Metric("samplemind_scratch_limit_bytes", "gauge", "Most bytes that scratch memory may hold.")
DISK_FREE: Final = Metric(
    "samplemind_disk_free_bytes", "gauge", "Bytes that this process may still write to a disk of its own.", ("place",)
)
DISK_SIZE: Final = Metric("samplemind_disk_size_bytes", "gauge", "Size of a disk of this process.", ("place",))

# --- Counted by beat and by the web server ---

BEAT_PUBLISHED: Final = Metric("samplemind_beat_tasks_total", "counter", "Tasks that beat has queued.", ("task",))
HTTP_SECONDS: Final = Metric(
    "samplemind_http_request_duration_seconds",
    "histogram",
    "Seconds until the answer to a request began, by route.",
    ("method", "route"),
    _HTTP_BUCKETS,
)
HTTP_REQUESTS: Final = Metric(
    "samplemind_http_requests_total", "counter", "Requests by route and status.", ("method", "route", "status")
)

# --- Every process ---

BUILD: Final = Metric("samplemind_build_info", "gauge", "The version that runs; always 1.", ("version", "role"))

COUNTED: Final = (
    STEP_SECONDS,
    STEP_RETRIES,
    ITEMS_ENDED,
    ITEMS_FAILED,
    ITEMS_TAKEN_BACK,
    CHILDREN_LOST,
    AI_CALLS,
    AI_TOKENS,
    AI_COST,
    REPLY_CACHE,
    SCRATCH_READS,
    BEAT_PUBLISHED,
    HTTP_SECONDS,
    HTTP_REQUESTS,
)
"""What processes count as it happens."""

# --- Read from the stores by the exporter ---

UP: Final = Metric("samplemind_up", "gauge", "Whether a service answers the exporter.", ("service",))
SNAPSHOT_AGE: Final = Metric(
    "samplemind_exporter_snapshot_age_seconds", "gauge", "Seconds since the exporter began to read what it shows."
)
SNAPSHOT_SECONDS: Final = Metric(
    "samplemind_exporter_snapshot_duration_seconds", "gauge", "Seconds that the exporter needed to read what it shows."
)
ITEMS: Final = Metric("samplemind_items", "gauge", "Items of all batches in the record, by state.", ("state",))
FAILURES: Final = Metric(
    "samplemind_failed_items",
    "gauge",
    "Failed items of all batches in the record, by the code of the error.",
    ("code",),
)
BATCHES: Final = Metric("samplemind_batches", "gauge", "Batches in the record, by status.", ("status",))
IN_PROGRESS: Final = Metric(
    "samplemind_items_in_progress",
    "gauge",
    "Items that wait for workers of a queue, or run there; those of paused batches wait for none. Autoscalers go by "
    "those of the queues cpu and io.",
    ("queue",),
)
IN_PROGRESS_PER_WORKER: Final = Metric(
    "samplemind_items_in_progress_per_worker",
    "gauge",
    "Items that wait for workers of a queue or run there, divided by the workers that read it (by one, if there is "
    "none).",
    ("queue",),
)
PARCELS: Final = Metric("samplemind_parcels_in_flight", "gauge", "Parcels that are queued or run.", ("queue",))
OLDEST: Final = Metric(
    "samplemind_oldest_waiting_item_age_seconds",
    "gauge",
    "Age of the oldest item that waits; 0 if none does.",
    ("state",),
)
MONEY_SPENT: Final = Metric(
    "samplemind_ai_spent_usd",
    "gauge",
    "What summaries have cost, or may cost by calls under way, in a period.",
    ("period",),
)
MONEY_LIMIT: Final = Metric(
    "samplemind_ai_budget_usd", "gauge", "The most that summaries may cost in a period.", ("period",)
)
QUEUE_MESSAGES: Final = Metric(
    "samplemind_queue_messages",
    "gauge",
    "Messages in the queues of a kind; cpu_host are those of all machines together, cpu_root those of all roots.",
    ("queue",),
)
WORKERS: Final = Metric("samplemind_workers", "gauge", "Workers that take work from a queue.", ("queue",))
SLOTS: Final = Metric("samplemind_worker_slots", "gauge", "Children or threads of those workers.", ("queue",))
NOT_REACHED: Final = Metric(
    "samplemind_roots_not_reached", "gauge", "Pairs of a machine and a root that it does not reach."
)
CONTENTS: Final = Metric("samplemind_contents", "gauge", "Distinct contents that are analysed.")
VECTORS: Final = Metric(
    "samplemind_vectors", "gauge", "Vectors that the record says are in Chroma, and those that are.", ("where",)
)
VECTORS_MISSING: Final = Metric("samplemind_vectors_missing", "gauge", "Vectors that Chroma lacks.")
RECORD_BYTES: Final = Metric(
    "samplemind_record_size_bytes", "gauge", "Bytes of the record on MongoDB's disk, by what takes them.", ("part",)
)
RECORD_DISK: Final = Metric("samplemind_record_disk_bytes", "gauge", "MongoDB's disk.", ("part",))

EXPORTED: Final = (
    UP,
    SNAPSHOT_AGE,
    SNAPSHOT_SECONDS,
    ITEMS,
    FAILURES,
    BATCHES,
    IN_PROGRESS,
    IN_PROGRESS_PER_WORKER,
    PARCELS,
    OLDEST,
    MONEY_SPENT,
    MONEY_LIMIT,
    QUEUE_MESSAGES,
    WORKERS,
    SLOTS,
    NOT_REACHED,
    CONTENTS,
    VECTORS,
    VECTORS_MISSING,
    RECORD_BYTES,
    RECORD_DISK,
)
"""What the exporter reads."""

ROLES: Final = ("cpu", "io", "ai", "beat", "web", "exporter")
"""The processes with metrics. Each has a port of its own: the first one's is ``SAMPLEMIND_METRICS_PORT``."""


FIRST_PORT: Final = 9640
"""The first port where none is set."""


def port_of(role: str, *, first: int) -> int:
    """Return the port of a process; a ``store`` worker has that of the io worker, which it replaces."""
    return first + ROLES.index("io" if role == "store" else role)
