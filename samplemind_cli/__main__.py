"""``samplemind`` and ``python -m samplemind_cli``: loads the command line, and runs it."""

import sys


def main() -> None:
    """Load the command line and run it; Ctrl-C ends it without a traceback from the first moment on."""
    from samplemind_worker.isolation import ignore_working_folder  # noqa: PLC0415 -- slow import

    ignore_working_folder()
    try:
        from samplemind_cli.app import main as run  # noqa: PLC0415 -- slow import
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
