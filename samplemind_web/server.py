"""The server: at which address, with which limits, believing whom; it ends its streams before it ends."""

import gc
import ipaddress
import resource
import socket
from contextlib import suppress
from typing import Final

import uvicorn
from fastapi import FastAPI

from config.settings import Settings
from samplemind_web.app import create_app
from samplemind_web.context import Context
from samplemind_web.http_protocol import GuardedProtocol
from samplemind_worker.accounts.exposure import is_exposed

_MOST_FILES: Final = 65_536
_MORE_CONNECTIONS: Final = 2_000
"""Connections besides the streams of events; beyond it, clients are told to come back."""


class StreamingServer(uvicorn.Server):
    """Uvicorn, for an application whose streams last until the server ends."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start; take as many connections as the system allows."""
        _raise_limit()
        await super().startup(sockets)
        # What was loaded stays: looking through it again and again would cost more than what it could free.
        gc.collect()
        gc.freeze()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, whose browsers come back by themselves, and then the server."""
        app = self.config.app
        context = getattr(app.state, "context", None) if isinstance(app, FastAPI) else None
        if isinstance(context, Context):
            await context.events.close()
        await super().shutdown(sockets)


def _raise_limit() -> None:
    """Raise the limit of open files to what this user may have: each stream is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if most == resource.RLIM_INFINITY else min(most, _MOST_FILES)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def config_of(settings: Settings, *, address: str, port: int) -> uvicorn.Config:
    """Return how to serve at an address; a path is that of a unix socket.

    Raises
    ------
    SetupError
        If this machine does not know the address.
    """
    exposed = is_exposed(settings, address)
    if not address.startswith("/") and not _is_ip(address):
        settings = settings.model_copy(update={"web_hosts": (*settings.web_hosts, address)})
    return uvicorn.Config(
        create_app(settings, exposed=exposed),
        host=address,
        port=port,
        uds=address if address.startswith("/") else None,
        http=GuardedProtocol,
        ws="none",
        # Otherwise whoever connects from this machine could name any address and claim to come by TLS.
        proxy_headers=bool(settings.web_proxies),
        forwarded_allow_ips=list(settings.web_proxies),
        limit_concurrency=settings.web_streams + _MORE_CONNECTIONS,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


def _is_ip(address: str) -> bool:
    try:
        ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return False
    return True
