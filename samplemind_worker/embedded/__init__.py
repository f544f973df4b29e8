"""The private services of a laptop: find the binaries, start, watch, stop."""

from samplemind_worker.embedded.checks import Check
from samplemind_worker.embedded.control import (
    connected,
    ensure_running,
    run_foreground,
    start_workers,
    stop,
    supervises_workers,
)
from samplemind_worker.embedded.doctor import diagnose
from samplemind_worker.embedded.users import join_for_good

__all__ = [
    "Check", "connected", "diagnose", "ensure_running", "join_for_good", "run_foreground", "start_workers", "stop",
    "supervises_workers",
]  # fmt: skip
