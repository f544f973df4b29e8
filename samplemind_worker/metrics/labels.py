"""The labels that are known before anything is counted: a rate needs a count that begins at 0."""

from collections.abc import Iterator
from typing import Final

from samplemind_worker.documents.states import FINAL_STATES, Step
from samplemind_worker.errors import PERMANENT_ERRORS
from samplemind_worker.metrics import definitions as metrics
from samplemind_worker.metrics.definitions import Metric

DEATHS: Final = ("timeout", "worker_crashed")
REASONS: Final = (
    *DEATHS, "internal", "out_of_memory", "idle", "message_lost", "root_not_reached", "worker_left",
)  # fmt: skip
"""Why items are taken back."""

_STEPS: Final = {
    "cpu": (Step.DECODE, Step.FEATURES, Step.TEMPO_KEY),
    "io": (Step.SUMMARIZE, Step.STORE),
    "store": (Step.SUMMARIZE, Step.STORE),
    "ai": (Step.SUMMARIZE,),
}


def known(role: str) -> Iterator[tuple[Metric, dict[str, str]]]:
    """Yield the metrics of a process, each with labels that it will have."""
    steps = _STEPS.get(role, ())
    for step in steps:
        yield metrics.STEP_SECONDS, {"step": step.value}
        yield metrics.STEP_RETRIES, {"step": step.value}
    if steps:
        for state in FINAL_STATES:
            yield metrics.ITEMS_ENDED, {"state": state.value}
        for code in PERMANENT_ERRORS:
            yield metrics.ITEMS_FAILED, {"code": code}
        for reason in REASONS:
            yield metrics.ITEMS_TAKEN_BACK, {"reason": reason}
    if role == "cpu":
        for reason in DEATHS:
            yield metrics.CHILDREN_LOST, {"reason": reason}
        for result in ("hit", "miss"):
            yield metrics.SCRATCH_READS, {"result": result}
