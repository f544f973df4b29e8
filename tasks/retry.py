"""The one retry policy: a TransientError is retried with back-off and jitter; nothing else is retried."""

from typing import Any, Final

from samplemind_worker.errors import TransientError

POLICY: Final[dict[str, Any]] = {
    "autoretry_for": (TransientError,),
    "retry_backoff": 1,  # s, doubling
    "retry_backoff_max": 10,  # well within a lease: the items wait with their task
    "retry_jitter": True,
    # No limit: a try whose lease has expired finds no items, because the dispatcher has taken them back.
    "max_retries": None,
}
