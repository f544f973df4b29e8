"""``duplicates``: what it finds among real files that were analysed, and what it says of them."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile as sf
import soxr

from samplemind_worker.documents.analysis import Analysis
from samplemind_worker.documents.audio_file import AudioFile
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import mongo
from tests.chain import analyse
from tests.command import Cli
from training import signals

pytestmark = pytest.mark.services

RATE = 44100


def snare(seed: int = 1) -> npt.NDArray[np.float32]:
    return signals.snare(0.3, sr=RATE, seed=seed)


def write(path: Path, y: npt.NDArray[np.float32], *, subtype: str | None = "PCM_16", rate: int = RATE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Whole numbers, as libsndfile rounds floats in its own way for each format.
    samples = y if subtype is None else np.rint(32767.0 * y).astype(np.int16)
    sf.write(path, samples, rate, subtype=subtype)
    return path


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Copies of one snare by bytes, by audio and altered ones; another snare, and one file of silence."""
    folder = tmp_path / "library"
    original = write(folder / "kit/snare.wav", snare())
    os.utime(original, (1_000_000_000, 1_000_000_000))
    shutil.copy(original, folder / "kit/copy.wav")
    write(folder / "flac/snare.flac", snare())
    write(folder / "mp3/snare.mp3", 0.5 * snare(), subtype=None)
    write(folder / "other.wav", snare(2))
    write(folder / "silence.wav", np.zeros(4410, np.float32))
    return folder


def groups(cli: Cli, *options: str) -> list[dict[str, Any]]:
    code, out, _ = cli("duplicates", "--json", *options)
    assert code == 0
    return [json.loads(line) for line in out.splitlines()]


def names(group: dict[str, Any]) -> list[str]:
    return [Path(file["path"]).name for file in group["files"]]


def test_copies_by_bytes_and_by_audio_are_one_group(workspace: Workspace, library: Path, cli: Cli):
    analyse(workspace, library)
    [group] = groups(cli)
    assert (group["kind"], group["keep"]) == ("same_audio", f"{library}/kit/snare.wav")
    assert [(file["evidence"], file["keep"]) for file in group["files"]] == [
        ("", True),
        ("same bytes", False),
        ("same audio in FLAC and WAV", False),
    ]
    sizes = [(library / name).stat().st_size for name in ("kit/snare.wav", "kit/copy.wav", "flac/snare.flac")]
    assert (group["bytes"], group["frees"]) == (sum(sizes), sum(sizes[1:]))


def test_near_joins_altered_copies(workspace: Workspace, library: Path, cli: Cli):
    analyse(workspace, library)
    [group] = groups(cli, "--near")
    assert (group["kind"], names(group)) == ("near", ["snare.wav", "copy.wav", "snare.flac", "snare.mp3"])
    last = group["files"][-1]
    assert last["alike"] > 0.9
    assert re.match(rf"{last['alike']:.2f} alike: MP3, [56]\.\d dB quieter", last["evidence"])


def test_what_is_gone_is_no_duplicate(workspace: Workspace, library: Path, cli: Cli):
    analyse(workspace, library)
    shutil.rmtree(library / "flac")
    (library / "kit/copy.wav").unlink()
    analyse(workspace, library)
    assert groups(cli) == []
    assert [names(group) for group in groups(cli, "--near")] == [["snare.wav", "snare.mp3"]]
    (library / "kit/snare.wav").unlink()
    workspace.connect()  # a command closes the connection at its end
    analyse(workspace, library)
    assert groups(cli, "--near") == []


def test_links_take_no_space(workspace: Workspace, tmp_path: Path, cli: Cli):
    original = write(tmp_path / "library/a.wav", snare())
    (tmp_path / "library/hard.wav").hardlink_to(original)
    (tmp_path / "library/soft.wav").symlink_to(original)
    analyse(workspace, tmp_path / "library")
    [group] = groups(cli)
    assert (group["bytes"], group["frees"]) == (original.stat().st_size, 0)
    assert [(file["path"][-8:], file["linked"]) for file in group["files"]] == [
        ("ry/a.wav", False),
        ("hard.wav", True),
        ("soft.wav", True),
    ]
    assert [file["evidence"] for file in group["files"][1:]] == [
        "same bytes, and shares its space",
        "same bytes, and a link to it",
    ]
    assert cli("duplicates", "--paths0")[1] == ""


def test_paths_for_a_script_are_those_of_all_but_the_file_to_keep(workspace: Workspace, library: Path, cli: Cli):
    odd = library / "kit" / "new\nline.wav"
    shutil.copy(library / "kit/snare.wav", odd)
    analyse(workspace, library)
    code, out, _ = cli("duplicates", "--paths0")
    listed = {Path(path) for path in out.split("\0") if path}
    assert code == 0
    assert len(listed) == 3
    assert out.count("\0") == 3
    assert library / "kit/snare.wav" not in listed
    assert {library / "kit/copy.wav", library / "flac/snare.flac"} < listed


def test_the_best_format_is_kept(workspace: Workspace, tmp_path: Path, cli: Cli):
    folder = tmp_path / "library"
    write(folder / "a.ogg", snare(), subtype=None)
    write(folder / "b.wav", soxr.resample(snare(), RATE, 22050), rate=22050)
    os.utime(write(folder / "c.wav", snare()), (1_000_000_000, 1_000_000_000))
    write(folder / "d.wav", np.concatenate((np.zeros(500, np.float32), snare())))
    write(folder / "e.wav", snare()[:10000])
    write(folder / "f.wav", snare()[150:])
    analyse(workspace, folder)
    [group] = groups(cli, "--near")
    assert names(group)[0] == "c.wav"
    assert sorted(names(group)[1:]) == ["a.ogg", "b.wav", "d.wav", "e.wav", "f.wav"]
    assert {Path(file["path"]).name: file["evidence"].partition(": ")[2] for file in group["files"]}["d.wav"] == (
        "begins 11 ms later"
    )


def test_a_copy_of_a_higher_rate_is_no_better(workspace: Workspace, tmp_path: Path, cli: Cli):
    folder = tmp_path / "library"
    os.utime(write(folder / "original.wav", snare()), (1_000_000_000, 1_000_000_000))
    write(folder / "upsampled.wav", soxr.resample(snare(), RATE, 96000), rate=96000, subtype="PCM_24")
    write(folder / "low.wav", soxr.resample(snare(), RATE, 22050), rate=22050)
    raised = soxr.resample(soxr.resample(snare(), RATE, 22050), 22050, 48000)
    os.utime(write(folder / "raised.wav", raised, rate=48000), (900_000_000, 900_000_000))
    analyse(workspace, folder)
    [group] = groups(cli, "--near")
    assert names(group)[0] == "original.wav"
    assert sorted(names(group)[1:]) == ["low.wav", "raised.wav", "upsampled.wav"]


@pytest.mark.parametrize("cut", ["beginning", "end"])
def test_an_older_cut_copy_of_a_higher_rate_is_not_kept(workspace: Workspace, tmp_path: Path, cli: Cli, cut: str):
    whole = soxr.resample(snare(), RATE, 32000)
    write(tmp_path / "library/whole.wav", whole, rate=32000)
    part = snare()[110:] if cut == "beginning" else snare()[: round(0.15 * RATE)]
    os.utime(write(tmp_path / "library/part.wav", part, rate=RATE), (900_000_000, 900_000_000))
    analyse(workspace, tmp_path / "library")
    [group] = groups(cli, "--near")
    assert names(group) == ["whole.wav", "part.wav"]


def test_a_table_is_printed_with_the_space_that_is_free(workspace: Workspace, library: Path, cli: Cli):
    analyse(workspace, library)
    code, out, err = cli("duplicates")
    assert code == 0
    assert out.splitlines()[0].split() == ["group", "what", "size", "file", "why"]
    assert [line.split()[:2] for line in out.splitlines()[1:]] == [["1", "keep"], ["1", "copy"], ["1", "copy"]]
    assert "1 group of 3 files; keeping one of each would free" in err
    assert "Nothing was deleted" in err


def test_files_of_an_older_version_are_counted(workspace: Workspace, library: Path, cli: Cli):
    analyse(workspace, library)
    old = {"format": {"$in": ["FLAC", "MP3"]}}

    async def _forget() -> None:
        ids = [row["_id"] async for row in AudioFile.get_pymongo_collection().find(old)]
        await AudioFile.get_pymongo_collection().update_many(old, {"$unset": {"audio_hash": ""}})
        await Analysis.get_pymongo_collection().update_many({"_id": {"$in": ids}}, {"$unset": {"fingerprint": ""}})

    mongo.run(_forget())
    code, out, err = cli("duplicates", "--near", "--json")
    assert code == 0
    assert [names(json.loads(line)) for line in out.splitlines()] == [["snare.wav", "copy.wav"]]
    assert "2 files were analysed by an older version and compared by the bytes alone" in err


@pytest.mark.parametrize("options", [(), ("--near",)])
def test_an_empty_library_is_said_to_be_empty(workspace: Workspace, cli: Cli, options: tuple[str, ...]):
    assert workspace.settings
    code, out, err = cli("duplicates", *options)
    assert (code, out) == (0, "")
    assert "the library is empty" in err


def test_a_library_without_duplicates_says_how_many_files_were_compared(workspace: Workspace, tmp_path: Path, cli: Cli):
    write(tmp_path / "library/a.wav", snare())
    analyse(workspace, tmp_path / "library")
    code, out, err = cli("duplicates", "--near")
    assert (code, out) == (0, "")
    assert "no duplicates among 1 file" in err


@pytest.mark.parametrize(
    "options",
    [
        ("--json", "--paths0"),
        ("--threshold", "0.9"),
        ("--near", "--threshold", "1.1"),
        ("--near", "--threshold", "0.1"),
    ],
)
def test_options_that_make_no_sense_are_wrong_usage(cli: Cli, options: tuple[str, ...]):
    code, out, err = cli("duplicates", *options)
    assert (code, out, len(err.splitlines())) == (2, "", 1)


def test_a_record_that_is_away_ends_with_three(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAMPLEMIND_MONGODB_URL", "mongodb://%2Fnowhere.sock")
    code, out, err = cli("duplicates")
    assert (code, out) == (3, "")
    assert "MongoDB does not answer" in err
