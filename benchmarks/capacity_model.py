"""A model of a deployment: parcels that pass through network, cpu workers, MongoDB, io workers and Chroma.

`simulate` moves parcels one by one through stations with so many servers each. As in the real dispatcher only a window
of parcels is under way, and each that ends lets the next one begin, so that a queue before a slow station grows to the
window and no further. What a station needs for a parcel varies by half around its mean.
"""

import heapq
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

WINDOW_PER_SLOT: Final = 3
"""Parcels in flight per child (SAMPLEMIND_WINDOW_PER_SLOT)."""
MOST_IN_FLIGHT: Final = 1000
"""Parcels in all queues (samplemind_worker/submission/dispatch.py)."""


@dataclass(frozen=True, slots=True)
class Station:
    """A resource with servers that work on one parcel each."""

    name: str
    servers: int
    seconds: float
    """Mean seconds that one server needs for one parcel."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a deployment did."""

    parcels_per_second: float
    busy: dict[str, float]
    """The share of its time that each station worked, 0 to 1."""

    @property
    def fullest(self) -> str:
        """The station that limits the speed."""
        return max(self.busy, key=lambda name: self.busy[name])


def simulate(stations: Sequence[Station], *, window: int, parcels: int = 4000, seed: int = 1) -> Outcome:
    """Send parcels through the stations in their order, at most ``window`` at once.

    Raises
    ------
    ValueError
        If a station has no server, or the window or the number of parcels is not positive.
    """
    if window < 1 or parcels < 1 or any(station.servers < 1 for station in stations):
        raise ValueError("a window, a number of parcels and servers of at least 1 are wanted")
    rng = random.Random(seed)  # noqa: S311 -- no secret
    free = [[0.0] * station.servers for station in stations]  # when each server is free
    worked = [0.0] * len(stations)
    begun = min(window, parcels)
    arrivals = [(0.0, number, 0) for number in range(begun)]
    heapq.heapify(arrivals)
    end = 0.0
    while arrivals:
        now, number, at = heapq.heappop(arrivals)
        if at == len(stations):
            end = now
            if begun < parcels:
                heapq.heappush(arrivals, (now, begun, 0))
                begun += 1
            continue
        needed = stations[at].seconds * rng.uniform(0.5, 1.5)
        done = max(now, free[at][0]) + needed
        heapq.heapreplace(free[at], done)
        worked[at] += needed
        heapq.heappush(arrivals, (done, number, at + 1))
    if end == 0.0:
        return Outcome(float("inf"), {station.name: 0.0 for station in stations})
    shares = {
        station.name: seconds / (station.servers * end) for station, seconds in zip(stations, worked, strict=True)
    }
    return Outcome(parcels / end, shares)


@dataclass(frozen=True, slots=True)
class Deployment:
    """The machines of a deployment."""

    children: int
    """Children of all cpu workers together, each with a core."""
    io_workers: int = 1
    mongodb_cores: int = 4
    chroma_cores: int = 2
    network_bytes: float = 1.25e9
    """Bytes per second that the storage of the samples delivers: 10 Gbit/s."""

    @property
    def window(self) -> int:
        """Parcels in flight."""
        return max(1, min(MOST_IN_FLIGHT, WINDOW_PER_SLOT * self.children))


def stations(costs: Mapping[str, float], deployment: Deployment) -> list[Station]:
    """Return the stations of a deployment for parcels of one kind.

    ``costs`` has the CPU milliseconds per file in ``cpu_ms``, ``io_ms``, ``mongodb_ms`` and ``chroma_ms``, the bytes of
    a file in ``file_bytes``, and ``files_per_parcel``. An io worker is one process of Python, which uses one core.
    """
    files = costs["files_per_parcel"]
    return [
        Station("storage of the samples", 1, files * costs["file_bytes"] / deployment.network_bytes),
        Station("cpu workers", deployment.children, files * costs["cpu_ms"] / 1000),
        Station("MongoDB", deployment.mongodb_cores, files * costs["mongodb_ms"] / 1000),
        Station("io workers", deployment.io_workers, files * costs["io_ms"] / 1000),
        Station("Chroma", deployment.chroma_cores, files * costs["chroma_ms"] / 1000),
    ]


def speed(costs: Mapping[str, float], deployment: Deployment, *, parcels: int = 4000) -> tuple[float, Outcome]:
    """Return the files per second of a deployment, and how busy each part is."""
    outcome = simulate(stations(costs, deployment), window=deployment.window, parcels=parcels)
    return outcome.parcels_per_second * costs["files_per_parcel"], outcome
