"""`samplemind tag` over a recorded library: files, the record that follows them, and what is taken back."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mutagen
import pytest

from config.settings import get_settings
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.finding import entry
from samplemind_worker.interchange import undo
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import marks, places, results
from samplemind_worker.store.places import Place
from tests.command import Cli
from tests.factories import analysis_facts, audio_facts
from tests.unit.interchange.sounds import KINDS, sound

pytestmark = pytest.mark.services

_VECTOR = [0.5, 0.5, 0.5, 0.5]


@pytest.fixture
def home(workspace: Workspace, cli: Cli, chroma: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, a record and an index."""
    assert workspace
    assert chroma
    assert cli
    monkeypatch.setenv("SAMPLEMIND_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    return tmp_path / "home"


@pytest.fixture
def call(home: Path, workspace: Workspace, cli: Cli) -> Cli:
    """The command line; each command closes the connection to the record, which the test goes on to read."""
    assert home

    def _call(*arguments: str) -> tuple[int, str, str]:
        result = cli(*arguments)
        workspace.connect()
        return result

    return _call


def content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def opened(path: Path) -> Any:
    """Return a file as mutagen reads it, whose types depend on the format."""
    return mutagen.File(path)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def record(workspace: Workspace, paths: Sequence[Path], **facts: Any) -> None:
    """Record files as analysed, with vectors in the index."""
    values = {
        "kind": "one_shot", "kind_confidence": 0.9, "instrument": "kick", "instrument_confidence": 0.9,
        "pitch_midi": 33, "pitch_confidence": 0.9, "ai_summary": "A kick.", **facts,
    }  # fmt: skip
    contents = {content(path): path for path in paths}
    results.save_analyses(
        [
            (
                audio_facts(key, filename=path.name, file_size=path.stat().st_size),
                analysis_facts(
                    key, vector=_VECTOR, vector_version=VERSIONS["store"], versions=dict(VERSIONS), **values
                ),
            )
            for key, path in contents.items()
        ]
    )
    lying: list[Place] = []
    for path in paths:
        status = path.stat()
        lying.append(
            Place(
                str(path.parent),
                os.fsencode(path.name),
                content(path),
                status.st_size,
                status.st_mtime_ns,
                status.st_ctime_ns,
                settled=True,
            )
        )
    places.save(lying)
    workspace.vectors.upsert(dict.fromkeys(contents, _VECTOR))
    entry.build()
    entry.refresh(sorted(contents))


def library(folder: Path, kinds: Sequence[str] = KINDS) -> list[Path]:
    folder.mkdir()
    paths: list[Path] = []
    for number, kind in enumerate(kinds):
        path = folder / f"{number:04}.{'wav' if kind == 'rf64' else kind}"
        # Each file has bytes of its own behind the sound, and so a content of its own.
        path.write_bytes(sound(kind) + (b"\0junk%04d" % number if kind == "wav" else b""))
        paths.append(path)
    return paths


def at(path: Path) -> Place:
    found = places.at(str(path.parent), os.fsencode(path.name))
    assert found is not None
    return found


def test_files_are_tagged_the_record_follows_and_all_is_taken_back(
    home: Path, workspace: Workspace, call: Cli, tmp_path: Path
):
    folder = tmp_path / "library"
    paths = library(folder)
    record(workspace, paths)
    before, old = tree(folder), content(paths[0])
    marks.write([old], marks.Change({"mine": "Mine"}, frozenset(), frozenset(), frozenset()))
    code, out, err = call("tag", str(folder), "--to", "files", "--dry-run", "--json")
    assert (code, tree(folder), (home / "undo").exists()) == (0, before, False)
    assert {json.loads(line)["state"] for line in out.splitlines()} == {"written"}
    code, out, err = call("tag", str(folder), "--to", "files", "--json")
    assert (code, len(out.splitlines())) == (0, len(paths))
    assert "tag --undo" in err
    for path in paths:
        assert path.read_bytes() != before[path.name]
        place = at(path)
        assert (place.file_id, place.size) == (content(path), path.stat().st_size)
        facts = results.load([place.file_id])[place.file_id]
        assert (facts[0].file_size, facts[1].instrument, facts[1].versions) == (place.size, "kick", dict(VERSIONS))
    now = [content(path) for path in paths]
    assert workspace.vectors.ids() == set(now)
    assert results.load([old]) == {}
    assert [tag["name"] for tag in marks.of(now)[now[0]]["tags"]] == ["Mine"]
    code, out, _ = call("search", "--tag", "mine", "--json")
    assert [json.loads(line)["file_id"] for line in out.splitlines()] == [now[0]]
    # A second time changes nothing.
    after = tree(folder)
    code, out, _ = call("tag", str(folder), "--to", "files", "--overwrite", "--json")
    assert (code, tree(folder)) == (0, after)
    assert {json.loads(line)["state"] for line in out.splitlines()} == {"unchanged"}
    code, _, err = call("tag", "--undo", "last")
    assert (code, err.splitlines()[-1]) == (0, f"{len(paths)} files restored")
    assert tree(folder) == before
    assert [at(path).file_id for path in paths] == [content(path) for path in paths]
    assert workspace.vectors.ids() == {content(path) for path in paths}
    assert [tag["name"] for tag in marks.of([old])[old]["tags"]] == ["Mine"]
    assert call("tag", "--runs")[2].strip() == "there is no run that can be undone"


def test_files_that_must_not_be_written_are_left_one_line_each(
    home: Path, workspace: Workspace, call: Cli, tmp_path: Path
):
    folder = tmp_path / "library"
    paths = library(folder, ["wav", "wav", "wav", "flac"])
    record(workspace, paths[:3])
    changed = paths[0].read_bytes() + b"more"
    paths[0].write_bytes(changed)
    paths[1].chmod(0o444)
    code, _, err = call("tag", str(folder), "--to", "files")
    assert code == 1
    lines = [line for line in err.splitlines() if line.startswith("left: ")]
    assert [line.split(": ", 2)[1:] for line in lines] == [
        [str(paths[0]), "it has changed since it was analysed; `samplemind submit` takes it in again"],
        [str(paths[1]), "it is read-only"],
        [str(paths[3]), "it is not in the library; `samplemind submit` adds it"],
    ]
    assert (paths[0].read_bytes(), content(paths[2]), at(paths[2]).file_id) == (
        changed,
        at(paths[2]).file_id,
        content(paths[2]),
    )
    assert undo.runs(home)[0].changes == 1
    for arguments, reason in (
        (["nowhere.wav", "--to", "files"], "no such file or folder"),
        ([str(folder)], "say what is written"),
        (["--to", "files"], "name files, folders, a batch or a search"),
        ([str(folder), "--to", "m3u", "--overwrite"], "--overwrite is for --to files"),
        (["--undo", "1999"], "no run that can be undone"),
        (["last", "--to", "files"], "no batch"),
    ):
        code, _, err = call("tag", *arguments)
        assert (code, reason in err) == (2, True), err


def test_answers_below_the_confidence_are_not_written(home: Path, workspace: Workspace, call: Cli, tmp_path: Path):
    assert home
    folder = tmp_path / "library"
    [path] = library(folder, ["flac"])
    record(workspace, [path], instrument_confidence=0.6, pitch_confidence=0.6)
    assert call("tag", str(path), "--to", "files", "--min-confidence", "0.7")[0] == 0
    assert sorted(opened(path)) == ["comment", "replaygain_track_gain", "replaygain_track_peak"]
    assert call("tag", str(path), "--to", "files", "--key-notation", "camelot")[0] == 0
    assert opened(path)["root_note"] == ["A1"]


def test_a_link_to_a_file_of_the_library_is_followed(home: Path, workspace: Workspace, call: Cli, tmp_path: Path):
    assert home
    folder = tmp_path / "library"
    [path] = library(folder, ["flac"])
    link = folder / "0.flac"
    link.symlink_to(path)
    record(workspace, [link, path])
    assert call("tag", str(folder), "--to", "files")[0] == 0
    assert link.is_symlink()
    assert at(link).file_id == at(path).file_id == content(path)


def test_copies_and_sidecars_mirror_the_folder_and_leave_the_files(
    home: Path, workspace: Workspace, call: Cli, tmp_path: Path
):
    assert home
    folder = tmp_path / "library"
    paths = library(folder, ["wav", "flac"])
    record(workspace, paths)
    before, out = tree(folder), tmp_path / "out"
    assert call("tag", str(folder), "--to", "files", "--copy-to", str(out))[0] == 0
    assert {*tree(out)} == {path.name for path in paths}
    assert call("tag", str(folder), "--to", "json", "--copy-to", str(out))[0] == 0
    held = json.loads((out / "0000.wav.samplemind.json").read_bytes())
    assert (held["file_id"], held["instrument"]) == (content(paths[0]), "kick")
    code, printed, _ = call("tag", str(folder), "--to", "files", "--copy-to", str(out), "--json")
    assert [json.loads(line)["state"] for line in printed.splitlines()] == ["unchanged", "unchanged"]
    assert tree(folder) == before
    (out / "0001.flac").write_bytes(b"other")
    code, _, err = call("tag", str(folder), "--to", "files", "--copy-to", str(out))
    assert (code, "another file" in err) == (1, True)
    call("tag", "--undo", "last")
    call("tag", "--undo", "last")
    assert tree(out) == {"0001.flac": b"other"}


def test_lists_and_the_tags_of_live_are_written_for_a_search(
    home: Path, workspace: Workspace, call: Cli, tmp_path: Path
):
    assert home
    folder = tmp_path / "library"
    paths = library(folder, ["wav", "flac"])
    record(workspace, paths)
    before = tree(tmp_path)
    code, out, _ = call("tag", "--instrument", "kick", "--to", "m3u")
    assert (code, sorted(out.splitlines()[2::2])) == (0, sorted(map(str, paths)))
    code, _, _ = call("tag", str(folder), "--to", "rekordbox", "-o", "collection.xml")
    assert b'Entries="2"' in Path("collection.xml").read_bytes()
    code, _, _ = call("tag", str(folder), "--to", "ableton")
    [xmp] = folder.rglob("*.xmp")
    assert xmp.read_bytes().count(b"<rdf:li>Drums|Kick</rdf:li>") == 2
    written = xmp.read_bytes()
    assert call("tag", str(folder), "--to", "ableton")[0] == 0
    assert xmp.read_bytes() == written
    call("tag", "--undo", "last")
    call("tag", "--undo", "last")
    kept = {name: data for name, data in tree(tmp_path).items() if not name.startswith("home/")}
    assert kept == before


def test_a_killed_run_loses_nothing_and_the_next_one_goes_on(
    home: Path, workspace: Workspace, call: Cli, tmp_path: Path
):
    folder = tmp_path / "library"
    paths = library(folder, ["wav"] * 40)
    record(workspace, paths)
    kill_while_tagging(home, folder, rounds=3)
    check_killed(home, paths, call)


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_two_hundred_kills_lose_nothing_of_a_thousand_files(
    home: Path, workspace: Workspace, call: Cli, tmp_path: Path
):
    folder = tmp_path / "library"
    paths = library(folder, ["wav"] * 1000)
    record(workspace, paths)
    kill_while_tagging(home, folder, rounds=200)
    check_killed(home, paths, call)


def kill_while_tagging(home: Path, folder: Path, *, rounds: int, seed: int = 0) -> None:
    """Tag a folder, and kill the command after it has described a few changes, again and again."""
    command = [sys.executable, "-m", "samplemind_cli", "tag", str(folder), "--to", "files"]
    for number in range(rounds):
        described = changes(home)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and changes(home) < described + 1 + (number + seed) % 5:
                time.sleep(0.0005 * ((number + seed) % 7))
            process.send_signal(signal.SIGKILL)


def changes(home: Path) -> int:
    return sum(path.read_bytes().count(b'"replace"') for path in home.glob("undo/*/journal.jsonl"))


def check_killed(home: Path, paths: Sequence[Path], call: Cli) -> None:
    """Let the last run end, and take back all of them."""
    originals = {path: sound("wav") + b"\0junk%04d" % number for number, path in enumerate(paths)}
    folder = paths[0].parent
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".samplemind-")} == {
        path.name for path in paths
    }
    for path, before in originals.items():
        assert path.read_bytes() in (before, tagged_content(path, before))
    assert call("tag", str(folder), "--to", "files")[0] == 0
    assert {path.name for path in folder.iterdir()} == {path.name for path in paths}  # no draft is left
    for path, before in originals.items():
        assert path.read_bytes() == tagged_content(path, before)
        assert at(path).file_id == content(path)
    while undo.runs(home):
        assert call("tag", "--undo", "last")[0] == 0
    for path, before in originals.items():
        assert path.read_bytes() == before
        assert at(path).file_id == content(path)
        assert results.load([content(path)])


def tagged_content(path: Path, before: bytes) -> bytes:
    """Return the new content of a file, whose samples are those of the old one; any other content is no such file."""
    data = path.read_bytes()
    samples = sound("wav")[12:]
    return data if data != before and samples in data and opened(path).tags["TXXX:ROOT_NOTE"] == "A1" else before
