"""Each command has two examples in its help, and they are read as command lines."""

import shlex
from typing import Any

import pytest
import typer

from samplemind_cli.app import app, run
from samplemind_cli.examples import EXAMPLES

COMMANDS: dict[str, Any] = {
    name: command
    for name, command in typer.main.get_command(app).commands.items()  # pyright: ignore[reportAttributeAccessIssue]
    if not hasattr(command, "commands")
}


def test_every_command_has_examples():
    # `beat` and `help` take nothing that an example could show.
    assert sorted(COMMANDS.keys() - EXAMPLES.keys() - {"beat", "help"}) == []
    assert sorted(EXAMPLES.keys() - COMMANDS.keys()) == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_read(name: str):
    for example in EXAMPLES[name]:
        first, *rest = shlex.split(example)
        assert first == name
        COMMANDS[name].make_context(name, rest).close()


def test_the_help_ends_with_them(capsys: pytest.CaptureFixture[str]):
    assert run(["search", "--help"]) == 0
    end = "\n  Examples:\n" + "".join(f"    samplemind {each}\n" for each in EXAMPLES["search"])
    assert capsys.readouterr().out.endswith(end)
