"""``similar``: what sounds like a file."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from samplemind_cli import filters as filter_options
from samplemind_cli import output
from samplemind_cli.layout import Column
from samplemind_worker.errors import ServiceUnavailableError

if TYPE_CHECKING:
    from samplemind_worker.finding.filters import Filter
    from samplemind_worker.finding.similar import Hit


@filter_options.filtered
def similar(
    file: Annotated[
        str, typer.Argument(metavar="FILE_ID_OR_PATH", help="A file id, at least 6 digits of it, or any path.")
    ],
    *,
    filters: dict[str, Any],
    by: Annotated[
        Literal["timbre", "envelope", "pitch", "rhythm"] | None,
        typer.Option("--by", help="Compare one aspect of the sound alone.", show_default=False),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say for each file what is alike.")] = False,
    copies: Annotated[bool, typer.Option("--copies", help="List the file itself and its exact copies, too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to list.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """List what sounds most like a file, most alike first.

    The file need not be in the library. It is not listed itself, nor is any file with the same sound.
    """
    filter_options.check(filters)
    from samplemind_cli import index, library, record, tables  # noqa: PLC0415 -- slow import
    from samplemind_worker.finding import recipes  # noqa: PLC0415 -- slow import
    from samplemind_worker.finding import similar as finding  # noqa: PLC0415 -- slow import
    from samplemind_worker.finding.reports import reports_of  # noqa: PLC0415 -- slow import
    from samplemind_worker.store import entries  # noqa: PLC0415 -- slow import

    with record.open_record() as settings:
        sound = recipes.Sound(file, *library.sound_of(file, settings))
        chosen = filter_options.chosen(filters, settings)
        with index.open_vectors(settings) as current:
            choice = recipes.choose(current, sound)
            health = index.require(choice.vectors)
            asked = finding.asked(choice, sound, by, copies=copies)
            whole = entries.progress().trouble
            has_entries = choice.vectors is current and not whole
            hits = (
                finding.nearest(choice.vectors, asked, chosen, limit=limit, has_entries=has_entries)
                if health.expected
                else []
            )
            aspects = finding.aspects_of(choice, [hit.file_id for hit in hits]) if explain else {}
        reports = reports_of([hit.file_id for hit in hits], chosen.admits)
    found = [(hit, reports[hit.file_id]) for hit in hits if hit.file_id in reports]
    details = {
        hit.file_id: {"aspects": aspects[hit.file_id], "shares": finding.shared(sound.analysis, report)}
        for hit, report in found
        if hit.file_id in aspects
    }
    if as_json:
        for hit, report in found:
            head = {"distance": round(hit.distance, 6), "similarity": round(hit.similarity, 6)}
            output.emit({**head, **details.get(hit.file_id, {}), **report})
    elif explain:
        _explain(found, details)
    else:
        rows = ((output.fixed(hit.similarity, 2), *tables.file_row(report, report["path"])) for hit, report in found)
        output.table(("alike", *tables.FILE_COLUMNS), rows)
    if choice.said:
        output.note(choice.said)
    if health.message:
        raise ServiceUnavailableError(health.message)
    if whole and not chosen.is_empty:
        raise ServiceUnavailableError(whole)
    if not found:
        output.note(_nothing(file, chosen, has_vectors=health.expected > 0))


def _explain(found: "list[tuple[Hit, dict[str, Any]]]", details: dict[str, dict[str, Any]]) -> None:
    aspects = ("timbre", "envelope", "pitch", "rhythm")
    columns = ("alike", Column("file", least=24), *aspects, Column("shares", least=12, leaves=1))
    rows = (
        (
            output.fixed(hit.similarity, 2),
            report["path"],
            *(output.fixed(detail["aspects"][each], 2) for each in aspects),
            ", ".join(detail["shares"]) or None,
        )
        for hit, report in found
        if (detail := details.get(hit.file_id))
    )
    output.table(columns, rows)


def _nothing(file: str, chosen: "Filter", *, has_vectors: bool) -> str:
    if not has_vectors:
        return "the library has no analysed file to compare with; `samplemind submit FOLDER` adds some"
    return f"no other file than {file} passes the filters" if not chosen.is_empty else f"no other file than {file}"
