"""``show``: all that is known of one file."""

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from samplemind_cli import output
from samplemind_worker.errors import UsageError


def show(
    file: Annotated[
        str, typer.Argument(metavar="FILE_ID_OR_PATH", help="A file id, at least 6 digits of it, or a path.")
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show all that is known of one file."""
    from samplemind_cli import client  # noqa: PLC0415 -- slow import

    with client.open_record() as settings:
        file_id = client.find_file(file, settings)
        if file_id is None:
            rejection = client.rejection_of(Path(file), settings)
            if rejection is None and not client.exists(file):
                raise UsageError(f"{file} is no file, no id of one, and no place that the library knows")
            if rejection is None:
                raise UsageError(f"{file} is not in the library; `samplemind submit {shlex.quote(file)}` adds it")
            _print(rejection, as_json=as_json)
            raise typer.Exit(1)
        report = client.library_reports([file_id]).get(file_id)
        if report is None:
            raise UsageError(f"{file} is not analysed yet; `samplemind status` shows how its batch stands")
    _print(report, as_json=as_json)


def _print(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.emit(report)
        return
    values = {name: _in_words(value) for name, value in report.items() if name != "spectral_features"}
    values["metadata"] = [f"{name}: {_in_words(value)}" for name, value in report.get("metadata", {}).items()]
    values["stated"] = [_statement(one) for one in report.get("stated", ())]
    output.pairs(values | {name: _in_words(value) for name, value in report.get("spectral_features", {}).items()})


def _statement(one: dict[str, Any]) -> str:
    what = " ".join(str(_in_words(part)) for part in (one["value"], one["mode"]) if part is not None)
    verdict = "believed" if one["believed"] else "not believed"
    where = f" in {one['name']}" if one["name"] else ""
    return f"{one['about']} {what} by {one['source']} ({one['text']}{where}), {verdict}"


def _in_words(value: object) -> object:
    match value:
        case float():
            return f"{value:.4g}" if abs(value) < 1 else f"{value:.2f}"
        case dict():
            return ", ".join(f"{name} {_in_words(one)}" for name, one in value.items()) or None
        case [dict(), *_]:
            return [_in_words(one) for one in value]
        case [int() | float(), *_]:
            return ", ".join(str(_in_words(one)) for one in value)
        case _:
            return value
