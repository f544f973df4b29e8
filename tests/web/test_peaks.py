"""The waveforms of many samples in one request."""

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest

from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import results, waveforms
from tests.chain import analyse
from tests.factories import content_id, write_audio
from training import signals

pytestmark = pytest.mark.services

URL = "/api/v1/peaks"


def test_waveforms_come_by_their_samples_and_others_are_missing(
    web: httpx.Client, workspace: Workspace, tmp_path: Path
):
    write_audio(tmp_path / "kick.wav", signals.kick())
    write_audio(tmp_path / "snare.wav", signals.snare())
    analyse(workspace, tmp_path)
    ids = [audio.file_id for audio, _ in results.iterate()]
    recorded = waveforms.of(ids)

    answer = web.post(URL, json={"ids": [*ids, content_id("none"), ids[0]]})

    assert answer.status_code == 200
    body = answer.json()
    assert body["missing"] == [content_id("none")]
    assert {key: base64.b64decode(one["data"]) for key, one in body["peaks"].items()} == recorded
    assert {key: one["buckets"] * 6 for key, one in body["peaks"].items()} == {
        key: len(data) for key, data in recorded.items()
    }


def test_two_hundred_are_answered_at_once(web: httpx.Client, workspace: Workspace):
    assert workspace is not None
    ids = [content_id(number) for number in range(200)]
    waveforms.save(dict.fromkeys(ids, bytes(range(255)) * 8))

    body = web.post(URL, json={"ids": ids}).json()

    assert (list(body["peaks"]), body["missing"]) == (sorted(ids), [])
    assert web.post(URL, json={"ids": []}).json() == {"peaks": {}, "missing": []}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": "0" * 64},
        {"ids": ["../../etc/passwd"]},
        {"ids": [{"$gt": ""}]},
        {"ids": {"$gt": ""}},
        {"ids": ["0" * 64 + "\n"]},
        {"ids": ["0" * 64] * 201},
        {"ids": [], "more": 1},
        [],
    ],
)
def test_what_is_no_list_of_ids_is_refused(web: httpx.Client, body: Any):
    answer = web.post(URL, json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
