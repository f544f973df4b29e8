"""Organizing a real library, by the command; the record follows."""

import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from samplemind_worker.finding import entry
from samplemind_worker.interchange import changes, journal, undo
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import library as roots
from samplemind_worker.store import places, results
from samplemind_worker.store.places import Place
from tests.command import Cli
from tests.factories import analysis_facts, audio_facts, write_audio

pytestmark = pytest.mark.services

MOVED = ["A/Deep.wav", "B/deep.wav", "C/Hat.wav", "D/Long.wav"]


def add(path: Path, number: int, instrument: str) -> None:
    write_audio(path, np.full(100 + number, 0.1, np.float32))
    key = hashlib.sha256(path.read_bytes()).hexdigest()
    results.save_analyses(
        [(audio_facts(key, filename=path.name), analysis_facts(key, kind="one_shot", instrument=instrument, key=None))]
    )
    status = path.stat()
    root, relative = roots.locate(path, {})
    read = (key, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    places.save([Place(root, relative, *read, settled=True)])


@pytest.fixture
def library(workspace: Workspace, tmp_path: Path) -> Path:
    assert workspace.settings.database
    folder = tmp_path / "library"
    for number, name in enumerate(MOVED):
        add(folder / name, number, "hat_closed" if "Hat" in name else "kick")
    entry.build()
    entry.refresh_marked()
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAMPLEMIND_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def organize(cli: Cli, *options: str) -> list[dict[str, str]]:
    code, told, said = cli("organize", *options, "--json")
    assert code == 0, said
    return [json.loads(line) for line in told.splitlines()]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def recorded(workspace: Workspace) -> set[str]:
    workspace.connect()  # a command closes the connection of the process
    return {place.shown for page in places.by_path() for place in page}


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("how", ["link", "hardlink", "copy"])
def test_links_and_copies_leave_the_library_and_the_record_as_they_are(
    cli: Cli, workspace: Workspace, library: Path, tmp_path: Path, how: str
):
    before, known = tree(library), recorded(workspace)
    options = ("--into", "new", "--how", how)
    assert len(organize(cli, *options, "--dry-run")) == 4
    assert not (tmp_path / "new").exists()

    organize(cli, *options)

    made = tree(tmp_path / "new")
    assert set(made) == {
        "one_shot/kick/no key/Deep.wav", "one_shot/kick/no key/deep (2).wav", "one_shot/kick/no key/Long.wav",
        "one_shot/hat_closed/no key/Hat.wav",
    }  # fmt: skip
    assert sorted(made.values()) == sorted(before.values())
    assert {path.is_symlink() for path in (tmp_path / "new").rglob("*.wav")} == {how == "link"}
    assert (tree(library), recorded(workspace)) == (before, known)
    code, told, said = cli("organize", *options)
    assert (code, told) == (0, "")
    assert "4 there already" in said
    assert len(organize(cli, "--undo", "last")) == 4
    assert not (tmp_path / "new").exists()
    assert (tree(library), recorded(workspace)) == (before, known)


@pytest.mark.usefixtures("home")
def test_the_record_follows_files_that_are_moved_and_moved_back(
    cli: Cli, workspace: Workspace, library: Path, tmp_path: Path
):
    before, known = tree(library), recorded(workspace)

    done = organize(cli, "--into", "new", "--how", "move", "--pattern", "{instrument}/{name}")

    assert tree(library) == {}
    assert sorted(tree(tmp_path / "new").values()) == sorted(before.values())
    assert recorded(workspace) == {str(tmp_path / "new" / name) for name in tree(tmp_path / "new")}
    assert recorded(workspace) == {each["target"] for each in done}
    # Nothing has to be analysed again.
    code, told, _ = cli("search", "--instrument", "hat_closed", "--json")
    assert (code, json.loads(told)["path"]) == (0, str(tmp_path / "new" / "hat_closed" / "Hat.wav"))

    organize(cli, "--undo", "last")
    assert (tree(library), recorded(workspace)) == (before, known)


@pytest.mark.usefixtures("home")
def test_a_file_that_is_in_the_way_is_never_overwritten(cli: Cli, library: Path, tmp_path: Path):
    other = tmp_path / "new" / "HAT.WAV"
    other.parent.mkdir()
    other.write_bytes(b"precious")

    organize(cli, "--into", "new", "--how", "move", "--pattern", "{name}", "--path", str(library / "C"))

    assert set(tree(tmp_path / "new")) == {"HAT.WAV", "Hat (2).wav"}
    assert other.read_bytes() == b"precious"


@pytest.mark.usefixtures("home")
def test_a_file_that_changed_since_it_was_analysed_stays(cli: Cli, library: Path, tmp_path: Path):
    (library / "D" / "Long.wav").write_bytes(b"another sound")

    code, told, said = cli("organize", "--into", "new", "--how", "move", "--pattern", "{name}")

    assert (code, len(told.splitlines())) == (1, 3)
    assert "left 1 file: it is not on this machine, or has changed since it was analysed" in said
    assert set(tree(library)) == {"D/Long.wav"}
    assert "Long.wav" not in tree(tmp_path / "new")


@pytest.mark.usefixtures("home")
def test_files_in_a_bucket_are_counted_and_left(cli: Cli, library: Path, tmp_path: Path):
    for number in range(3):
        in_bucket(number)
    copied = hashlib.sha256((library / "A" / "Deep.wav").read_bytes()).hexdigest()
    places.save([Place("s3://sounds", b"lib/a copy.wav", copied, 1, 1, 1, settled=True)])
    entry.refresh_marked()

    code, told, said = cli("organize", "--into", "new", "--dry-run")
    assert (code, len(told.splitlines())) == (1, 4)
    assert "left 3 files: each lies in a bucket, where nothing is linked, copied or moved from" in said
    code, told, said = cli("organize", "--into", "new", "--json")

    assert (code, len(told.splitlines())) == (1, 4)
    assert said.count("left ") == 1
    assert "linked 4 files" in said
    assert len(tree(tmp_path / "new")) == 4
    # What was not asked for is none that is left.
    assert cli("organize", "--instrument", "hat_closed", "--into", "new")[0] == 0
    assert cli("organize", "--path", "s3://sounds", "--into", "other")[0] == 1
    assert not (tmp_path / "other").exists()


def in_bucket(number: int) -> None:
    key = hashlib.sha256(f"object {number}".encode()).hexdigest()
    facts = analysis_facts(key, kind="one_shot", instrument="snare", key=None)
    results.save_analyses([(audio_facts(key, filename=f"{number}.wav"), facts)])
    places.save([Place("s3://sounds", f"lib/{number}.wav".encode(), key, 1, 1, 1, settled=True)])


@pytest.mark.usefixtures("home")
def test_a_folder_that_cannot_be_written_is_told_and_the_rest_is_done(cli: Cli, library: Path, tmp_path: Path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "kick").write_text("a file where a folder should be")

    code, told, said = cli("organize", "--into", "new", "--pattern", "{instrument}/{name}")

    assert code == 1
    assert len(told.splitlines()) == 1
    assert said.count("left ") == 3
    assert set(tree(tmp_path / "new")) == {"kick", "hat_closed/Hat.wav"}
    assert len(tree(library)) == 4


@pytest.mark.usefixtures("library")
def test_only_its_own_runs_are_taken_back(cli: Cli, home: Path, tmp_path: Path):
    with journal.begin(home, command="tag a.wav") as run:
        run.link(tmp_path / "library", tmp_path / "other")

    code, _, said = cli("organize", "--undo", "last")

    assert (code, "no run that can be undone" in said) == (2, True)
    assert (tmp_path / "other").is_symlink()


@pytest.mark.usefixtures("library", "home")
def test_a_folder_that_cannot_be_made_is_named_and_no_file_is_blamed(cli: Cli, tmp_path: Path):
    code, told, said = cli("organize", "--into", "/proc/organized")
    assert (code, told, said.count("\n")) == (2, "", 1)
    assert "the folder /proc/organized cannot be made (" in said
    assert list(changes.folder_of_journals(tmp_path / "home").glob("*/command")) == []


_KILLED = """
import os, signal, sys
from pathlib import Path
from samplemind_cli import record
from samplemind_worker.finding.filters import Filter
from samplemind_worker.finding.query import Query
from samplemind_worker.interchange.organizing.organize import Wanted, carry_out, plan

def until_killed(steps):
    for number, step in enumerate(steps):
        if number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        yield step

with record.open_record() as settings:
    wanted = Wanted(Query(), Filter(), Path(sys.argv[1]), "{name}", "move")
    carry_out(until_killed(list(plan(wanted, settings))), wanted, settings, command="organize")
"""


@pytest.mark.usefixtures("home")
def test_a_run_that_is_killed_loses_nothing_and_the_next_one_finishes_it(
    cli: Cli, workspace: Workspace, library: Path, tmp_path: Path
):
    before = tree(library)
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path / "new")], check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    half = tree(tmp_path / "new")
    assert len(half) == 2
    assert len(tree(library)) == 2

    organize(cli, "--into", "new", "--how", "move", "--pattern", "{name}")

    assert sorted(tree(tmp_path / "new").values()) == sorted(before.values())
    assert recorded(workspace) == {str(tmp_path / "new" / name) for name in tree(tmp_path / "new")}
    organize(cli, "--undo", "last")
    [first] = [past.id for past in undo.runs(tmp_path / "home")]
    organize(cli, "--undo", first)
    assert tree(library) == before
    assert recorded(workspace) == {str(library / name) for name in before}


@pytest.mark.usefixtures("home", "library")
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "--into FOLDER"),
        (["--into", "new", "--pattern", "../{name}"], "leads out of its folder"),
        (["--into", "new", "--pattern", "{name.x}"], "may hold"),
        (["--into", "library/A/Deep.wav"], "is no folder"),
        (["--into", "new", "--bpm", "fast"], "--bpm"),
        (["--undo", "none"], "no run that can be undone"),
    ],
)
def test_wrong_usage_is_told_in_one_line(cli: Cli, options: list[str], told: str):
    code, out, said = cli("organize", *options)

    assert (code, out) == (2, "")
    assert told in said
    assert len(said.splitlines()) == 1
