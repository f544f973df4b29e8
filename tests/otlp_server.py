"""A collector on loopback that takes traces by OTLP over HTTP."""

import gzip
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class Span:
    """A span that was received."""

    trace: str
    id: str
    parent: str
    name: str
    service: str
    attributes: dict[str, Any]
    failed: str | None
    """What its status says, if that is an error."""


class Collector:
    """Listens on a free port of loopback; use it as a context manager."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.requests = 0
        self.status = 200
        self._lock = threading.Lock()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.take(self.path, body)
                self.send_response(collector.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 -- the name of the standard library
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, path: str, body: bytes) -> None:
        """Note a request."""
        assert path == "/v1/traces"
        request = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            self.requests += 1
            for of_resource in request.resource_spans:
                about = _values(of_resource.resource.attributes)
                for of_scope in of_resource.scope_spans:
                    self.spans += [_span(one, about["service.name"]) for one in of_scope.spans]

    def of_trace(self, trace: str) -> list[Span]:
        """The spans of a trace."""
        with self._lock:
            return [span for span in self.spans if span.trace == trace]


def _span(one: Any, service: str) -> Span:
    failed = one.status.message if one.status.code == one.status.STATUS_CODE_ERROR else None
    return Span(
        one.trace_id.hex(),
        one.span_id.hex(),
        one.parent_span_id.hex(),
        one.name,
        service,
        _values(one.attributes),
        failed,
    )


def _values(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
