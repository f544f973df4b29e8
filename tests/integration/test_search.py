"""Searching the library, in the process and by the command."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from samplemind_worker.documents.audio_file import AudioFile
from samplemind_worker.documents.entry import EntryIndex, LibraryEntry
from samplemind_worker.documents.moments import first_moment
from samplemind_worker.finding import entry
from samplemind_worker.finding.filter_text import read as read_filters
from samplemind_worker.finding.filters import Filter, passing
from samplemind_worker.finding.postings import Postings
from samplemind_worker.finding.query import read as read_text
from samplemind_worker.finding.search import MOST_COUNTED, Found, search, suggest
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import entries, entry_search, mongo, places, results
from samplemind_worker.store.places import Place
from tests.command import Cli
from tests.factories import analysis_facts, audio_facts, content_id

pytestmark = pytest.mark.services

DARK = {"brightness_hz": 100.0}  # far below that of recorded kicks

FILES: dict[str, dict[str, Any]] = {
    "Vinyl Pack/Kicks/Dark Kick 01.wav": {"kind": "one_shot", "instrument": "kick", "tempo": None, "key": None},
    "Vinyl Pack/Kicks/Bright Kick 02.wav": {"kind": "one_shot", "instrument": "kick", "tempo": None, "key": None},
    "Vinyl Pack/Hats/Dark Hat.wav": {"kind": "one_shot", "instrument": "hat_closed", "tempo": None, "key": None},
    "Loops/House Loop 124 Am.wav": {"instrument": "music_loop", "tempo": 124.0, "duration": 7.7},
    "Loops/Slow Loop 62 C.wav": {"instrument": "music_loop", "tempo": 62.0, "key": "C", "mode": "major"},
    "Loops/Café Loop.wav": {"instrument": "drum_loop", "tempo": 174.0, "key": None, "ai_summary": "Gloomy and rough."},
    "Notes/Bass C2.wav": {"kind": "one_shot", "instrument": "bass", "pitch_midi": 36, "tempo": None, "loudness": -30.0},
    "Notes/قصير 808.wav": {"kind": "one_shot", "instrument": "bass", "pitch_midi": 41, "tempo": None, "tags": ["Sub"]},
}


def add(path: str, **values: Any) -> None:
    key = content_id(path)
    audio: dict[str, Any] = {
        "duration": values.pop("duration", 1.0),
        "tags": values.pop("tags", []),
        "loudness_lufs": values.pop("loudness", -12.0),
    }
    results.save_analyses([(audio_facts(key, **audio), analysis_facts(key, **values))])
    places.save([Place("/library", path.encode(), key, 1000, 1, 1, settled=True)])


@pytest.fixture
def library(workspace: Workspace) -> Workspace:
    for path, values in FILES.items():
        add(path, **values)
    entry.build()
    entry.refresh_marked()
    return workspace


def find(text: str = "", **filters: Any) -> Found:
    asked, chosen = read_text(text), read_filters(**filters)
    found = search(asked, chosen)
    # A server, which keeps index keys, finds the same.
    kept = search(asked, chosen, kept=Postings().at(entries.generation()))
    assert (kept.hits, kept.unmet) == (found.hits, found.unmet)
    return found


def names(found: Found) -> list[str]:
    return [Path(hit.entry["paths"][0]).stem for hit in found.hits]


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("kick", ["Bright Kick 02", "Dark Kick 01"]),
        ("dark kick", ["Dark Kick 01"]),
        ("KICKS -bright", ["Dark Kick 01"]),
        ("dark -kick", ["Dark Hat"]),
        ("vinyl hat", ["Dark Hat"]),
        ("cafe", ["Café Loop"]),
        ("CAFÉ", ["Café Loop"]),
        ("rough", ["Café Loop"]),
        ("sub", ["قصير 808"]),
        ("قصير", ["قصير 808"]),
        ('"house loop"', ["House Loop 124 Am"]),
        ('"loop house"', []),
        ('loop -"slow loop"', ["Café Loop", "House Loop 124 Am"]),
        ("kick 02", ["Bright Kick 02"]),
        ("hihat", ["Dark Hat"]),
    ],
)
def test_finds_by_words(text: str, wanted: list[str]):
    assert sorted(names(find(text))) == sorted(wanted)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({"bpm": "120..128"}, ["House Loop 124 Am"]),
        ({"bpm": "124", "half_double": True}, ["House Loop 124 Am", "Slow Loop 62 C"]),
        ({"bpm": "170.."}, ["Café Loop"]),
        ({"kind": "loop", "key": "Am"}, ["House Loop 124 Am"]),
        ({"kind": "loop", "key": "8A", "compatible": True}, ["House Loop 124 Am", "Slow Loop 62 C"]),
        ({"kind": "loop", "key": "C"}, ["Slow Loop 62 C"]),
        ({"instrument": "hat_closed,bass"}, ["Dark Hat", "Bass C2", "قصير 808"]),
        ({"pitch": "C2..F2"}, ["Bass C2", "قصير 808"]),
        ({"pitch": "F"}, ["قصير 808"]),
        ({"loudness": "..-20"}, ["Bass C2"]),
        ({"duration": "2.."}, ["House Loop 124 Am"]),
        ({"duration": "2000ms..1min"}, ["House Loop 124 Am"]),
        ({"pack": "VINYL pack", "instrument": "kick"}, ["Dark Kick 01", "Bright Kick 02"]),
        ({"path": "/library/Loops", "bpm": "..100"}, ["Slow Loop 62 C"]),
        ({"path": "/library/Notes/Bass C2.wav"}, ["Bass C2"]),
        ({"tag": "sub"}, ["قصير 808"]),
        ({"since": "1h", "tag": "SUB"}, ["قصير 808"]),
        ({"path": "/library/Loop"}, []),
    ],
)
def test_finds_by_filters(filters: dict[str, Any], wanted: list[str]):
    found = find(**filters)

    assert sorted(names(found)) == sorted(wanted)
    assert (found.total, found.is_exact) == (len(wanted), True)


@pytest.mark.usefixtures("library")
def test_words_and_filters_combine():
    assert names(find("loop", bpm="..100")) == ["Slow Loop 62 C"]


@pytest.mark.usefixtures("library")
def test_a_measured_word_is_found_and_says_how_strongly():
    add("Plain/Thud.wav", kind="one_shot", instrument="kick", tempo=None, character=DARK)
    entry.refresh_marked()

    hits = {Path(hit.entry["paths"][0]).stem: hit for hit in find("dark kick").hits}

    assert set(hits) == {"Thud", "Dark Kick 01"}
    assert hits["Thud"].why[0].startswith("dark 0.")
    assert hits["Thud"].why[1] == "instrument: kick"
    assert hits["Dark Kick 01"].why == ("name: dark", "name: kick")
    assert hits["Dark Kick 01"].score > hits["Thud"].score


@pytest.mark.usefixtures("library")
def test_what_the_name_says_comes_before_what_a_folder_or_the_summary_says():
    add("Rough.wav")
    add("Rough Pack/A.wav")
    entry.refresh_marked()

    found = find("rough")

    assert names(found) == ["Rough", "A", "Café Loop"]
    assert [hit.why for hit in found.hits] == [("name: rough",), ("folder: rough",), ("summary: rough",)]


@pytest.mark.usefixtures("library")
def test_without_words_the_newest_come_first():
    @mongo.synchronous
    async def age(path: str) -> None:
        old = {"$set": {"uploaded_at": datetime.now(UTC) - timedelta(days=30)}}
        await AudioFile.get_pymongo_collection().update_one({"_id": content_id(path)}, old)

    age("Vinyl Pack/Kicks/Bright Kick 02.wav")
    entry.refresh([content_id("Vinyl Pack/Kicks/Bright Kick 02.wav")])

    assert names(find(instrument="kick")) == ["Dark Kick 01", "Bright Kick 02"]
    assert names(find(instrument="kick", since="7d")) == ["Dark Kick 01"]
    assert names(find(instrument="kick", until="7d")) == ["Bright Kick 02"]
    assert names(find(instrument="kick", since="31d", until="29 days ago")) == ["Bright Kick 02"]
    assert names(find(instrument="kick", until="2026-01-31")) == []


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("roots", "count"), [(("/library",), 8), (("/library/Loops",), 3), (("/lib", "/library/Notes"), 2), ((), 0)]
)
def test_whoever_sees_some_roots_finds_their_files_alone(roots: tuple[str, ...], count: int):
    found = search(read_text(""), Filter(roots=roots), limit=50)

    assert (len(found.hits), found.total, found.is_exact) == (count, count, True)
    assert all(any(hit.path.startswith(f"{root}/") for root in roots) for hit in found.hits)


@pytest.mark.usefixtures("library")
def test_a_chord_is_found_with_any_bass():
    for name, root in (("Bm7", "B"), ("Bm7/F#", "F#")):
        chord = {"root": "B", "quality": "min7", "bass": root, "name": name, "confidence": 0.9}
        add(f"Chords/{root}.wav", kind="one_shot", tempo=None, chord=chord)
    entry.refresh_marked()

    assert sorted(names(find(chord="Bm7"))) == ["B", "F#"]
    assert names(find(chord="Bm7/F#")) == ["F#"]


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        ("tempo", ["Slow Loop 62 C", "House Loop 124 Am", "Café Loop"]),
        ("duration", ["Slow Loop 62 C", "Café Loop", "House Loop 124 Am"]),
    ],
)
@pytest.mark.parametrize("filters", [{"kind": "loop"}, {"path": "/library/Loops"}])
def test_sorts_by_a_field(order: Any, wanted: list[str], filters: dict[str, str]):
    found = search(read_text(""), read_filters(**filters), order=order)  # pyright: ignore[reportArgumentType]

    assert names(found)[-1] == wanted[-1]
    assert set(names(found)) == set(wanted)
    values = [hit.entry[order] for hit in found.hits]
    assert values == sorted(values)


@pytest.mark.usefixtures("library")
def test_says_which_words_nothing_has_and_what_there_is():
    found = find("snork kick")

    assert (found.hits, found.unmet) == ((), ("snork",))
    assert "kick" in suggest("kik")
    assert "vinyl" in suggest("vynil")


def test_more_than_the_limit_are_counted(workspace: Workspace):  # noqa: ARG001 -- opens the record
    paths = [f"Many/Kick {number}.wav" for number in range(400)]
    keys = [content_id(path) for path in paths]
    results.save_analyses([(audio_facts(key), analysis_facts(key, instrument="kick")) for key in keys])
    places.save(
        [Place("/library", path.encode(), key, 1000, 1, 1, settled=True) for path, key in zip(paths, keys, strict=True)]
    )
    entry.refresh_marked()

    found = search(read_text("kick"), read_filters(), limit=5)
    narrower = search(read_text("kick many"), read_filters(), limit=5)

    assert (len(found.hits), found.total, found.is_exact) == (5, 400, True)
    sorted_ = search(read_text(""), read_filters(instrument="kick"), limit=5, order="duration")

    assert (len(sorted_.hits), sorted_.total, sorted_.is_exact) == (5, 400, True)
    assert (len(narrower.hits), narrower.total, narrower.is_exact) == (5, 200, False)


MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


@mongo.synchronous
async def insert(groups: dict[int, list[str]], *, count: int) -> None:
    """Insert entries: each has the terms of those numbers that divide its own; five are added in one second."""
    blank = {"paths": [], "tags": [], "descriptors": {}, "kind": None, "instrument": None, "ticket": 1}
    rows = [
        {
            **blank,
            "_id": content_id(number),
            "added_at": MONDAY + timedelta(seconds=number // 5),
            "moment": first_moment(MONDAY + timedelta(seconds=number // 5)),
            "terms": [term for divisor, terms in groups.items() if number % divisor == 0 for term in terms],
        }
        for number in range(1, count + 1)
    ]
    await LibraryEntry.get_pymongo_collection().insert_many(rows)


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("keys", [1, 3, 7, 50, 1000])
def test_index_keys_of_two_terms_are_compared_in_windows(keys: int):
    insert({2: ["even"], 3: ["third"]}, count=300)
    wanted = {first_moment(MONDAY + timedelta(seconds=number // 5)) for number in range(6, 301, 6)}

    found: list[int] = []
    before: int | None = None
    while True:
        moments, before = entry_search.shared_moments(["even"], ["third"], before=before, keys=keys)
        found += moments
        if before is None:
            break
    rows = entry_search.at_moments(["even"], found, passing([["third"]], [], []), limit=1000)

    assert found == sorted(set(found), reverse=True)
    assert wanted <= {*found}
    assert {row["_id"] for row in rows} == {content_id(number) for number in range(6, 301, 6)}


@pytest.mark.usefixtures("workspace")
def test_a_share_is_estimated_by_how_far_back_so_many_reach():
    insert({1: ["all"], 4: ["fourth"]}, count=2000)

    every, fourth = entry_search.shares([["all"], ["fourth"]], counted=100)

    assert every > 0.9
    assert 0.2 < fourth < 0.3


@pytest.mark.usefixtures("workspace")
def test_few_entries_that_meet_several_frequent_conditions_are_all_found():
    # More entries than are counted meet each condition; the last shares a time with others that have one of them.
    insert({2: ["even", "even+"], 4999: ["rare"]}, count=2 * MOST_COUNTED + 10)
    for word, least in (("odd", 1), ("none", 0)):
        entry_terms(word, at_least=least)

    both = find("even odd")
    neither = find("even none")

    assert {hit.entry["_id"] for hit in both.hits} == {content_id(9998)}
    assert (both.total, both.is_exact) == (1, True)
    assert (neither.hits, neither.is_exact) == ((), True)
    assert [part.count for part in both.parts] == [MOST_COUNTED, MOST_COUNTED]


@mongo.synchronous
async def entry_terms(word: str, *, at_least: int) -> None:
    """Give a word to all entries without "even", and to those of the rare ones that have it, if any is to have both."""
    entries = LibraryEntry.get_pymongo_collection()
    await entries.update_many({"terms": {"$ne": "even"}}, {"$push": {"terms": word}})
    if at_least:
        await entries.update_many({"terms": {"$all": ["even", "rare"]}}, {"$push": {"terms": word}})


@pytest.mark.usefixtures("library")
class TestCommand:
    def test_prints_json_lines(self, cli: Cli):
        code, out, err = cli("search", "dark", "kick", "--json")

        [line] = [json.loads(line) for line in out.splitlines()]
        assert (code, err) == (0, "")
        assert line["path"] == "/library/Vinyl Pack/Kicks/Dark Kick 01.wav"
        assert (line["score"], line["why"]) == (1.0, ["name: dark", "name: kick"])

    def test_prints_a_table_and_counts(self, cli: Cli):
        code, out, err = cli("search", "kick", "--limit", "1")

        assert code == 0
        assert "Kick 0" in out
        assert "name: kick" in out
        assert err == "1 of 2 files; --limit lists more of them\n"

    @pytest.mark.parametrize("word", ["-bright", "-hat", "-h4"])
    def test_a_minus_is_no_option(self, cli: Cli, word: str):
        code, out, _ = cli("search", "kick", word, "--json")

        assert code == 0
        assert "Dark Kick" in out

    @pytest.mark.parametrize(
        ("arguments", "shown"),
        [
            (["loop", "--path", "/library/Mine"], "/library/Mine/loop.wav"),
            (["--pack", "mine"], "/library/Mine/loop.wav"),
            (["cafe"], "/library/Loops/Café Loop.wav"),
            (["mine", "loop"], "/library/Mine/loop.wav"),
        ],
    )
    def test_the_place_that_was_asked_for_is_shown(self, cli: Cli, arguments: list[str], shown: str):
        places.save([Place("/library", b"Mine/loop.wav", content_id("Loops/Café Loop.wav"), 9, 1, 1, settled=True)])
        entry.refresh_marked()

        _, listed, _ = cli("search", *arguments, "--json")
        _, paths, _ = cli("search", *arguments, "--paths0")

        assert [json.loads(line)["path"] for line in listed.splitlines()] == [shown]
        assert paths == shown + "\0"

    def test_two_ways_to_print_exclude_each_other(self, cli: Cli):
        assert cli("search", "kick", "--json", "--paths0")[0] == 2

    def test_a_negative_number_is_a_value(self, cli: Cli):
        code, out, _ = cli("search", "--loudness", "-40..-20", "--json")

        assert code == 0
        assert "Bass C2" in out

    @pytest.mark.usefixtures("cli")
    def test_prints_paths_for_xargs(self):
        raw = Place("/library", b"caf\xe9 kick.wav", content_id("raw"), 1000, 1, 1, settled=True)
        results.save_analyses([(audio_facts(raw.file_id), analysis_facts(raw.file_id))])
        places.save([raw])
        entry.refresh_marked()

        # A process of its own, as the bytes are no text.
        command = [sys.executable, "-m", "samplemind_cli", "search", "caf", "--paths0"]
        done = subprocess.run(command, capture_output=True, check=False)

        assert (done.returncode, done.stdout, done.stderr) == (0, b"/library/caf\xe9 kick.wav\0", b"")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["zzz"], "nothing found: no file has 'zzz'"),
            (["kcik"], "no file has 'kcik' (alike: kick)"),
            (["--tag", "none"], "nothing found: no file passes --tag"),
            (["kick", "cafe"], "nothing found that has all of it (kick alone 2, cafe alone 1)"),
            (["$where"], "no file has 'where'"),
        ],
    )
    def test_says_why_nothing_was_found(self, cli: Cli, arguments: list[str], said: str):
        code, out, err = cli("search", *arguments)

        assert (code, out) == (0, "")
        assert said in err
        assert err.count("\n") == 1

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--key", "H"],
            ["--bpm", "128..120"],
            ["x" * 10_000],
            ["$"],
            ["--half-double"],
            ["--kind", "drone"],
            ["--since", "never"],
            ["--batch", "no-such-batch"],
            ["--path", ""],
            ["--limit", "0"],
            ["--sort", "size"],
        ],
    )
    def test_refuses_bad_input_in_one_line(self, cli: Cli, arguments: list[str]):
        code, out, err = cli("search", *arguments)

        assert (code, out) == (2, "")
        assert err.count("\n") == 1
        assert len(err) < 400

    def test_an_index_that_is_not_complete_is_named(self, cli: Cli):
        @mongo.synchronous
        async def lose() -> None:
            await LibraryEntry.get_pymongo_collection().delete_one({"_id": content_id("Loops/Café Loop.wav")})
            await EntryIndex.get_pymongo_collection().delete_many({})

        lose()

        code, out, err = cli("search", "kick")

        assert code == 3
        assert "Dark Kick" in out
        assert "the search index holds 7 of 8 files" in err

    def test_reindex_makes_all_entries_anew(self, cli: Cli, chroma: str):  # noqa: ARG002 -- it must be up
        mongo.run(LibraryEntry.get_pymongo_collection().drop())

        code, out, _ = cli("reindex", "--json")

        assert code == 0
        assert json.loads(out)["entries"] == 8
        assert cli("search", "kick", "--json")[1].count("\n") == 2


def test_an_empty_library_says_so(workspace: Workspace, cli: Cli):  # noqa: ARG001 -- opens the record
    code, out, err = cli("search", "kick")

    assert (code, out) == (0, "")
    assert "the library has no analysed file" in err


@pytest.mark.usefixtures("library")
def test_finds_the_chord_of_a_one_shot():
    chord = {"root": "B", "quality": "min7", "bass": "F#", "name": "Bm7/F#", "confidence": 0.8}
    add("Stabs/Warm.wav", kind="one_shot", tempo=None, key="B", mode="minor", camelot="10A", chord=chord)
    add("Stabs/Cold.wav", kind="one_shot", tempo=None, chord=chord | {"bass": "B", "name": "Bm7"})
    entry.refresh_marked()

    found = find(chord="Bm7/F#")

    assert names(found) == ["Warm"]
    assert found.hits[0].entry["chord"] == "Bm7/F#"
    assert names(find(key="Bm")) == ["Warm"]
