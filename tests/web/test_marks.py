"""Tags, favourites and collections through the API."""

from typing import Any

import httpx
import pytest

from samplemind_worker.finding import entry
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import mongo, places, results
from samplemind_worker.store.places import Place
from tests.factories import analysis_facts, audio_facts, content_id

pytestmark = pytest.mark.services
ONE, TWO, NONE = content_id(1), content_id(2), content_id("none")


@pytest.fixture(autouse=True)
def library(workspace: Workspace) -> None:  # noqa: ARG001 -- it has opened the record
    """Two contents."""
    for number, key in enumerate((ONE, TWO)):
        results.save_analyses([(audio_facts(key), analysis_facts(key))])
        places.save([Place("/library", f"{number:04}.wav".encode(), key, 1000, 1, 1, settled=True)])
    entry.refresh_marked()


def entry_of(file_id: str) -> dict[str, Any]:
    return mongo.run(mongo.collection("library_entries").find_one({"_id": file_id})) or {}


def post(web: httpx.Client, path: str, body: object) -> httpx.Response:
    return web.post(f"/api/v1{path}", json=body)


def test_marks_are_set_and_say_what_changed(web: httpx.Client):
    answer = post(web, "/samples/marks", {"ids": [ONE, NONE], "favourite": True, "add_tags": ["Dark "]})

    assert (answer.status_code, answer.json()) == (200, {"changed": 1, "missing": [NONE]})
    assert (entry_of(ONE)["user_tags"], entry_of(ONE)["collections"]) == (["Dark"], ["favourites:local"])
    again = post(web, "/samples/marks", {"ids": [ONE], "favourite": True, "add_tags": ["dark"]})
    assert again.json() == {"changed": 0, "missing": []}
    assert web.get("/api/v1/tags").json()["items"] == [{"tag": "Dark", "samples": 1}]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": []},
        {"ids": ["../../etc/passwd"], "favourite": True},
        {"ids": [{"$gt": ""}], "favourite": True},
        {"ids": {"$gt": ""}, "favourite": True},
        {"ids": [ONE.upper()], "favourite": True},
        {"ids": [ONE], "favourite": {"$ne": None}},
        {"ids": [ONE], "favorite": True},
        {"ids": [ONE] * 5001, "favourite": True},
        {"ids": [ONE], "add_tags": [""]},
        {"ids": [ONE], "add_tags": ["a\0b"]},
        {"ids": [ONE], "add_tags": [{"$gt": ""}]},
        {"ids": [ONE], "add_tags": ["x" * 61]},
        {"ids": [ONE], "add_tags": ["x" * 100_000]},
        {"ids": [ONE], "add_tags": [str(n) for n in range(41)]},
        {"ids": [ONE], "add_tags": ["a"], "remove_tags": ["A"]},
        [],
        "text",
        None,
    ],
    ids=str,
)
def test_what_is_no_change_is_refused(web: httpx.Client, body: object):
    answer = post(web, "/samples/marks", body)

    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["code"] == "invalid"
    assert entry_of(ONE)["user_tags"] == entry_of(ONE)["collections"] == []


def test_half_a_character_is_refused(web: httpx.Client):
    headers = {"content-type": "application/json"}
    content = f'{{"ids": ["{ONE}"], "add_tags": ["\\ud800"]}}'

    answer = web.post("/api/v1/samples/marks", content=content, headers=headers)

    assert answer.status_code == 422


def test_a_collection_from_its_making_to_its_end(web: httpx.Client):
    made = post(web, "/collections", {"name": " Club  set "})
    assert (made.status_code, made.json()["name"], made.json()["samples"]) == (201, "Club set", 0)
    here = made.headers["location"]
    assert web.get(here).json() == made.json()

    changed = web.post(f"{here}/samples", json={"add": [ONE, TWO, NONE]})
    assert changed.json() == {"changed": 2, "missing": [NONE]}
    assert web.post(f"{here}/samples", json={"add": [ONE], "remove": [TWO]}).json() == {"changed": 1, "missing": []}
    assert entry_of(ONE)["collections"] == [made.json()["id"]]
    assert f"collection={made.json()['id']}" in entry_of(ONE)["terms"]

    assert web.patch(here, json={"name": "Peak time"}).json()["name"] == "Peak time"
    listed = web.get("/api/v1/collections").json()
    assert [(each["name"], each["samples"], each["built_in"]) for each in listed["items"]] == [
        ("Favourites", 0, True),
        ("Peak time", 1, False),
    ]
    assert web.delete(here).status_code == 204
    assert (web.get(here).status_code, web.delete(here).status_code) == (404, 404)
    assert entry_of(ONE)["collections"] == []


def test_a_new_name_of_a_collection_is_seen_at_once(web: httpx.Client):
    here = post(web, "/collections", {"name": "Set"}).headers["location"]
    post(web, f"{here.removeprefix('/api/v1')}/samples", {"add": [ONE]})
    assert [each["name"] for each in web.get(f"/api/v1/samples/{ONE}").json()["collections"]] == ["Set"]
    assert len(web.get("/api/v1/samples", params={"collection": "Set"}).json()["items"]) == 1

    web.patch(here, json={"name": "Club"})

    assert [each["name"] for each in web.get(f"/api/v1/samples/{ONE}").json()["collections"]] == ["Club"]
    assert web.get("/api/v1/samples", params={"collection": "Set"}).json()["code"] == "invalid"


def test_a_deleted_collection_is_gone_at_once(web: httpx.Client):
    here = post(web, "/collections", {"name": "Set"}).headers["location"]
    assert web.get("/api/v1/samples", params={"collection": "Set"}).json()["items"] == []

    web.delete(here)

    assert web.get("/api/v1/samples", params={"collection": "Set"}).json()["code"] == "invalid"


def test_names_of_collections_are_unique(web: httpx.Client):
    one = post(web, "/collections", {"name": "Set"})
    two = post(web, "/collections", {"name": "Other"})

    for answer in (
        post(web, "/collections", {"name": "SET"}),
        post(web, "/collections", {"name": "favourites"}),
        web.patch(two.headers["location"], json={"name": "set"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")
    assert one.status_code == 201


def test_a_collection_that_is_made_twice_with_one_key_is_made_once(web: httpx.Client):
    answers = [
        web.post("/api/v1/collections", json={"name": "Set"}, headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert web.get("/api/v1/collections").json()["total"] == 2


def test_a_collection_that_has_not_changed_is_not_sent_again(web: httpx.Client):
    here = post(web, "/collections", {"name": "Set"}).headers["location"]
    tag = web.get(here).headers["etag"]

    assert web.get(here, headers={"If-None-Match": tag}).status_code == 304
    web.post(f"{here}/samples", json={"add": [ONE]})
    assert web.get(here, headers={"If-None-Match": tag}).status_code == 200


def test_what_is_set_is_in_the_audit_log(web: httpx.Client):
    post(web, "/samples/marks", {"ids": [ONE], "add_tags": ["Dark"]})
    here = post(web, "/collections", {"name": "Set"}).headers["location"]
    web.post(f"{here}/samples", json={"add": [ONE]})
    web.patch(here, json={"name": "Other"})
    web.delete(here)

    actions = [each["action"] for each in web.get("/api/v1/audit").json()["items"]]
    assert actions[:5] == [
        "collection.delete",
        "collection.rename",
        "collection.change",
        "collection.create",
        "samples.mark",
    ]


def test_favourites_are_a_collection_that_stays(web: httpx.Client):
    here = "/api/v1/collections/favourites"

    assert web.post(f"{here}/samples", json={"add": [ONE]}).json() == {"changed": 1, "missing": []}
    assert web.get(here).json()["samples"] == 1
    assert web.patch(here, json={"name": "x"}).json()["code"] == "built_in"
    assert web.delete(here).status_code == 409


@pytest.mark.parametrize("path", ["0" * 24, "favourites:bert", "x", "0" * 5000, "%00", "..%2F..%2Ftags"])
def test_a_collection_that_is_not_there(web: httpx.Client, path: str):
    assert web.get(f"/api/v1/collections/{path}").status_code in {404, 422}
    assert web.post(f"/api/v1/collections/{path}/samples", json={"add": [ONE]}).status_code in {404, 405, 422}
    assert entry_of(ONE)["collections"] == []


@pytest.mark.parametrize("name", ["", "   ", "a\0b", "x" * 101, "\u202egpj", None, {"$gt": ""}], ids=repr)
def test_what_is_no_name_is_refused(web: httpx.Client, name: object):
    answer = post(web, "/collections", {"name": name})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert web.get("/api/v1/collections").json()["total"] == 1
