"""How fast the API answers many clients at once.

``python -m tests.load.api URL`` asks a running server in one of three ways. By default ``--clients`` people look at
what they got for ``--think`` seconds before they ask again. With ``--think 0`` they ask again at once, which shows how
much the server can do, and says little about how long people wait. With ``--rate`` so many requests per second come by
chance, whether or not those before them were answered; a request that waits for a free connection waits, too.

What is asked follows from ``--seed``. Printed are the median, the 95th and the 99th percentile of each kind of request,
in ms. `benchmarks.web` does this with a library that it makes.
"""

import argparse
import asyncio
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import httpcore
import orjson
import uvloop

API = "/api/v1"
_WORDS = ("kick", "snare", "hat", "clap", "bass", "piano", "guitar", "loop", "dark", "warm", "punchy", "velvet", "neon")
_KEYS = ("Am", "C", "F#m", "8A", "Bb major", "E minor")


@dataclass(frozen=True)
class Library:
    """What there is to ask about."""

    ids: list[str]
    batch_id: str | None


Ask = Callable[[random.Random, Library], tuple[str, dict[str, Any]]]


def _words(rng: random.Random, _: Library) -> tuple[str, dict[str, Any]]:
    return "/samples", {"q": " ".join(rng.sample(_WORDS, rng.choice((1, 1, 2, 3)))), "limit": 50}


def _filters(rng: random.Random, _: Library) -> tuple[str, dict[str, Any]]:
    low = rng.randrange(80, 160)
    return "/samples", {"bpm": f"{low}..{low + 6}", "key": rng.choice(_KEYS), "q": rng.choice(_WORDS), "limit": 50}


def _cached(_rng: random.Random, _: Library) -> tuple[str, dict[str, Any]]:
    return "/samples", {"q": "dark kick", "limit": 50}


def _similar(rng: random.Random, library: Library) -> tuple[str, dict[str, Any]]:
    return f"/samples/{rng.choice(library.ids)}/similar", {"limit": 20}


def _match(rng: random.Random, library: Library) -> tuple[str, dict[str, Any]]:
    return f"/samples/{rng.choice(library.ids)}/match", {"limit": 20}


def _sample(rng: random.Random, library: Library) -> tuple[str, dict[str, Any]]:
    return f"/samples/{rng.choice(library.ids)}", {}


def _batch(_rng: random.Random, library: Library) -> tuple[str, dict[str, Any]]:
    return f"/batches/{library.batch_id}", {}


def _batches(_rng: random.Random, _: Library) -> tuple[str, dict[str, Any]]:
    return "/batches", {}


KINDS: dict[str, tuple[int, Ask]] = {
    "search, words": (6, _words),
    "search, words and filters": (4, _filters),
    "search, asked before": (4, _cached),
    "similar": (3, _similar),
    "match": (2, _match),
    "sample by id": (6, _sample),
    "one batch": (3, _batch),
    "batches": (1, _batches),
}
"""The kinds of requests, and how often each is among them."""


@dataclass
class Measured:
    """What the clients saw."""

    times: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    """Milliseconds by kind."""
    failed: Counter[str] = field(default_factory=Counter[str])
    """Answers that were no success, by kind and status."""
    seconds: float = 0.0

    def print(self) -> None:
        """Print the table."""
        requests = sum(map(len, self.times.values()))
        print(f"{requests:,} requests in {self.seconds:.0f} s, {requests / self.seconds:.0f} per second")
        print(f"{'request':28} {'number':>7} {'median':>8} {'p95':>8} {'p99':>8}  (ms)")
        for kind, times in self.times.items():
            cuts = statistics.quantiles(times, n=100) if len(times) > 1 else times * 99
            print(f"{kind:28} {len(times):7} {statistics.median(times):8.1f} {cuts[94]:8.1f} {cuts[98]:8.1f}")
        for what, number in self.failed.items():
            print(f"not answered with success: {what}, {number} times")


class _Clients:
    """Asks a server over so many connections. httpcore takes a third of the time of httpx, which the server needs."""

    def __init__(self, url: str, clients: int) -> None:
        self._url = url.rstrip("/") + API
        self._pool = httpcore.AsyncConnectionPool(max_connections=clients, max_keepalive_connections=clients)
        self.library = Library([], None)
        self.measured = Measured({kind: [] for kind in KINDS})

    async def get(self, path: str, parameters: dict[str, Any]) -> httpcore.Response:
        query = f"?{urlencode(parameters)}" if parameters else ""
        return await self._pool.request("GET", f"{self._url}{path}{query}")

    async def look(self) -> None:
        """Find out what there is to ask about: samples with a tempo or a key, and a batch."""
        # Only of these it can be asked what fits them.
        samples = orjson.loads((await self.get("/samples", {"limit": 1000, "kind": "loop"})).content)["items"]
        batches = orjson.loads((await self.get("/batches", {"limit": 1})).content)["items"]
        ids = [each["file_id"] for each in samples if each["tempo"] is not None or each["key"] is not None]
        self.library = Library(ids, batches[0]["batch_id"] if batches else None)

    async def ask(self, rng: random.Random, *, began: float | None = None) -> None:
        """Send a request, and note how long it took since it was to begin."""
        kind = rng.choices([*KINDS], [weight for weight, _ in KINDS.values()])[0]
        path, parameters = KINDS[kind][1](rng, self.library)
        began = time.perf_counter() if began is None else began
        try:
            answer = await self.get(path, parameters)
        except (httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
            self.measured.failed[f"{kind} ({type(error).__name__})"] += 1
            return
        self.measured.times[kind].append(1000.0 * (time.perf_counter() - began))
        if answer.status != HTTPStatus.OK:
            self.measured.failed[f"{kind} ({answer.status})"] += 1

    async def person(self, rng: random.Random, *, until: float, think: float) -> None:
        """Ask, think, and ask again."""
        await asyncio.sleep(rng.uniform(0.0, think))
        while time.monotonic() < until:
            await self.ask(rng)
            await asyncio.sleep(rng.uniform(0.5, 1.5) * think)

    async def crowd(self, rng: random.Random, *, seconds: float, rate: float) -> None:
        """Ask so many times per second, at moments of chance."""
        at, asked = time.perf_counter(), list[asyncio.Task[None]]()
        until = at + seconds
        while (at := at + rng.expovariate(rate)) < until:
            await asyncio.sleep(at - time.perf_counter())
            asked.append(asyncio.create_task(self.ask(random.Random(rng.random()), began=at)))  # noqa: S311 -- as below
        await asyncio.gather(*asked)

    async def close(self) -> None:
        await self._pool.aclose()


async def measure(
    url: str, *, clients: int, seconds: float, think: float = 0.0, rate: float | None = None, seed: int
) -> Measured:
    """Ask a server for so many seconds: at a rate, if one is given, and otherwise by clients who think."""
    asking = _Clients(url, clients)
    await asking.look()
    began = time.monotonic()
    dice = [random.Random(seed + number) for number in range(clients)]  # noqa: S311 -- which requests are asked
    if rate is None:
        await asyncio.gather(*(asking.person(rng, until=began + seconds, think=think) for rng in dice))
    else:
        await asking.crowd(dice[0], seconds=seconds, rate=rate)
    asking.measured.seconds = time.monotonic() - began
    await asking.close()
    asking.measured.times = {kind: times for kind, times in asking.measured.times.items() if times}
    return asking.measured


def main() -> None:
    """Measure a running server."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--think", type=float, default=1.0, help="seconds between an answer and the next request")
    parser.add_argument("--rate", type=float, help="requests per second, instead of clients who think")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    uvloop.run(measure(**vars(given))).print()


if __name__ == "__main__":
    main()
