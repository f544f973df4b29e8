"""The simulator gives what the laws of queues say, where these have a simple answer."""

import pytest

from benchmarks.capacity_model import MOST_IN_FLIGHT, WINDOW_PER_SLOT, Deployment, Station, simulate, speed
from config.settings import Settings
from samplemind_worker.submission import dispatch

COSTS = {
    "cpu_ms": 10.0,
    "io_ms": 1.0,
    "mongodb_ms": 0.5,
    "chroma_ms": 0.5,
    "file_bytes": 50_000.0,
    "files_per_parcel": 60.0,
}


@pytest.mark.parametrize(("servers", "seconds"), [(1, 0.5), (4, 0.5), (16, 2.0)])
def test_one_station_is_as_fast_as_its_servers(servers: int, seconds: float) -> None:
    outcome = simulate([Station("cpu", servers, seconds)], window=3 * servers)

    assert outcome.parcels_per_second == pytest.approx(servers / seconds, rel=0.05)
    assert outcome.busy["cpu"] == pytest.approx(1.0, abs=0.03)


def test_the_slowest_station_sets_the_speed_and_the_others_wait() -> None:
    outcome = simulate([Station("a", 4, 0.1), Station("b", 1, 0.2), Station("c", 2, 0.1)], window=50)

    assert outcome.fullest == "b"
    assert outcome.parcels_per_second == pytest.approx(5.0, rel=0.05)
    assert outcome.busy["a"] == pytest.approx(5.0 * 0.1 / 4, rel=0.1)


def test_a_small_window_leaves_servers_idle() -> None:
    # Little's law: one parcel in flight passes two stations of a second each every two seconds.
    outcome = simulate([Station("a", 4, 1.0), Station("b", 4, 1.0)], window=1)

    assert outcome.parcels_per_second == pytest.approx(0.5, rel=0.05)


def test_more_hosts_help_until_another_part_is_full() -> None:
    two, _ = speed(COSTS, Deployment(children=2))
    four, outcome = speed(COSTS, Deployment(children=4))
    many, full = speed(COSTS, Deployment(children=64))

    assert four / two == pytest.approx(2.0, rel=0.05)
    assert outcome.fullest == "cpu workers"
    assert full.fullest == "io workers"
    assert many == pytest.approx(1000.0, rel=0.05)


def test_the_window_is_that_of_the_dispatcher() -> None:
    assert Settings.model_fields["window_per_slot"].default == WINDOW_PER_SLOT
    assert dispatch._MOST_IN_FLIGHT == MOST_IN_FLIGHT  # noqa: SLF001 -- it must be the same number
    assert Deployment(children=1).window == 3
    assert Deployment(children=10_000).window == MOST_IN_FLIGHT


@pytest.mark.parametrize(("window", "servers"), [(0, 1), (1, 0)])
def test_an_impossible_deployment_is_refused(window: int, servers: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        simulate([Station("a", servers, 1.0)], window=window)
