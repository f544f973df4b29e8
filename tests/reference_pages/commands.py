"""commands.md: every command, its arguments, options, examples and exit codes."""

import inspect
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import typer

from samplemind_cli.app import app
from samplemind_cli.examples import EXAMPLES
from samplemind_cli.exit_codes import OF_COMMANDS
from samplemind_cli.help_text import VALUES
from tests.reference_pages.failures import exit_codes
from tests.reference_pages.markdown import code, head, joined, table, text


def page() -> str:
    """Return the page."""
    whole: Any = typer.main.get_command(app)
    sections = list(_commands(whole, ""))
    lines = head(
        "Commands",
        "What `samplemind COMMAND --help` says, on one page. What scripts may rely on is in `docs/contract.md`; the "
        "JSON that `--json` prints is in [json.md](json.md).",
        ", ".join(f"[{name}](#samplemind-{name.replace(' ', '-')})" for name, _ in sections),
    )
    lines += ["## Exit codes", "", *exit_codes()]
    lines += ["## Options of all commands", "", *_options([each for each in whole.params if not each.hidden])]
    for name, command in sections:
        lines += _section(name, command)
    return joined(lines)


def _commands(group: Any, before: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        whole = f"{before} {name}".strip()
        if hasattr(command, "commands"):
            yield from _commands(command, whole)
        else:
            yield whole, command


def _section(name: str, command: Any) -> list[str]:
    usage = " ".join(command.collect_usage_pieces(command.make_context(name, [], resilient_parsing=True)))
    lines = [f"## samplemind {name}", "", code(f"samplemind {name} {usage}".strip()), ""]
    lines += text(*inspect.cleandoc(command.help or "").split("\n\n"))
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    if arguments:
        lines += table(("argument", "what it is"), ((code(_argument(each)), each.help or "") for each in arguments))
    options = [each for each in command.params if each.param_type_name == "option" and not each.hidden]
    options = [each for each in options if "--help" not in each.opts]
    if options:
        lines += _options(options)
    for number, meaning in OF_COMMANDS.get(name, {}).items():
        lines += [f"Exit code {number}: {meaning}.", ""]
    if examples := EXAMPLES.get(name):
        lines += ["```console", *(f"$ samplemind {each}" for each in examples), "```", ""]
    return lines


def _argument(argument: Any) -> str:
    return (argument.metavar or argument.name).strip("[]").upper()


def _options(options: list[Any]) -> list[str]:
    return table(
        ("option", "value", "default", "what it does"),
        (
            (
                ", ".join(map(code, [*each.opts, *each.secondary_opts])),
                _value(each),
                _default(each),
                (each.help or "") + (" May be given several times." if each.multiple else ""),
            )
            for each in options
        ),
    )


def _value(option: Any) -> str:
    if option.is_flag:
        return "-"
    kind = option.type_descriptor.annotation
    if get_origin(kind) is Literal:
        return ", ".join(map(code, get_args(kind)))
    name = code(option.metavar or VALUES.get(getattr(kind, "__name__", ""), "TEXT"))
    low, high = option.min, option.max
    if low is None and high is None:
        return name
    return f"{name}, {'' if low is None else f'{low:g}'}..{'' if high is None else f'{high:g}'}"


def _default(option: Any) -> str:
    if isinstance(option.show_default, str):
        return code(option.show_default)
    if option.is_flag and option.secondary_opts:
        return code(option.opts[0] if option.default else option.secondary_opts[0])
    if option.is_flag or option.default in (None, "", ()):
        return "-"
    return code(f"{option.default:g}" if isinstance(option.default, float) else str(option.default))
