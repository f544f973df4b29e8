"""Deferred summaries by the batch APIs are paid once, at half the price, whatever process dies."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from config.settings import Settings
from samplemind_worker.documents.ai_job import AiJob, JobState
from samplemind_worker.documents.analysis import Analysis
from samplemind_worker.documents.facts import AnalysisFacts
from samplemind_worker.documents.spend import AiCall, micro_usd
from samplemind_worker.providers.registry import Providers
from samplemind_worker.store import ai_jobs, batches, mongo, places, results
from samplemind_worker.store.places import Place
from samplemind_worker.summaries import bulk, resummarize
from samplemind_worker.usage import Usage
from tests.ai_server import KEY, AiServer, Batch, Fault
from tests.factories import analysis_facts, audio_facts, content_id

pytestmark = pytest.mark.services

HOUR = timedelta(hours=1)


@pytest.fixture
def server() -> Iterator[AiServer]:
    with AiServer() as running:
        yield running


@pytest.fixture
def own(settings: Settings, server: AiServer) -> Iterator[Settings]:
    """Settings with an empty record, and Gemini."""
    assert settings.mongodb_url is not None
    mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database, create_indexes=True)
    update: dict[str, Any] = {
        "gemini_api_key": SecretStr(KEY),
        "anthropic_api_key": None,
        "openai_api_key": None,
        "ollama_host": None,
        "ai_urls": server.urls,
        "ai_bulk": True,
    }
    yield settings.model_copy(update=update)
    mongo.close()


def defer(count: int, *, start: int = 0) -> list[str]:
    ids = [content_id(number) for number in range(start, start + count)]
    waiting: dict[str, Any] = {"ai_state": "deferred", "ai_provider": "local", "ai_summary": "A loop."}
    results.save_analyses([(audio_facts(key), analysis_facts(key, **waiting)) for key in ids])
    places.save(Place("/library", f"{key}.wav".encode(), key, 1000, 1, 1, settled=True) for key in ids)
    return ids


def facts(ids: list[str]) -> list[AnalysisFacts]:
    return [analysis for _, analysis in results.load(ids).values()]


def jobs() -> list[AiJob]:
    return mongo.run(AiJob.find_all().sort("+claimed_at").to_list())


def calls() -> list[AiCall]:
    return mongo.run(AiCall.find_all().to_list())


def cost(settings: Settings, name: str, server: AiServer) -> int:
    """What the server's texts so far cost, at half the price."""
    table = Providers(settings).table
    half = table.price(table.writers[{"claude": "sonnet"}.get(name, name)], batch=True)
    return micro_usd(half, Usage(server.input_tokens, server.output_tokens))


def let_time_pass(by: timedelta = HOUR) -> None:
    """Move the claims of all jobs back in time; for more than an hour, their requests too."""

    async def _age() -> None:
        async for job in AiJob.find_all():
            asked_at = None if job.asked_at is None or by == HOUR else job.asked_at - by
            await job.set({"claimed_at": job.claimed_at - by, "asked_at": asked_at or job.asked_at})

    mongo.run(_age())


def test_jobs_that_are_under_way_are_collected_though_no_more_are_wished_for(own: Settings, server: AiServer):
    ids = defer(5)
    assert bulk.run(own) == (0, 5)
    defer(5, start=50)
    server.end_batches()

    assert bulk.run(own.model_copy(update={"ai_bulk": False})) == (5, 0)
    assert {each.ai_state for each in facts(ids)} == {"written"}
    assert len(server.batches) == 1


@pytest.mark.parametrize("name", ["gemini", "claude"])
def test_what_is_deferred_is_written_at_half_the_price(name: str, own: Settings, server: AiServer):
    if name == "claude":
        own = own.model_copy(update={"gemini_api_key": None, "anthropic_api_key": SecretStr(KEY)})
    ids = defer(50)

    assert bulk.run(own) == (0, 50)
    assert bulk.run(own) == (0, 0)  # not done yet, and nothing is submitted twice
    server.end_batches()
    assert bulk.run(own) == (50, 0)
    assert bulk.run(own) == (0, 0)

    assert len(server.batches) == 1
    assert Counter(len(call.ids) for call in server.calls) == {20: 2, 10: 1}
    providers = Providers(own)
    writer = providers.bulk_writer()
    assert writer is not None
    assert {(each.ai_state, each.ai_provider, each.ai_model) for each in facts(ids)} == {
        ("written", name, writer.model)
    }
    assert all(content_id(number)[:8] in (facts([content_id(number)])[0].ai_summary or "") for number in range(50))
    [call] = calls()
    assert call.spent == cost(own, name, server)
    assert call.reserved >= call.spent
    [job] = jobs()
    assert (job.state, job.written, job.parcels) == (JobState.COLLECTED, 50, {})


def test_what_a_job_missed_is_in_the_next(own: Settings, server: AiServer):
    ids = defer(20)
    bulk.run(own)
    server.script.append(Fault.MISSES_ONE)
    server.end_batches()

    assert bulk.run(own) == (19, 1)
    server.end_batches()
    assert bulk.run(own) == (1, 0)

    assert {each.ai_state for each in facts(ids)} == {"written"}


def test_what_was_written_meanwhile_stays(own: Settings, server: AiServer):
    ids = defer(2)
    bulk.run(own)
    results.update_analyses({ids[0]: {"ai_state": "written", "ai_summary": "By hand."}})
    server.end_batches()

    assert bulk.run(own) == (1, 0)
    assert facts(ids[:1])[0].ai_summary == "By hand."


def test_a_job_whose_answer_was_lost_is_found_and_not_paid_twice(own: Settings, server: AiServer):
    defer(5)
    server.script.append(Fault.CUT)

    assert bulk.run(own) == (0, 0)
    assert bulk.run(own) == (0, 0)  # its submitter may be alive
    let_time_pass()
    assert bulk.run(own) == (0, 5)
    server.end_batches()
    assert bulk.run(own) == (5, 0)

    assert len(server.batches) == 1


@pytest.fixture
def claude(own: Settings) -> Settings:
    """The same with Claude, whose batch API keeps no labels."""
    return own.model_copy(update={"gemini_api_key": None, "anthropic_api_key": SecretStr(KEY)})


def another_s(server: AiServer, requests: int, *, ended: bool = False, age: timedelta = timedelta()) -> Batch:
    """A batch of another user of the same workspace at the provider."""
    name = f"msgbatch_other_{len(server.batches)}"
    bodies = [(f"theirs-{number}", "claude-opus-5-5", {}) for number in range(requests)]
    made = Batch(name, "claude", "", bodies, created_at=datetime.now(UTC) - age)
    if ended:
        end_theirs(made)
    server.batches[name] = made
    return made


def end_theirs(batch: Batch) -> None:
    batch.results = [{"custom_id": key, "result": {"type": "expired"}} for key, _, _ in batch.requests]


def test_a_lost_job_without_a_label_is_waited_for_and_known_by_its_requests(claude: Settings, server: AiServer):
    ids = defer(45)
    server.script.append(Fault.CUT)

    assert bulk.run(claude) == (0, 0)
    for _ in range(3):
        let_time_pass()
        # It runs: only its results will show that it is ours.
        assert bulk.run(claude) == (0, 0)
    server.end_batches()
    let_time_pass()
    assert bulk.run(claude) == (0, 45)
    assert bulk.run(claude) == (45, 0)

    assert len(server.batches) == 1
    assert {(each.ai_state, each.ai_provider) for each in facts(ids)} == {("written", "claude")}
    [call] = calls()
    assert (call.state, call.spent) == ("settled", cost(claude, "claude", server))


def test_another_s_batches_are_not_taken_for_a_lost_job(claude: Settings, server: AiServer):
    defer(45)
    server.script.append(Fault.SERVER_ERROR)  # not taken
    for _ in range(130):  # more than a page
        another_s(server, 3, ended=True)
    another_s(server, 4)
    another_s(server, 3, age=HOUR)

    assert bulk.run(claude) == (0, 0)
    let_time_pass()
    assert bulk.run(claude) == (0, 45)

    assert sum(batch.requests[0][0].startswith("theirs") for batch in server.batches.values()) == 132
    assert len(server.batches) == 133


def test_a_job_is_not_submitted_again_before_it_is_known_to_be_lost(claude: Settings, server: AiServer):
    defer(5)
    server.script.append(Fault.SERVER_ERROR)  # not accepted, which the dead submitter did not record
    theirs = another_s(server, 1)

    assert bulk.run(claude) == (0, 0)
    let_time_pass()
    assert bulk.run(claude) == (0, 0)
    end_theirs(theirs)
    let_time_pass()
    assert bulk.run(claude) == (0, 5)

    assert len(server.batches) == 2


@pytest.mark.parametrize("name", ["gemini", "claude"])
def test_a_job_that_no_try_gets_through_costs_nothing(name: str, own: Settings, claude: Settings, server: AiServer):
    given = {"gemini": own, "claude": claude}[name]
    defer(5)
    server.script.extend([Fault.SERVER_ERROR, Fault.SERVER_ERROR])

    for _ in range(3):
        assert bulk.run(given) == (0, 0)
        let_time_pass()

    [given_up] = jobs()
    assert (given_up.state, given_up.attempts, given_up.error) == (JobState.FAILED, 2, "not taken")
    assert [call.spent for call in calls()] == [0]
    assert bulk.run(given) == (0, 5)


def test_who_died_before_asking_is_followed_up(own: Settings, server: AiServer):
    defer(3)
    begun = ai_jobs.begin("dead", writer="gemini", patience=900.0)
    assert begun is not None

    assert bulk.run(own) == (0, 0)
    let_time_pass()
    assert bulk.run(own) == (0, 3)

    assert [job.id for job in jobs()] == ["dead"]
    assert len(server.batches) == 1


def test_a_job_that_the_service_lost_counts_as_spent_and_its_files_go_into_the_next(own: Settings, server: AiServer):
    defer(3)
    bulk.run(own)
    for batch in server.batches.values():
        batch.gone = True

    assert bulk.run(own) == (0, 3)

    assert [job.state for job in jobs()] == [JobState.FAILED, JobState.SUBMITTED]
    assert [call.spent for call in calls() if call.batch_id == jobs()[0].id] == [calls()[0].reserved]


@pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.RATE_LIMITED])
def test_a_job_that_is_not_taken_costs_nothing(fault: Fault, own: Settings, server: AiServer):
    defer(3)
    server.fault = fault

    assert bulk.run(own) == (0, 0)

    assert (jobs(), [call.spent for call in calls()]) == ([], [0])
    server.fault = None
    assert bulk.run(own) == (0, 3)


def test_no_more_is_handed_over_than_there_is_money_for(own: Settings):
    defer(200)

    submitted = bulk.run(own.model_copy(update={"ai_budget_day_usd": Decimal("0.08")}))[1]
    nothing = bulk.run(own.model_copy(update={"ai_budget_day_usd": Decimal("0.0001")}))[1]

    assert 0 < submitted < 200
    assert nothing == 0
    assert sum(call.reserved for call in calls() if call.state == "reserved") <= 80_000


def test_without_a_batch_api_nothing_happens(own: Settings):
    defer(3)

    assert bulk.run(own.model_copy(update={"gemini_api_key": None})) == (0, 0)
    assert jobs() == []


def test_what_was_deleted_meanwhile_is_paid_for_and_leaves_nothing(own: Settings, server: AiServer):
    ids = defer(41)
    bulk.run(own)
    gone = [*ids[:3], *sorted(ids)[40:]]  # some of a request, and all of one

    async def _delete() -> None:
        await Analysis.get_pymongo_collection().delete_many({"_id": {"$in": gone}})

    mongo.run(_delete())
    server.end_batches()
    left = sorted(set(ids) - set(gone))

    assert bulk.run(own) == (len(left), 0)
    assert {each.ai_state for each in facts(left)} == {"written"}
    assert results.load(gone) == {}
    assert [call.spent for call in calls()] == [cost(own, "gemini", server)]


def test_a_text_about_what_was_analysed_anew_is_not_written(own: Settings, server: AiServer):
    ids = defer(3)
    bulk.run(own)
    anew = analysis_facts(ids[0], tempo=87.0, ai_state="deferred", ai_provider="local", ai_summary="Another loop.")
    results.save_analyses([(audio_facts(ids[0]), anew)])
    server.end_batches()

    assert bulk.run(own) == (2, 1)  # it goes into the next job
    assert facts(ids[:1])[0].ai_summary == "Another loop."
    server.end_batches()
    assert bulk.run(own) == (1, 0)
    assert facts(ids[:1])[0].ai_state == "written"


def test_a_key_that_is_taken_away_stops_nobody_else_and_nothing_for_ever(own: Settings, claude: Settings):
    ids = defer(3)
    bulk.run(own)
    defer(1, start=9)

    # Gemini's key is gone: its job waits, and new requests go to Claude.
    assert bulk.run(claude) == (0, 1)
    assert ai_jobs.contents_under_way() == {*ids, content_id(9)}
    let_time_pass(timedelta(days=3, hours=1))
    assert bulk.run(claude) == (0, 4)

    first = jobs()[0]
    assert (first.state, first.error) == (JobState.FAILED, "given up: no key: set GEMINI_API_KEY")
    assert [call.spent == call.reserved for call in calls() if call.batch_id == first.id] == [True]


def test_a_job_whose_writer_the_table_names_no_more_stops_nobody_else(own: Settings, server: AiServer, tmp_path: Path):
    ids = defer(3)
    bulk.run(own)
    shipped = (Path(__file__).parents[2] / "config" / "ai.toml").read_text(encoding="utf-8")
    table = tmp_path / "ai.toml"
    table.write_text(shipped.replace("[writers.gemini]", "[writers.flash]").replace('"gemini", ', '"flash", '))
    ids += defer(1, start=9)

    assert bulk.run(own.model_copy(update={"ai_table": table})) == (0, 1)
    server.end_batches()
    assert bulk.run(own) == (3, 0)
    assert Counter(each.ai_state for each in facts(ids)) == {"written": 3, "deferred": 1}


def test_what_expired_is_not_charged_for_and_goes_into_the_next(own: Settings, server: AiServer):
    defer(3)
    bulk.run(own)
    server.fault = Fault.SERVER_ERROR
    server.end_batches()
    server.fault = None

    assert bulk.run(own) == (0, 3)
    assert [(call.state, call.spent) for call in calls()][:1] == [("settled", 0)]
    assert jobs()[0].error == "nothing could be collected"


def test_what_is_to_come_from_a_batch_api_is_not_filled_in_besides(own: Settings, server: AiServer):
    defer(3)
    bulk.run(own)
    [later] = defer(1, start=9)

    job = resummarize.record(own, missing=True)

    assert job is not None
    assert [item.file_id for item in batches.iterate(job.id)] == [later]
    assert server.calls == []


def test_what_a_batch_may_cost_holds_for_a_job_too(own: Settings):
    defer(200)

    assert 0 < bulk.run(own.model_copy(update={"ai_budget_batch_usd": Decimal("0.08")}))[1] < 200
    assert sum(call.reserved for call in calls() if call.state == "reserved") <= 80_000


def test_a_job_for_a_service_that_cannot_be_reached_costs_nothing(own: Settings):
    defer(3)

    assert bulk.run(own.model_copy(update={"ai_urls": {"gemini": "http://127.0.0.1:9"}})) == (0, 0)

    assert (jobs(), [call.spent for call in calls()]) == ([], [0])
