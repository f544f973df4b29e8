"""What counts as a pack in an inbox, whose it is, and whether it stands still."""

import os
from pathlib import Path

import pytest

from samplemind_worker.errors import PackNotNowError
from samplemind_worker.packs import sources
from samplemind_worker.packs.archive import Limits
from samplemind_worker.packs.inbox import Found, Inbox
from tests import zips

LIMITS = Limits(entries=100, bytes=10_000_000, ratio=100, depth=5, name_bytes=255)


def put(path: Path, data: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def kinds(inbox: Path) -> dict[tuple[str | None, str], str]:
    return {(pack.vendor, pack.name): pack.kind for pack in Inbox(inbox).look().packs}


def only(inbox: Path) -> Found:
    [pack] = Inbox(inbox).look().packs
    return pack


def read_all(source: sources.Source) -> list[bytes]:
    return [b"".join(blocks) for _, blocks in source.contents()]


def test_a_look_tells_packs_of_vendors_from_packs_of_nobody(tmp_path: Path):
    put(tmp_path / "acme" / "one.zip")
    put(tmp_path / "acme" / "two" / "a.wav")
    put(tmp_path / "marked" / "three" / "a.wav")
    put(tmp_path / "marked" / "three.done")
    put(tmp_path / "pack" / "Kicks" / "a.wav")
    put(tmp_path / "mixed" / "a.wav")
    put(tmp_path / "mixed" / "extra.zip")
    put(tmp_path / "four.ZIP")
    put(tmp_path / "loose.Wav")

    assert kinds(tmp_path) == {
        ("acme", "one.zip"): "zip",
        ("acme", "two"): "folder",
        ("marked", "three"): "folder",
        (None, "pack"): "folder",
        (None, "mixed"): "folder",
        (None, "four.ZIP"): "zip",
        (None, "loose.Wav"): "file",
    }


def test_a_look_leaves_alone_what_is_no_pack(tmp_path: Path):
    put(tmp_path / "notes.txt")
    put(tmp_path / "upload.zip.part")
    put(tmp_path / ".hidden.zip")
    put(tmp_path / "done" / "old.zip")
    put(tmp_path / "refused" / "bad.zip")
    put(tmp_path / "acme" / "one.zip")
    put(tmp_path / "acme" / "one.rar")
    put(tmp_path / "gone.zip.done")
    (tmp_path / "empty" / "er").mkdir(parents=True)
    (tmp_path / "link.zip").symlink_to(tmp_path / "acme" / "one.zip")
    (tmp_path / "link").symlink_to(tmp_path / "acme")
    os.mkfifo(tmp_path / "pipe.zip")

    look = Inbox(tmp_path).look()

    assert [pack.path for pack in look.packs] == ["acme/one.zip"]
    assert look.left_alone == ["acme/one.rar", "notes.txt", "pipe.zip", "upload.zip.part"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".samplemind")]


def test_a_pack_is_complete_when_it_stood_still_or_is_marked(tmp_path: Path):
    path = put(tmp_path / "pack.zip")
    look = Inbox(tmp_path).look()

    assert look.is_complete(look.packs[0], settle=0.0)
    assert not look.is_complete(look.packs[0], settle=3600.0)
    put(path.with_name("pack.zip.done"))
    assert look.is_complete(only(tmp_path), settle=3600.0)


def test_a_folder_has_changed_when_anything_in_it_has(tmp_path: Path):
    put(tmp_path / "pack" / "a.wav")
    deep = put(tmp_path / "pack" / "b" / "c" / "d.wav")
    before = only(tmp_path).changed_ns
    while deep.stat().st_ctime_ns == before:
        deep.write_bytes(b"more")

    assert only(tmp_path).changed_ns == deep.stat().st_ctime_ns


def test_a_name_that_is_taken_gets_a_number_and_the_reason_goes_along(tmp_path: Path):
    inbox = Inbox(tmp_path)
    name = "\u00e9" * 125 + ".zip"  # 254 bytes: no room for anything more
    for _ in range(3):
        put(tmp_path / name)
        inbox.move_refused(only(tmp_path), "because")

    found = sorted(path.name for path in (tmp_path / "refused").iterdir())
    assert [path.rpartition(".")[2] for path in found].count("zip") == 3
    assert len(found) == 6
    assert all((tmp_path / "refused" / path).read_text() == "because\n" for path in found if path.endswith(".txt"))


@pytest.mark.parametrize("kind", ["zip", "folder", "file"])
def test_a_pack_that_changes_while_it_is_taken_is_left(kind: str, tmp_path: Path):
    inner = {"zip": "pack.zip", "folder": "pack/a.wav", "file": "pack.wav"}[kind]
    path = tmp_path / inner
    if kind == "zip":
        zips.good(path)
    else:
        put(path, zips.wav())

    with sources.opened(Inbox(tmp_path), only(tmp_path), LIMITS) as source:
        source.plan()
        with path.open("ab") as file:
            file.write(b"more")
        with pytest.raises(PackNotNowError, match="it changed while it was being taken"):
            read_all(source)


def test_a_pack_that_vanishes_is_left(tmp_path: Path):
    path = put(tmp_path / "pack" / "a.wav", zips.wav())

    with sources.opened(Inbox(tmp_path), only(tmp_path), LIMITS) as source:
        path.unlink()
        with pytest.raises(PackNotNowError, match="it vanished"):
            read_all(source)


def test_a_folder_is_known_by_names_and_contents(tmp_path: Path):
    digests: list[str] = []
    for number, files in enumerate(
        [
            {"a.wav": b"1", "b/c.wav": b"2"},
            {"b/c.wav": b"2", "a.wav": b"1", "x.txt": b"3"},
            {"a.wav": b"1", "c.wav": b"2"},
        ]
    ):
        inbox = tmp_path / str(number)
        for name, data in files.items():
            put(inbox / "pack" / name, data)
        with sources.opened(Inbox(inbox), only(inbox), LIMITS) as source:
            digests.append(source.digest)

    assert digests[0] == digests[1]
    assert digests[0] != digests[2]
