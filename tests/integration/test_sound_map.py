"""The map of all sounds: it follows the library, stays where it was, and is whole whoever dies meanwhile."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.dsp import EMBEDDING_SIZE
from samplemind_worker.errors import ServiceUnavailableError
from samplemind_worker.finding import entry, marks
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import mongo, places, results, sound_map, turns
from samplemind_worker.store.places import Place
from samplemind_worker.upkeep import sound_map as making
from tasks.io import sound_map as task
from tests.factories import analysis_facts, audio_facts, content_id

pytestmark = pytest.mark.services

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CENTRES = np.random.default_rng(1).normal(size=(4, EMBEDDING_SIZE))


@pytest.fixture(autouse=True)
def record(workspace: Workspace) -> Workspace:
    return workspace


def add(numbers: range, **values: Any) -> None:
    """Record contents of four kinds of sound."""
    rng = np.random.default_rng(numbers.start)
    pairs = []
    for number in numbers:
        vector = (CENTRES[number % 4] + 0.2 * rng.normal(size=EMBEDDING_SIZE)).tolist()
        given = {"vector": vector, "instrument": ("kick", "snare", None, "bass")[number % 4], **values}
        pairs.append((audio_facts(content_id(number)), analysis_facts(content_id(number), **given)))
    results.save_analyses(pairs)
    places.save([Place("/library", f"{n:04}.wav".encode(), content_id(n), 1000, 1, 1, settled=True) for n in numbers])
    entry.refresh_marked()


def make() -> bool:
    assert turns.take(sound_map.JOB, "run", lease=60.0)
    try:
        return making.make("run")
    finally:
        turns.give_back(sound_map.JOB, "run")


def points() -> dict[str, tuple[float, float]]:
    """The place of each content on the map."""
    state = sound_map.state()
    ids, data = sound_map.read(state["version"], "ids"), sound_map.read(state["version"], "points")
    count = int.from_bytes(data[4:8], "little")
    assert (data[:4], len(data), len(ids)) == (b"SMAP", 8 + 20 * count, 32 * count)
    assert count == state["points"]
    x, y = np.frombuffer(data, "<f4", 2 * count, 8).reshape(2, -1)
    return {ids[32 * n : 32 * n + 32].hex(): (float(x[n]), float(y[n])) for n in range(count)}


def shift(before: dict[str, tuple[float, float]], after: dict[str, tuple[float, float]]) -> float:
    """How far the common points have moved, relative to the radius of the map."""
    common = sorted(before.keys() & after.keys())
    one, other = (np.array([each[key] for key in common]) for each in (before, after))
    return float(np.median(np.linalg.norm(one - other, axis=1)) / np.linalg.norm(one - one.mean(axis=0), axis=1).mean())


def count_parts() -> int:
    return mongo.run(mongo.collection("sound_map_parts").count_documents({}))


def test_a_library_without_sounds_has_no_map():
    assert not making.tend()
    assert sound_map.report().state == "empty"


def test_the_map_is_made_and_told_of():
    add(range(80), kind="one_shot", tempo=None, key="A", mode="minor")
    assert sound_map.report().state == "computing"  # no worker has begun yet

    assert making.tend()

    report = sound_map.report()
    assert (report.count, report.state, report.progress) == (80, "ready", None)
    assert (report.instruments, report.kinds) == (["bass", "kick", "snare"], ["one_shot"])
    placed = points()
    assert set(placed) == {content_id(number) for number in range(80)}
    near = {}
    for number in range(80):
        mine = np.array(placed[content_id(number)])
        others = sorted(placed, key=lambda key: float(np.linalg.norm(np.array(placed[key]) - mine)))
        near[number] = others[1]
    kinds = {content_id(number): number % 4 for number in range(80)}
    assert np.mean([kinds[near[number]] == number % 4 for number in range(80)]) > 0.95


def test_the_bytes_tell_what_the_legend_names():
    add(range(1), kind="loop", tempo=120.4, key="A", mode="minor", instrument="kick")
    add(range(1, 2), kind="loop", tempo=None, key="B", mode="major", instrument=None)
    make()
    state = sound_map.state()
    ids, data = sound_map.read(state["version"], "ids"), sound_map.read(state["version"], "points")

    rows = np.frombuffer(data, np.uint8, 8, 8 + 16).reshape(4, 2).T.tolist()

    told = {ids[32 * n : 32 * n + 32].hex(): rows[n] for n in range(2)}
    assert told == {content_id(0): [0, 9, 60, 0], content_id(1): [255, 23, 0, 0]}
    assert data[-16:] == ids[:8] + ids[32:40]


def test_what_has_not_changed_is_not_made_again():
    add(range(30))
    assert make()
    version = sound_map.state()["version"]
    marks.change([content_id(1)], user_id="anna", favourite=True)
    assert sound_map.report().state == "stale"

    assert not make()

    assert sound_map.state()["version"] == version
    assert sound_map.report().state == "ready"
    assert not making.tend()


def test_new_sounds_come_and_old_ones_stay_where_they_are():
    add(range(200))
    make()
    before = points()
    add(range(200, 240))

    assert make()

    after = points()
    assert len(after) == 240
    assert shift(before, after) < 0.1


def test_what_is_gone_vanishes():
    add(range(60))
    make()
    before = points()
    places.end([place for found in places.of([content_id(n) for n in range(10)]).values() for place in found])
    entry.refresh_marked()

    assert make()

    assert set(points()) == set(before) - {content_id(n) for n in range(10)}
    places.end([place for found in places.of([content_id(n) for n in range(60)]).values() for place in found])
    entry.refresh_marked()
    assert make()
    assert (points(), sound_map.report().state) == ({}, "empty")


def test_other_facts_of_the_same_sounds_move_nothing():
    add(range(40), tempo=120.0)
    make()
    before = points()
    results.update_analyses({content_id(1): {"tempo": 90.0}})
    entry.refresh([content_id(1)])

    assert make()

    assert points() == before


def test_a_map_of_a_process_that_died_is_never_used_and_cleared_away():
    add(range(30))
    make()
    before, parts = points(), count_parts()
    sound_map.save("0" * 16, "ids", b"x" * 32)  # and here it died
    sound_map.note(progress=0.5)
    assert (points(), sound_map.report().progress) == (before, None)
    add(range(30, 40))

    assert make()

    assert len(points()) == 40
    assert sound_map.read("0" * 16, "ids") == b""
    assert count_parts() == 2 * parts  # the one before stays for those who are reading it
    add(range(40, 50))
    make()
    add(range(50, 60))
    make()
    assert count_parts() == 3 * parts  # it is cleared away by the next one


def test_one_process_at_a_time_makes_the_map():
    add(range(20))
    assert turns.take(sound_map.JOB, "other", lease=60.0)

    assert not making.tend()

    assert sound_map.report().state == "computing"


def test_a_run_that_has_lost_its_turn_puts_nothing_into_use():
    add(range(20))
    assert turns.take(sound_map.JOB, "other", lease=60.0)

    with pytest.raises(ServiceUnavailableError, match="another one took over"):
        making.make("run")

    assert sound_map.state().get("version") is None


def test_a_map_that_came_into_use_meanwhile_stays():
    add(range(20))
    make()
    version = sound_map.state()["version"]

    assert not sound_map.publish("f" * 16, instead_of="e" * 16, values={})

    assert sound_map.state()["version"] == version


def test_while_most_vectors_are_of_an_older_recipe_the_map_stays():
    add(range(40))
    make()
    before = points()
    add(range(40), vector_version=VERSIONS["store"] - 1)
    add(range(40, 50))

    assert not make()

    assert points() == before


def test_a_large_map_lies_in_several_parts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sound_map, "PART", 100)
    add(range(30))

    make()

    assert len(points()) == 30
    assert count_parts() == -(-608 // 100) + -(-960 // 100)


def test_of_very_many_sounds_fewer_numbers_are_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(making, "_MOST_NUMBERS", 80 * 40)
    monkeypatch.setattr(making, "_BASIS", 50)
    add(range(80))

    assert make()

    assert len(points()) == 80


def test_the_task_makes_it(record: Workspace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tasks.io.workspace", lambda: record)
    add(range(20))

    task()

    assert sound_map.report().count == 20


@pytest.mark.parametrize(
    ("state", "ticket", "entries", "due"),
    [
        ({}, 0, 0, False),
        ({}, 1, 1, True),
        ({"ticket": 5, "looked_at": NOW - timedelta(days=1), "entries": 10}, 5, 10, False),
        ({"ticket": 5, "looked_at": NOW - timedelta(seconds=59), "entries": 10}, 6, 10, False),
        ({"ticket": 5, "looked_at": NOW - timedelta(seconds=60), "entries": 10}, 6, 10, True),
        ({"ticket": 5, "looked_at": NOW - timedelta(seconds=11), "entries": 10}, 6, 20, True),
        ({"ticket": 5, "looked_at": NOW - timedelta(seconds=11), "entries": 10}, 6, 0, True),
        ({"ticket": 5, "looked_at": NOW - timedelta(seconds=60), "entries": 10, "seconds": 20.0}, 6, 20, False),
    ],
)
def test_a_map_rests_between_changes(state: dict[str, Any], ticket: int, entries: int, *, due: bool):
    assert making.is_due(state, ticket, entries, now=NOW) is due
