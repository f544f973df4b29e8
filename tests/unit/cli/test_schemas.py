"""The schemas of what commands print are whole, and are valid schemas themselves."""

import json
from typing import Any

import jsonschema
import pytest
import typer

from samplemind_cli.app import app, run
from samplemind_cli.schemas import DIALECT, OUTPUTS, objects, schema_of
from tests.schemas import closed, objects_in, printed


def commands_with_json() -> set[str]:
    found: set[str] = set()

    def collect(group: Any, before: str) -> None:
        for name, command in group.commands.items():
            whole = f"{before} {name}".strip()
            if hasattr(command, "commands"):
                collect(command, whole)
            elif any("--json" in each.opts for each in command.params):
                found.add(whole)

    collect(typer.main.get_command(app), "")
    return found


def test_every_command_with_json_has_a_schema():
    assert {*OUTPUTS} == commands_with_json() | {"export"}


@pytest.mark.parametrize("command", OUTPUTS)
def test_a_schema_is_valid_and_every_field_is_described(command: str):
    schema = schema_of(command)

    jsonschema.Draft202012Validator.check_schema(schema)
    assert (schema["$schema"], schema["$id"]) == (DIALECT, f"urn:samplemind:schema:{command.replace(' ', '-')}")
    assert schema["title"].startswith(f"samplemind {command} --")
    fields = [(name, field) for each in objects_in(schema) for name, field in each["properties"].items()]
    assert fields
    assert [name for name, field in fields if not field.get("description", "").endswith((".", "`."))] == []


def test_objects_have_names_of_their_own():
    # pydantic gives two types of one name the names of their modules, too.
    assert [name for name in objects() if "__" in name] == []


def test_the_command_prints_the_schema(capsys: pytest.CaptureFixture[str]):
    assert run(["schema", "roots", "move"]) == 0
    assert json.loads(capsys.readouterr().out) == schema_of("roots move")


def test_the_command_lists_what_there_is(capsys: pytest.CaptureFixture[str]):
    assert run(["schema"]) == 0
    rows = capsys.readouterr().out.splitlines()[1:]
    assert [row.split("  ")[0] for row in rows] == [*OUTPUTS]


def test_a_command_without_json_is_wrong_usage(capsys: pytest.CaptureFixture[str]):
    assert run(["schema", "flower"]) == 2
    assert "flower prints no JSON" in capsys.readouterr().err


@pytest.mark.parametrize("change", [{"more": 1}, {"places": "1"}, {"places": None}])
def test_what_is_not_as_the_schema_says_is_refused(change: dict[str, Any]):
    right = {"dry_run": True, "places": 0, "paths": [{"path": "/a", "places": 0, "already_gone": 0}]}

    assert printed("forget", json.dumps(right)) == [right]
    with pytest.raises(jsonschema.ValidationError):
        printed("forget", json.dumps(right | change))


def test_what_lacks_a_field_is_refused():
    with pytest.raises(jsonschema.ValidationError, match="'paths' is a required property"):
        printed("forget", json.dumps({"dry_run": True, "places": 0}))


def test_closed_goes_into_what_is_nested():
    schema = closed(schema_of("forget"))

    assert all(each["additionalProperties"] is False for each in objects_in(schema))
