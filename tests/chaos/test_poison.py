"""Files that harm the process that opens them, and a worker that is only slow."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.stack import Stack, write_files

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

MakeStack = Callable[..., Stack]


def test_files_that_crash_their_decoder(stack: MakeStack, tmp_path: Path):
    one = stack()
    library = tmp_path / "library"
    write_files(library, 60)
    write_files(library, 3, name="segv")

    batch_id = one.submit(library)

    one.outcome.faults = 3
    one.check(batch_id, within=120.0, failed={"worker_crashed": 3})
    assert {item.path.partition("-")[0] for item in one.items(batch_id) if item.error} == {"segv"}
    # Only their decoders died: no file was started twice, and none was sent in a parcel of its own.
    assert {(item.starts, item.alone) for item in one.items(batch_id)} == {(1, False)}


def test_files_that_crash_their_worker(stack: MakeStack, tmp_path: Path):
    one = stack()
    library = tmp_path / "library"
    write_files(library, 60)
    write_files(library, 2, name="crash")

    batch_id = one.submit(library)

    one.outcome.faults = 6
    one.check(batch_id, within=120.0, failed={"worker_crashed": 2})
    assert {item.path.partition("-")[0] for item in one.items(batch_id) if item.error} == {"crash"}
    assert max(item.starts for item in one.items(batch_id)) == 3


@pytest.mark.chaos
def test_poison_of_every_kind(stack: MakeStack, tmp_path: Path):
    one = stack(SAMPLEMIND_STEP_SECONDS="40", SAMPLEMIND_DECODE_SECONDS="2", SAMPLEMIND_DECODE_MEMORY_BYTES=str(2**28))
    library = tmp_path / "library"
    write_files(library, 400)
    counts = {"segv": 20, "memory": 2, "endless": 2, "crash": 4, "parent": 1}
    for name, count in counts.items():
        write_files(library, count, name=name)

    batch_id = one.submit(library)

    one.check(batch_id, within=300.0, failed={"worker_crashed": 25, "timeout": 2, "out_of_memory": 2})
    items = one.items(batch_id)
    one.outcome.faults = sum(item.starts for item in items if item.error is not None)
    assert {item.path.partition("-")[0] for item in items if item.state.value == "failed"} == set(counts)
    assert max(item.starts for item in items) <= 3


@pytest.mark.chaos
def test_retry_runs_what_failed_and_only_that(stack: MakeStack, tmp_path: Path):
    one = stack()
    library = tmp_path / "library"
    write_files(library, 40)
    (poison,) = write_files(library, 1, name="segv")
    batch_id = one.submit(library)
    one.check(batch_id, within=120.0, failed={"worker_crashed": 1})
    before = {item.path: item.attempt for item in one.items(batch_id)}
    healthy = poison.read_bytes()
    poison.unlink()

    one.run("retry", batch_id)
    one.check(batch_id, within=60.0, failed={"missing": 1})
    poison.with_name("good-again.wav").write_bytes(healthy)

    after = {item.path: item.attempt for item in one.items(batch_id)}
    assert [path for path, attempt in after.items() if attempt != before[path]] == [poison.name]


@pytest.mark.chaos
def test_a_backlog_on_one_slow_worker(stack: MakeStack, tmp_path: Path):
    one = stack(
        own_workers=True, SAMPLEMIND_CONCURRENCY="1", SAMPLEMIND_LEASE_SECONDS="3", SAMPLEMIND_REQUEUE_SECONDS="1"
    )
    one.add_all()
    batch_ids = [
        one.submit(tmp_path / str(number), files_per_chain="30")
        for number in range(3)
        if write_files(tmp_path / str(number), 60, name="slow", seed=number)
    ]

    one.check(*batch_ids, within=240.0)
    # A parcel takes twice its lease, and the last parcels have waited for many times that long.
    assert {(item.starts, item.alone) for batch_id in batch_ids for item in one.items(batch_id)} == {(1, False)}
