"""Searches by index keys that a server keeps: they find what others find, and never what was."""

from datetime import UTC, datetime, timedelta

import pytest

from samplemind_worker.documents.entry import LibraryEntry
from samplemind_worker.finding import entry, postings
from samplemind_worker.finding.filter_text import read as read_filters
from samplemind_worker.finding.postings import Postings
from samplemind_worker.finding.query import read as read_text
from samplemind_worker.finding.search import Found, search
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import entries, mongo, places, results
from samplemind_worker.store.entry_search import Order
from samplemind_worker.store.places import Place
from tests.factories import analysis_facts, audio_facts, content_id

pytestmark = pytest.mark.services

FILES = 60


@pytest.fixture
def library(workspace: Workspace) -> Workspace:
    for number in range(FILES):
        add(f"Pack/{'Dark ' * (number % 2)}{'Kick' if number % 3 else 'Snare'} {number:02}.wav", number)
    return workspace


def add(path: str, number: int) -> None:
    key = content_id(path)
    facts = analysis_facts(key, tempo=100.0 + number, kind="loop", instrument=None, analyzed_at=moment(number))
    results.save_analyses([(audio_facts(key), facts)])
    places.save([Place("/library", path.encode(), key, 1000, 1, 1, settled=True)])
    entry.refresh_marked()


def moment(number: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)


def find(text: str, kept: Postings | None, order: Order | None = None, bpm: str | None = None) -> list[str]:
    """Return the ids of all pages."""
    found: list[str] = []
    page: Found | None = None
    while page is None or page.next is not None:
        page = search(
            read_text(text),
            read_filters(bpm=bpm),
            order=order,
            limit=7,
            after=None if page is None else page.next,
            kept=None if kept is None else kept.at(entries.generation()),
        )
        found += [hit.entry["_id"] for hit in page.hits]
    return found


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("order", [None, "added", "name", "tempo"])
@pytest.mark.parametrize(
    ("text", "bpm"),
    [
        ("dark kick", None),
        ("dark", None),
        ("kick -dark", None),
        ('"dark snare"', None),
        ("kick", "110.5..140.5"),
        ("", "..120"),
    ],
)
def test_pages_are_those_of_a_search_without_keys(text: str, bpm: str | None, order: Order | None):
    found = find(text, Postings(), order, bpm)

    assert found == find(text, None, order, bpm)
    assert len(found) == len(set(found)) > 0


@pytest.mark.usefixtures("library")
def test_what_was_just_added_is_found():
    kept = Postings()
    before = find("dark kick", kept)

    add("Pack/Dark Kick 99.wav", 99)

    assert {*find("dark kick", kept)} == {*before, content_id("Pack/Dark Kick 99.wav")}


@pytest.mark.usefixtures("library")
def test_what_is_gone_is_not_found_with_keys_that_are_outdated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(postings, "_SETTLED", 0.0)
    kept, asked, chosen = Postings(), read_text("dark kick"), read_filters()
    generation = entries.generation()
    first = search(asked, chosen, kept=kept.at(generation)).hits[0].entry["_id"]

    delete(first)

    assert first not in {hit.entry["_id"] for hit in search(asked, chosen, kept=kept.at(generation)).hits}


@mongo.synchronous
async def delete(file_id: str) -> None:
    await LibraryEntry.find({"_id": file_id}).delete()


@pytest.mark.usefixtures("library")
def test_words_that_are_too_frequent_are_found_without_keys(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(postings, "_MOST_OF_ONE", 5)

    assert find("dark kick", Postings()) == find("dark kick", None) != []


@pytest.mark.usefixtures("library")
def test_no_more_keys_are_kept_than_allowed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(postings, "_MOST", 50)
    kept = Postings()

    for text in ("dark kick", "snare", "dark snare", "kick", "dark"):
        assert find(text, kept) == find(text, None) != []

    assert 0 < kept.held <= 50
