"""A real server of the API for a test: uvicorn in a thread, with the services of the test run."""

import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from config.settings import Settings
from samplemind_web.server import StreamingServer, config_of
from samplemind_worker.pipeline.workspace import Workspace


class Server(StreamingServer):
    """A server that a test starts and ends."""

    def __init__(self, settings: Settings, *, port: int = 0) -> None:
        super().__init__(config_of(settings, address="127.0.0.1", port=port))
        self._thread = threading.Thread(target=self.run, name="web", daemon=True)

    def __enter__(self) -> str:
        """Start it; return its URL."""
        self._thread.start()
        while not self.started:
            assert self._thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        port = self.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def __exit__(self, *_: object) -> None:
        self.should_exit = True
        self._thread.join(timeout=20.0)
        assert not self._thread.is_alive()


@pytest.fixture
def served(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """The settings of the server: those of this test, with changes that it gives as a parameter."""
    return settings.model_copy(update=getattr(request, "param", {}))


@pytest.fixture
def web_url(served: Settings, chroma: str) -> Iterator[str]:  # noqa: ARG001 -- it must answer
    """The URL of a server with the record of this test."""
    with Server(served) as url:
        yield url


@pytest.fixture
def web(web_url: str) -> Iterator[httpx.Client]:
    """A client of the server."""
    with httpx.Client(base_url=web_url, timeout=30.0) as client:
        yield client


@pytest.fixture
def workspace(settings: Settings, web_url: str) -> Iterator[Workspace]:  # noqa: ARG001 -- it has opened the record
    """A workspace that uses the server's connection to the record, from this thread."""
    made = Workspace(settings)
    yield made
    made.close()
