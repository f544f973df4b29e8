"""Serves the built page. Any path that is no file of it shows the page, which has an address for each view."""

from http import HTTPStatus
from mimetypes import guess_type
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, Response

from samplemind_web.problems import ProblemError

BUILT: Final = Path(__file__).parent / "page" / "dist"
NOT_BUILT: Final = "the page is not built: run `make page` in the checkout"
_FOREVER: Final = "public, max-age=31536000, immutable"
_ENCODINGS: Final = {"br": ".br", "gzip": ".gz"}
"""The build compresses what is worth it, so that no request has to."""


def serve_page(app: FastAPI) -> None:
    """Add the page to an application, behind all other routes."""
    app.add_api_route("/{path:path}", _answer, methods=["GET", "HEAD"], include_in_schema=False)


async def _answer(request: Request, path: str) -> Response:
    if path.startswith("api/"):
        raise ProblemError(HTTPStatus.NOT_FOUND, "not_found", "there is no such route")
    if (file := _file(path)) is not None:
        # Vite puts a hash of the content into these names.
        return _sent(request, file, _FOREVER if path.startswith("assets/") else "no-cache")
    if path.startswith("assets/"):
        raise ProblemError(HTTPStatus.NOT_FOUND, "not_found", "there is no such file")
    if (index := _file("index.html")) is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "page_not_built", f"{NOT_BUILT}; the API works without it")
    return _sent(request, index, "no-cache")


def _file(path: str) -> Path | None:
    """Return a file of the page; None if it has none of that name."""
    try:
        file = (BUILT / path).resolve()
        return file if file.is_relative_to(BUILT.resolve()) and file.is_file() else None
    except (OSError, ValueError):
        # A name that is too long, or that no file can have.
        return None


def _sent(request: Request, file: Path, caching: str) -> Response:
    headers = {"Cache-Control": caching, "Vary": "Accept-Encoding"}
    media_type = guess_type(file.name)[0] or "application/octet-stream"
    accepted = {part.split(";")[0].strip() for part in request.headers.get("accept-encoding", "").split(",")}
    for encoding, suffix in _ENCODINGS.items():
        packed = file.with_name(file.name + suffix)
        if encoding in accepted and packed.is_file():
            return FileResponse(packed, headers={**headers, "Content-Encoding": encoding}, media_type=media_type)
    return FileResponse(file, headers=headers, media_type=media_type)
