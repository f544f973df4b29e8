"""Documents of older releases are brought to their present form while work goes on, counted, and once."""

from typing import Any

import pytest

from config.settings import Settings
from config.task_names import WIRE
from samplemind_worker.documents.versions import SCHEMAS
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import mongo, results, schemas, turns
from samplemind_worker.store.cache import WorkerSign
from samplemind_worker.upkeep import migrations
from samplemind_worker.upkeep.migrations import MIGRATIONS, Migration
from tests.factories import analysis_facts, audio_facts, content_id

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("workspace")]

FILES = 25


@pytest.fixture
def older(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record from before there were users."""
    workspace.connect()
    monkeypatch.setattr(migrations, "_PAGE", 10)
    contents = [content_id(number) for number in range(FILES)]
    results.save_analyses([(audio_facts(each), analysis_facts(each)) for each in contents])
    for name in ("analyses", "audio_files"):
        mongo.run(mongo.collection(name).update_many({}, {"$unset": {"user_id": ""}}))


@mongo.synchronous
async def owners(collection: str = "analyses") -> list[Any]:
    return sorted([row.get("user_id") or "" async for row in mongo.collection(collection).find({})])


def test_the_versions_are_those_that_the_migrations_lead_to():
    led: dict[str, int] = {}
    for each in MIGRATIONS:
        assert each.version == led.get(each.collection, 1) + 1
        led[each.collection] = each.version

    assert led == SCHEMAS


@pytest.mark.usefixtures("older")
def test_older_documents_get_their_present_form():
    assert [one.migration.collection for one in migrations.pending()] == ["audio_files", "analyses"]
    told: list[tuple[str, int, int]] = []

    assert migrations.run(on_progress=lambda *seen: told.append(seen))

    assert owners() == owners("audio_files") == ["local"] * FILES
    assert told[:3] == [("audio_files", 10, FILES), ("audio_files", 20, FILES), ("audio_files", FILES, FILES)]
    assert migrations.pending() == []
    form = schemas.forms()["analyses"]
    assert (form.version, form.seen, form.changed, form.migrating) == (2, FILES, FILES, 0)


@pytest.mark.usefixtures("older")
def test_what_has_the_present_form_stays_as_it_is():
    results.save_analyses([(audio_facts(content_id(1)), analysis_facts(content_id(1)))], user_id="ada")

    assert migrations.run()

    assert owners() == ["ada"] + ["local"] * (FILES - 1)
    assert schemas.forms()["analyses"].changed == FILES - 1


@pytest.mark.usefixtures("older")
def test_it_goes_on_after_the_last_page_of_a_killed_run(monkeypatch: pytest.MonkeyPatch):
    pages: list[Any] = []
    change = schemas.change_page

    def _counted(*arguments: Any, **values: Any) -> Any:
        if len(pages) == 1:
            pages.append(None)
            raise KeyboardInterrupt
        pages.append(values["after"])
        return change(*arguments, **values)

    monkeypatch.setattr(schemas, "change_page", _counted)
    with pytest.raises(KeyboardInterrupt):
        migrations.run()
    [first, *_] = migrations.pending()
    assert (first.form.seen, first.form.migrating, first.form.total) == (10, 2, FILES)

    assert migrations.run()

    assert pages[2] is not None
    assert owners("audio_files") == ["local"] * FILES
    assert schemas.forms()["audio_files"].seen == FILES


@pytest.mark.usefixtures("older")
def test_a_run_ends_after_its_time_and_the_next_one_goes_on():
    runs = 1
    while not migrations.run(seconds=0.0):
        runs += 1

    # A page ends a run that has no time left.
    assert runs == 7
    assert owners() == ["local"] * FILES


@pytest.mark.usefixtures("older")
def test_one_process_at_a_time_has_the_turn():
    assert turns.take("migrations", "another", lease=60.0)
    assert not migrations.run()
    assert set(owners()) == {""}

    turns.give_back("migrations", "another")
    assert migrations.run()


@pytest.mark.usefixtures("older")
def test_the_workers_wait_for_those_of_older_releases(settings: Settings):
    now = WorkerSign("cpu@a", settings.host, (), 1)
    before = WorkerSign("cpu@b", settings.host, (), 1, wire=WIRE - 1)

    migrations.tend([now, before], seconds=60.0)
    assert set(owners()) == {""}

    migrations.tend([now], seconds=60.0)
    assert owners() == ["local"] * FILES


def test_a_sign_of_life_without_a_version_is_of_an_older_release(workspace: Workspace):
    workspace.board.announce(WorkerSign("cpu@a", "a", ("cpu",), 2, ("gemini",)))
    workspace.board._redis.set(  # noqa: SLF001 -- as an older release writes it
        f"{workspace.settings.database}:sign:cpu@b", b'{"host": "b", "queues": ["cpu"], "slots": 1}'
    )

    assert {sign.name: sign.wire for sign in workspace.board.workers()} == {"cpu@a": WIRE, "cpu@b": 1}


@pytest.mark.usefixtures("older")
def test_a_second_change_of_a_collection_follows_the_first():
    later = Migration("analyses", 3, {"tempo_rounded": {"$exists": False}}, [{"$set": {"tempo_rounded": "$tempo"}}])

    assert migrations.run(migrations=[*MIGRATIONS, later])

    assert schemas.forms()["analyses"].version == 3
    assert owners() == ["local"] * FILES
    assert mongo.run(mongo.collection("analyses").count_documents({"tempo_rounded": 120.0})) == FILES


def test_an_empty_record_is_of_the_present_form():
    assert migrations.pending() == []
    assert migrations.run()
