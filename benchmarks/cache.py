"""How long a reply takes that is in the cache already: what a file costs whose summary was paid for before.

A private Valkey holds ten thousand replies of a usual size. Each look-up is timed alone, through the same function that
the step uses, by a cache that remembers nothing of its own.
"""

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import redis

from config.settings import Settings
from samplemind_worker.local_services import ensure_running, stop
from samplemind_worker.store.cache import Cache, redis_cache

_REPLIES = 10_000
_LOOK_UPS = 5_000
_TEXT = "A dark, punchy kick drum at 52 Hz that sits under everything else in the mix. "


@redis_cache(ttl=3600.0, key_prefix="benchmark")
def _replies(wanted: Mapping[str, int]) -> Iterator[Mapping[str, Any]]:
    """Write replies of about 1.5 KB."""
    yield {key: {"summary": _TEXT * 6, "tips": [_TEXT] * 12, "number": number} for key, number in wanted.items()}


def main() -> None:
    """Measure."""
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        own = Settings(home=Path(folder))
        settings = ensure_running(own, workers=False)
        try:
            assert settings.redis_url is not None
            url = settings.redis_url.get_secret_value()
            writer, reader = Cache(url), Cache(url)
            for start in range(0, _REPLIES, 500):
                _replies(writer, {f"{number:064x}": number for number in range(start, start + 500)}, 0.0)
            numbers = random.Random(0).choices(range(_REPLIES), k=_LOOK_UPS)  # noqa: S311 -- no secret
            single = _timed(reader, [[number] for number in numbers])
            parcels = _timed(reader, [numbers[at : at + 20] for at in range(0, _LOOK_UPS, 20)])
            client = redis.Redis.from_url(url)
            bare = [_milliseconds(lambda number=number: client.get(f"benchmark:{number:064x}")) for number in numbers]
            client.close()
            lots = (("one reply", single), ("a parcel of 20", parcels), ("for comparison a bare GET", bare))
            for name, times in lots:
                cuts = statistics.quantiles(times, n=100)
                print(f"cache hit, {name}: median {cuts[49]:.2f} ms, 95th percentile {cuts[94]:.2f} ms of {len(times)}")
            writer.close()
            reader.close()
        finally:
            stop(own)


def _timed(cache: Cache, lots: list[list[int]]) -> list[float]:
    times: list[float] = []
    for lot in lots:
        wanted = {f"{number:064x}": number for number in lot}
        found: dict[str, Any] = {}
        times.append(_milliseconds(lambda wanted=wanted, found=found: found.update(_replies(cache, wanted, 0.0))))
        assert {key: value["number"] for key, value in found.items()} == wanted
    return times


def _milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return 1000.0 * (time.perf_counter() - began)


if __name__ == "__main__":
    main()
