"""A user who may see one root learns nothing of what lies in another."""

import struct
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from config.queues import Queues, is_of_root
from config.settings import Settings
from samplemind_web.system_state import Queue, System
from samplemind_worker.finding import entry, marks
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import mongo, packs
from samplemind_worker.store.packs import Origin
from samplemind_worker.upkeep import sound_map
from tests.chain import submit, work
from tests.factories import write_audio
from tests.web.accounts import add_user, log_in
from training import signals

pytestmark = pytest.mark.services

SECRETS = ("secret", "hidden_tag", "unreleased")
"""What tells of the other root."""


@pytest.fixture
def served(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with two named roots."""
    return settings.model_copy(update={"roots": {"open": tmp_path / "open", "secret": tmp_path / "secret"}})


@pytest.fixture
def workspace(served: Settings, web_url: str) -> Iterator[Workspace]:  # noqa: ARG001 -- it has opened the record
    """A workspace that has the roots, too."""
    made = Workspace(served)
    yield made
    made.close()


@pytest.fixture
def ids(workspace: Workspace, web: httpx.Client) -> dict[str, str]:
    """Two analysed sounds, each in a root of its own; the client is a producer who sees ``open`` alone."""
    roots = workspace.settings.roots
    write_audio(roots["open"] / "kit" / "kick.wav", signals.kick())
    write_audio(roots["secret"] / "unreleased" / "hidden_tag.wav", signals.kick(seed=5))
    shared = signals.snare()
    write_audio(roots["open"] / "kit" / "both.wav", shared)
    write_audio(roots["secret"] / "unreleased" / "a secret name.wav", shared)
    # The other root first: its name of the content that lies in both is the one that is recorded with it.
    for root in reversed(roots.values()):
        submit(workspace, root, ai=False, user_id="ada")
        work(workspace)
    entry.refresh_marked()
    add_user(workspace, "ada")
    add_user(workspace, "vic", "producer", roots=["open"])
    time.sleep(0.6)
    assert log_in(web, "vic").status_code == 200

    async def known() -> dict[str, str]:
        rows = await mongo.collection("file_locations").find().to_list()
        return {Path(row["path"]).stem: row["file_id"] for row in rows}

    found = mongo.run(known())
    marks.change([found["hidden_tag"]], user_id="ada", favourite=True, add_tags=["Unreleased"])
    return found


def test_nothing_that_is_listed_tells_of_another_root(web: httpx.Client, ids: dict[str, str]):
    mine = web.get("/api/v1/samples").json()
    assert sorted(row["file_id"] for row in mine["items"]) == sorted([ids["kick"], ids["both"]])

    asked = [
        "/samples", "/samples?q=hidden", "/samples?path=secret", "/samples?tag=unreleased", "/samples?pack=unreleased",
        f"/samples/{ids['kick']}", f"/samples/{ids['both']}", f"/samples/{ids['kick']}/similar",
        f"/samples/{ids['kick']}/similar?explain=true", f"/samples/{ids['kick']}/match", "/match?key=Am&bpm=120",
        "/duplicates", "/duplicates?near=true", "/library", "/suggest?q=hid", "/suggest?q=unr", "/tags",
        "/collections", "/batches", "/packs", "/nights", "/roots", "/roots/secret/folders", "/system", "/map", "/me",
        "/system/doctor", "/inbox", "/samples?path=/nowhere", "/samples?path=/", "/samples?collection=favourites",
        "/summaries/spend", f"/samples/{ids['both']}/similar?explain=true", f"/samples/{ids['both']}/match",
    ]  # fmt: skip
    told = {}
    for path in asked:
        answer = web.get(f"/api/v1{path}")
        assert answer.status_code < 500, path
        body = answer.text.replace(path, "").replace(path.partition("?")[0], "")
        if found := [word for word in (*SECRETS, ids["hidden_tag"]) if word in body]:
            told[path] = (found, body[:300])

    assert told == {}


@pytest.mark.parametrize("path", ["", "/similar", "/match", "/audio"])
def test_a_sound_of_another_root_is_not_there(web: httpx.Client, ids: dict[str, str], path: str):
    answer = web.get(f"/api/v1/samples/{ids['hidden_tag']}{path}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_counts_are_those_of_what_a_caller_sees(web: httpx.Client, ids: dict[str, str]):
    library = web.get("/api/v1/library").json()
    tags = web.get("/api/v1/tags").json()["items"]
    web.post("/api/v1/samples/marks", json={"ids": [ids["kick"]], "add_tags": ["Mine"]})
    own = web.get("/api/v1/tags").json()["items"]
    compared = web.get("/api/v1/duplicates").json()

    assert (library["files"], library["contents"], library["added"]["7"]) == (2, 2, 2)
    assert sum(library["kinds"].values()) == 2
    assert (library["copies"], library["packs"], library["pack_count"]) == ({"files": 0, "bytes": 0}, {}, 0)
    assert (tags, own) == ([], [{"tag": "Mine", "samples": 1}])
    assert (compared["items"], compared["files"], compared["frees"]) == ([], None, 0)


def test_a_map_shows_what_a_caller_sees(web: httpx.Client, ids: dict[str, str], web_url: str):
    sound_map.tend()
    with httpx.Client(base_url=web_url, timeout=30.0) as admin:
        assert log_in(admin, "ada").status_code == 200
        whole = admin.get("/api/v1/map").json()
    mine = web.get("/api/v1/map").json()
    points = web.get(f"/api/v1/map/{mine['version']}/points").content
    named = web.post("/api/v1/map/ids", json={"version": mine["version"], "indices": [0, 1]}).json()["ids"]
    beyond = web.post("/api/v1/map/ids", json={"version": mine["version"], "indices": [2]})
    others = web.post("/api/v1/map/ids", json={"version": whole["version"], "indices": [0, 1, 2]})

    assert (whole["count"], mine["count"]) == (3, 2)
    assert named == sorted([ids["kick"], ids["both"]])
    assert struct.unpack_from("<4sI", points) == (b"SMAP", 2)
    assert len(points) == 8 + 20 * 2
    assert points[-16:].hex() == named[0][:16] + named[1][:16]
    assert beyond.status_code == 422
    assert others.status_code == 404
    assert web.get(f"/api/v1/map/{whole['version']}/points").status_code == 404


@pytest.mark.parametrize("body", [{}, {"missing": True}], ids=str)
def test_summaries_are_asked_for_what_a_caller_sees(web: httpx.Client, ids: dict[str, str], body: dict[str, object]):
    asked = {"provider": "local", **body} if body else {"provider": "local", "ids": sorted(ids.values())}
    answer = web.post("/api/v1/summaries", json=asked)
    batch = answer.json().get("batch_id")
    files = web.get(f"/api/v1/batches/{batch}/files").text if batch else ""

    assert answer.status_code == 202
    assert answer.json()["total_files"] == (0 if body else 2)
    assert not [word for word in SECRETS if word in files]


def test_packs_are_shown_to_who_sees_where_they_lie(web: httpx.Client, ids: dict[str, str], served: Settings):
    assert ids
    served.inbox_folder.mkdir(parents=True, exist_ok=True)
    (served.inbox_folder / "waiting.zip").write_bytes(b"PK")
    packs.begin(Origin("a" * 64, "/inbox", "waiting.zip", "zip"), run="2026-01-01", folders=("waiting",))

    assert web.get("/api/v1/inbox").json()["packs"] == []
    assert web.get("/api/v1/packs").json()["items"] == []
    assert web.get(f"/api/v1/packs/{'a' * 64}").status_code == 404


def test_a_refused_upload_names_no_roots(web: httpx.Client, ids: dict[str, str]):
    assert ids
    answer = web.put("/api/v1/inbox/kit.zip", content=b"PK")

    assert (answer.status_code, answer.json()["code"]) == (422, "no_inbox")
    assert not [word for word in SECRETS if word in answer.text]


def test_queues_of_roots_are_not_named():
    system = System(
        version="1", services={}, workers=[], queues=[Queue(name="s:cpu@secret", waiting=1, read_by=1)], open_batches=1,
        flower_url=None, nightly=None,
    )  # fmt: skip

    assert system.without_roots().queues == []
    assert is_of_root(Queues("s", "host").of_root("secret"))


def test_bulk_routes_leave_out_what_lies_in_another_root(web: httpx.Client, ids: dict[str, str]):
    both = [ids["kick"], ids["hidden_tag"]]
    rows = web.post("/api/v1/samples/rows", json={"ids": both})
    peaks = web.post("/api/v1/peaks", json={"ids": both})

    assert "hidden_tag.wav" not in rows.text
    assert ids["hidden_tag"] not in peaks.json()["peaks"]


def test_nobody_marks_what_they_cannot_see(web: httpx.Client, ids: dict[str, str]):
    web.post("/api/v1/samples/marks", json={"ids": [ids["hidden_tag"]], "add_tags": ["mine"], "favourite": True})

    async def tags() -> list[str]:
        row = await mongo.collection("library_entries").find_one({"_id": ids["hidden_tag"]})
        assert row is not None
        return [*row["user_tags"], *row["collections"]]

    assert mongo.run(tags()) == ["Unreleased", "favourites:ada"]
    made = web.post("/api/v1/collections", json={"name": "mine"}).json()
    added = web.post(f"/api/v1/collections/{made['id']}/samples", json={"add": [ids["hidden_tag"]]})
    assert added.status_code in {200, 404}
    assert mongo.run(tags()) == ["Unreleased", "favourites:ada"]


def test_nobody_submits_a_root_that_they_cannot_see(web: httpx.Client, ids: dict[str, str]):  # noqa: ARG001 -- who asks
    refused = web.post("/api/v1/batches", json={"root": "secret", "paths": [""]})
    around = web.post("/api/v1/batches", json={"root": "open", "paths": ["../secret"]})

    assert refused.status_code in {404, 422}
    assert around.status_code in {404, 422}
