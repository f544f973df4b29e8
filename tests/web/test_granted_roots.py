"""A user who may see one root learns nothing of what lies in another."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from config.settings import Settings
from samplemind_worker.finding import entry
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import mongo
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
    write_audio(roots["secret"] / "both.wav", shared)
    for root in roots.values():
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

    return mongo.run(known())


def test_nothing_that_is_listed_tells_of_another_root(web: httpx.Client, ids: dict[str, str]):
    mine = web.get("/api/v1/samples").json()
    assert sorted(row["file_id"] for row in mine["items"]) == sorted([ids["kick"], ids["both"]])

    asked = [
        "/samples", "/samples?q=hidden", "/samples?path=secret", "/samples?tag=unreleased", "/samples?pack=unreleased",
        f"/samples/{ids['kick']}", f"/samples/{ids['both']}", f"/samples/{ids['kick']}/similar",
        f"/samples/{ids['kick']}/similar?explain=true", f"/samples/{ids['kick']}/match", "/match?key=Am&bpm=120",
        "/duplicates", "/duplicates?near=true", "/library", "/suggest?q=hid", "/suggest?q=unr", "/tags",
        "/collections", "/batches", "/packs", "/nights", "/roots", "/roots/secret/folders", "/system", "/map", "/me",
        "/system/doctor",
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

    assert mongo.run(tags()) == []
    made = web.post("/api/v1/collections", json={"name": "mine"}).json()
    added = web.post(f"/api/v1/collections/{made['id']}/samples", json={"add": [ids["hidden_tag"]]})
    assert added.status_code in {200, 404}
    assert mongo.run(tags()) == []


def test_nobody_submits_a_root_that_they_cannot_see(web: httpx.Client, ids: dict[str, str]):  # noqa: ARG001 -- who asks
    refused = web.post("/api/v1/batches", json={"root": "secret", "paths": [""]})
    around = web.post("/api/v1/batches", json={"root": "open", "paths": ["../secret"]})

    assert refused.status_code in {404, 422}
    assert around.status_code in {404, 422}
