"""The memory of ``export``: its peak for few and for many files in each format, and the rows written per second.

Every file has the analysis of one loop, under a content and a path of its own.
"""

import argparse
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import soundfile as sf

from config.settings import Settings
from samplemind_cli.output import pages
from samplemind_worker.decode import Limits
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.local_services import ensure_running, stop
from samplemind_worker.pipeline.engine import judge, measure
from samplemind_worker.pipeline.signals import read_signal
from samplemind_worker.store import mongo, places, results
from samplemind_worker.store.places import Place
from training.signals import drum_loop

_PAGE = 1000
_FORMATS = ("csv", "json", "parquet")


def analysis_of_a_loop(folder: Path) -> tuple[AudioFacts, AnalysisFacts]:
    """Analyse a loop that is made for this."""
    path = folder / "loop_120.wav"
    sf.write(path, drum_loop(120.0, sr=44100), 44100)
    with path.open("rb") as file:
        return judge(measure(read_signal(file, name=b"loop_120.wav", file_id="0" * 64, limits=Limits())))


def record(audio: AudioFacts, analysis: AnalysisFacts, numbers: range) -> None:
    """Record contents with these numbers."""
    for page in pages(numbers, _PAGE):
        ids = {number: hashlib.sha256(str(number).encode()).hexdigest() for number in page}
        pairs = [
            (audio.model_copy(update={"file_id": key}), analysis.model_copy(update={"file_id": key}))
            for key in ids.values()
        ]
        results.save_analyses(pairs)
        places.save(_places(ids))


def _places(ids: dict[int, str]) -> Iterator[Place]:
    for number, key in ids.items():
        path = f"pack {number // 500:05d}/loop {number:07d}.wav".encode()
        yield Place("/library", path, key, 1, 1, 1, settled=True)


def export(target: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Export the library; returns the peak of resident memory in MB, and the seconds."""
    samplemind = str(Path(sys.executable).with_name("samplemind"))
    started = time.perf_counter()
    process = psutil.Popen([samplemind, "export", "--all", "-o", str(target)], env=environment)
    peak = 0
    # Sampled: the peak that the kernel tells of a child begins with the memory of its parent.
    while process.poll() is None:
        with suppress(psutil.Error):
            peak = max(peak, process.memory_info().rss)
        time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"export ended with {process.returncode}")
    return peak / 1e6, time.perf_counter() - started


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=200_000)
    few, many = (given := parser.parse_args()).few, given.many
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        top = Path(folder)
        own = Settings(home=top / "home")
        settings = ensure_running(own, workers=False)
        urls = {
            "SAMPLEMIND_REDIS_URL": settings.redis_url,
            "SAMPLEMIND_MONGODB_URL": settings.mongodb_url,
            "SAMPLEMIND_CHROMA_URL": settings.chroma_url,
        }
        environment = {**os.environ, **{name: url.get_secret_value() for name, url in urls.items() if url is not None}}
        assert settings.mongodb_url is not None
        mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database)
        try:
            facts = analysis_of_a_loop(top)
            record(*facts, range(few))
            first = {suffix: export(top / f"out.{suffix}", environment) for suffix in _FORMATS}
            record(*facts, range(few, many))
            last = {suffix: export(top / f"out.{suffix}", environment) for suffix in _FORMATS}
            sizes = {suffix: (top / f"out.{suffix}").stat().st_size for suffix in _FORMATS}
        finally:
            mongo.close()
            stop(own)
    print(f"{'format':8} {f'{few:,} files':>16} {f'{many:,} files':>16} {'ratio':>6} {'rows/s':>8} {'bytes/row':>10}")
    for suffix in _FORMATS:
        (small, _), (big, seconds) = first[suffix], last[suffix]
        print(
            f"{suffix:8} {f'{small:.0f} MB':>16} {f'{big:.0f} MB':>16} {big / small:6.2f} {many / seconds:8,.0f} "
            f"{sizes[suffix] / many:10,.0f}"
        )


if __name__ == "__main__":
    main()
