"""Malformed and hostile messages in the queues."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from tests.chaos.stack import Stack, wait_until, write_files

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

MakeStack = Callable[..., Stack]


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = str(trace)

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (open, (self.trace, "w"))


def message(task: str, body: str, *, content_type: str = "application/json", **headers: object) -> bytes:
    """Return a message in Celery's format with any body."""
    return json.dumps(
        {
            "body": body,
            "content-encoding": "utf-8",
            "content-type": content_type,
            "headers": {"lang": "py", "task": task, "id": "0", "root_id": "0", "argsrepr": "()", **headers},
            "properties": {
                "correlation_id": "0",
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": "samplemind:cpu"},
                "priority": 0,
                "body_encoding": None,
                "delivery_tag": "0",
            },
        }
    ).encode()


def test_rubbish_in_the_queue(stack: MakeStack, tmp_path: Path):
    one = stack()
    trace = tmp_path / "trace"
    bomb = pickle.dumps(Bomb(trace), 0)
    deep = "[" * 100_000 + "]" * 100_000
    kinds = [
        b"not json",
        b"\xff\x00\xfe",
        b'["a", "list"]',
        deep.encode(),
        bomb,
        message("samplemind.no_such_task", "[[], {}, {}]"),
        message("samplemind.decode", "[[], {}, {}]"),
        message("samplemind.decode", '[["no parcel"], {}, {}]'),
        message("samplemind.decode", deep),
        message("samplemind.decode", bomb.decode(), content_type="application/x-python-serialize"),
        message("samplemind.decode", "not json"),
        message("samplemind.decode", "[]"),
        b'{"body": "[]", "headers": {"task": "nope"}, "properties": {"delivery_tag": "1", "delivery_info": {}}}',
        message("samplemind.decode", "[[], {}, {}]", eta="never", timelimit="x", retries="many"),
    ]
    before = one.process("worker-cpu").pid, one.process("worker-io").pid
    assert one.settings.redis_url is not None
    client = Redis.from_url(one.settings.redis_url.get_secret_value())
    for queue in ("samplemind:cpu", "samplemind:io"):
        client.lpush(queue, *(kinds * (500 // len(kinds) + 1)))
        one.outcome.faults += len(kinds) * (500 // len(kinds) + 1)
    write_files(tmp_path / "library", 20)
    batch_id = one.submit(tmp_path / "library")

    again = wait_until(lambda: one.has_ended(batch_id), seconds=30.0, what="work behind the rubbish is done")

    one.outcome.notes.append(f"20 files behind it were done after {again:.1f} s")
    one.check(batch_id, within=5.0)
    wait_until(
        lambda: client.llen("samplemind:cpu") + client.llen("samplemind:io") == 0,
        seconds=10.0,
        what="the queues are empty",
    )
    client.close()
    assert not trace.exists()
    assert (one.process("worker-cpu").pid, one.process("worker-io").pid) == before
