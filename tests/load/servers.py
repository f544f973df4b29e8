"""Starts a server of the API in a process of its own, to be measured."""

import os
import socket
import subprocess
import sys
import time

from config.settings import Settings
from samplemind_worker.local_services.services import setting_env


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(settings: Settings, port: int) -> subprocess.Popen[bytes]:
    """Start a server that uses these services, and wait until it answers."""
    line = [sys.executable, "-m", "samplemind_web", "--port", str(port)]
    server = subprocess.Popen(line, env={**os.environ, **setting_env(settings)})
    deadline = time.monotonic() + 30.0
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
        except OSError:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.1)
        else:
            return server
