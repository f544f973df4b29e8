"""`match` and `library` at size, asked by `benchmarks.search` on the entries that it has written."""

import random
import statistics
import time
from collections.abc import Callable

from samplemind_worker.finding import match, overview
from samplemind_worker.finding.filters import Filter
from samplemind_worker.finding.fitting import Wanted

_rng = random.Random(11)  # noqa: S311 -- which keys and tempi are asked for


def _wanted(*, shift: int = 2) -> Wanted:
    key = (_rng.randrange(12), _rng.choice(("major", "minor")))
    return Wanted(tempo=round(_rng.uniform(70.0, 180.0), _rng.randrange(3)), keys=(key,), shift=shift)


def _tempo() -> Wanted:
    return Wanted(tempo=round(_rng.uniform(70.0, 180.0), 1))


def _ask(wanted: Wanted, chosen: Filter | None = None) -> int:
    return len(match.find(wanted, chosen or Filter(), limit=20))


CLASSES: dict[str, Callable[[], int]] = {
    "match key and tempo": lambda: _ask(_wanted()),
    "match key and tempo, --shift 0": lambda: _ask(_wanted(shift=0)),
    "match tempo alone": lambda: _ask(_tempo()),
    "match key alone": lambda: _ask(Wanted(keys=_wanted().keys)),
    "match, loops": lambda: _ask(_wanted(), Filter(kinds=("loop",))),
    "match, bass": lambda: _ask(_wanted(), Filter(instruments=("bass",))),
    "match, 2 to 9 s, -20 to -8 LUFS": lambda: _ask(
        _wanted(), Filter(duration=((2.0, 9.0),), loudness=((-20.0, -8.0),))
    ),
    "match, in a pack": lambda: _ask(_wanted(), Filter(packs=(f"Dark Drums Vol {_rng.randrange(1, 5)}",))),
}


def in_process(times: int) -> None:
    """Print what matches cost with an open connection, and the overview when it counts and when it has counted."""
    print(f"{'match':42}  median     p95   hits   (ms)")
    for name, ask in CLASSES.items():
        ask()
        values: list[float] = []
        hits: list[int] = []
        for _ in range(times):
            began = time.perf_counter()
            hits.append(ask())
            values.append(1000.0 * (time.perf_counter() - began))
        p95 = statistics.quantiles(values, n=20)[18]
        print(f"{name:42} {statistics.median(values):7.1f} {p95:7.1f} {statistics.median(hits):6.0f}", flush=True)
    for name in ("library, counting", "library, counted"):
        began = time.perf_counter()
        overview.summary()
        print(f"{name:42} {1000.0 * (time.perf_counter() - began):7.1f}", flush=True)
