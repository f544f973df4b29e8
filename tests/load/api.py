"""How fast the API answers many clients at once.

``python -m tests.load.api URL`` asks a running server, as ``--clients`` people do who look at what they got for
``--think`` seconds before they ask again. What each of them asks follows from ``--seed``. Printed are the median, the
95th and the 99th percentile of each kind of request, in ms. `benchmarks.web` does this with a library that it makes.
"""

import argparse
import asyncio
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

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


async def _client(
    client: httpx.AsyncClient, library: Library, measured: Measured, rng: random.Random, *, until: float, think: float
) -> None:
    names, weights = list(KINDS), [weight for weight, _ in KINDS.values()]
    await asyncio.sleep(rng.uniform(0.0, think))
    while time.monotonic() < until:
        kind = rng.choices(names, weights)[0]
        path, parameters = KINDS[kind][1](rng, library)
        began = time.perf_counter()
        answer = await client.get(f"{API}{path}", params=parameters)
        measured.times.setdefault(kind, []).append(1000.0 * (time.perf_counter() - began))
        if not answer.is_success:
            measured.failed[f"{kind} ({answer.status_code})"] += 1
        await asyncio.sleep(rng.uniform(0.5, 1.5) * think)


async def measure(url: str, *, clients: int, seconds: float, think: float, seed: int) -> Measured:
    """Ask a server for so many seconds."""
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    measured = Measured({kind: [] for kind in KINDS})
    async with httpx.AsyncClient(base_url=url, timeout=60.0, limits=limits) as client:
        samples = (await client.get(f"{API}/samples", params={"limit": 1000})).raise_for_status().json()["items"]
        batches = (await client.get(f"{API}/batches", params={"limit": 1})).raise_for_status().json()["items"]
        library = Library([each["file_id"] for each in samples], batches[0]["batch_id"] if batches else None)
        began = time.monotonic()
        dice = [random.Random(seed + number) for number in range(clients)]  # noqa: S311 -- which requests are asked
        asking = (_client(client, library, measured, rng, until=began + seconds, think=think) for rng in dice)
        await asyncio.gather(*asking)
        measured.seconds = time.monotonic() - began
    measured.times = {kind: times for kind, times in measured.times.items() if times}
    return measured


def main() -> None:
    """Measure a running server."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--think", type=float, default=1.0, help="seconds between an answer and the next request")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    asyncio.run(
        measure(given.url, clients=given.clients, seconds=given.seconds, think=given.think, seed=given.seed)
    ).print()


if __name__ == "__main__":
    main()
