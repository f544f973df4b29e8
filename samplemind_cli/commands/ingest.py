"""``ingest`` and ``watch``: take sample packs from an inbox into the library."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samplemind_cli import options, output
from samplemind_cli.commands.submit import wait_for
from samplemind_worker.errors import ServiceUnavailableError

if TYPE_CHECKING:
    from config.settings import Settings
    from samplemind_worker.packs.report import Report


def ingest(
    inbox: Annotated[
        Path | None,
        typer.Argument(
            metavar="INBOX", help="The folder to take packs from.", show_default="SAMPLEMIND_INBOX", parser=options.path
        ),
    ] = None,
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until all that was taken is analysed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Take in sample packs from an inbox and analyse them.

    A pack is a zip, a folder or a single audio file.
    """
    from samplemind_cli import client, record  # noqa: PLC0415 -- slow import

    client.require_inbox(inbox)
    with record.open_record(for_work=True) as settings:
        report = client.ingest(settings, inbox, say=output.note)
        silent: ServiceUnavailableError | None = None
        try:
            _finish(report, settings, wait=wait)
        except KeyboardInterrupt:
            output.note("what was taken goes on; follow it with `samplemind status`")
            raise
        except ServiceUnavailableError as error:  # the packs that were taken are recorded
            silent = error
        _print(report, as_json=as_json)
    if silent is not None:
        raise silent
    raise typer.Exit(0 if report.is_clean else 1)


def watch(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="The folder to take packs from.", parser=options.path)
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each time.")] = False,
) -> None:
    """Take in what appears in a folder, until Ctrl-C."""
    from samplemind_cli import client, record  # noqa: PLC0415 -- slow import

    client.require_inbox(folder)
    with record.open_record(for_work=True) as settings:
        for report in client.watch(settings, folder, say=output.note):
            try:
                _finish(report, settings, wait=False)
            except ServiceUnavailableError as error:
                output.note(str(error))
            _print(report, as_json=as_json)
            output.flush()


def _print(report: "Report", *, as_json: bool) -> None:
    if as_json:
        output.emit(report.as_dict())
    else:
        output.write(report.as_text())


def _finish(report: "Report", settings: "Settings", *, wait: bool) -> None:
    """Queue the recorded batches, follow them if asked to, and write the report."""
    from samplemind_cli import client  # noqa: PLC0415 -- slow import

    client.keep_report(report, settings)
    if report.batches:
        client.dispatch(settings, report.batches[0])
    if wait:
        for batch_id in report.batches:
            wait_for(batch_id, settings)
        client.refresh_report(report)
        client.keep_report(report, settings)
