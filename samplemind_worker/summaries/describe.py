"""Who writes about some samples: the writers of the route in their order, and the local describer about what is left.

Nothing here fails a file. What no model wrote about gets the local text. If a provider is set up and has failed, it is
marked as deferred with the reason; if none is set up, it is local, and the batch has one hint. `resummarize` has either
written later. A model's text that is there stays unless another is written: it is not deferred, as nothing is missing,
and nobody pays for another try who did not ask for one.
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
from samplemind_worker.summaries.writing import Turn

_MOST_TRIES = 30
"""Tries of a parcel that is asked for explicitly, each of which may wait for a minute: a batch comes to its end."""


@dataclass(frozen=True, slots=True)
class Text:
    """What is written about one content; no summary where an earlier one stays."""

    summary: Summary | None
    state: AiState
    prompt_version: str | None = None
    reason: str | None = None
    task: AiTask | None = None
    """What a model was asked for."""
    wanted: bool = False
    """Whether a model was to write it, and none is set up."""

    def fields(self, *, batch_id: str, version: int) -> dict[str, Any]:
        """Return the fields of the Analysis."""
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
    """The texts by content, and whether those that are missing are worth another try soon."""

    texts: dict[str, Text]
    again: bool
    hint: str | None = None
    """Why the local describer wrote them, if no provider is set up."""


class Desk:
    """What one process writes summaries with. Safe to use from several threads."""

    def __init__(self, settings: Settings, cache: Cache, limiter: Limiter) -> None:
        self._settings = settings
        self._providers = Providers(settings)
        self._cache = cache
        self._limiter = limiter

    def describe(self, job: BatchJob, samples: Sequence[Sample], *, waited: float, tries: int = 0) -> Written:
        """Write about some contents of a batch, whose files have waited for so many seconds, and as often been tried.

        What is asked for explicitly (`resummarize`) stands in nobody's way: it is better written later than given up.
        """
        asked_for = job.ai_scope != "new"
        longest = self._settings.ai_wait_seconds
        until = time.monotonic() + longest - (0.0 if asked_for else waited)
        left = {sample.audio.file_id: sample for sample in samples}
        # A model's text outlives a change of the local describer's words, which is all that can have come since.
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
            turn = Turn(
                self._providers, self._limiter, writer,
                batch_id=job.id, task=job.ai_task, caps=self._caps(job), until=until,
            )  # fmt: skip
            found, version = turn.write(self._cache, list(left.values()))
            for content, summary in found.items():
                texts[content] = Text(summary, "written", version, task=job.ai_task)
                del left[content]
            if turn.reason:
                reasons.append(f"{writer.provider}: {turn.reason}")
            soon = soon or turn.soon
        if left and soon and asked_for and tries < _MOST_TRIES:
            return Written(texts, again=True)
        reason = "; ".join(reasons) if hint is None else f"setup: {hint}"
        rest = self._stand_ins(job, list(left.values()), reason or None, unprovided=hint is not None)
        return Written(texts | rest, again=False, hint=hint)

    def close(self) -> None:
        """Close the connections to the providers."""
        self._providers.close()

    def _who(self, job: BatchJob, *, waited: float) -> tuple[tuple[Writer, ...], str | None]:
        """Return whom to ask, or why nobody is asked; neither if the local text is what was chosen."""
        asked_for = job.ai_scope != "new"
        try:
            route = self._route(job)
        except (SetupError, UsageError) as error:
            return (), f"setup: {error}"
        if not route:
            return (), None
        if waited > self._settings.ai_wait_seconds and not asked_for:
            # Those behind it in the queue must not wait for longer still.
            return (), f"busy: it waited for {waited:.0f} s"
        if self._is_for_bulk(job):
            return (), "bulk: a batch API will be asked, at half the price"
        return route, None

    def _route(self, job: BatchJob) -> tuple[Writer, ...]:
        """Return who is asked before the local describer."""
        if not job.ai:
            return ()
        asked = (
            self._providers.route(job.ai_task) if job.ai_writer is None else (self._providers.writer(job.ai_writer),)
        )
        return tuple(writer for writer in asked if writer.provider != LOCAL)

    def _hint(self, job: BatchJob) -> str | None:
        """Say what would have models write, if nobody on the route is set up; None if that is no matter of keys."""
        if not job.asks_models or job.ai_writer is not None:
            return None
        try:
            ways = ways_to_set_up(self._providers.table.route(job.ai_task))
            able = self._route(job)
        except SetupError:  # said by file, as it is a fault
            return None
        return f"no provider is set up: set {ways}" if ways and not able else None

    def _is_for_bulk(self, job: BatchJob) -> bool:
        """Tell whether `steps.bulk` has this batch written later."""
        # A cap of its own holds for what is asked directly alone: a job of a batch API is about many batches.
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
        """Give what no model wrote about now the local text: also where a model wrote earlier if that was the choice.

        What is private is not deferred: others would be asked when it is filled in. Nor is it a fault that no provider
        is set up: the batch says it once, and not each file of it.
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
