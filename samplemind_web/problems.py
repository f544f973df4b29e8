"""Errors as problem details (RFC 9457): every answer that is no success has this form.

``code`` is for programs and never changes, ``detail`` is one sentence for people. No answer holds a traceback, or a
path of the server that the caller did not name.
"""

from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from loguru import logger
from pydantic import BaseModel
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException

from samplemind_worker.errors import SampleMindError, ServiceUnavailableError, SetupError, UsageError

MEDIA_TYPE: Final = "application/problem+json"
_RETRY_SECONDS = 5
_MOST_FAULTS = 20
_REFUSALS: Final = frozenset({"forbidden", "not_yours", "invalid_token", "csrf", "cross_site"})
"""Codes of what somebody tried and may not do; the process log has who did."""
# Python 3.13 renamed it.
_CODES: Final = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE.value: "too_large"}


class FieldFault(BaseModel):
    """What is wrong with one part of a request."""

    field: str
    message: str


class Problem(BaseModel):
    """Why a request was not carried out."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    instance: str | None = None
    errors: list[FieldFault] | None = None


class ProblemError(Exception):
    """Ends a request with a problem."""

    def __init__(self, status: int, code: str, detail: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, headers


def not_found(what: str) -> ProblemError:
    """Return the error for something that is not there, or that the caller may not know of."""
    return ProblemError(HTTPStatus.NOT_FOUND, "not_found", f"there is no such {what}")


def response(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[FieldFault] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Return a problem as a response."""
    problem = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        instance=request.url.path,
        errors=errors,
    )
    return JSONResponse(problem.model_dump(exclude_none=True), status, headers, MEDIA_TYPE)


def handle(app: FastAPI) -> None:
    """Have an application answer all errors with problems."""
    handlers: dict[Any, Any] = {
        ProblemError: _problem,
        HTTPException: _http,
        RequestValidationError: _invalid,
        SampleMindError: _ours,
        RedisError: _redis,
        Exception: _unexpected,
    }
    for error, handler in handlers.items():
        app.add_exception_handler(error, handler)


async def answer(request: Request, error: ProblemError | SampleMindError | RedisError) -> JSONResponse:
    """Return the answer to an error outside of the routes."""
    match error:
        case ProblemError():
            return await _problem(request, error)
        case SampleMindError():
            return await _ours(request, error)
        case _:
            return await _redis(request, error)


async def _problem(request: Request, error: ProblemError) -> JSONResponse:
    if error.code in _REFUSALS:
        logger.warning("access_refused", fields=_refused(request, error))
    return response(request, error.status, error.code, error.detail, headers=error.headers)


def _refused(request: Request, error: ProblemError) -> dict[str, str]:
    identity = getattr(request.state, "identity", None)
    return {
        "code": error.code,
        "detail": error.detail,
        "request": f"{request.method} {request.url.path}",
        "user": "" if identity is None else identity.caller.user_id,
        "address": "" if request.client is None else request.client.host,
    }


async def _http(request: Request, error: HTTPException) -> JSONResponse:
    code = _CODES.get(error.status_code) or HTTPStatus(error.status_code).name.lower()
    return response(request, error.status_code, code, str(error.detail), headers=dict(error.headers or {}))


async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    faults = [
        FieldFault(field=".".join(str(part) for part in fault["loc"][1:]) or "body", message=fault["msg"])
        for fault in error.errors()[:_MOST_FAULTS]
    ]
    detail = "; ".join(f"{fault.field}: {fault.message}" for fault in faults[:3])
    return response(request, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, errors=faults)


async def _ours(request: Request, error: SampleMindError) -> JSONResponse:
    match error:
        case UsageError():
            return response(request, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", str(error))
        case ServiceUnavailableError() | SetupError():
            logger.warning("service_unavailable", fields={"error": str(error)})
            return _unavailable(request)
        case _:
            return await _unexpected(request, error)


async def _redis(request: Request, error: RedisError) -> JSONResponse:
    logger.warning("service_unavailable", fields={"error": str(error)})
    return _unavailable(request)


def _unavailable(request: Request) -> JSONResponse:
    # The message of the driver names hosts and sockets.
    detail = "a service that this needs does not answer; try again in a few seconds"
    headers = {"Retry-After": str(_RETRY_SECONDS)}
    return response(request, HTTPStatus.SERVICE_UNAVAILABLE, "service_unavailable", detail, headers=headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    logger.opt(exception=error).error("request_failed")
    detail = "the server failed to answer; its log says why"
    return response(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail)
