"""``python -m samplemind_worker.demo FOLDER`` writes the demonstration library into a new folder."""

import sys
from pathlib import Path

from samplemind_worker.demo import library, plan
from samplemind_worker.errors import UsageError


def main() -> int:
    """Write the library, and return the exit code."""
    if len(sys.argv) != 2:  # noqa: PLR2004 -- the program and the folder
        sys.stderr.write("usage: python -m samplemind_worker.demo FOLDER\n")
        return 2
    folder, items = Path(sys.argv[1]), plan.items()
    try:
        written = library.write(folder, items)
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stderr.write(f"{folder}: {len(items)} files{'' if written else ', all there already'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
