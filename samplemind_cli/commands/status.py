"""``status`` and ``files``: show the progress of batches, and the files of one."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from samplemind_cli import output
from samplemind_cli.commands.submit import note_hint, print_results, wait_for
from samplemind_cli.options import AnyBatch, Batch, Since, Until, read_times
from samplemind_worker import times
from samplemind_worker.errors import UsageError

if TYPE_CHECKING:
    from config.settings import Settings


def status(
    batch: AnyBatch = None,
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show progress until it ends; without BATCH, the newest.")
    ] = False,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many recent batches to list.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, or one per line.")] = False,
) -> None:
    """Show how a batch stands, or list the recent ones."""
    if (since or until) and (batch is not None or watch):
        raise UsageError("--since and --until are for the list of batches, without BATCH and --watch")
    begin, end = read_times(since, until)
    from samplemind_cli import client, index, record  # noqa: PLC0415 -- slow import
    from samplemind_worker.local_services import web_address  # noqa: PLC0415 -- slow import

    with record.open_record() as settings:
        if not as_json and (address := web_address(settings)):
            output.note(f"the page: {address}")
        if trouble := index.trouble(settings):
            output.note(trouble)
        if batch is None and not watch:
            _print_list(client.recent_reports(limit, since=begin, until=end), as_json=as_json)
            return
        report = client.batch_report("last" if batch is None else batch)
        if report["finished_at"] is None and watch:
            report = wait_for(report["batch_id"], settings)
        elif report["finished_at"] is None:
            report["notes"] = _note_obstacles(settings, report["batch_id"], trouble)
        if as_json:
            output.emit(report)
        elif watch:
            print_results(report)
        else:
            _print_report(report)
        raise typer.Exit(1 if report["failed"] and report["finished_at"] is not None else 0)


def _print_list(reports: Iterable[dict[str, Any]], *, as_json: bool) -> None:
    from samplemind_cli import tables  # noqa: PLC0415 -- slow import

    if as_json:
        for report in reports:
            output.emit(report)
    else:
        output.table(tables.BATCH_COLUMNS, map(tables.batch_row, reports))


def _note_obstacles(settings: "Settings", batch_id: str, trouble: str) -> list[str]:
    from samplemind_cli import client  # noqa: PLC0415 -- slow import

    found = client.obstacles(settings, batch_id)
    for sentence in found:
        if not (trouble and sentence.startswith("Chroma")):  # the same in other words
            output.note(sentence)
    return found


def _print_report(report: dict[str, Any]) -> None:
    from samplemind_cli import client, tables  # noqa: PLC0415 -- slow import

    output.pairs(
        {
            "batch": report["batch_id"],
            "name": report["name"],
            "status": report["status"],
            "paused": _when(report["paused_at"]),
            "files": tables.count(report["total_files"]),
            **{state: tables.count(report[state]) for state in ("completed", "failed", "skipped", "cancelled")},
            "running": tables.count(report["running"]),
            "pending": tables.count(report["pending"]),
            "created": _when(report["created_at"]),
            "finished": _when(report["finished_at"]),
            "took": _took(report),
            "files listed": None if report["thinned_at"] is None else "only those that failed, or were retried",
            "files/s": report["files_per_second"] or None,
            "ETA": times.span(report["eta_seconds"]) if report["eta_seconds"] else None,
            "errors": output.tally(report["errors"]) or None,
            "working on": client.working_on(report["batch_id"]) if report["running"] else None,
        }
    )
    if report["failed"]:
        output.note(f"which failed and why: `samplemind files {report['batch_id']} --state failed`")
    note_hint(report)


def _when(moment: str | None) -> str | None:
    return None if moment is None else times.when(datetime.fromisoformat(moment), datetime.now(UTC))


def _took(report: dict[str, Any]) -> str | None:
    """Return how long a batch that has ended was worked on."""
    begun, ended = report["started_at"], report["finished_at"]
    if begun is None or ended is None:
        return None
    return times.span((datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds())


def files(
    batch: Batch,
    *,
    state: Annotated[
        Literal["pending", "queued", "running", "completed", "failed", "skipped", "cancelled"] | None,
        typer.Option(help="Only files in this state.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """List the files of a batch: state, step, attempts, error."""
    from samplemind_cli import client, record, tables  # noqa: PLC0415 -- slow import

    with record.open_record():
        items = client.item_reports(client.listed(batch), state)
        if as_json:
            for item in items:
                output.emit(item)
        else:
            output.table(tables.ITEM_COLUMNS, map(_row, items))


def _row(item: dict[str, Any]) -> output.Row:
    reason = item["skip_reason"]
    if item["error"] is not None:
        reason = f"{item['error']['code']}: {item['error']['message']}"
    content = item["file_id"]
    return (item["state"], item["step"], item["attempts"], content and content[:12], item["path"], reason)
