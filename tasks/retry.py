"""The one retry policy: a TransientError is retried with back-off and jitter; nothing else is retried."""

from typing import Any, Final

from samplemind_worker.errors import TransientError

POLICY: Final[dict[str, Any]] = {
    "autoretry_for": (TransientError,),
    "retry_backoff": 1,  # s, doubling
    "retry_backoff_max": 10,  # well within a lease: the items wait with their task
    "retry_jitter": True,
    # For as long as a lease is kept for it no try is the last one; after that the record takes its items back.
    "max_retries": None,
}
