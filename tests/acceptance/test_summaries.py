"""Summaries from a model, as its users see them: submitted, refused for want of money, and filled in."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import Settings
from samplemind_worker.local_services import stop
from tests.acceptance.conftest import Command
from tests.ai_server import AiServer
from tests.factories import write_audio
from training import signals

FILES = 23


@pytest.fixture(scope="module")
def server() -> Iterator[AiServer]:
    with AiServer() as made:
        yield made


@pytest.fixture(scope="module")
def command(server: AiServer) -> Iterator[Command]:
    with tempfile.TemporaryDirectory(prefix="samplemind-test-") as folder:
        home = Path(folder) / "home"
        yield Command(home, SAMPLEMIND_DISPATCH_SECONDS="1", **server.environment("gemini"))
        stop(Settings(home=home, _env_file=None))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    for number in range(FILES):
        write_audio(folder / f"{number:02}.wav", signals.kick(0.2 + 0.05 * number))
    return folder


def test_a_library_is_summarized_within_its_budget_and_the_rest_when_there_is_more(
    command: Command, server: AiServer, library: Path
):
    told = command("submit", library, "--dry-run", "--json").object
    assert told["audio"] == FILES
    assert (told["ai"]["provider"], told["ai"]["requests"]) == ("gemini", 2)
    assert 0 < told["ai"]["usd"] < 1

    first = command("submit", library, "--wait", "--json", "--budget", "0", timeout=240).object
    assert (first["completed"], first["ai"]) == (FILES, {"calls": 0, "usd": 0})
    waiting = command("show", library / "00.wav", "--json").object
    assert (waiting["ai_state"], waiting["ai_provider"]) == ("deferred", "local")
    assert waiting["ai_reason"] == "gemini: budget: what is left for this batch is not enough"

    nothing = command("summarize", "--missing", "--wait", "--budget", "0", timeout=240)
    assert (nothing.code, nothing.out.strip()) == (1, "0 written, 23 deferred, 0 kept, 0 calls, 0.0000 USD")
    assert "23 deferred: gemini: budget: what is left for this batch is not enough" in nothing.err

    done = command("summarize", "--missing", "--wait", "--json", timeout=240).object
    assert (done["completed"], done["total_files"], done["deferred"]) == (FILES, FILES, 0)
    assert done["ai"]["calls"] == len(server.calls) == 2
    written = command("show", library / "00.wav", "--json").object
    assert (written["ai_state"], written["ai_reason"], written["ai_provider"]) == ("written", None, "gemini")
    assert written["ai_model"] == server.calls[0].model
    assert written["ai_prompt_version"]

    assert command("summarize", "--missing").err.strip().endswith("nothing to write")
    again = command("submit", library, "--wait", "--json").object
    assert (again["skipped"], len(server.calls)) == (FILES, 2)


def test_summarize_wants_to_know_what(command: Command):
    nothing, nobody = command("summarize"), command("summarize", "--missing", "--provider", "nobody")

    assert (nothing.code, nobody.code) == (2, 2)
    assert "name a batch, or ask for --missing" in nothing.err
    assert "no provider 'nobody'" in nobody.err
