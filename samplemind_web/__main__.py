"""``python -m samplemind_web``: runs the server with the settings of its environment until SIGTERM or SIGINT."""

import argparse
import socket
import sys
import threading
import webbrowser

import uvicorn

from config.settings import get_settings
from samplemind_web.app import create_app
from samplemind_web.server import StreamingServer
from samplemind_worker.logs import configure_logging


def main(arguments: list[str]) -> int:
    """Run the server and return its exit code."""
    parser = argparse.ArgumentParser(prog="samplemind_web")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--open", action="store_true", help="open the page in a browser once the server answers")
    given = parser.parse_args(arguments)
    settings = get_settings()
    configure_logging(settings, "web")
    server = _Server(
        uvicorn.Config(
            create_app(settings),
            host=given.address,
            port=given.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        ),
        open_page=given.open,
    )
    server.run()
    return 0 if server.started else 1


class _Server(StreamingServer):
    """Says where the page is as soon as it can be opened, and opens it if that is wanted."""

    def __init__(self, config: uvicorn.Config, *, open_page: bool) -> None:
        super().__init__(config)
        self._open_page = open_page

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        url = f"http://{self.config.host}:{self.config.port}/"
        print(f"SampleMind: {url} (Ctrl-C ends it)", file=sys.stderr, flush=True)  # noqa: T201 -- a command
        if self._open_page:
            # A browser may take seconds to return.
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
