"""A user who may see a part of a folder that was submitted as a whole sees that part, and nothing of the rest."""

import time
from pathlib import Path

import httpx
import pytest

from samplemind_worker.finding import entry
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import mongo
from tests.chain import submit, work
from tests.factories import write_audio
from tests.web.accounts import add_user, log_in
from training import signals

pytestmark = pytest.mark.services


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def ids(workspace: Workspace, web: httpx.Client, library: Path) -> dict[str, str]:
    """Sounds in three folders of one; the client is a producer who sees ``drums`` alone."""
    write_audio(library / "drums" / "kit" / "kick.wav", signals.kick())
    write_audio(library / "drums" / "both.wav", signals.snare())
    write_audio(library / "unreleased" / "both secret.wav", signals.snare())
    write_audio(library / "drums2" / "secret.wav", signals.clap())
    submit(workspace, library, ai=False, user_id="ada")
    work(workspace)
    entry.refresh_marked()
    add_user(workspace, "ada")
    add_user(workspace, "vic", "producer", roots=[str(library / "drums")])
    time.sleep(0.6)
    assert log_in(web, "vic").status_code == 200

    async def known() -> dict[str, str]:
        rows = await mongo.collection("file_locations").find().to_list()
        return {Path(row["path"]).stem: row["file_id"] for row in rows}

    return mongo.run(known())


def test_sounds_of_a_granted_part_have_their_names_and_are_heard(web: httpx.Client, ids: dict[str, str], library: Path):
    rows = web.get("/api/v1/samples").json()["items"]
    assert {row["path"]: row["places"] for row in rows} == {
        str(path): [str(path)] for path in (library / "drums" / "kit" / "kick.wav", library / "drums" / "both.wav")
    }
    for name in ("kick", "both"):
        sample = web.get(f"/api/v1/samples/{ids[name]}")
        assert (sample.status_code, sample.json()["name"]) == (200, f"{name}.wav")
        assert web.get(f"/api/v1/samples/{ids[name]}/audio").status_code == 200
    assert web.post("/api/v1/peaks", json={"ids": [ids["kick"]]}).json()["peaks"].keys() == {ids["kick"]}
    counted = web.get("/api/v1/library").json()
    assert (counted["files"], counted["contents"], counted["copies"]["files"]) == (2, 2, 0)


def test_nothing_tells_of_the_rest(web: httpx.Client, ids: dict[str, str]):
    for path in ("", "/audio", "/similar"):
        assert web.get(f"/api/v1/samples/{ids['secret']}{path}").status_code == 404
    for path in ("/samples", f"/samples/{ids['both']}", "/duplicates", "/library", "/batches", "/suggest?q=sec"):
        answer = web.get(f"/api/v1{path}")
        assert answer.status_code < 300, path
        assert "secret" not in answer.text.replace(path, ""), path
        assert "unreleased" not in answer.text, path
