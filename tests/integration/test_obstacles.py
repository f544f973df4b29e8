"""Obstacles that keep a batch from going on, on real stores."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from config.settings import Settings
from samplemind_worker.documents.batch import Step
from samplemind_worker.errors import ServiceUnavailableError
from samplemind_worker.local_services import connected, ensure_running, stop
from samplemind_worker.local_services.doctor import diagnose
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import batches, mongo, parcels, probes
from samplemind_worker.store.cache import WorkerSign
from samplemind_worker.submission.obstacles import NO_WORKERS, obstacles
from tests.factories import new_batch, new_item

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("chroma")]


def announce(workspace: Workspace, *kinds: str, host: str = "testhost") -> None:
    queues = tuple(map(workspace.settings.queues.of, kinds))
    workspace.board.announce(WorkerSign(f"{kinds[0]}@{host}", host, queues, 1))


def roles_missed(settings: Settings, batch_id: str) -> list[str]:
    found = obstacles(settings, batches.find(batch_id))
    return [sentence.split()[1] for sentence in found if sentence.startswith("no ")]


def test_a_worker_of_another_kind_does_not_silence_that_one_is_missing(workspace: Workspace, settings: Settings):
    job = new_batch(2, files_per_chain=1)
    assert obstacles(settings, job) == [NO_WORKERS]

    announce(workspace, "control", "io", "ai")
    assert roles_missed(settings, job.id) == ["cpu"]

    announce(workspace, "cpu.testhost", "cpu")
    assert obstacles(settings, job) == []

    workspace.board.withdraw("control@testhost")
    ids = [row["_id"] for row in parcels.pending(job.id, limit=2)]
    parcels.reserve(job.id, ids[:1], queue=settings.queues.of("ai"))
    assert roles_missed(settings, job.id) == ["io"]


def test_what_waits_for_a_model_misses_the_worker_that_asks_it(workspace: Workspace, settings: Settings):
    job = new_batch(1, items={"step": Step.SUMMARIZE.value})
    announce(workspace, "control", "io")

    assert roles_missed(settings, job.id) == ["ai"]


def test_a_root_that_nobody_reaches_is_named(workspace: Workspace, settings: Settings):
    job = new_batch(1)
    batches.add_items([new_item(job.id, 1, root="kits")])
    announce(workspace, "control", "io", "ai")
    announce(workspace, "cpu.testhost", "cpu")
    assert obstacles(settings, job) == []

    workspace.board.lack("testhost", "/library")

    assert [sentence.partition(":")[0] for sentence in obstacles(settings, job)] == [
        "nobody reaches the folder /library"
    ]


def test_what_a_worker_complains_of_is_told(workspace: Workspace, settings: Settings):
    job = new_batch(1)
    announce(workspace, "control", "io", "ai")
    announce(workspace, "cpu.testhost", "cpu")
    workspace.board.complain("testhost", "the decoder does not start")

    assert obstacles(settings, job) == ["testhost says: the decoder does not start"]


def test_redis_that_is_away_is_told(workspace: Workspace, settings: Settings, tmp_path: Path):  # noqa: ARG001 -- the record
    job = new_batch(1)
    away = settings.model_copy(update={"redis_url": SecretStr(f"unix://{tmp_path}/nowhere.sock")})

    assert [sentence.partition(":")[0] for sentence in obstacles(away, job)] == ["Redis does not answer"]


def test_probes_of_stores_that_are_well_are_silent_and_leave_nothing(workspace: Workspace, settings: Settings):
    assert settings.redis_url is not None
    assert settings.mongodb_url is not None
    assert settings.chroma_url is not None

    probes.redis(settings.redis_url.get_secret_value(), settings.database)
    probes.mongodb(settings.mongodb_url.get_secret_value(), settings.database)
    probes.chroma(settings.chroma_url.get_secret_value(), settings.database, version=1)

    async def _left() -> int:
        return await mongo.database()["probes"].count_documents({})

    assert mongo.run(_left()) == 0
    assert [name for name in workspace.vectors.chroma.collections() if name.startswith(settings.database)] == []


def test_a_store_that_is_away_is_named(tmp_path: Path):
    with pytest.raises(ServiceUnavailableError, match="Redis cannot be used"):
        probes.redis(f"unix://{tmp_path}/nowhere.sock", "kits")
    with pytest.raises(ServiceUnavailableError, match="MongoDB cannot be used"):
        probes.mongodb("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100", "kits")
    with pytest.raises(ServiceUnavailableError, match="Chroma does not answer"):
        probes.chroma("http://127.0.0.1:9", "kits", version=1)


@pytest.fixture
def damaged(tmp_path: Path) -> Iterator[Settings]:
    """Private services whose Chroma answers but has lost the file of its index."""
    own = Settings(home=tmp_path / "home", redis_url=None, mongodb_url=None, chroma_url=None, _env_file=None)
    settings = ensure_running(own, workers=False)
    workspace = Workspace(settings)
    workspace.connect(create_indexes=True)
    vectors = workspace.vectors
    for start in range(0, 1500, 500):  # it is written to files after a thousand
        vectors.upsert({f"{number:064x}": [1.0, number / 1500] for number in range(start, start + 500)})
    workspace.close()
    mongo.close()
    stop(own)
    data = tmp_path / "home" / "data" / "chroma"
    for file in data.glob("*/data_level0.bin"):
        file.unlink()
    ensure_running(own, workers=False)
    running = connected(own)
    assert running is not None
    yield running
    mongo.close()
    stop(own)
    shutil.rmtree(tmp_path / "home", ignore_errors=True)


def test_an_index_that_lost_a_file_is_told_though_chroma_answers(damaged: Settings):
    mongo.connect(damaged.mongodb_url.get_secret_value() if damaged.mongodb_url else "", database=damaged.database)
    job = new_batch(1)
    workspace = Workspace(damaged)
    announce(workspace, "control", "io", "ai", host=damaged.host)
    announce(workspace, f"cpu.{damaged.host}", "cpu", host=damaged.host)
    workspace.close()

    (sentence,) = obstacles(damaged, job)

    assert sentence.startswith("Chroma fails: ")
    own = damaged.model_copy(update={"redis_url": None, "mongodb_url": None, "chroma_url": None})
    states = {check.name: check.state for check in diagnose(own)}
    assert (states["chroma"], states["valkey"], states["mongod"]) == ("fail", "ok", "ok")
