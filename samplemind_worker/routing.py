"""Which queue a task goes to. Celery asks at publish time, in the process that publishes.

The steps of the CPU after `decode` go to the queue of the host they are published on: it holds the signals.
"""

from typing import Any

from config.queues import host_queue
from config.settings import get_settings
from tasks.names import HOST_TASKS, QUEUES


def route(name: str, *_: Any, **__: Any) -> dict[str, str] | None:
    """Return the queue of a task of ours; None for a task of somebody else."""
    if name in HOST_TASKS:
        return {"queue": host_queue(get_settings().host)}
    queue = QUEUES.get(name)
    return None if queue is None else {"queue": queue}
