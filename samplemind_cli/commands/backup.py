"""``backup`` and ``restore``: the record into a folder, and back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samplemind_cli import options, output
from samplemind_worker import times
from samplemind_worker.text import plural

if TYPE_CHECKING:
    from samplemind_cli.reports import Backup, Restored
    from samplemind_worker.upkeep.backup import Manifest

_Folder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="The folder of the backup.", show_default=False, parser=options.path)
]
_SHOWN = 3  # batches in a message
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def backup(folder: _Folder, *, as_json: _Json = False) -> None:
    """Write all that cannot be made again into a new folder.

    Work may go on meanwhile. Audio files are not part of it, and neither is what is made again from the record:
    vectors, the search index, the map. It holds hashes of passwords, and only you can read it.
    """
    from samplemind_cli import record  # noqa: PLC0415 -- slow import
    from samplemind_cli.progress import Display  # noqa: PLC0415 -- slow import
    from samplemind_worker.upkeep import backup as backups  # noqa: PLC0415 -- slow import

    with record.open_record():
        try:
            with Display() as display:
                made = backups.save(folder, on_progress=lambda done, of: display.show(done, of, _in_words(done, of)))
        except KeyboardInterrupt:
            output.note("interrupted: there is no backup")
            raise
    if as_json:
        output.emit(_report(folder, made))
    else:
        output.write(f"{_counts(made)}, {output.in_bytes(made.bytes)} in {output.clean(str(folder))}\n")
        output.note(f"`samplemind restore {output.clean(str(folder))}` puts it into an empty record")


def restore(
    folder: _Folder,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check that the backup is whole.")] = False,
    as_json: _Json = False,
) -> None:
    """Put a backup into an empty record; nothing is overwritten.

    Vectors and search index are made again from it. What was done since the backup is done again when its folders are
    submitted; known files are not analysed twice.
    """
    from samplemind_cli import rebuild, record  # noqa: PLC0415 -- slow import
    from samplemind_cli.progress import Display  # noqa: PLC0415 -- slow import
    from samplemind_worker.errors import ServiceUnavailableError  # noqa: PLC0415 -- slow import
    from samplemind_worker.store import unfinished  # noqa: PLC0415 -- slow import
    from samplemind_worker.upkeep import backup as backups  # noqa: PLC0415 -- slow import

    made = backups.check(folder)
    if not dry_run:
        with record.open_record() as settings, Display() as display:
            try:
                backups.restore(folder, on_progress=lambda done, of: display.show(done, of, _in_words(done, of)))
            except KeyboardInterrupt:
                output.note("interrupted: nothing is restored; run it again")
                raise
            output.note("the record is back; search index and vectors are made from it")
            try:
                rebuild.rebuild_all(settings, lambda what, done, of: display.show(done, of, f"{done:,}/{of:,} {what}"))
            except (KeyboardInterrupt, ServiceUnavailableError):
                output.note("`samplemind reindex`, or running workers, make what is left of search index and vectors")
                raise
            if open_batches := unfinished.at_work():
                output.note(f"batches that had not ended, and go on: {', '.join(open_batches[:_SHOWN])}")
    if as_json:
        restored: Restored = {**_report(folder, made), "dry_run": dry_run}
        output.emit(restored)
    else:
        said = "is whole" if dry_run else "is restored"
        output.write(f"the backup of {times.local(made.made_at)} {said}: {_counts(made)}\n")


def _in_words(done: int, total: int) -> str:
    return f"{done:,}/{total:,} documents ({done * 100 // max(total, 1)} %)"


def _counts(made: "Manifest") -> str:
    files, batches = (made.collections[name].documents for name in ("analyses", "batch_jobs"))
    return f"{plural(files, 'analysed file')}, {plural(batches, 'batch', 'batches')}"


def _report(folder: Path, made: "Manifest") -> "Backup":
    return {
        "folder": str(folder),
        "release": made.release,
        "made_at": made.made_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "documents": {name: each.documents for name, each in made.collections.items()},
        "bytes": made.bytes,
    }
