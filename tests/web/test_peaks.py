"""The waveforms of many samples in one request."""

import base64
import hashlib
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import results, waveforms
from tests.chain import analyse
from tests.factories import content_id, write_audio
from tests.web.accounts import add_user, bearer, tokens
from training import signals

pytestmark = pytest.mark.services

URL = "/api/v1/peaks"


def content_id_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


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


def test_samples_of_other_roots_are_neither_drawn_nor_heard(web: httpx.Client, workspace: Workspace, tmp_path: Path):
    for name, y in (("mine", signals.kick()), ("others", signals.snare())):
        write_audio(tmp_path / name / "a.wav", y)
        analyse(workspace, tmp_path / name)
    mine, others = (content_id_of(tmp_path / name / "a.wav") for name in ("mine", "others"))
    for name, roots in (("bob", [str(tmp_path / "mine")]), ("eve", [str(tmp_path)]), ("nil", [])):
        add_user(workspace, name, "viewer", roots=roots)

    seen = {}
    for name in ("bob", "eve", "nil"):
        web.headers.update(bearer(tokens(web, name)["access_token"]))
        body = web.post(URL, json={"ids": [mine, others]}).json()
        statuses = [web.get(f"/api/v1/samples/{each}/audio").status_code for each in (mine, others)]
        seen[name] = (set(body["peaks"]), body["missing"], statuses)

    assert seen == {
        "bob": ({mine}, [others], [200, 404]),
        "eve": ({mine, others}, [], [200, 200]),
        "nil": (set(), [mine, others], [404, 404]),
    }


@pytest.mark.parametrize("path", ["peaks", f"samples/{'0' * 64}/audio"])
def test_who_has_not_logged_in_gets_nothing(web: httpx.Client, workspace: Workspace, path: str):
    add_user(workspace, "ada")
    time.sleep(0.6)  # the server may know for half a second that there are no users

    answer = web.post(URL, json={"ids": []}) if path == "peaks" else web.get(f"/api/v1/{path}")

    assert (answer.status_code, answer.json()["code"]) == (401, "login_required")
