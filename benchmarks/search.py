"""Search at size: what a search costs in the process and as a command, and the room that the entries take.

``--entries`` are written to a private mongod; of more than 100,000 the others are copies with other ids and times. Each
class of searches is asked with changing words and numbers. Besides the time there is the processor time of MongoDB and
of this process, which other work on the machine does not change.
"""

import argparse
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks import many, match
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


def _ask(make: Callable[[], tuple[str, dict[str, object]]]) -> tuple[float, int]:
    text, given = make()
    began = time.perf_counter()
    found = search(query.read(text), filter_text.read(**given))  # pyright: ignore[reportArgumentType]
    return 1000.0 * (time.perf_counter() - began), len(found.hits)


def _percentiles(values: list[float]) -> str:
    cuts = statistics.quantiles(values, n=20)
    return f"{statistics.median(values):7.1f} {cuts[18]:7.1f}"


@mongo.synchronous
async def _server() -> psutil.Process:
    return psutil.Process(int((await mongo.database().command("serverStatus"))["pid"]))


def _processor_seconds(server: psutil.Process) -> float:
    used = server.cpu_times()
    return used.user + used.system + time.process_time()


def in_process(times: int) -> None:
    """Print what searches cost with an open connection."""
    server = _server()
    print(f"{'search':42}  median     p95   CPU   hits   (ms)")
    everything: list[float] = []
    spent = 0.0
    for name, make in CLASSES.items():
        _ask(make)
        before = _processor_seconds(server)
        answers = [_ask(make) for _ in range(times)]
        used = 1000.0 * (_processor_seconds(server) - before)
        values = [value for value, _ in answers]
        everything += values
        spent += used
        hits = statistics.median(hits for _, hits in answers)
        print(f"{name:42} {_percentiles(values)} {used / times:5.0f} {hits:6.0f}", flush=True)
    print(f"{'all':42} {_percentiles(everything)} {spent / len(everything):5.0f}", flush=True)


def as_command(environment: dict[str, str], times: int) -> None:
    """Print how long the command takes, beside an interpreter that does nothing."""
    samplemind = str(Path(sys.executable).with_name("samplemind"))
    lines = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "search dark kick": [samplemind, "search", "dark", "kick"],
        "search loop --bpm 120..128 --key Am": [samplemind, "search", "loop", "--bpm", "120..128", "--key", "Am"],
        "match --bpm 124 --key Am": [samplemind, "match", "--bpm", "124", "--key", "Am"],
        "library": [samplemind, "library"],
    }
    for name, line in lines.items():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        values: list[float] = []
        for _ in range(times):
            began = time.perf_counter()
            subprocess.run(line, env=environment, check=True, capture_output=True)
            values.append(1000.0 * (time.perf_counter() - began))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"{name:42} {_percentiles(values)} {1000.0 * used / times:5.0f}", flush=True)


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
    parser.add_argument("--entries", type=int, default=100_000)
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
            many.write(arguments.entries, many.bases(own))
            print(f"{arguments.entries:,} entries written in {time.perf_counter() - began:.0f} s")
            in_process(arguments.times)
            match.in_process(arguments.times)
            as_command(environment, min(arguments.times, 10))
            per = 100_000 / arguments.entries
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
