import os
import socket
from pathlib import Path

import pytest

from samplemind_worker.errors import UsageError
from samplemind_worker.submission.walk import AUDIO_SUFFIXES, walk


def touch(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def found(top: Path) -> dict[str, str | None]:
    """Path below the top to the reason why it is skipped, in the order of the walk."""
    return {os.path.relpath(os.fsdecode(one.path), top): one.skip_reason for one in walk(top)}


def test_walk_yields_files_before_folders_each_sorted_by_name(tmp_path: Path):
    for name in ("b/z.wav", "b/a.wav", "a/2.wav", "a/1/x.wav", "a/1.wav", "c.wav", "B.wav", "a.wav"):
        touch(tmp_path / name)

    assert list(found(tmp_path)) == [
        "B.wav",
        "a.wav",
        "c.wav",
        "a/1.wav",
        "a/2.wav",
        "a/1/x.wav",
        "b/a.wav",
        "b/z.wav",
    ]


def test_walk_gives_absolute_paths_and_what_the_file_system_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = touch(tmp_path / "a.wav", b"12345")
    monkeypatch.chdir(tmp_path)

    (one,) = walk(Path())

    status = path.stat()
    assert one.path == os.fsencode(path)
    assert (one.size, one.mtime_ns, one.ctime_ns) == (5, status.st_mtime_ns, status.st_ctime_ns)
    assert one.skip_reason is None


@pytest.mark.parametrize("suffix", sorted(AUDIO_SUFFIXES))
def test_walk_takes_every_audio_ending_in_any_case(tmp_path: Path, suffix: str):
    touch(tmp_path / f"lower{suffix}")
    touch(tmp_path / f"upper{suffix.upper()}")

    assert list(found(tmp_path).values()) == [None, None]


@pytest.mark.parametrize("name", ["cover.jpg", "kick.wav.txt", "kick", "wav", "kick.asd", "kick.wav~"])
def test_walk_skips_files_whose_ending_is_no_audio_type(tmp_path: Path, name: str):
    touch(tmp_path / name)

    assert found(tmp_path) == {name: "not_audio_type"}


@pytest.mark.parametrize("name", [".hidden.wav", "._kick.wav", ".wav"])
def test_walk_skips_hidden_files_and_resource_forks(tmp_path: Path, name: str):
    touch(tmp_path / name)

    assert found(tmp_path) == {name: "hidden"}


def test_walk_lists_hidden_folders_and_does_not_enter_them(tmp_path: Path):
    touch(tmp_path / ".git" / "a.wav")
    touch(tmp_path / "a.wav")

    assert found(tmp_path) == {".git": "hidden_folder", "a.wav": None}


def test_walk_skips_what_is_no_regular_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    os.mkfifo(tmp_path / "pipe.wav")
    monkeypatch.chdir(tmp_path)  # a socket's path may be no longer than 107 bytes
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.wav")

        assert found(tmp_path) == {"pipe.wav": "special", "socket.wav": "special"}


def test_walk_takes_links_to_files_within_the_top(tmp_path: Path):
    touch(tmp_path / "kit" / "kick.wav")
    (tmp_path / "alias.wav").symlink_to("kit/kick.wav")

    assert found(tmp_path) == {"alias.wav": None, "kit/kick.wav": None}


def test_walk_skips_links_out_of_the_top(tmp_path: Path):
    touch(tmp_path / "secret.wav")
    top = tmp_path / "library"
    touch(top / "a.wav")
    (top / "out.wav").symlink_to("../secret.wav")
    neighbour = touch(tmp_path / "library2" / "b.wav")
    (top / "near.wav").symlink_to(neighbour)

    assert found(top) == {"a.wav": None, "near.wav": "link_outside_root", "out.wav": "link_outside_root"}


def test_walk_skips_broken_links(tmp_path: Path):
    (tmp_path / "broken.wav").symlink_to("nothing.wav")
    (tmp_path / "loop.wav").symlink_to("loop.wav")

    assert found(tmp_path) == {"broken.wav": "broken_link", "loop.wav": "broken_link"}


@pytest.mark.timeout(10)
def test_walk_lists_links_to_folders_and_does_not_follow_them(tmp_path: Path):
    touch(tmp_path / "kit" / "kick.wav")
    (tmp_path / "kit" / "up").symlink_to("..")
    (tmp_path / "again").symlink_to("kit")

    assert found(tmp_path) == {"again": "linked_folder", "kit/kick.wav": None, "kit/up": "linked_folder"}


def test_walk_lists_a_folder_that_cannot_be_read(tmp_path: Path):
    # Deeper than a path can be long: unreadable for root, too.
    name = "x" * 250
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(17):
        os.mkdir(name, dir_fd=here)
        inner = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    touch(tmp_path / "y.wav")

    listed = found(tmp_path)

    assert list(listed.values()) == [None, "unreadable_folder"]


def test_walk_takes_a_top_that_is_a_link(tmp_path: Path):
    touch(tmp_path / "library" / "kit" / "kick.wav")
    (tmp_path / "alias").symlink_to("library")

    assert found(tmp_path / "alias") == {"kit/kick.wav": None}


def test_walk_keeps_names_that_are_no_utf8(tmp_path: Path):
    name = b"caf\xe9.wav"
    touch(tmp_path / os.fsdecode(name))

    assert [(one.path, one.skip_reason) for one in walk(tmp_path)] == [(os.fsencode(tmp_path) + b"/" + name, None)]


@pytest.mark.parametrize("name", ["take.xyz", "noending", ".hidden"])
def test_walk_takes_a_file_that_is_named_whatever_its_name(tmp_path: Path, name: str):
    path = touch(tmp_path / name)

    assert [(one.path, one.skip_reason) for one in walk(path)] == [(os.fsencode(path), None)]


def test_walk_of_a_fifo_that_is_named_skips_it(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.wav")

    assert [one.skip_reason for one in walk(tmp_path / "pipe.wav")] == ["special"]


def test_walk_of_a_missing_path_says_so(tmp_path: Path):
    with pytest.raises(UsageError, match=f"no such file or folder: {tmp_path}/gone"):
        list(walk(tmp_path / "gone"))


def test_walk_of_a_path_through_a_file_says_so(tmp_path: Path):
    touch(tmp_path / "a.wav")

    with pytest.raises(UsageError, match=r"cannot read .*a\.wav/b: Not a directory"):
        list(walk(tmp_path / "a.wav" / "b"))
