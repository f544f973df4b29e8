"""Where items in flight are, as MongoDB is asked for it."""

from typing import Any

from config.queues import CPU, IO, Queues, kind_of_step
from samplemind_worker.documents.states import Step


def kind_of_queue(queues: Queues) -> dict[str, Any]:
    """Return the expression of the kind of queue that an item in flight waits in, or runs from.

    Summaries that ask no model are written in `io`, so that the step alone does not tell.
    """
    steps = [{"case": {"$eq": ["$step", step.value]}, "then": kind_of_step(step)} for step in Step]
    written_here = {"case": {"$eq": ["$queue", queues.of(IO)]}, "then": IO}
    return {"$switch": {"branches": [written_here, *steps], "default": CPU}}
