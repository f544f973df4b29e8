"""Summaries: ask for them, and what they cost."""

from functools import partial
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from config.ai import AiTask
from samplemind_web import audit
from samplemind_web.access import Caller, Reader, Submitter
from samplemind_web.batch_reports import visible
from samplemind_web.context import Context, ContextDep
from samplemind_web.idempotency import RESPONSES, OnceDep
from samplemind_web.parameters import Body, FileId
from samplemind_web.recording import queue
from samplemind_worker.documents.batch import BatchJob
from samplemind_worker.documents.spend import Purse, from_usd, to_usd
from samplemind_worker.store import spend
from samplemind_worker.summaries import resummarize

router = APIRouter(tags=["summaries"])

_SECONDS: Final = 120.0


class ProviderSpend(BaseModel):
    """What one provider did."""

    calls: int
    requests: int
    input_tokens: int
    output_tokens: int
    usd: float


class PeriodSpend(BaseModel):
    """What summaries cost within a day or a month (UTC)."""

    period: str
    """``2026-01-31`` or ``2026-01``."""
    usd: float
    """What is spent or reserved."""
    cap_usd: float
    """The most that may be spent in such a period now."""
    providers: dict[str, ProviderSpend]


class SummarySpend(BaseModel):
    """What summaries cost."""

    month: PeriodSpend
    today: PeriodSpend
    days: list[PeriodSpend]
    """The last days, newest first, today included."""
    batch_cap_usd: float | None
    providers: list[str]
    """The providers that this server, or any worker, could ask; without one the local describer writes."""


class SummaryWishes(Body):
    """Which summaries are to be written, and by whom. Without a batch and ids: all that models still owe."""

    batch: Annotated[str, Field(max_length=64, pattern=r"^[0-9A-Za-z-]+$")] | None = None
    ids: Annotated[list[FileId], Field(min_length=1, max_length=10_000)] | None = None
    missing: bool = False
    """Only those that models still owe."""
    task: AiTask | None = None
    provider: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    budget_usd: Annotated[float, Field(ge=0, allow_inf_nan=False, le=1_000_000)] | None = None


class Asked(BaseModel):
    """What was begun."""

    batch_id: str | None
    """The batch that writes them; null if there is nothing to write."""
    total_files: int


@router.get("/summaries/spend")
async def get_spend(
    _caller: Reader, context: ContextDep, days: Annotated[int, Query(ge=1, le=90)] = 30
) -> SummarySpend:
    """Return what summaries cost this month and in the last days, and the caps."""
    settings = context.settings
    month, *each = (await spend.purses.aio(days=days)).values()
    system = await context.system.get()
    announced = {provider for worker in system.workers for provider in worker.providers}
    told = [_period(purse, float(settings.ai_budget_day_usd)) for purse in each]
    return SummarySpend(
        month=_period(month, float(settings.ai_budget_month_usd)),
        today=told[0],
        days=told,
        batch_cap_usd=None if settings.ai_budget_batch_usd is None else float(settings.ai_budget_batch_usd),
        providers=sorted(announced | set(settings.providers)),
    )


def _period(purse: Purse, cap: float) -> PeriodSpend:
    return PeriodSpend(
        period=purse.id.partition(":")[2],
        usd=to_usd(purse.total),
        cap_usd=cap,
        providers={
            name: ProviderSpend(
                calls=sums["calls"],
                requests=sums["requests"],
                input_tokens=sums["input_tokens"],
                output_tokens=sums["output_tokens"],
                usd=to_usd(sums["micro_usd"]),
            )
            for name, sums in purse.providers.items()
        },
    )


@router.post("/summaries", status_code=HTTPStatus.ACCEPTED, responses=RESPONSES, response_model=Asked)
async def ask_for_summaries(body: SummaryWishes, caller: Submitter, context: ContextDep, once: OnceDep) -> Response:
    """Have summaries written, of a batch, of some files, or all that models still owe."""
    if body.batch is not None:
        await visible(body.batch, caller)
    return await once(caller, partial(_ask, body, caller, context), status=HTTPStatus.ACCEPTED)


async def _ask(body: SummaryWishes, caller: Caller, context: Context) -> Asked:
    job = await context.services.run(lambda: _record(body, caller, context), seconds=_SECONDS)
    if job is None:
        return Asked(batch_id=None, total_files=0)
    await audit.record(caller, "summaries.ask", job.id, files=job.total_files, of_batch=body.batch or "")
    context.events.nudge(job.id)
    return Asked(batch_id=job.id, total_files=job.total_files)


def _record(body: SummaryWishes, caller: Caller, context: Context) -> BatchJob | None:
    settings = context.settings
    job = resummarize.record(
        settings,
        batch_id=body.batch,
        ids=body.ids or (),
        missing=body.missing or (body.batch is None and not body.ids),
        task=body.task,
        writer=body.provider,
        budget=None if body.budget_usd is None else from_usd(body.budget_usd),
        providers=resummarize.announced_providers(settings),
        user_id=caller.user_id,
        admits=caller.may_see,
    )
    if job is not None:
        queue(settings, job.id)
    return job
