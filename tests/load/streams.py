"""What progress costs: a batch of 50,000 files that goes on, followed by no stream, by one, and by 1,000.

``python -m tests.load.streams`` starts private services and a server for itself. Files end at a steady rate, as if
workers analysed them; that costs MongoDB something by itself, so the costs of a phase are those above the first one,
which has no stream. Printed are the processor time of the server and of MongoDB in percent of one core, the server's
memory, and how many events each stream got.
"""

import argparse
import asyncio
import tempfile
import threading
import time
from pathlib import Path

import psutil
from pymongo import MongoClient

from config.settings import Settings
from samplemind_worker.documents.batch import BatchItem
from samplemind_worker.local_services import ensure_running, stop
from samplemind_worker.store import batches, mongo
from tests.factories import new_item
from tests.load.servers import free_port, serve

_EVERY = 0.2  # s between two writes of the pretended workers


class Workers:
    """Ends so many files per second, like workers, in a thread."""

    def __init__(self, url: str, database: str, batch_id: str, rate: float) -> None:
        self._url, self._database, self._batch, self._rate = url, database, batch_id, rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        with MongoClient[dict[str, object]](self._url) as client:
            items = client[self._database]["batch_items"]
            while not self._stop.wait(_EVERY):
                query = {"batch_id": self._batch, "state": "pending"}
                ids = [row["_id"] for row in items.find(query, {"_id": 1}).limit(int(self._rate * _EVERY))]
                items.update_many({"_id": {"$in": ids}}, {"$set": {"state": "completed"}})


async def _stream(port: int, counts: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    number = len(counts)
    counts.append(0)
    try:
        while line := await reader.readline():
            counts[number] += line.startswith(b"event: batch")
    finally:
        writer.close()


async def _phase(port: int, streams: int, seconds: float, processes: dict[str, psutil.Process]) -> dict[str, float]:
    """Return the percentages of one core that the processes used, and the least number of events of a stream."""
    counts: list[int] = []
    opened = [asyncio.create_task(_stream(port, counts)) for _ in range(streams)]
    await asyncio.sleep(4.0)  # opening them is not what is measured
    before = {name: _used(process) for name, process in processes.items()}
    told = list(counts)
    began = time.monotonic()
    await asyncio.sleep(seconds)
    took = time.monotonic() - began
    found = {name: 100.0 * (_used(process) - before[name]) / took for name, process in processes.items()}
    found["memory"] = processes["server"].memory_info().rss / 2**20
    found["open"] = sum(not task.done() for task in opened)
    found["events"] = min((now - then for now, then in zip(counts, told, strict=True)), default=0)
    for task in opened:
        task.cancel()
    await asyncio.gather(*opened, return_exceptions=True)
    return found


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _record(files: int) -> str:
    job = batches.create(name="load", paths=[], priority="bulk", files_per_chain=60, ai=False, force=False)
    for start in range(0, files, 5000):
        batches.add_items([new_item(job.id, number) for number in range(start, min(start + 5000, files))])
    batches.close_recording(job.id, total_files=files)
    _begin(job.id)
    return job.id


@mongo.synchronous
async def _begin(batch_id: str) -> None:
    jobs = mongo.collection("batch_jobs")
    await jobs.update_one({"_id": batch_id}, [{"$set": {"status": "processing", "started_at": "$$NOW"}}])
    newest = await BatchItem.find({"batch_id": batch_id}).sort("-_id").limit(3).to_list()
    ids = [item.id for item in newest]
    await mongo.collection("batch_items").update_many({"_id": {"$in": ids}}, {"$set": {"state": "running"}})


@mongo.synchronous
async def _mongod() -> int:
    return (await mongo.database().command("serverStatus"))["pid"]


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--rate", type=float, default=400.0, help="files that end per second")
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each phase is measured")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="samplemind-load-") as folder:
        own = Settings(home=Path(folder) / "home")
        settings = ensure_running(own, workers=False)
        assert settings.mongodb_url is not None
        url = settings.mongodb_url.get_secret_value()
        port = free_port()
        server = None
        try:
            mongo.connect(url, database=settings.database)
            batch_id = _record(given.files)
            server = serve(settings, port)
            processes = {"server": psutil.Process(server.pid), "mongod": psutil.Process(_mongod())}
            print(f"{'streams':>8} {'open':>6} {'server':>8} {'mongod':>8} {'above 0':>8} {'memory':>8} {'events':>7}")
            none = 0.0
            with Workers(url, settings.database, batch_id, given.rate):
                for streams in (0, 1, given.streams):
                    found = asyncio.run(_phase(port, streams, given.seconds, processes))
                    used = found["server"] + found["mongod"]
                    none = used if streams == 0 else none
                    print(
                        f"{streams:8} {found['open']:6.0f} {found['server']:7.1f}% {found['mongod']:7.1f}% "
                        f"{used - none:7.1f}% {found['memory']:5.0f} MB {found['events']:7.0f}",
                        flush=True,
                    )
        finally:
            if server is not None:
                server.terminate()
                server.wait(timeout=30)
            mongo.close()
            stop(own)


if __name__ == "__main__":
    main()
