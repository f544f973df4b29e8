"""Answers with an ETag: who has the answer already is told so, and is sent nothing."""

from hashlib import blake2b
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response

JSON: Final = "application/json"
NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "The answer is the one that `If-None-Match` names."}
}
"""What a route with ETags adds to its documented responses."""


def respond(request: Request, body: bytes, media_type: str = JSON) -> Response:
    """Return a body with its ETag, or 304 if the request names that."""
    tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if names(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def names(given: str, tag: str) -> bool:
    """Return whether an ``If-None-Match`` names a tag; a proxy that compresses makes tags weak."""
    return any(each.strip().removeprefix("W/") in {tag, "*"} for each in given.split(","))
