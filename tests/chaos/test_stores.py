"""Stores that stay broken: `status` names them within seconds."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.stack import COMMAND, Stack, wait_until, write_files

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

MakeStack = Callable[..., Stack]


def says(stack: Stack, batch_id: str, pattern: str) -> bool:
    return re.search(pattern, stack.complaint(batch_id)) is not None


@pytest.mark.chaos
def test_chroma_hangs(stack: MakeStack, tmp_path: Path):
    one = stack()
    write_files(tmp_path / "library", 40)
    one.process("chroma").send_signal(signal.SIGSTOP)
    one.outcome.faults += 1
    batch_id = one.submit(tmp_path / "library")

    said = wait_until(lambda: says(one, batch_id, "Chroma"), seconds=15.0, what="status names Chroma")

    one.outcome.notes.append(f"status said so after {said:.1f} s")
    one.process("chroma").send_signal(signal.SIGCONT)
    one.check(batch_id, within=90.0)


@pytest.mark.chaos
def test_no_shared_memory(stack: MakeStack, tmp_path: Path):
    """Without /dev/shm no cpu worker starts, and `status` says so although an io worker runs."""
    one = stack(own_workers=True)
    for arguments in (("worker", "--role", "io"), ("beat",)):
        one.add(*arguments)
    one.wait_for_workers(1)
    write_files(tmp_path / "library", 10)
    batch_id = one.submit(tmp_path / "library")
    one.outcome.faults += 1
    script = 'mount -t tmpfs -o ro tmpfs /dev/shm && exec "$@"'
    held = [str(part) for part in ("unshare", "-m", "sh", "-c", script, "sh")]
    worker = subprocess.run(
        [*held, sys.executable, "-m", "samplemind_worker.app", "worker", "--role", "cpu", "--concurrency", "1"],
        env=one.worker_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "unshare" in worker.stderr or "mount:" in worker.stderr:
        pytest.skip("this user may not mount")
    assert "Read-only file system" in worker.stderr

    said = wait_until(lambda: says(one, batch_id, "no cpu worker takes work"), seconds=15.0, what="status says so")
    doctor = subprocess.run(
        [*held, str(COMMAND), "doctor"],
        env=one.worker_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    one.outcome.notes.append(f"status said so after {said:.1f} s")
    assert doctor.returncode == 3
    assert re.search(r"fail +semaphores", doctor.stdout + doctor.stderr)
    one.add("worker", "--role", "cpu")
    assert one.check(batch_id, within=60.0)["completed"] == 10
