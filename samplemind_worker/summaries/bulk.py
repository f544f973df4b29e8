"""Has missing summaries written at half the price by a provider's batch API, and collects them when they are done.

Record first here too: a job is recorded before it is submitted. If the process dies in between, the next run looks for
the job at the service, and submits it once more only if the service does not have it.
"""

import dataclasses
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, Final

from loguru import logger

from config.ai import AiTask, Writer
from config.settings import Settings
from samplemind_worker.documents.ai_job import AiJob
from samplemind_worker.documents.samples import Sample
from samplemind_worker.documents.spend import from_usd, micro_usd
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import ProviderError, ProviderNotReachedError, ProviderUnavailableError, UsageError
from samplemind_worker.finding import entry
from samplemind_worker.providers.bulk import BulkProvider, BulkState, Sent
from samplemind_worker.providers.registry import Providers
from samplemind_worker.store import ai_jobs, mongo, places, results, spend, stale
from samplemind_worker.store.spend import Call, Caps, Reservation
from samplemind_worker.summaries.describe import Text
from samplemind_worker.usage import NOTHING_USED, Usage

_TASK: Final = AiTask.BATCH
_CONTENTS: Final = 2000  # per job: 100 requests, less than 1 MB
_JOBS: Final = 20  # running at a time
_PATIENCE: Final = 900.0  # s; longer than any request may take
_SKEW: Final = timedelta(minutes=10)  # between the service's clock and ours
_ATTEMPTS: Final = 2
_PAGE: Final = 500


def run(settings: Settings) -> tuple[int, int]:
    """Collect jobs that have ended, then submit deferred contents if ``ai_bulk`` is set.

    Returns the number of summaries that were written, and the number of contents that were submitted.
    """
    providers = Providers(settings)
    try:
        return collect(providers), submit(providers, settings) if settings.ai_bulk else 0
    finally:
        providers.close()


def fills_in(settings: Settings) -> bool:
    """Tell whether deferred summaries go to a batch API: ``ai_bulk`` is set, and a provider with one is set up."""
    return settings.ai_bulk and Providers(settings).bulk_writer() is not None


def collect(providers: Providers) -> int:
    """Record the summaries of all jobs that have ended; return their number."""
    return sum(_collect(providers, job) for job in ai_jobs.under_way())


def _collect(providers: Providers, job: AiJob) -> int:
    samples = _load(job.parcels)
    try:
        writer = providers.writer(job.writer)
        provider = _bulk(providers, writer)
        state = provider.poll(job.name or "")
        if state is BulkState.RUNNING:
            return _give_up_if_old(job, "it is still running")
        replies = provider.collect(job.name or "", samples) if state is BulkState.ENDED else {}
    except (ProviderError, UsageError) as error:
        # A key that was removed may be set again, and a writer may return to the table.
        logger.warning("bulk.not_collected", fields={"job": job.id, "error": str(error)})
        return _give_up_if_old(job, str(error))
    changes: dict[str, dict[str, Any]] = {}
    for key, reply in replies.items():
        for sample, summary in zip(samples[key], reply.summaries, strict=True):
            if summary is not None and not _is_newer(sample, job):
                text = Text(summary, "written", job.prompt_version, task=_TASK)
                changes[sample.audio.file_id] = text.fields(batch_id=job.id, version=VERSIONS["summarize"])
    waiting = results.unwritten_of(list(changes))
    stale.mark(waiting)
    results.update_analyses({content: fields for content, fields in changes.items() if content in waiting})
    entry.refresh(sorted(waiting))
    error = None if replies else "nothing could be collected"
    used = sum((reply.usage for reply in replies.values()), NOTHING_USED)
    cost = micro_usd(providers.table.price(writer, batch=True), used)
    # Failed and expired requests cost nothing. A job that the service lost may have been charged, so it counts in full.
    _settle(job.reservation, used=used, spent=cost if state is BulkState.ENDED else None, error=error)
    ai_jobs.end(job.id, written=len(waiting), error=error)
    logger.info("bulk.collected", fields={"job": job.id, "written": len(waiting), "error": error})
    return len(waiting)


def _is_newer(sample: Sample, job: AiJob) -> bool:
    """Tell whether a content was analysed again after the job read it; the text would describe the old numbers."""
    at = sample.analysis.analyzed_at
    return at is not None and job.read_at is not None and at > job.read_at


def _give_up_if_old(job: AiJob, why: str) -> int:
    """End a job that has run for too long. Its contents are free for other jobs; its money counts as spent."""
    if mongo.now() > (job.asked_at or job.claimed_at) + ai_jobs.LONGEST:
        error = f"given up: {why}"
        _settle(job.reservation, used=NOTHING_USED, spent=None, error=error)
        ai_jobs.end(job.id, error=error)
        logger.error("bulk.given_up", fields={"job": job.id, "error": error})
    return 0


def submit(providers: Providers, settings: Settings) -> int:
    """Submit deferred contents as one job unless another process is doing it; return their number."""
    writer = providers.bulk_writer()
    if writer is None or len(ai_jobs.under_way()) >= _JOBS:
        return 0
    # Workers connect without making indexes, and claiming a job needs a unique one.
    mongo.make_indexes()
    patience = _patience(settings)
    job = ai_jobs.begin(uuid.uuid4().hex, writer=writer.name, patience=patience)
    if job is None:
        return 0
    if job.parcels:
        return _resume(providers, job, patience=patience)
    provider = _bulk(providers, writer)
    # Read after the claim, so that jobs which another process has just submitted are included.
    busy = ai_jobs.contents_under_way()
    read_at = mongo.now()
    groups = _groups(job.id, list(islice(_deferred(busy), _CONTENTS)), at_once=writer.samples)
    reservation: Reservation | None = None
    while groups and reservation is None:
        reservation = _reserve(providers, settings, writer, job.id, groups)
        if reservation is None:
            groups = dict(islice(groups.items(), len(groups) // 2))
    if reservation is None:
        ai_jobs.drop(job.id)
        return 0
    contents = {key: [sample.audio.file_id for sample in samples] for key, samples in groups.items()}
    kept = dataclasses.asdict(reservation)
    version = providers.get(writer).prompt_version
    ai_jobs.prepare(
        job.id, writer=writer.name, prompt_version=version, parcels=contents, reservation=kept, read_at=read_at
    )
    return _hand_over(provider, job.id, groups, reservation=kept)


def _resume(providers: Providers, job: AiJob, *, patience: float) -> int:
    """Continue a job whose process died before it recorded the service's reply."""
    try:
        provider = _bulk(providers, providers.writer(job.writer))
        found = provider.find(_sent(job, patience=patience)) if job.attempts else None
    except (ProviderError, UsageError) as error:
        logger.warning("bulk.not_found", fields={"job": job.id, "error": str(error)})
        return _give_up_if_old(job, str(error))
    if found is not None:
        ai_jobs.submitted(job.id, name=found.name)
        return sum(map(len, job.parcels.values()))
    if job.attempts >= _ATTEMPTS:
        # The service does not have it, so nothing is owed.
        _settle(job.reservation, used=NOTHING_USED, spent=0, error="not taken")
        ai_jobs.end(job.id, error="not taken")
        return 0
    there = {key: samples for key, samples in _load(job.parcels).items() if samples}
    return _hand_over(provider, job.id, there, reservation=job.reservation)


def _sent(job: AiJob, *, patience: float) -> Sent:
    return Sent(
        job.id,
        frozenset(job.parcels),
        since=(job.read_at or job.claimed_at) - _SKEW,
        until=(job.asked_at or job.claimed_at) + timedelta(seconds=patience) + _SKEW,
        others=frozenset(each.name for each in ai_jobs.under_way() if each.name is not None),
    )


def _patience(settings: Settings) -> float:
    return max(_PATIENCE, 2 * settings.ai_seconds)


def _hand_over(
    provider: BulkProvider, job_id: str, groups: Mapping[str, Sequence[Sample]], *, reservation: dict[str, Any] | None
) -> int:
    ai_jobs.count_attempt(job_id)
    try:
        made = provider.submit(_TASK, groups, label=job_id)
    except ProviderUnavailableError as error:
        if isinstance(error, ProviderNotReachedError):
            return _not_taken(job_id, reservation, error)
        # The service may have received it: a later run finds out.
        logger.warning("bulk.uncertain", fields={"job": job_id, "error": str(error)})
        return 0
    except ProviderError as error:
        return _not_taken(job_id, reservation, error)
    ai_jobs.submitted(job_id, name=made.name)
    count = sum(map(len, groups.values()))
    logger.info("bulk.submitted", fields={"job": job_id, "name": made.name, "contents": count})
    return count


def _not_taken(job_id: str, reservation: dict[str, Any] | None, error: ProviderError) -> int:
    _settle(reservation, used=NOTHING_USED, spent=0, error=str(error))
    ai_jobs.drop(job_id)
    logger.error("bulk.not_taken", fields={"job": job_id, "error": str(error)})
    return 0


def _reserve(
    providers: Providers, settings: Settings, writer: Writer, job_id: str, groups: Mapping[str, Sequence[Sample]]
) -> Reservation | None:
    provider = providers.get(writer)
    usage = sum((provider.estimate(_TASK, samples) for samples in groups.values()), Usage())
    call = Call(
        job_id,
        writer.provider,
        writer.model,
        _TASK.value,
        sum(map(len, groups.values())),
        micro_usd(providers.table.price(writer, batch=True), usage),
        patience=ai_jobs.LONGEST + _SKEW,
    )
    each, day, month = settings.ai_budget_batch_usd, settings.ai_budget_day_usd, settings.ai_budget_month_usd
    caps = Caps(None if each is None else from_usd(each), from_usd(day), from_usd(month))
    made = spend.reserve(call, caps)
    return None if isinstance(made, str) else made


def _settle(reservation: dict[str, Any] | None, *, used: Usage, spent: int | None, error: str | None) -> None:
    if reservation is not None:
        made = Reservation(
            reservation["call_id"], reservation["provider"], reservation["amount"], tuple(reservation["purses"])
        )
        spend.settle(made, usage=used, spent=made.amount if spent is None else spent, error=error)


def _bulk(providers: Providers, writer: Writer) -> BulkProvider:
    provider = providers.get(writer)
    if not isinstance(provider, BulkProvider):
        raise TypeError(f"{writer.name} has no batch API")
    return provider


def _deferred(busy: set[str]) -> Iterator[str]:
    after = ""
    while contents := results.unwritten(after=after, limit=_PAGE):
        after = contents[-1]
        # A content whose files are all gone is not worth its price.
        living = places.of(contents)
        yield from (content for content in contents if content not in busy and content in living)


def _groups(job_id: str, contents: Sequence[str], *, at_once: int) -> dict[str, list[Sample]]:
    recorded = results.load(contents)
    samples = [Sample(*recorded[content]) for content in contents if content in recorded]
    return {
        f"{job_id}-{start // at_once}": samples[start : start + at_once] for start in range(0, len(samples), at_once)
    }


def _load(groups: Mapping[str, Sequence[str]]) -> dict[str, list[Sample]]:
    """Return the samples of each request that are still in the record; a list may be empty."""
    recorded = results.load([content for contents in groups.values() for content in contents])
    return {
        key: [Sample(*recorded[content]) for content in contents if content in recorded]
        for key, contents in groups.items()
    }
