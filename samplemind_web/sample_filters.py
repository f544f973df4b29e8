"""The filters of samples as query parameters; they are named and written as the options of the command."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Depends, Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from config.locations import is_named
from config.settings import Settings
from samplemind_web.access import Caller
from samplemind_web.problems import ProblemError
from samplemind_worker.errors import UsageError
from samplemind_worker.finding import filter_text, sample_collections
from samplemind_worker.finding.filters import Filter
from samplemind_worker.store import batches

_LONGEST: Final = 500
_PARAMETERS: Final[dict[Callable[..., Any], set[str]]] = {}
"""The query parameters of each route, as far as they were needed."""
_OPTION: Final = re.compile(r"--([a-z]+(?:-[a-z]+)*)")


def _text(description: str) -> Any:
    return Query(max_length=_LONGEST, description=description)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a sample must have; all that are given."""

    texts: Mapping[str, Any]
    """By their parameters, those that are not given as well."""

    @property
    def names(self) -> dict[str, Any]:
        """Those that are given."""
        return {name: value for name, value in self.texts.items() if value not in {None, False}}

    async def chosen(self, caller: Caller, settings: Settings) -> Filter:
        """Return the filter that they mean to a caller, who sees the files of the own roots alone.

        Raises
        ------
        ProblemError
            If one cannot be read, or there is no such batch or collection.
        """
        given = dict(self.texts)
        path = given.pop("path")
        try:
            if given["batch"] is not None:
                given["batch"] = (await batches.find.aio(given["batch"])).id
            if given["collection"] is not None:
                given["collection"] = await sample_collections.term_of.aio(caller.user_id, given["collection"])
            chosen = filter_text.read(**given, user_id=caller.user_id, roots=settings.roots)
            paths = () if path is None else _paths(path, settings)
        except UsageError as error:
            raise refused(error) from error
        roots = None if caller.roots is None else tuple(sorted(each.rstrip("/") for each in caller.roots))
        return chosen.model_copy(update={"paths": paths, "roots": roots})


async def _filters(
    request: Request,
    *,
    bpm: Annotated[str | None, _text("Tempo: `120`, `120..128`, `120..` or `..90`.")] = None,
    half_double: Annotated[bool, Query(description="Half and double that tempo, too.")] = False,
    key: Annotated[str | None, _text("`Am`, `A minor`, `F#`, `Bb major` or `8A`.")] = None,
    compatible: Annotated[bool, Query(description="The relative key and the Camelot neighbours, too.")] = False,
    chord: Annotated[str | None, _text("Chord, such as `Bm7`.")] = None,
    kind: Annotated[str | None, _text("`one_shot`, `loop` or `track`; several with commas.")] = None,
    instrument: Annotated[str | None, _text("Such as `kick` or `bass`; several with commas.")] = None,
    duration: Annotated[str | None, _text("Length: `0..2` (seconds), `500ms..2s` or `..1.5min`.")] = None,
    loudness: Annotated[str | None, _text("LUFS: `-14..-8`.")] = None,
    brightness: Annotated[str | None, _text("Center of the spectrum in Hz: `500..2000`.")] = None,
    pitch: Annotated[str | None, _text("Note: `C3`, `C3..B3`, `48..59`, or `F#` in any octave.")] = None,
    since: Annotated[str | None, _text("Added since: `12h`, `7d`, `yesterday` or `2026-01-31`.")] = None,
    until: Annotated[str | None, _text("Added until: `12h`, `7d`, `yesterday`, or `2026-01-31` with that day.")] = None,
    pack: Annotated[str | None, _text("Below a folder of that name.")] = None,
    batch: Annotated[str | None, _text("Analysed by that batch.")] = None,
    tag: Annotated[str | None, _text("With that tag.")] = None,
    path: Annotated[
        str | None, Query(max_length=4096, description="That file or folder: absolute, or `root/folder`.")
    ] = None,
    favourite: Annotated[bool, Query(description="The caller's favourites alone.")] = False,
    collection: Annotated[str | None, _text("In that collection of the caller.")] = None,
) -> Filters:
    given = dict(locals())
    del given["request"]
    refuse_unknown(request)
    return Filters(given)


FiltersDep = Annotated[Filters, Depends(_filters)]


def refused(error: UsageError) -> ProblemError:
    """Return the problem of an input that cannot be read; it names parameters, where the command names options."""
    detail = _OPTION.sub(lambda found: found[1].replace("-", "_"), str(error))
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail)


def _paths(path: str, settings: Settings) -> tuple[str, ...]:
    """Return a path as entries may write it."""
    if not is_named(path):
        return filter_text.paths_of(path, settings.roots)
    if path.partition("/")[0] in settings.roots:
        return (path.rstrip("/"),)
    raise UsageError("--path is neither absolute nor below a named root")


def refuse_unknown(request: Request) -> None:
    """Refuse parameters that the route does not have, and those that are given twice: a typing error finds anything.

    Raises
    ------
    ProblemError
        If there is one.
    """
    route: APIRoute = request.scope["route"]
    known = _PARAMETERS.get(route.endpoint) or _PARAMETERS.setdefault(route.endpoint, {*_parameters(route.dependant)})
    given = [name for name, _ in request.query_params.multi_items()]
    if wrong := next((name for name in given if name not in known), None):
        detail = f"{wrong[:40]!r} is no parameter of this route"
    elif len(given) > len(set(given)):
        detail = "a parameter is given twice"
    else:
        return
    raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail)


def _parameters(part: Dependant) -> Iterator[str]:
    yield from (field.alias for field in part.query_params)
    for each in part.dependencies:
        yield from _parameters(each)
