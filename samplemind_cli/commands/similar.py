"""``similar``: what sounds like a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samplemind_cli import output
from samplemind_worker.errors import PermanentError, ServiceUnavailableError, UsageError

if TYPE_CHECKING:
    from config.settings import Settings
    from samplemind_worker.store.vectors import Vectors

_MORE = 4  # times as many are asked for where too many of the nearest are gone


def similar(
    file: Annotated[
        str, typer.Argument(metavar="FILE_ID_OR_PATH", help="A file id, at least 6 digits of it, or any path.")
    ],
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to list.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """List what sounds most like a file, nearest first.

    The file need not be in the library.
    """
    from samplemind_cli import index, library, record, tables  # noqa: PLC0415 -- slow import

    with record.open_record() as settings:
        file_id, vector = _vector_of(file, settings)
        if vector is None:
            raise UsageError(f"{file} is silent, or too short to be compared")
        with index.open_vectors(settings) as vectors:
            health = index.require(vectors)
            near = _nearest(vectors, vector, limit, leave_out=file_id) if health.expected else []
        found = library.reports_of([near_id for near_id, _ in near])
        reports = [(round(distance, 6), found[near_id]) for near_id, distance in near if near_id in found]
    if as_json:
        for distance, report in reports:
            output.emit({"distance": distance, **report})
    else:
        rows = ((output.fixed(distance, 3), *tables.file_row(report, report["path"])) for distance, report in reports)
        output.table(("distance", *tables.FILE_COLUMNS), rows)
    if health.message:
        raise ServiceUnavailableError(health.message)


def _vector_of(file: str, settings: "Settings") -> tuple[str, list[float] | None]:
    from samplemind_cli import library  # noqa: PLC0415 -- slow import
    from samplemind_worker.documents.versions import VERSIONS  # noqa: PLC0415 -- slow import

    file_id = library.find_file(file, settings)
    if file_id is not None:
        analysis = library.analysis_of(file_id)
        if analysis is not None:
            if analysis.vector is None or analysis.vector_version == VERSIONS["store"]:
                return file_id, analysis.vector
            raise UsageError(f"{file} was analysed by an older version; `samplemind submit` its folder again")
    if not library.exists(file):
        if file_id is not None:
            raise UsageError(f"{file} is not analysed; `samplemind submit` its folder")
        raise UsageError(f"{file} is no file, no id of one, and no place that the library knows")
    if Path(file).is_dir():
        raise UsageError(f"{file} is a folder; name one file of it")
    from samplemind_worker.pipeline.analyze import analyze_file  # noqa: PLC0415 -- slow import

    try:
        audio, analysis = analyze_file(Path(file), settings)
    except PermanentError as error:
        raise type(error)(f"{error}: {file}") from error
    return audio.file_id, analysis.vector


def _nearest(vectors: "Vectors", vector: list[float], limit: int, *, leave_out: str) -> list[tuple[str, float]]:
    """Return the nearest contents that lie anywhere still.

    Of those that are gone Chroma knows nothing, so it is asked for more of them until there are enough, or no more.
    """
    from samplemind_cli import library  # noqa: PLC0415 -- slow import

    # One more, as a file of the library is its own nearest.
    asked = limit + 1
    while True:
        near = vectors.nearest(vector, limit=asked)
        living = library.living_among([content for content, _ in near]) - {leave_out}
        found = [pair for pair in near if pair[0] in living][:limit]
        if len(found) == limit or len(near) < asked:
            return found
        asked *= _MORE
