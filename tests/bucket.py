"""A service that speaks the S3 protocol, on loopback: moto's server, which can be told to fail as a real one does."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

KEY, SECRET = "tests", "secret-of-the-tests"

Fault = tuple[str, str]
"""Status line and error code."""
SLOW_DOWN: Fault = ("503 Slow Down", "SlowDown")


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 -- werkzeug's name
        pass


@dataclass
class Request:
    """What a fault is decided by."""

    method: str
    bucket: str
    key: str
    range: str | None
    key_id: str


@dataclass
class BucketServer:
    """The running service. ``fault`` says how a request fails, ``cut`` after how many bytes a body breaks off."""

    url: str = ""
    seen: Counter[str] = field(default_factory=Counter[str])
    """How many lists and reads were asked for."""
    reads: Counter[str] = field(default_factory=Counter[str])
    """How often each key was read."""
    fault: Callable[[Request], Fault | None] = lambda _: None
    cut: Callable[[Request], int | None] = lambda _: None

    def reset(self) -> None:
        """Count anew, and fail no more."""
        self.seen.clear()
        self.reads.clear()
        self.fault = lambda _: None
        self.cut = lambda _: None

    def environment(self) -> dict[str, str]:
        """Return the variables by which a process finds the service."""
        return {
            "AWS_ENDPOINT_URL_S3": self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @cached_property
    def client(self) -> Any:
        """A client of the tests' own."""
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            config=Config(s3={"addressing_style": "path"}),
        )

    def fill(self, bucket: str, folder: Path, prefix: str = "") -> None:
        """Create a bucket, and put the files of a folder into it."""
        self.client.create_bucket(Bucket=bucket)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.client.put_object(
                    Bucket=bucket, Key=prefix + str(path.relative_to(folder)), Body=path.read_bytes()
                )

    def empty(self, bucket: str) -> None:
        """Delete a bucket, and what is in it."""
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for row in page.get("Contents", ()):
                self.client.delete_object(Bucket=bucket, Key=row["Key"])
        self.client.delete_bucket(Bucket=bucket)


class _Application:
    """Puts faults in front of moto."""

    def __init__(self, server: BucketServer) -> None:
        self._server = server
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        _, bucket, *rest = environ["PATH_INFO"].encode("latin-1").decode(errors="replace").split("/", 2)
        credential = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].partition("/")[0]
        request = Request(
            environ["REQUEST_METHOD"], bucket, rest[0] if rest else "", environ.get("HTTP_RANGE"), credential
        )
        kind = "list" if request.method == "GET" and not request.key else request.method
        self._server.seen[kind] += 1
        if kind == "GET":
            self._server.reads[request.key] += 1
        fault = self._server.fault(request)
        if fault is not None:
            status, code = fault
            body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>told to fail</Message></Error>".encode()
            start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
            return [body]
        answer = self._moto(environ, start_response)
        cut = self._server.cut(request)
        return answer if cut is None else [b"".join(answer)[:cut]]


@contextmanager
def serve() -> Iterator[BucketServer]:
    """Run a service on a port of its own."""
    server = BucketServer()
    http = make_server("127.0.0.1", 0, _Application(server), threaded=True, request_handler=_Quiet)
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
