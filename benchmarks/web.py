"""The API at size: what 50 clients at once wait for, with a library of 100,000 samples on the private services.

The script that asks is `tests.load.api`; the library is that of `benchmarks.many`, with its vectors in Chroma. The
server, the services and the clients share this machine.
"""

import argparse
import tempfile
from itertools import islice
from pathlib import Path

import psutil
import uvloop

from benchmarks import many
from config.settings import Settings
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.local_services import ensure_running, stop
from samplemind_worker.store import entry_search, mongo
from samplemind_worker.store.vectors import Vectors
from tests.factories import new_batch
from tests.load.api import measure
from tests.load.servers import free_port, serve

_PAGE = 2000


def _write(count: int, bases: list[many.Base], vectors: Vectors) -> None:
    """Fill the record and Chroma."""
    many.write(count, bases, record=True)
    made = many.records(count, bases)
    while page := list(islice(made, _PAGE)):
        vectors.upsert({each.audio.file_id: each.analysis.vector for each in page if each.analysis.vector})


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each way to ask is measured")
    parser.add_argument("--rates", type=float, nargs="*", default=[10.0, 25.0, 50.0], help="requests per second")
    parser.add_argument("--home", type=Path, help="keep the library in this folder, and use the one that is there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        own = Settings(home=given.home or Path(folder) / "home")
        settings = ensure_running(own, workers=False)
        assert settings.mongodb_url is not None
        assert settings.chroma_url is not None
        server = None
        try:
            mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database)
            if not entry_search.total():
                url = settings.chroma_url.get_secret_value()
                with Vectors(url, database=settings.database, version=VERSIONS["store"]) as vectors:
                    _write(given.entries, many.bases(own), vectors)
                new_batch(1000)
            port = free_port()
            server = serve(settings, port)
            print(f"{entry_search.total():,} samples")
            _measure(f"http://127.0.0.1:{port}", _processes(settings, server.pid), given)
        finally:
            if server is not None:
                server.terminate()
                server.wait(timeout=30)
            mongo.close()
            stop(own)


def _processes(settings: Settings, server: int) -> dict[str, psutil.Process]:
    """Return the processes that answer."""
    found = {"server": psutil.Process(server)}
    for each in psutil.process_iter(["cmdline"]):
        line = " ".join(each.info["cmdline"] or ())
        name = next((name for name in ("mongod", "chroma_server", "valkey-server") if name in line), None)
        if name is not None and str(settings.home) in line and f"{name}:" not in line:
            found[name] = each
    return found


def _measure(url: str, processes: dict[str, psutil.Process], given: argparse.Namespace) -> None:
    ways: list[tuple[str, dict[str, float]]] = [
        (f"{given.clients} clients, who look at each answer for a second", {"think": 1.0}),
        *((f"{rate:g} requests per second, at moments of chance", {"rate": rate}) for rate in given.rates),
        (f"{given.clients} clients, who ask again at once", {}),
    ]
    for said, way in ways:
        before = {name: _used(process) for name, process in processes.items()}
        # What the first way was asked is no longer kept when the next begins, and none asks the same.
        found = uvloop.run(
            measure(url, clients=given.clients, seconds=given.seconds, seed=len(said) * given.clients, **way)
        )
        requests = sum(map(len, found.times.values()))
        print(f"\n{said}")
        found.print()
        costs = {name: 1000.0 * (_used(process) - before[name]) / requests for name, process in processes.items()}
        print("processor time per request, ms:", ", ".join(f"{name} {cost:.1f}" for name, cost in costs.items()))
        print(f"memory of the server: {processes['server'].memory_info().rss / 2**20:.0f} MB", flush=True)


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    main()
