"""The waveforms of a screen of samples, in one request."""

import base64
from typing import Annotated

import orjson
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from samplemind_web.access import Reader
from samplemind_web.parameters import Body, FileId
from samplemind_worker.store import places, waveforms

router = APIRouter(tags=["audio"])

MOST_IDS = 200
_BYTES_PER_BUCKET = 6


class PeaksWanted(Body):
    """The samples whose waveforms are asked for."""

    ids: Annotated[list[FileId], Field(max_length=MOST_IDS)]


class SamplePeaks(BaseModel):
    """The waveform of one sample."""

    buckets: int
    """At most 340."""
    data: str
    """Base64 of six unsigned bytes per bucket: the least and the greatest value of the low (below 250 Hz), middle and
    high (above 2.5 kHz) band. 128 is zero, and the loudest value lies 127 from it."""


class Peaks(BaseModel):
    """The waveforms that there are."""

    peaks: dict[str, SamplePeaks]
    missing: list[str]
    """Samples that have none, or that the caller may not see. The next submission of their files makes those that are
    missing."""


@router.post("/peaks", responses={200: {"model": Peaks}})
async def list_peaks(wanted: PeaksWanted, caller: Reader) -> Response:
    """Return the waveforms of up to 200 samples."""
    ids = list(dict.fromkeys(wanted.ids))
    visible = ids if caller.roots is None else sorted(await places.lying_in.aio(ids, roots=caller.roots))
    found = await waveforms.of.aio(visible)
    peaks = {
        content: {"buckets": len(data) // _BYTES_PER_BUCKET, "data": base64.b64encode(data).decode()}
        for content, data in found.items()
    }
    # Written directly: to check 200 texts of 2,720 characters again would take longer than to read them.
    answer = {"peaks": peaks, "missing": [content for content in ids if content not in found]}
    return Response(orjson.dumps(answer), media_type="application/json")
