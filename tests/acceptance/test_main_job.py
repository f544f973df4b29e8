"""`submit --wait` over a folder with good, bad and duplicate files, and what can be asked afterwards."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from tests.acceptance.conftest import Command, Done
from training import signals

SR = 44100
GOOD = ("beat 120.wav", "chords.flac", "kick.wav", "snare.ogg", "silence.wav")
BAD = {"broken.wav": "unreadable", "empty.wav": "empty", "text.mp3": "unreadable"}
LEFT_OUT = {".hidden.wav": "hidden", "._beat 120.wav": "hidden", "readme.txt": "not_audio_type"}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five contents, one of them twice, three files that cannot be read, three that are no audio."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "loops").mkdir()
    beat = signals.drum_loop(120.0, bars=2, sr=SR)
    sf.write(folder / "beat 120.wav", beat, SR)
    sf.write(folder / "copy of beat.wav", beat, SR)
    sf.write(folder / "chords.flac", signals.melodic_loop(9, "minor", 100.0, bars=4, sr=SR), SR)
    sf.write(folder / "kick.wav", signals.kick(sr=SR), SR)
    sf.write(folder / "loops" / "snare.ogg", signals.snare(sr=SR), SR)
    sf.write(folder / "silence.wav", np.zeros(SR, np.float32), SR)
    (folder / "broken.wav").write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(8))
    (folder / "empty.wav").touch()
    (folder / "text.mp3").write_text("this is no music\n" * 50, encoding="utf-8")
    for name in LEFT_OUT:
        (folder / name).write_bytes(b"x")
    return folder


@pytest.fixture(scope="module")
def first(samplemind: Command, library: Path) -> Done:
    return samplemind("submit", library, "--wait", "--json")


def names(lines: list[dict[str, Any]]) -> set[str]:
    return {line["path"].rsplit("/", 1)[-1] for line in lines}


def test_submit_wait_counts_every_file(first: Done) -> None:
    batch = first.object

    assert first.code == 1
    assert batch["status"] == "completed"
    counts = ("completed", "failed", "skipped", "cancelled", "pending", "running")
    assert {name: batch[name] for name in counts} == {
        "completed": 6,
        "failed": 3,
        "skipped": 3,
        "cancelled": 0,
        "pending": 0,
        "running": 0,
    }
    assert batch["total_files"] == 12
    assert sum(batch["errors"].values()) == 3


def test_status_agrees_with_what_submit_said(samplemind: Command, first: Done) -> None:
    asked = samplemind("status", first.object["batch_id"], "--json")

    assert asked.object == first.object
    assert asked.code == 1


def test_failed_files_have_code_and_message(samplemind: Command, first: Done) -> None:
    failed = samplemind("files", first.object["batch_id"], "--state", "failed", "--json").lines

    assert names(failed) == set(BAD)
    codes = {line["path"].rsplit("/", 1)[-1]: line["error"]["code"] for line in failed}
    assert codes["empty.wav"] == "empty"
    assert {codes["broken.wav"], codes["text.mp3"]} <= {"unreadable", "not_audio"}
    assert all(line["error"]["message"] for line in failed)


def test_skipped_files_say_why(samplemind: Command, first: Done) -> None:
    skipped = samplemind("files", first.object["batch_id"], "--state", "skipped", "--json").lines

    assert {line["path"].rsplit("/", 1)[-1]: line["skip_reason"] for line in skipped} == LEFT_OUT


@pytest.mark.usefixtures("first")
def test_show_by_path_and_by_id_agree(samplemind: Command, library: Path) -> None:
    by_path = samplemind("show", library / "beat 120.wav", "--json").object
    by_id = samplemind("show", by_path["file_id"][:12], "--json").object

    assert by_path["kind"] == "loop"
    assert by_path["tempo"] == pytest.approx(120.0, rel=0.01)
    assert by_path["ai_provider"] == "local"
    assert by_path["ai_summary"]
    assert by_id["file_id"] == by_path["file_id"]


@pytest.mark.usefixtures("first")
def test_silence_has_no_tempo_key_or_neighbours(samplemind: Command, library: Path) -> None:
    silence = samplemind("show", library / "silence.wav", "--json").object
    neighbours = samplemind("similar", library / "silence.wav", "--json")

    assert silence["tempo"] is None
    assert silence["key"] is None
    assert neighbours.code == 2
    assert len(neighbours.err.strip().splitlines()) == 1


@pytest.mark.usefixtures("first")
def test_similar_finds_what_sounds_alike(samplemind: Command, library: Path) -> None:
    found = samplemind("similar", library / "kick.wav", "--limit", "3", "--json").lines

    assert len(found) == 3
    assert names(found).isdisjoint({"silence.wav", *BAD})


def test_export_holds_every_result(samplemind: Command, first: Done, tmp_path: Path) -> None:
    batch = first.object["batch_id"]
    table = tmp_path / "results.csv"

    exported = samplemind("export", batch, "--format", "csv", "-o", table)
    as_json = samplemind("export", batch, "--format", "json")

    rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))
    assert exported.code == 0
    assert {row["status"] for row in rows} >= {"analyzed", "rejected"}
    assert {row["path"].rsplit("/", 1)[-1] for row in rows} >= {*GOOD, *BAD}
    assert len(json.loads(as_json.out)) == len(rows)
    assert sorted(tmp_path.iterdir()) == [table]


@pytest.mark.usefixtures("first")
def test_submit_again_analyses_nothing(samplemind: Command, library: Path) -> None:
    before = samplemind("show", library / "chords.flac", "--json").object

    again = samplemind("submit", library, "--wait", "--json").object
    after = samplemind("show", library / "chords.flac", "--json").object

    assert (again["completed"], again["failed"], again["skipped"]) == (0, 3, 9)
    assert after["analyzed_at"] == before["analyzed_at"]


@pytest.mark.usefixtures("first")
def test_force_analyses_again(samplemind: Command, library: Path) -> None:
    before = samplemind("show", library / "chords.flac", "--json").object

    again = samplemind("submit", library / "chords.flac", "--wait", "--json", "--force").object
    after = samplemind("show", library / "chords.flac", "--json").object

    assert (again["completed"], again["total_files"]) == (1, 1)
    assert after["analyzed_at"] > before["analyzed_at"]
    assert after["tempo"] == before["tempo"]


def test_retry_runs_the_failed_files_only(samplemind: Command, library: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mended"
    folder.mkdir()
    (folder / "a.wav").write_bytes((library / "kick.wav").read_bytes())
    (folder / "b.wav").write_bytes(b"")
    batch = samplemind("submit", folder, "--wait", "--json").object
    sf.write(folder / "b.wav", signals.clap(sr=SR), SR)

    retried = samplemind("retry", batch["batch_id"])
    ended = samplemind("status", batch["batch_id"], "--watch", "--json")

    assert retried.code == 0
    after = json.loads(ended.out.splitlines()[-1])
    assert (after["failed"], after["completed"], after["status"]) == (0, batch["completed"] + 1, "completed")


@pytest.mark.usefixtures("first")
def test_strictly_one_file_a_chain_gives_the_same(samplemind: Command, library: Path) -> None:
    one_by_one = samplemind("submit", library, "--wait", "--json", "--force", "--files-per-chain", "1").object

    assert (one_by_one["completed"], one_by_one["failed"], one_by_one["skipped"]) == (6, 3, 3)


@pytest.mark.parametrize("make", ["missing", "empty folder", "no audio"])
def test_submit_of_nothing_is_wrong_usage(fresh_command: Any, tmp_path: Path, make: str) -> None:
    folder = tmp_path / "folder"
    if make != "missing":
        folder.mkdir()
    if make == "no audio":
        (folder / "notes.txt").write_text("x", encoding="utf-8")
    command = fresh_command()

    done = command("submit", folder, "--wait")

    assert done.code == 2
    assert done.out == ""
    assert len(done.err.strip().splitlines()) == 1
    assert str(folder) in done.err
    assert not command.home.exists()
