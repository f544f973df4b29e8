"""``duplicates``: files that are the same sound."""

from typing import TYPE_CHECKING, Annotated

import typer

from samplemind_cli import output
from samplemind_cli.layout import Column
from samplemind_cli.options import AddedSince, AddedUntil, read_times
from samplemind_worker.errors import UsageError
from samplemind_worker.text import plural

if TYPE_CHECKING:
    from samplemind_worker.finding.duplicates import Found, Group

_LEAST_ALIKE = 0.8
_COLUMNS = (Column("group"), Column("what"), Column("size", leaves=1), Column("file", 24), Column("why", 20))


def duplicates(
    *,
    near: Annotated[
        bool, typer.Option("--near", help="Find altered copies, too: cut, louder, re-encoded or resampled.")
    ] = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=_LEAST_ALIKE,
            max=1.0,
            show_default=False,
            help="How alike altered copies are at least, from 0.8 to 1; 0.9 if not given.",
        ),
    ] = None,
    since: AddedSince = None,
    until: AddedUntil = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line, for each group.")] = False,
    paths0: Annotated[
        bool, typer.Option("--paths0", help="Print the paths of all but the file to keep, for `xargs -0`.")
    ] = False,
) -> None:
    """List files that are the same sound, in groups.

    Files are the same by their bytes or by their decoded audio. Each group names the one to keep; nothing is
    deleted. --since and --until keep the groups with a sound that was new in that time.
    """
    if as_json and paths0:
        raise UsageError("--json and --paths0 exclude each other")
    if threshold is not None and not near:
        raise UsageError("--threshold says how alike altered copies must be; it needs --near")
    begin, end = read_times(since, until)
    from samplemind_cli import record  # noqa: PLC0415 -- slow import
    from samplemind_worker.finding import alterations  # noqa: PLC0415 -- slow import
    from samplemind_worker.finding import duplicates as finding  # noqa: PLC0415 -- slow import

    least = (alterations.DEFAULT_THRESHOLD if threshold is None else threshold) if near else None
    with record.open_record() as settings:
        found = finding.find(settings, threshold=least, say=output.note, since=begin, until=end)
    if as_json:
        for group in found.groups:
            output.emit(finding.report(group))
    elif paths0:
        output.write_paths0(copy.path for group in found.groups for copy in group.files[1:] if not copy.is_linked)
    elif found.groups:
        output.table(_COLUMNS, (row for number, group in enumerate(found.groups, 1) for row in _rows(number, group)))
    _summarize(found)


def _rows(number: int, group: "Group") -> list[output.Row]:
    return [
        (
            number,
            "copy" if at else "keep",
            output.Number(output.in_bytes(0 if copy.is_linked else copy.place.size)),
            copy.place.shown,
            copy.evidence,
        )
        for at, copy in enumerate(group.files)
    ]


def _summarize(found: "Found") -> None:
    if not found.files:
        output.note("the library is empty; `samplemind submit` takes files in")
    elif not found.groups:
        output.note(f"no duplicates among {plural(found.files, 'file')}")
    else:
        files = sum(len(group.files) for group in found.groups)
        frees = output.in_bytes(sum(group.frees for group in found.groups))
        output.note(
            f"{plural(len(found.groups), 'group')} of {plural(files, 'file')}; keeping one of each would free {frees}. "
            "Nothing was deleted"
        )
    if found.outdated:
        output.note(
            f"{plural(found.outdated, 'file was', 'files were')} analysed by an older version and compared by "
            "the bytes alone; `samplemind submit` the folders again"
        )
