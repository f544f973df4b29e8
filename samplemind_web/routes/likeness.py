"""What sounds like a sample, and what fits a sample, a key or a tempo."""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from samplemind_web import etags
from samplemind_web.access import Caller, Reader
from samplemind_web.context import Context, ContextDep
from samplemind_web.parameters import FileIdPath
from samplemind_web.problems import not_found
from samplemind_web.sample_filters import Filters, FiltersDep, refused
from samplemind_web.sample_rows import SampleRow, maker
from samplemind_worker.documents.report import analyzed
from samplemind_worker.errors import UsageError
from samplemind_worker.finding import fitting, match, recipes, similar
from samplemind_worker.finding.filter_text import read_key
from samplemind_worker.finding.filters import Filter
from samplemind_worker.finding.fitting import Wanted
from samplemind_worker.finding.recipes import Sound
from samplemind_worker.store import entry_search, results

router = APIRouter(tags=["samples"])

_SHORT_ID: Final = 12

Most = Annotated[int, Query(ge=1, le=500, description="The most samples of the answer.")]
Shift = Annotated[int, Query(ge=0, le=12, description="Transpose by so many semitones at most.")]
Stretch = Annotated[float, Query(ge=0, le=50, description="Change the tempo by so many percent at most.")]


class SimilarRow(SampleRow):
    """A sample that sounds alike."""

    distance: float
    """One minus the cosine: 0 is equal, 2 is opposite."""
    similarity: float
    aspects: dict[Literal["timbre", "envelope", "pitch", "rhythm"], float | None] | None = None
    """How alike it is in each, with ``explain``; null where one of the two has no answer."""
    shares: list[str] | None = None
    """What both have in common, in words, with ``explain``."""


class SimilarSamples(BaseModel):
    """What sounds most like a sample, most alike first."""

    items: list[SimilarRow]
    notes: list[str]
    """What the answer may lack."""


class MatchRow(SampleRow):
    """A sample that fits; the fields are those of `match --json`."""

    cost: float
    recipe: str
    """What is to be done to it, in words."""
    transpose: float
    tempo_ratio: float
    tempo_played: float | None
    repitch: bool
    time: Literal["same", "half", "double"]
    key_relation: str | None


class MatchingSamples(BaseModel):
    """What fits, the least change first."""

    target: str
    """What is to be met, such as ``A minor at 174 BPM``."""
    items: list[MatchRow]
    notes: list[str]
    """What the answer may lack."""


@router.get("/samples/{file_id}/similar", response_model=SimilarSamples, responses=etags.NOT_MODIFIED)
async def similar_samples(
    *,
    request: Request,
    caller: Reader,
    context: ContextDep,
    file_id: FileIdPath,
    filters: FiltersDep,
    by: Annotated[
        Literal["timbre", "envelope", "pitch", "rhythm"] | None, Query(description="Compare one aspect alone.")
    ] = None,
    explain: Annotated[bool, Query(description="Say for each sample what is alike.")] = False,
    copies: Annotated[bool, Query(description="List the sample itself and its exact copies, too.")] = False,
    limit: Most = 20,
) -> Response:
    """List what sounds most like a sample, most alike first."""

    async def _make() -> bytes:
        sound = await _sound(file_id, caller)
        chosen = await filters.chosen(caller, context.settings)
        current, state = context.sound_index.vectors, await context.answers.state()
        try:
            choice = await recipes.choose.aio(current, sound)
            health = await context.sound_index.health(choice.vectors)
            asked = await similar.asked.aio(choice, sound, by, copies=copies)
            has_entries = choice.vectors is current and not state.trouble
            hits = await similar.nearest.aio(choice.vectors, asked, chosen, limit=limit, has_entries=has_entries)
            ids = [hit.file_id for hit in hits]
            aspects = await similar.aspects_of.aio(choice, ids) if explain else {}
        except UsageError as error:
            raise refused(error) from error
        rows = await _rows(ids, chosen, caller, context)
        items: list[dict[str, Any]] = []
        for hit in hits:
            if (row := rows.get(hit.file_id)) is not None:
                row |= {"distance": round(hit.distance, 6), "similarity": round(hit.similarity, 6)}
                if explain:
                    row |= {"aspects": aspects.get(hit.file_id), "shares": similar.shared(sound.analysis, row)}
                items.append(row)
        return orjson.dumps({"items": items, "notes": _notes(choice.said, health.message, state.trouble)})

    what = ["similar", file_id, filters.names, by, explain, copies, limit]
    return etags.respond(request, await context.answers.kept(caller, what, _make))


@router.get("/samples/{file_id}/match", response_model=MatchingSamples, responses=etags.NOT_MODIFIED)
async def matching_samples(
    *,
    request: Request,
    caller: Reader,
    context: ContextDep,
    file_id: FileIdPath,
    filters: FiltersDep,
    shift: Shift = 2,
    stretch: Stretch = 8.0,
    limit: Most = 50,
) -> Response:
    """List what fits the key and the tempo of a sample, the least change first; filters stay filters."""

    async def _make() -> bytes:
        sound = await _sound(file_id, caller)
        tempo, keys = match.answers_of(analyzed(sound.name, sound.audio, sound.analysis))
        if tempo is None and not keys:
            raise refused(UsageError("this sample has neither a tempo nor a key"))
        wanted = Wanted(tempo=tempo, keys=keys, shift=shift, stretch=stretch / 100.0)
        return await _matching(wanted, filters, caller, context, limit=limit, leave_out=(file_id,))

    what = ["match", file_id, filters.names, shift, stretch, limit]
    return etags.respond(request, await context.answers.kept(caller, what, _make))


@router.get("/match", response_model=MatchingSamples, responses=etags.NOT_MODIFIED)
async def samples_that_fit(
    *,
    request: Request,
    caller: Reader,
    context: ContextDep,
    filters: FiltersDep,
    shift: Shift = 2,
    stretch: Stretch = 8.0,
    limit: Most = 50,
) -> Response:
    """List what fits a ``key``, a tempo (``bpm``, one number) or both, the least change first."""
    wanted = _wanted(filters, shift, stretch)

    async def _make() -> bytes:
        rest = Filters({**filters.texts, "bpm": None, "key": None})
        return await _matching(wanted, rest, caller, context, limit=limit, leave_out=())

    what = ["fit", filters.names, shift, stretch, limit]
    return etags.respond(request, await context.answers.kept(caller, what, _make))


_SLOWEST, _FASTEST = 20.0, 999.0


def _wanted(filters: Filters, shift: int, stretch: float) -> Wanted:
    """Return what is to be met; here ``key`` and ``bpm`` are no filters."""
    key, bpm = filters.texts["key"], filters.texts["bpm"]
    try:
        if filters.texts["half_double"] or filters.texts["compatible"]:
            raise UsageError("half_double and compatible mean nothing here: a match finds them by itself")
        if key is None and bpm is None:
            raise UsageError("nothing to be met: give key, bpm or both")
        keys = () if key is None else match.keys_of(read_key(key))
        tempo = None if bpm is None else _tempo(bpm)
    except UsageError as error:
        raise refused(error) from error
    return Wanted(tempo=tempo, keys=keys, shift=shift, stretch=stretch / 100.0)


def _tempo(text: str) -> float:
    try:
        tempo = float(text)
    except ValueError:
        tempo = 0.0
    if not _SLOWEST <= tempo <= _FASTEST:
        raise UsageError("bpm is no tempo from 20 to 999; here it is one number")
    return tempo


async def _matching(
    wanted: Wanted, filters: Filters, caller: Caller, context: Context, *, limit: int, leave_out: Iterable[str]
) -> bytes:
    chosen = await filters.chosen(caller, context.settings)
    found = await match.find.aio(wanted, chosen, limit=limit, leave_out=frozenset(leave_out))
    rows = await _rows([each.file_id for each in found], chosen, caller, context)
    items = [rows[each.file_id] | fitting.values(each.fit) for each in found if each.file_id in rows]
    state = await context.answers.state()
    return orjson.dumps({"target": fitting.described(wanted), "items": items, "notes": _notes(state.trouble)})


async def _sound(file_id: str, caller: Caller) -> Sound:
    """Return a sample that the caller may see."""
    facts = (await results.load.aio([file_id])).get(file_id)
    if facts is not None and caller.roots is not None:
        row = (await entry_search.of.aio([file_id])).get(file_id)
        seen = Filter(roots=tuple(each.rstrip("/") for each in caller.roots))
        facts = facts if row is not None and any(map(seen.admits, row["paths"])) else None
    if facts is None:
        raise not_found("sample")
    return Sound(f"the sample {file_id[:_SHORT_ID]}", *facts)


async def _rows(ids: list[str], chosen: Filter, caller: Caller, context: Context) -> dict[str, dict[str, Any]]:
    """Return the rows of some samples, each with the place that passes the filter."""
    row, entries = maker(caller, context.settings), await entry_search.of.aio(ids)
    return {
        file_id: made
        for file_id, entry in entries.items()
        if (made := row(entry, next(filter(chosen.admits, entry["paths"]), None)))["places"]
    }


def _notes(*said: str) -> list[str]:
    return [each for each in said if each]
