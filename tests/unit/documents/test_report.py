import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.settings import Settings
from samplemind_worker.documents import report
from samplemind_worker.pipeline.engine import judge, measure
from samplemind_worker.pipeline.signals import identify, limits, read_signal
from tests.factories import analysis_facts, audio_facts, content_id, write_audio
from training import signals

# The fields of "One file" in docs/contract.md that every report has.
FIELDS = [
    "path", "status", "file_id", "filename", "file_size", "duration", "sample_rate", "channels", "format", "subtype",
    "kind", "kind_confidence", "tempo", "tempo_confidence", "tempo_candidates", "time_signature",
    "key", "mode", "key_confidence", "key_candidates", "camelot", "chord", "chords", "tuning_cents",
    "pitch_midi", "pitch_note", "pitch_cents", "pitch_confidence", "instrument", "instrument_confidence",
    "loudness_lufs", "true_peak_dbtp", "peaks", "spectral_features", "provenance", "versions", "seconds",
]  # fmt: skip
KEYS = {"C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"}
INSTRUMENTS = {
    "kick", "snare", "clap", "rim", "hat_closed", "hat_open", "tom", "crash", "ride", "shaker", "cowbell", "perc",
    "bass", "synth", "piano", "guitar", "strings", "brass", "sax", "flute", "organ", "bell", "vocal", "voice",
    "ambience", "fx",
    "drum_loop", "music_loop", "song",
}  # fmt: skip
SAMPLES = {
    "music": lambda: signals.widen(signals.melodic_loop(9, "minor", 100.0)),
    "drums": lambda: signals.drum_loop(128.0),
    "kick": signals.kick,
    "strum": lambda: signals.strum([45, 52, 57, 60, 64], 2.0),
    "noise": lambda: signals.noise(1.0),
    "silence": lambda: signals.silence(1.0),
    "one sample": lambda: np.ones(1, np.float32),
    "clipped": lambda: np.ones(44100, np.float32),
}


@pytest.fixture(params=sorted(SAMPLES))
def printed(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """The report of a real file, as `--json` prints it."""
    path = write_audio(tmp_path / "sample.wav", SAMPLES[request.param]())
    with path.open("rb") as file:
        signal = read_signal(file, name=b"sample.wav", file_id=identify(file), limits=limits(Settings(_env_file=None)))
    return json.loads(json.dumps(report.analyzed("kit/sample.wav", *judge(measure(signal))), allow_nan=False))


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from numbers(one)
    elif isinstance(value, float):
        yield value


def test_report_has_every_field_of_the_contract(printed: dict[str, Any]):
    assert [name for name in FIELDS if name not in printed] == []


def test_report_numbers_are_finite_or_null(printed: dict[str, Any]):
    assert [number for number in numbers(printed) if not math.isfinite(number)] == []


def test_report_words_are_those_of_the_contract(printed: dict[str, Any]):
    assert printed["kind"] in {"one_shot", "loop", "track", None}
    assert printed["key"] in KEYS | {None}
    assert printed["mode"] in {"major", "minor", None}
    assert printed["instrument"] in INSTRUMENTS | {None}
    assert (printed["key"] is None) == (printed["mode"] is None)
    assert set(printed["provenance"]) <= {"tempo", "key"}


def test_report_of_candidates_is_objects_with_scores(printed: dict[str, Any]):
    assert {tuple(candidate) for candidate in printed["tempo_candidates"]} <= {("tempo", "score")}
    assert {tuple(candidate) for candidate in printed["key_candidates"]} <= {("key", "mode", "score")}


def test_report_of_a_strum_names_its_chord(tmp_path: Path):
    path = write_audio(tmp_path / "sample.wav", signals.strum([45, 52, 57, 60, 64], 2.0))
    with path.open("rb") as file:
        signal = read_signal(file, name=b"sample.wav", file_id=identify(file), limits=limits(Settings(_env_file=None)))
    audio, facts = judge(measure(signal))
    shown = report.analyzed("sample.wav", audio, facts)

    assert shown["kind"] == "one_shot"
    assert shown["chord"] == {
        "root": "A", "quality": "min", "bass": "A", "name": "Am", "confidence": facts.key_confidence,
    }  # fmt: skip
    assert (shown["key"], shown["mode"], shown["camelot"], shown["chords"]) == ("A", "minor", "8A", None)


def test_report_of_a_loop_has_its_chords_with_degrees(tmp_path: Path):
    path = write_audio(tmp_path / "sample.wav", signals.melodic_loop(9, "minor", 100.0))
    with path.open("rb") as file:
        signal = read_signal(file, name=b"sample.wav", file_id=identify(file), limits=limits(Settings(_env_file=None)))
    shown = report.analyzed("sample.wav", *judge(measure(signal)))

    assert (shown["key"], shown["mode"], shown["chord"]) == ("A", "minor", None)
    assert (shown["chords"][0]["name"], shown["chords"][0]["numeral"]) == ("Am", "i")
    times = [time for span in shown["chords"] for time in (span["start"], span["end"])]
    assert times == sorted(times)
    assert times[-1] <= shown["duration"]


def test_report_shows_what_was_measured():
    audio = audio_facts(content_id(1), tags=["warm"], metadata={"title": "Loop"}, warnings=["truncated"])
    analysis = analysis_facts(
        content_id(1),
        tempo_candidates=[{"tempo": 120.0, "score": 0.9}],
        time_signature=(4, 4),
        ai_tags=["dark", "warm"],
    )

    shown = report.analyzed("kit/loop_120.wav", audio, analysis)

    assert (shown["path"], shown["status"], shown["file_id"]) == ("kit/loop_120.wav", "analyzed", content_id(1))
    assert (shown["tempo"], shown["key"], shown["mode"], shown["kind"]) == (120.0, "A", "minor", "loop")
    assert shown["tempo_candidates"] == [{"tempo": 120.0, "score": 0.9}]
    assert list(shown["time_signature"]) == [4, 4]
    assert shown["tags"] == ["dark", "warm"]
    assert (shown["metadata"], shown["warnings"]) == ({"title": "Loop"}, ["truncated"])


def test_report_shows_texts_only_where_a_summary_was_written():
    audio = audio_facts(content_id(1))
    texts = {"ai_provider", "ai_model", "ai_summary", "production_tips", "creative_ideas", "fl_studio_recommendations"}

    without = report.analyzed("a.wav", audio, analysis_facts(content_id(1)))
    written = report.analyzed(
        "a.wav",
        audio,
        analysis_facts(content_id(1), ai_provider="local", ai_summary="A loop.", production_tips=["Cut."]),
    )

    assert texts & set(without) == set()
    assert {name: written[name] for name in texts} == {
        "ai_provider": "local",
        "ai_model": None,
        "ai_summary": "A loop.",
        "production_tips": ["Cut."],
        "creative_ideas": [],
        "fl_studio_recommendations": [],
    }


def test_report_of_a_recorded_analysis_says_when():
    moment = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)

    shown = report.analyzed("a.wav", audio_facts(content_id(1)), analysis_facts(content_id(1), analyzed_at=moment))

    assert shown["analyzed_at"] == "2026-11-22T10:00:00Z"


def test_report_does_not_show_the_vector():
    shown = report.analyzed("a.wav", audio_facts(content_id(1)), analysis_facts(content_id(1)))

    assert [name for name in shown if "vector" in name] == []


def test_report_of_a_rejected_file_is_its_path_and_error():
    assert report.rejected("kit/broken.wav", code="unreadable", message="cannot be decoded") == {
        "path": "kit/broken.wav",
        "status": "rejected",
        "error": {"code": "unreadable", "message": "cannot be decoded"},
    }
