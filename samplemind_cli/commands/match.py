"""``match``: what fits a key and a tempo."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from samplemind_cli import completing, output
from samplemind_cli import filters as filter_options
from samplemind_cli.layout import Column
from samplemind_worker.errors import UsageError

if TYPE_CHECKING:
    from samplemind_worker.finding.fitting import Fit, Wanted

Report = dict[str, Any]

_COLUMNS = (
    Column("cost"),
    Column("what to do", least=18),
    Column("file", least=24),
    Column("tempo", leaves=2),
    Column("key", leaves=3),
    Column("instrument", leaves=1),
)


@filter_options.filtered
def match(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE_ID_OR_PATH]", help="A file whose key and tempo are to be met.", show_default=False
        ),
    ] = None,
    *,
    key: Annotated[
        str | None, typer.Option(help="The key to be met: Am, F# major or 8A.", autocompletion=completing.keys)
    ] = None,
    bpm: Annotated[float | None, typer.Option(min=20, max=999, help="The tempo to be met.")] = None,
    shift: Annotated[int, typer.Option(min=0, max=12, help="Transpose by so many semitones at most.")] = 2,
    stretch: Annotated[float, typer.Option(min=0, max=50, help="Change the tempo by so many percent at most.")] = 8.0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to list.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
    filters: dict[str, Any],
) -> None:
    """List what fits a key and a tempo, the least change first.

    The file need not be in the library; --key and --bpm replace what it has.
    """
    from samplemind_cli import library, record  # noqa: PLC0415 -- slow import
    from samplemind_worker.documents.report import analyzed  # noqa: PLC0415 -- slow import
    from samplemind_worker.finding import match as finding  # noqa: PLC0415 -- slow import
    from samplemind_worker.finding.filter_text import read_key  # noqa: PLC0415 -- slow import
    from samplemind_worker.finding.fitting import Wanted  # noqa: PLC0415 -- slow import
    from samplemind_worker.finding.reports import reports_of  # noqa: PLC0415 -- slow import
    from samplemind_worker.store import entries  # noqa: PLC0415 -- slow import

    if file is None and key is None and bpm is None:
        raise UsageError("nothing to be met: name a file, or give --key, --bpm or both")
    filter_options.check(filters)
    keys = () if key is None else finding.keys_of(read_key(key))
    with record.open_record() as settings:
        content = None
        if file is not None:
            audio, analysis = library.sound_of(file, settings)
            content = audio.file_id
            own_tempo, own_keys = finding.answers_of(analyzed(file, audio, analysis))
            bpm, keys = bpm or own_tempo, keys or own_keys
            if bpm is None and not keys:
                raise UsageError(f"{file} has neither a tempo nor a key; give them with --bpm and --key")
        wanted = Wanted(tempo=bpm, keys=keys, shift=shift, stretch=stretch / 100.0)
        chosen = filter_options.chosen(filters, settings)
        state = entries.progress()
        found = finding.find(wanted, chosen, limit=limit, leave_out=() if content is None else (content,))
        reports = reports_of([each.file_id for each in found], chosen.admits)
    fits = [(each.fit, reports[each.file_id]) for each in found if each.file_id in reports]
    if fits or state.is_complete:
        _print(fits, wanted, as_json=as_json, is_empty=not state.contents)
    state.require()


def _print(fits: list[tuple["Fit", Report]], wanted: "Wanted", *, as_json: bool, is_empty: bool) -> None:
    from samplemind_cli import tables  # noqa: PLC0415 -- slow import
    from samplemind_worker.finding import fitting  # noqa: PLC0415 -- slow import

    target = fitting.described(wanted)
    if is_empty:
        output.note("the library has no analysed file; `samplemind submit FOLDER` adds some")
    elif not fits:
        output.note(f"nothing in the library fits {target}, as far as the options allow")
    elif as_json:
        for fit, report in fits:
            output.emit({**fitting.values(fit), **report})
    else:
        output.note(f"what fits {target}")
        rows = (
            (
                output.fixed(fit.cost, 2),
                fitting.recipe(fit),
                report["path"],
                output.fixed(report["tempo"], 2),
                tables.key_of(report),
                report["instrument"],
            )
            for fit, report in fits
        )
        output.table(_COLUMNS, rows)
