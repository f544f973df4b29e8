from typing import Any

import pytest

from samplemind_cli.rows import COLUMNS, csv_row, neutral
from samplemind_worker.documents.report import analyzed, rejected
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
