"""``show``: what is known of one file."""

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from samplemind_cli import output
from samplemind_cli.card import print_card
from samplemind_worker.errors import UsageError


def show(
    file: Annotated[
        str, typer.Argument(metavar="FILE_ID_OR_PATH", help="A file id, at least 6 digits of it, or a path.")
    ],
    *,
    everything: Annotated[bool, typer.Option("--all", help="Every value of the record, as it stands there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what is known of one file."""
    from samplemind_cli import client  # noqa: PLC0415 -- slow import

    with client.open_record() as settings:
        file_id = client.find_file(file, settings)
        if file_id is None:
            rejection = client.rejection_of(Path(file), settings)
            if rejection is None:
                raise UsageError(_unknown(file))
            _print(rejection, everything=True, as_json=as_json)
            raise typer.Exit(1)
        report = client.library_reports([file_id]).get(file_id)
        if report is None:
            raise UsageError(f"{file} is not analysed yet; `samplemind status` shows how its batch stands")
    _print(report, everything=everything, as_json=as_json)


def _unknown(file: str) -> str:
    """Return what to say of a path that the library does not know."""
    from samplemind_cli import client  # noqa: PLC0415 -- slow import
    from samplemind_worker.steps.walk import AUDIO_SUFFIXES  # noqa: PLC0415 -- slow import

    if not client.exists(file):
        return f"{file} is no file, no id of one, and no place that the library knows"
    if Path(file).is_dir():
        return f"{file} is a folder; name one file of it"
    if Path(file).suffix.lower() not in AUDIO_SUFFIXES:
        return f"{file} is not in the library, and by its name it is no audio file"
    return f"{file} is not in the library; `samplemind submit {shlex.quote(file)}` adds it"


def _print(report: dict[str, Any], *, everything: bool, as_json: bool) -> None:
    if as_json:
        output.emit(report)
    elif everything:
        _print_everything(report)
    else:
        print_card(report)


def _print_everything(report: dict[str, Any]) -> None:
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
