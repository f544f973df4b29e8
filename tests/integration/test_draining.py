"""A cpu worker that is told to end first ends the parcels that its host has begun."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.stack import Stack, wait_until, write_files

pytestmark = pytest.mark.services


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    made = Stack(
        tmp_path,
        own_workers=True,
        SAMPLEMIND_GRACE_SECONDS="60",
        SAMPLEMIND_LEASE_SECONDS="120",
        SAMPLEMIND_CONCURRENCY="1",
        CHAOS_READS=str(tmp_path / "reads"),
    )
    yield made
    made.close()


def test_a_host_that_leaves_ends_its_parcels_and_begins_no_other(stack: Stack, tmp_path: Path):
    stack.add_all(SAMPLEMIND_HOST="first")
    [first, _, _] = stack.workers
    reads = tmp_path / "reads"
    write_files(tmp_path / "library", 30, name="slow")
    batch_id = stack.submit(tmp_path / "library", files_per_chain="10")
    wait_until(reads.exists, seconds=60.0, what="the first file is read")

    first.stop(signal.SIGTERM)

    # One parcel in decode, and at most one more between two steps; the others have not begun.
    begun = {line.split()[1] for line in reads.read_text().splitlines()}
    states = {item.path: (item.state.value, item.step.value) for item in stack.items(batch_id)}
    assert {states[name][1] for name in begun} <= {"summarize", "store"}
    assert {state for name, state in states.items() if name not in begun} <= {
        ("pending", "decode"),
        ("queued", "decode"),
    }
    assert 10 <= len(begun) < 30
    stack.add("worker", "--role", "cpu", SAMPLEMIND_HOST="second")
    stack.check(batch_id, within=120.0)
    names = [line.split()[1] for line in reads.read_text().splitlines()]
    assert sorted(names) == sorted(states)
    assert {line.split()[0] for line in reads.read_text().splitlines()} == {"first", "second"}
