from pathlib import Path
from typing import Any

import pytest

from config.ai import PROVIDERS, AiTask, ProviderName, Writer
from config.settings import Settings
from samplemind_worker.errors import ProviderSetupError, SetupError, UsageError
from samplemind_worker.providers.bulk import BulkProvider
from samplemind_worker.providers.registry import Providers


def providers(**values: Any) -> Providers:
    none = {"anthropic_api_key": None, "gemini_api_key": None, "openai_api_key": None, "ollama_host": None}
    return Providers(Settings(_env_file=None, **(none | values)))


def route(task: AiTask, **values: Any) -> list[str]:
    return [writer.name for writer in providers(**values).route(task)]


def test_without_a_key_the_local_describer_is_left():
    assert {tuple(route(task)) for task in AiTask} == {("local",)}


def test_who_is_set_up_is_on_the_route_in_its_order():
    every = {"anthropic_api_key": "a", "gemini_api_key": "b", "ollama_host": "http://127.0.0.1:11434"}

    assert route(AiTask.GENRE, **every) == ["gemini", "sonnet", "ollama", "local"]
    assert route(AiTask.HARMONY, **every) == ["opus", "sonnet", "gemini", "ollama", "local"]
    assert route(AiTask.PRIVACY, **every) == ["ollama", "local"]
    assert route(AiTask.MIXING, gemini_api_key="b") == ["gemini", "local"]


def test_a_writer_is_found_by_its_name_or_its_providers():
    known = providers()

    assert known.writer("opus").model == "claude-opus-5-5"
    assert known.writer("claude").name == "sonnet"
    with pytest.raises(UsageError, match="no provider 'oracle'; there are: gemini, sonnet, opus, ollama"):
        known.writer("oracle")


@pytest.mark.parametrize(
    ("name", "setting"), [("sonnet", "ANTHROPIC_API_KEY"), ("gemini", "GEMINI_API_KEY"), ("openai", "OPENAI_API_KEY")]
)
def test_without_its_key_a_provider_says_which_to_set(name: str, setting: str):
    known = providers()

    with pytest.raises(ProviderSetupError, match=f"set {setting}"):
        known.get(known.writer(name))


@pytest.mark.parametrize("name", [name for name, facts in PROVIDERS.items() if facts.setting is not None])
def test_each_provider_has_an_adapter_of_its_name(name: ProviderName):
    known = providers(**{facts.setting: "http://127.0.0.1:1" for facts in PROVIDERS.values() if facts.setting})
    made = known.get(Writer("mine", name, "a-model"))

    assert (made.name, type(made).__module__) == (name, f"samplemind_worker.providers.{name}")
    assert isinstance(made, BulkProvider) == PROVIDERS[name].has_batch_api
    known.close()


def test_a_provider_is_made_once():
    known = providers()
    writer = known.writer("ollama")

    assert known.get(writer) is known.get(writer)
    assert known.breaker(writer) is known.breaker(writer)
    known.close()


def test_a_wrong_table_is_a_wrong_setup(tmp_path: Path):
    file = tmp_path / "mine.toml"

    with pytest.raises(SetupError, match=r"mine\.toml: .*No such file"):
        providers(ai_table=file).route(AiTask.MIXING)
