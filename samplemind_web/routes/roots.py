"""The folders that may be submitted."""

from functools import partial
from http import HTTPStatus
from pathlib import Path as FilePath
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from config.locations import Location
from samplemind_web.access import Caller, Reader
from samplemind_web.context import Context, ContextDep
from samplemind_web.paging import Page
from samplemind_web.problems import ProblemError, not_found
from samplemind_worker.documents.states import LOCAL
from samplemind_worker.errors import UsageError
from samplemind_worker.submission import folders

router = APIRouter(tags=["roots"])

_SECONDS: Final = 5.0  # s after which a disk is said to hang


class Root(BaseModel):
    """A folder below which files are analysed."""

    name: str
    path: str
    """Its folder on the server, or its bucket and prefix."""
    start: str
    """The folder in it to begin looking at."""


class FolderContent(BaseModel):
    """What lies directly in a folder of a root."""

    root: str
    path: str
    """The folder, below the root; empty for the root itself."""
    folders: list[str]
    """The names of its folders, sorted. Hidden ones and links are left out, as a submission leaves them out."""
    audio: int
    """How many files directly in it are audio by their names."""
    complete: bool
    """False if it has more folders than are listed."""


@router.get("/roots")
async def list_roots(caller: Reader, context: ContextDep) -> Page[Root]:
    """List the roots. Where none are named, the one user of a laptop may name any folder: the root is ``local``."""
    found = _roots(caller, context)
    home = str(FilePath.home()).lstrip("/")
    items = [
        Root(name=name, path=str(path), start=home if name == folders.LOCAL and path == FilePath("/") else "")
        for name, path in sorted(found.items())
    ]
    return Page(items=items, total=len(items))


@router.get("/roots/{name}/folders")
async def list_folders(
    name: Annotated[str, Path(min_length=1, max_length=200)],
    caller: Reader,
    context: ContextDep,
    path: Annotated[str, Query(max_length=4096, description="A folder below the root.")] = "",
) -> FolderContent:
    """List the folders in a folder of a root."""
    found = _roots(caller, context)
    if name not in found:
        raise not_found("root")
    return await context.disks.run(partial(_look, name, path, found), seconds=_SECONDS)


def _look(name: str, path: str, roots: dict[str, Location]) -> FolderContent:
    try:
        _, folder = folders.resolve(name, [path], roots)[0]
    except UsageError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "outside_roots", str(error)) from error
    try:
        content = folders.look(folder)
    except UsageError as error:
        raise ProblemError(HTTPStatus.NOT_FOUND, "no_such_path", str(error)) from error
    return FolderContent(root=name, path=path, folders=content.folders, audio=content.audio, complete=content.complete)


def _roots(caller: Caller, context: Context) -> dict[str, Location]:
    """Return the roots that a caller may see."""
    roots = folders.roots_of(context.settings.roots, any_path=caller.user_id == LOCAL)
    return {name: roots[name] for name in caller.visible(roots)}
