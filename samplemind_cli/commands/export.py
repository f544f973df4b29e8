"""``export``: writes results as CSV, JSON or Parquet, in constant memory."""

import csv
import io
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated, Literal

import typer

from samplemind_cli import options, output, output_file, parquet
from samplemind_cli.options import AddedSince, AddedUntil, AnyBatch, read_times
from samplemind_cli.rows import COLUMNS, Report, csv_row
from samplemind_worker.errors import UsageError

Format = Literal["csv", "json", "parquet"]

_BY_SUFFIX: dict[str, Format] = {".json": "json", ".parquet": "parquet"}


def export(
    batch: AnyBatch = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="The whole library, instead of a batch.")] = False,
    file_format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="csv: a line per file, rounded; json: one array, every value; parquet: a typed table, with vectors. "
            "By default what -o ends in, or csv.",
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write to this file instead of stdout.",
            show_default=False,
            parser=options.path,
        ),
    ] = None,
    since: AddedSince = None,
    until: AddedUntil = None,
) -> None:
    """Write the results of a batch or of the library to a file.

    A batch has a row for each of its files, with its result or the reason why there is none; the library has one for
    each place where an analysed file lies now.
    """
    if everything == (batch is not None):
        raise UsageError("name a batch, or say --all for the whole library")
    if (since or until) and not everything:
        raise UsageError("--since and --until are for --all: a batch is exported whole")
    times = read_times(since, until)
    chosen = file_format or ("csv" if target is None else _BY_SUFFIX.get(target.suffix.lower(), "csv"))
    # Before the record is opened, which may take seconds.
    if target is not None:
        output_file.require_place_for(target)
    if chosen == "parquet":
        parquet.require_library()
        if target is None and output.on_terminal():
            raise UsageError("Parquet is no text for a terminal; name a file with -o")
    _export(batch, chosen, target, times)


def _export(
    batch: str | None, chosen: Format, target: Path | None, times: tuple[datetime | None, datetime | None]
) -> None:
    from samplemind_cli import client, library, record  # noqa: PLC0415 -- slow import
    from samplemind_worker.documents.report import analyzed, with_vector  # noqa: PLC0415 -- slow import

    report = with_vector if chosen == "parquet" else analyzed
    with record.open_record():
        if batch is None:
            since, until = times
            reports = library.results_of_all(report, since=since, until=until)
        else:
            reports = client.batch_results(client.listed(batch), report=report)
        if target is not None:
            with output_file.replacing(target) as file:
                _write_file(reports, chosen, file)
        elif chosen == "parquet":
            parquet.write(reports, output.BinaryStdout())
        else:
            _TEXT_WRITERS[chosen](reports, output.write, clean=output.on_terminal())


def _write_file(reports: Iterable[Report], chosen: Format, file: IO[bytes]) -> None:
    if chosen == "parquet":
        parquet.write(reports, file)
        return
    text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
    _TEXT_WRITERS[chosen](reports, text.write, clean=False)
    text.detach()  # flushes, and leaves the file open


def _write_json(reports: Iterable[Report], write: Callable[[str], object], *, clean: bool) -> None:
    del clean  # JSON is ASCII already
    separator = "[\n"
    for report in reports:
        write(separator + output.to_json(report))
        separator = ",\n"
    write("[]\n" if separator == "[\n" else "\n]\n")


class _Sink:
    def __init__(self, write: Callable[[str], object]) -> None:
        self.write = write


def _write_csv(reports: Iterable[Report], write: Callable[[str], object], *, clean: bool) -> None:
    writer = csv.writer(_Sink(write))
    writer.writerow(COLUMNS)
    for report in reports:
        row = csv_row(report)
        writer.writerow([output.clean(cell) for cell in row] if clean else row)


_TEXT_WRITERS = {"csv": _write_csv, "json": _write_json}
