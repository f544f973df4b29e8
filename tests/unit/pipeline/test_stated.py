"""What is stated in real files, from their bytes and names to the report."""

import json
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from samplemind_worker.documents import report
from samplemind_worker.pipeline.analyze import analyze_file
from tests import chunks
from training import signals

SETTINGS = Settings(_env_file=None)
LOOP = signals.drum_loop(120.0, bars=4)


def analyzed(path: Path, data: bytes, *, stated_evidence: bool = True) -> dict[str, Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    settings = SETTINGS.model_copy(update={"stated_evidence": stated_evidence})
    found = report.analyzed(str(path), *analyze_file(path, settings))
    return json.loads(json.dumps(found, allow_nan=False))


@pytest.mark.parametrize(
    ("name", "data", "source"),
    [
        ("x.wav", chunks.riff(LOOP, [chunks.acid(tempo=120.0)]), "acid"),
        ("x.wav", chunks.riff(LOOP, [(b"id3 ", chunks.id3({"TBPM": "120"}))]), "id3"),
        ("x.wav", chunks.riff(LOOP, [], before=[chunks.info({b"IBPM": b"120"})]), "info"),
        ("x.aiff", chunks.aiff(LOOP, [chunks.basc(beats=16)]), "apple_loop"),
        ("x.mp3", chunks.id3({"TBPM": "120"}) + chunks.audio(LOOP, "MP3"), "id3"),
        ("x.flac", chunks.flac(LOOP, [("BPM", "120")]), "vorbis"),
        ("x.ogg", chunks.ogg(LOOP, [("TEMPO", "120")]), "vorbis"),
        ("x 120bpm.wav", chunks.riff(LOOP, []), "filename"),
        ("120 BPM/x.wav", chunks.riff(LOOP, []), "folder"),
    ],
)
def test_a_tempo_that_is_stated_and_heard_is_from_both(tmp_path: Path, name: str, data: bytes, source: str):
    found = analyzed(tmp_path / name, data)
    alone = analyzed(tmp_path / name, data, stated_evidence=False)

    assert found["tempo"] == pytest.approx(120.0, rel=1e-3)
    assert found["provenance"]["tempo"] == f"audio+{source}"
    assert found["tempo_confidence"] > alone["tempo_confidence"]
    assert [(one["about"], one["source"], one["believed"]) for one in found["stated"] if one["about"] == "tempo"] == [
        ("tempo", source, True)
    ]
    assert found["tempo_audio"] == alone["tempo"] == alone["tempo_audio"]
    assert (alone["provenance"], alone["stated"]) == ({"tempo": "audio"}, [])
    # What was read is in the record all the same.
    assert alone["metadata"] == found["metadata"]


def test_a_tempo_that_the_sound_contradicts_is_shown_and_not_believed(tmp_path: Path):
    found = analyzed(tmp_path / "Loop 97bpm.wav", chunks.riff(LOOP, [chunks.acid(tempo=97.0)]))

    assert found["tempo"] == pytest.approx(120.0, rel=1e-3)
    assert found["provenance"]["tempo"] == "audio"
    tempi = [
        (one["source"], one["value"], one["text"], one["believed"])
        for one in found["stated"]
        if one["about"] == "tempo"
    ]
    assert tempi == [("acid", 97.0, "97.0 BPM, 16 beats", False), ("filename", 97.0, "97bpm", False)]


def test_the_name_that_said_it_is_recorded(tmp_path: Path):
    found = analyzed(tmp_path / "Drum Loops" / "x 120bpm.wav", chunks.riff(LOOP, [chunks.acid(tempo=120.0)]))

    assert {one["source"]: one["name"] for one in found["stated"]} == {
        "acid": None,
        "filename": f"{tmp_path.name}/Drum Loops/x 120bpm.wav",
        "folder": f"{tmp_path.name}/Drum Loops/x 120bpm.wav",
    }


def test_a_name_says_the_mode_of_a_melodic_loop(tmp_path: Path):
    y = signals.melodic_loop(9, "minor", 120.0, bars=4)

    found = analyzed(tmp_path / "Pad_Am_120bpm.wav", chunks.riff(y, []))

    assert (found["key"], found["mode"], found["camelot"]) == ("A", "minor", "8A")
    assert found["provenance"] == dict.fromkeys(("tempo", "key", "instrument"), "audio+filename")


def test_genres_and_keywords_are_tags(tmp_path: Path):
    data = chunks.riff(signals.kick(), [], before=[chunks.info({b"IGNR": b"House", b"IKEY": b"dark; warm"})])

    assert analyzed(tmp_path / "x.wav", data)["tags"] == ["House", "dark", "warm"]


def test_damaged_tags_are_a_warning(tmp_path: Path):
    found = analyzed(tmp_path / "x.wav", chunks.riff(signals.kick(), [(b"acid", b"\0\1")]))

    assert (found["status"], found["warnings"]) == ("analyzed", ["tags_damaged"])


def test_of_silence_nothing_is_believed(tmp_path: Path):
    found = analyzed(tmp_path / "Loop Am 120bpm.wav", chunks.riff(signals.silence(8.0), [chunks.acid(tempo=120.0)]))

    assert (found["tempo"], found["key"], found["kind"], found["provenance"]) == (None, None, None, {})
    assert {one["believed"] for one in found["stated"]} == {False}


def test_a_name_that_is_no_utf_8_says_what_it_says(tmp_path: Path):
    path = Path(str(tmp_path), "caf\udce9 120bpm.wav")

    found = analyzed(path, chunks.riff(LOOP, []))

    assert found["filename"] == "caf\\xe9 120bpm.wav"
    assert found["provenance"]["tempo"] == "audio+filename"
