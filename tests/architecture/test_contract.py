"""`docs/contract.md` says what the code does."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from samplemind_cli.app import app
from samplemind_cli.rows import COLUMNS
from samplemind_worker.documents import report
from samplemind_worker.documents.batch import BatchStatus, State
from samplemind_worker.errors import PERMANENT_ERRORS
from tests.factories import analysis_facts, audio_facts, content_id

CONTRACT = (Path(__file__).parents[2] / "docs" / "contract.md").read_text()


def section(title: str) -> str:
    """The text below a heading, up to the next one."""
    return CONTRACT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def documented_commands() -> dict[str, set[str]]:
    """Each command of the table, with the options that its row shows."""
    found: dict[str, set[str]] = {}
    for row in re.findall(r"^\| `([^`]+)` \|", section("Commands"), re.MULTILINE):
        name = " ".join(word for word in row.split() if word.isalpha() and word.islower())
        shared = section("Filters") if "[FILTERS]" in row else ""
        found[name] = set(re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", row + shared))
    return found


def offered_commands() -> dict[str, list[list[str]]]:
    """Each command of the program, with the spellings of each of its options."""
    found: dict[str, list[list[str]]] = {}

    def collect(command: Any, name: str) -> None:
        inner = getattr(command, "commands", None)
        if inner is not None:
            for each in inner:
                collect(inner[each], f"{name} {each}".strip())
            return
        options = [[*one.opts, *one.secondary_opts] for one in command.params if one.param_type_name == "option"]
        found[name] = [spellings for spellings in options if "--help" not in spellings]

    collect(typer.main.get_command(app), "")
    return found


def test_lists_the_commands_of_the_program():
    assert sorted(documented_commands()) == sorted(offered_commands())


def test_lists_the_options_of_each_command():
    documented = documented_commands()
    wrong = {}
    for name, options in offered_commands().items():
        unmet = [spellings for spellings in options if not documented[name].intersection(spellings)]
        unknown = documented[name] - {spelling for spellings in options for spelling in spellings}
        if unmet or unknown:
            wrong[name] = (unmet, unknown)

    assert wrong == {}


def test_lists_the_error_codes():
    listed = re.search(r"`error\.code` is one of: (.+?)\.\n", section("One file"), re.DOTALL)

    assert listed is not None
    assert sorted(re.findall(r"`(\w+)`", listed[1])) == sorted(PERMANENT_ERRORS)


def test_shows_the_fields_of_a_file():
    example = section("One file").partition("```json\n")[2].partition("\n{")[0]
    bare = report.analyzed("a.wav", audio_facts(content_id(1)), analysis_facts(content_id(1)))
    written = analysis_facts(content_id(1), ai_provider="local", analyzed_at=datetime.now(UTC))
    more = {*report.analyzed("a.wav", audio_facts(content_id(1)), written)} - {*bare}

    assert set(json.loads(example)) == set(bare)
    assert [name for name in sorted(more) if f"`{name}`" not in section("One file")] == []


def test_columns_of_the_csv_are_fields_or_named():
    text = section("One file")

    assert [name for name in COLUMNS if f"`{name}`" not in text and f'"{name}"' not in text] == []


def test_lists_the_states():
    text = section("A batch")

    assert [state.value for state in [*State, *BatchStatus] if f"`{state.value}`" not in text] == []
