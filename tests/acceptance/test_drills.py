"""Drills: a part of a private deployment is lost for good, and what brings it back. The run prints what each one took.

A full disk is among the chaos scenarios (`tests/chaos/test_outages.py`).
"""

import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import Command
from tests.factories import write_audio
from training import signals

FILES = 12


@pytest.fixture(scope="module")
def library(samplemind: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of analysed files; the services run on."""
    folder = tmp_path_factory.mktemp("drills") / "library"
    for number in range(FILES):
        make = signals.kick if number % 2 else signals.snare
        write_audio(folder / f"{number:02}.wav", make(seed=number))
    assert samplemind("submit", folder, "--wait", "--json").object["completed"] == FILES
    return folder


@pytest.fixture
def drill(request: pytest.FixtureRequest) -> Any:
    @contextmanager
    def _timed(name: str) -> Generator[None]:
        began = time.monotonic()
        yield
        request.node.user_properties.append(("drill", f"{name}: {time.monotonic() - began:.1f} s"))

    return _timed


def found(command: Command, folder: Path) -> list[str]:
    """The names of what is found, and of the nearest of one file."""
    listed = sorted(Path(line["path"]).name for line in command("search", "--limit", "100", "--json").lines)
    near = command("similar", folder / "00.wav", "--limit", "3", "--json")
    assert near.code == 0, near.err
    return [*listed, *(Path(line["path"]).name for line in near.lines)]


def test_redis_is_lost(samplemind: Command, library: Path, drill: Any):
    before = found(samplemind, library)
    with drill("redis lost, down to the next batch done"):
        samplemind("down")
        shutil.rmtree(samplemind.home / "data" / "valkey")
        write_audio(library / "more.wav", signals.kick(seed=99))
        assert samplemind("submit", library, "--wait", "--json").object["completed"] == 1

    assert set(before) < set(found(samplemind, library))


def test_chroma_is_lost(samplemind: Command, library: Path, drill: Any):
    before = found(samplemind, library)
    samplemind("down")
    shutil.rmtree(samplemind.home / "data" / "chroma")
    with drill("chroma lost, down to reindexed"):
        done = samplemind("reindex", "--json")

    assert done.object["vectors"] == FILES + 1
    assert found(samplemind, library) == before


def test_the_record_is_lost(samplemind: Command, library: Path, drill: Any, tmp_path: Path):
    before = found(samplemind, library)
    with drill("backup"):
        assert samplemind("backup", tmp_path / "saved").code == 0
    write_audio(library / "since.wav", signals.snare(seed=98))
    assert samplemind("submit", library, "--wait", "--json").object["completed"] == 1
    samplemind("down")
    for name in ("mongod", "valkey", "chroma"):
        shutil.rmtree(samplemind.home / "data" / name)

    with drill("everything lost, down to restored"):
        done = samplemind("restore", tmp_path / "saved")

    assert done.code == 0, done.err
    assert found(samplemind, library) == before
    # What was done since the backup is done again, and nothing else.
    again = samplemind("submit", library, "--wait", "--json").object
    assert (again["completed"], again["skipped"]) == (1, FILES + 1)


def test_the_library_moves(samplemind: Command, library: Path, drill: Any, tmp_path: Path):
    names = {path.name for path in library.iterdir()}
    shutil.copytree(library, tmp_path / "new", copy_function=shutil.copy2)
    shutil.rmtree(library)
    with drill("library moved"):
        assert samplemind("roots", "move", library, tmp_path / "new", "--json").object["moved"] == len(names)

    listed = samplemind("search", "--limit", "100", "--json").lines
    assert {Path(line["path"]) for line in listed} == {tmp_path / "new" / name for name in names}
