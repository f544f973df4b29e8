"""Has samples described by the writers of a route in their order, and by the local describer where those fail.

Nothing here fails a file. A sample that no model described gets the local text. It is marked as deferred, with the
reason, if a provider is set up and has failed; if none is set up it is marked as local, and the batch gets one hint.
`resummarize` fills in both later. An existing text of a model stays until a new one replaces it. Such a sample is not
deferred, because nothing is missing, and no further request is paid for unless the user asks for one.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from config.ai import PRIVATE, AiTask, Writer, ways_to_set_up
from config.settings import Settings
from samplemind_worker.describer import local
from samplemind_worker.describer.local import NAME as LOCAL
from samplemind_worker.documents.batch import BatchJob
from samplemind_worker.documents.facts import AiState
from samplemind_worker.documents.samples import Sample, Summary
from samplemind_worker.documents.spend import from_usd
from samplemind_worker.errors import SetupError, UsageError
from samplemind_worker.providers.registry import Providers
from samplemind_worker.store.cache import Cache
from samplemind_worker.store.limits import Limiter
from samplemind_worker.store.spend import Caps
from samplemind_worker.summaries.writing import WriterRun

_MOST_TRIES = 30
"""Most tries of a parcel in a requested batch, each of up to a minute, so that the batch comes to an end."""


@dataclass(frozen=True, slots=True)
class Text:
    """The outcome for one content; without a summary where an earlier one stays."""

    summary: Summary | None
    state: AiState
    prompt_version: str | None = None
    reason: str | None = None
    task: AiTask | None = None
    """The task that the model had."""
    wanted: bool = False
    """Whether a model should have written it, but none is set up."""

    def fields(self, *, batch_id: str, version: int) -> dict[str, Any]:
        """Return the fields of the Analysis to update."""
        values: dict[str, Any] = {
            "ai_state": self.state,
            "ai_reason": self.reason,
            "ai_wanted": self.wanted,
            "ai_batch": batch_id,
            "versions.summarize": version,
        }
        if self.summary is not None:
            values |= {
                "ai_provider": self.summary.provider,
                "ai_model": self.summary.model,
                "ai_prompt_version": self.prompt_version,
                "ai_task": self.task,
                "ai_summary": self.summary.summary,
                "production_tips": list(self.summary.production_tips),
                "creative_ideas": list(self.summary.creative_ideas),
                "fl_studio_recommendations": list(self.summary.fl_studio_recommendations),
                "ai_tags": list(self.summary.tags),
            }
        return values


@dataclass(frozen=True, slots=True)
class Written:
    """The texts by content, and whether it is worth retrying the missing ones soon."""

    texts: dict[str, Text]
    again: bool
    hint: str | None = None
    """The hint for the batch if no provider is set up."""


class Summarizer:
    """Writes the summaries of one process. Several threads may use it."""

    def __init__(self, settings: Settings, cache: Cache, limiter: Limiter) -> None:
        self._settings = settings
        self._providers = Providers(settings)
        self._cache = cache
        self._limiter = limiter

    def describe(self, job: BatchJob, samples: Sequence[Sample], *, waited: float, tries: int = 0) -> Written:
        """Write about contents of a batch.

        ``waited`` is how many seconds the files have waited already, ``tries`` how often they were tried. A batch that
        the user asked for (`resummarize`) is retried rather than given up, because no other work waits for it.
        """
        asked_for = job.ai_scope != "new"
        longest = self._settings.ai_wait_seconds
        until = time.monotonic() + longest - (0.0 if asked_for else waited)
        left = {sample.audio.file_id: sample for sample in samples}
        # A text of a model stays valid: only the local describer's version can have changed since.
        current = [sample for sample in samples if not asked_for and _by_a_model(sample)]
        texts = {sample.audio.file_id: Text(None, "written") for sample in current}
        for content in texts:
            del left[content]
        soon = False
        hint = self._hint(job)
        route, why_not = ((), None) if hint is not None else self._who(job, waited=waited)
        reasons = [] if why_not is None else [why_not]
        for writer in route:
            if not left:
                break
            run = WriterRun(
                self._providers,
                self._limiter,
                writer,
                batch_id=job.id,
                task=job.ai_task,
                caps=self._caps(job),
                until=until,
            )
            found, version = run.write(self._cache, list(left.values()))
            for content, summary in found.items():
                texts[content] = Text(summary, "written", version, task=job.ai_task)
                del left[content]
            if run.reason:
                reasons.append(f"{writer.provider}: {run.reason}")
            soon = soon or run.soon
        if left and soon and asked_for and tries < _MOST_TRIES:
            return Written(texts, again=True)
        reason = "; ".join(reasons) if hint is None else f"setup: {hint}"
        rest = self._stand_ins(job, list(left.values()), reason or None, unprovided=hint is not None)
        return Written(texts | rest, again=False, hint=hint)

    def close(self) -> None:
        """Close the connections to the providers."""
        self._providers.close()

    def _who(self, job: BatchJob, *, waited: float) -> tuple[tuple[Writer, ...], str | None]:
        """Return the writers to ask, or the reason why none is asked; neither if the local text was chosen."""
        asked_for = job.ai_scope != "new"
        try:
            route = self._route(job)
        except (SetupError, UsageError) as error:
            return (), f"setup: {error}"
        if not route:
            return (), None
        if waited > self._settings.ai_wait_seconds and not asked_for:
            # The files behind it in the queue must not wait even longer.
            return (), f"busy: it waited for {waited:.0f} s"
        if self._is_for_bulk(job):
            return (), "bulk: a batch API will be asked, at half the price"
        return route, None

    def _route(self, job: BatchJob) -> tuple[Writer, ...]:
        """Return the writers that are asked before the local describer."""
        if not job.ai:
            return ()
        asked = (
            self._providers.route(job.ai_task) if job.ai_writer is None else (self._providers.writer(job.ai_writer),)
        )
        return tuple(writer for writer in asked if writer.provider != LOCAL)

    def _hint(self, job: BatchJob) -> str | None:
        """Say which variables to set if no writer of the route is set up; None if keys are not the reason."""
        if not job.asks_models or job.ai_writer is not None:
            return None
        try:
            ways = ways_to_set_up(self._providers.table.route(job.ai_task))
            able = self._route(job)
        except SetupError:  # recorded per file, because it is an error
            return None
        return f"no provider is set up: set {ways}" if ways and not able else None

    def _is_for_bulk(self, job: BatchJob) -> bool:
        """Tell whether `summaries.bulk` writes the summaries of this batch later."""
        # A budget of the batch itself cannot be kept by a job of a batch API, which covers many batches.
        mild = job.ai_writer is None and job.ai_budget is None
        later = self._settings.ai_bulk and job.priority == "bulk" and job.ai_scope == "new" and mild
        return later and self._providers.bulk_writer() is not None

    def _caps(self, job: BatchJob) -> Caps:
        settings = self._settings
        batch = settings.ai_budget_batch_usd
        own = job.ai_budget if job.ai_budget is not None else None if batch is None else from_usd(batch)
        return Caps(own, from_usd(settings.ai_budget_day_usd), from_usd(settings.ai_budget_month_usd))

    def _stand_ins(
        self, job: BatchJob, samples: Sequence[Sample], reason: str | None, *, unprovided: bool
    ) -> dict[str, Text]:
        """Give the remaining samples the local text; one that a model described keeps its text unless local was chosen.

        Private samples are not deferred, because other writers would be asked when they are filled in. A missing
        provider is not an error of each file: the batch says it once.
        """
        anyway = job.ai_writer == LOCAL
        private = job.ai_task in PRIVATE
        state: AiState = "local" if reason is None or private or unprovided else "deferred"
        shown = None if unprovided and job.ai_scope == "new" else reason
        kept = [] if anyway else [sample for sample in samples if _by_a_model(sample)]
        fresh = samples if anyway else [sample for sample in samples if not _by_a_model(sample)]
        texts = {sample.audio.file_id: Text(None, "written", reason=shown) for sample in kept}
        for sample in fresh:
            wanted = unprovided and not private
            texts[sample.audio.file_id] = Text(
                local.describe(sample), state, local.PROMPT_VERSION, shown, wanted=wanted
            )
        return texts


def _by_a_model(sample: Sample) -> bool:
    return sample.analysis.ai_provider not in (None, LOCAL)
