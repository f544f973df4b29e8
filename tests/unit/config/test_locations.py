"""Paths and URLs of places, and the roots that settings name by them."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from config.locations import Location, ObjectPath, is_named, location
from config.settings import Settings


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("kits/a.wav", Path("kits/a.wav")),
        ("/kits: old/a.wav", Path("/kits: old/a.wav")),
        ("file:///kits/a%20b.wav", Path("/kits/a b.wav")),
        ("file://localhost/kits", Path("/kits")),
        ("s3://sounds", ObjectPath("sounds")),
        ("s3://sounds/", ObjectPath("sounds")),
        ("S3://sounds/kits/", ObjectPath("sounds", "kits")),
        ("s3://sounds/a%20b//../c.wav?x#y", ObjectPath("sounds", "a%20b//../c.wav?x#y")),
        ("s3://sounds//a.wav", ObjectPath("sounds", "/a.wav")),
    ],
)
def test_a_place_is_read(text: str, place: object):
    assert location(text) == place


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/a.wav", "ftp://x/y", "s3://", "s3://a", "s3:///key", "s3://user:password@sounds/key",
        "s3://sounds:9000/key", "s3://arn:aws:s3:::sounds/key", "s3://sounds/" + "k" * 1025, "s3://sounds/a\0b",
        "s3://sounds/\udcff.wav", "file://server/kits", "file://kits",
    ],
)  # fmt: skip
def test_what_is_no_place_is_refused(text: str):
    with pytest.raises(ValueError, match=r"wanted|not from|key"):
        location(text)


@pytest.mark.parametrize("key", ["", "a", "a//b", "/lead", "a/../b.wav"])
def test_a_place_is_written_as_it_is_read(key: str):
    place = ObjectPath("sounds", key)

    assert ObjectPath.parse(str(place)) == place


def test_what_lies_below_a_place():
    kits = ObjectPath("sounds", "kits")

    assert kits.at("808//kick.wav") == ObjectPath("sounds", "kits/808//kick.wav")
    assert ObjectPath("sounds", "kits/808").is_relative_to(kits)
    assert kits.is_relative_to(kits)
    assert kits.is_relative_to(ObjectPath("sounds"))
    assert not ObjectPath("sounds", "kits2/808").is_relative_to(kits)
    assert not ObjectPath("other", "kits/808").is_relative_to(kits)
    assert ObjectPath("sounds", "kits//a.wav").below(kits) == "/a.wav"


@pytest.mark.parametrize(
    "text",
    ["library=s3://sounds/lib:drums=/mnt/drums", '{"library": "s3://sounds/lib", "drums": "file:///mnt/drums"}'],
)
def test_roots_are_folders_and_prefixes(text: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAMPLEMIND_ROOTS", text)

    assert Settings().roots == {"library": ObjectPath("sounds", "lib"), "drums": Path("/mnt/drums")}


@pytest.mark.parametrize("text", ["library", "library=", "=s3://sounds", "a=https://x", "/a=/b", '{"a": 1}', "{"])
def test_other_roots_are_refused(text: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAMPLEMIND_ROOTS", text)

    with pytest.raises(ValidationError, match=r"wanted|not from"):
        Settings()


@pytest.mark.parametrize("name", ["INBOX", "HOME", "SCRATCH"])
def test_other_folders_lie_on_this_machine(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(f"SAMPLEMIND_{name}", "s3://sounds/lib")

    with pytest.raises(ValidationError, match="folder of this machine"):
        Settings()


def test_packs_are_unpacked_into_a_folder_or_a_bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    found: list[Location] = []
    for text in ("s3://sounds/packs/", "packs", "file:///mnt/packs"):
        monkeypatch.setenv("SAMPLEMIND_LIBRARY_ROOT", text)
        found.append(Settings().library_folder)

    assert found == [ObjectPath("sounds", "packs"), tmp_path / "packs", Path("/mnt/packs")]


def test_a_root_is_a_name_unless_it_is_a_place():
    assert [is_named(root) for root in ("library", "/mnt/library", "s3://sounds")] == [True, False, False]
