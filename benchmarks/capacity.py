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
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import capacity_record, library, pipeline
from benchmarks.capacity_model import Deployment, speed
from config.settings import Settings
from samplemind_worker.local_services import ensure_running, stop

COSTS = Path(__file__).with_name("capacity_costs.json")
_PER_PARCEL = {"one-shots": 60, "tracks": 1}


def main() -> None:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("part", nargs="?", choices=["pipeline", "record", "vectors", "all"], default="all")
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
        write(measure(options))
        print(f"written to {COSTS}")
    else:
        if min(options.files, options.children, options.io_workers, options.mongodb_cores, options.chroma_cores) < 1:
            parser.error("numbers of at least 1 are wanted")
        plan(json.loads(COSTS.read_text()), options)


def write(found: Mapping[str, Any]) -> None:
    """Put what was measured in place of the older values."""
    known: dict[str, Any] = json.loads(COSTS.read_text()) if COSTS.exists() else {}
    COSTS.write_text(json.dumps({**known, **found}, indent=2) + "\n")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the costs of the pipeline, of a large record, of Chroma, or of all; takes several minutes to hours."""
    found: dict[str, Any] = {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
    }
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        top = Path(folder)
        if options.part in ("pipeline", "all"):
            found["kinds"], found["document_bytes"] = _pipeline_costs(top, options)
        if options.part in ("record", "all"):
            for more in capacity_record.measure(top / "record", items=options.items, analysed=options.analysed):
                found |= more
                write(found)
        if options.part in ("vectors", "all"):
            for more in capacity_record.measure_vectors(top / "vectors", options.analysed):
                found |= more
                write(found)
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
        with capacity_record.opened(settings):
            return kinds, {
                name: round(stats["avgObjSize"])
                for name, stats in sorted(capacity_record.sizes().items())
                if stats["count"]
            }
    finally:
        stop(Settings(home=home))


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
