"""The places of contents, in the real record."""

import os
from dataclasses import replace
from typing import Any

import pytest

from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.store import places, results, waveforms
from samplemind_worker.store.library import location_id
from samplemind_worker.store.places import Area, Place
from tests.factories import analysis_facts, audio_facts, content_id

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("workspace")]

CONTENT = content_id(1)
PLACE = Place("/library", b"kit/kick.wav", CONTENT, size=1000, mtime_ns=10, ctime_ns=20, settled=True)


def save(*contents: str, **values: Any) -> None:
    results.save_analyses([(audio_facts(content), analysis_facts(content, **values)) for content in contents])
    waveforms.save(dict.fromkeys(contents, b"\x80" * 6))


def content_at(root: str, path: bytes) -> str | None:
    place = places.at(root, path)
    return None if place is None else place.file_id


def shown(*contents: str, gone: bool = False) -> dict[str, list[str]]:
    return {content: [place.shown for place in found] for content, found in places.of(contents, gone=gone).items()}


def key(place: Place = PLACE, **changes: int) -> tuple[str, int, int, int]:
    found = replace(place, **changes)
    return (found.id, found.size, found.mtime_ns, found.ctime_ns)


def known(*keys: tuple[str, int, int, int], versions: dict[str, int] = VERSIONS) -> dict[str, str]:
    return places.unchanged(list(keys), versions=versions)


def test_save_is_found_by_place_and_by_content():
    places.save([PLACE, replace(PLACE, path=b"kit/copy.wav")])

    assert content_at("/library", b"kit/kick.wav") == CONTENT
    assert content_at("/library/kit", b"kick.wav") == CONTENT
    assert content_at("/library", b"kit/other.wav") is None
    assert sorted(shown(CONTENT)[CONTENT]) == ["/library/kit/copy.wav", "/library/kit/kick.wav"]
    assert shown(content_id(2)) == {}


def test_save_twice_is_one_place_with_the_newest_content():
    places.save([PLACE])
    places.save([replace(PLACE, file_id=content_id(2))])

    assert content_at("/library", b"kit/kick.wav") == content_id(2)
    assert shown(CONTENT, content_id(2)) == {content_id(2): ["/library/kit/kick.wav"]}


def test_save_keeps_names_that_are_no_utf8():
    places.save([replace(PLACE, path=b"caf\xe9.wav")])

    assert content_at("/library", b"caf\xe9.wav") == CONTENT
    assert shown(CONTENT) == {CONTENT: ["/library/caf\\xe9.wav"]}


def test_unchanged_knows_a_place_whose_size_times_and_versions_are_as_they_were():
    places.save([PLACE])
    save(CONTENT, versions=VERSIONS)

    assert known(key()) == {PLACE.id: CONTENT}


@pytest.mark.parametrize("changes", [{"size": 1001}, {"mtime_ns": 11}, {"ctime_ns": 21}], ids=str)
def test_unchanged_leaves_out_a_place_that_changed(changes: dict[str, int]):
    places.save([PLACE])
    save(CONTENT, versions=VERSIONS)

    assert known(key(**changes)) == {}


def test_unchanged_leaves_out_a_place_whose_times_prove_nothing():
    places.save([replace(PLACE, settled=False)])
    save(CONTENT, versions=VERSIONS)

    assert known(key()) == {}


@pytest.mark.parametrize("step", sorted(VERSIONS))
def test_unchanged_leaves_out_a_content_with_an_old_step(step: str):
    places.save([PLACE])
    save(CONTENT, versions={**VERSIONS, step: VERSIONS[step] - 1})

    assert known(key()) == {}


@pytest.mark.parametrize("step", sorted(VERSIONS))
def test_unchanged_leaves_out_a_content_without_a_step(step: str):
    places.save([PLACE])
    save(CONTENT, versions={name: version for name, version in VERSIONS.items() if name != step})

    assert known(key()) == {}


def test_unchanged_leaves_out_places_and_contents_that_are_not_recorded():
    places.save([PLACE])

    assert known(key(), (location_id("/library", b"new.wav"), 1, 1, 1)) == {}
    assert known() == {}


def test_a_place_that_ended_is_gone_until_it_is_saved_again():
    places.save([PLACE])

    assert places.end([PLACE]) == 1
    assert places.end([PLACE]) == 0
    assert (shown(CONTENT), shown(CONTENT, gone=True)) == ({}, {CONTENT: ["/library/kit/kick.wav"]})
    ended = places.at("/library", b"kit/kick.wav")
    assert ended is not None
    assert ended.gone_at is not None
    places.save([PLACE])
    assert (shown(CONTENT), shown(CONTENT, gone=True)) == ({CONTENT: ["/library/kit/kick.wav"]}, {})


@pytest.mark.parametrize("changes", [{"size": 1001}, {"mtime_ns": 11}, {"file_id": content_id(2)}], ids=str)
def test_a_place_that_was_read_anew_meanwhile_is_not_ended(changes: dict[str, Any]):
    places.save([replace(PLACE, **changes)])

    assert places.end([PLACE]) == 0


def test_a_file_that_is_back_as_it_was_needs_no_work_and_is_living():
    places.save([PLACE])
    save(CONTENT, versions=VERSIONS)
    places.end([PLACE])

    assert known(key(size=1001)) == {}
    assert shown(CONTENT) == {}
    assert known(key()) == {PLACE.id: CONTENT}
    assert shown(CONTENT) == {CONTENT: ["/library/kit/kick.wav"]}


def below(area: Area, **options: bool) -> list[str]:
    return sorted(place.shown for page in places.below(area, **options) for place in page)


def record(*paths: tuple[str, bytes]) -> None:
    places.save(replace(PLACE, root=root, path=path) for root, path in paths)


@pytest.mark.parametrize("root", ["/", "/library", "/library/kit", "/library/kit/808"])
def test_below_finds_a_folder_whatever_folder_was_submitted(root: str):
    full = b"/library/kit/808/kick.wav"
    record((root, full.removeprefix(os.fsencode(root)).lstrip(b"/")), ("/library", b"kit2/kick.wav"))

    for path in (b"library/kit/808/kick.wav", b"library/kit/808", b"library/kit"):
        assert [one.lstrip("/") for one in below(Area("/", path))] == ["library/kit/808/kick.wav"]
    assert len(below(Area("/", b"library"))) == len(below(Area("/", b""))) == 2
    assert below(Area("/", b"library/kit/80")) == below(Area("/", b"librar")) == below(Area("/", b"other")) == []


def test_below_keeps_named_roots_apart():
    record(("samples", b"kit/kick.wav"), ("samples", b"snare.wav"), ("stems", b"kit/kick.wav"), ("/samples", b"x.wav"))

    assert below(Area("samples", b"")) == ["samples/kit/kick.wav", "samples/snare.wav"]
    assert below(Area("samples", b"kit")) == ["samples/kit/kick.wav"]
    assert below(Area("/", b"")) == ["/samples/x.wav"]


def test_below_tells_names_apart_that_look_alike_as_text():
    record(("/library", b"caf\xe9/kick.wav"), ("/library", b"caf\\xe9/kick.wav"))

    for name in (b"caf\xe9", b"caf\\xe9"):
        found = [place.path for page in places.below(Area("/", b"library/" + name)) for place in page]
        assert found == [name + b"/kick.wav"]


def test_below_has_what_is_gone_if_asked_for():
    record(("/library", b"a.wav"), ("/library", b"b.wav"))
    places.end([replace(PLACE, path=b"a.wav")])

    assert below(Area("/", b"library")) == ["/library/b.wav"]
    assert below(Area("/", b"library"), gone=True) == ["/library/a.wav", "/library/b.wav"]


def test_below_goes_on_past_a_page():
    record(*(("/library", b"%04d.wav" % number) for number in range(2105)))

    assert len(below(Area("/", b"library"))) == 2105


def test_mount_points_are_known_by_machine():
    places.remember_mounts("here", [b"/media/disk", b"/media/caf\xe9"])
    places.remember_mounts("here", [b"/media/disk"])
    places.remember_mounts("there", [])

    assert places.known_mounts("here") == {b"/media/disk", b"/media/caf\xe9"}
    assert places.known_mounts("there") == set()
