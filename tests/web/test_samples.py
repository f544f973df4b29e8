"""Searching samples through the API, in a real server with a real record."""

import base64
import json
from typing import Any

import httpx
import pytest

from samplemind_web.routes.samples import RANKED
from samplemind_web.sample_facts import Sample
from samplemind_web.sample_rows import SamplePage, SampleRow
from samplemind_worker.finding import entry, marks
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import places, results
from samplemind_worker.store.places import Place
from tests.factories import analysis_facts, audio_facts, content_id

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("library")]

KICKS = 250
NOWHERE = "0" * 64


def add(path: str, root: str = "/library", **values: Any) -> str:
    key = content_id(path)
    audio = {name: values.pop(name) for name in ("duration", "loudness_lufs", "tags") if name in values}
    results.save_analyses([(audio_facts(key, filename=path, **audio), analysis_facts(key, **values))])
    places.save([Place(root, path.encode(), key, 1000, 1, 1, settled=True)])
    return key


@pytest.fixture
def library(workspace: Workspace) -> Workspace:
    """250 kicks of three lengths without a tempo, a loop, and a note."""
    pairs, lie = [], []
    for number in range(KICKS):
        name = f"Kit/Kick {number:03}.wav"
        key = content_id(name)
        values = {"kind": "one_shot", "instrument": "kick", "tempo": None, "key": None, "mode": None, "vector": None}
        pairs.append((audio_facts(key, duration=0.5 + number % 3, loudness_lufs=None), analysis_facts(key, **values)))
        lie.append(Place("/library", name.encode(), key, 1000, 1, 1, settled=True))
    results.save_analyses(pairs)
    places.save(lie)
    add(
        "Loops/House Loop 124 Am.wav",
        tempo=124.0,
        tempo_confidence=0.4567,
        tempo_candidates=[{"tempo": 124.0, "score": 0.9}, {"tempo": 62.0, "score": 0.4}],
        key_confidence=0.5,
        key_candidates=[{"key": "C", "mode": "major", "score": 0.6}, {"key": "A", "mode": "minor", "score": 0.5}],
        kind_confidence=0.9,
        instrument="music_loop",
    )
    add("Notes/Voice one.wav", kind="one_shot", instrument="voice", tempo=None, key=None, mode=None, pitch_midi=48)
    entry.build()
    entry.refresh_marked()
    return workspace


def pages(web: httpx.Client, **given: Any) -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    while True:
        answer = web.get("/api/v1/samples", params=given)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        SamplePage.model_validate(found[-1])
        if found[-1]["next"] is None:
            return found
        given["cursor"] = found[-1]["next"]


@pytest.mark.parametrize("sort", ["added", "name", "tempo", "duration", "loudness"])
@pytest.mark.parametrize("filters", [{}, {"instrument": "kick,voice,music_loop"}, {"q": "kick -loop"}])
@pytest.mark.parametrize("limit", [7, 100])
def test_pages_repeat_and_miss_nothing_in_any_order(web: httpx.Client, sort: str, filters: dict[str, str], limit: int):
    found = pages(web, sort=sort, limit=limit, **filters)

    ids = [row["file_id"] for page in found for row in page["items"]]
    wanted = KICKS if "q" in filters else KICKS + 2
    assert len(ids) == len(set(ids)) == wanted
    assert {page["total"] for page in found} <= {wanted, None}
    assert all(page["total_at_least"] <= wanted for page in found)
    field = {"added": "added_at", "loudness": "loudness_lufs"}.get(sort, sort)
    values = [row[field] for page in found for row in page["items"]]
    known = [value for value in values if value is not None]
    known = [each.casefold() for each in known] if sort == "name" else known
    assert known == sorted(known, reverse=sort in {"added", "loudness"})
    # What has no value comes last.
    assert values[: len(known)].count(None) == 0


@pytest.mark.parametrize("sort", ["added", "name", "tempo", "duration", "loudness"])
@pytest.mark.parametrize(
    "filters", [{}, {"instrument": "kick,voice"}, {"q": "kick", "duration": "0..2"}, {"q": "nothing"}]
)
@pytest.mark.parametrize("size", [100, 125, 126])
def test_each_page_of_a_list_can_be_asked_for_at_once(web: httpx.Client, sort: str, filters: dict[str, str], size: int):
    one_by_one = pages(web, sort=sort, limit=size, **filters)

    answer = web.get("/api/v1/samples/pages", params={"sort": sort, "size": size, **filters})

    assert answer.status_code == 200, answer.text
    listed = answer.json()
    assert listed["total"] == sum(len(page["items"]) for page in one_by_one)
    assert len(listed["cursors"]) == len(one_by_one) - 1
    for cursor, page in zip(listed["cursors"], one_by_one[1:], strict=True):
        found = web.get("/api/v1/samples", params={"sort": sort, "limit": size, "cursor": cursor, **filters}).json()
        assert found["items"] == page["items"]


def test_ranked_pages_go_on_where_the_last_one_ended(web: httpx.Client):
    found = pages(web, q="kick 001", limit=40)
    all_kicks = pages(web, q="kick", limit=40)

    assert [row["name"] for page in found for row in page["items"]] == ["Kick 001.wav"]
    assert (found[0]["items"][0]["score"], found[0]["items"][0]["why"]) == (1.0, ["name: kick", "name: 001"])
    ids = [row["file_id"] for page in all_kicks for row in page["items"]]
    assert len(ids) == len(set(ids)) == KICKS
    assert all_kicks[0]["total"] == KICKS
    assert KICKS < RANKED


def test_a_row_says_what_is_known_and_how_surely(web: httpx.Client):
    [row] = web.get("/api/v1/samples", params={"q": "house"}).json()["items"]

    assert SampleRow.model_validate(row)
    assert (row["root"], row["folder"], row["name"]) == ("/library", "Loops", "House Loop 124 Am.wav")
    assert (row["path"], row["places"]) == ("/library/Loops/House Loop 124 Am.wav", [row["path"]])
    assert (row["tempo"], row["tempo_confidence"], row["tempo_runner_up"]) == (124.0, 0.457, 62.0)
    assert (row["key"], row["mode"], row["key_confidence"]) == ("A", "minor", 0.5)
    assert (row["key_runner_up"], row["kind_confidence"], row["favourite"]) == ("C major", 0.9, False)


def test_every_instrument_can_be_asked_for(web: httpx.Client):
    [row] = web.get("/api/v1/samples", params={"instrument": "voice"}).json()["items"]

    assert (row["name"], row["pitch_note"]) == ("Voice one.wav", "C3")
    assert web.get("/api/v1/samples", params={"instrument": "sax,ambience"}).json()["total"] == 0


def test_marks_show_at_once(web: httpx.Client):
    loop = content_id("Loops/House Loop 124 Am.wav")
    before = web.get("/api/v1/samples", params={"favourite": True}).json()
    web.post("/api/v1/samples/marks", json={"ids": [loop], "favourite": True, "add_tags": ["Späti"]})

    rows = pages(web, favourite=True)[0]["items"]
    one = web.get(f"/api/v1/samples/{loop}").json()

    assert (before["items"], before["total"]) == ([], 0)
    assert [(row["file_id"], row["favourite"], row["user_tags"]) for row in rows] == [(loop, True, ["Späti"])]
    assert (one["favourite"], one["user_tags"], one["collections"]) == (True, ["Späti"], [])
    assert pages(web, tag="späti")[0]["total"] == 1
    assert marks.MOST_TAGS


def test_rows_by_id_keep_their_order(web: httpx.Client):
    wanted = [content_id(f"Kit/Kick {number:03}.wav") for number in (9, 2, 5)]

    found = web.post("/api/v1/samples/rows", json={"ids": [*wanted[:2], NOWHERE, wanted[2], wanted[0]]}).json()

    assert [row["file_id"] for row in found["items"]] == wanted
    assert found["missing"] == [NOWHERE]
    assert web.post("/api/v1/samples/rows", json={"ids": ["x"]}).status_code == 422
    assert web.post("/api/v1/samples/rows", json={"ids": wanted * 200}).status_code == 422


def test_a_long_list_is_compressed_for_who_takes_that(web: httpx.Client):
    def ask(encoding: str, **headers: str) -> httpx.Response:
        query = {"sort": "name", "limit": "200"}
        return web.get("/api/v1/samples", params=query, headers={"Accept-Encoding": encoding, **headers})

    plain, zipped, refused = ask("identity"), ask("br, gzip"), ask("br, gzip;q=0")

    assert "Content-Encoding" not in plain.headers
    assert "Content-Encoding" not in refused.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert {plain.headers["Vary"], zipped.headers["Vary"]} == {"Accept-Encoding"}
    assert int(zipped.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 4
    assert plain.json() == zipped.json() == refused.json()
    assert ask("gzip", **{"If-None-Match": zipped.headers["ETag"]}).status_code == 304


def test_one_sample_has_the_facts_and_an_etag(web: httpx.Client):
    loop = content_id("Loops/House Loop 124 Am.wav")
    answer = web.get(f"/api/v1/samples/{loop}")
    again = web.get(f"/api/v1/samples/{loop}", headers={"If-None-Match": answer.headers["etag"]})

    found = Sample.model_validate(answer.json())
    assert (found.path, found.folder, found.tempo) == ("/library/Loops/House Loop 124 Am.wav", "Loops", 124.0)
    assert [each.tempo for each in found.tempo_candidates] == [124.0, 62.0]
    assert (again.status_code, again.content) == (304, b"")
    assert web.get(f"/api/v1/samples/{NOWHERE}").status_code == 404


@pytest.mark.usefixtures("web")
def test_what_is_gone_says_since_when(web: httpx.Client):
    loop = content_id("Loops/House Loop 124 Am.wav")
    places.end(places.of([loop])[loop])
    entry.refresh_marked()

    found = web.get(f"/api/v1/samples/{loop}").json()

    assert (found["places"], found["name"]) == ([], "House Loop 124 Am.wav")
    assert found["gone_at"] is not None
    assert pages(web, q="house")[0]["items"] == []


@pytest.mark.parametrize("since", ["2110-01-01", "9999-12-31"])
def test_nothing_was_added_since_a_time_to_come(web: httpx.Client, since: str):
    assert pages(web, since=since)[0]["items"] == []


@pytest.mark.parametrize(
    "query",
    [
        "bpm=fast",
        "bpm=128..120",
        "bpm[$gt]=1",
        "bpm=1&bpm=2",
        "limit=0",
        "limit=1001",
        "limit=x",
        "sort=size",
        "instrument=kazoo",
        "half_double=true",
        "q=" + "x" * 501,
        "q=" + "x" * 3000,
        "q=%22%00%22",
        "q=" + "+".join(f"w{number}" for number in range(60)),
        "key=" + "A" * 501,
        "path=relative",
        "path=/%00",
        "batch=none",
        "collection=none",
        "colour=red",
        "&".join(f"f{number}=1" for number in range(1500)),
        "cursor=!",
        "cursor=W10",
        "cursor=" + "A" * 3000,
    ],
)
def test_bad_input_is_refused_at_once(web: httpx.Client, query: str):
    answer = web.get(f"/api/v1/samples?{query}")

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < 2000


@pytest.mark.parametrize("text", ["$where", "{'$gt': ''}", "%00", "(((", "\\", "a\u0000b", "*", "null"])
def test_text_is_never_an_operator(web: httpx.Client, text: str):
    answer = web.get("/api/v1/samples", params={"q": text, "tag": text, "pack": text, "chord": text})

    assert answer.status_code in {200, 422}
    assert answer.status_code == 422 or answer.json()["items"] == []


def forged(cursor: str, **changes: Any) -> str:
    values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    for place, value in changes.items():
        values[int(place[1:])] = value
    text = json.dumps(values)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_a_forged_cursor_is_refused(web: httpx.Client):
    by_length = pages(web, sort="duration", limit=200)[0]["next"]
    assert by_length is not None
    changes: list[dict[str, Any]] = [
        {"p0": "other"},
        {"p1": "tempo"},
        {"p2": "x"},
        {"p2": None},
        {"p2": {"$gt": 0}},
        {"p2": float("nan")},
        {"p2": float("inf")},
        {"p2": 10**30},
        {"p3": -1},
        {"p3": 1 << 64},
        {"p4": "nothing"},
        {"p5": -1},
        {"p6": "yes"},
    ]
    for change in changes:
        answer = web.get("/api/v1/samples", params={"sort": "duration", "cursor": forged(by_length, **change)})
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor"), change
    for others in ({"sort": "name"}, {}, {"sort": "duration", "kind": "loop"}, {"sort": "duration", "q": "kick"}):
        assert web.get("/api/v1/samples", params={"cursor": by_length, **others}).status_code == 422


@pytest.mark.parametrize("file_id", ["x", "..%2f..", "A" * 64, "0" * 63, "0" * 65, "%00", "$ne"])
def test_an_id_that_is_none_is_refused(web: httpx.Client, file_id: str):
    assert web.get(f"/api/v1/samples/{file_id}").status_code in {404, 422}
