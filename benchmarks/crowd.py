"""Many files through one worker: whether its memory stays flat, and how long twenty files wait behind them.

A bulk batch of short files runs through a cpu worker with one child. Twenty other files are submitted alone first, and
twenty more behind the bulk: the difference is what they waited. Then the resident memory of the worker's processes is
read after every thousand files; the slope is that of a line through the readings.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import psutil
import soundfile as sf

from benchmarks.pipeline import wait_for_workers
from config.settings import Settings
from samplemind_worker.local_services import ensure_running, stop
from samplemind_worker.local_services.home import Home
from samplemind_worker.store import batches, mongo

_SR = 22050
_EVERY = 1000
_WARM = 2000  # files after which caches are full


def write(folder: Path, count: int, *, seed: int) -> None:
    """Write short sounds, no two alike."""
    rng = np.random.default_rng(seed)
    decay = np.exp(-np.arange(_SR // 20) / 300.0)
    for number in range(count):
        below = folder / f"{number // 500:04}"
        below.mkdir(parents=True, exist_ok=True)
        sf.write(below / f"{number:06}.wav", 0.5 * decay * rng.normal(size=len(decay)), _SR)


def submit(samplemind: str, folder: Path, *words: str) -> tuple[str, float]:
    """Submit a folder; return the batch's id and the seconds that the command took."""
    started = time.perf_counter()
    done = subprocess.run(
        [samplemind, "submit", str(folder), "--json", *words], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)["batch_id"], time.perf_counter() - started


def memory(home: Path) -> dict[str, float]:
    """Return the resident MiB of the workers' processes."""
    found: dict[str, float] = {}
    services = Home(home).read_state().services
    for name in ("worker-cpu", "worker-io"):
        process = psutil.Process(services[name].pid)
        found[name] = process.memory_info().rss / 2**20
        for child in process.children():
            found[f"{name} child"] = child.memory_info().rss / 2**20
    return found


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bulk", type=int, default=50_000)
    parser.add_argument("--through", type=int, default=20_000)
    options = parser.parse_args()
    samplemind = str(Path(sys.executable).with_name("samplemind"))
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        top = Path(folder)
        os.environ |= {"SAMPLEMIND_HOME": str(top / "home"), "SAMPLEMIND_CONCURRENCY": "1"}
        own = Settings()
        for name, count, seed in (("bulk", options.bulk, 0), ("alone", 20, 1), ("behind", 20, 2)):
            write(top / name, count, seed=seed)
        settings = ensure_running(own)
        wait_for_workers(settings)
        assert settings.mongodb_url is not None
        mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database)
        try:
            _, alone = submit(samplemind, top / "alone", "--wait")
            bulk, _ = submit(samplemind, top / "bulk", "--priority", "bulk")
            while batches.report(batches.find(bulk))["completed"] < _EVERY:
                time.sleep(0.2)
            _, behind = submit(samplemind, top / "behind", "--wait")
            print(f"20 files alone {alone:.1f} s, behind {options.bulk} others {behind:.1f} s: {behind - alone:+.1f} s")
            readings: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
            done = 0
            while done < options.through:
                time.sleep(0.2)
                now = batches.report(batches.find(bulk))["completed"]
                if now >= max(done + _EVERY, _WARM):
                    done = now
                    for name, size in memory(top / "home").items():
                        readings[name].append((done, size))
            batches.cancel(bulk)
        finally:
            mongo.close()
            stop(own)
    for name, pairs in readings.items():
        files, sizes = np.array(pairs, dtype=float).T
        slope = float(np.polyfit(files / 1000.0, sizes, 1)[0])
        span = f"{sizes[0]:6.0f} to {sizes[-1]:6.0f} MiB in {len(pairs)} readings"
        print(f"{name:18} {span}, {slope:+.2f} MiB per 1,000 files")


if __name__ == "__main__":
    main()
