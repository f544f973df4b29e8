"""Two deployments that share the Redis database."""

from collections.abc import Callable
from pathlib import Path

import pytest

from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import batches, mongo
from tests.chaos.stack import Stack, wait_until, write_files

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

MakeStack = Callable[..., Stack]


@pytest.mark.chaos
def test_two_deployments_share_a_redis(stack: MakeStack, tmp_path: Path):
    """Neither takes the other's messages: no parcel is queued twice, and no batch waits for a lost message."""
    one = stack(own_workers=True, SAMPLEMIND_CONCURRENCY="1", SAMPLEMIND_REQUEUE_SECONDS="600")
    one.add_all(SAMPLEMIND_HOST="first")
    other = {"SAMPLEMIND_DATABASE": "other", "SAMPLEMIND_HOST": "second"}
    there = Workspace(one.settings.model_copy(update={"database": "other"}))
    for arguments in (("worker", "--role", "cpu"), ("worker", "--role", "io"), ("beat",)):
        one.add(*arguments, **other)
    wait_until(lambda: len(there.board.workers()) == 2, seconds=60.0, what="the other deployment's workers")
    write_files(tmp_path / "library", 200)
    write_files(tmp_path / "others", 200, seed=1)

    batch_id = one.submit(tmp_path / "library", files_per_chain="5")
    others = one.submit_to(other, tmp_path / "others", files_per_chain="5")
    report = one.check(batch_id, within=90.0)
    assert report["completed"] == 200
    assert {item.attempt for item in one.items(batch_id)} == {1}

    mongo.close()
    there.connect()
    wait_until(lambda: batches.find(others).finished_at is not None, seconds=90.0, what="the end of the other batch")
    assert batches.report(batches.find(others))["completed"] == 200
    assert {item.attempt for item in batches.iterate(others)} == {1}
    there.close()
