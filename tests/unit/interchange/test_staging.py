import signal
import subprocess
import sys
from pathlib import Path

import pytest

from samplemind_worker.errors import UsageError
from samplemind_worker.interchange.staging import new_folder


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_appears_with_all_that_was_written(tmp_path: Path):
    target = tmp_path / "kit"
    with new_folder(target) as folder:
        (folder / "a.wav").write_bytes(b"a")
        assert not target.exists()

    assert names_in(tmp_path) == ["kit"]
    assert (target / "a.wav").read_bytes() == b"a"


def test_nothing_stays_of_a_folder_that_was_not_finished(tmp_path: Path):
    def write() -> None:
        with new_folder(tmp_path / "kit") as folder:
            (folder / "a.wav").write_bytes(b"a")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()

    assert names_in(tmp_path) == []


def test_what_is_there_already_is_kept(tmp_path: Path):
    (tmp_path / "kit").mkdir()

    with pytest.raises(UsageError, match="is there already"), new_folder(tmp_path / "kit"):
        pass

    assert names_in(tmp_path) == ["kit"]


def test_a_folder_above_that_is_missing_is_told(tmp_path: Path):
    with pytest.raises(UsageError, match="no such folder"), new_folder(tmp_path / "none" / "kit"):
        pass


def test_the_next_run_removes_what_a_killed_one_left_but_not_what_another_one_writes(tmp_path: Path):
    program = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from samplemind_worker.interchange.staging import new_folder\n"
        "with new_folder(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'a.wav').write_bytes(b'a')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path / "kit")], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(names_in(tmp_path)) == 1

    with new_folder(tmp_path / "kit"):
        running = set(names_in(tmp_path))
        with new_folder(tmp_path / "kit2"):
            pass
        assert running <= set(names_in(tmp_path))
        assert len(running) == 1

    assert names_in(tmp_path) == ["kit", "kit2"]
