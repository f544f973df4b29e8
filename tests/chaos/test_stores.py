"""Stores that stay broken: `status` names them within seconds."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.chaos.stack import COMMAND, Stack, wait_until, write_files

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

MakeStack = Callable[..., Stack]


def says(stack: Stack, batch_id: str, pattern: str) -> bool:
    return re.search(pattern, stack.complaint(batch_id)) is not None


def examined(environment: Mapping[str, str], held: Sequence[str] = ()) -> "subprocess.CompletedProcess[str]":
    """Run `doctor`."""
    return subprocess.run(
        [*held, str(COMMAND), "doctor"], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


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
@pytest.mark.parametrize("service", ["valkey", "mongod"])
def test_a_store_hangs_that_every_command_needs(stack: MakeStack, tmp_path: Path, service: str):
    one = stack()
    write_files(tmp_path / "library", 60, name="slow")
    batch_id = one.submit(tmp_path / "library", files_per_chain="4")
    one.process(service).send_signal(signal.SIGSTOP)
    one.outcome.faults += 1

    said = wait_until(lambda: says(one, batch_id, f"{service} runs, but"), seconds=15.0, what=f"status names {service}")

    one.outcome.notes.append(f"status said so after {said:.1f} s")
    doctor = examined(one.environment)
    assert re.search(rf"fail +{service} .*`samplemind down` ends it", doctor.stdout)
    one.process(service).send_signal(signal.SIGCONT)
    one.check(batch_id, within=90.0)


@pytest.mark.chaos
def test_the_vectors_are_damaged_under_a_batch(stack: MakeStack, tmp_path: Path):
    """Chroma answers, and can read nothing: `status` says so, and `reindex` begins anew from the record."""
    one = stack()
    write_files(tmp_path / "first", 20)
    one.check(one.submit(tmp_path / "first"), within=90.0)
    database = one.home.data / "chroma" / "chroma.sqlite3"
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (database.stat().st_size - 4096))
    one.outcome.faults += 1
    write_files(tmp_path / "second", 20, seed=1)
    batch_id = one.submit(tmp_path / "second")

    said = wait_until(lambda: says(one, batch_id, "reindex"), seconds=15.0, what="status names the way out")

    one.outcome.notes.append(f"status said so after {said:.1f} s")
    one.run("reindex")
    one.check(batch_id, within=90.0)
    assert len(list(one.home.data.glob("chroma.damaged-*"))) == 1


@pytest.mark.chaos
def test_scratch_becomes_read_only(stack: MakeStack, small_disk: Callable[[str, int], Path], tmp_path: Path):
    """Every step decodes its files again, and `doctor` says why it takes so long."""
    scratch = small_disk("scratch", 64)
    one = stack(SAMPLEMIND_SCRATCH=str(scratch))
    write_files(tmp_path / "library", 100, name="slow")
    batch_id = one.submit(tmp_path / "library", files_per_chain="4")
    one.wait_for_progress(batch_id, more_than=0)

    subprocess.run(["mount", "-o", "remount,ro", str(scratch)], check=True)
    one.outcome.faults += 1
    wait_until(lambda: one.has_ended(batch_id), seconds=120.0, what="the batch ends without scratch memory")
    doctor = examined(one.environment)
    subprocess.run(["mount", "-o", "remount,rw", str(scratch)], check=True)

    assert doctor.returncode == 3
    assert re.search(r"fail +scratch", doctor.stdout)
    one.check(batch_id, within=10.0)


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
    doctor = examined(one.worker_environment(), held)

    one.outcome.notes.append(f"status said so after {said:.1f} s")
    assert doctor.returncode == 3
    assert re.search(r"fail +semaphores", doctor.stdout + doctor.stderr)
    one.add("worker", "--role", "cpu")
    assert one.check(batch_id, within=60.0)["completed"] == 10
