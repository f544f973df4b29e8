"""A server that ends its streams before it waits for its connections to end."""

import resource
import socket
from contextlib import suppress
from typing import Final

import uvicorn
from fastapi import FastAPI

from samplemind_web.context import Context

_MOST_FILES: Final = 65_536


class StreamingServer(uvicorn.Server):
    """Uvicorn, for an application whose streams last until the server ends."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start; take as many connections as the system allows."""
        _raise_limit()
        await super().startup(sockets)

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
