"""Files that are overwritten, moved or deleted disappear from the record, and come back as they were."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import places, results
from samplemind_worker.upkeep.places import Ended
from tests.chain import analyse, submit, work
from tests.command import Cli
from tests.factories import write_audio
from training import signals

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("chroma")]

Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Four sounds, two of them in a folder."""
    folder = tmp_path / "library"
    write_audio(folder / "kick.wav", signals.kick())
    write_audio(folder / "snare.wav", signals.snare())
    write_audio(folder / "kit" / "tom.wav", signals.tom(0.3))
    write_audio(folder / "kit" / "clap.wav", signals.clap())
    return folder


@pytest.fixture
def ask(cli: Cli, workspace: Workspace) -> Ask:
    """The JSON output of a command that must succeed."""

    def told(*arguments: str) -> list[dict[str, Any]]:
        code, out, err = cli(*arguments)
        workspace.connect()
        assert code == 0, err
        return json.loads(out) if arguments[0] == "export" else [json.loads(line) for line in out.splitlines()]

    return told


def say(cli: Cli, workspace: Workspace, *arguments: str) -> tuple[int, str, str]:
    told = cli(*arguments)
    workspace.connect()
    return told


def scan(workspace: Workspace, *paths: Path) -> Ended:
    """Submit and analyse; return the places that the scan ended."""
    heard: list[Ended] = []
    submit(workspace, *paths, on_ended=heard.append)
    work(workspace)
    [ended] = heard
    return ended


def names(reports: list[dict[str, Any]], folder: Path) -> list[str]:
    return sorted(str(Path(report["path"]).relative_to(folder)) for report in reports)


def exported(ask: Ask, folder: Path) -> list[str]:
    return names(ask("export", "--all", "--format", "json"), folder)


def living(folder: Path) -> list[str]:
    pages = (audio.file_id for audio, _ in results.iterate())
    shown = [place.shown for found in places.of(list(pages)).values() for place in found]
    return sorted(str(Path(path).relative_to(folder)) for path in shown)


def test_a_file_that_was_deleted_is_in_no_list(workspace: Workspace, ask: Ask, library: Path):
    analyse(workspace, library)
    (library / "kick.wav").unlink()

    ended = scan(workspace, library)

    assert (ended.gone, ended.away) == (1, 0)
    assert exported(ask, library) == ["kit/clap.wav", "kit/tom.wav", "snare.wav"]
    near = ask("similar", str(library / "snare.wav"), "--json")
    assert names(near, library) == ["kit/clap.wav", "kit/tom.wav"]


def test_similar_has_as_many_as_were_asked_for(workspace: Workspace, ask: Ask, library: Path):
    for number in range(12):
        write_audio(library / "old" / f"{number}.wav", signals.kick() * (1.0 - number / 100))
    analyse(workspace, library)
    shutil.rmtree(library / "old")
    scan(workspace, library)

    near = ask("similar", str(library / "kick.wav"), "--limit", "3", "--json")

    assert names(near, library) == ["kit/clap.wav", "kit/tom.wav", "snare.wav"]


def test_files_that_were_moved_are_listed_once(workspace: Workspace, ask: Ask, library: Path):
    analyse(workspace, library)
    (library / "moved").mkdir()
    for path in library.glob("*.wav"):
        path.rename(library / "moved" / path.name)
    (library / "kit").rename(library / "renamed")

    scan(workspace, library)

    assert exported(ask, library) == ["moved/kick.wav", "moved/snare.wav", "renamed/clap.wav", "renamed/tom.wav"]
    assert len(list(results.iterate())) == 4


def test_a_file_that_was_overwritten_has_its_new_content_alone(workspace: Workspace, ask: Ask, library: Path):
    analyse(workspace, library)
    write_audio(library / "kick.wav", signals.hat_open())

    scan(workspace, library)

    assert exported(ask, library) == ["kick.wav", "kit/clap.wav", "kit/tom.wav", "snare.wav"]
    assert len(list(results.iterate())) == 5
    [shown] = ask("show", str(library / "kick.wav"), "--json")
    assert (shown["path"], shown["places"]) == (str(library / "kick.wav"), [str(library / "kick.wav")])
    assert len(ask("similar", shown["file_id"], "--json")) == 3


def test_a_file_that_is_broken_now_says_so(workspace: Workspace, cli: Cli, ask: Ask, library: Path):
    analyse(workspace, library)
    path = library / "kick.wav"
    path.write_bytes(b"RIFF\x10\x00\x00\x00WAVEjunk")

    code, out, err = say(cli, workspace, "show", str(path))
    assert (code, out) == (2, "")
    assert err.endswith(f"{path} has changed since it was analysed; `samplemind submit` takes it in again\n")

    scan(workspace, library)

    code, out, _ = say(cli, workspace, "show", str(path), "--json")
    assert (code, json.loads(out)["status"], json.loads(out)["path"]) == (1, "rejected", str(path))
    assert exported(ask, library) == ["kit/clap.wav", "kit/tom.wav", "snare.wav"]


def test_a_file_that_was_broken_and_is_another_now_says_so(workspace: Workspace, cli: Cli, library: Path):
    path = library / "kick.wav"
    path.write_bytes(b"RIFF\x10\x00\x00\x00WAVEjunk")
    analyse(workspace, library)
    assert say(cli, workspace, "show", str(path), "--json")[0] == 1
    write_audio(path, signals.kick())

    code, out, err = say(cli, workspace, "show", str(path))

    assert (code, out) == (2, "")
    assert err.endswith(f"{path} has changed since it was analysed; `samplemind submit` takes it in again\n")


def test_show_of_a_file_that_was_forgotten_says_so(workspace: Workspace, cli: Cli, library: Path):
    analyse(workspace, library)
    path = library / "kick.wav"
    assert say(cli, workspace, "forget", str(path))[:2] == (0, f"forgot 1 file at {path}\n")

    code, out, err = say(cli, workspace, "show", str(path))

    assert (code, out) == (2, "")
    assert err.endswith(f"{path} was taken out of the library; `samplemind submit` takes it in again\n")


def test_show_is_headed_by_the_path_that_was_asked_for(workspace: Workspace, ask: Ask, library: Path):
    for number in range(6):
        shutil.copy(library / "kick.wav", library / f"copy {number}.wav")
    analyse(workspace, library)

    for path in library.glob("*k*.wav"):
        [shown] = ask("show", str(path), "--json")
        assert (shown["path"], shown["filename"], shown["places"][0]) == (str(path), path.name, str(path))
        assert len(shown["places"]) == (1 if path.name == "snare.wav" else 7)


def test_show_of_a_path_that_is_gone_says_where_its_content_lies(workspace: Workspace, cli: Cli, library: Path):
    analyse(workspace, library)
    (library / "kick.wav").rename(library / "kit" / "kick.wav")
    (library / "snare.wav").unlink()
    scan(workspace, library)

    code, out, err = say(cli, workspace, "show", str(library / "kick.wav"))
    assert (code, out) == (2, "")
    assert f"{library}/kick.wav is gone since " in err
    assert f"; the same file lies at {library}/kit/kick.wav: `samplemind show " in err
    code, out, err = say(cli, workspace, "show", str(library / "snare.wav"))
    assert (code, out) == (2, "")
    assert "; its analysis is kept for a while: `samplemind show " in err
    code, out, err = say(cli, workspace, "show", err.split("`")[1].split()[-1], "--json")
    report = json.loads(out)
    assert (code, report["path"], report["places"]) == (0, f"{library}/snare.wav", [])
    assert report["gone_at"].endswith("Z")


def test_a_file_that_comes_back_is_not_analysed_again(workspace: Workspace, library: Path, tmp_path: Path):
    first = analyse(workspace, library)
    (library / "kit").rename(tmp_path / "kit")
    scan(workspace, library)
    assert living(library) == ["kick.wav", "snare.wav"]
    (tmp_path / "kit").rename(library / "kit")

    report = analyse(workspace, library)

    assert (first["completed"], report["completed"], report["skipped"]) == (4, 0, 4)
    assert living(library) == ["kick.wav", "kit/clap.wav", "kit/tom.wav", "snare.wav"]


def test_a_root_that_is_empty_ends_nothing(workspace: Workspace, library: Path):
    """A drive that is not mounted leaves an empty folder."""
    analyse(workspace, library)
    analyse(workspace, library / "kit", force=True)
    shutil.rmtree(library / "kit")
    (library / "kit").mkdir()

    ended = scan(workspace, library)

    assert (ended.gone, ended.away, ended.away_below) == (0, 2, [f"{library}/kit"])
    assert living(library) == ["kick.wav", "kit/clap.wav", "kit/tom.wav", "snare.wav"]


def test_a_drive_that_is_not_mounted_ends_nothing(workspace: Workspace, library: Path):
    analyse(workspace, library)
    places.remember_mounts(workspace.settings.host, [str(library / "kit").encode()])
    shutil.rmtree(library / "kit")

    ended = scan(workspace, library)

    assert (ended.gone, ended.away, ended.away_below) == (0, 2, [f"{library}/kit"])


def test_a_folder_that_was_emptied_is_no_drive(workspace: Workspace, library: Path):
    analyse(workspace, library)
    for path in (library / "kit").iterdir():
        path.unlink()

    assert scan(workspace, library).gone == 2


def test_a_folder_that_cannot_be_looked_at_ends_nothing(workspace: Workspace, library: Path):
    analyse(workspace, library)
    # For root, too: a path that has become too long to be looked at.
    long = places.Place(str(library), b"/".join([b"x" * 250] * 20), "0" * 64, 1, 1, 1, settled=True)
    places.save([long])

    ended = scan(workspace, library)

    assert (ended.gone, ended.away) == (0, 0)


def test_a_walk_that_was_interrupted_ends_nothing(workspace: Workspace, library: Path):
    analyse(workspace, library)
    (library / "kick.wav").unlink()

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        submit(workspace, library, on_progress=interrupt)

    assert living(library) == ["kick.wav", "kit/clap.wav", "kit/tom.wav", "snare.wav"]


def test_a_scan_ends_places_below_what_it_walked_alone(workspace: Workspace, library: Path):
    analyse(workspace, library)
    (library / "kick.wav").unlink()
    (library / "kit" / "clap.wav").unlink()

    assert scan(workspace, library / "kit").gone == 1

    assert living(library) == ["kick.wav", "kit/tom.wav", "snare.wav"]


def test_a_scan_below_a_named_root_ends_what_is_gone(workspace: Workspace, library: Path):
    workspace.settings = workspace.settings.model_copy(update={"roots": {"samples": library}})
    analyse(workspace, library)
    (library / "kick.wav").unlink()

    assert scan(workspace, library).gone == 1
    assert scan(workspace, library / "kit").gone == 0
