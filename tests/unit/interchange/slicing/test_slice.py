"""The command, on real files, without any service."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from tests.command import Cli
from training import signals

RATE = 44_100


def sliced(cli: Cli, *options: str) -> dict[str, Any]:
    code, told, said = cli("slice", *options, "--json")
    assert code == 0, said
    return json.loads(told)


def loop() -> Any:
    y = signals.drum_loop(120.0, sr=RATE)[: 4 * RATE]
    return np.stack([y, 0.7 * np.roll(y, 40)], axis=1)


@pytest.mark.parametrize(
    ("name", "subtype", "how"),
    [
        ("a.wav", "PCM_16", ["--parts", "7"]),
        ("a.wav", "PCM_24", ["--beats", "0.5", "--bpm", "120"]),
        ("a.wav", "PCM_32", []),
        ("a.wav", "DOUBLE", ["--parts", "3"]),
        ("a.wav", "ULAW", ["--parts", "3"]),
        ("a.flac", "PCM_24", ["--bars", "1"]),
        ("a.aiff", "PCM_16", ["--parts", "3"]),
        ("a.ogg", "VORBIS", ["--parts", "5"]),
    ],
)
def test_slices_put_back_together_are_the_original(cli: Cli, tmp_path: Path, name: str, subtype: str, how: list[str]):
    sf.write(tmp_path / name, loop(), RATE, subtype)
    done = sliced(cli, name, *how)

    whole, _ = sf.read(tmp_path / name, dtype="float64")
    files = [tmp_path / "a slices" / each["file"] for each in done["slices"]]
    parts = [sf.read(path, dtype="float64")[0] for path in files]
    assert len(files) > 1
    assert np.array_equal(np.concatenate(parts), whole)
    assert {path.name for path in (tmp_path / "a slices").iterdir()} == {*[path.name for path in files], "slices.sfz"}
    if name == "a.wav":
        assert {sf.info(path).subtype for path in files} == {subtype}


def test_a_bar_of_a_loop_is_cut_by_its_tempo(cli: Cli, tmp_path: Path):
    sf.write(tmp_path / "a.wav", loop(), RATE)
    done = sliced(cli, "a.wav", "--bars", "1", "--dry-run")

    assert done["tempo"] == pytest.approx(120.0, abs=0.5)
    assert [round(each["start"] / RATE, 1) for each in done["slices"]] == [0.0, 2.0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav"]


def test_slices_carry_the_tags_of_their_source(cli: Cli, tmp_path: Path):
    for name in ("a.wav", "a.flac"):
        with sf.SoundFile(tmp_path / name, "w", RATE, 2, "PCM_16") as file:
            file.title, file.artist = "Break", "Nobody"
            file.write(loop())
        done = sliced(cli, name, "--parts", "2", "-o", f"{name} slices")
        for each in done["slices"]:
            with sf.SoundFile(tmp_path / f"{name} slices" / each["file"]) as file:
                assert (file.title, file.artist) == ("Break", "Nobody")


def test_the_sfz_plays_the_slices_in_order(cli: Cli, tmp_path: Path):
    sf.write(tmp_path / "a=b $1.wav", loop(), RATE)
    done = sliced(cli, "a=b $1.wav", "--parts", "3")

    lines = (tmp_path / "a=b $1 slices" / "slices.sfz").read_text().splitlines()
    assert [line for line in lines if line.startswith("sample=")] == [
        f"sample={each['file']}" for each in done["slices"]
    ]
    assert [line for line in lines if line.startswith("key=")] == ["key=36", "key=37", "key=38"]
    assert all("=" not in each["file"] and "$" not in each["file"] for each in done["slices"])


def test_names_follow_the_pattern_and_no_two_are_equal(cli: Cli, tmp_path: Path):
    sf.write(tmp_path / "a.wav", loop(), RATE)

    named = sliced(cli, "a.wav", "--parts", "2", "--pattern", "../{number}-{count}@{start}", "-o", "one")
    same = sliced(cli, "a.wav", "--parts", "3", "--pattern", "x", "-o", "two")

    assert [each["file"].partition("@")[0] for each in named["slices"]] == ["_01-2", "_02-2"]
    assert [each["file"] for each in same["slices"]] == ["x.wav", "x (2).wav", "x (3).wav"]


def test_cue_points_are_saved_in_the_file_and_taken_out_again(cli: Cli, tmp_path: Path):
    sf.write(tmp_path / "a.wav", loop(), RATE)
    before = (tmp_path / "a.wav").read_bytes()

    assert sliced(cli, "a.wav", "--parts", "4", "--to", "cues", "--dry-run")["undo"] is None
    assert (tmp_path / "a.wav").read_bytes() == before
    done = sliced(cli, "a.wav", "--parts", "4", "--to", "cues", "--loop")

    content = (tmp_path / "a.wav").read_bytes()
    assert content.count(b"Slice ") == 4
    at = content.index(b"cue ")
    assert struct.unpack_from("<I", content, at + 8) == (4,)
    assert done["loop"] is not None
    assert done["undo"] is not None
    assert sliced(cli, "a.wav", "--parts", "4", "--to", "cues", "--loop")["undo"] is None


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["none.wav"], 2, "no such file"),
        (["."], 2, "is a folder"),
        (["a.wav", "--parts", "2", "--bars", "1"], 2, "exclude each other"),
        (["a.wav", "--parts", "2", "--loop"], 2, "needs --to cues"),
        (["a.wav", "--parts", "2", "--pattern", "{nope}"], 2, "may hold"),
        (["a.wav", "--parts", "2", "--pattern", "{name"], 2, "may hold"),
        (["a.wav", "--parts", "2", "-o", "a.wav"], 2, "is there already"),
        (["text.wav", "--parts", "2"], 1, "text.wav"),
        (["empty.wav", "--parts", "2"], 1, "has no bytes"),
        (["empty.wav", "--parts", "2", "--to", "cues"], 1, "has no bytes"),
        (["a.flac", "--parts", "2", "--to", "cues"], 1, "WAV files alone"),
        (["read-only.wav", "--parts", "2", "--to", "cues"], 1, "read-only"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(cli: Cli, tmp_path: Path, options: list[str], code: int, told: str):
    for name in ("a.wav", "a.flac", "read-only.wav"):
        sf.write(tmp_path / name, loop()[:8820], RATE)
    (tmp_path / "read-only.wav").chmod(0o444)
    (tmp_path / "text.wav").write_text("no audio")
    (tmp_path / "empty.wav").touch()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}

    ended, out, said = cli("slice", *options)

    assert (ended, out) == (code, "")
    assert told in said
    assert len(said.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
