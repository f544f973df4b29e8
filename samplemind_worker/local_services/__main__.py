"""``python -m samplemind_worker.local_services``: the supervisor, detached from the command that started it."""

import contextlib
import sys

from config.settings import get_settings
from samplemind_worker.errors import SetupError
from samplemind_worker.local_services.home import Home
from samplemind_worker.local_services.supervisor import log_to_stderr, supervise


def main() -> int:
    """Supervise; if the services cannot start, write the reason to HOME/run/failure for the waiting commands."""
    settings = get_settings()
    log_to_stderr()
    try:
        supervise(settings, with_workers="--no-workers" not in sys.argv[1:])
    except SetupError as error:
        print(error, file=sys.stderr)  # noqa: T201 -- the last line of its log
        with contextlib.suppress(OSError):
            Home(settings.home).failure.write_text(str(error), encoding="utf-8")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
