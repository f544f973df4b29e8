"""``search``: files of the library by words and filters."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from samplemind_cli import filters as filter_options
from samplemind_cli import output
from samplemind_cli.help_text import Command
from samplemind_cli.layout import Column
from samplemind_worker.errors import UsageError
from samplemind_worker.text import plural

if TYPE_CHECKING:
    from samplemind_cli.reports import SearchHit
    from samplemind_worker.finding.filters import Filter
    from samplemind_worker.finding.query import Query
    from samplemind_worker.finding.search import Found, Hit

_COLUMNS = (
    Column("file", least=24),
    Column("kind", leaves=2),
    Column("tempo", leaves=4),
    Column("key", leaves=3),
    Column("instrument", leaves=1),
)
_MINUS = "\x00"
"""Stands for the minus of an excluded word while the options are parsed."""


class SearchCommand(Command):
    """A command to which ``-word`` is no option but a word that must not be there."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Hide the minus of excluded words from the parser."""
        takes_value = {
            name
            for option in self.params
            if not getattr(option, "is_flag", False)
            for name in getattr(option, "opts", ())
            if name.startswith("--")
        }
        hidden: list[str] = []
        for at, argument in enumerate(args):
            is_word = argument.startswith("-") and not argument.startswith("--") and argument not in {"-h", "-"}
            is_value = at > 0 and args[at - 1] in takes_value
            hidden.append(_MINUS + argument[1:] if is_word and not is_value else argument)
        return super().parse_args(ctx, hidden)


@filter_options.filtered
def search(
    text: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT",
            help="Words for names, folders, tags, summaries and sounds; -word excludes, quotes hold a phrase together.",
            show_default=False,
        ),
    ] = None,
    *,
    filters: dict[str, Any],
    sort: Annotated[
        Literal["match", "added", "name", "tempo", "duration", "loudness"] | None,
        typer.Option("--sort", help="Order, by default match, or added without words.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many to list.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
    paths0: Annotated[bool, typer.Option("--paths0", help="Print the paths alone, for xargs -0.")] = False,
) -> None:
    """List files by words and filters, best first.

    A file must have all words and pass all filters. A word is looked for in names, folders, tags, summaries, and in
    what was measured: dark, punchy, short or wide.
    """
    from samplemind_worker.finding import query as queries  # noqa: PLC0415 -- slow import

    if as_json and paths0:
        raise UsageError("--json and --paths0 exclude each other")
    asked = queries.read(" ".join(text or ()).replace(_MINUS, "-"))
    filter_options.check(filters)
    from samplemind_cli import record  # noqa: PLC0415 -- slow import
    from samplemind_worker.finding import search as finding  # noqa: PLC0415 -- slow import
    from samplemind_worker.store import entries  # noqa: PLC0415 -- slow import

    with record.open_record() as settings:
        chosen = filter_options.chosen(filters, settings)
        state = entries.progress()
        order = None if sort == "match" else sort
        found = finding.search(asked, chosen, order=order, limit=limit) if state.entries else None
        if found is not None and found.hits:
            if paths0:
                _print_paths(found, chosen, settings.roots)
            else:
                _print(found, asked, as_json=as_json)
        elif state.is_complete:
            output.note(nothing_found(found, asked, chosen))
    state.require()


def _print(found: "Found", asked: "Query", *, as_json: bool) -> None:
    if as_json:
        for hit in found.hits:
            output.emit(_report(hit))
        return
    has_words = bool(asked.words)
    columns = (*_COLUMNS, Column("why", least=16)) if has_words else _COLUMNS
    output.table(columns, ((*_row(hit), ", ".join(hit.why)) if has_words else _row(hit) for hit in found.hits))
    output.note(_footer(found))


def _footer(found: "Found") -> str:
    total = f"{found.total:,}" if found.is_exact else f"more than {found.total:,}"
    shown = len(found.hits)
    if shown == found.total and found.is_exact:
        return plural(shown, "file")
    return f"{shown:,} of {total} files; --limit lists more of them"


def _print_paths(found: "Found", chosen: "Filter", roots: Any) -> None:
    """Print a path of each content, as bytes; those below roots that are not here are left out."""
    from samplemind_worker.errors import OutsideRootsError  # noqa: PLC0415 -- slow import
    from samplemind_worker.store import library, places  # noqa: PLC0415 -- slow import

    living = places.of([hit.entry["_id"] for hit in found.hits])
    lost: set[str] = set()
    paths: list[bytes] = []
    for hit in found.hits:
        passing = [place for place in living.get(hit.entry["_id"], ()) if chosen.admits(place.shown)]
        for place in sorted(passing, key=lambda place, shown=hit.path: place.shown != shown)[:1]:
            try:
                paths.append(library.full_path(place.root, place.path, roots))
            except OutsideRootsError:
                lost.add(place.root)
    output.write_paths0(paths)
    if lost:
        output.note(f"files of roots that this machine does not have are left out: {', '.join(sorted(lost))}")


def _row(hit: "Hit") -> output.Row:
    from samplemind_cli import tables  # noqa: PLC0415 -- slow import

    entry = hit.entry
    return (
        hit.path,
        entry["kind"],
        output.fixed(entry["tempo"], 2),
        tables.key_of_entry(entry),
        entry["instrument"],
    )


def _report(hit: "Hit") -> "SearchHit":
    from samplemind_worker.pitches import PITCH_CLASSES  # noqa: PLC0415 -- slow import

    entry = hit.entry
    return {
        "path": hit.path,
        "file_id": entry["_id"],
        "score": hit.score,
        "why": list(hit.why),
        "kind": entry["kind"],
        "tempo": entry["tempo"],
        "key": None if entry["key"] is None else PITCH_CLASSES[entry["key"]],
        "mode": entry["mode"],
        "camelot": entry["camelot"],
        "chord": entry["chord"],
        "instrument": entry["instrument"],
        "duration": entry["duration"],
        "loudness_lufs": entry["loudness"],
        "brightness_hz": entry["brightness"],
        "pitch_midi": entry["pitch"],
        "descriptors": entry["descriptors"],
        "tags": entry["tags"],
        "places": entry["paths"],
        "added_at": entry["added_at"].isoformat(timespec="seconds").replace("+00:00", "Z"),
    }


def nothing_found(found: "Found | None", asked: "Query", chosen: "Filter") -> str:
    """Say why nothing was found; ``found`` is None if there is nothing to search in."""
    from samplemind_worker.finding import search as finding  # noqa: PLC0415 -- slow import

    if found is None:
        return "the library has no analysed file; `samplemind submit FOLDER` adds some"
    words = {word.text for word in asked.words}
    said: list[str] = []
    for label in found.unmet:
        if label not in words:
            said.append(f"no file passes {label}")
            continue
        near = finding.suggest(label)
        said.append(f"no file has {label!r}" + (f" (alike: {', '.join(near)})" if near else ""))
    if said:
        return "nothing found: " + "; ".join(said)
    if len(found.parts) > 1:
        counts = ", ".join(f"{part.label} alone {_counted(part.count)}" for part in found.parts)
        return f"nothing found that has all of it ({counts})"
    return "nothing found" if chosen.is_empty else "nothing found that passes the filters"


def _counted(count: int) -> str:
    from samplemind_worker.finding.search import MOST_COUNTED  # noqa: PLC0415 -- slow import

    return f"{count:,}" if count < MOST_COUNTED else f"more than {count:,}"
