"""The map of all sounds: a point for each, so that what sounds alike lies together."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Header, Path, Response
from pydantic import BaseModel, Field

from samplemind_web.access import Reader
from samplemind_web.context import ContextDep
from samplemind_web.etags import names
from samplemind_web.maps import SoundMap
from samplemind_web.parameters import Body
from samplemind_web.problems import ProblemError
from samplemind_worker.text import plural

router = APIRouter(tags=["map"])

_BYTES: Final = "application/octet-stream"
_ID: Final = 32  # bytes
_MOST: Final = 5000
_Version = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="The `version` of `GET /map`.")]


class Points(Body):
    """Some points of a map."""

    version: Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
    indices: Annotated[list[Annotated[int, Field(ge=0, lt=2**32)]], Field(max_length=_MOST)]


class FileIds(BaseModel):
    """File ids, in the order of what was asked for."""

    ids: list[str]


@router.get("/map")
async def get_map(caller: Reader, context: ContextDep) -> SoundMap:
    """Return which map there is, and whether the next one is being made."""
    return await context.maps.look(caller)


@router.get(
    "/map/{version}/points",
    response_class=Response,
    responses={200: {"content": {_BYTES: {}}}, 304: {"description": "The caller has these points already."}},
)
async def get_map_points(
    version: _Version, caller: Reader, context: ContextDep, if_none_match: Annotated[str | None, Header()] = None
) -> Response:
    """Return all points of a map, which never change.

    Little-endian: `SMAP` and the number of points (uint32), then arrays with a number per point: x and y (float32),
    instrument, key, half the tempo in BPM (0 is none) and kind (uint8, 255 is unknown), the first 8 bytes of each id.
    """
    headers = {"ETag": f'"{version}"', "Cache-Control": "private, max-age=31536000, immutable"}
    data = await context.maps.of(caller, version, "points")
    if names(if_none_match or "", headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(data, media_type=_BYTES, headers=headers)


@router.post("/map/ids")
async def list_map_ids(points: Points, caller: Reader, context: ContextDep) -> FileIds:
    """Return the file ids of up to 5,000 points of a map, by their places in it."""
    data = await context.maps.of(caller, points.version, "ids")
    if points.indices and max(points.indices) >= len(data) // _ID:
        count = len(data) // _ID
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"indices: this map has {plural(count, 'point')}"
        )
    return FileIds(ids=[data[_ID * index : _ID * (index + 1)].hex() for index in points.indices])
