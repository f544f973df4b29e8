"""``organize``: files of the library in a pattern of folders."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from samplemind_cli import filters as filter_options
from samplemind_cli import options, output
from samplemind_worker.errors import ServiceUnavailableError, UsageError
from samplemind_worker.text import plural

if TYPE_CHECKING:
    from config.settings import Settings
    from samplemind_cli.reports import Organized, Status
    from samplemind_worker.interchange.organizing.organize import Wanted

_DID: "dict[str, Status]" = {"link": "linked", "hardlink": "linked", "copy": "copied", "move": "moved"}


@filter_options.filtered
def organize(
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="Words that the files have, as in search.", show_default=False),
    ] = None,
    *,
    filters: dict[str, Any],
    into: Annotated[
        Path | None,
        typer.Option("--into", help="The folder to fill.", show_default=False, parser=options.path),
    ] = None,
    pattern: Annotated[
        str,
        typer.Option("--pattern", help="Also of {camelot}, {tempo}, {pitch}, {pack}, {id}."),
    ] = "{kind}/{instrument}/{key}/{name}",
    how: Annotated[
        Literal["link", "hardlink", "copy", "move"], typer.Option("--how", help="What is done with the files.")
    ] = "link",
    undo: Annotated[str | None, typer.Option("--undo", help="Take back a run, or last.", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Bring files into a pattern of folders, as links or copies.

    With --how move the files themselves are moved, and the record follows. One of several copies is taken. Nothing is
    overwritten, and names that are equal but for case get a number.
    """
    from samplemind_worker.finding import query  # noqa: PLC0415 -- slow import

    if undo is not None:
        _undo(undo, as_json=as_json)
        return
    if into is None:
        raise UsageError("a folder is needed: --into FOLDER")
    words = query.read(" ".join(text or ()))
    filter_options.check(filters)
    from samplemind_cli import record  # noqa: PLC0415 -- slow import
    from samplemind_worker.interchange.organizing.layout import read_pattern  # noqa: PLC0415 -- slow import
    from samplemind_worker.interchange.organizing.organize import Wanted  # noqa: PLC0415 -- slow import
    from samplemind_worker.store import entries  # noqa: PLC0415 -- slow import

    read_pattern(pattern)
    if into.exists() and not into.is_dir():
        raise UsageError(f"{into} is no folder")
    with record.open_record() as settings:
        trouble = entries.progress().trouble
        if trouble:
            raise ServiceUnavailableError(trouble)
        chosen = filter_options.chosen(filters, settings)
        _organize(Wanted(words, chosen, into.absolute(), pattern, how), settings, dry_run=dry_run, as_json=as_json)


def _organize(wanted: "Wanted", settings: "Settings", *, dry_run: bool, as_json: bool) -> None:
    from samplemind_worker.interchange.organizing import organize as organizing  # noqa: PLC0415 -- slow import

    organizing.finish(settings)
    how = wanted.how
    planned = list(organizing.plan(wanted, settings))
    if not planned:
        output.note("no file of the library passes")
        return
    steps = [step for step in planned if isinstance(step, organizing.Step)]
    absent = [one.why for one in planned if isinstance(one, organizing.Left)]
    _count(absent)
    there = sum(step.is_done for step in steps)
    if dry_run:
        for step in steps:
            if not step.is_done:
                _say("planned", step.source, step.target, as_json=as_json)
        output.note(f"{plural(len(steps) - there, 'file')} would be {_DID[how]}, {there:,} there already")
        raise typer.Exit(1 if absent else 0)
    done = organizing.carry_out(steps, wanted, settings, command=f"organize --how {how} --into {wanted.top}")
    for step in done.done:
        _say(_DID[how], step.source, step.target, as_json=as_json)
    for step, why in done.left:
        if as_json:
            _say("left", step.source, step.target, as_json=True, why=why)
        output.note(f"left {step.source}: {why}")
    how_back = f"; `samplemind organize --undo {done.run}` takes that back" if done.run else ""
    output.note(f"{_DID[how]} {plural(len(done.done), 'file')}, {there:,} there already{how_back}")
    if done.left or absent:
        raise typer.Exit(1)


def _count(absent: "list[str]") -> None:
    """Say how many files are left for each reason: there may be very many."""
    for why, count in Counter(absent).items():
        output.note(f"left {plural(count, 'file')}: {'it' if count == 1 else 'each'} {why}")


def _undo(run_id: str, *, as_json: bool) -> None:
    from samplemind_cli import record  # noqa: PLC0415 -- slow import
    from samplemind_worker.interchange.organizing import organize as organizing  # noqa: PLC0415 -- slow import

    with record.open_record() as settings:
        done = organizing.take_back(run_id, settings)
    taken = [change for change in done.taken_back if change.operation != "folder"]
    for change in taken:
        if change.operation == "move" and change.source is not None:
            _say("moved back", Path(change.path), Path(change.source), as_json=as_json)
        elif as_json:
            removed: Organized = {"status": "removed", "source": change.source, "target": change.path}
            output.emit(removed)
        else:
            output.write(f"removed {output.clean(change.path)}\n")
    for path, why in done.left:
        output.note(f"left {path}: {why}")
    output.note(f"took back {plural(len(taken), 'change')} of {done.run}")
    if done.left:
        raise typer.Exit(1)


def _say(status: "Status", source: Path, target: Path, *, as_json: bool, why: str | None = None) -> None:
    if as_json:
        said: Organized = {"status": status, "source": str(source), "target": str(target)}
        if why:
            said["why"] = why
        output.emit(said)
    else:
        output.write(f"{output.clean(source)} -> {output.clean(target)}\n")
