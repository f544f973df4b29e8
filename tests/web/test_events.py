import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from config.settings import Settings
from samplemind_web.events import parse_id
from samplemind_worker.finding import entry
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import batches, places, results
from tests.factories import analysis_facts, audio_facts, content_id, new_batch
from tests.waiting import wait_until
from tests.web.conftest import Server
from tests.web.work import API, problem, sounds, streamed, submitted, work

pytestmark = pytest.mark.services


def test_a_stream_tells_what_is_open_and_each_change(
    web: httpx.Client, web_url: str, workspace: Workspace, tmp_path: Path
):
    batch = submitted(web, sounds(tmp_path / "kit", 2))
    with streamed(web_url, "/events") as events:
        of_batch = (event for event in events if event["event"] == "batch")
        first = next(of_batch)
        fields = ("batch_id", "total_files", "pending", "user_id", "paths")
        assert [first["data"][name] for name in fields] == [batch[name] for name in fields]

        ended = work(workspace, web, batch["batch_id"])
        last = next(event for event in of_batch if event["data"]["finished_at"] is not None)
        assert last["data"] == ended


def test_the_services_are_told(web_url: str):
    with streamed(web_url, "/events") as events:
        told = next(event for event in events if event["event"] == "services")
    assert told["data"]["services"] == {"mongodb": True, "redis": True, "chroma": True}


def test_a_change_of_the_library_is_told(web_url: str):
    with streamed(web_url, "/events") as events:
        library = (event["data"]["generation"] for event in events if event["event"] == "library")
        before = next(library)
        results.save_analyses([(audio_facts(content_id(1)), analysis_facts(content_id(1)))])
        places.save([places.Place("/library", b"1.wav", content_id(1), 1, 1, 1, settled=True)])
        entry.refresh_marked()
        assert next(library) > before


def test_the_stream_of_a_batch_ends_with_it(web: httpx.Client, web_url: str, workspace: Workspace, tmp_path: Path):
    batch = submitted(web, sounds(tmp_path / "kit", 1))
    other = submitted(web, sounds(tmp_path / "other", 1))
    path = f"/batches/{batch['batch_id']}/events"
    with streamed(web_url, path) as events:
        work(workspace, web, batch["batch_id"])
        seen = list(events)
    assert {event["data"]["batch_id"] for event in seen} == {batch["batch_id"]}
    assert seen[-1]["data"]["status"] == "completed"
    assert seen[-1]["id"].endswith("-ended")

    # A browser comes back with the id of the last event: 204 tells it to stay away.
    assert web.get(f"{API}{path}", headers={"Last-Event-ID": seen[-1]["id"]}).status_code == 204
    with streamed(web_url, path) as events:
        assert [event["data"]["status"] for event in events] == ["completed"]
    web.post(f"{API}/batches/{other['batch_id']}/cancel")


def test_a_client_that_comes_back_gets_what_ended_meanwhile(
    web: httpx.Client, web_url: str, workspace: Workspace, tmp_path: Path
):
    batch = submitted(web, sounds(tmp_path / "kit", 1))
    with streamed(web_url, "/events") as events:
        last = next(event for event in events if event["event"] == "batch")
    work(workspace, web, batch["batch_id"])

    with streamed(web_url, "/events", **{"Last-Event-ID": last["id"]}) as events:
        of_batch = (event["data"] for event in events if event["event"] == "batch")
        assert next(data for data in of_batch if data["finished_at"] is not None)["batch_id"] == batch["batch_id"]


def test_old_batches_are_told_only_to_who_asks_since_when(web_url: str):
    ended = new_batch(1)
    batches.cancel(ended.id)
    open_one = new_batch(1)

    with streamed(web_url, "/events") as events:
        assert next(e for e in events if e["event"] == "batch")["data"]["batch_id"] == open_one.id
    hour_ago = f"{int((time.time() - 3600) * 1000)}-1"
    with streamed(web_url, "/events", **{"Last-Event-ID": hour_ago}) as events:
        told = [next(e for e in events if e["event"] == "batch")["data"]["batch_id"] for _ in range(2)]
    assert set(told) == {ended.id, open_one.id}
    batches.cancel(open_one.id)


def test_a_retried_batch_is_told_again(web: httpx.Client, web_url: str, workspace: Workspace, tmp_path: Path):
    batch = submitted(web, sounds(tmp_path / "kit", 1, broken=1))
    work(workspace, web, batch["batch_id"])
    with streamed(web_url, "/events") as events:
        web.post(f"{API}/batches/{batch['batch_id']}/retry")
        assert next(event for event in events if event["event"] == "batch")["data"]["status"] == "processing"
        work(workspace, web, batch["batch_id"])
        assert next(e for e in events if e["event"] == "batch" and e["data"]["finished_at"])["data"]["failed"] == 1


def test_a_batch_that_is_cleared_away_is_told(web: httpx.Client, web_url: str):
    job = new_batch(1)
    batches.cancel(job.id)
    with streamed(web_url, "/events") as events:
        next(event for event in events if event["event"] == "services")
        web.delete(f"{API}/batches/{job.id}")
        assert next(event for event in events if event["event"] == "batch")["data"]["hidden_at"] is not None


def test_the_server_ends_although_streams_are_open(settings: Settings, chroma: str):  # noqa: ARG001 -- it must answer
    server = Server(settings)
    with server as url:
        place = urlsplit(url)
        assert place.hostname is not None
        with socket.create_connection((place.hostname, place.port or 80)) as stream:
            stream.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert stream.recv(4096).startswith(b"HTTP/1.1 200")
            server.__exit__()
            rest = b""
            while block := stream.recv(65536):
                rest += block
    assert rest.endswith(b"0\r\n\r\n")


def test_no_more_streams_are_opened_than_the_setting_allows(settings: Settings, chroma: str):  # noqa: ARG001 -- it must answer
    with Server(settings.model_copy(update={"web_streams": 1})) as url, httpx.Client(base_url=url) as web:
        with streamed(url, "/events"):
            assert problem(web.get(f"{API}/events")) == (503, "too_many_streams")

        def free() -> bool:
            with web.stream("GET", f"{API}/events") as answer:
                return answer.status_code == 200

        wait_until(free)


@pytest.mark.parametrize("text", ["", "x", "1", "-1-1", "1-1-1", "9" * 99 + "-1", "{}", "1-1-ENDED"])
def test_what_is_no_id_is_no_id(text: str):
    assert parse_id(text) is None


def test_ids_of_any_time_are_taken(web_url: str):
    for text in ("0-0", "999999999999999-1", "5-5-ended", "rubbish"):
        with streamed(web_url, "/events", **{"Last-Event-ID": text}) as events:
            assert next(events)["event"] == "services"


def test_a_slow_client_gets_the_newest_state_alone(web_url: str):
    """What waits for a client that reads nothing is one state per batch, however often it changes."""
    job = new_batch(1)
    with streamed(web_url, f"/batches/{job.id}/events") as events:
        assert next(events)["data"]["pending"] == 1
        batches.cancel(job.id)
        assert [event["data"]["cancelled"] for event in events] == [1]
