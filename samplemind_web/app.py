"""Makes the application: its routes, what they share, and how it begins and ends.

Everything runs on one event loop. Queries of the record are awaited (`Query.aio`); what is synchronous by nature, such
as the walk over a folder that is submitted, runs in a thread.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from config.settings import Settings
from samplemind_web import problems
from samplemind_web.context import Context
from samplemind_web.page_files import serve_page
from samplemind_web.routes import batches, events, health, marks, packs, roots, summaries, system
from samplemind_worker.store import mongo

PREFIX = "/api/v1"
_ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    marks.router,
    events.router,
    batches.router,
    roots.router,
    packs.router,
    summaries.router,
    system.router,
)


def create_app(settings: Settings) -> FastAPI:
    """Return the application; its settings have the URL of every service."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        context = await Context.open(settings)
        app.state.context = context
        try:
            yield
        finally:
            await context.close()
            await mongo.close_here()

    app = FastAPI(
        title="SampleMind",
        version="1",
        summary="What is in a library of audio samples: search it, hear it, and follow its batches.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        responses={"default": {"model": problems.Problem, "description": "A problem (RFC 9457)."}},
    )
    problems.handle(app)
    app.include_router(health.probes)
    for router in _ROUTERS:
        app.include_router(router, prefix=PREFIX)
    serve_page(app)
    return app
