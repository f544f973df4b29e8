"""Processes that die just before and just after they publish a task."""

from collections.abc import Callable
from pathlib import Path

import pytest

from config import task_names as names
from tests.chaos.stack import Stack, write_files

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

MakeStack = Callable[..., Stack]


def prepare(folder: Path, *, deaths: int) -> None:
    folder.mkdir()
    for moment in ("before", "after"):
        for task in names.CHAIN:
            for number in range(deaths):
                (folder / f"{moment}.{task}.{number}").touch()


@pytest.mark.chaos
def test_death_around_every_publish(stack: MakeStack, tmp_path: Path):
    deaths = tmp_path / "deaths"
    one = stack(own_workers=True)
    one.add_all(CHAOS_DEATHS=str(deaths))  # the folder does not exist yet
    write_files(tmp_path / "library", 400)
    batch_id = one.submit(tmp_path / "library", files_per_chain="4")
    one.wait_for_progress(batch_id, more_than=0)
    prepare(deaths, deaths=2)

    one.check(batch_id, within=240.0)
    left = list(deaths.iterdir())
    one.outcome.faults = 2 * 2 * len(names.CHAIN) - len(left)
    assert left == []
