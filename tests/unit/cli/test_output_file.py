import resource
import signal
from pathlib import Path

import pytest

from samplemind_cli.output_file import replacing
from samplemind_worker.errors import SetupError, UsageError


def test_target_is_replaced_at_the_end(tmp_path: Path):
    target = tmp_path / "out.csv"
    target.write_text("old")

    with replacing(target) as file:
        file.write(b"new")
        assert target.read_text() == "old"

    assert target.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_nothing_half_written_stays(tmp_path: Path):
    def write_half() -> None:
        with replacing(tmp_path / "out.csv") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_link_keeps_pointing_to_what_was_written(tmp_path: Path):
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    (tmp_path / "real.csv").write_text("old")

    with replacing(tmp_path / "link.csv") as file:
        file.write(b"new")

    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "new"


def test_a_device_is_not_replaced():
    with pytest.raises(UsageError, match="no file that can be replaced"), replacing(Path("/dev/null")):
        pass


@pytest.mark.parametrize("target", ["no/out.csv", "file/out.csv", "x" * 300])
def test_a_place_where_no_file_can_be_is_wrong_usage(tmp_path: Path, target: str):
    (tmp_path / "file").touch()
    before = {*tmp_path.iterdir()}

    with pytest.raises(UsageError, match="cannot write"), replacing(tmp_path / target):
        pass

    assert {*tmp_path.iterdir()} == before


def test_a_full_disk_leaves_the_old_file(tmp_path: Path):
    target = tmp_path / "out.csv"
    target.write_text("old")

    def fill() -> None:
        with replacing(target) as file:
            file.write(b"x" * 2000)

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(SetupError, match=r"cannot write .*File too large"):
            fill()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)

    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
