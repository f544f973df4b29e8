"""Each command has two examples in its help, and they are read as command lines."""

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from samplemind_cli.app import app, run
from samplemind_cli.examples import EXAMPLES

GROUP: Any = typer.main.get_command(app)


def _commands(group: Any, *path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        yield " ".join((*path, name)), command
        if hasattr(command, "commands"):
            yield from _commands(command, *path, name)


COMMANDS: dict[str, Any] = dict(_commands(GROUP))


def test_every_command_has_examples():
    assert sorted(EXAMPLES) == sorted(COMMANDS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_read(name: str):
    assert len(set(EXAMPLES[name])) == 2
    for example in EXAMPLES[name]:
        words = shlex.split(example.removeprefix("--debug "))
        assert words[: len(name.split())] == name.split()
        command: Any = GROUP
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        command.make_context(name, words).close()


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_help_ends_with_them(name: str, capsys: pytest.CaptureFixture[str]):
    assert run([*name.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.endswith("\n  Examples:\n" + "".join(f"    samplemind {each}\n" for each in EXAMPLES[name]))
    assert run(["help", *name.split()]) == 0
    assert capsys.readouterr().out == shown
