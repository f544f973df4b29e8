"""The page of ``man samplemind``, from the same texts as ``--help``.

``python -m samplemind_cli.manual`` prints it, and ``hatch_build.py`` puts it into a wheel, below ``share/man/man1``.
It is written in the macros of man(7), which groff and mandoc read. Loads what ``--help`` loads, and nothing else.
"""

import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, Final

import typer

from samplemind_cli import examples
from samplemind_cli.app import app
from samplemind_cli.help_text import record_of

EXIT_CODES: Final = (
    ("0", "Done."),
    ("1", "Something failed, such as a file of a batch."),
    ("2", "The command line, or a setting, cannot be understood."),
    ("3", "A service does not answer, or something is missing on this machine."),
    ("130", "Interrupted by Ctrl-C."),
)
"""What a command returns."""

ENVIRONMENT: Final = (
    ("SAMPLEMIND_HOME", "The folder of the private services: the record, sockets, logs."),
    (
        "SAMPLEMIND_REDIS_URL, SAMPLEMIND_MONGODB_URL, SAMPLEMIND_CHROMA_URL",
        "Services of a deployment. Those that are not set are started on this machine, for this user alone.",
    ),
    ("SAMPLEMIND_ROOTS", "The folders that may be read, as name=path, separated by colons; by default any."),
    ("SAMPLEMIND_LOG_LEVEL", "DEBUG, INFO, WARNING or ERROR."),
    (
        "ANTHROPIC_API_KEY, GEMINI_API_KEY, OPENAI_API_KEY, OLLAMA_HOST",
        "Who may be asked for summaries; without any, they are written on this machine.",
    ),
    ("NO_COLOR", "If it is set, nothing is coloured."),
)
"""The variables that most users need; `samplemind config` lists all of them."""

FILES: Final = (
    ("~/.config/samplemind/samplemind.toml", "Your settings: a line such as concurrency = 4 for each one."),
    ("~/.local/share/samplemind", "The home of the private services, unless SAMPLEMIND_HOME names another folder."),
)
"""Where things lie on Linux."""

_LETTERS: Final = {"\\": r"\e", "-": r"\-", "'": r"\(aq", '"': r"\(dq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}


def page(of_version: str) -> str:
    """Return the manual page of this program, in the macros of man(7)."""
    group: Any = typer.main.get_command(app)
    with typer.Context(group, info_name="samplemind", **group.context_settings) as context:
        lines = [
            rf'.TH SAMPLEMIND 1 "" "samplemind {escaped(of_version)}" "User Commands"',
            ".SH NAME",
            rf"samplemind \- {escaped(_plain(group.help).rstrip('.'))}",
            ".SH SYNOPSIS",
            r".B samplemind",
            escaped("[OPTIONS] COMMAND [ARGUMENTS]"),
            ".SH DESCRIPTION",
            escaped(
                "Without a command, a menu opens on a terminal. Each command shows its part of this page with --help."
            ),
            ".SH OPTIONS",
            *_parameters(group, context),
            ".SH COMMANDS",
            *_commands(group, context),
            *_table("EXIT STATUS", EXIT_CODES),
            *_table("ENVIRONMENT", ENVIRONMENT),
            *_table("FILES", FILES),
        ]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Return text that roff prints as it is, on one line."""
    one_line = " ".join(text.split())
    letters = (_LETTERS.get(letter, letter if letter.isascii() else rf"\[u{ord(letter):04X}]") for letter in one_line)
    # A dot at the beginning of a line would make it a request.
    return "".join(letters) if not one_line.startswith(".") else r"\&" + "".join(letters)


def _plain(text: str | None) -> str:
    return (text or "").split("\n\n", 1)[0]


def _commands(group: Any, context: Any) -> Iterator[str]:
    for name, command in group.commands.items():
        with typer.Context(command, info_name=name, parent=context) as inner:
            if hasattr(command, "commands"):
                yield from _commands(command, inner)
                continue
            words = [inner.command_path, *command.collect_usage_pieces(inner)]
            yield f".SS {escaped(' '.join(words))}"
            for number, paragraph in enumerate((command.help or "").strip().split("\n\n")):
                if number:
                    yield ".PP"
                yield escaped(paragraph)
            yield from _parameters(command, inner)
            yield from _examples(inner.command_path.removeprefix("samplemind "))


def _parameters(command: Any, context: Any) -> Iterator[str]:
    """Yield arguments and options, each with its text, as `--help` shows them."""
    for parameter in command.get_params(context):
        record = record_of(parameter, context)
        if record is None or (context.parent is not None and parameter.name == "help"):
            continue
        name, text = record
        yield ".TP"
        yield rf"\fB{escaped(name)}\fR"
        yield escaped(text)


def _examples(name: str) -> Iterator[str]:
    given = examples.EXAMPLES.get(name)
    if given:
        yield ".PP"
        yield "Examples:"
        yield ".nf"
        yield ".RS 4"
        yield from (escaped(f"samplemind {each}") for each in given)
        yield ".RE"
        yield ".fi"


def _table(title: str, rows: tuple[tuple[str, str], ...]) -> Iterator[str]:
    yield f".SH {title}"
    for name, text in rows:
        yield ".TP"
        yield rf"\fB{escaped(name)}\fR"
        yield escaped(text)


if __name__ == "__main__":
    sys.stdout.write(page(version("samplemind")))
