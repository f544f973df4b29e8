"""``summarize``: what cannot be written is wrong usage, before anything is recorded."""

from collections.abc import Callable

import pytest

from config.settings import Settings, get_settings
from samplemind_worker.documents.analysis import Analysis
from samplemind_worker.store import batches, mongo, results
from samplemind_worker.store.cache import Board, WorkerSign
from tests.command import Cli
from tests.factories import analysis_facts, audio_facts, content_id, new_batch

pytestmark = pytest.mark.services

KEYS = ("ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY", "OLLAMA_HOST", "SAMPLEMIND_AI_URLS")
ALL = "GEMINI_API_KEY, ANTHROPIC_API_KEY, OPENAI_API_KEY or OLLAMA_HOST"


@pytest.fixture
def set_up(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Cli]:
    """The command line with these providers set up, and no others."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)

    def _set_up(**values: str) -> Cli:
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        get_settings.cache_clear()
        return cli

    return _set_up


@pytest.fixture
def batch(settings: Settings) -> str:
    """A batch whose two files have local summaries; a model still owes one of them."""
    assert settings.mongodb_url is not None
    mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database)
    job = new_batch(2)
    items = mongo.database()["batch_items"]
    for number, item in enumerate(list(batches.iterate(job.id))):
        key = content_id(number)
        facts = analysis_facts(key, ai_state="local", ai_provider="local", ai_wanted=number == 0)
        results.save_analyses([(audio_facts(key), facts)])
        results_of = {"state": "completed", "step": "store", "file_id": key}
        mongo.run(items.update_one({"_id": item.id}, {"$set": results_of}))
    assert batches.close_if_done(job.id)
    mongo.close()
    return job.id


def recorded(settings: Settings) -> int:
    assert settings.mongodb_url is not None
    mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database)
    count = len(batches.recent(10))
    assert mongo.run(Analysis.find_all().count()) == 2
    mongo.close()
    return count


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["BATCH", "--provider", "claude"], "claude is not set up: set ANTHROPIC_API_KEY"),
        (["BATCH", "--provider", "sonnet"], "sonnet is not set up: set ANTHROPIC_API_KEY"),
        (["BATCH", "--provider", "openai"], "openai is not set up: set OPENAI_API_KEY"),
        (["--missing", "--provider", "ollama"], "ollama is not set up: set OLLAMA_HOST"),
        (["--missing"], f"no provider is set up that writes about batch: set {ALL}"),
        (["BATCH"], f"no provider is set up that writes about audio_analysis: set {ALL}"),
        (["BATCH", "--missing", "--wait"], f"no provider is set up that writes about audio_analysis: set {ALL}"),
        (["BATCH", "--task", "privacy"], "no provider is set up that writes about privacy: set OLLAMA_HOST"),
    ],
)
def test_who_is_not_set_up_is_asked_for_nothing(
    set_up: Callable[..., Cli], settings: Settings, batch: str, arguments: list[str], said: str
):
    cli = set_up()

    assert cli("summarize", *[batch if word == "BATCH" else word for word in arguments]) == (
        2,
        "",
        f"samplemind: error: {said}\n",
    )
    assert recorded(settings) == 1


def test_another_provider_than_the_one_that_is_named_does_not_count(set_up: Callable[..., Cli], batch: str):
    cli = set_up(GEMINI_API_KEY="key")

    code, out, err = cli("summarize", batch, "--provider", "claude")

    assert (code, out, err) == (2, "", "samplemind: error: claude is not set up: set ANTHROPIC_API_KEY\n")


@pytest.mark.parametrize("arguments", [["--provider", "gemini"], [], ["--missing"]])
def test_whoever_has_a_key_has_it_written(
    set_up: Callable[..., Cli], settings: Settings, batch: str, arguments: list[str]
):
    code, out, err = set_up(GEMINI_API_KEY="key")("summarize", batch, *arguments)

    count = "1 summary" if "--missing" in arguments else "2 summaries"
    assert (code, f"recorded {count} as batch {out.strip()}" in err) == (0, True)
    assert recorded(settings) == 2


def test_the_local_describer_needs_no_key(set_up: Callable[..., Cli], batch: str):
    assert set_up()("summarize", batch, "--provider", "local")[0] == 0


def test_a_key_that_the_workers_have_is_enough(set_up: Callable[..., Cli], settings: Settings, batch: str):
    """In a deployment no key need be set where the command runs."""
    assert settings.redis_url is not None
    board = Board(settings.redis_url.get_secret_value(), settings.database)
    board.announce(WorkerSign("ai@host", "host", (settings.queues.of("ai"),), 4, ("claude",)))
    board.close()
    cli = set_up()

    assert cli("summarize", batch, "--provider", "claude")[0] == 0
    assert cli("summarize", batch, "--provider", "gemini")[0] == 2


def test_a_batch_that_no_provider_wrote_about_has_one_hint(set_up: Callable[..., Cli], settings: Settings, batch: str):
    cli = set_up()
    assert cli("status", batch)[2] == ""
    assert settings.mongodb_url is not None
    mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database)
    batches.note_hint(batch, f"no provider is set up: set {ALL}")
    mongo.close()

    code, _, err = cli("status", batch)

    said = f"summaries are by the local describer, as no provider is set up: set {ALL}"
    assert (code, err) == (0, f"{said}; `samplemind summarize --missing` then has them written\n")
