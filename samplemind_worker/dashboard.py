"""Flower behind a password, with a page per worker that needs no remote control.

``python -m samplemind_worker.dashboard alive`` exits 0 if Flower answers on this machine; it is the health check of a
deployment and knows the password from the settings.

Flower checks its password on single pages, and not on its metrics, its health check and its static files. Here the
application checks it first, on every path.
"""

import asyncio
import atexit
import base64
import hmac
import http.client
import logging
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any, Final

from celery import Celery
from flower.app import Flower
from flower.options import default_options
from flower.urls import settings as flower_settings
from flower.views import BaseHandler
from tornado.httputil import HTTPServerRequest
from tornado.template import Template
from tornado.web import HTTPError, RequestHandler, authenticated, url

from config.settings import Settings, get_settings

_SECONDS: Final = 5.0
_WORKER_PAGE: Final = Path(__file__).with_name("dashboard_worker.html")


def serve(app: Celery, settings: Settings, *, address: str, port: int) -> None:
    """Run Flower until SIGTERM or SIGINT; raises ValueError if the settings have no password."""
    options: Any = default_options
    options.address, options.port = address, port
    # Flower's own pages check it too.
    options.basic_auth = [_credentials(settings)]
    access = logging.getLogger("tornado.access")
    access.addHandler(logging.NullHandler())
    access.propagate = False
    dashboard = Dashboard(app, options, credentials=_credentials(settings))
    atexit.register(dashboard.stop)
    signal.signal(signal.SIGTERM, _end)
    dashboard.start_http_server()
    try:
        dashboard.start()
    except (KeyboardInterrupt, SystemExit):
        return


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _credentials(settings: Settings) -> str:
    password = settings.flower_password
    if password is None:
        raise ValueError("Flower needs a password")
    return f"{settings.flower_user}:{password.get_secret_value()}"


def is_alive(settings: Settings) -> bool:
    """Tell whether Flower answers on this machine and accepts the password of the settings."""
    connection = http.client.HTTPConnection("127.0.0.1", settings.flower_port, timeout=_SECONDS)
    try:
        connection.request("GET", "/healthcheck", headers={"Authorization": _basic(_credentials(settings))})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _basic(credentials: str) -> str:
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


class Dashboard(Flower):
    """Flower's application, which checks the password of every request."""

    def __init__(self, app: Celery, options: Any, *, credentials: str) -> None:
        super().__init__(capp=app, options=options, **flower_settings)
        self._expected = _basic(credentials).encode()
        self.add_handlers(".*", [url(r"/worker/(.+)", _WorkerPage, name="worker")])

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """Return the handler of a request; without the password it is always a refusal."""
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._expected):
            return self.get_handler_delegate(request, _Denied)
        return super().find_handler(request, **kwargs)

    def update_workers(self, workername: str | None = None) -> "asyncio.Future[None]":  # noqa: ARG002 -- Flower's name
        """Do nothing: with remote control off no worker would answer, and Flower would wait for each."""
        done: asyncio.Future[None] = asyncio.get_event_loop().create_future()
        done.set_result(None)
        return done


class _Denied(RequestHandler):
    def check_xsrf_cookie(self) -> None:
        """Skip the check, because a refusal changes nothing."""

    def prepare(self) -> None:
        self.set_status(http.HTTPStatus.UNAUTHORIZED)
        self.set_header("WWW-Authenticate", 'Basic realm="flower"')
        self.finish("Access denied")


class _WorkerPage(BaseHandler):
    """Shows what a worker announces; Flower's own page is a 404 without remote control."""

    @authenticated
    def get(self, name: str) -> None:
        application: Any = self.application
        worker = application.events.state.workers.get(name)
        if worker is None:
            raise HTTPError(http.HTTPStatus.NOT_FOUND, f"Unknown worker '{name}'")
        self.render(_WORKER_PAGE.name, worker=worker)

    def get_template_path(self) -> str:
        # Tornado keeps one loader per path, and Flower's pages use another.
        return str(_WORKER_PAGE.parent)

    def create_template_loader(self, template_path: str) -> Any:  # noqa: ARG002 -- Tornado's signature
        loader = super().create_template_loader(str(flower_settings["template_path"]))
        loader.templates[_WORKER_PAGE.name] = Template(_WORKER_PAGE.read_bytes(), name=_WORKER_PAGE.name, loader=loader)
        return loader


def main(arguments: list[str]) -> int:
    """Run the health check and return its exit code."""
    if arguments != ["alive"]:
        print("usage: python -m samplemind_worker.dashboard alive", file=sys.stderr)  # noqa: T201 -- a command
        return 2
    return 0 if is_alive(get_settings()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
