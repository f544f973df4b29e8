"""Writing below a folder: new, never through a link, and all or nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from samplemind_worker.errors import PackNotNowError, PackRefusedError
from samplemind_worker.packs import staging
from samplemind_worker.packs.staging import Budget, Staging

MUCH = Budget(bytes=1_000_000, free=0)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_files_appear_all_at_once(tmp_path: Path):
    with staging.opened(tmp_path) as parent, Staging(parent, ".draft", MUCH) as stage:
        stage.write(("a", "b", "c.wav"), [b"1", b"2"])
        stage.write(("a", "d.wav"), [b"3"])
        stage.write(("e.wav",), [])
        assert not (tmp_path / "pack").exists()
        stage.place("pack")

    assert files(tmp_path / "pack") == {"a/b/c.wav": b"12", "a/d.wav": b"3", "e.wav": b""}
    assert {path.name for path in tmp_path.iterdir()} == {"pack"}


def test_a_link_in_the_way_is_not_followed(tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    library = tmp_path / "library"
    library.mkdir()
    with staging.opened(library) as parent, Staging(parent, ".draft", MUCH) as stage:
        # As somebody who may write there could do meanwhile.
        (library / ".draft" / "folder").symlink_to(outside)
        (library / ".draft" / "file.wav").symlink_to(outside / "file.wav")
        for parts in (("folder", "a.wav"), ("file.wav",)):
            with pytest.raises(PackRefusedError, match="cannot be written"):
                stage.write(parts, [b"x"])

    (library / "vendor").symlink_to(outside)
    with pytest.raises(OSError, match="vendor"), staging.opened(library, "vendor", make=True):
        pass
    assert files(outside) == {}


def test_a_file_that_is_there_is_not_written_again(tmp_path: Path):
    with staging.opened(tmp_path) as parent, Staging(parent, ".draft", MUCH) as stage:
        stage.write(("a.wav",), [b"first"])
        with pytest.raises(PackRefusedError, match="cannot be written"):
            stage.write(("a.wav",), [b"second"])
        stage.place("pack")

    assert files(tmp_path) == {"pack/a.wav": b"first"}


def test_a_folder_that_is_there_is_not_replaced(tmp_path: Path):
    (tmp_path / "pack").mkdir()
    with staging.opened(tmp_path) as parent, Staging(parent, ".draft", MUCH) as stage:
        stage.write(("a.wav",), [b"x"])
        with pytest.raises(PackNotNowError, match="there is a 'pack'"):
            stage.place("pack")

    assert list((tmp_path / "pack").iterdir()) == []


def test_writing_stops_at_the_budget(tmp_path: Path):
    written: list[int] = []

    def blocks() -> Iterator[bytes]:
        for number in range(1000):
            written.append(number)
            yield bytes(100)

    with staging.opened(tmp_path) as parent, Staging(parent, ".draft", Budget(bytes=1000, free=0)) as stage:
        stage.write(("a.wav",), [bytes(500)])
        with pytest.raises(PackRefusedError, match="SAMPLEMIND_PACK_MAX_BYTES"):
            stage.write(("b.wav",), blocks())

    assert len(written) == 6


def test_room_on_the_disk_is_kept(tmp_path: Path):
    with staging.opened(tmp_path) as parent, Staging(parent, ".draft", Budget(bytes=2**62, free=2**60)) as stage:
        with pytest.raises(PackNotNowError, match="SAMPLEMIND_PACK_FREE_BYTES"):
            stage.require_room(1)
        with pytest.raises(PackNotNowError, match="SAMPLEMIND_PACK_FREE_BYTES"):
            stage.write(("a.wav",), (bytes(1 << 20) for _ in range(100)))


def test_what_was_left_is_removed_and_nothing_else(tmp_path: Path):
    outside = tmp_path / "outside"
    (outside / "kept").mkdir(parents=True)
    library = tmp_path / "library"
    (library / ".abc.1" / "deep").mkdir(parents=True)
    (library / ".abc.1" / "link").symlink_to(outside)
    (library / ".def.1").mkdir()

    with staging.opened(library) as parent:
        staging.remove(parent, ".abc.")

    assert {path.name for path in library.iterdir()} == {".def.1"}
    assert (outside / "kept").is_dir()
