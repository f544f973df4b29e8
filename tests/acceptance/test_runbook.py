"""The path of a new engineer in deployment/runbook.md, run line by line, with stores that ask for passwords."""

import contextlib
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from samplemind_worker.store.cache import Board
from tests.acceptance.conftest import SAMPLEMIND
from tests.chaos.stack import wait_until, write_files
from tests.chroma import own_server
from tests.hostile.guarded import Guarded, guarded

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

RUNBOOK = Path(__file__).parents[2] / "deployment" / "runbook.md"
FILES = 30


def blocks() -> list[str]:
    """The blocks of the path."""
    text = RUNBOOK.read_text()
    path = text[text.index("## A new engineer's path") : text.index("## Set up")]
    return re.findall(r"```sh\n(.*?)```", path, re.DOTALL)


class Shell:
    """A bash that runs one block after the other, and stops at the first command that fails."""

    def __init__(self, **environment: str) -> None:
        self._said: list[str] = []
        self._process = subprocess.Popen(
            ["bash", "-eu"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._count = 0

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.append(line)

    def run(self, block: str) -> str:
        """Run a block, and return what it and the processes in the background have said meanwhile."""
        assert self._process.stdin is not None
        self._count += 1
        begin, mark = len(self._said), f"end of block {self._count}\n"
        self._process.stdin.write(f"{block}\necho 'end of block {self._count}'\n")
        self._process.stdin.flush()
        wait_until(
            lambda: mark in self._said[begin:] or self._process.poll() is not None,
            seconds=240.0,
            what=f"the end of {block}",
        )
        said = "".join(self._said[begin:])
        assert mark in said, f"{block}\n{said}"
        return said

    def close(self) -> None:
        """End it, and all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[Guarded, str]]:
    with (
        guarded(tmp_path, redis_password="old5e2f", mongodb_password="m5e2f") as servers,  # noqa: S106 -- of this test alone
        own_server(tmp_path / "chroma") as chroma,
    ):
        yield servers, chroma


def test_a_new_engineer_comes_from_nothing_to_a_rotated_secret(stores: tuple[Guarded, str], tmp_path: Path) -> None:
    servers, chroma = stores
    write_files(tmp_path / "samples", FILES)
    (tmp_path / "shm").mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAMPLEMIND_")}
    shell = Shell(
        **kept,
        SAMPLEMIND_HOST="first",
        SAMPLEMIND_CONCURRENCY="1",
        SAMPLEMIND_GRACE_SECONDS="4",
        SAMPLEMIND_SCRATCH=str(tmp_path / "shm"),
    )
    # Longest first, as some are parts of others.
    replaced = {
        "/srv/samplemind/.venv/bin": str(SAMPLEMIND.parent),
        "/srv/samples": str(tmp_path / "samples"),
        "/etc/samplemind": str(tmp_path / "etc"),
        "/var/lib/samplemind": str(tmp_path / "lib"),
        "redis.example.org:6379": f"127.0.0.1:{servers.redis_port}",
        "mongodb.example.org:27017": f"127.0.0.1:{servers.mongodb_port}",
        "http://chroma.example.org:8000": chroma,
        "s/REDIS_PASSWORD/NEW_REDIS_PASSWORD/": "s/old5e2f/new5e2f/",
        "MONGODB_PASSWORD": servers.mongodb_password,
        "REDIS_PASSWORD": servers.redis_password,
    }

    def run(block: str) -> str:
        for words, own in replaced.items():
            block = block.replace(words, own)
        assert not re.search(r"example\.org|(?<!\w)/(srv|etc|var)/", block), block
        return shell.run(block)

    def hosts() -> set[str]:
        with contextlib.closing(Board(servers.redis_url, "samplemind")) as board:
            return {sign.host for sign in board.workers()}

    install, start, first, add, drain, rotate, end = blocks()
    try:
        run(install)
        assert (tmp_path / "etc" / "worker.env").stat().st_mode & 0o777 == 0o600
        run(start)
        said = run(first)
        assert f"completed {FILES}" in said
        assert f"skipped {FILES}" in said
        wait_until(lambda: hosts() == {"first"}, seconds=60.0, what="the first machine works")
        run(add)
        wait_until(lambda: hosts() == {"first", "second"}, seconds=90.0, what="the second machine works")
        assert "workers      cpu: first (1), second (1); io: first (8)" in run("samplemind doctor")
        run(drain)
        assert hosts() == {"first"}
        servers.stop_redis()
        servers.redis_password = "new5e2f"  # noqa: S105 -- of this test alone
        servers.start_redis()
        assert f"completed {FILES}" in run(rotate)
        run(end)
        wait_until(lambda: hosts() == set(), seconds=30.0, what="all have gone")
    finally:
        shell.close()


def test_what_could_not_be_tried_is_marked() -> None:
    text = RUNBOOK.read_text()
    path = text[text.index("## A new engineer's path") : text.index("## Set up")]
    for words in ("systemctl", "docker compose"):
        for found in re.finditer(re.escape(words), path):
            assert "not tried there" in path[max(0, found.start() - 200) : found.end() + 200], words
