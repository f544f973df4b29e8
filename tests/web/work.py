"""What tests of the API's batches share: a folder of sounds, and the work that workers would do."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from samplemind_worker.documents.batch import Step
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import parcels
from tests.chain import run_chain
from tests.factories import write_audio
from tests.waiting import wait_until

API = "/api/v1"


def sounds(folder: Path, count: int = 3, *, broken: int = 0) -> Path:
    """Write so many different sounds, and so many files that are called audio and are none."""
    rng = np.random.default_rng(count)
    for number in range(count):
        write_audio(folder / f"{number}.wav", rng.normal(0.0, 0.1, 4410).astype(np.float32))
    for number in range(broken):
        (folder / f"broken{number}.wav").write_bytes(b"no audio at all")
    return folder


def recorded(web: httpx.Client, batch_id: str) -> dict[str, Any]:
    """Wait until a batch is recorded; its report."""
    wait_until(lambda: web.get(f"{API}/batches/{batch_id}").json()["recorded"])
    return web.get(f"{API}/batches/{batch_id}").json()


def submitted(web: httpx.Client, *paths: Path, **given: Any) -> dict[str, Any]:
    """Submit, and wait until all is recorded."""
    answer = web.post(f"{API}/batches", json={"paths": [str(path) for path in paths], **given})
    assert answer.status_code == 202, answer.text
    return recorded(web, answer.json()["batch_id"])


def work(workspace: Workspace, web: httpx.Client, batch_id: str) -> dict[str, Any]:
    """Work on what the server has queued, as workers would, until the batch has ended."""

    def ended() -> bool:
        for waiting in parcels.waiting_parcels(older_than=-1.0)[0]:
            run_chain(workspace, str(waiting.parcel_id), Step.DECODE)
        return web.get(f"{API}/batches/{batch_id}").json()["finished_at"] is not None

    wait_until(ended)
    return web.get(f"{API}/batches/{batch_id}").json()


def problem(answer: httpx.Response) -> tuple[int, str]:
    """The status and code of a problem, which has the form of one."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    return body["status"], body["code"]


@contextmanager
def streamed(url: str, path: str, **headers: str) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of a stream: name, id and data; beats are events without data."""
    with (
        httpx.Client(base_url=url, timeout=30.0) as client,
        client.stream("GET", f"{API}{path}", headers=headers) as answer,
    ):
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _events(answer.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    found: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            found[name] = value
        elif "data" in found:
            yield {"event": found["event"], "id": found["id"], "data": json.loads(found["data"])}
            found = {}
