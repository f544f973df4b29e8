"""The demonstration library: what it holds, and how it is written."""

import csv
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from samplemind_worker.demo import library, music, plan, sounds
from samplemind_worker.demo.library import Item
from samplemind_worker.errors import UsageError


def few() -> list[Item]:
    """Some items of several file types that are quickly made."""
    return [item for item in plan.items() if item.set in {"drums", "notes"} or item.path == "downloads/crack.flac"]


@pytest.fixture(scope="module")
def whole() -> dict[str, np.ndarray]:
    return {item.path: item.make() for item in plan.items()}


def test_every_sound_is_as_long_as_announced_and_neither_silent_nor_clipped(whole: dict[str, np.ndarray]):
    for item in plan.items():
        y = whole[item.path]
        assert len(y) == pytest.approx(item.seconds * item.sr, abs=1), item.path
        assert np.isfinite(y).all(), item.path
        assert 0.2 < np.abs(y).max() <= 1.0, item.path


def test_loops_are_whole_bars():
    for item in plan.items():
        if item.kind == "loop" and item.bpm is not None:
            bars = item.seconds * item.bpm / 240.0
            assert bars == pytest.approx(round(bars), abs=1e-9), item.path


def test_names_tell_neither_tempo_nor_key_nor_instrument():
    words = {word for item in plan.items() for word in re.split(r"[/_.\d]+", item.path) if word}

    assert words == {
        *("drum", "loops", "beat", "melodic", "phrase", "bass", "line", "pads", "swell"),
        *("drums", "hit", "notes", "note", "chords", "chord", "songs", "song"),
        *("downloads", "boom", "night", "rain", "crack"),
        *("wav", "flac", "ogg", "mp"),
    }


def test_a_loop_repeats_without_a_seam():
    loop = music.phrase(9, "minor", 120.0, voice="keys", style="halves", seed=1)

    steps = np.abs(np.diff(loop, axis=0))
    # What rings at the end goes on at the beginning: the step over the seam is no larger than those within.
    assert np.abs(loop[0] - loop[-1]).max() <= steps.max()


def test_what_rings_beyond_the_end_of_a_loop_rings_at_its_beginning():
    target = np.zeros(10)

    music.place(target, np.arange(1.0, 7.0), 7 / sounds.SR, 1.0)

    assert target.tolist() == [4.0, 5.0, 6.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("voice", sounds.VOICES)
@pytest.mark.parametrize("midi", [33, 60, 84])
def test_a_note_has_the_pitch_that_is_asked_for(voice: str, midi: int):
    y = sounds.note(midi, 1.5, voice)[: sounds.SR]

    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y)), 1 << 18))
    hz = np.fft.rfftfreq(1 << 18, 1.0 / sounds.SR)
    around = np.abs(hz / sounds.hertz(midi) - 1.0) < 0.03
    found = hz[around][np.argmax(spectrum[around])]
    assert 1200.0 * abs(np.log2(found / sounds.hertz(midi))) < 15.0  # cents


def test_it_is_written_with_its_labels(tmp_path: Path):
    items = few()

    assert library.write(tmp_path / "made", items) == len(items)

    with (tmp_path / "made" / library.MANIFEST).open(newline="") as lines:
        rows = {row["path"]: row for row in csv.DictReader(lines)}
    assert [*rows] == [item.path for item in items]
    assert rows["notes/note_02.wav"]["key_tonic"] == "A"
    for path, row in rows.items():
        assert sf.info(tmp_path / "made" / path).duration == pytest.approx(float(row["duration_s"]), abs=1e-4)
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_second_time_only_what_is_missing_is_written(tmp_path: Path):
    items = few()
    library.write(tmp_path, items)
    (tmp_path / "drums" / "hit_03.wav").unlink()
    own = tmp_path / "drums" / "mine.wav"
    own.write_bytes(b"mine")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}

    assert library.write(tmp_path, items) == 1
    assert library.write(tmp_path, items) == 0

    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert after.keys() - before.keys() == {tmp_path / "drums" / "hit_03.wav"}
    assert {path: after[path] for path in before} == before


def test_another_folder_is_left_alone(tmp_path: Path):
    (tmp_path / "song.wav").write_bytes(b"mine")

    with pytest.raises(UsageError, match="holds something else"):
        library.write(tmp_path, few())

    assert [path.name for path in tmp_path.iterdir()] == ["song.wav"]


def test_the_same_sounds_are_made_each_time(tmp_path: Path):
    for name in ("one", "two"):
        library.write(tmp_path / name, few())

    hashes = [
        {
            path.relative_to(tmp_path / name): hashlib.sha256(path.read_bytes()).digest()
            for path in (tmp_path / name).rglob("*.*")
        }
        for name in ("one", "two")
    ]
    assert hashes[0] == hashes[1]


def test_the_copies_are_copies(whole: dict[str, np.ndarray]):
    for copy, original, gain in (
        ("boom.wav", "drums/hit_01.wav", 1.0),
        ("night.flac", "melodic_loops/phrase_04.wav", 1.0),
        ("rain.ogg", "melodic_loops/phrase_02.wav", 1.0),
        ("crack.flac", "drums/hit_05.wav", 0.5),
    ):
        assert np.array_equal(whole[f"downloads/{copy}"], gain * whole[original]), copy
