"""The API at size: what 50 clients at once wait for, with a library of 100,000 samples on the private services.

The script that asks is `tests.load.api`; the library is that of `benchmarks.many`, with its vectors in Chroma. The
server, the services and the clients share this machine.
"""

import argparse
import asyncio
import tempfile
from itertools import islice
from pathlib import Path

from benchmarks import many
from config.settings import Settings
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.local_services import ensure_running, stop
from samplemind_worker.store import mongo
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
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--think", type=float, default=1.0, help="seconds between an answer and the next request")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        own = Settings(home=Path(folder) / "home")
        settings = ensure_running(own, workers=False)
        assert settings.mongodb_url is not None
        assert settings.chroma_url is not None
        server = None
        try:
            mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database)
            url = settings.chroma_url.get_secret_value()
            with Vectors(url, database=settings.database, version=VERSIONS["store"]) as vectors:
                _write(given.entries, many.bases(own), vectors)
            new_batch(1000)
            port = free_port()
            server = serve(settings, port)
            print(f"{given.entries:,} samples, {given.clients} clients, {given.think:g} s between two requests of each")
            asking = measure(
                f"http://127.0.0.1:{port}", clients=given.clients, seconds=given.seconds, think=given.think, seed=7
            )
            asyncio.run(asking).print()
        finally:
            if server is not None:
                server.terminate()
                server.wait(timeout=30)
            mongo.close()
            stop(own)


if __name__ == "__main__":
    main()
