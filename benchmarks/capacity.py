"""How large a deployment must be: measured costs per file, and a simulation of what they mean.

``measure`` runs the pipeline and fills a record, and writes the costs (CPU time per file and part, bytes per record and
index, memory per vector, times of answers) to ``benchmarks/capacity_costs.json``. ``plan --files 10000000 --children
32`` reads them, and prints how long the library takes, which part is full first, and what it leaves on disks and in
memory. docs/capacity.md has the worked plans.
"""

import argparse
import json
import math
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks import library, many, pipeline
from benchmarks.capacity_model import Deployment, speed
from config.settings import Settings
from samplemind_worker.documents.batch import BatchItem
from samplemind_worker.finding import filter_text, query
from samplemind_worker.finding.search import search
from samplemind_worker.local_services import ensure_running, stop
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import batches, mongo, parcels
from samplemind_worker.submission.dispatch import dispatch
from tests.factories import new_item

COSTS = Path(__file__).with_name("capacity_costs.json")
_PAGE = 2000
_PER_PARCEL = {"one-shots": 60, "tracks": 1}
_RECORDED = ("audio_files", "analyses", "file_locations", "library_entries", "waveforms", "batch_items")


def main() -> None:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("part", nargs="?", choices=["pipeline", "record", "all"], default="all")
    measuring.add_argument("--oneshots", type=int, default=1000)
    measuring.add_argument("--tracks", type=int, default=24)
    measuring.add_argument("--seconds", type=float, default=60.0, help="length of a track")
    measuring.add_argument("--items", type=int, default=1_000_000, help="recorded items of batches")
    measuring.add_argument("--analysed", type=int, default=300_000, help="analysed contents, with their vectors")
    planning = commands.add_parser("plan")
    planning.add_argument("--files", type=int, required=True)
    planning.add_argument("--kind", choices=sorted(_PER_PARCEL), default="one-shots")
    planning.add_argument("--children", type=int, default=16, help="children of all cpu workers, each with a core")
    planning.add_argument("--io-workers", type=int, default=1)
    planning.add_argument("--mongodb-cores", type=int, default=4)
    planning.add_argument("--chroma-cores", type=int, default=2)
    planning.add_argument("--gigabits", type=float, default=10.0, help="from the storage of the samples, per second")
    options = parser.parse_args()
    if options.command == "measure":
        known = json.loads(COSTS.read_text()) if COSTS.exists() else {}
        COSTS.write_text(json.dumps(known | measure(options), indent=2) + "\n")
        print(f"written to {COSTS}")
    else:
        if min(options.files, options.children, options.io_workers, options.mongodb_cores, options.chroma_cores) < 1:
            parser.error("numbers of at least 1 are wanted")
        plan(json.loads(COSTS.read_text()), options)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the costs of the pipeline, of a large record, or of both; takes several minutes."""
    found: dict[str, Any] = {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
    }
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        top = Path(folder)
        if options.part != "record":
            found["kinds"], found["document_bytes"] = _pipeline_costs(top, options)
        if options.part != "pipeline":
            found |= _record_costs(top, items=options.items, analysed=options.analysed)
    return found


def _pipeline_costs(top: Path, options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, int]]:
    samplemind = str(Path(sys.executable).with_name("samplemind"))
    library.main(["oneshots", str(top / "one-shots"), "--count", str(options.oneshots)])
    library.main(["tracks", str(top / "tracks"), "--count", str(options.tracks), "--seconds", str(options.seconds)])
    home = top / "home"
    kinds: dict[str, Any] = {}
    try:
        for kind, per_parcel in _PER_PARCEL.items():
            parts = pipeline.compare(kind, top / kind, home=home, samplemind=samplemind)
            sounds = [path for path in (top / kind).rglob("*.*") if path.suffix != ".csv"]
            kinds[kind] = {
                "files": len(sounds),
                "cpu_ms": round(parts["worker-cpu"], 3),
                "io_ms": round(parts["worker-io"], 3),
                "mongodb_ms": round(parts["mongod"], 3),
                "chroma_ms": round(parts["chroma"], 3),
                "redis_ms": round(parts["valkey"], 3),
                "submit_ms": round(parts["cli"], 3),
                "file_bytes": round(statistics.mean(path.stat().st_size for path in sounds)),
                "files_per_parcel": per_parcel,
            }
        settings = ensure_running(Settings(home=home))
        with _record(settings):
            return kinds, {
                name: round(stats["avgObjSize"]) for name, stats in sorted(_sizes().items()) if stats["count"]
            }
    finally:
        stop(Settings(home=home))


class _record:  # noqa: N801 -- a context
    """An open record."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __enter__(self) -> None:
        assert self._settings.mongodb_url is not None
        mongo.connect(self._settings.mongodb_url.get_secret_value(), database=self._settings.database)
        mongo.make_indexes()

    def __exit__(self, *_: object) -> None:
        mongo.close()


def _record_costs(top: Path, *, items: int, analysed: int) -> dict[str, Any]:
    own = Settings(home=top / "many")
    settings = ensure_running(own, workers=False)
    try:
        with _record(settings):
            began = time.perf_counter()
            many.write(analysed, many.bases(own), record=True)
            job = batches.create(
                name="many", paths=["/library"], priority="bulk", files_per_chain=60, ai=False, force=False
            )
            _write_items(job.id, items, ended=min(items, analysed))
            batches.close_recording(job.id, total_files=items)
            print(f"{items:,} items and {analysed:,} analyses written in {time.perf_counter() - began:.0f} s")
            vectors = _vector_costs(settings, analysed)
            sizes = _sizes()
            return {
                "items": items,
                "analysed": analysed,
                "record": {
                    name: {
                        "count": sizes[name]["count"],
                        "disk_bytes_per_record": round(sizes[name]["storageSize"] / max(1, sizes[name]["count"])),
                        "index_bytes_per_record": round(sizes[name]["totalIndexSize"] / max(1, sizes[name]["count"])),
                    }
                    for name in _RECORDED
                    if sizes.get(name, {}).get("count")
                },
                "vectors": vectors,
                "answers_ms": _answers(settings, job.id),
            }
    finally:
        stop(own)


@mongo.synchronous
async def _sizes() -> dict[str, dict[str, Any]]:
    # What is not yet in a checkpoint is in no file.
    await mongo.database().client.admin.command("fsync")
    names = await mongo.database().list_collection_names()
    return {name: await mongo.database().command("collStats", name) for name in names if not name.startswith("system")}


def _write_items(batch_id: str, count: int, *, ended: int) -> None:
    """Record items, the first of which have ended."""
    for page in _pages(count):
        documents = [
            {
                **new_item(batch_id, number, path=f"pack {number // 300:05}/Sound Name {number:07}.wav"),
                **({"state": "completed", "step": "store", "file_id": f"{number:064x}"} if number < ended else {}),
            }
            for number in page
        ]
        _insert(documents)


@mongo.synchronous
async def _insert(documents: list[dict[str, Any]]) -> None:
    await BatchItem.get_pymongo_collection().insert_many(documents, ordered=False)


def _pages(count: int) -> Iterator[range]:
    return (range(start, min(start + _PAGE, count)) for start in range(0, count, _PAGE))


def _vector_costs(settings: Settings, count: int) -> dict[str, float]:
    """Fill Chroma, and return what a vector takes there."""
    workspace = Workspace(settings)
    [server] = [
        process for process in psutil.process_iter(["cmdline"]) if _is_chroma(process, str(Path(settings.home)))
    ]
    before, began = server.memory_info().rss, time.perf_counter()
    cpu = sum(server.cpu_times()[:2])
    rng = np.random.default_rng(1)
    dimensions = len(next(many.records(1, many.bases(settings))).analysis.vector or ())
    for start in range(0, count, 1000):
        page = rng.normal(size=(min(1000, count - start), dimensions)).tolist()
        workspace.vectors.upsert({f"{start + k:064x}": vector for k, vector in enumerate(page)})
    seconds = time.perf_counter() - began
    spent = sum(server.cpu_times()[:2]) - cpu
    asked = [
        _milliseconds(lambda: workspace.vectors.nearest(rng.normal(size=dimensions).tolist(), limit=20))
        for _ in range(30)
    ]
    disk = sum(path.stat().st_size for path in (settings.home / "data" / "chroma").rglob("*") if path.is_file())
    workspace.close()
    return {
        "count": count,
        "dimensions": dimensions,
        "memory_bytes_per_vector": round((server.memory_info().rss - before) / count),
        "disk_bytes_per_vector": round(disk / count),
        "added_per_second": round(count / seconds),
        "cpu_ms_per_vector": round(1000 * spent / count, 3),
        "nearest_ms": round(statistics.median(asked), 1),
    }


def _is_chroma(process: psutil.Process, home: str) -> bool:
    words = " ".join(process.info["cmdline"] or ())
    return "chroma_server" in words and home in " ".join([words, *process.environ().values()])


def _milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - began)


def _answers(settings: Settings, batch_id: str) -> dict[str, float]:
    workspace = Workspace(settings)
    published: list[str] = []
    times: dict[str, list[float]] = {"status": [], "dispatch of a window": [], "search": []}
    searches = [
        ("dark kick", {}),
        ("", {"bpm": "120..124", "key": "Am"}),
        ("loop", {"kind": "loop"}),
        ("velvet grooves", {}),
    ]
    for number in range(20):
        times["status"].append(_milliseconds(lambda: batches.report(batches.find(batch_id))))
        text, given = searches[number % len(searches)]
        times["search"].append(
            _milliseconds(lambda text=text, given=given: search(query.read(text), filter_text.read(**given)))
        )  # pyright: ignore[reportArgumentType]
    for _ in range(5):
        times["dispatch of a window"].append(
            _milliseconds(lambda: dispatch(settings, workspace.board, lambda parcel, *_: published.append(parcel)))
        )
        # As if each had been lost, so that the next round fills the window again.
        parcels.requeue(published)
        published.clear()
    workspace.close()
    return {name: round(statistics.median(values), 1) for name, values in times.items()}


def plan(costs: Mapping[str, Any], options: argparse.Namespace) -> None:
    """Print what a library takes."""
    kind = costs["kinds"][options.kind]
    deployment = Deployment(
        children=options.children,
        io_workers=options.io_workers,
        mongodb_cores=options.mongodb_cores,
        chroma_cores=options.chroma_cores,
        network_bytes=options.gigabits * 1e9 / 8,
    )
    rate, outcome = speed(kind, deployment)
    print(f"{options.files:,} {options.kind}, {options.children} children, window of {deployment.window} parcels")
    print(f"  {rate:,.0f} files/s: {_duration(options.files / rate)}")
    for name, share in sorted(outcome.busy.items(), key=lambda pair: -pair[1]):
        print(f"    {name:24} busy {100 * share:5.1f} %")
    print(f"  full first: {outcome.fullest}")
    if options.kind == "tracks":
        print("  (the costs of tracks behind the cpu workers hold what processes do while they wait: an upper limit)")
    for name, value in footprint(costs, options.files).items():
        print(f"  {name:36} {value / 1e9:12,.1f} GB")
    print(f"  {'samples, read once':36} {options.files * kind['file_bytes'] / 1e9:12,.1f} GB")


def footprint(costs: Mapping[str, Any], files: int) -> dict[str, float]:
    """Return the bytes that so many analysed files take, each with one content and one item of a batch."""
    record: Sequence[Mapping[str, float]] = list(costs["record"].values())
    waveforms = costs["document_bytes"].get("waveforms", 0)
    return {
        "MongoDB, documents on disk": files * (sum(one["disk_bytes_per_record"] for one in record) + waveforms),
        "MongoDB, indexes": files * sum(one["index_bytes_per_record"] for one in record),
        "Chroma, memory": files * costs["vectors"]["memory_bytes_per_vector"],
        "Chroma, disk": files * costs["vectors"]["disk_bytes_per_vector"],
    }


def _duration(seconds: float) -> str:
    hours = seconds / 3600
    if hours < 1:
        return f"{math.ceil(seconds / 60)} min"
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"


if __name__ == "__main__":
    main()
