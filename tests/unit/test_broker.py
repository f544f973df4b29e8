"""What the queue's transport takes for a message."""

import json
import pickle

import pytest

from samplemind_worker.broker import is_message

MESSAGE = {
    "body": "[[], {}, {}]",
    "content-encoding": "utf-8",
    "content-type": "application/json",
    "headers": {"task": "samplemind.decode", "id": "1"},
    "properties": {
        "delivery_tag": "2",
        "delivery_info": {"exchange": "", "routing_key": "cpu"},
        "delivery_mode": 2,
        "priority": 0,
    },
}


def test_a_message_is_one():
    assert is_message(json.dumps(MESSAGE).encode())


def with_properties(**changes: object) -> bytes:
    return json.dumps({**MESSAGE, "properties": {**MESSAGE["properties"], **changes}}).encode()


def with_headers(**changes: object) -> bytes:
    return json.dumps({**MESSAGE, "headers": {**MESSAGE["headers"], **changes}}).encode()


def test_what_celery_adds_is_taken():
    assert is_message(
        with_headers(retries=3, timelimit=[None, 600], eta="2026-01-01T00:00:00+00:00", expires=None, lang="py")
    )
    assert is_message(with_properties(body_encoding=None))


@pytest.mark.parametrize("missing", sorted(MESSAGE))
def test_a_message_without_a_part_is_rubbish(missing: str):
    assert not is_message(json.dumps({key: value for key, value in MESSAGE.items() if key != missing}).encode())


@pytest.mark.parametrize(
    "item",
    [
        b"",
        b"not json",
        b"\xff\xfe\x00",
        b"null",
        b"17",
        b'"text"',
        b"[]",
        b'["body", "headers", "properties"]',
        b"{}",
        pickle.dumps(MESSAGE),
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        json.dumps({**MESSAGE, "body": {"deep": "er"}}).encode(),
        json.dumps({**MESSAGE, "headers": []}).encode(),
        with_properties(delivery_tag=5),
        json.dumps({**MESSAGE, "properties": {**MESSAGE["properties"], "delivery_info": None}}).encode(),
        json.dumps({**MESSAGE, "properties": {**MESSAGE["properties"], "body_encoding": "rot13"}}).encode(),
    ],
)
def test_rubbish_is_none(item: bytes):
    assert not is_message(item)
