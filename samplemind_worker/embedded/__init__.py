"""The private services of a laptop: find the binaries, start, watch, stop."""

from samplemind_worker.embedded.checks import Check
from samplemind_worker.embedded.control import connected, ensure_running, run_foreground, stop
from samplemind_worker.embedded.doctor import diagnose

__all__ = ["Check", "connected", "diagnose", "ensure_running", "run_foreground", "stop"]
