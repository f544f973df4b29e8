import os
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from samplemind_worker.errors import (
    MissingFileError,
    OutsideRootsError,
    TooLargeError,
    UnreadableError,
    UsageError,
)
from samplemind_worker.store import library
from samplemind_worker.store.library import location_id
from tests.opens import counted

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    (folder / "kit").mkdir(parents=True)
    (folder / "kit" / "kick.wav").write_bytes(b"kick")
    (tmp_path / "secret.wav").write_bytes(b"secret")
    return folder


def read(root: Path, path: bytes, *, max_bytes: int = 1000) -> bytes:
    with library.open_file(str(root), path, roots={}, max_bytes=max_bytes) as file:
        return file.read()


def test_open_file_reads_what_lies_below_its_root(root: Path):
    assert read(root, b"kit/kick.wav") == b"kick"


def test_open_file_takes_names_that_are_no_utf8(root: Path):
    name = b"caf\xe9 \xff.wav"
    with open(os.path.join(os.fsencode(root), name), "wb") as file:  # noqa: PTH118, PTH123 -- bytes
        file.write(b"bytes")

    assert read(root, name) == b"bytes"


@pytest.mark.parametrize("path", [b"../secret.wav", b"kit/../../secret.wav", b"kit/..", b"..", b"kit/kick.wav\0.txt"])
def test_open_file_refuses_paths_that_leave_the_root(root: Path, path: bytes):
    with pytest.raises(OutsideRootsError, match="the path leaves its root"):
        read(root, path)


def test_open_file_refuses_absolute_paths(root: Path):
    with pytest.raises(OutsideRootsError, match="the path leaves its root"):
        read(root, os.fsencode(root / "kit" / "kick.wav"))


def test_open_file_takes_two_dots_within_a_name(root: Path):
    (root / "a..b.wav").write_bytes(b"dots")

    assert read(root, b"a..b.wav") == b"dots"


def test_open_file_refuses_a_link_out_of_the_root(root: Path):
    (root / "out.wav").symlink_to(root.parent / "secret.wav")

    with pytest.raises(OutsideRootsError, match="a link leads out of the root"):
        read(root, b"out.wav")


def test_open_file_refuses_a_way_through_a_folder_link_out_of_the_root(root: Path):
    (root / "up").symlink_to(root.parent)

    with pytest.raises(OutsideRootsError, match="a link leads out of the root"):
        read(root, b"up/secret.wav")


def test_open_file_refuses_a_link_to_a_folder_whose_name_begins_like_the_root(root: Path):
    neighbour = root.with_name(root.name + "2")
    neighbour.mkdir()
    (neighbour / "a.wav").write_bytes(b"neighbour")
    (root / "out.wav").symlink_to(neighbour / "a.wav")

    with pytest.raises(OutsideRootsError, match="a link leads out of the root"):
        read(root, b"out.wav")


def test_open_file_follows_a_link_within_the_root(root: Path):
    (root / "alias.wav").symlink_to("kit/kick.wav")

    assert read(root, b"alias.wav") == b"kick"


def test_open_file_takes_a_root_that_is_a_link(root: Path, tmp_path: Path):
    (tmp_path / "alias").symlink_to(root)

    assert read(tmp_path / "alias", b"kit/kick.wav") == b"kick"


@pytest.mark.parametrize("path", [b"gone.wav", b"kit/kick.wav/deeper.wav", b"nowhere/kick.wav"])
def test_open_file_says_what_is_missing(root: Path, path: bytes):
    with pytest.raises(MissingFileError, match="the file is not there any more"):
        read(root, path)


def test_open_file_calls_a_broken_link_missing(root: Path):
    (root / "broken.wav").symlink_to("nothing.wav")

    with pytest.raises(MissingFileError, match="the file is not there any more"):
        read(root, b"broken.wav")


@pytest.mark.parametrize("path", [b"kit", b"."])
def test_open_file_refuses_folders(root: Path, path: bytes):
    with pytest.raises(UnreadableError, match="not a regular file"):
        read(root, path)


@pytest.mark.timeout(10)
def test_open_file_does_not_wait_for_the_writer_of_a_fifo(root: Path):
    os.mkfifo(root / "pipe.wav")

    with pytest.raises(UnreadableError, match="not a regular file"):
        read(root, b"pipe.wav")


def test_open_file_refuses_sockets(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(root)  # a socket's path may be no longer than 107 bytes
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.wav")

        with pytest.raises(UnreadableError, match="cannot be opened: No such device or address"):
            read(root, b"s.wav")


def test_open_file_refuses_a_link_loop(root: Path):
    (root / "a.wav").symlink_to("b.wav")
    (root / "b.wav").symlink_to("a.wav")

    with pytest.raises(UnreadableError, match="cannot be opened: Too many levels of symbolic links"):
        read(root, b"a.wav")


def test_open_file_refuses_one_byte_too_many(root: Path):
    assert read(root, b"kit/kick.wav", max_bytes=4) == b"kick"
    with pytest.raises(TooLargeError, match="4 bytes; SAMPLEMIND_MAX_FILE_BYTES allows 3"):
        read(root, b"kit/kick.wav", max_bytes=3)


def test_open_file_leaves_no_descriptor_open_when_it_refuses(root: Path):
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 -- counts
    (root / "out.wav").symlink_to(root.parent / "secret.wav")
    for path in (b"out.wav", b"kit", b"gone.wav"):
        with pytest.raises((OutsideRootsError, UnreadableError, MissingFileError)):
            read(root, path)

    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 -- counts


def test_open_file_of_a_named_root_reads_from_its_folder(root: Path):
    with library.open_file("kits", b"kit/kick.wav", roots={"kits": root}, max_bytes=1000) as file:
        assert file.read() == b"kick"


@pytest.mark.parametrize("name", ["packs", "", "/library"])
def test_open_file_refuses_a_root_that_is_not_named(root: Path, name: str):
    with pytest.raises(OutsideRootsError, match=rf"no root '{name}' in SAMPLEMIND_ROOTS on this machine"):
        library.open_file(name, b"kit/kick.wav", roots={"kits": root}, max_bytes=1000)


def test_open_file_with_named_roots_refuses_the_path_of_a_folder(root: Path):
    with pytest.raises(OutsideRootsError, match="in SAMPLEMIND_ROOTS on this machine"):
        library.open_file(str(root), b"kit/kick.wav", roots={"kits": root}, max_bytes=1000)


def test_locate_without_roots_is_the_folder_and_the_name(root: Path):
    assert library.locate(root / "kit" / "kick.wav", {}) == (str(root / "kit"), b"kick.wav")


def test_locate_takes_the_innermost_of_the_named_roots():
    roots = {"all": Path("/srv"), "kits": Path("/srv/kits")}

    assert library.locate(Path("/srv/kits/a.wav"), roots) == ("kits", b"a.wav")
    assert library.locate(Path("/srv/packs/a.wav"), roots) == ("all", b"packs/a.wav")
    assert library.locate(Path("/srv/kits/../b.wav"), roots) == ("all", b"b.wav")


def test_locate_refuses_what_lies_under_no_root():
    with pytest.raises(UsageError, match=r"/srvx/a.wav lies under none of the roots in SAMPLEMIND_ROOTS \(all\)"):
        library.locate(Path("/srvx/a.wav"), {"all": Path("/srv")})


def test_location_is_the_same_whether_a_folder_or_its_parent_was_submitted():
    assert (
        location_id("/srv/kits/808", b"kick.wav")
        == location_id("/srv/kits", b"808/kick.wav")
        == location_id("/srv", b"kits/808/kick.wav")
        == location_id("/", b"srv/kits/808/kick.wav")
    )


def test_locations_of_different_files_differ():
    places = [
        location_id("/srv", b"a.wav"),
        location_id("/srv", b"b.wav"),
        location_id("/srva", b".wav"),
        location_id("srv", b"a.wav"),
        location_id("srv", b"/a.wav"),
        location_id("srv/", b"a.wav"),
        location_id("/srv", b"\xe9.wav"),
        location_id("/srv", "é.wav".encode()),
    ]

    assert len(set(places)) == len(places)


def test_printable_keeps_the_bytes_of_names_that_are_no_utf8():
    assert library.printable("é.wav".encode()) == ("é.wav", None)
    assert library.printable(b"caf\xe9.wav") == ("caf\\xe9.wav", b"caf\xe9.wav")


def test_open_file_is_not_inherited_by_child_processes(root: Path):
    with library.open_file(str(root), b"kit/kick.wav", roots={}, max_bytes=1000) as file:
        assert os.get_inheritable(file.fileno()) is False


def test_open_file_follows_an_absolute_link_within_the_root(root: Path):
    (root / "alias.wav").symlink_to(root / "kit" / "kick.wav")

    assert read(root, b"alias.wav") == b"kick"


def test_open_file_passes_folders_that_may_not_be_listed(root: Path):
    (root / "kit").chmod(0o300)
    try:
        assert read(root, b"kit/kick.wav") == b"kick"
    finally:
        (root / "kit").chmod(0o700)


@linux
@pytest.mark.parametrize(
    "path", [b"out.wav", b"up/secret.wav", b"../secret.wav", b"kit/../../secret.wav", b"absolute.wav", b"chain.wav"]
)
def test_what_lies_outside_is_not_opened_at_all(root: Path, path: bytes):
    secret = root.parent / "secret.wav"
    (root / "out.wav").symlink_to("../secret.wav")
    (root / "absolute.wav").symlink_to(secret)
    (root / "chain.wav").symlink_to("out.wav")
    (root / "up").symlink_to("..")

    with counted(secret) as opens:
        with pytest.raises(OutsideRootsError):
            read(root, path)

        assert opens() == 0
        secret.read_bytes()
        assert opens() == 1


# Exchanges a file and a link to one outside, or a folder and a link to one, as fast as it can, until it is killed.
_EXCHANGE = """
import os, sys
real, link, place = sys.argv[1:]
print("begun", flush=True)
while True:
    os.rename(place, real)
    os.rename(link, place)
    os.rename(place, link)
    os.rename(real, place)
"""


@linux
@pytest.mark.parametrize("place", ["kit/kick.wav", "kit"])
def test_a_link_exchanged_meanwhile_leads_nowhere(root: Path, place: str):
    outside = root.parent / "outside"
    outside.mkdir()
    secret = outside / "kick.wav"
    secret.write_bytes(b"secret")
    link = root / "link"
    link.symlink_to(secret if place.endswith(".wav") else outside)
    command = [sys.executable, "-c", _EXCHANGE, str(root / "real"), str(link), str(root / place)]
    seen: Counter[str] = Counter()
    with counted(secret) as opens, subprocess.Popen(command, stdout=subprocess.PIPE) as exchange:
        try:
            assert exchange.stdout is not None
            exchange.stdout.readline()
            # Until each way it can end was met a few times, and often enough for the narrow ones.
            for _ in range(5_000):
                try:
                    seen[read(root, b"kit/kick.wav").decode()] += 1
                except (OutsideRootsError, MissingFileError, UnreadableError) as error:
                    seen[type(error).__name__] += 1
        finally:
            exchange.kill()

        assert opens() == 0
    assert seen["kick"] > 0
    assert seen["OutsideRootsError"] > 0
    assert seen["secret"] == 0
