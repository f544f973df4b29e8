"""Lists buckets of many objects, and says how long it takes and how much memory: `python -m benchmarks.bucket_listing`.

The service is a process of its own that makes up its pages, so what is measured is the walk of a submission alone.
"""

import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, make_server

from config.locations import ObjectPath
from samplemind_worker.submission.walk import walk

_PAGE = 1000


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the standard library
        pass


def _serve(total: int, told: Any) -> None:
    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        query = parse_qs(environ["QUERY_STRING"])
        start = int(query.get("continuation-token", ["0"])[0])
        end = min(start + min(_PAGE, int(query.get("max-keys", [_PAGE])[0])), total)
        rows = "".join(
            f"<Contents><Key>lib/pack{number // 5000:05}/one-shots/kick {number:07}.wav</Key>"
            "<LastModified>2026-01-31T12:00:00.000Z</LastModified>"
            f"<ETag>&quot;{number:032x}&quot;</ETag><Size>{number}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for number in range(start, end)
        )
        more = f"<NextContinuationToken>{end}</NextContinuationToken>" if end < total else ""
        body = (
            f"<ListBucketResult><IsTruncated>{str(end < total).lower()}</IsTruncated>{more}"
            f"<KeyCount>{end - start}</KeyCount>{rows}</ListBucketResult>"
        ).encode()
        start_response("200 OK", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body]

    with make_server("127.0.0.1", 0, answer, handler_class=_Quiet) as server:
        told.send(server.server_port)
        server.serve_forever()


def _measure(total: int) -> None:
    here, there = multiprocessing.Pipe()
    service = multiprocessing.Process(target=_serve, args=(total, there), daemon=True)
    service.start()
    os.environ |= {
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{here.recv()}",
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    began, found = time.perf_counter(), 0
    for entry in walk(ObjectPath("benchmark")):
        found += entry.skip_reason is None
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert found == total
    print(f"{total:9,} objects: {seconds:6.1f} s, {total / seconds:8,.0f} a second, {peak:6.1f} MB at most", flush=True)
    service.terminate()


if __name__ == "__main__":
    for count in map(int, sys.argv[1:] or ["10000", "100000", "1000000"]):
        child = multiprocessing.Process(target=_measure, args=(count,))
        child.start()
        child.join()
