import asyncio
from pathlib import Path

import httpx
import pytest

from config.settings import Settings
from samplemind_worker.store import places, results
from samplemind_worker.store.cache import Board, WorkerSign
from tests.factories import analysis_facts, audio_facts, content_id
from tests.web.conftest import Server
from tests.web.work import API, problem, sounds

pytestmark = pytest.mark.services


def test_workers_and_queues_are_shown(web: httpx.Client, settings: Settings):
    assert settings.redis_url is not None
    board = Board(settings.redis_url.get_secret_value(), settings.database)
    board.announce(WorkerSign("cpu@here", "here", (f"{settings.database}:cpu",), 4, ("gemini",)))
    board.close()

    system = web.get(f"{API}/system").json()
    assert system["services"] == {"mongodb": True, "redis": True, "chroma": True}
    assert [(worker["name"], worker["slots"]) for worker in system["workers"]] == [("cpu@here", 4)]
    [queue] = [queue for queue in system["queues"] if queue["name"] == f"{settings.database}:cpu"]
    assert queue == {"name": f"{settings.database}:cpu", "waiting": 0, "read_by": 1}
    assert (system["open_batches"], system["nightly"]) == (0, None)


def test_the_doctor_looks_while_the_server_answers(web_url: str):
    async def _ask() -> tuple[list[httpx.Response], int]:
        async with httpx.AsyncClient(base_url=web_url, timeout=120.0) as client:
            # They share one run.
            doctors = asyncio.gather(*(client.get(f"{API}/system/doctor") for _ in range(3)))
            answered = 0
            while not doctors.done():
                assert (await client.get("/healthz")).status_code == 200
                answered += 1
            return await doctors, answered

    diagnoses, answered = asyncio.run(_ask())
    assert len({answer.text for answer in diagnoses}) == 1
    checks = {check["name"]: check for check in diagnoses[0].json()["checks"]}
    assert {"python", "mongodb", "redis", "chroma", "sandbox"} <= set(checks)
    assert all(check["state"] == "ok" or check["mend"] for check in checks.values())
    assert answered > 3


def test_folders_of_a_root_are_listed(settings: Settings, chroma: str, tmp_path: Path):  # noqa: ARG001 -- it must answer
    root = tmp_path / "shop"
    sounds(root / "kits" / "a", 2)
    for name in ("B", "c", ".hidden"):
        (root / "kits" / name).mkdir()
    (root / "kits" / "link").symlink_to(tmp_path)
    with (
        Server(settings.model_copy(update={"roots": {"shop": root}})) as url,
        httpx.Client(base_url=url, timeout=30.0) as web,
    ):
        assert web.get(f"{API}/roots").json()["items"] == [{"name": "shop", "path": str(root), "start": ""}]
        folders = f"{API}/roots/shop/folders"
        assert web.get(folders).json()["folders"] == ["kits"]
        listed = web.get(folders, params={"path": "kits"}).json()
        assert (listed["folders"], listed["audio"], listed["complete"]) == (["a", "B", "c"], 0, True)
        assert web.get(folders, params={"path": "kits/a"}).json()["audio"] == 2
        for path in ("..", "kits/link", "/etc", "kits/../..", "a\0b"):
            assert problem(web.get(folders, params={"path": path})) == (422, "outside_roots"), path
        assert problem(web.get(folders, params={"path": "kits/none"})) == (404, "no_such_path")
        assert problem(web.get(folders, params={"path": "kits/a/0.wav"})) == (404, "no_such_path")
        assert problem(web.get(f"{API}/roots/local/folders")) == (404, "not_found")


def test_a_laptop_without_roots_shows_any_folder(web: httpx.Client, tmp_path: Path):
    sounds(tmp_path / "kit", 1)

    [root] = web.get(f"{API}/roots").json()["items"]
    assert (root["name"], root["path"]) == ("local", "/")
    listed = web.get(f"{API}/roots/local/folders", params={"path": str(tmp_path)[1:]}).json()
    assert listed["folders"] == ["kit"]


def test_what_summaries_cost_is_shown(web: httpx.Client):
    spend = web.get(f"{API}/summaries/spend", params={"days": 3}).json()
    assert [day["usd"] for day in spend["days"]] == [0.0, 0.0, 0.0]
    assert (spend["today"], spend["month"]["cap_usd"], spend["providers"]) == (spend["days"][0], 50.0, [])


def test_summaries_that_nobody_can_write_are_refused(web: httpx.Client):
    answer = web.post(f"{API}/summaries", json={"ids": [content_id(1)]})
    assert problem(answer) == (422, "invalid")
    assert "no provider is set up" in answer.json()["detail"]
    assert problem(web.post(f"{API}/summaries", json={"batch": "20260101-000000-abcdef"})) == (404, "not_found")
    assert problem(web.post(f"{API}/summaries", json={"ids": [{"$ne": 1}]})) == (422, "invalid")


def test_summaries_of_some_files_are_asked_for(web: httpx.Client):
    ids = [content_id(number) for number in range(3)]
    results.save_analyses([(audio_facts(content), analysis_facts(content)) for content in ids])
    places.save(
        [places.Place("/library", f"{number}.wav".encode(), content, 1, 1, 1, settled=True)
         for number, content in enumerate(ids)]
    )  # fmt: skip
    asked = web.post(f"{API}/summaries", json={"ids": [*ids[:2], ids[0], content_id("gone")], "provider": "local"})
    assert (asked.status_code, asked.json()["total_files"]) == (202, 2)
    batch = web.get(f"{API}/batches/{asked.json()['batch_id']}").json()
    assert (batch["total_files"], batch["priority"]) == (2, "interactive")
