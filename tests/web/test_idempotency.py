import asyncio
from pathlib import Path

import httpx
import pytest
import redis

from config.settings import Settings
from samplemind_worker.pipeline.workspace import Workspace
from tests.web.work import API, problem, recorded, sounds, submitted, work

pytestmark = pytest.mark.services

KEY = {"Idempotency-Key": "c0ffee"}


def ids(web: httpx.Client) -> list[str]:
    return [item["batch_id"] for item in web.get(f"{API}/batches").json()["items"]]


def test_what_is_sent_twice_is_done_once(web: httpx.Client, tmp_path: Path):
    body = {"paths": [str(sounds(tmp_path / "kit", 1))]}

    first = web.post(f"{API}/batches", json=body, headers=KEY)
    second = web.post(f"{API}/batches", json=body, headers=KEY)
    other = web.post(f"{API}/batches", json=body, headers={"Idempotency-Key": "another"})

    assert (second.status_code, second.json()) == (202, first.json())
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert sorted(ids(web)) == sorted([first.json()["batch_id"], other.json()["batch_id"]])
    for batch_id in ids(web):
        recorded(web, batch_id)


def test_a_key_is_for_one_request(web: httpx.Client, tmp_path: Path):
    batch = submitted(web, sounds(tmp_path / "kit", 1))
    place = f"{API}/batches/{batch['batch_id']}"

    assert web.post(f"{place}/cancel", headers=KEY).json() == {"cancelled": 1}
    assert web.post(f"{place}/cancel", headers=KEY).json() == {"cancelled": 1}
    assert problem(web.post(f"{place}/retry", headers=KEY)) == (422, "key_reused")
    assert problem(web.post(f"{API}/batches", json={"paths": ["/x"]}, headers=KEY)) == (422, "key_reused")


def test_what_failed_may_be_tried_again(web: httpx.Client, tmp_path: Path):
    body = {"paths": [str(tmp_path / "kit")]}
    assert problem(web.post(f"{API}/batches", json=body, headers=KEY)) == (422, "no_such_path")

    sounds(tmp_path / "kit", 1)
    answer = web.post(f"{API}/batches", json=body, headers=KEY)

    assert answer.status_code == 202
    recorded(web, answer.json()["batch_id"])


@pytest.mark.parametrize("key", ["", "x" * 256, "two words"])
def test_a_key_that_is_none_is_refused(web: httpx.Client, key: str):
    answer = web.post(f"{API}/batches", json={"paths": ["/x"]}, headers={"Idempotency-Key": key})
    assert problem(answer) == (422, "invalid")


def test_of_many_at_once_one_is_carried_out(web_url: str, tmp_path: Path):
    body = {"paths": [str(sounds(tmp_path / "kit", 1))]}

    async def _send() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=web_url, timeout=60.0) as client:
            return await asyncio.gather(*(client.post(f"{API}/batches", json=body, headers=KEY) for _ in range(20)))

    answers = asyncio.run(_send())
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["batch_id"] for answer in answers}) == 1
    with httpx.Client(base_url=web_url, timeout=30.0) as web:
        assert len(ids(web)) == 1
        recorded(web, ids(web)[0])


def test_a_key_of_a_server_that_died_is_free_after_a_while(
    web: httpx.Client,
    settings: Settings,
    tmp_path: Path,
):
    body = {"paths": [str(sounds(tmp_path / "kit", 1))]}
    recorded(web, web.post(f"{API}/batches", json=body, headers=KEY).json()["batch_id"])
    assert settings.redis_url is not None
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        [name] = client.keys(f"{settings.database}:web:once:*")
        assert 86_000 < client.ttl(name) <= 86_400
        # As if the server had died before it answered.
        client.hdel(name, "answer")
        client.pexpire(name, 1500)

        answer = web.post(f"{API}/batches", json=body, headers=KEY)
    assert answer.status_code == 202
    assert len(ids(web)) == 2
    recorded(web, answer.json()["batch_id"])


def test_a_retry_with_a_key_counts_once(web: httpx.Client, workspace: Workspace, tmp_path: Path):
    batch = submitted(web, sounds(tmp_path / "kit", 1, broken=2))
    work(workspace, web, batch["batch_id"])
    place = f"{API}/batches/{batch['batch_id']}/retry"

    assert [web.post(place, headers=KEY).json() for _ in range(2)] == [{"queued": 2}] * 2
    work(workspace, web, batch["batch_id"])
