"""Writes results as Parquet: typed columns, unrounded values, and the vector of each sound.

It needs pyarrow, which is an extra because of its size.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from importlib import import_module
from io import RawIOBase
from typing import IO, Any, get_args, get_origin

from samplemind_cli.output import pages
from samplemind_cli.rows import COLUMNS, Report, values_of
from samplemind_worker.errors import SetupError

MORE_COLUMNS = (
    "reader", "warnings", "width", "character", "beats", "beats_in_loop", "peaks",
    "chord", "chords", "sections", "loop_points", "slices", "rhythm",
    "kind_audio", "tempo_audio", "key_audio", "mode_audio", "pitch_midi_audio", "instrument_audio",
    "vector",
)  # fmt: skip
"""The columns that follow those of the CSV."""

_ONLY_IN_TABLES = {
    "path": str,
    "status": str,
    "time_signature": str,
    "brightness": str,
    "centroid_hz": float,
    "descriptors": list[str],
    "skip_reason": str,
    "error_code": str,
    "error_message": str,
}
"""The types of the columns that the record has no field for, or not in this type."""

_PAGE = 500  # reports that are held as Python objects
_ROW_GROUP = 10_000  # rows that are compressed together; they are held in memory, without the lists of Python


def require_library() -> None:
    """Check that Parquet can be written.

    Raises
    ------
    SetupError
        If pyarrow is not installed.
    """
    try:
        import_module("pyarrow.parquet")
    except ImportError as error:
        raise SetupError(
            "Parquet needs pyarrow, which is not installed: `make parquet` in the project's folder adds it (170 MB)"
        ) from error


def write(reports: Iterable[Report], file: IO[bytes] | RawIOBase) -> None:
    """Write results as they come, one row group at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, _arrow_type(kind)) for name, kind in column_types().items()])
    batch_of = partial(pa.RecordBatch.from_pylist, schema=schema)
    batches = map(batch_of, pages(map(_row, reports), _PAGE))
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for group in pages(batches, _ROW_GROUP // _PAGE):
            writer.write_table(pa.Table.from_batches(group), row_group_size=_ROW_GROUP)


def column_types() -> dict[str, Any]:
    """Return each column, and the type of its values as the record declares it."""
    from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts  # noqa: PLC0415 -- slow import

    fields = AudioFacts.model_fields | AnalysisFacts.model_fields
    return {name: _ONLY_IN_TABLES.get(name) or fields[name].annotation for name in (*COLUMNS, *MORE_COLUMNS)}


def _arrow_type(kind: Any) -> Any:
    """Return the Arrow type for a Python type, which may be optional; a literal is a text, a model a structure."""
    import pyarrow as pa

    simple = {str: pa.string(), int: pa.int64(), float: pa.float64(), datetime: pa.timestamp("us", tz="UTC")}
    lists: dict[Any, Any] = {
        list[str]: pa.list_(pa.string()),
        list[int]: pa.list_(pa.int64()),
        list[float]: pa.list_(pa.float32()),
    }
    lists[list[float | None]] = pa.list_(pa.float64())
    maps = {dict[str, float | None]: pa.map_(pa.string(), pa.float64())}
    known = simple | lists | maps
    for each in (kind, *get_args(kind)):
        if each in known:
            return known[each]
        if hasattr(each, "model_fields"):
            return pa.struct([(name, _arrow_type(field.annotation)) for name, field in each.model_fields.items()])
        if get_origin(each) is list:
            return pa.list_(_arrow_type(get_args(each)[0]))
    return pa.string()


def _row(report: Report) -> Report:
    values = values_of(report)
    if values.get("time_signature") is not None:
        values["time_signature"] = "{}/{}".format(*values["time_signature"])
    if values.get("analyzed_at") is not None:
        values["analyzed_at"] = datetime.fromisoformat(values["analyzed_at"])
    return {name: values.get(name) for name in (*COLUMNS, *MORE_COLUMNS)}
