"""Likeness at size: recall against comparing all, the time of an answer, and the memory of Chroma.

``--count`` contents are written to a private mongod and Chroma. Their vectors lie between those of the demonstration
library, so that every sound has neighbours at all distances. Each query is a vector that is not stored. Times are given
in ms and as a ratio to comparing the query with all vectors by numpy in the same run.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks import many
from config.settings import Settings
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.dsp.embedding import ASPECTS, keep_aspect
from samplemind_worker.finding import entry
from samplemind_worker.finding.filters import Filter
from samplemind_worker.finding.similar import Asked, nearest
from samplemind_worker.local_services import ensure_running, stop
from samplemind_worker.local_services.home import Home
from samplemind_worker.store import entries, mongo
from samplemind_worker.store.vectors import Vectors

LIMIT = 20
_PAGE = 2000
_SHARES = {"a tenth": 10, "a hundredth": 100, "a thousandth": 1000}
F32 = NDArray[np.float32]


def between(sounds: F32, rng: np.random.Generator, count: int) -> F32:
    """Make vectors between pairs of sounds, with a little noise; each part keeps its length."""
    first = sounds[rng.integers(len(sounds), size=count)]
    second = sounds[rng.integers(len(sounds), size=count)]
    made = first + rng.beta(0.5, 2.0, size=(count, 1)).astype(np.float32) * (second - first)
    for place in ASPECTS.values():
        part = made[:, place]
        silent = first[:, place][:, -1] != 0.0
        part[~silent, :-1] += rng.normal(0.0, 0.03, size=part[~silent, :-1].shape) * np.linalg.norm(first[0, place])
        part[~silent, -1] = 0.0
        part[silent] = first[:, place][silent]
        part *= np.linalg.norm(first[:, place], axis=1, keepdims=True) / np.linalg.norm(part, axis=1, keepdims=True)
    return made


def write(count: int, vectors: Vectors, bases: list[many.Base], rng: np.random.Generator) -> tuple[list[str], F32]:
    """Fill the record, the entries and Chroma; return the contents and their vectors."""
    sounds = np.array([base.analysis.vector for base in bases if base.analysis.vector], dtype=np.float32)
    made = between(sounds, rng, count)
    contents: list[str] = []
    page: list[many.Record] = []
    for number, record in enumerate(many.records(count, bases)):
        tags = [name for name, each in _SHARES.items() if number % each == 0]
        update = {"vector": made[number].tolist(), "vector_version": VERSIONS["store"]}
        audio = record.audio.model_copy(update={"tags": tags})
        page.append(many.Record(audio, record.analysis.model_copy(update=update), record.place, record.added_at))
        if len(page) == _PAGE or number == count - 1:
            _write(page, vectors)
            contents += [each.audio.file_id for each in page]
            page = []
            print(f"\r{number + 1:,} written", end="", flush=True)
    print()
    entries.begin(anew=True)
    entries.finish()
    return contents, made


def _write(page: list[many.Record], vectors: Vectors) -> None:
    rows = [{"_id": each.audio.file_id, "ticket": 1_000_000_000, **entry.entry_of(each.source())} for each in page]
    mongo.run(mongo.collection("library_entries").insert_many(rows, ordered=False))
    analyses = [{"_id": each.audio.file_id, "versions": each.analysis.versions, "analyzed_at": 0} for each in page]
    mongo.run(mongo.collection("analyses").insert_many(analyses, ordered=False))
    facts = {"size": 1, "mtime_ns": 1, "ctime_ns": 1, "settled": True}
    places = [{"_id": each.audio.file_id, **each.place, **facts} for each in page]
    mongo.run(mongo.collection("file_locations").insert_many(places, ordered=False))
    vectors.upsert({each.audio.file_id: each.analysis.vector or [] for each in page})


def cases(contents: list[str]) -> Iterator[tuple[str, Filter, NDArray[np.bool_], str | None]]:
    """Yield each kind of question: its name, filter, the contents that pass, and the aspect."""
    numbers = np.arange(len(contents))
    everything = numbers >= 0
    yield "all", Filter(), everything, None
    yield "all, by timbre", Filter(), everything, "timbre"
    yield "all, by envelope", Filter(), everything, "envelope"
    for name, each in _SHARES.items():
        yield f"{name} of all", Filter(tags=(name,)), numbers % each == 0, None


def measure(vectors: Vectors, contents: list[str], made: F32, queries: F32) -> None:
    print(f"{'question':24} {'recall':>7} {'found':>6} {'p50 ms':>7} {'p95 ms':>7} {'to numpy':>9}")
    names = np.array(contents)
    for name, chosen, passes, aspect in cases(contents):
        spent, compared, hit, found = [], [], 0, 0
        for query in queries:
            asked = query if aspect is None else keep_aspect(query, aspect)
            began = time.perf_counter()
            hits = nearest(vectors, Asked(asked.tolist()), chosen, limit=LIMIT)
            spent.append(time.perf_counter() - began)
            began = time.perf_counter()
            cosines = made @ asked
            cosines[~passes] = -np.inf
            best = np.argpartition(-cosines, LIMIT)[: min(LIMIT, int(passes.sum()))]
            compared.append(time.perf_counter() - began)
            hit += len({each.file_id for each in hits} & {*names[best]})
            found += len(hits)
        middle, high = np.percentile(spent, [50, 95]) * 1000
        wanted = min(LIMIT, int(passes.sum())) * len(queries)
        ratio = np.median(spent) / np.median(compared)
        print(f"{name:24} {hit / wanted:7.3f} {found / wanted:6.2f} {middle:7.1f} {high:7.1f} {ratio:9.2f}")


def resident(settings: Settings, name: str) -> float:
    """Return the MB that a private service and its children hold in memory."""
    process = psutil.Process(Home(settings.home).read_state().services[name].pid)
    return sum(each.memory_info().rss for each in [process, *process.children(recursive=True)]) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        own = Settings(home=Path(folder), redis_url=None, mongodb_url=None, chroma_url=None, _env_file=None)
        settings = ensure_running(own, workers=False)
        assert settings.mongodb_url is not None
        assert settings.chroma_url is not None
        try:
            mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database)
            url = settings.chroma_url.get_secret_value()
            with Vectors(url, database=settings.database, version=VERSIONS["store"], seconds=120.0) as vectors:
                while True:
                    try:
                        vectors.chroma.require()
                        break
                    except Exception:  # noqa: BLE001 -- it is starting
                        time.sleep(0.2)
                _run(given.count, given.queries, vectors, own)
            mongo.close()
        finally:
            stop(own)


def _run(count: int, asked: int, vectors: Vectors, own: Settings) -> None:
    rng = np.random.default_rng(random.Random(3).randrange(2**32))  # noqa: S311 -- which vectors are made
    bases = [base for base in many.bases() if base.analysis.vector]
    before = {name: resident(own, name) for name in ("chroma", "mongod")}
    contents, made = write(count, vectors, bases, rng)
    sounds = np.array([base.analysis.vector for base in bases], dtype=np.float32)
    queries = between(sounds, rng, asked)
    for query in queries[:5]:
        nearest(vectors, Asked(query.tolist()), Filter(), limit=LIMIT)
    measure(vectors, contents, made, queries)
    for name, old in before.items():
        more = resident(own, name) - old
        print(f"{name}: {more:.0f} MB more in memory, {more / count * 100_000:.0f} MB per 100,000 contents")


if __name__ == "__main__":
    main()
