"""The only access of commands to the queue and to the record; it is imported when a command runs."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from config.ai import AiTask, load_table
from config.locations import Location
from config.settings import Settings, get_settings
from samplemind_cli.output import note, pages
from samplemind_cli.reports import Cost
from samplemind_worker import local_services
from samplemind_worker.documents.batch import BatchItem, BatchJob, Priority, State, task_of
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.documents.report import Reporter, analyzed, rejected
from samplemind_worker.documents.spend import from_usd, micro_usd, to_usd
from samplemind_worker.errors import ServiceUnavailableError, SetupError, UsageError
from samplemind_worker.local_services import session
from samplemind_worker.packs import ingest as ingest_step
from samplemind_worker.packs import nights
from samplemind_worker.packs import watch as watch_step
from samplemind_worker.packs.report import Report as IngestReport
from samplemind_worker.store import ai_jobs, batches, pausing, results
from samplemind_worker.submission import files, reanalysis, scan
from samplemind_worker.submission import obstacles as obstacles_step
from samplemind_worker.submission import plan as plan_step
from samplemind_worker.submission.listing import Listing, Survey
from samplemind_worker.submission.options import SubmitOptions
from samplemind_worker.submission.plan import Plan, Wanted
from samplemind_worker.summaries import resummarize as resummarize_step
from samplemind_worker.summaries.resummarize import announced_providers
from samplemind_worker.text import plural
from samplemind_worker.upkeep.places import Ended
from samplemind_worker.usage import Usage

Report = dict[str, Any]

_PAGE = 500


def find_audio(paths: Sequence[Location]) -> Listing:
    """List what lies at or below some paths, as far as the first audio file.

    Raises
    ------
    UsageError
        If a path does not exist, or there is no audio at all.
    """
    listing = Listing(paths)
    listing.require_audio()
    return listing


def submit(
    listing: Listing,
    options: SubmitOptions,
    settings: Settings,
    *,
    on_progress: Callable[[int], None],
    on_ended: Callable[[Ended], None],
) -> BatchJob:
    """Record a batch of the listed files."""
    return scan.submit(listing, options, settings=settings, on_progress=on_progress, on_ended=on_ended)


def dispatch(settings: Settings, batch_id: str) -> None:
    """Queue the first parcels of a recorded batch.

    Raises
    ------
    ServiceUnavailableError
        If Redis does not answer; the record stands.
    """
    from tasks.submit import dispatch as fill_window  # noqa: PLC0415 -- slow import

    try:
        fill_window(settings)
    except ServiceUnavailableError as error:
        raise ServiceUnavailableError(
            f"{error}; batch {batch_id} is recorded and starts when its services are back"
        ) from error


def resummarize(
    settings: Settings,
    *,
    batch_id: str | None,
    missing: bool,
    task: AiTask | None,
    writer: str | None,
    budget: float | None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> BatchJob | None:
    """Record a batch that writes summaries; None if there is nothing to write."""
    return resummarize_step.record(
        settings,
        batch_id=None if batch_id is None else batches.find(batch_id).id,
        missing=missing,
        task=task,
        writer=writer,
        budget=None if budget is None else from_usd(budget),
        providers=announced_providers(settings),
        since=since,
        until=until,
    )


def coming_from_batch_apis() -> int:
    """Return how many summaries a batch API is writing."""
    return len(ai_jobs.contents_under_way())


def unwritten_in(batch_id: str) -> Counter[tuple[str, str]]:
    """Count the files for which a batch wrote no summary, by state (``deferred``, ``kept``, ``local``) and reason."""
    counts: Counter[tuple[str, str]] = Counter()
    for page in pages((item.file_id for item in batches.iterate(batch_id) if item.file_id is not None), _PAGE):
        counts.update(results.unwritten_among(page, batch_id))
    return counts


def plan(settings: Settings, wanted: Wanted) -> Plan:
    """Return what the current versions of the steps would do again."""
    return plan_step.make(settings, wanted)


def reanalyze(settings: Settings, wanted: Wanted, options: SubmitOptions) -> reanalysis.Recorded:
    """Record a batch that does it again."""
    return reanalysis.record(settings, wanted, options)


def pause(batch_id: str) -> tuple[str, bool]:
    """Begin no more files of a batch; return its id, and whether it was not paused before."""
    job = batches.find(batch_id)
    return job.id, pausing.pause(job.id)


def resume(batch_id: str, settings: Settings) -> tuple[str, bool]:
    """Let a paused batch go on; return its id, and whether it was paused."""
    job = batches.find(batch_id)
    resumed = pausing.resume(job.id)
    if resumed:
        dispatch(settings, job.id)
    return job.id, resumed


def expected_cost(files: int, priority: Priority) -> Cost | None:
    """Return the usual cost of summaries of so many files, and their writer; None if no model would write them."""
    settings = get_settings()
    try:
        table = load_table(settings.ai_table, tuple(sorted(settings.ai_models.items())))
    except ValueError as error:
        raise SetupError(str(error)) from error
    writer = next((each for each in table.route(task_of(priority)) if settings.can_ask(each.provider)), None)
    if writer is None or writer.provider == "local":
        return None
    requests, input_tokens, output_tokens = table.expected.of(files, writer)
    cost = micro_usd(table.price(writer), Usage(input_tokens, output_tokens, requests))
    return {
        "provider": writer.provider,
        "model": writer.model,
        "requests": requests,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "usd": round(to_usd(cost), 4),
    }


def require_inbox(inbox: Path | None) -> None:
    """Check, before anything is started, that packs can be taken from a folder, or from that of the settings.

    Raises
    ------
    UsageError
        If not.
    """
    ingest_step.require_inbox(get_settings(), inbox)


def ingest(settings: Settings, inbox: Path | None, *, say: Callable[[str], None]) -> IngestReport:
    """Take in the sample packs of an inbox, after the end of any other run."""
    report = ingest_step.ingest(settings, inbox=inbox, say=say)
    if report is None:
        raise UsageError("another run takes in packs")
    return report


def watch(settings: Settings, folder: Path, *, say: Callable[[str], None]) -> Iterator[IngestReport]:
    """Take in packs as they appear in a folder, endlessly; yield a report each time."""
    return watch_step.watch(settings, folder, say=say)


def refresh_report(report: IngestReport) -> None:
    """Bring the counts of a report up to date."""
    ingest_step.refresh(report)


def keep_report(report: IngestReport, settings: Settings) -> Path:
    """Write a report below the home folder, as JSON and as text, and record it."""
    return nights.keep(report, settings)


def batch_report(batch_id: str) -> Report:
    """Return the current report of a batch."""
    return batches.report(batches.find(batch_id))


def listed(batch: str) -> str:
    """Return the id of a batch whose files are to be listed, with a note if only some of them are still listed."""
    report = batch_report(batch)
    if report["thinned_at"] is not None:
        note(
            f"batch {report['batch_id']} ended long ago: of its {plural(report['total_files'], 'file')} only those "
            "that failed, or were retried, are listed still"
        )
    return report["batch_id"]


def recent_reports(limit: int, *, since: datetime | None = None, until: datetime | None = None) -> Iterator[Report]:
    """Yield the reports of the newest batches; only of those from ``since`` on, and before ``until``."""
    return map(batches.report, batches.recent(limit, since=since, until=until))


def working_on(batch_id: str) -> list[str]:
    """Return the paths of some files that are being worked on."""
    return batches.working_on(batch_id)


def recover() -> bool:
    """Restart private services that have died; raise ServiceUnavailableError if they were stopped on purpose."""
    return session.recover(get_settings(), say=note)


def obstacles(settings: Settings, batch_id: str, *, start_workers: bool = False) -> list[str]:
    """Return one sentence for each obstacle that keeps a batch from continuing.

    Missing workers are no obstacle while private ones are starting; ``start_workers`` starts these.
    """
    found = obstacles_step.obstacles(settings, batches.find(batch_id))
    if obstacles_step.NO_WORKERS in found and (
        local_services.start_workers(get_settings(), on_wait=note)
        if start_workers
        else local_services.supervises_workers(get_settings())
    ):
        found.remove(obstacles_step.NO_WORKERS)
    return found


def retry(batch_id: str, settings: Settings) -> tuple[str, int]:
    """Queue the failed files of a batch again; return its id and their number."""
    job = batches.find(batch_id)
    count = batches.retry(job.id)
    if count:
        dispatch(settings, job.id)
    return job.id, count


def cancel(batch_id: str) -> tuple[str, int]:
    """Cancel the files of a batch that have not ended; return its id and their number."""
    job = batches.find(batch_id)
    return job.id, batches.cancel(job.id)


def item_reports(batch_id: str, state: str | None = None) -> Iterator[Report]:
    """Yield the state of each file of a batch."""
    return ({**files.report(item)} for item in batches.iterate(batch_id, state=None if state is None else State(state)))


def batch_results(
    batch_id: str, states: Iterable[str] | None = None, *, report: Reporter = analyzed
) -> Iterator[Report]:
    """Yield the result, or the reason for its absence, of each file of a batch, or of those in these states."""
    wanted = [None] if states is None else map(State, states)
    for state in wanted:
        for page in pages(batches.iterate(batch_id, state=state), _PAGE):
            facts = results.load(list({item.file_id for item in page if item.file_id is not None}))
            for item in page:
                yield _result(item, facts.get(item.file_id or ""), report)


def _result(item: BatchItem, facts: tuple[AudioFacts, AnalysisFacts] | None, report: Reporter) -> Report:
    path = files.full_path(item.root, item.path)
    if item.error is not None:
        return rejected(path, code=item.error.code, message=item.error.message)
    if item.state in (State.COMPLETED, State.SKIPPED) and facts is not None:
        return report(path, *facts)
    return {"path": path, "status": item.state.value, "skip_reason": item.skip_reason}


def survey(paths: Sequence[Location]) -> Survey:
    """Count the files that a submission would take in.

    Raises
    ------
    UsageError
        If a path does not exist, or there is no audio at all.
    """
    return Listing(paths).survey()
