"""A file from elsewhere lands without a name, or not at all."""

import shutil
import tempfile
from pathlib import Path

import pytest

from samplemind_worker.errors import TooLargeError, TransientError
from samplemind_worker.store.landing import Landing


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("size", [0, 5, 9 * 2**20])
def test_a_file_is_read_after_it_was_written_and_has_no_name(folder: Path, size: int):
    with Landing(size) as landing:
        landing.write(b"x" * size)
        file = landing.finish()

    assert list(folder.iterdir()) == []
    with file:
        assert file.read() == b"x" * size


def test_what_is_not_finished_leaves_nothing(folder: Path):
    with Landing(9 * 2**20) as landing:
        landing.write(b"x")

    assert list(folder.iterdir()) == []


def test_a_file_that_no_disk_here_holds_is_too_large(folder: Path):
    with pytest.raises(TooLargeError, match="TMPDIR"):
        Landing(shutil.disk_usage(folder).total)


def test_a_full_disk_is_waited_for(folder: Path):
    with pytest.raises(TransientError, match="no room"):
        Landing(shutil.disk_usage(folder).free - 2**20)
