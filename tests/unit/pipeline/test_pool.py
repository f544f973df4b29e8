"""Analysing in processes of their own: what dies with one of them, and what the caller loads."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from config.settings import Settings
from samplemind_worker.errors import SetupError
from samplemind_worker.pipeline.pool import Crew
from tests.chaos.stack import PLUGIN, write_files


def analysed(folder: Path, jobs: int) -> list[Mapping[str, Any]]:
    """Analyse by the real command; a file whose name begins with "crash" kills the process that reads it."""
    done = subprocess.run(
        [sys.executable, "-m", "samplemind_cli", "analyze", "--json", "--jobs", str(jobs), str(folder)],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": "", "HOME": str(folder), "PYTHONPATH": str(PLUGIN)},
    )
    assert "Traceback" not in done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_that_kills_its_process_costs_no_other(tmp_path: Path, jobs: int):
    write_files(tmp_path / "kit", 40)
    write_files(tmp_path / "kit", 2, name="crash")
    write_files(tmp_path / "kit", 3, name="last")

    reports = analysed(tmp_path / "kit", jobs)

    names = [Path(one["path"]).name for one in reports]
    assert names == sorted(path.name for path in (tmp_path / "kit").iterdir())
    rejected = {name: one["error"] for name, one in zip(names, reports, strict=True) if one["status"] == "rejected"}
    assert set(rejected) == {"crash-00-00000.wav", "crash-00-00001.wav"}
    assert {error["code"] for error in rejected.values()} == {"worker_crashed"}


def test_a_single_file_that_kills_its_process_is_rejected(tmp_path: Path):
    write_files(tmp_path / "kit", 1, name="crash")

    [report] = analysed(tmp_path / "kit", jobs=1)

    assert report["error"]["code"] == "worker_crashed"


def test_what_keeps_the_engine_from_loading_is_said_in_one_line(tmp_path: Path):
    write_files(tmp_path / "kit", 1)
    (tmp_path / "soundfile.py").write_text("raise ImportError('a broken installation')")

    done = subprocess.run(
        [sys.executable, "-m", "samplemind_cli", "analyze", str(tmp_path / "kit")],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": "", "HOME": str(tmp_path), "PYTHONPATH": str(tmp_path)},
    )

    assert done.returncode
    assert done.stdout == ""
    assert "a broken installation" in done.stderr
    assert done.stderr.count("\n") == 1


def test_no_file_is_rejected_for_a_server_that_ends(tmp_path: Path):
    write_files(tmp_path, 1)

    others = psutil.Process().children()
    with Crew() as crew:
        [server] = set(psutil.Process().children()) - set(others)
        server.kill()
        with pytest.raises(SetupError, match="no process can analyse"):
            list(crew.analyze(sorted(tmp_path.iterdir()), settings=Settings(), jobs=1))


@pytest.mark.parametrize("count", [1, 2])
def test_the_caller_loads_no_engine(tmp_path: Path, count: int):
    write_files(tmp_path, count)
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from config.settings import Settings\n"
        "from samplemind_worker.pipeline.pool import Crew\n"
        f"paths = sorted(Path({str(tmp_path)!r}).iterdir())\n"
        "with Crew() as crew:\n"
        "    reports = list(crew.analyze(paths, settings=Settings(), jobs=1))\n"
        f"assert [one['status'] for one in reports] == ['analyzed'] * {count}\n"
        "print('\\n'.join(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert set(done.stdout.split()) & {"numpy", "numba", "soundfile", "samplemind_worker.pipeline.engine"} == set()
