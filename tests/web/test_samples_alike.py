"""What is alike, what fits, what completes a word and what lies in the library twice, through the API."""

import time
from typing import Any

import httpx
import numpy as np
import pytest
from pydantic import TypeAdapter

from samplemind_web.duplicates import DuplicatesPage
from samplemind_web.routes.library import Library, Suggestions
from samplemind_web.routes.likeness import MatchingSamples, SimilarSamples
from samplemind_worker.documents.facts import AnalysisFacts
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.dsp.embedding import MEASURES, embed
from samplemind_worker.finding import entry
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import places, results
from samplemind_worker.store.places import Place
from tests.factories import analysis_facts, audio_facts, content_id

pytestmark = pytest.mark.services

VERSION = VERSIONS["store"]
DONE = {**analysis_facts("").versions, "summarize": VERSIONS["summarize"], "store": VERSION}
LOOPS = {"Am": ("A", "minor", "8A", 120.0), "C": ("C", "major", "8B", 124.0), "F#": ("F#", "major", "2B", 90.0)}


def sound(number: int, **values: Any) -> AnalysisFacts:
    statistics = np.random.default_rng(number).random(MEASURES).astype("<f2")
    return analysis_facts(
        content_id(number),
        **{"vector": embed(statistics).tolist(), "sound_statistics": statistics.tobytes(), "versions": DONE, **values},
    )


@pytest.fixture
def library(workspace: Workspace) -> Workspace:
    """Thirty kicks, of which one lies in two places, and three loops."""
    rows = [sound(number, kind="one_shot", instrument="kick", tempo=None, key=None, mode=None) for number in range(30)]
    for number, (tonic, mode, code, tempo) in enumerate(LOOPS.values(), 30):
        rows.append(sound(number, instrument="bass", tempo=tempo, key=tonic, mode=mode, camelot=code))
    results.save_analyses([(audio_facts(each.file_id, audio_hash=each.file_id), each) for each in rows])
    lie = [Place("/library", f"Pack/{at:02}.wav".encode(), each.file_id, 9, 1, 1, settled=True) for at, each in
           enumerate(rows)]  # fmt: skip
    places.save([*lie, Place("/library", b"Copy/00.wav", content_id(0), 9, 1, 1, settled=True)])
    entry.build()
    entry.refresh_marked()
    workspace.vectors.upsert({each.file_id: each.vector or [] for each in rows})
    return workspace


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["file_id"] for row in answer.json()["items"]]


@pytest.mark.usefixtures("library")
def test_what_sounds_alike_is_found_and_explained(web: httpx.Client):
    url = f"/api/v1/samples/{content_id(3)}/similar"
    plain = web.get(url, params={"limit": 40})
    explained = web.get(url, params={"limit": 5, "explain": True, "instrument": "bass"})
    copies = web.get(url, params={"limit": 1, "copies": True})
    timbre = web.get(url, params={"by": "timbre", "limit": 3})

    found = SimilarSamples.model_validate(plain.json())
    assert len(found.items) == 32
    assert [row.distance for row in found.items] == sorted(row.distance for row in found.items)
    assert (found.items[0].aspects, found.items[0].shares, found.notes) == (None, None, [])
    assert set(ids(explained)) == {content_id(number) for number in (30, 31, 32)}
    row = SimilarSamples.model_validate(explained.json()).items[0]
    assert row.aspects is not None
    assert (len(row.aspects), row.shares) == (4, [])
    assert ids(copies) == [content_id(3)]
    assert len(ids(timbre)) == 3


@pytest.mark.usefixtures("library")
def test_what_fits_is_found(web: httpx.Client):
    by_key = web.get("/api/v1/match", params={"key": "Am", "bpm": 120, "kind": "loop"})
    by_sample = web.get(f"/api/v1/samples/{content_id(30)}/match", params={"kind": "loop"})

    found = MatchingSamples.model_validate(by_key.json())
    assert found.target == "A minor at 120 BPM"
    assert [(row.file_id, row.cost) for row in found.items][:1] == [(content_id(30), 0.0)]
    assert [row.cost for row in found.items] == sorted(row.cost for row in found.items)
    assert content_id(30) not in ids(by_sample)
    assert ids(by_sample)[0] == content_id(31)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"samples/{'0' * 64}/similar", 404),
        (f"samples/{'0' * 64}/match", 404),
        ("samples/nothing/similar", 422),
        (f"samples/{content_id(1)}/similar?by=colour", 422),
        (f"samples/{content_id(1)}/similar?limit=501", 422),
        (f"samples/{content_id(1)}/similar?bpm=x", 422),
        (f"samples/{content_id(1)}/match", 422),
        (f"samples/{content_id(30)}/match?shift=13", 422),
        (f"samples/{content_id(30)}/match?stretch=nan", 422),
        ("match", 422),
        ("match?key=H", 422),
        ("match?bpm=nan", 422),
        ("match?bpm=120..128", 422),
        ("match?key=Am&compatible=true", 422),
        ("duplicates?cursor=W10", 422),
        ("duplicates?limit=0", 422),
        ("suggest", 422),
        ("suggest?q=" + "x" * 61, 422),
        ("library?deep=1", 422),
    ],
)
def test_what_cannot_be_asked_is_refused(web: httpx.Client, path: str, status: int):
    answer = web.get(f"/api/v1/{path}")

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.usefixtures("library")
def test_words_are_completed(web: httpx.Client):
    def complete(q: str) -> list[tuple[str, str, int | None]]:
        answer = web.get("/api/v1/suggest", params={"q": q})
        assert Suggestions.model_validate(answer.json())
        return [(each["kind"], each["value"], each["count"]) for each in answer.json()["items"]]

    assert ("word", "kick", 30) in complete("ki")
    assert ("instrument", "kick", None) in complete("ki")
    assert ("pack", "pack", 33) in complete("PA")
    assert [each for each in complete("f#") if each[0] == "key"] == [
        ("key", "F# minor", None),
        ("key", "F# major", None),
    ]
    for strange in ("$", "\x00", "=", "+", "kind=", "(", "ß" * 60, " "):
        assert all(kind in {"key", "tag", "pack", "instrument"} for kind, _, _ in complete(strange))


@pytest.mark.usefixtures("library")
def test_the_library_at_a_glance(web: httpx.Client):
    found = TypeAdapter(Library).validate_json(web.get("/api/v1/library").content)

    assert (found["files"], found["contents"], found["copies"]["files"]) == (34, 33, 1)
    assert (found["instruments"], found["notes"]) == ({"kick": 30, "bass": 3}, [])


@pytest.mark.usefixtures("library")
def test_duplicates_come_in_pages_of_one_comparison(web: httpx.Client):
    while (answer := web.get("/api/v1/duplicates", params={"limit": 1}).json())["state"] == "computing":
        time.sleep(0.1)

    found = DuplicatesPage.model_validate(answer)
    [group] = found.items
    assert (found.total, found.files, found.next, group["kind"]) == (1, 34, None, "same_bytes")
    assert {file["path"] for file in group["files"]} == {"/library/Copy/00.wav", "/library/Pack/00.wav"}
    foreign = "WyJub25lIiwgMF0"
    assert web.get("/api/v1/duplicates", params={"cursor": foreign}).status_code == 422
