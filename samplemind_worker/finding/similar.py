"""Finds what sounds most like a sound, among the contents that pass a filter.

Chroma knows no filter. It is asked for more of the nearest than are wanted, and those that do not pass are left out.
Where few contents pass, all of them are read from the library entries and compared one by one, which misses none: this
is chosen as soon as Chroma would have to return more contents than pass.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from samplemind_worker.documents.facts import AnalysisFacts
from samplemind_worker.errors import UsageError
from samplemind_worker.finding.computing import computed
from samplemind_worker.finding.filters import Filter, conditions
from samplemind_worker.finding.recipes import Choice, Sound
from samplemind_worker.store import entry_vectors, mongo, places, results
from samplemind_worker.store.vectors import Vectors

if TYPE_CHECKING:
    from samplemind_worker.finding.aspects import Aspect

_SPARE: Final = 12  # contents that Chroma is asked for in addition, as some may lie nowhere any more
_FIRST: Final = 10  # contents per wanted one that Chroma is asked for first, if there is a filter
_FEW: Final = 300  # contents that are always compared one by one
_WIDTH: Final = 1000  # contents that Chroma looks at for one aspect: its graph links what is alike as a whole
_SAME_TEMPO: Final = 0.02  # relative difference of two tempi that count as the same
_MARGIN: Final = 1.5  # how many more are asked for than the share that has passed so far makes likely


@dataclass(frozen=True, slots=True)
class Asked:
    """A sound that others are compared with."""

    vector: Sequence[float]
    """The query; it is not zero."""
    scale: float = 1.0
    """The factor from the cosine with the query to the one that is wanted."""
    leave_out: frozenset[str] = frozenset()
    """Contents that are not wanted: the sound itself and its copies."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A content that sounds alike."""

    file_id: str
    distance: float
    """One minus the cosine: 0 is equal, 2 is opposite."""

    @property
    def similarity(self) -> float:
        """The cosine, cut to 0..1."""
        return min(max(1.0 - self.distance, 0.0), 1.0)


def shared(one: AnalysisFacts, report: Mapping[str, Any]) -> list[str]:
    """Return what a sound and a reported one have in common, as words: instrument or kind, tempo, key, note."""
    found = [report["instrument"] or ""] if report["instrument"] == one.instrument else []
    if not any(found) and one.kind is not None and report["kind"] == one.kind:
        found = [one.kind.replace("_", "-")]
    if one.tempo and report["tempo"] and abs(report["tempo"] / one.tempo - 1.0) < _SAME_TEMPO:
        found.append(f"{report['tempo']:.0f} BPM")
    if one.key is not None and (report["key"], report["mode"]) == (one.key, one.mode):
        found.append(f"{one.key} {one.mode}")
    elif one.pitch_note is not None and report["pitch_note"] == one.pitch_note:
        found.append(one.pitch_note)
    return [each for each in found if each]


def entries_query(chosen: Filter) -> dict[str, Any]:
    """Return the query of the entries that pass a filter, with the terms by which MongoDB looks them up."""
    parts: list[dict[str, Any]] = []
    for each in conditions(chosen):
        if each.terms is not None:
            parts.append({"terms": {"$in": list(each.terms)}})
        if each.query is not None:
            parts.append(each.query)
    return {"$and": parts} if parts else {}


@mongo.synchronous
async def asked(choice: Choice, sound: Sound, by: "Aspect | None" = None, *, copies: bool = False) -> Asked:
    """Return what is asked about a sound: by one aspect alone, if given, and with its exact copies, if wanted.

    Raises
    ------
    UsageError
        If the sound has no such aspect.
    ServiceUnavailableError
        If its vector is of an older recipe without aspects.
    """
    audio = sound.audio
    same = set[str]() if copies or audio.audio_hash is None else await entry_vectors.same_audio.aio(audio.audio_hash)
    leave_out = frozenset[str]() if copies else frozenset({audio.file_id, *same})
    if by is None:
        return Asked(choice.vector, leave_out=leave_out)
    from samplemind_worker.finding.aspects import query_by  # noqa: PLC0415 -- slow import

    query, scale = query_by(choice.vector, by)
    return Asked(query, scale, leave_out)


@mongo.synchronous
async def aspects_of(choice: Choice, file_ids: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """Return how alike each of these contents is to the sound that vectors were chosen for, in each aspect.

    Raises
    ------
    UsageError
        If the vectors that answer are of an older recipe without aspects.
    """
    from samplemind_worker.finding.aspects import alike, has_aspects  # noqa: PLC0415 -- slow import

    if not has_aspects(choice.vector):
        raise UsageError("--explain needs vectors of the current recipe, and these are older ones")
    vectors = await choice.vectors.get_here(file_ids)
    return {key: alike(choice.vector, vector) for key, vector in vectors.items()}


@mongo.synchronous
async def nearest(vectors: Vectors, asked: Asked, chosen: Filter, *, limit: int, has_entries: bool = True) -> list[Hit]:
    """Return the nearest contents that pass the filter, nearest first: ``limit`` of them if there are so many.

    Without ``has_entries`` Chroma alone is asked: the entries hold no, or not all, vectors of this recipe.

    Raises
    ------
    ServiceUnavailableError
        If Chroma or the record does not answer.
    """
    search = _Search(vectors, asked, entries_query(chosen), limit)
    among_few = has_entries and not chosen.is_empty
    found = await (search.among_few() if among_few else search.among_all())
    return [Hit(file_id, 1.0 - (1.0 - distance) * asked.scale) for file_id, distance in found]


async def _living(contents: Sequence[str]) -> set[str]:
    """Return those of these contents that are analysed and lie anywhere still; true without entries as well."""
    return (await places.of.aio(contents)).keys() & (await results.progress_of.aio(contents)).keys()


class _Search:
    """One search for the nearest contents that pass a query of the entries."""

    def __init__(self, vectors: Vectors, asked: Asked, query: dict[str, Any], limit: int) -> None:
        self._vectors, self._asked, self._query, self._limit = vectors, asked, query, limit
        self._wanted = limit + len(asked.leave_out)

    async def among_all(self) -> list[tuple[str, float]]:
        """Ask Chroma until enough of what it returns lies somewhere."""
        count = self._wanted + _SPARE
        while True:
            found, is_all = await self._ask(count)
            if len(found) >= self._limit or is_all:
                return found[: self._limit]
            count *= 4

    async def among_few(self) -> list[tuple[str, float]]:
        """Ask Chroma, or compare all that pass, whichever reads fewer contents."""
        # Chroma has to return about limit * total / passing contents: as many as pass, if that is the root of both.
        most = max(_FEW, math.isqrt(self._wanted * await entry_vectors.total.aio()))
        if await entry_vectors.count.aio(self._query, most=most + 1) <= most:
            return await self._compare_all()
        count = self._wanted * _FIRST
        while count <= most * _MARGIN:
            found, is_all = await self._ask(count)
            if len(found) >= self._limit or is_all:
                return found[: self._limit]
            # At least one more than nothing, so that a filter which the nearest do not pass is not asked for for ever.
            share = max(len(found), 1) / count
            count = max(2 * count, math.ceil(_MARGIN * self._wanted / share))
        return await self._compare_all()

    async def _ask(self, count: int) -> tuple[list[tuple[str, float]], bool]:
        """Return which of the nearest contents in Chroma pass, and whether Chroma has no more."""
        width = count if self._asked.scale == 1.0 else max(count, _WIDTH)
        near = (await self._vectors.nearest_here(self._asked.vector, limit=width))[:count]
        contents = [content for content, _ in near]
        passing = await (entry_vectors.passing.aio(contents, self._query) if self._query else _living(contents))
        passing -= self._asked.leave_out
        return [pair for pair in near if pair[0] in passing], len(near) < count

    async def _compare_all(self) -> list[tuple[str, float]]:
        from samplemind_worker.finding.aspects import rank  # noqa: PLC0415 -- slow import

        vectors = await entry_vectors.vectors.aio(self._query, recipe=self._vectors.version)
        for content in self._asked.leave_out:
            vectors.pop(content, None)
        return await computed(rank, self._asked.vector, vectors, limit=self._limit)
