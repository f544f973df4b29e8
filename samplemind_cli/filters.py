"""The filter options that commands which search share, declared once."""

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samplemind_cli import completing

if TYPE_CHECKING:
    from config.settings import Settings
    from samplemind_worker.finding.filters import Filter


def _option(name: str, metavar: str, text: str) -> Any:
    offered = completing.OF_FILTERS.get(name.removeprefix("--"))
    return Annotated[
        str | None, typer.Option(name, metavar=metavar, help=text, show_default=False, autocompletion=offered)
    ]


_OPTIONS: dict[str, Any] = {
    "bpm": _option("--bpm", "RANGE", "Tempo: 120, 120..128, 120.. or ..90."),
    "half_double": Annotated[bool, typer.Option("--half-double", help="Half and double that tempo, too.")],
    "key": _option("--key", "KEY", "Am, A minor, F#, Bb major or 8A."),
    "compatible": Annotated[
        bool, typer.Option("--compatible", help="The relative key and the Camelot neighbours, too.")
    ],
    "chord": _option("--chord", "CHORD", "Chord, such as `Am7` or `C/E`."),
    "kind": _option("--kind", "KIND", "one_shot, loop or track; several with commas."),
    "instrument": _option("--instrument", "NAME", "Such as kick or bass; several with commas."),
    "duration": _option("--duration", "RANGE", "Length: 0..2, 500ms..2s, ..1.5min."),
    "loudness": _option("--loudness", "RANGE", "LUFS: -14..-8."),
    "brightness": _option("--brightness", "RANGE", "Center of the spectrum in Hz: 500..2000."),
    "pitch": _option("--pitch", "RANGE", "Note: C3, C3..B3, 48..59, or F# in any octave."),
    "since": _option("--since", "TIME", "Added since: 7d, yesterday or 2026-01-31."),
    "until": _option("--until", "TIME", "Added until: 7d, yesterday or 2026-01-31."),
    "pack": _option("--pack", "NAME", "Below a folder of that name."),
    "batch": _option("--batch", "BATCH", "Analysed by that batch."),
    "tag": _option("--tag", "TAG", "With that tag."),
    "collection": _option("--collection", "NAME", "In your collection of that name."),
    "favourite": Annotated[bool, typer.Option("--favourite", help="Your favourites alone.")],
    "path": _option("--path", "PATH", "That file, or below that folder."),
}

FLAGS = frozenset({"half_double", "compatible", "favourite"})
"""The filters that are given or not, and have no text."""


def fields() -> Iterator[tuple[str, str, str]]:
    """Yield the name of each filter, how its value is called (empty for a flag), and what it is."""
    for name, annotation in _OPTIONS.items():
        option = annotation.__metadata__[0]
        yield name, option.metavar or "", option.help or ""


OWNER = "local"
"""The user of a command."""

_NEEDS = {"half_double": "bpm", "compatible": "key"}
"""Options that mean nothing without another."""
WHERE = frozenset({"since", "until", "pack", "batch", "tag", "collection", "favourite", "path"})
"""The filters of where a file lies and who keeps it, without those of how it sounds."""


def filtered(
    command: Callable[..., None], names_of_filters: frozenset[str] = frozenset(_OPTIONS)
) -> Callable[..., None]:
    """Give a command the options of the filters; it gets their texts as one mapping, ``filters``, for `chosen`.

    A command that has ``bpm`` or ``key`` itself, with another meaning, does not get these filters.
    """
    own = [each for name, each in inspect.signature(command).parameters.items() if name != "filters"]
    names = {each.name for each in own}
    options = {
        name: kind
        for name, kind in _OPTIONS.items()
        if name in names_of_filters and _NEEDS.get(name, name) not in names
    }
    added = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=False if name in FLAGS else None,
            annotation=kind,
        )
        for name, kind in options.items()
    ]

    @wraps(command)
    def _call(*args: Any, **given: Any) -> None:
        texts = {name: given.pop(name) for name in options}
        command(*args, **given, filters=texts)

    vars(_call).pop("__wrapped__")
    # Typer reads both.
    vars(_call)["__signature__"] = inspect.Signature([*own, *added])
    _call.__annotations__ = {each.name: each.annotation for each in (*own, *added)}
    return _call


def filtered_by_place(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the filters of `WHERE` alone."""
    return filtered(command, WHERE)


def check(filters: dict[str, Any]) -> None:
    """Read the filters before anything is connected, so that a mistake is told at once.

    Raises
    ------
    UsageError
        If one cannot be read.
    """
    from samplemind_worker.finding.filter_text import read  # noqa: PLC0415 -- slow import

    read(**filters)


def chosen(filters: dict[str, Any], settings: "Settings") -> "Filter":
    """Return the filter that the options mean; the record must be open, as a batch is looked up in it.

    Raises
    ------
    UsageError
        If an option cannot be read, or there is no such batch.
    """
    from samplemind_worker.finding.filter_text import read  # noqa: PLC0415 -- slow import

    given = dict(filters)
    if given.get("batch") is not None:
        from samplemind_worker.store import batches  # noqa: PLC0415 -- slow import

        given["batch"] = batches.find(given["batch"]).id
    if given.get("collection") is not None:
        from samplemind_worker.finding import sample_collections  # noqa: PLC0415 -- slow import

        given["collection"] = sample_collections.term_of(OWNER, given["collection"])
    return read(**given, user_id=OWNER, roots=settings.roots)
