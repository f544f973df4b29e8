"""Which provider writes summaries, what they cost, and what happens if none does."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from loguru import logger
from pydantic import SecretStr
from redis import Redis

from config.ai import SAMPLES_PER_REQUEST, AiTask
from config.settings import Settings
from samplemind_worker.documents.batch import BatchItem, BatchJob, Step
from samplemind_worker.documents.facts import AnalysisFacts
from samplemind_worker.documents.spend import AiCall, CallState, Purse, from_usd, micro_usd
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import OverTheRateError, SetupError, UsageError
from samplemind_worker.local_services.checks import Check
from samplemind_worker.local_services.doctor import diagnose
from samplemind_worker.packs import nightly
from samplemind_worker.pipeline import store, summarize
from samplemind_worker.pipeline.workspace import Run, Workspace
from samplemind_worker.providers.registry import Providers
from samplemind_worker.store import batches, mongo, places, results, spend
from samplemind_worker.submission.dispatch import dispatch
from samplemind_worker.summaries import bulk, resummarize
from samplemind_worker.usage import Usage
from tests.ai_server import KEY, AiServer, Fault
from tests.chaos.proxy import Mode, Proxy
from tests.factories import analysis_facts, audio_facts, calls_of, content_id, new_item

pytestmark = pytest.mark.services

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "config" / "ai.toml").read_text(encoding="utf-8")


@pytest.fixture
def server() -> Iterator[AiServer]:
    with AiServer() as made:
        yield made


@pytest.fixture
def unlimited(tmp_path: Path) -> Path:
    """The table that ships, without the providers' limits."""
    return table(tmp_path, "rates = {}")


def table(folder: Path, rates: str) -> Path:
    path = folder / "ai.toml"
    lines = [rates if line.startswith("rates = ") else line for line in TABLE.splitlines()]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


Make = Callable[..., Workspace]


@pytest.fixture
def make(settings: Settings, server: AiServer, unlimited: Path) -> Iterator[Make]:
    """Makes workspaces on one record, with Gemini set up unless told otherwise."""
    made: list[Workspace] = []
    # Tests record the contents before they make the first workspace.
    assert settings.mongodb_url is not None
    mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database, create_indexes=True)

    def _make(**values: Any) -> Workspace:
        update: dict[str, Any] = {
            # An address alone sets up a server that speaks like OpenAI.
            "ai_urls": {
                name: url for name, url in server.urls.items() if name != "openai" or values.get("openai_api_key")
            },
            "ai_table": unlimited,
            "gemini_api_key": SecretStr(KEY),
            "anthropic_api_key": None,
            "openai_api_key": None,
            "ollama_host": None,
            "requeue_seconds": 0.1,
            **values,
        }
        workspace = Workspace(settings.model_copy(update=update))
        workspace.connect()
        made.append(workspace)
        return workspace

    yield _make
    for workspace in made:
        workspace.close()
        summarize.close(workspace)
    mongo.close()


def record(count: int, *, start: int = 0, **values: Any) -> list[str]:
    """Record ``count`` different contents with their analyses and places, and return their ids."""
    ids = [content_id(number) for number in range(start, start + count)]
    pairs = [
        (audio_facts(key), analysis_facts(key, vector=None, tempo=60.0 + 0.1 * number, **values))
        for number, key in enumerate(ids, start)
    ]
    results.save_analyses(pairs)
    places.save([places.Place("/library", f"{key}.wav".encode(), key, 1000, 1, 1, settled=True) for key in ids])
    return ids


def batch_of(ids: list[str], *, files_per_chain: int = SAMPLES_PER_REQUEST, **options: Any) -> BatchJob:
    """A batch of files that wait for their summary."""
    given = {"ai": True, "force": False, **options}
    job = batches.create(name="kit", paths=[], priority="bulk", files_per_chain=files_per_chain, **given)
    batches.add_items([new_item(job.id, number, step="summarize") | {"file_id": key} for number, key in enumerate(ids)])
    batches.close_recording(job.id, total_files=len(ids))
    return batches.find(job.id)


def work(workspace: Workspace, *, threads: int = 1) -> None:
    """Work like an io worker until the dispatcher finds no more work; retry a step that asks for it."""

    def _chain(parcel: str) -> None:
        for step, run in ((Step.SUMMARIZE, summarize.run), (Step.STORE, store.run)):
            tries: list[str] = []
            while True:
                token = f"{parcel}-{step}.{len(tries)}"
                try:
                    run(workspace, Run(parcel, token, tuple(tries)))
                except OverTheRateError:
                    tries.append(token)
                    time.sleep(0.2)
                    continue
                break

    with ThreadPoolExecutor(threads) as pool:
        while True:
            published: list[str] = []
            dispatch(workspace.settings, workspace.board, lambda parcel, *_, to=published: to.append(parcel))
            if not published:
                return
            list(pool.map(_chain, published))


def facts(ids: list[str]) -> list[AnalysisFacts]:
    found = results.load(ids)
    return [found[key][1] for key in ids]


def states(ids: list[str]) -> Counter[str | None]:
    return Counter(each.ai_state for each in facts(ids))


def reasons(ids: list[str]) -> set[str | None]:
    return {each.ai_reason for each in facts(ids)}


def counts(job: BatchJob) -> tuple[int, int]:
    report = batches.report(batches.find(job.id))
    return report["completed"], report["total_files"]


def in_purses() -> dict[str, int]:
    async def _read() -> list[dict[str, Any]]:
        return await Purse.get_pymongo_collection().find({}).to_list()

    return {row["_id"]: row["total"] for row in mongo.run(_read())}


@pytest.mark.parametrize(
    ("provider", "sizes"),
    [("gemini", [20, 20, 5]), ("claude", [20, 20, 5]), ("ollama", [5] * 9), ("openai", [20, 20, 5])],
)
def test_every_provider_writes_in_as_few_calls_as_may_be_and_once(
    make: Make, server: AiServer, provider: str, sizes: list[int]
):
    workspace = make(anthropic_api_key=SecretStr(KEY), openai_api_key=SecretStr(KEY), ollama_host=server.url)
    ids = record(45)
    job = batch_of(ids, files_per_chain=60, ai_writer=provider)

    work(workspace)
    again = batch_of(ids, files_per_chain=60, ai_writer=provider, ai_scope="all")
    work(workspace)

    assert counts(job) == counts(again) == (45, 45)
    assert [len(call.ids) for call in server.calls] == sizes
    assert {call.provider for call in server.calls} == {provider}
    for each in facts(ids):
        assert (each.ai_state, each.ai_provider, each.ai_reason) == ("written", provider, None)
        assert each.ai_model == server.calls[0].model
        assert each.ai_prompt_version
        assert each.ai_summary
        assert each.production_tips
        assert each.creative_ideas
        assert each.fl_studio_recommendations
        assert each.ai_tags
    assert batches.report(job)["ai"]["calls"] == len(sizes)
    assert batches.report(again)["ai"] == {"calls": 0, "usd": 0}


def test_what_was_spent_is_in_the_ledger_to_the_token(make: Make, server: AiServer):
    workspace = make()
    job = batch_of(record(25))

    work(workspace)

    calls = calls_of(job.id)
    assert [(call.state, call.samples) for call in calls] == [(CallState.SETTLED, 20), (CallState.SETTLED, 5)]
    assert sum(call.input_tokens for call in calls) == server.input_tokens
    assert sum(call.output_tokens for call in calls) == server.output_tokens
    assert all(call.spent is not None and 0 < call.spent < call.reserved for call in calls)
    assert set(in_purses().values()) == {sum(call.spent or 0 for call in calls)}


def test_files_that_sound_the_same_are_paid_for_once(make: Make, server: AiServer):
    workspace = make()
    ids = [content_id(number) for number in range(30)]
    results.save_analyses([(audio_facts(key, filename=f"{key}.wav"), analysis_facts(key, vector=None)) for key in ids])

    work_on = batch_of(ids, files_per_chain=10)
    work(workspace, threads=3)

    assert counts(work_on) == (30, 30)
    assert states(ids) == {"written": 30}
    assert [len(call.ids) for call in server.calls] == [1]


def test_who_wants_no_model_gets_the_local_text_by_choice(make: Make, server: AiServer):
    declined = batch_of(record(3), ai=False)
    asked = batch_of(record(1, start=20), ai_writer="local")
    work(make())

    ids = [content_id(number) for number in (0, 1, 2, 20)]
    assert [counts(job) for job in (declined, asked)] == [(3, 3), (1, 1)]
    assert (states(ids), reasons(ids)) == ({"local": 4}, {None})
    assert {each.ai_provider for each in facts(ids)} == {"local"}
    assert server.calls == []
    assert resummarize.record(make().settings, missing=True) is None


def test_without_a_provider_summaries_are_local_with_one_hint_for_the_batch(make: Make, server: AiServer):
    ids, declined = record(3), record(2, start=50)
    job = batch_of(ids)
    batch_of(declined, ai=False)
    keyless = make(gemini_api_key=None)
    work(keyless)

    assert (states(ids), reasons(ids)) == ({"local": 3}, {None})
    assert {each.ai_provider for each in facts(ids)} == {"local"}
    hint = batches.report(batches.find(job.id))["ai"]["hint"]
    names = "GEMINI_API_KEY, ANTHROPIC_API_KEY, OPENAI_API_KEY or OLLAMA_HOST"
    assert hint == f"no provider is set up: set {names}"
    assert server.calls == []
    with pytest.raises(UsageError, match=f"no provider is set up that writes about batch: set {names}"):
        resummarize.record(keyless.settings, missing=True)

    # Once there is a key, the summaries that a model should write are written; declined ones are not.
    with_key = make()
    assert resummarize.record(with_key.settings, missing=True) is not None
    work(with_key)
    assert (states(ids), states(declined)) == ({"written": 3}, {"local": 2})
    assert {each.ai_wanted for each in facts(ids)} == {False}
    assert resummarize.record(with_key.settings, missing=True) is None


def test_a_provider_that_is_set_up_and_fails_is_deferred_without_a_hint(make: Make, server: AiServer):
    server.fault = Fault.UNAUTHORIZED
    ids = record(3)
    job = batch_of(ids)
    work(make())

    assert states(ids) == {"deferred": 3}
    assert "hint" not in batches.report(batches.find(job.id))["ai"]


def test_workers_without_the_provider_that_was_asked_for_do_not_count_as_having_written(make: Make):
    """The key is set where the command runs, and not where the workers do."""
    ids = record(3)
    source = batch_of(ids, ai=False)
    workers = make(gemini_api_key=None)
    work(workers)
    made = resummarize.record(make().settings, batch_id=source.id)
    assert made is not None
    work(workers)

    assert states(ids) == {"local": 3}
    [(kind, reason)] = set(results.unwritten_among(ids, made.id))
    assert kind == "local"
    assert reason.startswith("setup: no provider is set up: set GEMINI_API_KEY")


def test_a_key_of_openai_alone_is_enough(make: Make, server: AiServer):
    ids = record(3)
    batch_of(ids)
    work(make(gemini_api_key=None, openai_api_key=SecretStr(KEY)))

    assert states(ids) == {"written": 3}
    assert {call.provider for call in server.calls} == {"openai"}


@pytest.mark.parametrize(
    ("task", "provider", "model"),
    [
        (AiTask.AUDIO_ANALYSIS, "gemini", "gemini-3.8-flash"),
        (AiTask.GENRE, "gemini", "gemini-3.8-flash"),
        (AiTask.BATCH, "gemini", "gemini-3.8-flash"),
        (AiTask.COACHING, "claude", "claude-sonnet-5-5"),
        (AiTask.MIXING, "claude", "claude-sonnet-5-5"),
        (AiTask.CREATIVE, "claude", "claude-sonnet-5-5"),
        (AiTask.THEORY, "claude", "claude-opus-5-5"),
        (AiTask.HARMONY, "claude", "claude-opus-5-5"),
        (AiTask.OFFLINE, "ollama", "qwen3:8b"),
        (AiTask.PRIVACY, "ollama", "qwen3:8b"),
    ],
)
def test_a_batch_is_written_anew_for_a_task_by_who_is_first_on_its_route(
    make: Make, server: AiServer, task: AiTask, provider: str, model: str
):
    workspace = make(anthropic_api_key=SecretStr(KEY), ollama_host=server.url)
    ids = record(3)
    source = batch_of(ids, ai=False)
    work(workspace)

    made = resummarize.record(workspace.settings, batch_id=source.id, task=task)
    assert made is not None
    work(workspace)

    assert [(call.provider, call.model) for call in server.calls] == [(provider, model)]
    assert {(each.ai_state, each.ai_model, each.ai_task) for each in facts(ids)} == {("written", model, task)}
    assert [(call.task, call.model) for call in calls_of(made.id)] == [(task, model)]

    # The same register again is in the cache, another one is not.
    for again in (task, AiTask.MIXING if task is not AiTask.MIXING else AiTask.HARMONY):
        resummarize.record(workspace.settings, batch_id=source.id, task=again)
        work(workspace)
    assert len(server.calls) == 2


def test_what_is_private_is_never_asked_of_others(make: Make, server: AiServer):
    server.faults["ollama"] = Fault.SERVER_ERROR
    ids = record(3)
    deferred = batch_of(ids)
    work(make(gemini_api_key=SecretStr(KEY), ai_budget_day_usd=Decimal(0)))
    assert states(ids) == {"deferred": 3}
    workspace = make(ollama_host=server.url)

    private = resummarize.record(workspace.settings, batch_id=deferred.id, task=AiTask.PRIVACY)
    assert private is not None
    work(workspace)

    assert {call.provider for call in server.calls} == {"ollama"}
    assert states(ids) == {"local": 3}
    assert {kind for kind, _ in results.unwritten_among(ids, private.id)} == {"local"}
    # Nor afterwards, when what is missing is filled in.
    assert resummarize.record(workspace.settings, missing=True) is None
    with pytest.raises(UsageError, match="for privacy gemini is not asked"):
        resummarize.record(workspace.settings, batch_id=deferred.id, task=AiTask.PRIVACY, writer="gemini")


def test_who_is_to_be_set_up_is_said_by_task(make: Make):
    settings = make(gemini_api_key=None).settings
    source = batch_of(record(1))
    for task, names in (
        (AiTask.OFFLINE, "OLLAMA_HOST"),
        (AiTask.GENRE, "GEMINI_API_KEY, ANTHROPIC_API_KEY, OPENAI_API_KEY or OLLAMA_HOST"),
    ):
        with pytest.raises(UsageError, match=f"no provider is set up that writes about {task}: set {names}$"):
            resummarize.record(settings, batch_id=source.id, task=task)
    assert [job.id for job in batches.recent(9)] == [source.id]


def test_a_bulk_batch_is_a_task_of_its_own(make: Make):
    job = batch_of(record(2))
    work(make())

    assert job.priority == "bulk"
    assert [call.task for call in calls_of(job.id)] == ["batch"]


FAULTS = [
    (Fault.UNAUTHORIZED, "setup", 1),
    (Fault.FORBIDDEN, "setup", 1),
    (Fault.SERVER_ERROR, "unavailable", 3),
    (Fault.CUT, "unavailable", 3),
    (Fault.REFUSAL, "refused", 5),
    (Fault.INVALID_JSON, "unreadable", 6),
    (Fault.EMPTY_TEXT, "unreadable", 6),
    (Fault.EMPTY_STRINGS, "unreadable", 6),
    (Fault.WRONG_SAMPLE, "unreadable", 6),
    (Fault.HUGE, "unreadable", 6),
    (Fault.RATE_LIMITED, "rate", 3),
    (Fault.RATE_LIMITED_RETRY, "rate", 3),
]


@pytest.mark.parametrize("case", FAULTS, ids=[fault.name for fault, _, _ in FAULTS])
def test_a_fault_defers_with_its_reason_and_missing_fills_in(
    make: Make, server: AiServer, case: tuple[Fault, str, int]
):
    fault, code, most_calls = case
    server.fault = fault
    server.retry_after = "0.2"
    ids = record(100)
    job = batch_of(ids)
    began = time.perf_counter()

    work(make(ai_wait_seconds=8.0))  # a pause after a 429 is doubled with each

    seconds = time.perf_counter() - began
    calls = len(server.calls)
    assert counts(job) == (100, 100)
    assert states(ids) == {"deferred": 100}
    assert calls <= most_calls
    (reason, *others) = sorted({str(text).split(": ")[1] for text in reasons(ids)})
    assert {reason, *others} <= {code, "unavailable"}
    assert all(each.ai_provider == "local" and each.ai_summary for each in facts(ids))
    row = (fault.value, calls, counts(job)[0], states(ids)["deferred"], seconds)
    logger.info("| {} | {} | {} | {} | {:.1f} |", *row)

    server.fault = None
    with Redis.from_url(str(make().redis_url)) as client:
        client.flushall()  # the key was corrected; that it was refused is forgotten
    fresh = make()
    filled = resummarize.record(fresh.settings, missing=True)
    assert filled is not None
    work(fresh)
    assert states(ids) == {"written": 100}
    assert resummarize.record(fresh.settings, missing=True) is None


def test_a_wrong_key_is_said_once(make: Make, server: AiServer):
    said: list[str] = []
    sink = logger.add(lambda message: said.append(message.record["message"]), level="ERROR")
    server.fault = Fault.UNAUTHORIZED
    try:
        batch_of(record(200))
        work(make(), threads=4)
        batch_of(record(40, start=500))
        work(make())
    finally:
        logger.remove(sink)

    assert said.count("ai.setup") == 1
    assert len(server.calls) <= 4  # those that were under way


def test_a_hanging_provider_costs_its_timeout_not_the_lease(make: Make, server: AiServer):
    server.fault = Fault.HANG
    ids = record(20)
    job = batch_of(ids)
    workspace = make(ai_seconds=3.0, lease_seconds=1.0)

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work, workspace)
        while not server.calls and not working.done():  # a dispatcher that publishes nothing may not be the first
            time.sleep(0.05)
        while not working.done():
            # If the lease ended, this would take the items back.
            dispatch(workspace.settings, workspace.board, lambda *_: None)
            time.sleep(0.3)
        working.result()

    (first, *_) = batches.iterate(job.id)
    assert counts(job) == (20, 20)
    assert (first.starts, first.attempt) == (1, 1)
    assert states(ids) == {"deferred": 20}
    assert len(server.calls) == 1


def test_the_next_provider_of_the_route_writes_what_the_first_cannot(make: Make, server: AiServer):
    server.faults = {"gemini": Fault.SERVER_ERROR}
    ids = record(20)
    batch_of(ids)

    work(make(anthropic_api_key=SecretStr(KEY)))

    assert [call.provider for call in server.calls] == ["gemini", "claude"]
    assert {(each.ai_state, each.ai_provider) for each in facts(ids)} == {("written", "claude")}


def test_what_a_reply_misses_is_asked_for_again_and_then_of_the_next(make: Make, server: AiServer):
    server.faults = {"gemini": Fault.MISSES_ONE}
    ids = record(20)
    batch_of(ids)

    work(make(anthropic_api_key=SecretStr(KEY)))

    assert [(call.provider, len(call.ids)) for call in server.calls] == [("gemini", 20), ("gemini", 1), ("claude", 1)]
    assert Counter(each.ai_provider for each in facts(ids)) == {"gemini": 19, "claude": 1}
    assert states(ids) == {"written": 20}


def test_retry_after_is_obeyed_by_all(make: Make, server: AiServer):
    server.script.append(Fault.RATE_LIMITED_RETRY)
    server.retry_after = "2"
    ids = record(80)
    batch_of(ids)

    work(make(), threads=4)

    assert states(ids) == {"written": 80}
    first, *rest = (call.at for call in server.calls)
    # Apart from requests under way, none came within the two seconds.
    assert [at for at in rest if 1.0 < at - first < 2.0] == []


def test_a_budget_is_never_overspent_and_missing_does_exactly_the_rest(make: Make, server: AiServer):
    ids = record(1000)
    budget = from_usd(0.05)
    job = batch_of(ids, ai_budget=budget)

    work(make(), threads=3)

    report = batches.report(batches.find(job.id))
    first = states(ids)
    calls = len(server.calls)
    assert (report["completed"], report["status"]) == (1000, "completed")
    assert 0 < report["ai"]["usd"] <= 0.05
    assert in_purses()[f"batch:{job.id}"] <= budget
    assert set(first) == {"written", "deferred"}
    assert reasons(ids) == {None, "gemini: budget: what is left for this batch is not enough"}
    written = {each.file_id: each.ai_summary for each in facts(ids) if each.ai_state == "written"}

    rest = resummarize.record(make().settings, missing=True, budget=from_usd(5.0))
    assert rest is not None
    work(make(), threads=3)

    asked = [key for call in server.calls[calls:] for key in call.ids]
    assert rest.total_files == first["deferred"]
    assert len(asked) == len(set(asked)) == first["deferred"]
    assert counts(rest) == (first["deferred"], first["deferred"])
    assert states(ids) == {"written": 1000}
    assert {each.file_id: each.ai_summary for each in facts(list(written))} == written
    more = batches.report(batches.find(rest.id))["ai"]
    row = (report["ai"]["usd"], report["ai"]["calls"], *sorted(first.items()), more["usd"], more["calls"])
    logger.info("budget of 0.05 USD: {} USD, {} calls, {}, {}; then {} USD, {} calls", *row)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("purse", ["day", "month"])
def test_a_day_and_a_month_have_their_caps_for_all_batches(make: Make, purse: str):
    workspace = make(**{f"ai_budget_{purse}_usd": Decimal("0.05")})
    ids = record(400)
    jobs = [batch_of(ids[start : start + 100]) for start in range(0, 400, 100)]

    work(workspace, threads=3)

    spent = {key.partition(":")[0]: total for key, total in in_purses().items()}[purse]
    assert 0 < spent <= 50_000
    assert [counts(job) for job in jobs] == [(100, 100)] * 4
    assert set(states(ids)) == {"written", "deferred"}


def test_requests_a_day_are_counted_for_all_and_the_rest_is_deferred(make: Make, server: AiServer, tmp_path: Path):
    ids = record(200)
    job = batch_of(ids)

    work(make(ai_table=table(tmp_path, "rates = { requests_a_day = 3 }")), threads=3)

    assert len(server.calls) == 3
    assert counts(job) == (200, 200)
    assert states(ids) == {"written": 60, "deferred": 140}
    assert reasons(ids) == {None, "gemini: rate: its 3 requests a day are used up"}


def test_a_rate_is_not_waited_for_longer_than_a_file_may_wait(make: Make, server: AiServer, tmp_path: Path):
    ids = record(60)
    job = batch_of(ids)

    work(make(ai_table=table(tmp_path, "rates = { requests_a_minute = 1 }"), ai_wait_seconds=30.0))

    assert len(server.calls) == 1
    assert counts(job) == (60, 60)
    assert states(ids) == {"written": 20, "deferred": 40}


def test_who_waited_long_enough_in_the_queue_is_let_by(make: Make, server: AiServer):
    ids = record(20)
    job = batch_of(ids)
    workspace = make(requeue_seconds=60.0, ai_wait_seconds=100.0)
    published: list[str] = []
    dispatch(workspace.settings, workspace.board, lambda parcel, *_: published.append(parcel))

    async def _let_wait() -> None:
        now = await mongo.read_clock()
        values = {"$set": {"queued_at": now - timedelta(seconds=200)}}
        await BatchItem.get_pymongo_collection().update_many({"batch_id": job.id}, values)

    mongo.run(_let_wait())
    for parcel in published:
        summarize.run(workspace, Run(parcel, "one.0"))

    assert server.calls == []
    assert states(ids) == {"deferred": 20}
    assert {str(reason)[:26] for reason in reasons(ids)} == {"busy: it waited for 200 s"[:26]}


def test_a_rewrite_that_fails_leaves_what_is_there_and_nothing_is_missing(make: Make, server: AiServer):
    ids = record(20)
    source = batch_of(ids)
    workspace = make(anthropic_api_key=SecretStr(KEY))
    work(workspace)
    before = [each.ai_summary for each in facts(ids)]
    server.faults = {"claude": Fault.SERVER_ERROR}

    rewrite = resummarize.record(workspace.settings, batch_id=source.id, writer="claude")
    assert rewrite is not None
    work(workspace)

    assert counts(rewrite) == (20, 20)
    assert [each.ai_summary for each in facts(ids)] == before
    assert {(each.ai_state, each.ai_provider) for each in facts(ids)} == {("written", "gemini")}
    (reason,) = reasons(ids)
    assert str(reason).startswith("claude: unavailable: ")
    assert results.unwritten_among(ids, rewrite.id) == [("kept", reason)] * 20
    # A model's text exists, so no other one is paid for without being asked for.
    assert resummarize.record(workspace.settings, missing=True) is None

    server.faults = {}
    fresh = make(anthropic_api_key=SecretStr(KEY))
    assert resummarize.record(fresh.settings, batch_id=source.id, writer="claude") is not None
    work(fresh)
    assert {(each.ai_state, each.ai_provider) for each in facts(ids)} == {("written", "claude")}
    assert reasons(ids) == {None}


@pytest.mark.parametrize("choice", [{"ai": True}, {"ai": False}])
def test_a_model_s_text_outlives_new_words_of_the_local_describer(make: Make, server: AiServer, choice: dict[str, Any]):
    workspace = make()
    ids = record(3)
    batch_of(ids)
    work(workspace)
    with Redis.from_url(str(workspace.redis_url)) as client:
        client.flushall()
    before = [each.ai_summary for each in facts(ids)]
    results.update_analyses({key: {"versions.summarize": 0} for key in ids})

    batch_of(ids, **choice)
    work(workspace)

    assert [each.ai_summary for each in facts(ids)] == before
    assert {(each.ai_state, each.ai_provider) for each in facts(ids)} == {("written", "gemini")}
    assert {each.versions["summarize"] for each in facts(ids)} == {VERSIONS["summarize"]}
    assert len(server.calls) == 1


def test_a_model_s_text_makes_room_for_the_local_one_if_that_is_asked_for(make: Make, server: AiServer):
    ids = record(3)
    source = batch_of(ids)
    work(make())

    assert resummarize.record(make().settings, batch_id=source.id, writer="local") is not None
    work(make())

    assert {(each.ai_state, each.ai_provider) for each in facts(ids)} == {("local", "local")}
    assert len(server.calls) == 1


def test_the_night_fills_in_what_is_deferred_if_there_is_a_model_to_ask(make: Make, server: AiServer):
    server.fault = Fault.SERVER_ERROR
    ids = record(20)
    batch_of(ids)
    work(make())
    assert states(ids) == {"deferred": 20}
    server.fault = None

    assert nightly.fill_in(make(gemini_api_key=None, ai_urls={}).settings) is False
    assert nightly.fill_in(make(ai_bulk=True).settings) is False
    assert [job.ai_scope for job in batches.recent(9)] == ["new"]
    later = make()
    assert nightly.fill_in(later.settings) is True
    work(later)

    assert [job.ai_scope for job in batches.recent(9)] == ["deferred", "new"]
    assert states(ids) == {"written": 20}


def test_the_night_fills_in_where_no_batch_api_can_be_asked(make: Make, server: AiServer):
    ids = record(5, ai_state="deferred")
    workspace = make(gemini_api_key=None, ollama_host=server.url, ai_bulk=True)

    assert nightly.fill_in(workspace.settings) is True
    work(workspace)

    assert states(ids) == {"written": 5}


def test_what_was_handed_to_a_batch_api_meanwhile_is_not_asked_for_besides(make: Make, server: AiServer):
    workspace = make(ai_bulk=True)
    ids = record(5, ai_state="deferred")
    assert resummarize.record(workspace.settings, missing=True) is not None
    assert bulk.run(workspace.settings) == (0, 5)

    work(workspace)

    assert server.calls == []
    assert states(ids) == {"deferred": 5}
    server.end_batches()
    assert bulk.run(workspace.settings) == (5, 0)
    assert len(server.calls) == 1


def test_a_batch_with_a_cap_of_its_own_is_not_left_to_a_batch_api(make: Make, server: AiServer):
    workspace = make(ai_bulk=True)
    capped, free = record(5), record(5, start=50)
    batch_of(capped, ai_budget=from_usd(1.0))
    batch_of(free)

    work(workspace)

    assert (states(capped), states(free)) == ({"written": 5}, {"deferred": 5})
    assert len(server.calls) == 1


def test_an_unknown_batch_or_writer_is_wrong_usage(make: Make):
    settings = make().settings
    for arguments in ({}, {"missing": True, "writer": "nobody"}, {"batch_id": "nothing"}):
        with pytest.raises(UsageError):
            resummarize.record(settings, **arguments)
    with pytest.raises(SetupError, match="SAMPLEMIND_AI_MODELS names no writer: nobody"):
        resummarize.record(make(ai_models={"nobody": "m"}).settings, missing=True)


def doctor(workspace: Workspace) -> Check:
    [check] = [check for check in diagnose(workspace.settings) if check.name == "summaries"]
    assert KEY not in str(check)
    return check


def test_doctor_says_who_writes_and_what_was_spent_and_asks_nobody(make: Make, server: AiServer, tmp_path: Path):
    without_openai = tmp_path / "without_openai.toml"
    without_openai.write_text(TABLE.replace('"openai", "ollama"', '"ollama"'), encoding="utf-8")
    workspace = make(
        anthropic_api_key=SecretStr(KEY), openai_api_key=SecretStr(KEY), ai_bulk=True, ai_table=without_openai
    )
    batch_of(record(20), ai_budget=from_usd(1.0))
    work(workspace)
    record(3, start=50, ai_state="deferred")
    bulk.run(workspace.settings)
    spent = {name.partition(":")[0]: total / 1e6 for name, total in in_purses().items()}
    calls = len(server.calls)

    check = doctor(workspace)

    assert check.detail.split("; ") == [
        "asked: gemini (gemini-3.8-flash), sonnet (claude-sonnet-5-5)",
        "set up, but on no route: openai",
        f"{spent['day']:.4f} of 5 USD spent today",
        f"{spent['month']:.4f} of 50 USD spent this month",
        "3 to come from a batch API",
    ]
    assert spent["day"] > 0
    assert (check.state, "--provider" in check.mend) == ("warn", True)
    assert len(server.calls) == calls


def test_doctor_says_why_a_provider_is_left_in_peace(make: Make, server: AiServer):
    server.fault = Fault.UNAUTHORIZED
    batch_of(record(20))
    work(make())

    check = doctor(make(ai_urls={}))

    *_, held = check.detail.split("; ")
    assert re.fullmatch(r"gemini is left in peace for \d+ s: setup: gemini: HTTP 401: .*GEMINI_API_KEY.*", held)
    assert (check.state, check.mend.startswith("mend what gemini refuses")) == ("warn", True)


def test_doctor_warns_when_a_cap_is_reached_and_not_where_nobody_is_to_be_asked(make: Make):
    empty = doctor(make(ai_budget_day_usd=Decimal(0), ai_urls={}))
    nobody = doctor(make(gemini_api_key=None, ai_urls={}))

    assert (empty.state, "0.0000 of 0 USD spent today" in empty.detail) == ("warn", True)
    assert empty.mend == "raise SAMPLEMIND_AI_BUDGET_DAY_USD, or wait for the next day (UTC)"
    assert (nobody.state, nobody.detail) == ("ok", "by the local describer; no key of a provider is set")


def test_doctor_names_a_table_that_is_none(make: Make, tmp_path: Path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[routes]\n")

    check = doctor(make(ai_table=wrong))

    assert (check.state, check.detail) == ("fail", f"{wrong}: 'writers' is missing")


KILLED = """
import os, sys
from config.settings import get_settings
from samplemind_worker.pipeline import summarize
from samplemind_worker.pipeline.workspace import Run, Workspace
from samplemind_worker.store import results

# Stands for a machine that loses power right after the reply was read.
results.update_analyses = lambda _: os.kill(os.getpid(), 9)
summarize.run(Workspace(get_settings()), Run(sys.argv[1], "killed.0"))
"""


ONE_RUN = """
import sys
from config.settings import get_settings
from samplemind_worker.pipeline import summarize
from samplemind_worker.pipeline.workspace import Run, Workspace

summarize.run(Workspace(get_settings()), Run(sys.argv[1], sys.argv[2]))
"""


def environment_of(workspace: Workspace, server: AiServer, table: Path) -> dict[str, str]:
    """The environment of a process that works on the same record as a workspace, with Gemini."""
    return {
        **os.environ,
        **server.environment("gemini"),
        "SAMPLEMIND_REDIS_URL": workspace.redis_url,
        "SAMPLEMIND_MONGODB_URL": workspace.mongodb_url,
        "SAMPLEMIND_CHROMA_URL": workspace.chroma_url,
        "SAMPLEMIND_DATABASE": workspace.settings.database,
        "SAMPLEMIND_AI_TABLE": str(table),
    }


def test_a_worker_killed_between_reply_and_record_costs_no_second_call(make: Make, server: AiServer, unlimited: Path):
    workspace = make(lease_seconds=1.0)
    ids = record(20)
    job = batch_of(ids)
    published: list[str] = []
    dispatch(workspace.settings, workspace.board, lambda parcel, *_: published.append(parcel))
    environment = environment_of(workspace, server, unlimited) | {"SAMPLEMIND_LEASE_SECONDS": "1"}

    done = subprocess.run([sys.executable, "-c", KILLED, *published], cwd=ROOT, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(server.calls) == 1
    assert states(ids) == {None: 20}
    while states(ids) != {"written": 20}:
        work(workspace)
        time.sleep(0.2)

    assert len(server.calls) == 1
    assert counts(job) == (20, 20)


@pytest.fixture
def way(settings: Settings) -> Iterator[Proxy]:
    """A proxy to MongoDB that can be closed."""
    assert settings.mongodb_url is not None
    place = unquote(settings.mongodb_url.get_secret_value().partition("://")[2].partition("/")[0])
    made = Proxy(Path(place))
    yield made
    made.close()


@pytest.mark.parametrize("mode", [Mode.CUT, Mode.DROP])
def test_a_record_that_is_gone_between_reply_and_settling_costs_no_second_call(
    make: Make, server: AiServer, unlimited: Path, way: Proxy, mode: Mode
):
    """The first request is charged, the record is gone after the second is answered, and no third is made."""
    workspace = make()
    ids = record(60)
    job = batch_of(ids, files_per_chain=60)
    published: list[str] = []
    dispatch(workspace.settings, workspace.board, lambda parcel, *_: published.append(parcel))
    (parcel,) = published
    url = f"mongodb://127.0.0.1:{way.port}/?directConnection=true"
    environment = environment_of(workspace, server, unlimited) | {"SAMPLEMIND_MONGODB_URL": url}
    server.delay = 1.0

    with subprocess.Popen(
        [sys.executable, "-c", ONE_RUN, parcel, "one.0"], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    ) as worker:
        while len(server.calls) < 2 and worker.poll() is None:
            time.sleep(0.02)
        way.set(mode)
        said = worker.communicate()[1]
    assert "ServiceUnavailableError: MongoDB does not answer" in said
    assert len(server.calls) == 2
    way.set(Mode.OPEN)
    server.delay = 0.0
    # As Celery does with a task that is retried.
    assert summarize.run(workspace, Run(parcel, "one.1", ("one.0",)))
    store.run(workspace, Run(parcel, "one.1"))

    assert counts(job) == (60, 60)
    assert states(ids) == {"written": 60}
    asked = [key for call in server.calls for key in call.ids]
    assert (len(server.calls), len(asked), len(set(asked))) == (3, 60, 60)
    # The second stays reserved in full: never less than what was requested is counted.
    assert calls_by_state() == {"settled": 2, "reserved": 1}
    providers = Providers(workspace.settings)
    used = Usage(server.input_tokens, server.output_tokens, 3)
    owed = micro_usd(providers.table.price(providers.writer("gemini")), used)
    assert all(total > owed for total in in_purses().values())


def test_what_a_killed_worker_reserved_counts_as_spent(make: Make, server: AiServer):
    workspace = make()
    job = batch_of(record(20), ai_budget=from_usd(0.2))
    made = spend.reserve(spend.Call(job.id, "gemini", "m", "audio_analysis", 20, from_usd(0.19)), spend.Caps())
    assert isinstance(made, spend.Reservation)

    work(workspace)

    assert server.calls == []
    assert in_purses()[f"batch:{job.id}"] == from_usd(0.19)


def calls_by_state() -> Counter[str]:
    async def _read() -> list[AiCall]:
        return await AiCall.find_all().to_list()

    return Counter(call.state.value for call in mongo.run(_read()))


def test_without_redis_a_summary_is_written_and_paid_for_once(make: Make, server: AiServer, tmp_path: Path):
    workspace = make(redis_url=SecretStr(f"unix://{tmp_path}/nowhere.sock"))
    ids = record(20)
    job = batch_of(ids)
    published: list[str] = []
    dispatch(make().settings, make().board, lambda parcel, *_: published.append(parcel))

    for parcel in published:
        summarize.run(workspace, Run(parcel, "one.0"))

    assert states(ids) == {"written": 20}
    assert len(server.calls) == 1
    assert calls_by_state() == {"settled": 1}
    assert batches.report(job)["ai"]["calls"] == 1
