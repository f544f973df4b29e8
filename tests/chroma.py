"""Asks a Chroma by plain HTTP, whatever its URL is."""

import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from samplemind_worker.local_services.probes import chroma_answers

COLLECTIONS = "/api/v2/tenants/default_tenant/databases/default_database/collections"


def client(url: str) -> httpx.Client:
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return httpx.Client(base_url=url)
    return httpx.Client(base_url="http://localhost", transport=httpx.HTTPTransport(uds=unquote(parts.path)))


def answers(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return chroma_answers(Path(unquote(parts.path)))
    try:
        return httpx.get(f"{url}/api/v2/heartbeat").is_success
    except httpx.TransportError:
        return False


@contextmanager
def own_server(folder: Path) -> Generator[str]:
    """Run Chroma's own server on a folder, as a deployment does; yields its URL."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    code = "import sys, chromadb_rust_bindings; chromadb_rust_bindings.cli(['chroma', *sys.argv[1:]])"
    command = [sys.executable, "-c", code, "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60.0
        while not answers(url):
            assert process.poll() is None, "Chroma ended"
            assert time.monotonic() < deadline, "Chroma does not answer"
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)
