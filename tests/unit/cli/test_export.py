import csv
import io
import json
from typing import Any

import pytest

from samplemind_cli.commands.export import _write_csv, _write_json
from samplemind_worker.documents.report import analyzed
from tests.factories import analysis_facts, audio_facts, content_id


def report(path: str = "kit/a.wav", **values: Any) -> dict[str, Any]:
    return analyzed(path, audio_facts(content_id(1)), analysis_facts(content_id(1), **values))


def test_csv_reads_back_as_it_was_written():
    written = io.StringIO()
    name = 'a "quoted", name\nin two lines.wav'

    _write_csv([report(name)], written.write, clean=False)

    rows = list(csv.DictReader(io.StringIO(written.getvalue(), newline="")))
    assert [row["path"] for row in rows] == [name]
    assert float(rows[0]["loudness_lufs"]) == -14.2


def test_csv_on_a_terminal_is_cleaned():
    written = io.StringIO()

    _write_csv([report("a\x1b[2J.wav")], written.write, clean=True)

    assert "\x1b" not in written.getvalue()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_is_one_array(count: int):
    written = io.StringIO()
    reports = [report(f"{number}.wav") for number in range(count)]

    _write_json(reports, written.write, clean=False)

    assert json.loads(written.getvalue()) == reports
