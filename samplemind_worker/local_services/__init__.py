"""The private services of a laptop: find the binaries, start, watch, stop."""

from samplemind_worker.local_services.control import (
    connected,
    ensure_running,
    run_foreground,
    start_web,
    start_workers,
    stop,
    supervises_workers,
    web_address,
)
from samplemind_worker.local_services.users import join_for_good

__all__ = [
    "connected",
    "ensure_running",
    "join_for_good",
    "run_foreground",
    "start_web",
    "start_workers",
    "stop",
    "supervises_workers",
    "web_address",
]
