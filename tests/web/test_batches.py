from pathlib import Path
from typing import Any

import httpx
import pytest

from config.settings import Settings
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import batches
from tests.chain import publish
from tests.factories import new_batch
from tests.waiting import wait_until
from tests.web.conftest import Server
from tests.web.work import API, problem, recorded, sounds, streamed, submitted, work

pytestmark = pytest.mark.services


def test_a_folder_is_submitted_and_followed_to_its_end(web: httpx.Client, workspace: Workspace, tmp_path: Path):
    folder = sounds(tmp_path / "kit", 3, broken=1)
    (folder / "notes.txt").write_text("no audio")

    answer = web.post(f"{API}/batches", json={"paths": [str(folder)], "name": "my kit", "priority": "bulk"})
    batch = answer.json()
    assert answer.status_code == 202
    assert (batch["name"], batch["priority"], batch["user_id"]) == ("my kit", "bulk", "local")
    assert recorded(web, batch["batch_id"])["total_files"] == 5

    ended = work(workspace, web, batch["batch_id"])
    counts = {name: ended[name] for name in ("status", "completed", "failed", "skipped", "notes", "working_on")}
    assert counts == {
        "status": "completed", "completed": 3, "failed": 1, "skipped": 1, "notes": [], "working_on": [],
    }  # fmt: skip


def test_an_open_batch_says_what_keeps_it_from_going_on(web: httpx.Client, tmp_path: Path):
    batch = submitted(web, sounds(tmp_path / "kit"))

    def notes() -> list[str]:
        return web.get(f"{API}/batches/{batch['batch_id']}").json()["notes"]

    # They are looked up beside the answer, which waits only a moment for them.
    wait_until(notes)
    assert [note.partition(":")[0] for note in notes()] == ["no worker gives a sign of life"]


def test_files_are_listed_by_pages_and_filtered(web: httpx.Client, workspace: Workspace, tmp_path: Path):
    batch = submitted(web, sounds(tmp_path / "kit", 4, broken=2))
    work(workspace, web, batch["batch_id"])
    files = f"{API}/batches/{batch['batch_id']}/files"

    names: list[str] = []
    cursor: str | None = None
    while True:
        page = web.get(files, params={"limit": 4} | ({"cursor": cursor} if cursor else {})).json()
        names += [item["name"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert names == ["0.wav", "1.wav", "2.wav", "3.wav", "broken0.wav", "broken1.wav"]

    failed = web.get(files, params={"code": "not_audio", "limit": 1}).json()
    assert [item["error"]["code"] for item in failed["items"]] == ["not_audio"]
    assert failed["items"][0]["path"] == str(tmp_path / "kit" / "broken0.wav")
    again = web.get(files, params={"code": "not_audio", "cursor": failed["next"]}).json()
    assert [item["name"] for item in again["items"]] == ["broken1.wav"]
    assert web.get(files, params={"code": "not_audio", "state": "completed"}).json()["items"] == []
    assert len(web.get(files, params={"state": "completed"}).json()["items"]) == 4
    assert problem(web.get(files, params={"state": "lost"})) == (422, "invalid")


def test_pages_of_batches_have_each_batch_once(web: httpx.Client):
    made = [new_batch().id for _ in range(5)]

    found: list[str] = []
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        page = web.get(
            f"{API}/batches", params={"limit": 2} | ({"cursor": page["next"]} if page["next"] else {})
        ).json()
        found += [batch["batch_id"] for batch in page["items"]]
        assert 1 <= len(page["items"]) <= 2
    assert found == sorted(made, reverse=True)


@pytest.mark.parametrize("cursor", ["x", "WzFd", "W10", "WyJub3QgYW4gaWQiXQ", "eyIkZ3QiOiAiIn0"])
def test_a_cursor_of_another_list_is_refused(web: httpx.Client, tmp_path: Path, cursor: str):
    batch = submitted(web, sounds(tmp_path / "kit", 1))

    answer = web.get(f"{API}/batches/{batch['batch_id']}/files", params={"cursor": cursor})
    assert problem(answer) == (422, "bad_cursor")


def test_failures_are_grouped_and_retried_by_their_code(web: httpx.Client, workspace: Workspace, tmp_path: Path):
    folder = sounds(tmp_path / "kit", 1, broken=3)
    (folder / "empty.wav").touch()
    batch = submitted(web, folder)
    work(workspace, web, batch["batch_id"])
    place = f"{API}/batches/{batch['batch_id']}"

    page = web.get(f"{place}/failures").json()
    assert [(group["code"], group["count"], group["attempts"]) for group in page["items"]] == [
        ("not_audio", 3, 1),
        ("empty", 1, 1),
    ]
    assert page["items"][1]["examples"] == [str(folder / "empty.wav")]
    assert page["total"] == 4

    assert web.post(f"{place}/retry", json={"code": "timeout"}).json() == {"queued": 0}
    assert web.post(f"{place}/retry", json={"code": "not_audio"}).json() == {"queued": 3}
    assert web.get(place).json()["failed"] == 1
    assert work(workspace, web, batch["batch_id"])["failed"] == 4
    assert web.get(f"{place}/failures").json()["items"][0]["attempts"] == 2
    assert web.post(f"{place}/retry").json() == {"queued": 4}
    work(workspace, web, batch["batch_id"])


def test_a_batch_is_paused_and_goes_on(web: httpx.Client, web_url: str, workspace: Workspace, tmp_path: Path):
    for number, file in enumerate(sorted(sounds(tmp_path, 3).iterdir())):
        file.rename(tmp_path / f"{number:04}.wav")
    job = new_batch(3, items={"root": str(tmp_path)})
    place = f"{API}/batches/{job.id}"
    assert web.get(place).json()["paused_at"] is None

    with streamed(web_url, f"/batches/{job.id}/events") as events:
        assert next(events)["data"]["paused_at"] is None
        paused = web.post(f"{place}/pause")
        assert next(event for event in events if event["data"]["paused_at"])["data"]["eta_seconds"] is None
    assert paused.status_code == 200
    assert paused.json()["paused_at"] is not None
    assert web.post(f"{place}/pause").json() == paused.json()
    assert [item["paused_at"] for item in web.get(f"{API}/batches").json()["items"]] == [paused.json()["paused_at"]]
    wait_until(lambda: [note for note in web.get(place).json()["notes"] if note.startswith("it is paused")])
    assert publish(workspace) == []

    assert web.post(f"{place}/resume").json() == {"paused_at": None}
    assert web.post(f"{place}/resume").json() == {"paused_at": None}
    actions = [(each["action"], each["target"]) for each in web.get(f"{API}/audit").json()["items"]]
    assert actions == [("batch.resume", job.id), ("batch.pause", job.id)]
    assert work(workspace, web, job.id)["completed"] == 3
    for what in ("pause", "resume"):
        assert problem(web.post(f"{place}/{what}")) == (409, "batch_ended")
        assert problem(web.post(f"{API}/batches/20200101-000000-aaaaaa/{what}")) == (404, "not_found")


def test_a_batch_is_cancelled_and_cleared_away(web: httpx.Client, tmp_path: Path):
    batch = submitted(web, sounds(tmp_path / "kit"))
    place = f"{API}/batches/{batch['batch_id']}"

    assert problem(web.delete(place)) == (409, "batch_open")
    assert web.post(f"{place}/cancel").json() == {"cancelled": 3}
    assert web.post(f"{place}/cancel").json() == {"cancelled": 0}
    assert web.get(place).json()["status"] == "cancelled"

    assert web.delete(place).status_code == 204
    assert web.delete(place).status_code == 204
    assert web.get(f"{API}/batches").json()["items"] == []
    hidden = web.get(place).json()
    assert hidden["hidden_at"] is not None
    assert hidden["total_files"] == 3


def test_batches_are_listed_newest_first_by_status(web: httpx.Client, workspace: Workspace, tmp_path: Path):
    ended = submitted(web, sounds(tmp_path / "a", 1), name="ended")
    work(workspace, web, ended["batch_id"])
    made = [batches.create(name=f"{number}", paths=[], priority="bulk", files_per_chain=1, ai=False, force=False)
            for number in range(3)]  # fmt: skip
    ids = sorted([ended["batch_id"], *(job.id for job in made)], reverse=True)

    first = web.get(f"{API}/batches", params={"limit": 3}).json()
    rest = web.get(f"{API}/batches", params={"limit": 3, "cursor": first["next"]}).json()
    assert [item["batch_id"] for item in first["items"] + rest["items"]] == ids
    assert rest["next"] is None
    pending = web.get(f"{API}/batches", params={"status": ["pending", "failed"]}).json()["items"]
    assert {item["name"] for item in pending} == {"0", "1", "2"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"paths": ["/nowhere/at/all"]}, "no_such_path"),
        ({"paths": ["relative"]}, "outside_roots"),
        ({"paths": ["/etc/../etc"]}, "outside_roots"),
        ({"paths": ["/a\u0000b"]}, "outside_roots"),
        ({"paths": [""], "root": "attic"}, "outside_roots"),
        ({"paths": []}, "invalid"),
        ({"paths": [{"$gt": ""}]}, "invalid"),
        ({"paths": ["/x"], "root": {"$gt": ""}}, "invalid"),
        ({"paths": ["/x"], "budget_usd": -1}, "invalid"),
        ({"paths": ["/x"], "surprise": 1}, "invalid"),
        ({"paths": ["/" + "x" * 5000]}, "invalid"),
        ({"paths": ["/" + "x/" * 1900]}, "no_such_path"),
        ({"paths": ["/" + "x" * 300]}, "no_such_path"),
    ],
)
def test_a_submission_that_cannot_be_is_refused(web: httpx.Client, body: dict[str, object], code: str):
    assert problem(web.post(f"{API}/batches", json=body)) == (422, code)
    assert web.get(f"{API}/batches").json()["items"] == []


def test_a_folder_without_audio_is_refused(web: httpx.Client, tmp_path: Path):
    (tmp_path / "notes.txt").write_text("no audio")

    answer = web.post(f"{API}/batches", json={"paths": [str(tmp_path)]})
    assert problem(answer) == (422, "no_audio")
    assert "1 other file" in answer.json()["detail"]


def test_below_named_roots_nothing_else_is_taken(settings: Settings, chroma: str, tmp_path: Path):  # noqa: ARG001 -- it must answer
    root = tmp_path / "shop"
    sounds(root / "kit", 1)
    (root / "way-out").symlink_to(sounds(tmp_path / "elsewhere", 1))
    with (
        Server(settings.model_copy(update={"roots": {"shop": root}})) as url,
        httpx.Client(base_url=url, timeout=30.0) as web,
    ):
        for body in (
            {"paths": [str(tmp_path / "elsewhere")]},
            {"paths": ["way-out"], "root": "shop"},
            {"paths": ["../elsewhere"], "root": "shop"},
            {"paths": ["/etc"], "root": "shop"},
            {"paths": ["kit"], "root": "local"},
        ):
            assert problem(web.post(f"{API}/batches", json=body)) == (422, "outside_roots"), body
        batch = web.post(f"{API}/batches", json={"paths": ["kit"], "root": "shop"}).json()
        recorded(web, batch["batch_id"])
        [item] = web.get(f"{API}/batches/{batch['batch_id']}/files").json()["items"]
        assert (item["root"], item["folder"], item["name"]) == ("shop", "kit", "0.wav")
        web.post(f"{API}/batches/{batch['batch_id']}/cancel")


@pytest.mark.parametrize("batch_id", ["last", "last~1", "20260101-000000-abcdef", "x" * 60])
def test_only_whole_ids_name_a_batch(web: httpx.Client, tmp_path: Path, batch_id: str):
    batch = submitted(web, sounds(tmp_path / "kit", 1))

    assert web.get(f"{API}/batches/{batch_id}").status_code in (404, 422)
    assert web.get(f"{API}/batches/{batch['batch_id'][:-1]}").status_code == 404
    assert web.post(f"{API}/batches/{batch_id}/cancel").status_code in (404, 422)


def test_a_batch_is_cancelled_while_it_is_recorded(web: httpx.Client, tmp_path: Path):
    folder = tmp_path / "large"
    for group in range(40):
        (folder / f"{group:02}").mkdir(parents=True)
        for number in range(300):
            (folder / f"{group:02}" / f"{number:03}.wav").touch()

    batch_id = web.post(f"{API}/batches", json={"paths": [str(folder)]}).json()["batch_id"]
    web.post(f"{API}/batches/{batch_id}/cancel")

    def ended() -> bool:
        now = web.get(f"{API}/batches/{batch_id}").json()
        states = ("completed", "failed", "skipped", "cancelled", "running", "pending")
        assert now["status"] == "cancelled"
        assert sum(now[state] for state in states) == now["total_files"]
        return now["recorded"] and now["cancelled"] == now["total_files"]

    wait_until(ended)


def test_a_batch_that_has_not_changed_is_not_sent_again(web: httpx.Client, workspace: Workspace, tmp_path: Path):
    batch = submitted(web, sounds(tmp_path / "kit", 1))
    work(workspace, web, batch["batch_id"])
    place = f"{API}/batches/{batch['batch_id']}"

    known = {"If-None-Match": web.get(place).headers["etag"]}
    assert web.get(place, headers=known).status_code == 304
    web.delete(place)
    assert web.get(place, headers=known).status_code == 200
