"""Makes the application: its routes, what they share, and how it begins and ends.

Everything runs on one event loop. Queries of the record are awaited (`Query.aio`); what is synchronous by nature, such
as the walk over a folder that is submitted, runs in a thread.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from config.settings import Settings
from samplemind_web import problems
from samplemind_web.auth.gate import Gate
from samplemind_web.auth.identity import Auth
from samplemind_web.context import Context
from samplemind_web.description import correct
from samplemind_web.measuring import Measured
from samplemind_web.page_files import serve_page
from samplemind_web.routes import (
    audio,
    auth,
    batches,
    events,
    health,
    library,
    likeness,
    marks,
    me,
    packs,
    roots,
    samples,
    sound_map,
    summaries,
    system,
    users,
    waveforms,
)
from samplemind_web.security import Shield
from samplemind_worker.store import mongo

PREFIX = "/api/v1"
_ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    auth.router,
    me.router,
    users.router,
    waveforms.router,
    audio.router,
    marks.router,
    samples.router,
    likeness.router,
    library.router,
    sound_map.router,
    events.router,
    batches.router,
    roots.router,
    packs.router,
    summaries.router,
    system.router,
)


class _Application(FastAPI):
    """Puts the shield in front of everything, also of the answer to an error that nobody expected.

    Its OpenAPI document says that errors are problems.
    """

    def __init__(self, settings: Settings, **options: Any) -> None:
        self._settings = settings
        super().__init__(**options)

    def build_middleware_stack(self) -> ASGIApp:
        return Measured(Shield(super().build_middleware_stack(), self._settings))

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            correct(super().openapi())
        return super().openapi()


def _name_of(route: APIRoute) -> str:
    """Return the id of an operation: the name of its function."""
    return route.name


def create_app(settings: Settings, *, exposed: bool = False) -> FastAPI:
    """Return the application; its settings have the URL of every service.

    Without users it answers whoever reaches it, unless it is ``exposed`` (`accounts.exposure`).
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        context = await Context.open(settings)
        app.state.context = context
        app.state.auth = Auth(context, exposed=exposed)
        try:
            yield
        finally:
            app.state.auth.close()
            await context.close()
            await mongo.close_here()

    app = _Application(
        settings,
        title="SampleMind",
        version="1",
        summary="What is in a library of audio samples: search it, hear it, and follow its batches.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        generate_unique_id_function=_name_of,
        responses={"default": {"model": problems.Problem, "description": "A problem (RFC 9457)."}},
    )
    app.add_middleware(Gate)
    if settings.web_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.web_origins),
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "If-None-Match",
                "Last-Event-ID",
                "Range",
            ],
            expose_headers=["Content-Disposition", "Content-Range", "ETag", "Retry-After"],
        )
    problems.handle(app)
    app.include_router(health.probes)
    for router in _ROUTERS:
        app.include_router(router, prefix=PREFIX)
    serve_page(app)
    return app
