"""The batch APIs under the real SDKs."""

import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from config.ai import AiTask
from config.settings import Settings
from samplemind_worker.documents.samples import Sample
from samplemind_worker.errors import ProviderSetupError, ProviderUnavailableError, RateLimitedError
from samplemind_worker.providers.bulk import BulkProvider, BulkState, Sent
from samplemind_worker.providers.registry import Providers
from samplemind_worker.usage import Usage
from tests.ai_server import KEY, AiServer, Fault
from tests.factories import analysis_facts, audio_facts, content_id

WRITERS = ["sonnet", "gemini"]
PARCELS = {
    f"job-1-{number}": [
        Sample(audio_facts(content_id(10 * number + k)), analysis_facts(content_id(10 * number + k))) for k in range(3)
    ]
    for number in range(4)
}


def sent(
    label: str, *, keys: Iterable[str] = PARCELS, later: timedelta = timedelta(), others: frozenset[str] = frozenset()
) -> Sent:
    """A job that was handed over now, or so much later."""
    at = datetime.now(UTC) + later
    return Sent(label, frozenset(keys), since=at - timedelta(hours=1), until=at + timedelta(hours=1), others=others)


@pytest.fixture
def server() -> Iterator[AiServer]:
    with AiServer() as running:
        yield running


@pytest.fixture
def providers(server: AiServer) -> Iterator[Providers]:
    settings = Settings(
        _env_file=None, anthropic_api_key=KEY, gemini_api_key=KEY, ollama_host=server.url, ai_urls=server.urls
    )
    made = Providers(settings)
    yield made
    made.close()


def bulk(providers: Providers, name: str) -> BulkProvider:
    provider = providers.get(providers.writer(name))
    assert isinstance(provider, BulkProvider)
    return provider


@pytest.mark.parametrize("name", WRITERS)
def test_a_job_runs_ends_and_is_collected(name: str, providers: Providers, server: AiServer):
    asked = bulk(providers, name)

    job = asked.submit(AiTask.BATCH, PARCELS, label="job-1")
    assert (job.state, asked.poll(job.name)) == (BulkState.RUNNING, BulkState.RUNNING)
    server.end_batches()
    assert asked.poll(job.name) is BulkState.ENDED
    replies = asked.collect(job.name, PARCELS)

    assert len(server.batches) == 1
    assert len(server.calls) == len(PARCELS)
    assert {key: [summary and summary.summary for summary in reply.summaries] for key, reply in replies.items()} == {
        key: [
            f"A sample loop that {providers.writer(name).model} heard as {sample.audio.file_id[:8]}."
            for sample in samples
        ]
        for key, samples in PARCELS.items()
    }
    used = sum((reply.usage for reply in replies.values()), Usage())
    assert used == Usage(server.input_tokens, server.output_tokens, 4)


@pytest.mark.parametrize("name", WRITERS)
def test_a_parcel_that_failed_has_no_reply_and_one_that_is_spoiled_has_gaps(
    name: str, providers: Providers, server: AiServer
):
    asked = bulk(providers, name)
    job = asked.submit(AiTask.BATCH, PARCELS, label="job-1")
    server.script.extend([None, Fault.SERVER_ERROR, Fault.MISSES_ONE, Fault.INVALID_JSON])
    server.end_batches()

    replies = asked.collect(job.name, PARCELS)

    assert {key: [summary is not None for summary in reply.summaries] for key, reply in replies.items()} == {
        "job-1-0": [True, True, True],
        "job-1-2": [True, True, False],
        "job-1-3": [False, False, False],
    }


@pytest.mark.parametrize("name", WRITERS)
def test_only_what_was_asked_for_is_collected(name: str, providers: Providers, server: AiServer):
    asked = bulk(providers, name)
    job = asked.submit(AiTask.BATCH, PARCELS, label="job-1")
    server.end_batches()

    wanted = {"job-1-0": PARCELS["job-1-1"], "job-1-2": PARCELS["job-1-2"], "other": PARCELS["job-1-3"]}
    replies = asked.collect(job.name, wanted)

    assert replies.keys() == {"job-1-0", "job-1-2"}
    assert replies["job-1-0"].summaries == (None, None, None)  # about other samples


@pytest.mark.parametrize("name", WRITERS)
def test_a_job_that_the_service_forgot_is_gone(name: str, providers: Providers, server: AiServer):
    asked = bulk(providers, name)
    job = asked.submit(AiTask.BATCH, PARCELS, label="job-1")
    server.batches[job.name].gone = True

    assert asked.poll(job.name) is BulkState.GONE


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.UNAUTHORIZED, ProviderSetupError),
        (Fault.RATE_LIMITED, RateLimitedError),
        (Fault.SERVER_ERROR, ProviderUnavailableError),
    ],
)
def test_a_job_that_is_not_taken(
    name: str, fault: Fault, error: type[Exception], providers: Providers, server: AiServer
):
    server.fault = fault

    with pytest.raises(error):
        bulk(providers, name).submit(AiTask.BATCH, PARCELS, label="job-1")

    assert server.batches == {}


def test_a_job_whose_name_did_not_arrive_is_found_by_its_label(providers: Providers, server: AiServer):
    asked = bulk(providers, "gemini")
    server.script.append(Fault.CUT)
    with pytest.raises(ProviderUnavailableError):
        asked.submit(AiTask.BATCH, PARCELS, label="job-1")

    assert asked.find(sent("job-2")) is None
    found = asked.find(sent("job-1"))

    assert found is not None
    assert found.name in server.batches
    assert found.state is BulkState.RUNNING


def test_without_labels_it_is_found_by_its_requests_as_soon_as_they_tell(providers: Providers, server: AiServer):
    asked = bulk(providers, "sonnet")
    server.script.append(Fault.CUT)
    with pytest.raises(ProviderUnavailableError):
        asked.submit(AiTask.BATCH, PARCELS, label="job-1")

    assert asked.find(sent("job-1", others=frozenset(server.batches))) is None
    assert asked.find(sent("job-1", keys=["another"])) is None  # as many requests it would have
    assert asked.find(sent("job-1", later=timedelta(hours=2))) is None
    assert asked.find(sent("job-1", later=timedelta(hours=-2))) is None
    with pytest.raises(ProviderUnavailableError, match="still at a batch that may be this one"):
        asked.find(sent("job-1"))
    server.end_batches()
    found = asked.find(sent("job-1"))

    assert found is not None
    assert (found.name in server.batches, found.state) == (True, BulkState.ENDED)
    assert asked.find(sent("job-2", keys=[f"job-2-{number}" for number in range(4)])) is None


def test_who_has_no_batch_api_is_told_apart(providers: Providers):
    assert not isinstance(providers.get(providers.writer("ollama")), BulkProvider)


def test_threads_are_not_left_behind(providers: Providers):
    before = threading.active_count()
    bulk(providers, "gemini")

    assert threading.active_count() == before
