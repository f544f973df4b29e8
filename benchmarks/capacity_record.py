"""Fills a large record, and measures what it takes on disks and in memory and how long answers take.

The library of ``benchmarks.many`` is recorded, and one batch with more items than that, the first of which have ended
with its contents. Waveforms are left out: they are read by their id alone. Chroma is filled with the vectors of such a
library alone, because that takes the longest.
"""

import hashlib
import random
import statistics
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

import psutil
from bson import ObjectId

from benchmarks import many
from config.settings import Settings
from samplemind_worker.documents.batch import BatchItem
from samplemind_worker.documents.states import State
from samplemind_worker.exporter.record import Record
from samplemind_worker.finding import filter_text, overview, query
from samplemind_worker.finding.search import search
from samplemind_worker.local_services import ensure_running, stop
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import batch_lists, batches, mongo, parcels
from samplemind_worker.submission.dispatch import dispatch
from tests.factories import new_item

_PAGE: Final = 2000
_RECORDED: Final = ("audio_files", "analyses", "file_locations", "library_entries", "waveforms", "batch_items")
_VECTOR_COUNTS: Final = (50_000, 100_000, 200_000, 300_000)
"""Numbers of vectors at which Chroma is measured, before all of them are there."""
_FAILED: Final = 100
"""One item in so many has failed."""
_SEARCHES: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("dark kick", {}),
    ("", {"bpm": "120..124", "key": "Am"}),
    ("loop", {"kind": "loop"}),
    ("velvet grooves", {}),
)


def measure(home: Path, *, items: int, analysed: int) -> Iterator[dict[str, Any]]:
    """Yield what a record of so many items and analyses costs, part by part: the whole may take hours."""
    own = Settings(home=home)
    settings = ensure_running(own, workers=False)
    try:
        with opened(settings):
            began = time.perf_counter()
            bases = many.bases(own)
            many.write(analysed, bases, record=True, on_progress=_Progress("analyses"))
            print(f"{analysed:,} analyses written in {time.perf_counter() - began:.0f} s", flush=True)
            began = time.perf_counter()
            job = batches.create(
                name="many", paths=["/library"], priority="bulk", files_per_chain=60, ai=False, force=False
            )
            _write_items(job.id, items, ended=min(items, analysed))
            batches.close_recording(job.id, total_files=items)
            print(f"{items:,} items written in {time.perf_counter() - began:.0f} s", flush=True)
            yield {"items": items, "analysed": analysed, "record": _bytes_per_record()}
            yield {"answers_ms": _answers(settings, job.id), "mongodb_memory_bytes": _server(home, "mongod").rss}
    finally:
        stop(own)


def measure_vectors(home: Path, count: int) -> Iterator[dict[str, Any]]:
    """Yield what so many vectors cost in Chroma, and fewer; the whole may take an hour."""
    own = Settings(home=home)
    settings = ensure_running(own, workers=False)
    try:
        with opened(settings):
            yield from _vector_costs(settings, many.records(count, many.bases(own)), count)
    finally:
        stop(own)


@contextmanager
def opened(settings: Settings) -> Generator[None]:
    """Have the record open."""
    assert settings.mongodb_url is not None
    mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database)
    mongo.make_indexes()
    try:
        yield
    finally:
        mongo.close()


@mongo.synchronous
async def sizes() -> dict[str, dict[str, Any]]:
    """Return the statistics of each collection, after what was written has reached its files."""
    await mongo.database().client.admin.command("fsync")
    names = await mongo.database().list_collection_names()
    return {name: await mongo.database().command("collStats", name) for name in names if not name.startswith("system")}


class _Progress:
    """Prints every 20,000."""

    def __init__(self, what: str) -> None:
        self._what, self._began = what, time.perf_counter()

    def __call__(self, number: int) -> None:
        if number % 20_000 == 0:
            print(f"  {number:,} {self._what}, {time.perf_counter() - self._began:.0f} s", flush=True)


def _bytes_per_record() -> dict[str, dict[str, int]]:
    found = sizes()
    return {
        name: {
            "count": found[name]["count"],
            "disk_bytes_per_record": round(found[name]["storageSize"] / found[name]["count"]),
            "index_bytes_per_record": round(found[name]["totalIndexSize"] / found[name]["count"]),
        }
        for name in _RECORDED
        if found.get(name, {}).get("count")
    }


def _write_items(batch_id: str, count: int, *, ended: int) -> None:
    """Record items, the first of which have ended: most completed, some failed."""
    rng = random.Random(2)  # noqa: S311 -- made-up names
    for page in (range(start, min(start + _PAGE, count)) for start in range(0, count, _PAGE)):
        _insert([_item(batch_id, number, rng, has_ended=number < ended) for number in page])


def _item(batch_id: str, number: int, rng: random.Random, *, has_ended: bool) -> dict[str, Any]:
    pack, adjective, noun = number // 300, rng.choice(many.ADJECTIVES), rng.choice(many.NOUNS)
    path = f"{adjective} Pack {pack:05}/{noun} {rng.choice(many.ADJECTIVES)} {rng.choice(many.NOUNS)} {number:07}.wav"
    item = new_item(batch_id, number, path=path, size=rng.randrange(20_000, 4_000_000), mtime_ns=rng.getrandbits(60))
    if not has_ended:
        return item
    item |= {"step": "store", "attempt": 1, "starts": 1, "fresh": False}
    if number % _FAILED:
        return item | {
            "state": State.COMPLETED.value,
            "file_id": hashlib.sha256(str(number).encode()).hexdigest(),
        }
    return item | {"state": State.FAILED.value, "error": {"code": "audio_damaged", "message": "it cannot be decoded"}}


@mongo.synchronous
async def _insert(documents: list[dict[str, Any]]) -> None:
    await BatchItem.get_pymongo_collection().insert_many(documents, ordered=False)


def _answers(settings: Settings, batch_id: str) -> dict[str, float]:
    """Return the median time of each answer, in milliseconds."""
    [first] = batch_lists.items(batch_id, state=State.COMPLETED, code=None, after=None, limit=1)
    questions: dict[str, Callable[[], object]] = {
        "status": lambda: batches.report(batches.find(batch_id)),
        "list of batches": lambda: batch_lists.reports(batch_lists.page(statuses=(), before=None, limit=50)),
        "page of files": lambda: batch_lists.items(batch_id, state=None, code=None, after=first.id, limit=100),
        "page of failed files": lambda: batch_lists.items(
            batch_id, state=State.FAILED, code=None, after=first.id, limit=100
        ),
        "groups of failures": lambda: batch_lists.failures(batch_id, groups=200, examples=5),
        "exporter": Record(settings).read,
        "library, counts kept": overview.summary,
    }
    times = {"library, counted anew": [_milliseconds(overview.summary)]}
    for name, question in questions.items():
        times[name] = [_milliseconds(question) for _ in range(5)]
        print(f"  {name}: {[round(each) for each in times[name]]} ms", flush=True)
    times["search, for the first time"] = [_milliseconds(lambda one=one: _search(*one)) for one in _SEARCHES]
    times["search"] = [_milliseconds(lambda one=one: _search(*one)) for one in _SEARCHES * 5]
    times["dispatch of a window"] = _dispatches(settings)
    return {name: round(statistics.median(values), 1) for name, values in times.items()}


def _search(text: str, given: dict[str, Any]) -> object:
    return search(query.read(text), filter_text.read(**given))


def _dispatches(settings: Settings) -> list[float]:
    workspace = Workspace(settings)
    published: list[ObjectId] = []

    def publish(parcel: str, *_: object) -> None:
        published.append(ObjectId(parcel))

    times: list[float] = []
    for _ in range(5):
        times.append(_milliseconds(lambda: dispatch(settings, workspace.board, publish)))
        # As if each had been lost, so that the next round fills the window again.
        parcels.requeue(published)
        published.clear()
    workspace.close()
    return times


def _milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - began)


def _vector_costs(settings: Settings, records: Iterator[many.Record], count: int) -> Iterator[dict[str, Any]]:
    """Fill Chroma, and yield what a vector takes there; also at smaller numbers, as costs grow with the number."""
    workspace = Workspace(settings)
    empty = before = _server(settings.home, "chroma_server")
    grown: list[dict[str, float]] = []
    done = 0
    for goal in [*(each for each in _VECTOR_COUNTS if each < count), count]:
        began, first = time.perf_counter(), done
        asked: list[list[float]] = []
        while done < goal:
            page = {
                each.audio.file_id: each.analysis.vector
                for each in islice(records, min(1000, goal - done))
                if each.analysis.vector is not None
            }
            workspace.vectors.upsert(page)
            done += len(page)
            asked.append(next(iter(page.values())))
        seconds, now = time.perf_counter() - began, _server(settings.home, "chroma_server")
        nearest = [_milliseconds(lambda one=one: workspace.vectors.nearest(one, limit=20)) for one in asked[:30]]
        disk = sum(path.stat().st_size for path in (settings.home / "data" / "chroma").rglob("*") if path.is_file())
        grown.append(
            {
                "count": done,
                "dimensions": len(asked[0]),
                "memory_bytes_per_vector": round((now.rss - empty.rss) / done),
                "disk_bytes_per_vector": round(disk / done),
                "added_per_second": round((done - first) / seconds),
                "cpu_ms_per_vector": round(1000 * (now.cpu - before.cpu) / (done - first), 3),
                "nearest_ms": round(statistics.median(nearest), 1),
            }
        )
        print(f"  {grown[-1]}", flush=True)
        before = now
        yield {"vectors": grown[-1], "vectors_while_growing": grown}
    workspace.close()


class _Used:
    def __init__(self, process: psutil.Process) -> None:
        self.rss = process.memory_info().rss
        self.cpu = sum(process.cpu_times()[:2])


def _server(home: Path, program: str) -> _Used:
    """Return the memory in bytes and the CPU time in seconds that a private service has used."""
    [server] = [process for process in psutil.process_iter(["cmdline"]) if _is(process, program, str(home))]
    return _Used(server)


def _is(process: psutil.Process, program: str, home: str) -> bool:
    words = process.info["cmdline"] or ()
    if not any(program in word for word in words[:4]):
        return False
    return home in " ".join([*words, *process.environ().values()])
