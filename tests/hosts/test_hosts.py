"""Several hosts, each with a worker, scratch and an address of its own, and one Redis, MongoDB and Chroma."""

import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from config.settings import Settings
from tests.chaos.stack import Stack, WorkerProcess, wait_until, write_files
from tests.hosts.network import Host, Network, obstacle

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

_PAUSE = 0.25
"""Seconds that each file takes longer: shares depend on it more than on what else runs on this machine."""


@dataclass
class Lab:
    """The stores with beat and an io worker, and hosts with a cpu worker each."""

    stack: Stack
    network: Network
    workers: dict[str, WorkerProcess] = field(default_factory=dict)
    submitted: int = 0
    before: int = 0
    """How many files had been read before this test."""

    def start(self, host: Host, *, pause: float = _PAUSE) -> None:
        """Start the cpu worker of a host, with one child."""
        self.workers[host.name] = self.stack.add(
            *("worker", "--role", "cpu"),
            prefix=host.prefix,
            SAMPLEMIND_HOME=str(self.stack.folder / host.name),
            SAMPLEMIND_SCRATCH=str(self.stack.folder / "scratch" / host.name),
            CHAOS_PAUSE=str(pause),
            **host.environment,
        )

    def reads(self) -> list[tuple[str, str]]:
        """Which host has read which file since this test began, in this order."""
        lines = (self.stack.folder / "reads").read_text().splitlines()[self.before :]
        return [(host, name) for host, name in (line.split() for line in lines)]

    def reads_of(self, prefix: str) -> list[tuple[str, str]]:
        """The same for the files whose names begin so."""
        return [(host, name) for host, name in self.reads() if name.startswith(prefix)]

    def submit(self, name: str, count: int, *, in_parcels_of: int = 4, **options: str) -> str:
        """Submit new files whose names begin so."""
        self.submitted += 1
        folder = self.stack.folder / f"{self.submitted}-{name}"
        write_files(folder, count, name=name, seed=self.submitted)
        return self.stack.submit(folder, files_per_chain=str(in_parcels_of), **options)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    why = obstacle()
    if why is not None:
        # Where changes are judged, nobody would notice that these tests are left out.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    folder = tmp_path_factory.mktemp("hosts")
    stack = Stack(
        folder,
        own_workers=True,
        SAMPLEMIND_CONCURRENCY="1",
        SAMPLEMIND_GRACE_SECONDS="60",
        CHAOS_READS=str(folder / "reads"),
    )
    network = None
    try:
        (folder / "reads").touch()
        sockets = Path(stack.home.read_state().sockets)
        network = Network(
            {"redis": sockets / "valkey.sock", "mongodb": sockets / "mongod.sock", "chroma": sockets / "chroma.sock"}
        )
        stack.add("worker", "--role", "io", SAMPLEMIND_HOST="stores")
        stack.add("beat", SAMPLEMIND_HOST="stores")
        yield Lab(stack, network)
    finally:
        stack.close()
        if network is not None:
            network.close()


@pytest.fixture(autouse=True)
def _reads_of_each_test(lab: Lab) -> None:
    lab.before += len(lab.reads())


@pytest.fixture(scope="module")
def hosts(lab: Lab) -> list[Host]:
    """Two hosts that are alike, and one that is six times as slow."""
    hosts = [lab.network.add(name) for name in ("one", "two", "slow")]
    for host in hosts:
        lab.start(host, pause=_PAUSE * (6 if host.name == "slow" else 1))
    lab.stack.wait_for_workers(1 + len(hosts))
    return hosts


@pytest.mark.usefixtures("hosts")
def test_hosts_share_the_work_by_their_speed_and_read_each_file_once(lab: Lab) -> None:
    batch_id = lab.submit("shared", 90)
    lab.stack.check(batch_id, within=120.0)

    reads = lab.reads_of("shared")
    assert len(reads) == len({name for _, name in reads}) == 90  # decodes per file: 1.00
    share = Counter(host for host, _ in reads)
    assert share["slow"] >= 4
    assert share["slow"] * 2 < min(share["one"], share["two"])
    assert max(share["one"], share["two"]) <= 2 * min(share["one"], share["two"])


def test_a_host_knows_the_stores_by_the_address_at_its_own_cable_alone(lab: Lab, hosts: list[Host]) -> None:
    signs = lab.stack.workspace.board.workers()
    assert {sign.host for sign in signs} == {"stores", *(host.name for host in hosts)}
    for host in hosts:
        assert _peers(lab.workers[host.name].process.pid) == {host.stores}


def _peers(pid: int) -> set[str]:
    """The addresses to which a process's host has connections."""
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    # The four bytes of an address are written as one number of this machine.
    return {
        socket.inet_ntoa(int(remote.split(":")[0], 16).to_bytes(4, sys.byteorder))
        for _, _, remote, state, *_ in rows
        if state == "01"
    }


def test_a_rolling_upgrade_loses_nothing_and_reads_no_file_twice(lab: Lab, hosts: list[Host]) -> None:
    batch_id = lab.submit("slow-rolling", 80)
    lab.stack.wait_for_progress(batch_id, more_than=0)
    before = {host.name: lab.workers[host.name].starts for host in hosts}
    for host in hosts:
        assert not lab.stack.has_ended(batch_id)
        lab.workers[host.name].stop(signal.SIGTERM)
        lab.workers[host.name].resume()

    lab.stack.check(batch_id, within=120.0)
    reads = lab.reads_of("slow-rolling")
    assert len(reads) == len({name for _, name in reads}) == 80
    assert {(item.starts, item.alone) for item in lab.stack.items(batch_id)} == {(1, False)}
    assert {name: lab.workers[name].starts - count for name, count in before.items()} == dict.fromkeys(before, 1)


def test_what_a_host_had_that_is_cut_off_is_taken_over(lab: Lab, hosts: list[Host]) -> None:
    lab.stack.wait_for_workers(1 + len(hosts))
    one = hosts[0]
    # It has read the rest of its files only long after it is cut off, however slow this machine is.
    batch_id = lab.submit("slow-cut", 36, in_parcels_of=12)
    wait_until(lambda: "one" in dict(lab.reads_of("slow-cut")), seconds=60.0, what="the first host has read a file")
    lab.network.cut(one)
    try:
        wait_until(lambda: lab.stack.has_ended(batch_id), seconds=120.0, what="the end of the batch")
        reads = lab.reads_of("slow-cut")
    finally:
        lab.network.mend(one)

    of_one = {name for host, name in reads if host == "one"}
    assert of_one & {name for host, name in reads if host != "one"}
    # What it wrote late was refused, and it works again by itself.
    lab.stack.check(batch_id, within=10.0)
    again = lab.submit("again", 40)
    wait_until(lambda: "one" in dict(lab.reads_of("again")), seconds=90.0, what="the host works again")
    lab.stack.check(again, within=120.0)


@pytest.mark.chaos
def test_interactive_files_overtake_all_but_the_window_however_many_hosts_there_are(
    lab: Lab, hosts: list[Host]
) -> None:
    hosts = [*hosts, lab.network.add("four")]
    lab.start(hosts[-1])
    lab.stack.wait_for_workers(1 + len(hosts))
    bulk = lab.submit("bulk", 400, priority="bulk")
    lab.stack.wait_for_progress(bulk, more_than=0)
    first = lab.submit("urgent", 8, priority="interactive")
    before = len(lab.reads_of("bulk"))
    wait_until(lambda: lab.reads_of("urgent"), seconds=60.0, what="the first interactive file is read")

    order = [name.partition("-")[0] for _, name in lab.reads()]
    ahead = order[: order.index("urgent")].count("bulk") - before
    window = Settings.model_fields["window_per_slot"].default * len(hosts)
    assert not lab.stack.has_ended(bulk)
    assert ahead <= 4 * window
    lab.stack.check(first, bulk, within=120.0)
