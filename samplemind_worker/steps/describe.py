"""Who writes about some samples: the writers of the route in their order, and the local describer about what is left.

Nothing here fails a file. What no model wrote about gets the local text; unless that was the choice, it is marked as
deferred with the reason, and `resummarize` has it written later.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from config.ai import AiTask, Writer
from config.settings import Settings
from samplemind_worker.documents.batch import BatchJob
from samplemind_worker.documents.facts import AiState
from samplemind_worker.documents.spend import from_usd
from samplemind_worker.errors import SetupError, UsageError
from samplemind_worker.providers.base import Sample, Summary
from samplemind_worker.providers.local import NAME as LOCAL
from samplemind_worker.providers.local import LocalProvider
from samplemind_worker.providers.registry import Providers
from samplemind_worker.steps.writing import Turn
from samplemind_worker.store.cache import Cache
from samplemind_worker.store.limits import Limiter
from samplemind_worker.store.spend import Caps

_TASK = AiTask.AUDIO_ANALYSIS
_MOST_TRIES = 30
"""Tries of a parcel that is asked for explicitly, each of which may wait for a minute: a batch comes to its end."""


@dataclass(frozen=True, slots=True)
class Text:
    """What is written about one content; no summary where an earlier one stays."""

    summary: Summary | None
    state: AiState
    prompt_version: str | None = None
    reason: str | None = None

    def fields(self, *, batch_id: str, version: int) -> dict[str, Any]:
        """Return the fields of the Analysis."""
        values: dict[str, Any] = {
            "ai_state": self.state,
            "ai_reason": self.reason,
            "ai_batch": batch_id,
            "versions.summarize": version,
        }
        if self.summary is not None:
            values |= {
                "ai_provider": self.summary.provider,
                "ai_model": self.summary.model,
                "ai_prompt_version": self.prompt_version,
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


class Desk:
    """What one process writes summaries with. Safe to use from several threads."""

    def __init__(self, settings: Settings, cache: Cache, limiter: Limiter) -> None:
        self._settings = settings
        self._providers = Providers(settings)
        self._cache = cache
        self._limiter = limiter
        self._local = LocalProvider()

    def describe(self, job: BatchJob, samples: Sequence[Sample], *, waited: float, tries: int = 0) -> Written:
        """Write about some contents of a batch, whose files have waited for so many seconds, and as often been tried.

        What is asked for explicitly (`resummarize`) stands in nobody's way: it is better written later than given up.
        """
        asked_for = job.ai_scope != "new"
        longest = self._settings.ai_wait_seconds
        late = waited > longest and not asked_for
        until = time.monotonic() + longest - (0.0 if asked_for else waited)
        left = {sample.audio.file_id: sample for sample in samples}
        texts: dict[str, Text] = {}
        reasons: list[str] = []
        soon = False
        try:
            route = self._route(job)
        except (SetupError, UsageError) as error:
            route, reasons = (), [f"setup: {error}"]
        if asked_for and not route and job.ai_writer != LOCAL:
            # Who asked for it wanted more than the local text.
            reasons.append("setup: no provider is set up")
        if late and route:
            # Those behind it in the queue must not wait for longer still.
            route, reasons = (), [f"busy: it waited for {waited:.0f} s"]
        if route and self._is_for_bulk(job):
            route, reasons = (), ["bulk: a batch API will be asked, at half the price"]
        for writer in route:
            if not left:
                break
            turn = Turn(
                self._providers, self._limiter, writer,
                batch_id=job.id, task=_TASK, caps=self._caps(job), until=until,
            )  # fmt: skip
            found, version = turn.write(self._cache, list(left.values()))
            for content, summary in found.items():
                texts[content] = Text(summary, "written", version)
                del left[content]
            if turn.reason:
                reasons.append(f"{writer.provider}: {turn.reason}")
            soon = soon or turn.soon
        if left and soon and asked_for and tries < _MOST_TRIES:
            return Written(texts, again=True)
        return Written(texts | self._stand_ins(list(left.values()), "; ".join(reasons) or None), again=False)

    def close(self) -> None:
        """Close the connections to the providers."""
        self._providers.close()

    def _route(self, job: BatchJob) -> tuple[Writer, ...]:
        """Return who is asked before the local describer."""
        if not job.ai:
            return ()
        asked = self._providers.route(_TASK) if job.ai_writer is None else (self._providers.writer(job.ai_writer),)
        return tuple(writer for writer in asked if writer.provider != LOCAL)

    def _is_for_bulk(self, job: BatchJob) -> bool:
        """Tell whether `steps.bulk` has this batch written later."""
        later = self._settings.ai_bulk and job.priority == "bulk" and job.ai_scope == "new" and job.ai_writer is None
        return later and self._providers.bulk_writer() is not None

    def _caps(self, job: BatchJob) -> Caps:
        settings = self._settings
        batch = settings.ai_budget_batch_usd
        own = job.ai_budget if job.ai_budget is not None else None if batch is None else from_usd(batch)
        return Caps(own, from_usd(settings.ai_budget_day_usd), from_usd(settings.ai_budget_month_usd))

    def _stand_ins(self, samples: Sequence[Sample], reason: str | None) -> dict[str, Text]:
        state: AiState = "local" if reason is None else "deferred"
        # The text of a model that is there is better than what would stand in for one.
        kept: list[Sample] = []
        fresh: list[Sample] = []
        for sample in samples:
            stays = state == "deferred" and sample.analysis.ai_provider not in (None, LOCAL)
            (kept if stays else fresh).append(sample)
        summaries = self._local.describe(_TASK, fresh).summaries
        texts = {sample.audio.file_id: Text(None, state, reason=reason) for sample in kept}
        for sample, summary in zip(fresh, summaries, strict=True):
            texts[sample.audio.file_id] = Text(summary, state, self._local.prompt_version, reason)
        return texts
