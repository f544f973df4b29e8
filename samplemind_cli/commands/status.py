"""``status`` and ``files``: show the progress of batches, and the files of one."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from samplemind_cli import output
from samplemind_cli.commands.submit import note_hint, print_results, wait_for
from samplemind_cli.options import AnyBatch, Batch

if TYPE_CHECKING:
    from config.settings import Settings


def status(
    batch: AnyBatch = None,
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show progress until it ends; without BATCH, the newest.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many recent batches to list.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, or one a line.")] = False,
) -> None:
    """Show how a batch stands, or list the recent ones."""
    from samplemind_cli import client, index, record, tables  # noqa: PLC0415 -- slow import
    from samplemind_worker.local_services import web_address  # noqa: PLC0415 -- slow import

    with record.open_record() as settings:
        if not as_json and (address := web_address(settings)):
            output.note(f"the page: {address}")
        if trouble := index.trouble(settings):
            output.note(trouble)
        if batch is None and not watch:
            reports = client.recent_reports(limit)
            if as_json:
                for report in reports:
                    output.emit(report)
            else:
                output.table(tables.BATCH_COLUMNS, map(tables.batch_row, reports))
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
            "paused": report["paused_at"],
            "files": tables.count(report["total_files"]),
            **{state: tables.count(report[state]) for state in ("completed", "failed", "skipped", "cancelled")},
            "running": tables.count(report["running"]),
            "pending": tables.count(report["pending"]),
            "created": report["created_at"],
            "finished": report["finished_at"],
            "files listed": None if report["thinned_at"] is None else "only those that failed, or were retried",
            "files/s": report["files_per_second"] or None,
            "ETA": output.clock(report["eta_seconds"]) if report["eta_seconds"] else None,
            "errors": output.tally(report["errors"]) or None,
            "working on": client.working_on(report["batch_id"]) if report["running"] else None,
        }
    )
    if report["failed"]:
        output.note(f"which failed and why: `samplemind files {report['batch_id']} --state failed`")
    note_hint(report)


def files(
    batch: Batch,
    *,
    state: Annotated[
        Literal["pending", "queued", "running", "completed", "failed", "skipped", "cancelled"] | None,
        typer.Option(help="Only files in this state.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
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
