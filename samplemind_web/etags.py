"""Answers with an ETag: who has the answer already is told so, and is sent nothing. Long answers are compressed."""

import gzip
from hashlib import blake2b
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response

JSON: Final = "application/json"
NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "The answer is the one that `If-None-Match` names."}
}
"""What a route with ETags adds to its documented responses."""


_LONG: Final = 4_000
"""Bytes from which compressing is worth its time: a page of 100 samples becomes a tenth."""
_LEVEL: Final = 1


def respond(request: Request, body: bytes, media_type: str = JSON) -> Response:
    """Return a body with its ETag, or 304 if the request names that."""
    tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if names(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if len(body) >= _LONG:
        headers["Vary"] = "Accept-Encoding"
        if _takes_gzip(request.headers.get("accept-encoding", "")):
            # The bytes depend on the encoding, so the tag names what they mean: it is weak.
            headers |= {"ETag": f"W/{tag}", "Content-Encoding": "gzip"}
            body = gzip.compress(body, _LEVEL, mtime=0)
    return Response(body, media_type=media_type, headers=headers)


def _takes_gzip(given: str) -> bool:
    """Return whether an ``Accept-Encoding`` allows gzip."""
    for each in given.lower().split(","):
        name, _, options = each.partition(";")
        if name.strip() == "gzip":
            return options.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def names(given: str, tag: str) -> bool:
    """Return whether an ``If-None-Match`` names a tag; a proxy that compresses makes tags weak."""
    return any(each.strip().removeprefix("W/") in {tag, "*"} for each in given.split(","))
