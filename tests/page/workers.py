"""Real worker processes for a test of the page."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from config.settings import Settings
from samplemind_worker.local_services.services import setting_env
from samplemind_worker.store.cache import Board
from tests.waiting import wait_until

_ROOT = Path(__file__).parents[2]


@contextmanager
def running(settings: Settings, folder: Path) -> Iterator[None]:
    """A cpu and an io worker, which take work from the beginning to the end of the block."""
    assert settings.redis_url is not None
    with ExitStack() as stack:
        for role in ("cpu", "io"):
            stack.enter_context(_worker(role, settings, folder / f"{role}.log"))
        board = Board(settings.redis_url.get_secret_value(), settings.database)
        stack.callback(board.close)
        wait_until(lambda: len(board.workers()) == 2, 120.0)
        yield


@contextmanager
def _worker(role: str, settings: Settings, log: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "samplemind_worker.app", "worker", "--role", role, "--concurrency", "1"]
    environment = {**os.environ, **setting_env(settings)}
    with log.open("ab") as written:
        process = subprocess.Popen(command, env=environment, cwd=_ROOT, stdout=written, stderr=written)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)
