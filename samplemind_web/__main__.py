"""``python -m samplemind_web``: runs the server with the settings of its environment until SIGTERM or SIGINT."""

import argparse
import errno
import os
import socket
import sys
import threading
import webbrowser

import uvicorn

from config.settings import Settings, get_settings
from samplemind_web.page_files import BUILT, NOT_BUILT
from samplemind_web.server import StreamingServer, config_of
from samplemind_worker.accounts.exposure import is_exposed, require_users
from samplemind_worker.errors import ServiceUnavailableError, SetupError
from samplemind_worker.logs import configure_logging
from samplemind_worker.metrics import endpoint
from samplemind_worker.store import mongo

_SERVICE, _INTERRUPTED = 3, 130  # exit codes


def main(arguments: list[str]) -> int:
    """Run the server and return its exit code."""
    parser = argparse.ArgumentParser(prog="samplemind_web")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--open", action="store_true", help="open the page in a browser once the server answers")
    given = parser.parse_args(arguments)
    settings = get_settings()
    configure_logging(settings, "web")
    try:
        _require_users(settings, given.address)
        _require_free(given.address, given.port)
        config = config_of(settings, address=given.address, port=given.port)
    except (SetupError, ServiceUnavailableError) as error:
        print(f"samplemind: error: {error}", file=sys.stderr)  # noqa: T201 -- a command
        return _SERVICE
    endpoint.serve(settings, "web")
    server = _Server(config, open_page=given.open)
    try:
        server.run()
    except SystemExit:
        # Uvicorn has logged the system's words, and closed everything since.
        place = given.address if config.uds else f"{given.address}, port {given.port}"
        print(f"samplemind: error: cannot listen at {place}: does another program?", file=sys.stderr)  # noqa: T201
        return 1
    return 0 if server.started else 1


def _require_users(settings: Settings, address: str) -> None:
    if is_exposed(settings, address) and settings.mongodb_url is not None:
        mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database, create_indexes=False)
        try:
            require_users(settings, address)
        finally:
            mongo.close()


def _require_free(address: str, port: int) -> None:
    """Raise SetupError if another program listens there: uvicorn would end with a log line that names no way out."""
    if address.startswith("/"):
        return
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                why = f"port {port} is taken, perhaps by another `samplemind web`"
            elif error.errno == errno.EACCES:
                why = f"this user may not listen on port {port}"
            else:
                why = f"cannot listen on {address}: {error.strerror or error}"
            raise SetupError(f"{why}; another port is chosen with --port or SAMPLEMIND_WEB_PORT") from error


class _Server(StreamingServer):
    """Says where the page is as soon as it can be opened, and opens it if that is wanted."""

    def __init__(self, config: uvicorn.Config, *, open_page: bool) -> None:
        super().__init__(config)
        self._open_page = open_page

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
        url = self.config.uds or f"http://{host}:{self.config.port}/"
        print(f"SampleMind: {url} (Ctrl-C ends it)", file=sys.stderr, flush=True)  # noqa: T201 -- a command
        if not (BUILT / "index.html").is_file():
            print(f"samplemind: {NOT_BUILT}; the API works without it", file=sys.stderr, flush=True)  # noqa: T201 -- a command
        elif self._open_page:
            # A browser may take seconds to return.
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def leave(code: int) -> None:
    """End the process at once: Python would wait for threads, and one may wait for a drive that never answers."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    try:
        ended_with = main(sys.argv[1:])
    except KeyboardInterrupt:  # uvicorn raises it once more when everything is closed
        ended_with = _INTERRUPTED
    leave(ended_with)
