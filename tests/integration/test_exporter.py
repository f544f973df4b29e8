"""What the exporter says of the stores is what the record holds, and it answers whatever is down."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from bson import ObjectId
from pydantic import SecretStr

from samplemind_worker.documents.batch import BatchItem, BatchJob, Step
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import EmptyFileError
from samplemind_worker.exporter.record import Record
from samplemind_worker.exporter.services import Index, Queues
from samplemind_worker.exporter.snapshot import Snapshots
from samplemind_worker.local_services.services import setting_env
from samplemind_worker.metrics.endpoint import Sample
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import batches, ledger, mongo, parcels, pausing, results, spend
from samplemind_worker.store.cache import WorkerSign
from samplemind_worker.store.spend import Call, Caps
from tests.factories import analysis_facts, audio_facts, content_id, new_batch
from tests.scrape import free_ports, scrape

pytestmark = pytest.mark.services


def values(samples: Iterator[Sample] | list[Sample]) -> dict[str, float]:
    """The values by name and label; no metric of the exporter has more than one."""
    found: dict[str, float] = {}
    for metric, labels, value in samples:
        assert tuple(labels) == metric.labels
        key = " ".join([metric.name.removeprefix("samplemind_"), *labels.values()])
        assert key not in found
        found[key] = value
    return found


def work_on(batch: str, count: int) -> tuple[str, list[ObjectId]]:
    ids = [row["_id"] for row in parcels.pending(batch, limit=count)]
    parcel, _ = parcels.reserve(batch, ids, queue="cpu")
    ledger.claim(parcel, Step.DECODE, token="a.0", worker="w", lease=60.0)  # noqa: S106 -- a claim
    return parcel, ids


def test_states_are_those_of_all_batches_also_after_a_retry(workspace: Workspace):
    record = Record(workspace.settings)
    new_batch(5)
    ended = new_batch(2)
    parcel, ids = work_on(ended.id, 2)
    ledger.complete(parcel, token="a.0", ids=ids[:1])  # noqa: S106 -- a claim
    ledger.fail(parcel, token="a.0", errors={ids[1]: EmptyFileError("no bytes")})  # noqa: S106 -- a claim
    assert batches.close_if_done(ended.id)
    running = new_batch(7)
    work_on(running.id, 3)

    found = values(record.read())
    assert {key: value for key, value in found.items() if key.startswith("items ") and value} == {
        "items pending": 9.0, "items running": 3.0, "items completed": 1.0, "items failed": 1.0,
    }  # fmt: skip
    assert (found["failed_items empty"], found["failed_items internal"]) == (1.0, 0.0)
    assert (found["batches completed"], found["batches processing"], found["batches pending"]) == (1.0, 1.0, 1.0)
    assert (found["items_in_progress cpu"], found["parcels_in_flight cpu"]) == (12.0, 1.0)
    assert found["oldest_waiting_item_age_seconds queued"] == 0.0

    batches.retry(ended.id)
    found = values(record.read())
    assert (found["items failed"], found["failed_items empty"], found["items pending"]) == (0.0, 0.0, 10.0)
    assert (found["batches completed"], found["batches processing"]) == (0.0, 2.0)

    batches.cancel(ended.id)
    assert values(record.read())["items cancelled"] == 1.0


def test_the_oldest_item_that_waits_is_as_old_as_its_record_or_its_message(workspace: Workspace):
    job = new_batch(2)
    parcels.reserve(job.id, [row["_id"] for row in parcels.pending(job.id, limit=1)], queue="cpu")

    async def make_older() -> None:
        hour = timedelta(hours=1) // timedelta(milliseconds=1)
        change = [{"$set": {"queued_at": {"$subtract": ["$queued_at", hour]}}}]
        await BatchItem.get_pymongo_collection().update_many({"queued_at": {"$exists": True}}, change)

    mongo.run(make_older())
    found = values(Record(workspace.settings).read())

    assert 3600 <= found["oldest_waiting_item_age_seconds queued"] < 3700
    assert 0 <= found["oldest_waiting_item_age_seconds pending"] < 100


def test_files_count_where_workers_are_wanted_for_them(workspace: Workspace):
    queues, token = workspace.settings.queues, "a.0"
    job = new_batch(3)
    steps = {Step.SUMMARIZE: queues.of("io"), Step.STORE: queues.of("io")}
    for step, queue in [(Step.SUMMARIZE, queues.of("ai")), *steps.items()]:
        parcel, ids = work_on(job.id, 1)
        ledger.advance(parcel, token=token, to={step: ids}, queues={step: queue})
    filling_in = new_batch(5, items={"step": Step.SUMMARIZE.value})
    paused = new_batch(7)
    pausing.pause(paused.id)

    found = values(Record(workspace.settings).read())

    in_progress = {kind: found[f"items_in_progress {kind}"] for kind in ("cpu", "io", "ai")}
    assert in_progress == {"cpu": 0.0, "io": 2.0, "ai": 6.0}
    assert {kind: found[f"parcels_in_flight {kind}"] for kind in in_progress} == {"cpu": 0.0, "io": 2.0, "ai": 1.0}
    # It is neither lost nor late.
    assert found["items pending"] == 12.0
    set_job(filling_in.id, status="cancelled")
    assert values(Record(workspace.settings).read())["oldest_waiting_item_age_seconds pending"] == 0.0
    pausing.resume(paused.id)
    assert values(Record(workspace.settings).read())["items_in_progress cpu"] == 7.0


def test_files_that_were_given_back_count_where_they_go_on(workspace: Workspace):
    queues, token = workspace.settings.queues, "a.0"
    job = new_batch(9)
    for step, queue, count in ((Step.SUMMARIZE, "ai", 2), (Step.STORE, "io", 3), (Step.FEATURES, "cpu.here", 1)):
        parcel, ids = work_on(job.id, count)
        ledger.advance(parcel, token=token, to={step: ids}, queues={step: queues.of(queue)})
        ledger.claim(parcel, step, token="b.0", worker="leaving", lease=60.0)  # noqa: S106 -- a claim
    parcels.give_back("leaving")

    found = values(Record(workspace.settings).read())
    assert found["items pending"] == 9.0
    assert [found[f"items_in_progress {kind}"] for kind in ("cpu", "ai", "io")] == [4.0, 2.0, 3.0]

    pausing.pause(job.id)
    found = values(Record(workspace.settings).read())
    assert [found[f"items_in_progress {kind}"] for kind in ("cpu", "ai", "io")] == [0.0, 0.0, 0.0]


def set_job(batch: str, **changed: str) -> None:
    mongo.run(BatchJob.get_pymongo_collection().update_one({"_id": batch}, {"$set": changed}))


def test_money_is_that_of_the_ledger(workspace: Workspace):
    spend.reserve(Call("batch", "gemini", "model", "batch", 1, 1_500_000), Caps())
    settings = workspace.settings.model_copy(update={"ai_budget_day_usd": 2})

    found = values(Record(settings).read())

    assert (found["ai_spent_usd day"], found["ai_spent_usd month"]) == (1.5, 1.5)
    assert (found["ai_budget_usd day"], found["ai_budget_usd month"]) == (2.0, 50.0)


def test_queues_have_a_bounded_number_of_labels_and_no_name_of_a_folder(workspace: Workspace):
    names = workspace.settings.queues
    for host in ("one", "two"):
        own = names.of(f"cpu.{host}")
        queues = (own, names.of("cpu"), names.of_root("/secret/folder"))
        workspace.board.announce(WorkerSign(f"cpu-1@{host}", host, queues, 4))
    workspace.board.announce(WorkerSign("io-1@one", "one", (names.of("io"), names.of("control"), names.of("ai")), 8))
    workspace.board.lack("one", "/secret/folder")

    queues = Queues(workspace.settings)
    found = values(queues.read())

    assert {key for key in found if key.startswith("queue_messages")} == {
        f"queue_messages {name}" for name in ("cpu", "cpu_host", "cpu_root", "io", "ai", "control")
    }
    assert (found["workers cpu"], found["worker_slots cpu"], found["workers io"]) == (2.0, 8.0, 1.0)
    assert found["roots_not_reached"] == 1.0
    assert "secret" not in str(found)


@pytest.mark.usefixtures("chroma")
def test_in_progress_is_shared_out_among_the_workers(workspace: Workspace):
    new_batch(30)
    snapshots = Snapshots(workspace.settings)
    assert values(snapshots.get())["items_in_progress_per_worker cpu"] == 30.0
    snapshots.close()
    for host in ("one", "two", "three"):
        workspace.board.announce(WorkerSign(f"cpu-1@{host}", host, (workspace.settings.queues.of("cpu"),), 4))
    snapshots = Snapshots(workspace.settings)

    found = values(snapshots.get())

    snapshots.close()
    assert found["items_in_progress_per_worker cpu"] == 10.0
    assert (found["up mongodb"], found["up redis"], found["up chroma"]) == (1, 1, 1)
    assert (found["vectors record"], found["vectors chroma"], found["vectors_missing"]) == (0, 0, 0)


@pytest.mark.usefixtures("chroma")
@pytest.mark.parametrize("down", ["mongodb", "redis", "chroma"])
def test_a_service_that_is_down_is_said_to_be_and_what_it_knows_is_left_out(
    workspace: Workspace, down: str, tmp_path: Path
):
    nowhere = {
        "mongodb": {"mongodb_url": SecretStr(f"mongodb://{quote(f'{tmp_path}/none.sock', safe='')}")},
        "redis": {"redis_url": SecretStr(f"unix://{tmp_path}/none.sock")},
        "chroma": {"chroma_url": SecretStr("http://127.0.0.1:9")},
    }
    knows = {"mongodb": "items failed", "redis": "workers cpu", "chroma": "vectors chroma"}
    if down == "mongodb":
        mongo.close()  # this process has one connection
    snapshots = Snapshots(workspace.settings.model_copy(update=nowhere[down]))

    found = values(snapshots.get())

    snapshots.close()
    assert {key.partition(" ")[2] for key, value in found.items() if key.startswith("up ") and not value} == {down}
    assert knows[down] not in found
    assert [other for name, other in knows.items() if name not in {down, "chroma"} and other not in found] == []


@pytest.mark.usefixtures("chroma")
def test_a_second_request_at_once_gets_the_same_snapshot(workspace: Workspace):
    snapshots = Snapshots(workspace.settings)
    first = values(snapshots.get())
    new_batch(3)
    second = values(snapshots.get())

    snapshots.close()
    # It is not read again at once: the exporter rests for longer than it reads.
    assert second["items pending"] == first["items pending"] == 0.0
    assert second["exporter_snapshot_age_seconds"] > first["exporter_snapshot_age_seconds"]


@pytest.mark.usefixtures("chroma")
def test_a_vector_that_chroma_has_lost_is_missing(workspace: Workspace):
    content = content_id(1)
    results.save_analyses([(audio_facts(content), analysis_facts(content))])
    results.mark_stored([content], version=VERSIONS["store"])

    index = Index(workspace.settings)
    found = values(index.read())

    index.close()
    assert (found["vectors record"], found["vectors chroma"], found["vectors_missing"]) == (1.0, 0.0, 1.0)


def test_an_exporter_that_is_killed_while_it_is_asked_begins_anew(workspace: Workspace):
    new_batch(5)
    port = free_ports(1)
    environment = {**os.environ, **setting_env(workspace.settings)}

    def start() -> subprocess.Popen[str]:
        command = (sys.executable, "-m", "samplemind_worker.exporter", "--address", "127.0.0.1", "--port", str(port))
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        while "/metrics" not in process.stderr.readline():
            assert process.poll() is None
        return process

    first = start()
    with ThreadPoolExecutor(4) as pool:
        # It has their requests, and answers none of them.
        first.send_signal(signal.SIGSTOP)
        asked = [socket.create_connection(("127.0.0.1", port)) for _ in range(4)]
        for each in asked:
            each.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        first.kill()
        cut_off = list(pool.map(_answer, asked))
    first.communicate()
    second = start()
    found = scrape(port)
    second.terminate()
    second.communicate()

    assert cut_off == [b""] * 4
    assert found['samplemind_items{state="pending"}'] == 5.0
    assert found['samplemind_up{service="mongodb"}'] == 1.0
    assert second.returncode == 0


def _answer(connection: socket.socket) -> bytes:
    with connection, suppress(ConnectionResetError):
        return connection.recv(1)
    return b""
