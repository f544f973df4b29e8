"""Whether the server lives, whether it can answer, and which version it is."""

import asyncio
from http import HTTPStatus
from importlib.metadata import version as version_of
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel
from redis.exceptions import RedisError

from samplemind_web.context import ContextDep
from samplemind_worker.errors import ServiceUnavailableError
from samplemind_worker.store import mongo

probes = APIRouter(tags=["health"])
router = APIRouter(tags=["health"])


class Health(BaseModel):
    """Whether the server works."""

    status: Literal["ok", "unavailable"]
    services: dict[str, bool] = {}


class Version(BaseModel):
    """What runs here."""

    version: str
    api: Literal["v1"] = "v1"


@probes.get("/healthz")
async def healthz() -> Health:
    """Say that the process answers; nothing else is asked."""
    return Health(status="ok")


@probes.get("/readyz", responses={503: {"model": Health}})
async def readyz(context: ContextDep, response: Response) -> Health:
    """Say whether the record and the queue answer: without them most requests end with 503."""
    mongodb, redis = await asyncio.gather(_record_answers(), _redis_answers(context))
    services = {"mongodb": mongodb, "redis": redis}
    if all(services.values()):
        return Health(status="ok", services=services)
    response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return Health(status="unavailable", services=services)


@router.get("/version")
async def version() -> Version:
    """Return the version of SampleMind and of this API."""
    return Version(version=version_of("samplemind"))


async def _record_answers() -> bool:
    try:
        await mongo.now.aio()
    except ServiceUnavailableError:
        return False
    return True


async def _redis_answers(context: ContextDep) -> bool:
    try:
        await context.redis.ping()
    except (RedisError, OSError):
        return False
    return True
