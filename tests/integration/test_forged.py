"""A real worker opens nothing outside its roots for forged messages and records."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from config.settings import Settings
from samplemind_worker.documents.batch import State
from samplemind_worker.local_services.services import setting_env
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import batches, mongo
from tasks.submit import dispatch
from tests.factories import new_item, write_audio
from tests.opens import counted
from training import signals

pytestmark = [
    pytest.mark.services,
    pytest.mark.timeout(180),
    pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux who opens what"),
]

TOP = Path(__file__).parents[2]
AUDIT = Path(__file__).parent / "audit"
FILES = 100

_EXCHANGE = """
import os, sys
real, link, place = sys.argv[1:]
while True:
    os.rename(place, real)
    os.rename(link, place)
    os.rename(place, link)
    os.rename(real, place)
"""


def wait_until(condition: Callable[[], object], *, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A root with links that lead out of it, and an outside folder with files of the same names."""
    root = tmp_path / "library"
    for folder in (root / "kit", tmp_path / "outside"):
        for number in range(FILES):
            write_audio(folder / f"{number:03}.wav", signals.sine(200.0 + number, 0.05, sr=22050), sr=22050)
    (tmp_path / "outside" / "canary.wav").write_bytes((root / "kit" / "000.wav").read_bytes())
    (root / "link.wav").symlink_to(tmp_path / "outside" / "canary.wav")
    (root / "relative.wav").symlink_to("../outside/canary.wav")
    (root / "chain.wav").symlink_to("link.wav")
    (root / "up").symlink_to("..")
    (root / "passwd.wav").symlink_to("/etc/passwd")
    return root


@pytest.fixture
def own(settings: Settings, library: Path) -> Settings:
    return settings.model_copy(update={"roots": {"kits": library}})


@pytest.fixture
def here(own: Settings) -> Iterator[Workspace]:
    with Workspace(own) as workspace:
        workspace.connect(create_indexes=True)
        yield workspace
    mongo.close()


@pytest.fixture
def opened(own: Settings, here: Workspace, tmp_path: Path) -> Iterator[Path]:
    """A cpu worker that takes work, and the log of the files that it opens."""
    log = tmp_path / "opened"
    environment = {
        **os.environ,
        **setting_env(own),
        "PYTHONPATH": os.pathsep.join((str(AUDIT), str(TOP))),
        "AUDIT_LOG": str(log),
    }
    command = [sys.executable, "-m", "samplemind_worker.app", "worker", "--role", "cpu", "--concurrency", "1"]
    with (tmp_path / "log").open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        wait_until(lambda: process.poll() is not None or here.board.workers())
        assert process.poll() is None, (tmp_path / "log").read_text()
        yield log
    finally:
        process.kill()
        process.wait()


def forge(items: list[dict[str, Any]]) -> str:
    job = batches.create(
        name="forged", paths=["/library"], priority="interactive", files_per_chain=64, ai=True, force=False
    )
    batches.add_items([{**item, "batch_id": job.id} for item in items])
    batches.close_recording(job.id, total_files=len(items))
    return job.id


def passed_decode(batch_id: str) -> bool:
    """Whether every item has failed, or waits for what no cpu worker here does: a summary, or a root that none has."""
    return all(
        item.state is State.FAILED
        or (item.state is State.QUEUED and item.step.value == "summarize")
        or (item.state is State.PENDING and item.root != "kits")
        for item in batches.iterate(batch_id)
    )


FORGED = [
    ("kits", b"../outside/canary.wav"),
    ("kits", b"kit/../../outside/canary.wav"),
    ("kits", b"/etc/passwd"),
    ("kits", b"//etc/passwd"),
    ("kits", b"link.wav"),
    ("kits", b"relative.wav"),
    ("kits", b"chain.wav"),
    ("kits", b"passwd.wav"),
    ("kits", b"up/outside/canary.wav"),
    ("kits", b"up/library/up/outside/canary.wav"),
    ("kits", b"link.wav\0.txt"),
    ("/", b"etc/passwd"),
    ("/etc", b"passwd"),
    ("", b"etc/passwd"),
    ("..", b"outside/canary.wav"),
    ("kits/..", b"outside/canary.wav"),
]


def test_forged_items_open_nothing_outside(own: Settings, opened: Path, library: Path):
    outside = library.parent / "outside"
    items = [
        new_item("", root=root, path=path.decode(), raw_path=raw)
        for root, path in FORGED
        for raw in ((None, path) if b"\0" not in path else (path,))
    ]
    # One of each, as a place is recorded once: the raw path goes before the text.
    for number, item in enumerate(items):
        if item["raw_path"] is not None:
            item["path"] = f"kit/{number:03}.wav"
    good = new_item("", root="kits", path="kit/099.wav")

    with counted(outside) as opens:
        # Without beat the roots that no worker has are not skipped, so the good file has a batch of its own.
        batch_id, beside = forge(items), forge([good])
        dispatch(own)
        wait_until(lambda: passed_decode(batch_id) and passed_decode(beside))

        assert opens() == 0
        (outside / "canary.wav").read_bytes()
        assert opens() == 1
    errors = [item.error.code for item in batches.iterate(batch_id) if item.error is not None]
    # Names of roots that no worker has are not looked into at all.
    assert errors == ["outside_roots"] * sum(item["root"] == "kits" or item["root"].startswith("/") for item in items)
    names = opened.read_text().splitlines()
    assert "099.wav" in names
    assert not any("passwd" in name or "canary" in name for name in names)


@pytest.mark.usefixtures("opened")
def test_items_whose_folder_is_exchanged_meanwhile_open_nothing_outside(own: Settings, library: Path):
    outside = library.parent / "outside"
    (library / "other").symlink_to(outside)
    command = [sys.executable, "-c", _EXCHANGE, *map(str, (library / "real", library / "other", library / "kit"))]
    exchange = subprocess.Popen(command)
    codes: set[str] = set()

    def another_batch_met_both() -> bool:
        # It may be over before the two take turns.
        batch_id = forge([new_item("", root="kits", path=f"kit/{number:03}.wav") for number in range(FILES)])
        dispatch(own)
        wait_until(lambda: passed_decode(batch_id))
        codes.update(item.error.code if item.error is not None else "read" for item in batches.iterate(batch_id))
        return {"outside_roots"} < codes

    try:
        with counted(outside) as opens:
            wait_until(another_batch_met_both)

            assert opens() == 0
    finally:
        exchange.kill()
        exchange.wait()
    assert codes <= {"outside_roots", "missing", "unreadable", "read"}


def test_forged_messages_open_nothing(own: Settings, opened: Path, library: Path):
    outside = library.parent / "outside"
    assert own.redis_url is not None
    client, queue = Redis.from_url(own.redis_url.get_secret_value()), own.queues.of("cpu")
    paths = ("/etc/passwd", "../outside/canary.wav", str(outside / "canary.wav"), "link.wav")
    bodies = [
        body
        for path in paths
        for body in (
            [[path], {}, {}],
            [[], {"parcel_id": path}, {}],
            [[{"root": "kits", "path": path}], {}, {}],
            [["0" * 24], {"path": path, "root": "/"}, {}],
            [["0" * 24, path], {}, {}],
        )
    ]
    with counted(outside) as opens:
        for task in ("decode", "features", "tempo_key", "sweep"):
            for number, body in enumerate(bodies):
                client.lpush(queue, _message(f"samplemind.{task}", json.dumps(body), f"{task}-{number}"))
        wait_until(lambda: client.llen(queue) == 0)
        # When the message after the forged ones is done, so are these.
        batch_id = forge([new_item("", root="kits", path="kit/099.wav")])
        dispatch(own)
        wait_until(lambda: passed_decode(batch_id))

        assert opens() == 0
    client.close()
    names = opened.read_text().splitlines()
    assert "099.wav" in names
    assert not any("passwd" in name or "canary" in name or name == "link.wav" for name in names)


def _message(task: str, body: str, task_id: str) -> bytes:
    return json.dumps(
        {
            "body": body,
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {"lang": "py", "task": task, "id": task_id, "root_id": task_id, "argsrepr": "()"},
            "properties": {
                "correlation_id": task_id,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": "samplemind:cpu"},
                "priority": 0,
                "body_encoding": None,
                "delivery_tag": task_id,
            },
        }
    ).encode()
