import io
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from samplemind_cli import parquet
from samplemind_cli.rows import COLUMNS
from samplemind_worker.documents.report import analyzed, rejected, with_vector
from tests.factories import analysis_facts, audio_facts, content_id

_ANALYZED_AT = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


def facts(**values: Any) -> tuple[Any, Any]:
    return audio_facts(content_id(1)), analysis_facts(content_id(1), analyzed_at=_ANALYZED_AT, **values)


def written(*reports: dict[str, Any]) -> pa.Table:
    file = io.BytesIO()
    parquet.write(iter(reports), file)
    return pq.read_table(io.BytesIO(file.getvalue()))


def test_values_keep_their_types_and_digits():
    values = {"tempo": 120.00491, "time_signature": (4, 4), "beats": [0.0, 0.5], "pitch_midi": 57, "beats_in_loop": 16}
    values["character"] = {"crest_db": 12.5, "glide": None}

    [row] = written(with_vector("kit/=a.wav", *facts(**values))).to_pylist()

    assert (row["path"], row["status"], row["file_size"], row["tempo"]) == (
        "kit/=a.wav",
        "analyzed",
        1_411_244,
        120.00491,
    )
    assert (row["time_signature"], row["beats"], row["pitch_midi"], row["beats_in_loop"]) == ("4/4", [0.0, 0.5], 57, 16)
    assert (row["analyzed_at"], row["vector"]) == (_ANALYZED_AT, [0.5, -1.0, 2.0])
    assert row["character"] == [("crest_db", 12.5), ("glide", None)]
    assert row["descriptors"] == ["moderately loud", "moderately dynamic"]


def test_the_vector_is_float32_and_a_time_has_a_zone():
    schema = written().schema

    assert schema.field("vector").type == pa.list_(pa.float32())
    assert schema.field("analyzed_at").type == pa.timestamp("us", tz="UTC")
    assert [schema.field(name).type for name in ("sample_rate", "tempo", "key")] == [
        pa.int64(),
        pa.float64(),
        pa.string(),
    ]


def test_a_rejected_file_has_its_reason_and_nothing_else():
    [row] = written(rejected("b.wav", code="unreadable", message="-- not a WAV")).to_pylist()

    assert {name: value for name, value in row.items() if value is not None} == {
        "path": "b.wav",
        "status": "rejected",
        "error_code": "unreadable",
        "error_message": "-- not a WAV",
    }


def test_no_results_are_an_empty_table():
    table = written()

    assert (table.num_rows, tuple(table.column_names)) == (0, (*COLUMNS, *parquet.MORE_COLUMNS))


def test_every_scalar_of_a_report_is_a_column():
    report = analyzed("a.wav", *facts(ai_provider="local"))
    scalars = {name for name, value in report.items() if not isinstance(value, (dict, list))}

    assert scalars - {*parquet.column_types()} == set()


def test_sections_and_rhythm_are_structures():
    sections = [{"start": 0.0, "end": 16.0, "label": "A", "kind": None, "energy": 0.5}]
    rhythm = {
        "swing": 1.5, "swing_unit": 16, "density": 2.0, "feel": "shuffled", "backbeat": None, "syncopation": 0.1,
        "groove": [0.5, None],
    }  # fmt: skip
    table = written(analyzed("a.wav", *facts(sections=sections, rhythm=rhythm)), analyzed("b.wav", *facts()))

    assert table["sections"].to_pylist() == [sections, None]
    assert table["rhythm"].to_pylist() == [rhythm, None]
    assert table["slices"].to_pylist() == [None, None]


@pytest.mark.parametrize("count", [1, 500, 10_001])
def test_rows_are_written_in_groups_and_in_their_order(count: int):
    file = io.BytesIO()

    parquet.write(({"path": f"{number}.wav", "status": "failed"} for number in range(count)), file)

    read = pq.ParquetFile(io.BytesIO(file.getvalue()))
    groups = [read.metadata.row_group(at).num_rows for at in range(read.num_row_groups)]
    assert groups == [10_000] * (count // 10_000) + ([count % 10_000] if count % 10_000 else [])
    assert read.read(["path"])["path"].to_pylist() == [f"{number}.wav" for number in range(count)]
