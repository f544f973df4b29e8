"""``forget`` and ``roots move``: correct by hand where the record says that files are."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from samplemind_cli import examples, options, output
from samplemind_cli.help_text import Command
from samplemind_worker.text import plural

if TYPE_CHECKING:
    from samplemind_cli.reports import Forget, Forgotten, Moved

roots = typer.Typer(
    help="Follow a library that has moved.",
    rich_markup_mode=None,
    no_args_is_help=True,
    epilog=examples.text_of("roots"),
)

_DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def forget(
    paths: Annotated[
        list[Any],
        typer.Argument(
            metavar="PATH",
            show_default=False,
            help="Files and folders, also ones that are gone.",
            parser=options.location,
        ),
    ],
    *,
    dry_run: _DryRun = False,
    as_json: _Json = False,
) -> None:
    """Take files out of the record, not off the disk.

    Their analyses are kept for a grace time. A file that is submitted again within it is not analysed again.
    """
    from samplemind_cli import library, record  # noqa: PLC0415 -- slow import
    from samplemind_worker.upkeep import places  # noqa: PLC0415 -- slow import

    with record.open_record() as settings:
        done = places.forget(paths, settings=settings, dry_run=dry_run)
    if as_json:
        each: list[Forgotten] = [{"path": one.path, "places": one.places, "already_gone": one.already} for one in done]
        forgot: Forget = {"dry_run": dry_run, "places": sum(one.places for one in done), "paths": each}
        output.emit(forgot)
        return
    for one in done:
        before = f", {one.already:,} out before" if one.already else ""
        said = "would forget" if dry_run else "forgot"
        output.write(f"{said} {plural(one.places, 'file')} at {output.clean(one.path)}{before}\n")
    if not dry_run:
        output.note(f"what is known is kept for {settings.keep_gone_days:g} days, in case the files come back")
        for path in paths:
            if library.exists(str(path)):
                output.note(f"{path} is still there: the next `samplemind submit` of it takes it in again")


@roots.command("move", cls=Command, epilog=examples.text_of("roots move"))
def move(
    old: Annotated[
        str, typer.Argument(metavar="OLD", help="The folder, or the root, where the files were.", parser=options.filled)
    ],
    new: Annotated[
        str, typer.Argument(metavar="NEW", help="The folder, or the root, where they are now.", parser=options.filled)
    ],
    *,
    dry_run: _DryRun = False,
    as_json: _Json = False,
) -> None:
    """Follow files to another folder; nothing is analysed again."""
    from samplemind_cli import record  # noqa: PLC0415 -- slow import
    from samplemind_worker.upkeep import moving  # noqa: PLC0415 -- slow import

    with record.open_record() as settings:
        done = moving.move(old, new, settings=settings, dry_run=dry_run)
    if as_json:
        moved: Moved = {
            "old": old,
            "new": new,
            "dry_run": dry_run,
            "moved": done.moved,
            "missing": done.missing,
            "ended": done.ended,
        }
        output.emit(moved)
        return
    said = "would move" if dry_run else "moved"
    output.write(f"{said} {plural(done.moved, 'file')} from {output.clean(old)} to {output.clean(new)}\n")
    if done.missing:
        kept = "marked as gone" if done.ended else "still recorded at the old place"
        what_then = "" if dry_run else f", and {kept}"
        output.note(f"{plural(done.missing, 'file is', 'files are')} not there, or of another size{what_then}")
