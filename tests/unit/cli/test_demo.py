"""What `demo` refuses and removes, and what its commands get to know of the user's settings."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from samplemind_cli import tour
from samplemind_cli.app import run
from samplemind_cli.commands.demo import MARK, mark
from samplemind_worker.demo import library, plan

_OWN = {
    "SAMPLEMIND_REDIS_URL": "redis://example.org",
    "samplemind_roots": "music=/music",
    "ANTHROPIC_API_KEY": "secret",
    "OLLAMA_HOST": "http://example.org",
}


def test_a_folder_with_other_files_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "song.wav").write_bytes(b"mine")

    for arguments in (["demo", str(tmp_path)], ["demo", str(tmp_path), "--remove"]):
        assert run(arguments) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
    assert err == f"samplemind: error: there is no demonstration in {tmp_path}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["song.wav"]


def test_a_demonstration_out_of_an_archive_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    made, unpacked = tmp_path / "made", tmp_path / "unpacked"
    (made / tour.RECORD).mkdir(parents=True)
    (made / tour.RECORD / "beat-schedule").write_bytes(b"a pickle that runs code")
    mark(made)
    shutil.copytree(made, unpacked)
    before = {path: path.read_bytes() for path in unpacked.rglob("*") if path.is_file()}

    assert run(["demo", str(unpacked)]) == 2
    assert capsys.readouterr().err == f"samplemind: error: {unpacked} holds other files: name a new folder\n"
    assert run(["demo", "--remove", str(unpacked)]) == 2
    assert {path: path.read_bytes() for path in unpacked.rglob("*") if path.is_file()} == before
    (unpacked / MARK).unlink()
    (unpacked / MARK).symlink_to(made / MARK)
    assert run(["demo", str(unpacked)]) == 2


def test_a_file_is_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "song.wav").write_bytes(b"mine")

    assert run(["demo", str(tmp_path / "song.wav")]) == 2
    assert capsys.readouterr().err == f"samplemind: error: {tmp_path / 'song.wav'} is no folder\n"


def test_files_of_the_user_outlive_the_removal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    place = tmp_path / "samplemind-demo"
    library.write(place / tour.LIBRARY, [item for item in plan.items() if item.set == "drums"])
    mark(place)
    own = place / tour.LIBRARY / "drums" / "mine.wav"
    own.write_bytes(b"mine")

    assert run(["demo", "--remove"]) == 0

    assert capsys.readouterr().err == f"{place} is kept, as it holds other files\n"
    assert [path for path in place.rglob("*") if path.is_file()] == [own]


def test_a_manifest_cannot_name_files_elsewhere(tmp_path: Path):
    place, outside = tmp_path / "demo", tmp_path / "song.wav"
    (place / tour.LIBRARY).mkdir(parents=True)
    mark(place)
    outside.write_bytes(b"mine")
    (place / tour.LIBRARY / library.MANIFEST).write_text(f"path\n../../song.wav\n{outside}\n")

    assert run(["demo", "--remove", str(place)]) == 0
    assert outside.read_bytes() == b"mine"
    assert not place.exists()


def test_commands_of_the_walk_know_nothing_of_the_users_settings(tmp_path: Path):
    given = tour.environment(tmp_path, {"PATH": "/bin", "TERM": "xterm", **_OWN})

    assert given == {
        "PATH": "/bin",
        "TERM": "xterm",
        "SAMPLEMIND_HOME": str(tmp_path / "record"),
        "SAMPLEMIND_ENV_FILE": os.devnull,
        "XDG_CONFIG_HOME": os.devnull,
    }


def test_nor_of_the_users_own_file(tmp_path: Path):
    own = tmp_path / "config" / "samplemind" / "samplemind.toml"
    own.parent.mkdir(parents=True)
    own.write_text('redis_url = "redis://example.org"\n')
    own.chmod(0o600)
    program = "from config.settings import get_settings; print(get_settings().redis_url)"

    def asked(environment: dict[str, str]) -> str:
        return subprocess.run(
            [sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True
        ).stdout

    outside = os.environ | {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    assert asked(outside) == "**********\n"
    assert asked(tour.environment(tmp_path, outside)) == "None\n"


@pytest.mark.parametrize("stop", [tour.FIRST, *tour.STOPS], ids=lambda stop: stop.words[0])
def test_every_file_that_is_asked_about_is_in_the_library(stop: tour.Stop):
    paths = {f"{tour.LIBRARY}/{item.path}" for item in plan.items()}

    assert {word for word in stop.words if "/" in word} <= paths
