"""``forget`` and ``roots move`` end and move places by hand."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings, get_settings
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import UsageError
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import batches, places, results, waveforms
from samplemind_worker.store import library as files
from samplemind_worker.store.places import Place
from samplemind_worker.submission.listing import Listing
from samplemind_worker.submission.scan import submit
from samplemind_worker.upkeep import moving
from samplemind_worker.upkeep.moving import Moved
from tests.command import Cli
from tests.factories import analysis_facts, audio_facts, content_id

pytestmark = pytest.mark.services

NAMES = ("a.wav", "kit/b.wav", "kit/808/c.wav", "caf\udce9/d.wav")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    for number, name in enumerate(NAMES):
        path = tmp_path / "library" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * (number + 1))
    return tmp_path / "library"


@pytest.fixture
def recorded(workspace: Workspace, library: Path) -> Path:
    """The library, with all its files analysed."""
    record(workspace.settings, library)
    return library


def record(settings: Settings, library: Path) -> None:
    for number, name in enumerate(NAMES):
        path, status = library / name, (library / name).stat()
        root, below = files.locate(path, settings.roots)
        content = content_id(number)
        stats = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        places.save([Place(root, below, content, *stats, settled=True)])
        results.save_analyses([(audio_facts(content), analysis_facts(content, versions=VERSIONS))])
        waveforms.save({content: b"\x80" * 6})


def living(folder: str | Path) -> list[str]:
    """The living places below a folder or root, by their paths below it."""
    found = places.of([content_id(number) for number in range(len(NAMES))])
    shown = [place.shown for one in found.values() for place in one]
    return sorted(path.removeprefix(f"{folder}/") for path in shown if path.startswith(f"{folder}/"))


ALL = sorted(["a.wav", "kit/b.wav", "kit/808/c.wav", "caf\\xe9/d.wav"])


def told(cli: Cli, workspace: Workspace, *arguments: str) -> tuple[int, str, str]:
    said = cli(*arguments)
    workspace.connect()
    return said


def skipped(workspace: Workspace, folder: Path) -> dict[str, Any]:
    job = submit(Listing([folder]), settings=workspace.settings)
    report = batches.report(batches.find(job.id))
    return {name: report[name] for name in ("total_files", "skipped", "pending")}


def test_forget_takes_files_and_folders_out_that_are_gone(cli: Cli, workspace: Workspace, recorded: Path):
    shutil.rmtree(recorded)
    kit, first = str(recorded / "kit"), str(recorded / "a.wav")

    code, out, err = told(cli, workspace, "forget", "--dry-run", kit, first)
    assert (code, out, err) == (0, f"would forget 2 files at {kit}\nwould forget 1 file at {first}\n", "")
    assert living(recorded) == ALL
    code, out, err = told(cli, workspace, "forget", kit, first)
    assert (code, out) == (0, f"forgot 2 files at {kit}\nforgot 1 file at {first}\n")
    assert err == "what is known is kept for 30 days, in case the files come back\n"
    assert living(recorded) == ["caf\\xe9/d.wav"]
    code, out, _ = told(cli, workspace, "forget", "--json", str(recorded))
    assert (code, json.loads(out)) == (
        0,
        {"dry_run": False, "places": 1, "paths": [{"path": str(recorded), "places": 1, "already_gone": 3}]},
    )


def test_what_was_forgotten_and_is_submitted_again_is_not_analysed(cli: Cli, workspace: Workspace, recorded: Path):
    code, _, err = told(cli, workspace, "forget", str(recorded))
    assert code == 0
    assert f"{recorded} is still there: the next `samplemind submit` of it takes it in again" in err
    assert living(recorded) == []

    assert skipped(workspace, recorded) == {"total_files": 4, "skipped": 4, "pending": 0}
    assert living(recorded) == ALL


def test_forget_of_what_the_record_does_not_know_changes_nothing(cli: Cli, workspace: Workspace, recorded: Path):
    code, out, err = told(cli, workspace, "forget", str(recorded), "/nowhere")

    assert (code, out, err) == (2, "", "samplemind: error: the record knows no file at or below /nowhere\n")
    assert living(recorded) == ALL


def test_roots_move_follows_a_library_and_nothing_is_analysed_again(cli: Cli, workspace: Workspace, recorded: Path):
    new = recorded.rename(recorded.parent / "moved")

    code, out, err = told(cli, workspace, "roots", "move", "--dry-run", str(recorded), str(new))
    assert (code, out, err) == (0, f"would move 4 files from {recorded} to {new}\n", "")
    assert living(recorded) == ALL
    assert told(cli, workspace, "roots", "move", str(recorded), str(new)) == (
        0,
        f"moved 4 files from {recorded} to {new}\n",
        "",
    )
    assert (living(recorded), living(new)) == ([], ALL)
    assert skipped(workspace, new) == {"total_files": 4, "skipped": 4, "pending": 0}
    code, out, _ = told(cli, workspace, "roots", "move", "--json", str(recorded), str(new))
    assert (code, json.loads(out)["moved"]) == (0, 0)
    assert living(new) == ALL


def test_roots_move_of_a_folder_below_what_was_submitted(workspace: Workspace, recorded: Path):
    new = (recorded / "kit").rename(recorded.parent / "drums")

    assert moving.move(str(recorded / "kit"), str(new), settings=workspace.settings) == Moved(2)

    assert living(new) == ["808/c.wav", "b.wav"]
    assert living(recorded) == ["a.wav", "caf\\xe9/d.wav"]


def test_roots_move_brings_back_what_a_scan_has_ended(workspace: Workspace, recorded: Path):
    new = (recorded / "kit").rename(recorded.parent / "drums")
    submit(Listing([recorded]), settings=workspace.settings)
    assert living(recorded) == ["a.wav", "caf\\xe9/d.wav"]

    assert moving.move(str(recorded / "kit"), str(new), settings=workspace.settings) == Moved(2)

    assert living(new) == ["808/c.wav", "b.wav"]


def test_roots_move_ends_what_is_in_neither_folder(workspace: Workspace, recorded: Path):
    new = recorded.rename(recorded.parent / "moved")
    (new / "a.wav").unlink()
    (new / "kit" / "b.wav").write_bytes(b"of another size")

    assert moving.move(str(recorded), str(new), settings=workspace.settings) == Moved(2, missing=2, ended=2)

    assert (living(recorded), living(new)) == ([], ["caf\\xe9/d.wav", "kit/808/c.wav"])
    assert moving.move(str(recorded), str(new), settings=workspace.settings) == Moved()


def test_roots_move_refuses_a_folder_without_the_files(workspace: Workspace, recorded: Path, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(recorded / "a.wav", other)
    for old, new, said in (
        (recorded, tmp_path / "nowhere", f"no such folder: {tmp_path}/nowhere"),
        (recorded, other, f"{other} does not hold the files of {recorded}: 1 of 4 recorded files are there"),
        (recorded, recorded / "kit", f"{recorded} and {recorded}/kit must not lie in each other"),
        (tmp_path / "unknown", other, f"the record knows no file below {tmp_path}/unknown"),
    ):
        with pytest.raises(UsageError) as caught:
            moving.move(str(old), str(new), settings=workspace.settings)
        assert str(caught.value) == said
    assert living(recorded) == ALL


def test_roots_move_leaves_a_copy_with_other_times_to_the_next_scan(workspace: Workspace, recorded: Path):
    new = recorded.parent / "copied"
    shutil.copytree(recorded, new, copy_function=shutil.copyfile)

    assert moving.move(str(recorded), str(new), settings=workspace.settings) == Moved(4)

    assert living(new) == ALL
    # It is read again, and found to be known.
    assert skipped(workspace, new) == {"total_files": 4, "skipped": 0, "pending": 4}


def test_roots_move_takes_a_library_to_a_named_root_and_renames_one(workspace: Workspace, recorded: Path):
    named = workspace.settings.model_copy(update={"roots": {"samples": recorded}})

    assert moving.move(str(recorded), "samples", settings=named) == Moved(4)
    assert (living(recorded), living("samples")) == ([], ALL)
    renamed = workspace.settings.model_copy(update={"roots": {"sounds": recorded}})
    assert moving.move("samples", "sounds", settings=renamed) == Moved(4)
    assert (living("samples"), living("sounds")) == ([], ALL)


def test_forget_below_a_named_root(cli: Cli, workspace: Workspace, library: Path, monkeypatch: pytest.MonkeyPatch):
    record(workspace.settings.model_copy(update={"roots": {"samples": library}}), library)
    monkeypatch.setenv("SAMPLEMIND_ROOTS", f"samples={library}")
    get_settings.cache_clear()

    code, out, _ = told(cli, workspace, "forget", str(library / "kit"))

    assert (code, out) == (0, f"forgot 2 files at {library}/kit\n")
    assert living("samples") == ["a.wav", "caf\\xe9/d.wav"]
