"""The map through the API."""

import struct

import httpx
import numpy as np
import pytest

from samplemind_worker.dsp import EMBEDDING_SIZE
from samplemind_worker.finding import entry
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import places, results
from samplemind_worker.store.places import Place
from samplemind_worker.upkeep import sound_map
from tests.factories import analysis_facts, audio_facts, content_id

pytestmark = pytest.mark.services


@pytest.fixture
def library(workspace: Workspace) -> list[str]:  # noqa: ARG001 -- it has opened the record
    """The ids of some contents, in the order of the map."""
    rng = np.random.default_rng(1)
    ids = sorted(content_id(number) for number in range(25))
    vectors = rng.normal(size=(25, EMBEDDING_SIZE)).tolist()
    facts = [analysis_facts(key, vector=vector, instrument="kick") for key, vector in zip(ids, vectors, strict=True)]
    results.save_analyses([(audio_facts(each.file_id), each) for each in facts])
    places.save([Place("/library", f"{key}.wav".encode(), key, 1000, 1, 1, settled=True) for key in ids])
    entry.refresh_marked()
    return ids


def test_an_empty_library_has_an_empty_map(web: httpx.Client):
    answer = web.get("/api/v1/map")

    assert answer.status_code == 200
    told = answer.json()
    assert (told["version"], told["count"], told["made_at"], told["state"]) == (None, 0, None, "empty")
    assert (told["keys"][9], told["keys"][12], len(told["keys"])) == ("Am", "C", 24)


def test_the_map_is_told_of_and_its_points_are_answered(web: httpx.Client, library: list[str]):
    assert web.get("/api/v1/map").json()["state"] == "computing"
    sound_map.tend()

    told = web.get("/api/v1/map").json()
    assert (told["count"], told["state"], told["instruments"], told["kinds"]) == (25, "ready", ["kick"], ["loop"])
    assert told["made_at"].endswith("Z")
    answer = web.get(f"/api/v1/map/{told['version']}/points")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/octet-stream")
    assert struct.unpack_from("<4sI", answer.content) == (b"SMAP", 25)
    assert len(answer.content) == 8 + 20 * 25
    assert answer.content[-8:].hex() == library[-1][:16]
    again = web.get(f"/api/v1/map/{told['version']}/points", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_points_are_translated_into_ids(web: httpx.Client, library: list[str]):
    sound_map.tend()
    version = web.get("/api/v1/map").json()["version"]

    answer = web.post("/api/v1/map/ids", json={"version": version, "indices": [3, 0, 24, 3]})

    assert answer.json() == {"ids": [library[3], library[0], library[24], library[3]]}
    assert web.post("/api/v1/map/ids", json={"version": version, "indices": []}).json() == {"ids": []}


@pytest.mark.parametrize("version", ["0" * 16, "x", "..%2F..", "0" * 5000, "map/points"])
def test_a_map_that_is_not_there(web: httpx.Client, version: str):
    assert web.get(f"/api/v1/map/{version}/points").status_code in {404, 422}


@pytest.mark.parametrize(
    "indices",
    [[25], [-1], [2**32], [1.5], ["a"], {"$gt": 0}, [None], [0] * 5001, "0", [True, {}]],
    ids=["high", "negative", "huge", "half", "text", "operator", "null", "many", "no list", "object"],
)
@pytest.mark.usefixtures("library")
def test_what_is_no_point_is_refused(web: httpx.Client, indices: object):
    sound_map.tend()
    version = web.get("/api/v1/map").json()["version"]

    answer = web.post("/api/v1/map/ids", json={"version": version, "indices": indices})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


@pytest.mark.usefixtures("library")
def test_the_map_before_can_still_be_read(web: httpx.Client):
    sound_map.tend()
    old = web.get("/api/v1/map").json()["version"]
    results.update_analyses({content_id(1): {"tempo": 90.0}})
    entry.refresh([content_id(1)])
    sound_map.sound_map.note(looked_at=None)
    assert sound_map.tend()
    assert web.get("/api/v1/map").json()["version"] != old

    assert web.post("/api/v1/map/ids", json={"version": old, "indices": [0]}).status_code == 200
