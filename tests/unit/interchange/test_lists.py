import csv
import io
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from samplemind_worker.errors import NotWrittenError, UsageError
from samplemind_worker.interchange.fl_studio import BrowserTags
from samplemind_worker.interchange.lists import Entry
from samplemind_worker.interchange.playlist import Playlist
from samplemind_worker.interchange.rekordbox import Collection
from tests.unit.interchange.sounds import LOOP, ONE_SHOT


def entry(path: str, *, first_beat: float | None = None) -> Entry:
    tags = LOOP if first_beat is not None else ONE_SHOT
    return Entry(Path(path), tags, 1000, 44100, "WAV", first_beat)


def test_a_playlist_names_length_key_and_tempo():
    entries = [entry("/lib/drums/loop.wav", first_beat=0.0), entry("/else/#1.wav")]
    assert Playlist().render(entries, folder=Path("/lib"), before=b"old").decode().splitlines() == [
        "#EXTM3U",
        "#EXTINF:0,loop - Am - 127.5 BPM",
        "drums/loop.wav",
        "#EXTINF:0,#1",
        "/else/#1.wav",
    ]
    hidden = Playlist().render([entry("/lib/#1.wav")], folder=Path("/lib"), before=b"").decode()
    assert hidden.splitlines()[2] == "./#1.wav"


def test_a_collection_of_rekordbox_has_tracks_grids_and_a_playlist():
    name = '/lib/ü & "<loop>" 100%.wav'
    data = Collection().render([entry(name, first_beat=0.25), entry("/lib/b.flac")], folder=None, before=b"")
    root = ET.fromstring(data)  # noqa: S314 -- written by us
    tracks = root.findall("COLLECTION/TRACK")
    assert (root.tag, root.get("Version"), root.find("COLLECTION").attrib) == (
        "DJ_PLAYLISTS",
        "1.0.0",
        {"Entries": "2"},
    )
    assert unquote(urlsplit(tracks[0].get("Location", "")).path) == name
    assert {key: tracks[0].get(key) for key in ("Name", "Kind", "AverageBpm", "Tonality", "Comments")} == {
        "Name": 'ü & "<loop>" 100%',
        "Kind": "WAV File",
        "AverageBpm": "127.50",
        "Tonality": "Am",
        "Comments": "A höt loop ♯",
    }
    assert [grid.attrib for grid in tracks[0]] == [{"Inizio": "0.250", "Bpm": "127.50", "Metro": "4/4", "Battito": "1"}]
    assert list(tracks[1]) == []
    keys = [each.get("Key") for each in root.findall("PLAYLISTS/NODE/NODE/TRACK")]
    assert keys == [track.get("TrackID") for track in tracks]


def test_tags_of_fl_studio_are_added_to_those_that_are_there():
    form = BrowserTags()
    before = b'@TagCase=*,Mine,"My tag"\n"D:\\other.wav",Mine\n"/lib/a.wav","My tag"\n'
    data = form.render([entry("/lib/a.wav"), entry("/lib/b, c.wav", first_beat=0.0)], folder=None, before=before)
    assert list(csv.reader(io.StringIO(data.decode()))) == [
        ["@TagCase=*", "Mine", "My tag", "Bass", "One-shot", "Drum loop", "Loop", "Am", "128 BPM"],
        ["D:\\other.wav", "Mine"],
        ["/lib/a.wav", "My tag", "Bass", "One-shot"],
        ["/lib/b, c.wav", "Drum loop", "Loop", "Am", "128 BPM"],
    ]
    assert form.render([entry("/lib/a.wav")], folder=None, before=data) == data
    with pytest.raises(UsageError, match="another form"):
        form.render([entry("/lib/a.wav")], folder=None, before=b"something else\n")


def test_names_that_a_list_cannot_hold_are_left():
    for form, path, reason in (
        (Playlist(), "/lib/a\nb.wav", "line break"),
        (Playlist(), "/lib/\udcff.wav", "not UTF-8"),
        (Collection(), "/lib/a\x01.wav", "XML"),
        (Collection(), "/lib/a.ogg", r"does not play \.ogg"),
        (BrowserTags(), '/lib/a".wav', "quotation mark"),
    ):
        with pytest.raises(NotWrittenError, match=reason):
            form.require(Path(path))


def test_control_characters_of_a_comment_do_not_break_the_collection():
    broken = replace(entry("/lib/a.wav"), tags=replace(ONE_SHOT, comment="a\x01b"))
    root = ET.fromstring(Collection().render([broken], folder=None, before=b""))  # noqa: S314 -- written by us
    assert root.find("COLLECTION/TRACK").get("Comments") == "ab"
