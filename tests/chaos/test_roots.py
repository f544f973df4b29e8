"""Roots that a host lacks, and roots that vanish under a batch."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.stack import Stack, wait_until, write_files

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

MakeStack = Callable[..., Stack]


@pytest.mark.chaos
@pytest.mark.parametrize("where", ["nowhere", "an empty folder"])
def test_a_host_lacks_the_root(stack: MakeStack, tmp_path: Path, where: str):
    library, other = tmp_path / "library", tmp_path / "other"
    write_files(library, 300, name="slow")
    if where == "an empty folder":
        other.mkdir()
    one = stack(own_workers=True, SAMPLEMIND_ROOTS=f"kits={library}")
    one.add_all(SAMPLEMIND_HOST="first", SAMPLEMIND_CONCURRENCY="1")
    one.add("worker", "--role", "cpu", SAMPLEMIND_HOST="second", SAMPLEMIND_ROOTS=f"kits={other}")
    one.wait_for_workers(3)
    one.outcome.faults += 1

    batch_id = one.submit(library, files_per_chain="5")

    assert one.check(batch_id, within=120.0)["completed"] == 300
    assert {(item.starts, item.attempt) for item in one.items(batch_id)} == {(1, 1)}


@pytest.mark.chaos
@pytest.mark.parametrize("named", [True, False])
def test_a_root_vanishes_and_comes_back(stack: MakeStack, tmp_path: Path, named: bool):  # noqa: FBT001 -- a parameter
    library = tmp_path / "library"
    write_files(library, 200, name="slow")
    roots = {"SAMPLEMIND_ROOTS": f"kits={library}"} if named else {}
    one = stack(own_workers=True, **roots)
    one.add_all()
    batch_id = one.submit(library, files_per_chain="5")
    one.wait_for_progress(batch_id, more_than=0)

    away = library.rename(tmp_path / "away")
    library.mkdir()  # as after an unmount
    one.outcome.faults += 1
    said = wait_until(lambda: "nobody reaches" in one.complaint(batch_id), seconds=15.0, what="status says so")
    one.outcome.notes.append(f"status said so after {said:.1f} s")
    time.sleep(5.0)
    done = one.progress(batch_id)
    assert not one.has_ended(batch_id)
    library.rmdir()
    away.rename(library)
    again = one.wait_for_progress(batch_id, more_than=done, seconds=30.0)

    one.outcome.notes.append(f"going on {again:.1f} s after it is back")
    assert one.check(batch_id, within=90.0)["completed"] == 200


@pytest.mark.chaos
def test_a_deleted_file_is_missing_all_the_same(stack: MakeStack, tmp_path: Path):
    library = tmp_path / "library"
    paths = write_files(library, 60)
    one = stack(own_workers=True, SAMPLEMIND_ROOTS=f"kits={library}")
    batch_id = one.submit(library, files_per_chain="5")
    paths[7].unlink()
    one.outcome.faults += 1
    one.add_all()

    one.check(batch_id, within=90.0, failed={"missing": 1})
