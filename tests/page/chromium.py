"""Finds a Chromium for tests and benchmarks of the page: one on the PATH, or that of the npm package."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from samplemind_web.page_files import BUILT

SOURCES: Final = BUILT.parent
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    # WebGL without a GPU, and sound without a gesture or a sound card.
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--autoplay-policy=no-user-gesture-required",
)
_NODE = Path(sys.executable).with_name("node")
_ON_PATH = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str:
    """Return the path of a Chromium; that of the package is unpacked the first time."""
    for name in _ON_PATH:
        if found := shutil.which(name):
            return found
    unpacked = SOURCES / "node_modules" / ".chromium"
    unpacked.mkdir(exist_ok=True)
    with (unpacked / ".lock").open("w") as lock:
        # Another process of the test run must not start a browser that is still being written.
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            [_NODE, "chromium.mjs"],
            cwd=SOURCES,
            env={**os.environ, "TMPDIR": str(unpacked)},
            capture_output=True,
            text=True,
            check=True,
        )
    return done.stdout.strip()
