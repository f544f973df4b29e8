"""When a dispatcher takes an expired lease for a death."""

import pytest

from samplemind_worker.pipeline.workspace import ExpiryHold


class Clocks:
    """A wall clock and one that stands still in sleep."""

    def __init__(self) -> None:
        self.wall = 1000.0
        self.steady = 5.0

    def run(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def hold(clocks: Clocks) -> ExpiryHold:
    """Return the hold of a worker that looks once per second at leases of ten seconds."""
    return made(clocks, lease=10.0, interval=1.0)


def made(clocks: Clocks, *, lease: float, interval: float) -> ExpiryHold:
    return ExpiryHold(lease, interval=interval, wall=lambda: clocks.wall, steady=lambda: clocks.steady)


def looks(hold: ExpiryHold, clocks: Clocks, count: int) -> list[bool]:
    """Look once a second."""
    found: list[bool] = []
    for _ in range(count):
        found.append(hold.is_due())
        clocks.run(1.0)
    return found


def test_a_new_process_keeps_expired_leases_for_half_a_lease(hold: ExpiryHold, clocks: Clocks):
    assert looks(hold, clocks, 8) == [True] * 5 + [False] * 3


def test_who_looks_more_seldom_than_leases_end_is_not_patient_for_ever(clocks: Clocks):
    assert looks(made(clocks, lease=1.0, interval=1.0), clocks, 4) == [True] + [False] * 3


def test_a_process_that_slept_keeps_them_again(hold: ExpiryHold, clocks: Clocks):
    looks(hold, clocks, 8)

    clocks.wall += 3600.0

    assert looks(hold, clocks, 7) == [True] * 5 + [False] * 2


def test_a_process_that_has_not_looked_for_a_while_keeps_them_again(hold: ExpiryHold, clocks: Clocks):
    looks(hold, clocks, 8)

    clocks.run(6.0)

    assert hold.is_due() is True


def test_an_outage_keeps_them(hold: ExpiryHold, clocks: Clocks):
    looks(hold, clocks, 8)

    hold.renew()

    assert looks(hold, clocks, 6) == [True] * 5 + [False]
