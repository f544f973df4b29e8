"""The Typer app: the list of commands, and how they end.

It imports Typer and the commands only. Slow imports are inside the commands, so that ``--help`` is quick.
"""

import os
import re
import signal
import sys
import traceback
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any

import typer

from samplemind_cli import examples, exit_codes, output
from samplemind_cli.commands.analyze import analyze
from samplemind_cli.commands.backup import backup, restore
from samplemind_cli.commands.browse import browse
from samplemind_cli.commands.config import config
from samplemind_cli.commands.demo import demo
from samplemind_cli.commands.duplicates import duplicates
from samplemind_cli.commands.export import export
from samplemind_cli.commands.ingest import ingest, watch
from samplemind_cli.commands.kit import kit
from samplemind_cli.commands.library import library
from samplemind_cli.commands.logs import logs
from samplemind_cli.commands.match import match
from samplemind_cli.commands.organize import organize
from samplemind_cli.commands.places import forget, roots
from samplemind_cli.commands.processes import beat, exporter, flower, worker
from samplemind_cli.commands.reanalyze import plan, reanalyze
from samplemind_cli.commands.reindex import reindex
from samplemind_cli.commands.retry import cancel, pause, resume, retry
from samplemind_cli.commands.schema import schema
from samplemind_cli.commands.search import SearchCommand, search
from samplemind_cli.commands.services import doctor, down, up
from samplemind_cli.commands.show import show
from samplemind_cli.commands.similar import similar
from samplemind_cli.commands.slice import slice_file
from samplemind_cli.commands.status import files, status
from samplemind_cli.commands.stems import stems
from samplemind_cli.commands.submit import submit
from samplemind_cli.commands.summarize import summarize
from samplemind_cli.commands.tag import tag
from samplemind_cli.commands.user import user
from samplemind_cli.commands.web import web
from samplemind_cli.help_text import Command
from samplemind_worker.errors import PermanentError, ServiceUnavailableError, SetupError, UsageError
from samplemind_worker.text import suggestion

_QUICK = frozenset({"-h", "--help", "help", "-V", "--version"})
"""A command line with one of these words needs no settings."""

# Plain help: rich would double the time that it takes.
app = typer.Typer(
    name="samplemind",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_NAMES: dict[Any, str] = {slice_file: "slice"}
"""Commands whose functions have other names, as these are Python's own."""

for _command in (
    analyze, submit, status, files, retry, cancel, pause, resume, show, search, browse, similar, match, duplicates,
    library,
    plan, reanalyze, reindex, backup, restore,
    kit, slice_file, organize, stems, tag,
    summarize, export, ingest, watch, forget, web, demo, up, down, doctor, config, worker, beat, flower, exporter, logs,
    schema,
):  # fmt: skip
    _name = _NAMES.get(_command, _command.__name__)
    app.command(_name, epilog=examples.text_of(_name), cls=SearchCommand if _command in {search, browse} else Command)(
        _command
    )
app.add_typer(roots, name="roots")
app.add_typer(user, name="user")

_NO_CHOICE = re.compile("'([^']+)' is not one of (.+)")

_debug = False


@app.command("help", cls=Command, epilog=examples.text_of("help"))
def show_help(
    command: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND", help="A command.", show_default=False)
    ] = None,
) -> None:
    """Show how a command is used, or list the commands."""
    raise typer.Exit(run([*(command or ()), "--help"]))


@app.callback(invoke_without_command=True)
def _global_options(
    context: typer.Context,
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", "-V", help="Show the version and exit.")] = False,
) -> None:
    """Analyse audio samples: tempo, key, kind, timbre, likeness."""
    global _debug  # noqa: PLW0603 -- one command line a process
    _debug = debug
    if version:
        from importlib.metadata import version as version_of  # noqa: PLC0415 -- slow import

        output.write(f"samplemind {version_of('samplemind')}\n")
        raise typer.Exit
    if context.invoked_subcommand is None and not _open_menu():
        output.write(context.get_help() + "\n")


def _open_menu() -> bool:
    """Open the menu, if this is a terminal for it."""
    if not output.has_screen():
        return False
    from samplemind_cli import menu  # noqa: PLC0415 -- slow import

    menu.open_menu(run)
    return True


def main() -> None:
    """Run the command line and exit with its status."""
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        # A name that is no UTF-8, or that this terminal cannot show, must not end the command.
        stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue]
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Through an exception, so that child processes are ended and half-written files removed.
        signal.signal(number, _leave)
    sys.exit(run())


def _open_what_is_closed() -> None:
    """Open /dev/null for each standard stream that the caller closed (``>&-``), before another file gets its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 -- kept to the end


def _leave(number: int, _: object) -> None:
    raise SystemExit(128 + number)


def run(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code; an error is reported in one line."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        if given and not _QUICK & {*given}:
            _warn_of_unknown_settings()
        code = _whole_command().main(given, prog_name="samplemind", standalone_mode=False)
        output.flush()
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except Exception as error:  # noqa: BLE001 -- the edge of the program: reported in one line, or in full with --debug
        if _debug:
            for line in "".join(traceback.format_exception(error)).splitlines():
                output.note(line)
        message, code = _ending(error)
        output.note("samplemind: error: " + " ".join(message.split()))
    return code if isinstance(code, int) else 0


@cache
def _whole_command() -> Any:
    """Return the command with all that it knows: made once, as that takes longer than to run most of them."""
    return typer.main.get_command(app)


def _warn_of_unknown_settings() -> None:
    from config.settings import unknown_settings  # noqa: PLC0415 -- slow import

    for sentence in unknown_settings():
        output.note(f"samplemind: warning: {sentence}")


def _ending(error: Exception) -> tuple[str, int]:
    """Return the message for an error, and the exit code."""
    match error:
        case typer.TyperException():
            return _misuse(error), exit_codes.USAGE
        case UsageError():
            return str(error), exit_codes.USAGE
        case SetupError() | ServiceUnavailableError():
            return str(error), exit_codes.SERVICE
        case PermanentError():
            return f"{error.code}: {error}", exit_codes.FAILED
        case OSError():
            return f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""), exit_codes.SERVICE
        case _:
            return _bad_settings(error) or (
                f"{type(error).__name__}: {error} (`samplemind --debug` shows where)",
                exit_codes.FAILED,
            )


def _misuse(error: typer.TyperException) -> str:
    """Return the message for a wrong command line, with what may have been meant."""
    if options := getattr(error, "possibilities", None):
        return f"{error.message}. Did you mean {get_close_matches(error.message, options, n=1, cutoff=0.0)[0]!r}?"
    message = error.format_message().replace("Value error, ", "")
    if choice := _NO_CHOICE.search(message):
        message += suggestion(choice[1], re.findall("'([^']+)'", choice[2])).replace("; did", " Did")
    return message


def _bad_settings(error: Exception) -> tuple[str, int] | None:
    from config.sources import SettingsError  # noqa: PLC0415 -- slow import

    return (str(error), exit_codes.USAGE) if isinstance(error, SettingsError) else None


if __name__ == "__main__":
    main()
