"""``samplemind`` and ``python -m samplemind_cli``: loads the command line, and runs it."""

import os
import signal
from types import FrameType


def main() -> None:
    """Load the command line and run it; Ctrl-C ends it without a traceback from the first moment on."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # An exception while an extension is loaded comes out of it as another one. There is nothing to tidy up yet.
        signal.signal(signal.SIGINT, _leave)
    from samplemind_worker.isolation import ignore_working_folder  # noqa: PLC0415 -- slow import

    ignore_working_folder()
    from samplemind_cli.app import main as run  # noqa: PLC0415 -- slow import

    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


def _leave(_: int, __: FrameType | None) -> None:
    os._exit(130)


if __name__ == "__main__":
    main()
