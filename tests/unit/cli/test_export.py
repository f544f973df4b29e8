import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from samplemind_cli.commands.export import COLUMNS, _replacing, _write_csv, _write_json, csv_row, neutral
from samplemind_worker.documents.report import analyzed, rejected
from samplemind_worker.errors import SetupError, UsageError
from tests.factories import analysis_facts, audio_facts, content_id


def report(path: str = "kit/a.wav", **values: Any) -> dict[str, Any]:
    return analyzed(path, audio_facts(content_id(1)), analysis_facts(content_id(1), **values))


def cells(one: dict[str, Any]) -> dict[str, object]:
    return dict(zip(COLUMNS, csv_row(one), strict=True))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])  # noqa: RUF001 -- full width
def test_a_formula_is_neutralized(start: str):
    assert neutral(start + 'HYPERLINK("x")') == "'" + start + 'HYPERLINK("x")'


@pytest.mark.parametrize("separator", [";", "\t", "\n", "\r"])
def test_a_formula_after_a_separator_is_neutralized(separator: str):
    assert neutral(f"a{separator}=1+1") == f"a{separator}'=1+1"


@pytest.mark.parametrize("text", ["", "a=1.wav", "'x", "120 BPM", "a; -3 dB.wav", "a, -b.wav"])
def test_other_texts_stay(text: str):
    assert neutral(text) == text


def test_numbers_stay_numbers():
    row = cells(report("=1+2.wav", tuning_cents=-3.5, time_signature=(4, 4), pitch_midi=57, pitch_cents=-1.25))

    assert row["path"] == "'=1+2.wav"
    assert (row["loudness_lufs"], row["tuning_cents"], row["pitch_cents"]) == (-14.2, -3.5, -1.2)
    assert (row["tempo"], row["pitch_midi"], row["time_signature"]) == (120.0, 57, "4/4")


def test_numbers_are_rounded_to_what_they_mean():
    one = report(
        tempo=120.00491, tempo_confidence=0.90523, tuning_cents=-0.0012, pitch_cents=-1.2549, kind_confidence=1.0
    )
    one |= {"duration": 7.99954648, "loudness_lufs": -14.2049, "true_peak_dbtp": -0.0001}

    row = cells(one | {"spectral_features": {"centroid_hz": {"mean": 537.92, "std": 265.3}}})

    assert (row["tempo"], row["tempo_confidence"], row["kind_confidence"], row["duration"]) == (120.0, 0.91, 1.0, 8.0)
    assert (row["loudness_lufs"], row["pitch_cents"], row["centroid_hz"]) == (-14.2, -1.3, 538)
    assert [str(row[name]) for name in ("tuning_cents", "true_peak_dbtp")] == ["0.0", "0.0"]


def test_a_sound_has_its_brightness_and_descriptors():
    features = {"centroid_hz": {"mean": 537.9, "std": 1.0}, "flatness": {"mean": 0.05, "std": 0.0}}

    row = cells(report(kind_confidence=0.9, spectral_features=features))

    assert (row["brightness"], row["descriptors"]) == ("dark", "noisy; moderately loud; moderately dynamic")


def test_two_texts_are_no_time_signature():
    assert cells(report() | {"tags": ["-a", "b"]})["tags"] == "'-a; b"


def test_a_rejected_file_has_its_reason():
    row = cells(rejected("b.wav", code="unreadable", message="-- not a WAV"))

    assert (row["status"], row["error_code"], row["error_message"]) == ("rejected", "unreadable", "'-- not a WAV")
    assert {row[column] for column in COLUMNS if column not in {"path", "status", "error_code", "error_message"}} == {
        ""
    }


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


def test_target_is_replaced_at_the_end(tmp_path: Path):
    target = tmp_path / "out.csv"
    target.write_text("old")

    with _replacing(target) as file:
        file.write("new\udcff")
        assert target.read_text() == "old"

    assert target.read_text() == "new\\udcff"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_nothing_half_written_stays(tmp_path: Path):
    def write_half() -> None:
        with _replacing(tmp_path / "out.csv") as file:
            file.write("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_link_keeps_pointing_to_what_was_written(tmp_path: Path):
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    (tmp_path / "real.csv").write_text("old")

    with _replacing(tmp_path / "link.csv") as file:
        file.write("new")

    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "new"


def test_a_device_is_not_replaced():
    with pytest.raises(UsageError, match="no file that can be replaced"), _replacing(Path("/dev/null")):
        pass


def test_a_missing_folder_is_told(tmp_path: Path):
    with pytest.raises(SetupError, match=r"cannot write .*No such file"), _replacing(tmp_path / "no" / "out.csv"):
        pass
