"""``submit``: record a batch and queue it; with ``--wait`` follow it to its end."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from samplemind_cli import options, output
from samplemind_cli.options import usd
from samplemind_worker.text import plural

if TYPE_CHECKING:
    from config.locations import Location
    from config.settings import Settings
    from samplemind_cli.reports import Survey
    from samplemind_worker.upkeep.places import Ended

_LONGEST_TABLE = 30  # files; of more a digest is printed
_LONGEST_DIGEST = 5000  # files: a digest of a million would take a minute


def submit(
    paths: Annotated[
        list[Any],
        typer.Argument(
            metavar="PATH", help="Files, folders and s3://bucket/prefix.", show_default=False, parser=options.location
        ),
    ],
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until the end; Ctrl-C lets it run on.")] = False,
    name: Annotated[str | None, typer.Option(help="A name for the batch.")] = None,
    no_ai: Annotated[
        bool, typer.Option("--no-ai", help="Ask no model: the local describer writes the summaries.")
    ] = False,
    budget: Annotated[
        float | None,
        typer.Option(parser=usd, metavar="USD", help="The most that summaries may cost.", show_default=False),
    ] = None,
    priority: Annotated[
        Literal["interactive", "bulk"], typer.Option(help="Interactive batches go first.")
    ] = "interactive",
    files_per_chain: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Most files that travel together; 1 is strictly one by one.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Analyse again what is known.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be submitted.")] = False,
    stop_after: Annotated[
        bool, typer.Option("--stop-after", help="With --wait: stop the private services if this command started them.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Record a batch of files and queue it; prints its id."""
    from samplemind_cli import client, record  # noqa: PLC0415 -- slow import
    from samplemind_worker.submission.options import SubmitOptions  # noqa: PLC0415 -- slow import

    if dry_run:
        _survey(paths, ai=not no_ai, priority=priority, as_json=as_json)
        return
    listing = client.find_audio(paths)
    options = SubmitOptions(
        name=name, priority=priority, files_per_chain=files_per_chain, ai=not no_ai, budget_usd=budget, force=force
    )
    with record.open_record(for_work=True, stop_after=wait and stop_after) as settings:
        try:
            job = client.submit(listing, options, settings, on_progress=_Recording(), on_ended=_say_ended)
        except KeyboardInterrupt:
            output.note("interrupted while recording: the batch was given up, nothing of it will run; submit it again")
            raise
        with told_how_to_follow(job.id):
            output.note(f"recorded {plural(job.total_files, 'file')} as batch {job.id}")
            ended = begin(job.id, settings, wait=wait)
        if ended is not None:
            if as_json:
                output.emit(ended)
            else:
                print_results(ended)
            raise typer.Exit(0 if ended["status"] == "completed" and not ended["failed"] else 1)
        if as_json:
            output.emit(client.batch_report(job.id))
        else:
            output.write(f"{job.id}\n")
            output.note(f"follow it with `samplemind status {job.id} --watch`")


def _survey(paths: "list[Location]", *, ai: bool, priority: Literal["interactive", "bulk"], as_json: bool) -> None:
    from samplemind_cli import client  # noqa: PLC0415 -- slow import

    found = client.survey(paths)
    cost = client.expected_cost(found.audio, priority) if ai else None
    if as_json:
        survey: Survey = {"audio": found.audio, "bytes": found.bytes, "skipped": found.skipped, "ai": cost}
        output.emit(survey)
    else:
        output.write(f"{plural(found.audio, 'audio file')}, {output.in_bytes(found.bytes)}\n")
        if found.skipped:
            output.say(f"would be skipped: {output.tally(found.skipped)}")
        if cost is not None:
            output.say(
                f"summaries by {cost['provider']} ({cost['model']}): about {cost['input_tokens']:,} tokens in and "
                f"{cost['output_tokens']:,} out in {plural(cost['requests'], 'request')}, {cost['usd']:.2f} USD for "
                "new files"
            )


class _Recording:
    """Reports from time to time how many files are recorded."""

    def __init__(self) -> None:
        self._next = 20_000

    def __call__(self, total: int) -> None:
        if total >= self._next:
            output.note(f"recorded {total:,} files")
            self._next = total * 2


def _say_ended(ended: "Ended") -> None:
    if ended.gone:
        output.note(f"{plural(ended.gone, 'recorded file is', 'recorded files are')} gone or not the same any more")
    if ended.away:
        output.note(
            f"{plural(ended.away, 'recorded file is', 'recorded files are')} not there, and kept: "
            f"{', '.join(ended.away_below)} is empty or not mounted; `samplemind forget` takes files out of the record"
        )


@contextmanager
def told_how_to_follow(batch_id: str) -> Generator[None]:
    """On Ctrl-C, say that the batch goes on and how to follow it."""
    try:
        yield
    except KeyboardInterrupt:
        output.note(f"the batch goes on; follow it with `samplemind status {batch_id} --watch`")
        raise


def begin(batch_id: str, settings: "Settings", *, wait: bool) -> dict[str, Any] | None:
    """Queue the first parcels of a batch; with ``wait`` follow it to its end and return its last report."""
    from samplemind_cli import client  # noqa: PLC0415 -- slow import
    from samplemind_worker.errors import ServiceUnavailableError  # noqa: PLC0415 -- slow import

    try:
        client.dispatch(settings, batch_id)
    except ServiceUnavailableError:
        if not wait or not client.recover():
            raise
    return wait_for(batch_id, settings) if wait else None


def wait_for(batch_id: str, settings: "Settings") -> dict[str, Any]:
    """Show the progress of a batch until it has ended, and return its last report."""
    from samplemind_cli import client, progress  # noqa: PLC0415 -- slow import
    from samplemind_worker.errors import ServiceUnavailableError  # noqa: PLC0415 -- slow import

    try:
        return progress.follow(
            partial(client.batch_report, batch_id),
            working_on=partial(client.working_on, batch_id),
            obstacles=partial(client.obstacles, settings, batch_id, start_workers=True),
            recover=client.recover,
        )
    except ServiceUnavailableError as error:
        raise ServiceUnavailableError(
            f"{error}; batch {batch_id} is recorded and goes on when its services are back: "
            f"`samplemind up --detach`, then `samplemind status {batch_id} --watch`"
        ) from error


def note_hint(report: dict[str, Any]) -> None:
    """Say once per batch why no model wrote its summaries, unless the user asked for that."""
    if hint := report["ai"].get("hint"):
        output.note(
            f"summaries are by the local describer, as {hint}; `samplemind summarize --missing` then has them written"
        )


def print_results(report: dict[str, Any]) -> None:
    """Print the results of a batch (every file of a small one, counts of a large one), and the failures."""
    from samplemind_cli import client, tables  # noqa: PLC0415 -- slow import

    batch_id = report["batch_id"]
    results = client.batch_results(batch_id, ("completed", "skipped"))
    analyzed = (result for result in results if result["status"] == "analyzed")
    first = list(islice(analyzed, _LONGEST_TABLE + 1))
    if len(first) <= _LONGEST_TABLE:
        tables.print_files(first)
    else:
        seen = [*first, *islice(analyzed, _LONGEST_DIGEST - len(first))]
        if next(analyzed, None) is not None:
            output.write(f"of the first {_LONGEST_DIGEST:,} files:\n")
        tables.print_digest(seen)
        output.note(f"all of them: `samplemind files {batch_id}`, `samplemind export {batch_id} -o results.csv`")
    failed = list(islice(client.batch_results(batch_id, ("failed",)), _LONGEST_TABLE + 1))
    tables.print_failures(failed[:_LONGEST_TABLE])
    if len(failed) > _LONGEST_TABLE:
        output.note(f"all that failed: `samplemind files {batch_id} --state failed`")
    output.write("\n")
    output.say(tables.batch_summary(report))
    if report["errors"]:
        output.say(f"failed: {output.tally(report['errors'])}")
    note_hint(report)
