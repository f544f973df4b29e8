"""Search at size: the time of a search in the process and as a command, and the memory of MongoDB.

``--count`` entries are written to a private mongod (1,000,000 take about 20 minutes and 3 GB of disk). Each class of
searches is asked with different words and numbers, with an open connection; a command is asked with warm services.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import many
from config.settings import Settings
from samplemind_worker.finding import filter_text, query
from samplemind_worker.finding.search import search
from samplemind_worker.local_services import ensure_running, stop
from samplemind_worker.store import mongo

_rng = random.Random(7)  # noqa: S311 -- which searches are asked


def _adjective() -> str:
    return _rng.choice(many.ADJECTIVES).lower()


def _noun() -> str:
    return _rng.choice(many.NOUNS).lower()


def _instrument() -> str:
    return _rng.choice(("kick", "snare", "hat", "clap", "bass", "piano", "guitar", "loop"))


def _bpm(width: float) -> str:
    low = _rng.randrange(80, 160)
    return f"{low}..{low + width}"


def _key() -> str:
    return _rng.choice(("Am", "C", "F#m", "8A", "Bb major", "E minor"))


CLASSES: dict[str, Callable[[], tuple[str, dict[str, object]]]] = {
    "one broad word (kick)": lambda: (_instrument(), {}),
    "two broad words (dark loop)": lambda: (f"{_adjective()} {_instrument()}", {}),
    "three words (dark punchy kick)": lambda: (f"{_adjective()} punchy {_instrument()}", {}),
    "name and pack (velvet grooves 03)": lambda: (f"{_adjective()} {_noun()} {_rng.randrange(97):02}", {}),
    "word that nothing has": lambda: (f"{_noun()} qqq{_rng.randrange(999)}", {}),
    "words that nothing has both": lambda: (f"kick {_rng.choice(('dense', 'sparse', 'song', 'melody'))}", {}),
    "excluded word (kick -dark)": lambda: (f"{_instrument()} -{_adjective()}", {}),
    'phrase ("velvet grooves")': lambda: (f'"{_adjective()} {_noun()}"', {}),
    "tempo alone": lambda: ("", {"bpm": _bpm(8)}),
    "tempo, half and double": lambda: ("", {"bpm": _bpm(4), "half_double": True}),
    "tempo and key, compatible": lambda: ("", {"bpm": _bpm(4), "key": _key(), "compatible": True}),
    "word, tempo and key": lambda: (_adjective(), {"bpm": _bpm(6), "key": _key()}),
    "word and tempo that exclude each other": lambda: ("kick", {"bpm": _bpm(8)}),
    "loop, tempo, key, loudness, length": lambda: (
        _adjective(),
        {"kind": "loop", "bpm": _bpm(10), "key": _key(), "loudness": "-20..-8", "duration": "2..9"},
    ),
    "brightness, kind, short": lambda: ("", {"kind": "one_shot", "brightness": "500..900", "duration": "0..1"}),
    "since, pack": lambda: ("", {"since": "900d", "pack": f"{_adjective()} {_noun()} vol {_rng.randrange(1, 5)}"}),
    "pitch": lambda: ("", {"pitch": _rng.choice(("C3..B3", "F#", "A2"))}),
}


def _milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return 1000.0 * (time.perf_counter() - began)


def _ask(make: Callable[[], tuple[str, dict[str, object]]]) -> tuple[float, int]:
    text, given = make()
    began = time.perf_counter()
    found = search(query.read(text), filter_text.read(**given))  # pyright: ignore[reportArgumentType]
    return 1000.0 * (time.perf_counter() - began), len(found.hits)


def _percentiles(values: list[float]) -> str:
    cuts = statistics.quantiles(values, n=20)
    return f"{statistics.median(values):7.1f} {cuts[18]:7.1f} {max(values):7.1f}"


def in_process(times: int) -> None:
    """Print how long searches take with an open connection."""
    print(f"{'search, ms':42}  median     p95    most   hits")
    everything: list[float] = []
    for name, make in CLASSES.items():
        _ask(make)
        answers = [_ask(make) for _ in range(times)]
        values = [value for value, _ in answers]
        everything += values
        print(f"{name:42} {_percentiles(values)} {statistics.median(hits for _, hits in answers):6.0f}", flush=True)
    print(f"{'all':42} {_percentiles(everything)}", flush=True)


def as_command(environment: dict[str, str], times: int) -> None:
    """Print how long the command takes."""
    samplemind = str(Path(sys.executable).with_name("samplemind"))
    for words in (["dark", "kick"], ["loop", "--bpm", "120..128", "--key", "Am"]):
        line = [samplemind, "search", *words]
        values = [
            _milliseconds(lambda line=line: subprocess.run(line, env=environment, check=True, capture_output=True))
            for _ in range(times)
        ]
        print(f"{'command: search ' + ' '.join(words):42} {_percentiles(values)}", flush=True)


@mongo.synchronous
async def sizes() -> dict[str, int]:
    """Return the sizes of the entries and their indexes on disk, and what MongoDB holds in memory, in bytes."""
    stats = await mongo.database().command("collStats", "library_entries")
    server = await mongo.database().command("serverStatus")
    return {
        "entries": stats["storageSize"],
        "indexes": stats["totalIndexSize"],
        "resident": server["mem"]["resident"] * 2**20,
        **{f"index {name}": size for name, size in stats["indexSizes"].items()},
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=int(os.environ.get("COUNT", "100000")))
    parser.add_argument("--times", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        own = Settings(home=Path(folder) / "home")
        settings = ensure_running(own, workers=False)
        assert settings.mongodb_url is not None
        assert settings.redis_url is not None
        assert settings.chroma_url is not None
        environment = {
            **os.environ,
            "SAMPLEMIND_REDIS_URL": settings.redis_url.get_secret_value(),
            "SAMPLEMIND_MONGODB_URL": settings.mongodb_url.get_secret_value(),
            "SAMPLEMIND_CHROMA_URL": settings.chroma_url.get_secret_value(),
        }
        try:
            mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database)
            began = time.perf_counter()
            many.write(arguments.count, many.bases(own))
            print(f"{arguments.count:,} entries written in {time.perf_counter() - began:.0f} s")
            in_process(arguments.times)
            as_command(environment, min(arguments.times, 10))
            per = 100_000 / arguments.count
            found = sizes()
            print(", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in found.items()))
            print(
                f"per 100,000 entries on disk: {found['entries'] * per / 1e6:.0f} MB, "
                f"and {found['indexes'] * per / 1e6:.0f} MB of indexes"
            )
        finally:
            mongo.close()
            stop(own)


if __name__ == "__main__":
    main()
