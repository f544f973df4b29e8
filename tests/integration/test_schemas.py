"""What each command prints with ``--json`` on a real library is as its schema says, with no field more or less."""

import io
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from config.settings import get_settings
from samplemind_cli.schemas import OUTPUTS
from samplemind_worker.pipeline.workspace import Workspace
from tests import chain
from tests.command import Cli
from tests.factories import write_audio
from tests.schemas import printed
from training import signals

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("chroma", "home")]

LOOP, KICK, COPY, CHORD, BROKEN = (
    "loop_120.wav",
    "drums/kick.wav",
    "drums/kick copy.wav",
    "keys/chord.wav",
    "broken.wav",
)


@pytest.fixture
def home(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    assert cli
    monkeypatch.setenv("SAMPLEMIND_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of several kinds, one of them twice, and one that is broken."""
    there = tmp_path / "library"
    for name, samples in (
        (LOOP, signals.drum_loop(120.0, bars=2)),
        (KICK, signals.kick()),
        (CHORD, signals.strum([57, 60, 64], 1.5)),
    ):
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        write_audio(there / name, samples)
    shutil.copy(there / KICK, there / COPY)
    (there / BROKEN).write_bytes(b"RIFF\0\0\0\0WAVEfmt " + os.urandom(64))
    (there / "notes.txt").write_text("no sound")
    return there


@pytest.fixture
def library(workspace: Workspace, folder: Path) -> Path:
    """The files, analysed."""
    report = chain.analyse(workspace, folder)
    assert (report["completed"], report["failed"], report["skipped"]) == (4, 1, 1)
    return folder


def told(cli: Cli, *arguments: str, ends: int = 0) -> list[Any]:
    """What a command prints, checked with its schema."""
    command = next(name for length in (2, 1) if (name := " ".join(arguments[:length])) in OUTPUTS)
    code, out, err = cli(*arguments, *(("--format", "json") if command == "export" else ("--json",)))
    assert code == ends, err
    return printed(command, out)


def test_questions_about_a_library(library: Path, cli: Cli):
    kick, loop = str(library / KICK), str(library / LOOP)

    assert len(told(cli, "status")) == 1
    (batch,) = told(cli, "status", "last", ends=1)
    assert (batch["failed"], sum(batch["errors"].values())) == (1, 1)
    states = sorted(each["state"] for each in told(cli, "files", "last"))
    assert states == ["completed", "completed", "completed", "completed", "failed", "skipped"]
    assert told(cli, "show", loop)[0]["status"] == "analyzed"
    assert told(cli, "show", str(library / BROKEN), ends=1)[0]["status"] == "rejected"
    assert told(cli, "search", "kick")
    assert {each["status"] for each in told(cli, "export", "last")} == {"analyzed", "rejected", "skipped"}
    assert len(told(cli, "export", "--all")) == 4
    assert told(cli, "similar", kick)
    assert told(cli, "similar", kick, "--explain", "--copies")[0]["aspects"]
    assert told(cli, "match", "--bpm", "120")
    (group,) = told(cli, "duplicates")
    assert group["kind"] == "same_bytes"
    assert told(cli, "library")[0]["contents"] == 3
    assert told(cli, "plan", "--force")[0]["contents"] == 3
    assert told(cli, "reindex")[0]["vectors"] == 3


@pytest.mark.usefixtures("workspace")
def test_an_empty_library(cli: Cli):
    assert told(cli, "status") == []
    assert told(cli, "search", "kick") == []
    assert told(cli, "match", "--key", "Am") == []
    assert told(cli, "duplicates") == []
    assert told(cli, "library")[0]["contents"] == 0
    assert told(cli, "plan")[0]["contents"] == 0
    assert told(cli, "export", "--all") == []
    assert told(cli, "tag", "--runs") == []
    assert told(cli, "user", "list") == []
    assert told(cli, "reanalyze") == [{"total_files": 0}]
    assert told(cli, "summarize", "--missing", "--provider", "local") == [{"total_files": 0}]


@pytest.mark.usefixtures("workspace")
def test_files_that_are_in_no_library(folder: Path, cli: Cli, tmp_path: Path):
    found = told(cli, "analyze", str(folder), "--jobs", "1", ends=1)
    assert sorted(each["status"] for each in found) == ["analyzed"] * 4 + ["rejected"]
    assert told(cli, "submit", str(folder), "--dry-run")[0]["audio"] == 5
    assert told(cli, "slice", str(folder / LOOP), "--parts", "4", "-o", str(tmp_path / "parts"))[0]["slices"][0]["file"]
    (cues,) = told(cli, "slice", str(folder / LOOP), "--to", "cues", "--parts", "4", "--loop")
    assert (cues["folder"], len(cues["loop"])) == (None, 2)
    assert told(cli, "stems", str(folder / LOOP), "--dry-run")[0]["method"] == "medians"


def test_what_is_made_of_a_library(library: Path, cli: Cli, tmp_path: Path):
    assert told(cli, "kit", "-o", str(tmp_path / "kit"), "--dry-run")[0]["pads"]
    into = ("--into", str(tmp_path / "sorted"))
    assert {each["status"] for each in told(cli, "organize", *into, "--dry-run")} == {"planned"}
    assert {each["status"] for each in told(cli, "organize", *into)} == {"linked"}
    assert {each["status"] for each in told(cli, "organize", "--undo", "last")} == {"removed"}
    tagged = told(cli, "tag", str(library), "--to", "files", ends=1)
    assert sorted(each["state"] for each in tagged) == ["left", *["written"] * 4]
    assert len(told(cli, "tag", "--runs")) == 1
    assert {each["state"] for each in told(cli, "tag", "--undo", "last")} == {"restored"}
    assert told(cli, "backup", str(tmp_path / "backup"))[0]["documents"]["analyses"]
    assert told(cli, "restore", str(tmp_path / "backup"), "--dry-run")[0]["dry_run"] is True
    shutil.copytree(library, tmp_path / "other")
    assert told(cli, "roots", "move", str(library), str(tmp_path / "other"), "--dry-run")[0]["dry_run"] is True
    assert told(cli, "forget", str(library / KICK))[0]["places"] == 1


def test_batches_that_are_held_and_begun_again(library: Path, cli: Cli):
    assert told(cli, "retry", "last")[0]["changed"] == 1
    assert told(cli, "pause", "last")[0]["paused_at"] is not None
    assert told(cli, "pause", "last")[0]["changed"] is False
    assert told(cli, "resume", "last")[0]["changed"] is True
    (cancelled,) = told(cli, "cancel", "last")
    assert (cancelled["changed"], cancelled["cancelled"], cancelled["pending"]) == (1, 1, 0)
    assert told(cli, "submit", str(library), "--force")[0]["total_files"] == 6
    (report,) = told(cli, "status", "last")
    assert report["notes"]


@pytest.mark.usefixtures("workspace")
def test_users(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    password = "a long password for a test"  # noqa: S105 -- of no one

    def _typed() -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))

    _typed()
    (added,) = told(cli, "user", "add", "ada", "--role", "producer")
    assert (added["name"], added["role"], added["disabled_at"]) == ("ada", "producer", None)
    assert told(cli, "user", "disable", "ada")[0]["disabled_at"] is not None
    assert told(cli, "user", "enable", "ada") == [added]
    _typed()
    assert told(cli, "user", "password", "ada") == [added]
    assert told(cli, "user", "list") == [added]


@pytest.mark.usefixtures("workspace")
def test_sample_packs(folder: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAMPLEMIND_LIBRARY_ROOT", str(tmp_path / "packs"))
    monkeypatch.setenv("SAMPLEMIND_INBOX_SETTLE_SECONDS", "0")
    get_settings.cache_clear()
    inbox = tmp_path / "inbox"
    shutil.copytree(folder / "drums", inbox / "Drums")
    (inbox / "readme.pdf").write_bytes(b"no pack")

    (report,) = told(cli, "ingest", str(inbox))

    assert [(each["pack"], each["status"], each["files"]) for each in report["outcomes"]] == [("Drums", "taken", 2)]


@pytest.mark.usefixtures("workspace")
def test_the_machine(cli: Cli):
    logs = get_settings().home / "logs"
    logs.mkdir(parents=True)
    line = "2026-11-30 04:53:01.500Z INFO    io[1] file.failed   {'code': 'empty'}"
    (logs / "worker-io.log").write_text(f"{line}\nkilled\n")
    assert [each["event"] for each in told(cli, "logs")] == ["file.failed", None]

    settings = {each["variable"]: each["value"] for each in told(cli, "config")}
    assert settings["SAMPLEMIND_MONGODB_URL"] == "(hidden)"

    code, out, _ = cli("doctor", "--json")
    (health,) = printed("doctor", out)
    assert code == (0 if health["ok"] else 3)
