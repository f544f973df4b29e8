"""Keeps the bytes of the newest maps, which never change, so that many clients are answered from one reading."""

import asyncio
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel

from samplemind_web.problems import not_found
from samplemind_worker.pitches import PITCH_CLASSES
from samplemind_worker.store import sound_map
from samplemind_worker.store.sound_map import Kind, State

_MOST: Final = 4  # two maps, of each the points and the ids: 52 MB per million points

KEYS: Final = [f"{tonic}{mode}" for mode in ("m", "") for tonic in PITCH_CLASSES]
"""What the keys of points stand for: the twelve minor keys, then the major ones."""


class SoundMap(BaseModel):
    """The map, and what the numbers of its points stand for."""

    version: str | None
    """Null while there is no map."""
    count: int
    made_at: datetime | None
    state: State
    """`computing`: the first or the next map is being made; `empty`: no sound can be on it; `stale`: the library has
    changed since, and the next one follows within minutes."""
    progress: float | None
    """The share of the next map that is made, 0 to 1."""
    instruments: list[str]
    keys: list[str]
    kinds: list[str]


class Maps:
    """The maps that were read last."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, Kind], bytes] = {}
        self._reading = asyncio.Lock()

    async def get(self, version: str, kind: Kind) -> bytes:
        """Return bytes of a map.

        Raises
        ------
        ProblemError
            If there is no such map any more.
        """
        async with self._reading:
            data = self._kept.pop((version, kind), None) or await sound_map.read.aio(version, kind)
            if not data:
                raise not_found("map; `GET /map` names the present one")
            self._kept[version, kind] = data
            while len(self._kept) > _MOST:
                del self._kept[next(iter(self._kept))]
            return data


async def look() -> SoundMap:
    """Return what is told of the map now."""
    report = await sound_map.report.aio()
    return SoundMap(
        version=report.version,
        count=report.count,
        made_at=report.made_at,
        state=report.state,
        progress=report.progress,
        instruments=report.instruments,
        keys=KEYS,
        kinds=report.kinds,
    )


async def look_as_json() -> dict[str, Any]:
    """Return the same as an event tells it."""
    return (await look()).model_dump(mode="json")
