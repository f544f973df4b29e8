"""Recording a large library: how long ``submit`` takes, how big Redis gets, how fast ``status`` answers meanwhile.

The files are empty ones under 500 names a folder: recording looks at names, sizes and times only. No worker runs, so
all of them stay pending.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import redis

from config.settings import Settings
from samplemind_worker.local_services import ensure_running, stop
from samplemind_worker.store import batches, mongo

_A_FOLDER = 500


def make_files(folder: Path, count: int) -> None:
    """Make many small files with audio names."""
    for at in range(0, count, _A_FOLDER):
        below = folder / f"pack{at // _A_FOLDER:05d}"
        below.mkdir(parents=True)
        for number in range(at, min(at + _A_FOLDER, count)):
            (below / f"sample {number:07d}.wav").write_bytes(b"")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=200_000)
    count = parser.parse_args().files
    samplemind = str(Path(sys.executable).with_name("samplemind"))
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        top = Path(folder)
        make_files(top / "library", count)
        own = Settings(home=top / "home")
        settings = ensure_running(own, workers=False)
        assert settings.redis_url is not None
        assert settings.mongodb_url is not None
        assert settings.chroma_url is not None
        environment = {
            **os.environ,
            "SAMPLEMIND_REDIS_URL": settings.redis_url.get_secret_value(),
            "SAMPLEMIND_MONGODB_URL": settings.mongodb_url.get_secret_value(),
            "SAMPLEMIND_CHROMA_URL": settings.chroma_url.get_secret_value(),
        }
        client = redis.Redis.from_url(settings.redis_url.get_secret_value())
        mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database)
        answers: list[float] = []
        memory = 0
        try:
            started = time.perf_counter()
            process = subprocess.Popen([samplemind, "submit", str(top / "library")], env=environment)
            while process.poll() is None:
                asked = time.perf_counter()
                for job in batches.recent(1):
                    batches.report(job)
                answers.append(1000 * (time.perf_counter() - asked))
                memory = max(memory, int(client.info("memory")["used_memory"]))
                time.sleep(0.1)
            seconds = time.perf_counter() - started
            (job,) = batches.recent(1)
            report = batches.report(job)
            for _ in range(20):
                asked = time.perf_counter()
                batches.report(batches.find(job.id))
                answers.append(1000 * (time.perf_counter() - asked))
        finally:
            mongo.close()
            client.close()
            stop(own)
    if process.returncode or report["total_files"] != count:
        raise SystemExit(f"exit code {process.returncode}: {report}")
    print(f"recorded {count} files in {seconds:.1f} s; pending {report['pending']}, running {report['running']}")
    print(f"Redis at most {memory / 2**20:.1f} MB")
    print(f"status: median {statistics.median(answers):.1f} ms, slowest {max(answers):.1f} ms of {len(answers)}")


if __name__ == "__main__":
    main()
