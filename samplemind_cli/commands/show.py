"""``show``: what is known of one file."""

from typing import Annotated, Any

import typer

from samplemind_cli import output
from samplemind_cli.card import print_card
from samplemind_worker.errors import UsageError

_MEASURED = ("character", "spectral_features")
"""Fields whose measures are shown one by one, after the others."""


def show(
    file: Annotated[
        str, typer.Argument(metavar="FILE_ID_OR_PATH", help="A file id, at least 6 digits of it, or a path.")
    ],
    *,
    everything: Annotated[bool, typer.Option("--all", help="Every value of the record, as it stands there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what is known of one file."""
    from samplemind_cli import library, record  # noqa: PLC0415 -- slow import
    from samplemind_worker.finding.reports import reports_of  # noqa: PLC0415 -- slow import

    with record.open_record() as settings:
        file_id = library.id_of(file)
        report = library.report_at(file, settings) if file_id is None else reports_of([file_id]).get(file_id)
        if report is None:
            raise UsageError(f"{file} is not analysed yet; `samplemind status` shows how its batch stands")
    analyzed = report["status"] == "analyzed"
    _print(report, everything=everything or not analyzed, as_json=as_json)
    if not analyzed:
        raise typer.Exit(1)
    if file_id is None and not library.exists(file):
        output.note(f"there is no file at {file} any more; `samplemind submit` its folder, or `samplemind forget` it")


def _print(report: dict[str, Any], *, everything: bool, as_json: bool) -> None:
    if as_json:
        output.emit(report)
    elif everything:
        _print_everything(report)
    else:
        print_card(report)


def _print_everything(report: dict[str, Any]) -> None:
    measures = report.get("character", {}) | report.get("spectral_features", {})
    values = {name: _in_words(value) for name, value in report.items() if name not in _MEASURED}
    values["metadata"] = [f"{name}: {_in_words(value)}" for name, value in report.get("metadata", {}).items()]
    values["stated"] = [_statement(one) for one in report.get("stated", ())]
    output.pairs(values | {name: _in_words(value) for name, value in measures.items()})


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
