"""While Chroma is gone, what sounds alike cannot be told, and everything else works."""

import httpx
import pytest
from pydantic import SecretStr

from config.settings import Settings
from samplemind_worker.finding import entry
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import places, results
from samplemind_worker.store.places import Place
from tests.factories import analysis_facts, audio_facts, content_id

pytestmark = pytest.mark.services


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings whose Chroma does not answer."""
    return settings.model_copy(update={"chroma_url": SecretStr("http://127.0.0.1:9")})


def test_similar_says_so_and_search_works(workspace: Workspace, web: httpx.Client):
    assert workspace.settings.database
    key = content_id("loop")
    results.save_analyses([(audio_facts(key), analysis_facts(key))])
    places.save([Place("/library", b"loop.wav", key, 9, 1, 1, settled=True)])
    entry.build()
    entry.refresh_marked()

    alike = web.get(f"/api/v1/samples/{key}/similar")
    found = web.get("/api/v1/samples", params={"q": "loop"})

    assert (alike.status_code, alike.json()["code"]) == (503, "service_unavailable")
    assert "127.0.0.1" not in alike.text
    assert (found.status_code, found.json()["total"]) == (200, 1)
    assert web.get(f"/api/v1/samples/{key}").status_code == 200
