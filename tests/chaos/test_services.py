"""What a power cut does to the private services under a batch."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.chaos.stack import Stack, write_files

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

MakeStack = Callable[..., Stack]


def cut_power(one: Stack) -> None:
    """Kill the supervisor and all below it at one moment."""
    supervisor = one.home.holder()
    assert supervisor is not None
    everything = [psutil.Process(supervisor), *psutil.Process(supervisor).children(recursive=True)]
    for kill in (psutil.Process.suspend, psutil.Process.kill):
        for process in everything:
            with suppress(psutil.NoSuchProcess):
                kill(process)
    psutil.wait_procs(everything)
    one.outcome.faults += 1


def test_20_a_power_cut_that_leaves_zeros(stack: MakeStack, tmp_path: Path):
    one = stack()
    write_files(tmp_path / "library", 300)
    batch_id = one.submit(tmp_path / "library", files_per_chain="4")
    one.wait_for_progress(batch_id, more_than=0)

    cut_power(one)
    [log] = (one.home.data / "valkey").glob("appendonlydir/*.incr.aof")
    with log.open("ab") as file:
        file.write(bytes(8192))
    for schedule in (one.home.root / "beat").glob("schedule*"):
        size = schedule.stat().st_size
        schedule.write_bytes(schedule.read_bytes()[: size // 2] + bytes(size - size // 2))
    (one.home.run / "lock").write_bytes(bytes(64))
    one.outcome.faults += 3
    # Whoever looks has the services and the workers started.
    one.run("status", batch_id)

    one.check(batch_id, within=120.0)
    assert len(list(one.home.data.glob("valkey.damaged-*"))) == 1
