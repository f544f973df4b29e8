"""``python -m samplemind_worker.exporter``: serves the metrics of the stores until SIGTERM or SIGINT."""

import argparse
import os
import signal
import sys
import threading

from config.settings import get_settings
from samplemind_worker.errors import SetupError
from samplemind_worker.exporter.snapshot import Snapshots
from samplemind_worker.logs import configure_logging
from samplemind_worker.metrics import endpoint

_SERVICE = 3  # exit code


def main(arguments: list[str]) -> int:
    """Serve, and return the exit code."""
    parser = argparse.ArgumentParser(prog="samplemind_worker.exporter")
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args(arguments)
    settings = get_settings()
    configure_logging(settings, "exporter")
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: ended.set())
    try:
        snapshots = Snapshots(settings)
    except SetupError as error:
        print(f"samplemind: error: {error}", file=sys.stderr)  # noqa: T201 -- a command
        return _SERVICE
    registry = endpoint.looked_up(settings, "exporter", snapshots.get)
    if not endpoint.listen(registry, address=given.address, port=given.port):
        print(f"samplemind: error: cannot listen at {given.address}, port {given.port}", file=sys.stderr)  # noqa: T201 -- a command
        return _SERVICE
    print(f"SampleMind: http://{given.address}:{given.port}/metrics (Ctrl-C ends it)", file=sys.stderr, flush=True)  # noqa: T201 -- a command
    ended.wait()
    snapshots.close()
    return 0


if __name__ == "__main__":
    ended_with = main(sys.argv[1:])
    sys.stderr.flush()
    # At once: Python would wait for threads, which may wait for a service that does not answer.
    os._exit(ended_with)
