from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from config.ai import PROVIDERS, AiTask, Price, ProviderName, Writer, load_table
from config.settings import Settings, variable

TABLE = load_table()


@pytest.mark.parametrize(
    ("tasks", "first"),
    [
        ((AiTask.AUDIO_ANALYSIS, AiTask.GENRE, AiTask.BATCH), ("gemini", "gemini-3.8-flash")),
        ((AiTask.COACHING, AiTask.MIXING, AiTask.CREATIVE), ("claude", "claude-sonnet-5-5")),
        ((AiTask.THEORY, AiTask.HARMONY), ("claude", "claude-opus-5-5")),
        ((AiTask.OFFLINE, AiTask.PRIVACY), ("ollama", "qwen3:8b")),
    ],
)
def test_each_task_has_its_first_choice(tasks: tuple[AiTask, ...], first: tuple[str, str]):
    assert {(TABLE.route(task)[0].provider, TABLE.route(task)[0].model) for task in tasks} == {first}


@pytest.mark.parametrize("task", AiTask)
def test_every_route_ends_with_who_always_can(task: AiTask):
    assert TABLE.route(task)[-1].provider == "local"


@pytest.mark.parametrize("task", [AiTask.OFFLINE, AiTask.PRIVACY])
def test_what_is_private_is_sent_to_no_service(task: AiTask):
    assert [writer.provider for writer in TABLE.route(task)] == ["ollama", "local"]


def test_every_model_that_costs_has_a_price():
    free = {writer.provider for writer in TABLE.writers.values() if TABLE.price(writer) == Price(0.0, 0.0)}

    assert free == {"ollama", "local"}


def test_the_facts_of_each_provider_agree_with_the_settings():
    assert tuple(PROVIDERS) == get_args(ProviderName)
    for facts in PROVIDERS.values():
        if facts.setting is not None:
            assert variable(facts.setting) == facts.variable
            assert facts.needs_key == ("SecretStr" in str(Settings.model_fields[facts.setting].annotation))


def test_a_price_counts_from_its_day():
    writer = TABLE.writers["gemini"]

    assert TABLE.price(writer, on=date(2026, 12, 31)) == Price(0.75, 3.75)
    assert TABLE.price(writer, on=date(2027, 1, 1)) == Price(1.5, 7.5)


def test_a_batch_costs_half():
    writer = TABLE.writers["sonnet"]

    assert TABLE.price(writer) == Price(2.0, 10.0)
    assert TABLE.price(writer, batch=True) == Price(1.0, 5.0)


def test_an_unlisted_model_costs_as_much_as_the_dearest_of_its_provider():
    unknown = TABLE.price(Writer("mine", "claude", "claude-of-tomorrow"))

    assert unknown == TABLE.price(Writer("mine", "claude", "claude-fable-5-1"))
    assert unknown.input > TABLE.price(TABLE.writers["opus"]).input
    assert TABLE.rates(Writer("mine", "claude", "claude-of-tomorrow")).requests_a_minute is None


def test_the_price_of_another_provider_is_not_taken():
    stranger = TABLE.price(Writer("mine", "claude", "gpt-6-luna"))

    assert stranger == TABLE.price(Writer("mine", "claude", "claude-of-tomorrow"))


def test_a_writer_that_costs_money_without_any_price_is_refused(tmp_path: Path):
    file = tmp_path / "ai.toml"
    shipped = (Path(__file__).parents[3] / "config" / "ai.toml").read_text(encoding="utf-8")
    file.write_text(shipped.replace('provider = "gemini"\nbatch_discount', 'provider = "ollama"\nbatch_discount'))

    with pytest.raises(ValueError, match=r"writers\.gemini: no price of any model of gemini"):
        load_table(file)


def test_a_model_can_be_replaced():
    table = load_table(None, (("ollama", "gemma3:12b"),))

    assert table.writers["ollama"].model == "gemma3:12b"
    assert table.route(AiTask.PRIVACY)[0].model == "gemma3:12b"


def test_a_replacement_for_nobody_is_refused():
    with pytest.raises(ValueError, match="SAMPLEMIND_AI_MODELS names no writer: gemni"):
        load_table(None, (("gemni", "x"),))


ROUTES = "\n".join(f'{task.value} = ["local"]' for task in AiTask)
EXPECTED = "[expected]\nrequest = 1\nquestion = 1\nreply = 1\n"
WRITERS = f'{EXPECTED}[writers.local]\nprovider = "local"\n'
ORACLE = WRITERS.replace('"local"', '"oracle"')
NOBODY = ROUTES.replace("local", "nobody", 1)
MODEL = f"{WRITERS}[routes]\n{ROUTES}\n[models.x]\nprovider = 'claude'\n"
NO_MODEL = WRITERS.replace('"local"', '"claude"')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'writers' is missing"),
        ("[writers", "Expected"),
        (f"{WRITERS}[routes]\n[models]\n", "'audio_analysis' is missing"),
        (
            f"{WRITERS}[routes]\n{ROUTES.replace('local', 'nobody', 1)}\n[models]\n",
            "audio_analysis: no writer 'nobody'",
        ),
        (f"{ORACLE}[routes]\n{ROUTES}\n[models]\n", "no provider 'oracle'"),
        (f"{NO_MODEL}[routes]\n{ROUTES}\n[models]\n", "a model is needed"),
        (f"{MODEL}rates = {{}}\n", "'prices' is missing"),
        (f"{WRITERS}samples = 21\n[routes]\n{ROUTES}\n[models]\n", "samples must be 1 to 20"),
        (f"{MODEL}prices = []\nrates = {{}}\n", "has no price"),
        (f"{MODEL}prices = [{{from = 2026-01-01, input = -1.0, output = 1.0}}]\nrates = {{}}\n", "below zero"),
    ],
)
def test_a_table_that_is_none_is_refused_by_name(text: str, message: str, tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text(text)

    with pytest.raises(ValueError, match=message) as caught:
        load_table(file)

    assert str(caught.value).startswith(f"{file}: ")


def test_a_table_of_ones_own_is_used(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text(f"{WRITERS}[routes]\n{ROUTES}\n[models]\n")

    assert [writer.name for writer in load_table(file).route(AiTask.MIXING)] == ["local"]


def test_what_to_expect_goes_by_the_samples_that_a_writer_takes_at_once():
    table = load_table()

    for name, requests in (("gemini", 3), ("ollama", 9)):
        assert table.expected.of(45, table.writers[name])[0] == requests
