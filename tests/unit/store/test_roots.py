"""When a root is there, and when only the place where it would be mounted."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from samplemind_worker.errors import OutsideRootsError, RootNotReachedError
from samplemind_worker.store.roots import Roots, recorded


@pytest.fixture
def mount() -> Iterator[Callable[[Path], None]]:
    """Mount a file system of its own on a folder."""
    mounted: list[Path] = []

    def make(folder: Path) -> None:
        done = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], check=False, capture_output=True)
        if done.returncode:
            pytest.skip("this user may not mount")
        mounted.append(folder)

    yield make
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "kick.wav").touch()
    return folder


def is_reached(roots: Roots, root: str, folder: Path | None = None) -> bool:
    try:
        roots.require(root, None if folder is None else recorded(root, folder))
    except RootNotReachedError:
        return False
    return True


def test_a_folder_with_files_is_reached(library: Path):
    assert is_reached(Roots({}), str(library))
    assert is_reached(Roots({"kits": library}), "kits")


def test_a_folder_that_is_not_there_is_not_reached(library: Path):
    roots = Roots({"kits": library})
    assert is_reached(roots, "kits")

    shutil.rmtree(library)

    assert not is_reached(roots, "kits")


def test_a_name_that_this_machine_lacks_is_not_reached(library: Path):
    assert not is_reached(Roots({"kits": library}), "loops")
    assert not is_reached(Roots({}), "loops")


def test_the_path_of_a_folder_is_outside_of_named_roots(library: Path):
    with pytest.raises(OutsideRootsError):
        Roots({"kits": library}).require(str(library))


def test_an_empty_folder_is_not_reached_unless_it_was_emptied(library: Path):
    roots, others = Roots({}), Roots({})
    submitted = recorded(str(library), library)
    assert is_reached(roots, str(library))

    (library / "kick.wav").unlink()

    # Its files are missing where it was seen before: by this process, or when the batch was recorded.
    assert is_reached(roots, str(library))
    assert not is_reached(others, str(library))
    others.require(str(library), submitted)


def test_an_unmounted_device_is_not_reached(library: Path, mount: Callable[[Path], None]):
    (library / "kick.wav").rename(library / "not mounted")
    mount(library)
    (library / "kick.wav").touch()
    roots = Roots({"kits": library})
    assert is_reached(roots, "kits")

    subprocess.run(["umount", str(library)], check=True)
    assert not is_reached(roots, "kits")

    # Mounted again it may be another device, as a network's is; it holds what it held.
    mount(library)
    (library / "kick.wav").touch()
    assert is_reached(roots, "kits")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
def test_a_folder_that_may_be_entered_and_not_listed_is_reached(library: Path):
    library.chmod(0o300)
    assert is_reached(Roots({"kits": library}), "kits")

    library.chmod(0)
    assert not is_reached(Roots({"kits": library}), "kits")
    library.chmod(0o700)
