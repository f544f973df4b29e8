"""``summarize``: has models write missing summaries, or those of a batch again."""

from typing import Annotated

import typer

from config.ai import AiTask
from samplemind_cli import output
from samplemind_cli.commands.submit import begin, told_how_to_follow
from samplemind_cli.options import AddedSince, AddedUntil, AnyBatch, read_times, usd
from samplemind_worker.errors import UsageError
from samplemind_worker.text import plural

_REASONS = 5  # why nothing was written, the most frequent first


def summarize(
    batch: AnyBatch = None,
    *,
    missing: Annotated[
        bool, typer.Option("--missing", help="Only those that models still owe; without BATCH in the whole library.")
    ] = False,
    task: Annotated[
        AiTask | None,
        typer.Option(
            metavar="TASK",
            help=f"What they are for, which decides who is asked and in which register: {', '.join(AiTask)}. For "
            "offline and privacy an Ollama is asked, and no service.",
            show_default=False,
        ),
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help="Who writes: gemini, claude, ollama, openai or local.", show_default=False)
    ] = None,
    budget: Annotated[
        float | None, typer.Option(parser=usd, metavar="USD", help="The most that this may cost.", show_default=False)
    ] = None,
    since: AddedSince = None,
    until: AddedUntil = None,
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until the end; Ctrl-C lets it run on.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write summaries that are missing, or those of a batch anew."""
    if (since or until) and (batch is not None or not missing):
        raise UsageError("--since and --until are for --missing in the whole library, without BATCH")
    begun, ended_by = read_times(since, until)
    from samplemind_cli import client, record  # noqa: PLC0415 -- slow import

    with record.open_record(for_work=True) as settings:
        job = client.resummarize(
            settings,
            batch_id=batch,
            missing=missing,
            task=task,
            writer=provider,
            budget=budget,
            since=begun,
            until=ended_by,
        )
        if missing and (coming := client.coming_from_batch_apis()):
            said = plural(coming, "more is", "more are")
            output.note(f"{said} to come from a batch API, and not paid for again")
        if job is None:
            output.note("nothing to write")
            if as_json:
                output.emit({"total_files": 0})
            return
        with told_how_to_follow(job.id):
            output.note(f"recorded {plural(job.total_files, 'summary', 'summaries')} as batch {job.id}")
            ended = begin(job.id, settings, wait=wait)
        if ended is None:
            if as_json:
                output.emit(client.batch_report(job.id))
            else:
                output.write(f"{job.id}\n")
                output.note(f"follow it with `samplemind status {job.id} --watch`")
            return
        left = client.unwritten_in(job.id)
        counts = {
            kind: sum(count for (each, _), count in left.items() if each == kind)
            for kind in ("deferred", "kept", "local")
        }
        if as_json:
            output.emit(ended | counts)
        else:
            unwritten = {kind: count for kind, count in counts.items() if count or kind != "local"}
            parts = {"written": job.total_files - left.total(), **unwritten, "calls": ended["ai"]["calls"]}
            said = ", ".join(f"{count:,} {name}" for name, count in parts.items())
            output.write(f"{said}, {ended['ai']['usd']:.4f} USD\n")
        for (kind, reason), count in left.most_common(_REASONS):
            output.note(f"{count:,} {kind}: {reason}")
        if left or ended["status"] != "completed":
            raise typer.Exit(1)
