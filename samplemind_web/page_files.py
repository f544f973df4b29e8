"""Serves the built page. Any path that is no file of it shows the page, which has an address for each view."""

from http import HTTPStatus
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response

from samplemind_web.problems import ProblemError

BUILT: Final = Path(__file__).parent / "page" / "dist"
_FOREVER = "public, max-age=31536000, immutable"


def serve_page(app: FastAPI) -> None:
    """Add the page to an application, behind all other routes."""
    app.add_api_route("/{path:path}", _answer, methods=["GET", "HEAD"], include_in_schema=False)


async def _answer(path: str) -> Response:
    if path.startswith("api/"):
        raise ProblemError(HTTPStatus.NOT_FOUND, "not_found", "there is no such route")
    file = (BUILT / path).resolve()
    if file.is_relative_to(BUILT) and file.is_file():
        # Vite puts a hash of the content into these names.
        caching = _FOREVER if path.startswith("assets/") else "no-cache"
        return FileResponse(file, headers={"Cache-Control": caching})
    index = BUILT / "index.html"
    if path.startswith("assets/") or not index.is_file():
        raise ProblemError(HTTPStatus.NOT_FOUND, "not_found", "there is no such file, or the page is not built")
    return FileResponse(index, headers={"Cache-Control": "no-cache"})
