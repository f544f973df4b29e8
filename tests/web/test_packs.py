import asyncio
import hashlib
import os
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from config.settings import Settings
from samplemind_web.paging import encode_cursor
from samplemind_worker.packs import ingest, nights
from samplemind_worker.packs.upload import file_name
from samplemind_worker.store import packs, turns
from tests.waiting import wait_until
from tests.web.conftest import Server
from tests.web.work import API, problem
from tests.zips import good, wav

pytestmark = pytest.mark.services


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    folders = {"inbox": tmp_path / "inbox", "library_root": tmp_path / "library", "home": tmp_path / "home"}
    return settings.model_copy(update=folders | {"inbox_settle_seconds": 0.0, "pack_free_bytes": 0})


def inbox(settings: Settings) -> list[str]:
    return sorted(path.name for path in settings.inbox_folder.iterdir())


def test_a_file_is_put_into_the_inbox_and_taken_in(web: httpx.Client, settings: Settings, tmp_path: Path):
    body = good(tmp_path / "pack.zip", files=3).read_bytes()

    answer = web.put(f"{API}/inbox/My Kit.zip", content=body)
    assert answer.status_code == 201
    assert answer.json() == {
        "name": "My Kit.zip", "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "new": True,
        "nightly": None,
    }  # fmt: skip
    assert (settings.inbox_folder / "My Kit.zip").read_bytes() == body
    assert web.get(f"{API}/inbox").json()["packs"] == [{"source": "My Kit.zip", "kind": "zip", "complete": True}]

    report = ingest.ingest(settings, say=lambda _: None)
    assert report is not None
    nights.keep(report, settings)

    [pack] = web.get(f"{API}/packs").json()["items"]
    assert (pack["source"], pack["state"], pack["files"], pack["new"]) == ("My Kit.zip", "done", 3, 3)
    assert web.get(f"{API}/packs/{pack['pack_id']}").json() == pack
    [night] = web.get(f"{API}/nights").json()["items"]
    assert (night["packs"]["taken"], night["files"], night["pending"]) == (1, 3, 3)
    detail = web.get(f"{API}/nights/{night['run']}").json()
    assert [(outcome["pack"], outcome["status"]) for outcome in detail["outcomes"]] == [("My Kit.zip", "taken")]

    web.post(f"{API}/batches/{pack['batch_id']}/cancel")
    now = web.get(f"{API}/nights/{night['run']}").json()
    assert (now["pending"], now["outcomes_left_out"]) == (0, 0)


def test_a_name_that_is_taken_is_taken_by_the_same_file_alone(web: httpx.Client, settings: Settings):
    assert web.put(f"{API}/inbox/a.wav", content=wav(1)).status_code == 201
    again = web.put(f"{API}/inbox/a.wav", content=wav(1))
    assert (again.status_code, again.json()["new"]) == (200, False)
    assert problem(web.put(f"{API}/inbox/a.wav", content=wav(2))) == (409, "name_taken")
    assert (settings.inbox_folder / "a.wav").read_bytes() == wav(1)
    assert inbox(settings) == ["a.wav"]


@pytest.mark.parametrize(
    "name",
    [
        ".hidden.wav", "kit.done", "kit.zip.done", "notes.txt", "done", "refused", "no-suffix", "a%5Cb.wav",
        "a%00b.wav", "a%0Ab.wav", "%E2%80%AEgpj.wav", "x" * 240 + ".wav",
    ],
)  # fmt: skip
def test_a_name_that_no_file_may_have_is_refused(web: httpx.Client, settings: Settings, name: str):
    assert problem(web.put(f"{API}/inbox/{name}", content=b"x")) == (422, "not_taken")
    assert not settings.inbox_folder.exists() or inbox(settings) == []


@pytest.mark.parametrize("name", ["..%2Fescaped.wav", "%2Fetc%2Fx.wav", "a/b.wav", "..%2F..%2Fx.zip"])
def test_a_name_with_a_separator_reaches_nothing(web: httpx.Client, settings: Settings, tmp_path: Path, name: str):
    assert web.put(f"{API}/inbox/{name}", content=b"x").status_code in (404, 405, 422)
    assert list(tmp_path.rglob("*.wav")) == []
    assert settings.inbox


def test_a_name_is_kept_in_its_composed_form():
    assert file_name("Cafe\u0301.wav") == "Caf\u00e9.wav"


def test_what_is_too_large_is_refused_before_and_while_it_comes(settings: Settings, chroma: str):  # noqa: ARG001 -- it must answer
    small = settings.model_copy(update={"upload_max_bytes": 1000})
    with Server(small) as url, httpx.Client(base_url=url, timeout=30.0) as web:
        assert problem(web.put(f"{API}/inbox/a.wav", content=bytes(1001))) == (413, "too_large")
        pieces = (bytes(600_000) for _ in range(4))
        assert problem(web.put(f"{API}/inbox/a.wav", content=pieces)) == (413, "too_large")
        assert web.put(f"{API}/inbox/a.wav", content=bytes(1000)).status_code == 201
    assert inbox(settings) == ["a.wav"]


def test_a_disk_without_room_is_left_alone(settings: Settings, chroma: str):  # noqa: ARG001 -- it must answer
    full = settings.model_copy(update={"pack_free_bytes": 2**60})
    with Server(full) as url, httpx.Client(base_url=url, timeout=30.0) as web:
        assert problem(web.put(f"{API}/inbox/a.wav", content=b"x")) == (507, "no_room")
    assert inbox(settings) == []


def test_an_upload_that_breaks_off_leaves_nothing(web: httpx.Client, web_url: str, settings: Settings):
    place = urlsplit(web_url)
    assert place.hostname is not None
    with socket.create_connection((place.hostname, place.port or 80)) as upload:
        head = f"PUT {API}/inbox/a.zip HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000000\r\n\r\n"
        upload.sendall(head.encode() + bytes(3_000_000))
        wait_until(lambda: settings.inbox_folder.exists() and inbox(settings))
        # What is half written has a hidden name, which the inbox does not look at.
        assert [name.startswith(".upload-") for name in inbox(settings)] == [True]
        assert web.get(f"{API}/inbox").json()["packs"] == []
    wait_until(lambda: inbox(settings) == [])


def test_what_a_killed_server_left_is_removed(web: httpx.Client, settings: Settings):
    settings.inbox_folder.mkdir()
    left = settings.inbox_folder / ".upload-1-00"
    left.write_bytes(b"half")
    old = time.time() - 3600
    os.utime(left, (old, old))

    web.put(f"{API}/inbox/a.wav", content=wav())

    assert inbox(settings) == ["a.wav"]


def test_of_many_uploads_of_one_name_one_wins(web_url: str, settings: Settings):
    async def _send() -> list[int]:
        async with httpx.AsyncClient(base_url=web_url, timeout=60.0) as client:
            sent = (client.put(f"{API}/inbox/a.wav", content=wav(number)) for number in range(8))
            return [answer.status_code for answer in await asyncio.gather(*sent)]

    assert sorted(asyncio.run(_send())) == [201, *[409] * 7]
    assert inbox(settings) == ["a.wav"]


@pytest.mark.parametrize("path", ["/packs/" + "0" * 64, "/nights/20260101-000000-abcdef"])
def test_what_was_never_taken_is_not_there(web: httpx.Client, path: str):
    assert problem(web.get(f"{API}{path}")) == (404, "not_found")


EDGES = [encode_cursor([time, "a"]) for time in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")]
"""Times that have no equal in UTC."""


@pytest.mark.parametrize("path", ["/packs", "/nights", "/batches"])
@pytest.mark.parametrize("cursor", ["W10", "WzFd", "WyJ4Il0", "WyJ4IiwgInkiXQ", "not base64!", *EDGES])
def test_cursors_of_strangers_do_no_harm(web: httpx.Client, path: str, cursor: str):
    answer = web.get(f"{API}{path}", params={"cursor": cursor})
    assert answer.status_code == 200 or problem(answer) == (422, "bad_cursor")


def test_what_lies_in_the_inbox_is_taken_in_when_asked_for(web: httpx.Client, tmp_path: Path):
    web.put(f"{API}/inbox/Kit.zip", content=good(tmp_path / "kit.zip", files=3).read_bytes())

    key = {"Idempotency-Key": "once"}
    answers = [web.post(f"{API}/ingest", headers=key) for _ in range(2)]
    assert [(each.status_code, each.json()) for each in answers] == [(202, {"begun": True})] * 2
    wait_until(lambda: not web.get(f"{API}/inbox").json()["ingesting"])

    [pack] = web.get(f"{API}/packs").json()["items"]
    assert (pack["source"], pack["state"], pack["files"]) == ("Kit.zip", "done", 3)
    assert web.get(f"{API}/batches/{pack['batch_id']}").json()["recorded"] is True
    [night] = web.get(f"{API}/nights").json()["items"]
    assert night["packs"]["taken"] == 1
    inbox = web.get(f"{API}/inbox").json()
    assert (inbox["packs"], inbox["doing"], inbox["error"]) == ([], None, None)


def test_an_empty_inbox_makes_no_report(web: httpx.Client):
    assert web.post(f"{API}/ingest").json() == {"begun": True}
    wait_until(lambda: not web.get(f"{API}/inbox").json()["ingesting"])
    assert web.get(f"{API}/nights").json()["items"] == []


def test_an_ingestion_waits_for_the_run_of_another_process(web: httpx.Client, tmp_path: Path):
    web.put(f"{API}/inbox/Kit.zip", content=good(tmp_path / "kit.zip", files=1).read_bytes())
    assert packs.take_turn("another", lease=60.0)

    assert web.post(f"{API}/ingest").json() == {"begun": True}
    assert web.post(f"{API}/ingest").json() == {"begun": False}
    wait_until(lambda: web.get(f"{API}/inbox").json()["doing"] == "waits for the end of another run")
    assert web.get(f"{API}/packs").json()["items"] == []
    turns.give_back(packs.TURN, "another")

    wait_until(lambda: not web.get(f"{API}/inbox").json()["ingesting"])
    assert [pack["state"] for pack in web.get(f"{API}/packs").json()["items"]] == ["done"]


def test_an_ingestion_that_cannot_begin_says_why(settings: Settings, tmp_path: Path, chroma: str):  # noqa: ARG001 -- it must answer
    inside = settings.model_copy(update={"library_root": tmp_path / "inbox" / "library"})
    with Server(inside) as url, httpx.Client(base_url=url, timeout=30.0) as client:
        status, code = problem(client.post(f"{API}/ingest"))
    assert (status, code) == (422, "invalid")


def test_a_server_that_ends_gives_up_an_ingestion_that_waits(settings: Settings, tmp_path: Path, chroma: str):  # noqa: ARG001 -- it must answer
    with Server(settings) as url, httpx.Client(base_url=url, timeout=30.0) as client:
        client.put(f"{API}/inbox/Kit.zip", content=good(tmp_path / "kit.zip", files=1).read_bytes())
        assert packs.take_turn("another", lease=60.0)
        client.post(f"{API}/ingest")
        began = time.monotonic()
    assert time.monotonic() - began < 10.0
    assert inbox(settings) == ["Kit.zip"]
