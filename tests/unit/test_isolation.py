"""The working folder has no say in what is imported, or in what a library reads when it is loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from samplemind_worker.isolation import absolute_folders, neutral_folder

ROOT = Path(__file__).parents[2]


def python(code: str, folder: Path, *options: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", ["", os.pathsep, f"{os.pathsep}{ROOT}", "."])
def test_nothing_is_imported_from_the_working_folder(path: str, tmp_path: Path):
    (tmp_path / "colorsys.py").write_text("raise SystemExit('a stranger was imported')")
    code = (
        "from samplemind_worker.isolation import ignore_working_folder\n"
        "ignore_working_folder()\n"
        "import colorsys, subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', 'import colorsys'], check=True)"
    )

    assert python(code, tmp_path, PYTHONPATH=path) == ""


def test_no_program_is_run_from_the_working_folder(tmp_path: Path):
    (tmp_path / "valkey-server").write_text("#!/bin/sh\n")
    (tmp_path / "valkey-server").chmod(0o755)
    code = (
        "import os, shutil; from samplemind_worker.isolation import ignore_working_folder\n"
        "ignore_working_folder(); print(os.environ['PATH'], shutil.which('valkey-server'))"
    )

    assert python(code, tmp_path, PATH=f":/nowhere{os.pathsep}.:").split() == ["/nowhere", "None"]


def test_what_is_loaded_in_the_neutral_folder_leaves_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)

    with neutral_folder():
        assert Path.cwd() == Path("/")
        with neutral_folder():
            pass
    assert Path.cwd() == tmp_path

    with pytest.raises(RuntimeError), neutral_folder():
        raise RuntimeError
    assert Path.cwd() == tmp_path


def test_a_working_folder_that_was_removed_does_no_harm(tmp_path: Path):
    gone = tmp_path / "gone"
    gone.mkdir()
    code = (
        f"import os; os.rmdir({str(gone)!r})\n"
        "from samplemind_worker.isolation import ignore_working_folder, neutral_folder\n"
        "ignore_working_folder()\n"
        "with neutral_folder(): print(os.getcwd())"
    )

    assert python(code, gone, "-P") == "/\n"


def test_search_paths_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    assert absolute_folders("") == ""
    assert absolute_folders(f":/usr::lib:../{tmp_path.name}/x") == f"/usr:{tmp_path}/lib:{tmp_path}/x"
