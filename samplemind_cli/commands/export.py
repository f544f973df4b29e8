"""``export``: results out, as CSV or JSON, in constant memory."""

import csv
import os
import re
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, TextIO

import typer

from samplemind_cli import options, output
from samplemind_cli.options import AnyBatch
from samplemind_worker.errors import SetupError, UsageError

Report = dict[str, Any]

COLUMNS = (
    "path", "status", "file_id", "filename", "file_size", "duration", "sample_rate", "channels", "format", "subtype",
    "kind", "kind_confidence", "tempo", "tempo_confidence", "time_signature",
    "key", "mode", "key_confidence", "camelot", "tuning_cents",
    "pitch_midi", "pitch_note", "pitch_cents", "pitch_confidence", "instrument", "instrument_confidence",
    "loudness_lufs", "true_peak_dbtp", "brightness", "centroid_hz", "descriptors", "tags",
    "ai_provider", "ai_summary", "production_tips", "creative_ideas",
    "fl_studio_recommendations", "ai_state", "ai_reason", "ai_model", "ai_task", "ai_prompt_version",
    "analyzed_at", "skip_reason", "error_code", "error_message",
)  # fmt: skip

_DIGITS = {
    "duration": 3,
    "kind_confidence": 2,
    "tempo": 2,
    "tempo_confidence": 2,
    "key_confidence": 2,
    "tuning_cents": 1,
    "pitch_cents": 1,
    "pitch_confidence": 2,
    "instrument_confidence": 2,
    "loudness_lufs": 1,
    "true_peak_dbtp": 1,
    "centroid_hz": 0,
}
"""Digits after the point of what is measured: more of them would only look exact. JSON keeps all."""

# https://owasp.org/www-community/attacks/CSV_Injection: what makes a spreadsheet read a text as a formula.
# Also within a cell, after what a spreadsheet may take for the end of one: it need not believe in commas and quotes.
_FORMULA = re.compile("^(?=[=+@\t\r\n＝＋－＠-])|(?<=[;\t\r\n])(?=[=+@＝＋－＠-])")  # noqa: RUF001 -- the full-width ones too


def export(
    batch: AnyBatch = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="The whole library, instead of a batch.")] = False,
    file_format: Annotated[
        Literal["csv", "json"] | None,
        typer.Option(
            "--format",
            help="csv: a line per file, rounded; json: one array, every value. By default what -o ends in, or csv.",
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
) -> None:
    """Write the results of a batch or of the library to a file.

    A batch has a row for each of its files, with its result or the reason why there is none; the library has one for
    each place where an analysed file lies now.
    """
    from samplemind_cli import client, library  # noqa: PLC0415 -- slow import

    if everything == (batch is not None):
        raise UsageError("name a batch, or say --all for the whole library")
    is_json = target is not None and target.suffix.lower() == ".json" if file_format is None else file_format == "json"
    write = _write_json if is_json else _write_csv
    with client.open_record():
        reports = library.results_of_all() if batch is None else client.batch_results(client.listed(batch))
        if target is None:
            write(reports, output.write, clean=output.on_terminal())
        else:
            with _replacing(target) as file:
                write(reports, file.write, clean=False)


@contextmanager
def _replacing(target: Path) -> Generator[TextIO]:
    """Open a file that takes the place of the target once it is written to its end."""
    real = Path(os.path.realpath(target))
    if real.exists() and not real.is_file():
        raise UsageError(f"{target} is no file that can be replaced; leave out -o to write to stdout")
    draft = real.with_name(f".{real.name[:200]}.{os.getpid()}.part")
    try:
        with draft.open("x", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(real)
    except OSError as error:
        raise SetupError(f"cannot write {target}: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


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


def csv_row(report: Report) -> list[str | int | float]:
    """Return a result's cells, in the order of `COLUMNS`; lists become one text."""
    error = report.get("error") or {}
    values = report | {"error_code": error.get("code"), "error_message": error.get("message")}
    if report["status"] == "analyzed":
        values |= _in_words(report)
    return [_cell(values.get(column), _DIGITS.get(column)) for column in COLUMNS]


def _in_words(report: Report) -> Report:
    """Return how bright a sound is for its kind, and what the local describer calls its noise, level and dynamics."""
    from samplemind_worker.describer.adjectives import in_words  # noqa: PLC0415 -- slow import
    from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts  # noqa: PLC0415 -- slow import

    # The report has their fields, by the same names.
    brightness, words = in_words(AudioFacts.model_validate(report), AnalysisFacts.model_validate(report))
    centroid = report["spectral_features"].get("centroid_hz", {}).get("mean")
    return {"brightness": brightness, "centroid_hz": centroid, "descriptors": list(words)}


def _cell(value: object, digits: int | None = None) -> str | int | float:
    match value:
        case None:
            return ""
        case float() if digits is not None:
            # A whole number without a point; and no -0.0.
            return round(value) if digits == 0 else round(value, digits) + 0.0
        case bool() | int() | float():
            return value
        case [int(beats), int(unit)]:
            return f"{beats}/{unit}"
        case list():
            return neutral("; ".join(map(str, value)))
        case _:
            return neutral(str(value))


def neutral(text: str) -> str:
    """Return a text that no spreadsheet reads as a formula."""
    return _FORMULA.sub("'", text)
