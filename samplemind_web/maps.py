"""Keeps the bytes of the newest maps, which never change, so that many clients are answered from one reading.

A caller with roots of their own gets a part of the map, which has a version of its own: it is named by its content.
"""

import asyncio
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from pydantic import BaseModel

from samplemind_web.access import Caller
from samplemind_web.problems import ProblemError, not_found
from samplemind_worker.finding import terms
from samplemind_worker.pitches import PITCH_CLASSES
from samplemind_worker.store import entries, entry_search, sound_map
from samplemind_worker.store.sound_map import Kind, State

_MOST: Final = 4  # two maps, of each the points and the ids: 52 MB per million points
_MOST_PARTS: Final = 8
_ID: Final = 32  # bytes
_WIDTHS: Final = (4, 4, 1, 1, 1, 1, 8)
"""Bytes per point of each array behind the head."""
_HEAD: Final = struct.Struct("<4sI")

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


@dataclass(frozen=True, slots=True)
class _Part:
    """What some callers see of a map."""

    made_of: tuple[str, frozenset[str], int]
    """The version of the map, the roots, and the generation of the library entries."""
    version: str
    count: int
    data: dict[Kind, bytes]


class Maps:
    """The maps that were read last, and parts of them."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, Kind], bytes] = {}
        self._reading = asyncio.Lock()
        self._parts: list[_Part] = []
        self._cutting = asyncio.Lock()

    async def look(self, caller: Caller) -> SoundMap:
        """Return what a caller is told of the map now."""
        told = await look()
        if caller.roots is None or told.version is None:
            return told
        part = await self._part(told.version, caller.roots)
        return told.model_copy(update={"version": part.version, "count": part.count})

    async def of(self, caller: Caller, version: str, kind: Kind) -> bytes:
        """Return bytes of what a caller sees of a map; raises what `get` raises."""
        if caller.roots is None:
            return await self.get(version, kind)
        for part in self._parts:
            if part.version == version and part.made_of[1] == caller.roots:
                return part.data[kind]
        # Another server may have told of it.
        whole = (await look()).version
        part = None if whole is None else await self._part(whole, caller.roots)
        if part is None or part.version != version:
            raise _no_map()
        return part.data[kind]

    async def _part(self, version: str, roots: frozenset[str]) -> _Part:
        async with self._cutting:
            made_of = version, roots, await entries.generation.aio()
            known = next((part for part in self._parts if part.made_of == made_of), None)
            if known is None:
                ids, points = await self.get(version, "ids"), await self.get(version, "points")
                seen = await entry_search.ids_of.aio(terms.seen_values(roots))
                known = await asyncio.to_thread(_cut, made_of, ids, points, seen)
                self._parts = [known, *self._parts][:_MOST_PARTS]
            return known

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
                raise _no_map()
            self._kept[version, kind] = data
            while len(self._kept) > _MOST:
                del self._kept[next(iter(self._kept))]
            return data


def _no_map() -> ProblemError:
    return not_found("map; `GET /map` names the present one")


def _cut(made_of: tuple[str, frozenset[str], int], ids: bytes, points: bytes, seen: set[str]) -> _Part:
    """Return the part of a map whose ids are seen."""
    whole = len(ids) // _ID
    chosen = [number for number in range(whole) if ids[_ID * number : _ID * (number + 1)].hex() in seen]
    left = _chosen(ids, _ID, chosen)
    at, arrays = _HEAD.size, [_HEAD.pack(points[:4], len(chosen))]
    for width in _WIDTHS:
        arrays.append(_chosen(points[at : at + width * whole], width, chosen))
        at += width * whole
    version = blake2b(made_of[0].encode() + left, digest_size=8).hexdigest()
    return _Part(made_of, version, len(chosen), {"ids": left, "points": b"".join(arrays)})


def _chosen(data: bytes, width: int, places: Collection[int]) -> bytes:
    return np.frombuffer(data, np.uint8).reshape(-1, width)[np.fromiter(places, np.intp, len(places))].tobytes()


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


def reduced(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an event tells callers with roots of their own: that they may ask for the map."""
    return {"state": told["state"]}
