"""Shows a file in the file manager of the desktop."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from samplemind_worker.errors import SetupError


def reveal(path: Path) -> None:
    """Show a file in the file manager; on Linux, its folder.

    Raises
    ------
    SetupError
        If there is no desktop to show it on.
    """
    if sys.platform == "darwin":
        command = ["open", "-R", str(path)]
    elif not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise SetupError(f"no desktop here to show it on; it lies in {path.parent}")
    elif (opener := shutil.which("xdg-open")) is None:
        raise SetupError(f"`xdg-open` is not installed; it lies in {path.parent}")
    else:
        command = [opener, str(path.parent)]
    # In a session of its own, so that the file manager stays open when the browser ends.
    subprocess.Popen(  # noqa: S603 -- the system's own opener
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
