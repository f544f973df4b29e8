"""The dispatcher on real stores; the parcels that it publishes are collected in a list."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from urllib.parse import quote

import pytest
import redis as redis_py
from redis import Redis

from config.settings import Settings
from samplemind_worker.documents.batch import BatchJob, State, Step
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import batches, ledger, parcels
from samplemind_worker.store.cache import WorkerSign
from samplemind_worker.submission.dispatch import dispatch, refill
from tests.factories import let_pass_since_deaths, new_batch, new_item

pytestmark = pytest.mark.services

Published = list[tuple[str, Step]]
TRY = "task.0"


@pytest.fixture
def redis(settings: Settings) -> Redis:
    assert settings.redis_url is not None
    return redis_py.Redis.from_url(settings.redis_url.get_secret_value())


def small(settings: Settings, **values: object) -> Settings:
    return settings.model_copy(update={"requeue_seconds": 0.2, **values})


def run(workspace: Workspace, settings: Settings, *, act: Callable[..., object] = dispatch) -> tuple[Published, object]:
    published: Published = []
    did = act(settings, workspace.board, lambda parcel, step, _: published.append((parcel, step)))
    return published, did


def batch_of(parcel: str) -> str:
    (job,) = {
        item.batch_id for job in batches.recent(10) for item in batches.iterate(job.id) if str(item.parcel_id) == parcel
    }
    return job


def announce(workspace: Workspace, *kinds: str, slots: int, name: str = "cpu-1@testhost") -> None:
    queues = tuple(map(workspace.settings.queues.of, kinds))
    workspace.board.announce(WorkerSign(name, "testhost", queues, slots))


def end(parcel: str) -> None:
    """Complete a parcel, whatever step it waits for."""
    ids = [item.id for item in ledger.claim(parcel, Step.DECODE, token=TRY, worker="w", lease=60.0)]
    ledger.complete(parcel, token=TRY, ids=ids)


def states(batch_id: str) -> list[State]:
    return [item.state for item in sorted(batches.iterate(batch_id), key=lambda item: item.id)]


def test_dispatch_fills_the_window_of_the_workers_that_are_there(workspace: Workspace, settings: Settings):
    new_batch(50, files_per_chain=1)
    announce(workspace, "cpu.testhost", "cpu", slots=4)
    announce(workspace, "io", "control", "ai", slots=16, name="io-1@testhost")

    published, _ = run(workspace, settings)

    assert len(published) == 4 * settings.window_per_slot
    assert {step for _, step in published} == {Step.DECODE}
    assert run(workspace, settings)[0] == []


def test_dispatch_without_a_worker_queues_a_little_for_the_first_to_come(workspace: Workspace, settings: Settings):
    new_batch(50, files_per_chain=1)

    published, _ = run(workspace, settings)

    assert len(published) == 2 * settings.window_per_slot


def test_dispatch_queues_as_many_as_have_left(workspace: Workspace, settings: Settings):
    new_batch(50, files_per_chain=1)
    published, _ = run(workspace, settings)
    for parcel, _ in published[:4]:
        end(parcel)

    assert len(run(workspace, settings, act=refill)[0]) == 4


def test_a_parcel_that_has_left_the_cpu_makes_room(workspace: Workspace, settings: Settings):
    new_batch(50, files_per_chain=1)
    (parcel, _), *_ = run(workspace, settings)[0]
    ids = [item.id for item in ledger.claim(parcel, Step.DECODE, token=TRY, worker="w", lease=60.0)]
    ledger.advance(parcel, token=TRY, to={Step.SUMMARIZE: ids}, queues=workspace.queues())

    assert len(run(workspace, settings, act=refill)[0]) == 1


def test_what_is_past_the_cpu_takes_no_room_of_the_window(workspace: Workspace, settings: Settings):
    new_batch(20, items={"step": Step.STORE.value, "alone": True})
    new_batch(50, files_per_chain=1)

    published, _ = run(workspace, settings)

    # Two open batches are served in rotation until the cpu workers have enough.
    window = 2 * settings.window_per_slot
    assert [step for _, step in published].count(Step.DECODE) == window
    assert [step for _, step in published].count(Step.STORE) in (window - 1, window)


def test_all_that_is_past_the_cpu_is_queued_at_once(workspace: Workspace, settings: Settings):
    new_batch(20, items={"step": Step.STORE.value, "alone": True})

    assert [step for _, step in run(workspace, settings)[0]] == [Step.STORE] * 20


def test_parcels_carry_no_more_files_than_the_batch_allows(workspace: Workspace, settings: Settings):
    job = new_batch(20, files_per_chain=7)

    published, _ = run(workspace, settings)

    sizes = [sum(str(item.parcel_id) == parcel for item in batches.iterate(job.id)) for parcel, _ in published]
    assert sizes == [7, 7, 6]


def test_parcels_follow_the_order_of_the_files(workspace: Workspace, settings: Settings):
    job = new_batch(6, files_per_chain=2)

    published, _ = run(workspace, settings)

    items = sorted(batches.iterate(job.id), key=lambda item: item.path)
    order = [parcel for parcel, _ in published]
    assert [order.index(str(item.parcel_id)) for item in items] == [0, 0, 1, 1, 2, 2]


def test_open_batches_take_turns(workspace: Workspace, settings: Settings):
    first, second, third = (new_batch(30, files_per_chain=1) for _ in range(3))

    published, _ = run(workspace, settings)

    turns = [batch_of(parcel) for parcel, _ in published]
    assert sorted(turns[:3]) == sorted([first.id, second.id, third.id])
    assert turns[3:6] == turns[:3]


def test_turns_go_on_where_the_last_dispatch_ended(workspace: Workspace, settings: Settings):
    jobs = [new_batch(30, files_per_chain=1) for _ in range(3)]
    one_at_a_time = settings.model_copy(update={"window_per_slot": 1})
    announce(workspace, "cpu", slots=1)  # two slots are assumed at least
    turns: list[str] = []
    for _ in range(3):
        published, _ = run(workspace, one_at_a_time)
        turns += [batch_of(parcel) for parcel, _ in published]
        for parcel, _ in published:
            end(parcel)
        time.sleep(0.01)

    assert sorted(turns) == sorted([job.id for job in jobs] * 2)


def test_interactive_batches_go_first(workspace: Workspace, settings: Settings):
    bulk = new_batch(30, files_per_chain=1, priority="bulk")
    person = new_batch(4, files_per_chain=1, priority="interactive")

    published, _ = run(workspace, settings)

    assert [batch_of(parcel) for parcel, _ in published] == [person.id] * 4 + [bulk.id] * 2


def test_a_large_ingest_does_not_starve_a_person_who_comes_later(workspace: Workspace, settings: Settings):
    new_batch(100, files_per_chain=1, priority="bulk")
    published, _ = run(workspace, settings)
    person = new_batch(2, files_per_chain=1)
    for parcel, _ in published[:2]:
        end(parcel)

    published, _ = run(workspace, settings)

    assert [batch_of(parcel) for parcel, _ in published] == [person.id] * 2


def test_a_cancelled_batch_dispatches_nothing(workspace: Workspace, settings: Settings):
    job = new_batch(10)
    batches.cancel(job.id)

    assert run(workspace, settings)[0] == []
    assert states(job.id) == [State.CANCELLED] * 10


def test_a_batch_that_is_being_recorded_dispatches_nothing(workspace: Workspace, settings: Settings):
    job = batches.create(name="kit", paths=["/a"], priority="bulk", files_per_chain=8, ai=True, force=False)
    batches.add_items([new_item(job.id)])

    assert run(workspace, settings)[0] == []


def test_dispatch_by_many_at_once_keeps_every_file_in_one_parcel(workspace: Workspace, settings: Settings):
    job = new_batch(40, files_per_chain=3)
    found: list[Published] = []
    start = threading.Barrier(4)

    def act() -> None:
        start.wait()
        found.append(run(workspace, settings)[0])

    threads = [threading.Thread(target=act) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    parcels = [parcel for published in found for parcel, _ in published]
    assert len(parcels) == len(set(parcels))
    assert {str(item.parcel_id) for item in batches.iterate(job.id, state=State.QUEUED)} == set(parcels)
    assert {item.attempt for item in batches.iterate(job.id, state=State.QUEUED)} == {1}


def test_dispatch_closes_batches_that_are_done(workspace: Workspace, settings: Settings):
    job = new_batch(2)
    ((parcel, _),) = run(workspace, settings)[0]
    end(parcel)

    run(workspace, settings)

    assert batches.find(job.id).status == "completed"


def test_dispatch_takes_back_what_a_dead_worker_held(workspace: Workspace, settings: Settings):
    job = new_batch(3)
    ((parcel, _),) = run(workspace, settings)[0]
    ledger.claim(parcel, Step.DECODE, token=TRY, worker="w", lease=0.01)
    time.sleep(0.05)

    published, did = run(workspace, settings)

    assert did.taken_back == 3
    assert len(published) == 3  # each alone: the one that kills is found at once
    assert states(job.id) == [State.QUEUED] * 3


def test_a_patient_dispatch_takes_nothing_back(workspace: Workspace, settings: Settings):
    job = new_batch(3)
    ((parcel, _),) = run(workspace, settings)[0]
    ledger.claim(parcel, Step.DECODE, token=TRY, worker="w", lease=0.01)
    time.sleep(0.05)

    published, did = run(workspace, settings, act=partial(dispatch, keep_expired=True))

    assert (did.taken_back, published, states(job.id)) == (0, [], [State.RUNNING] * 3)


def test_a_file_that_kills_every_worker_fails_and_the_batch_closes(workspace: Workspace, settings: Settings):
    job = new_batch(2)
    for _ in range(settings.max_starts + 1):  # once it is found dead, and waits
        let_pass_since_deaths(parcels.QUIET)
        published, _ = run(workspace, settings)
        for parcel, _ in published:
            items = ledger.claim(parcel, Step.DECODE, token=TRY, worker="w", lease=0.01)
            if len(items) == 1 and items[0].path == b"0001.wav":
                ledger.complete(parcel, token=TRY, ids=[items[0].id])
        time.sleep(0.05)
    run(workspace, settings)

    report = batches.report(batches.find(job.id))
    assert (report["status"], report["completed"], report["failed"]) == ("completed", 1, 1)
    assert report["errors"] == {"worker_crashed": 1}


def test_what_is_near_a_file_that_takes_its_worker_down_is_not_condemned_with_it(
    workspace: Workspace, settings: Settings
):
    job = new_batch(12)
    announce(workspace, "cpu.testhost", "cpu", slots=4)
    for _ in range(60):
        if batches.find(job.id).status == "completed":
            break
        let_pass_since_deaths(parcels.QUIET)
        # All parcels in flight run at the same time; one of the files kills the worker, which interrupts the rest.
        running = [
            (parcel, ledger.claim(parcel, Step.DECODE, token=TRY, worker="w", lease=0.01))
            for parcel, _ in run(workspace, settings)[0]
        ]
        if not any(item.path == b"0003.wav" for _, items in running for item in items):
            for parcel, items in running:
                ledger.complete(parcel, token=TRY, ids=[item.id for item in items])
        time.sleep(0.03)

    report = batches.report(batches.find(job.id))
    assert (report["completed"], report["failed"], report["errors"]) == (11, 1, {"worker_crashed": 1})


def test_a_queue_that_forgot_everything_is_filled_again(workspace: Workspace, settings: Settings, redis: Redis):
    job = new_batch(3, files_per_chain=1)
    patient = small(settings, requeue_seconds=3600.0)
    announce(workspace, "cpu.testhost", "cpu", slots=1)
    first, _ = run(workspace, patient)
    redis.flushall()
    announce(workspace, "cpu.testhost", "cpu", slots=1)

    assert run(workspace, patient)[0] == []
    time.sleep(0.3)
    again, did = run(workspace, small(settings))

    assert did.requeued == 3
    assert len(again) == 3
    assert {parcel for parcel, _ in again} & {parcel for parcel, _ in first} == set()
    items = list(batches.iterate(job.id))
    assert [(item.starts, item.attempt, item.alone) for item in items] == [(0, 2, False)] * 3


def test_what_waits_in_a_queue_is_left_there(workspace: Workspace, settings: Settings, redis: Redis):
    new_batch(3, files_per_chain=1)
    patient = small(settings)
    announce(workspace, "cpu.testhost", "cpu", slots=1)
    published, _ = run(workspace, patient)
    redis.rpush(settings.queues.of("cpu"), *(parcel for parcel, _ in published))
    time.sleep(0.3)

    again, did = run(workspace, patient)

    assert (again, did.requeued) == ([], 0)


def test_a_message_that_was_overtaken_is_queued_again(workspace: Workspace, settings: Settings, redis: Redis):
    job = new_batch(2, files_per_chain=1)
    patient = small(settings, window_per_slot=1)
    announce(workspace, "cpu.testhost", "cpu", slots=2)
    (lost, _), _ = run(workspace, patient)[0]
    redis.rpush(settings.queues.of("cpu"), "something else")
    time.sleep(0.3)
    # A third file is queued later and taken: messages that were queued before it and still wait are lost.
    batches.add_items([new_item(job.id, 2)])
    later, _ = parcels.reserve(
        job.id, [row["_id"] for row in parcels.pending(job.id, limit=1)], queue=settings.queues.of("cpu")
    )
    ledger.claim(later, Step.DECODE, token=TRY, worker="w", lease=60.0)
    time.sleep(0.1)

    did = run(workspace, patient)[1]

    assert did.requeued == 2
    assert [str(item.parcel_id) for item in batches.iterate(job.id) if str(item.parcel_id) == lost] == []


def test_the_queue_of_a_host_that_vanished_is_taken_back(workspace: Workspace, settings: Settings, redis: Redis):
    job = new_batch(2)
    patient = small(settings)
    ((parcel, _),) = run(workspace, patient)[0]
    ids = [item.id for item in ledger.claim(parcel, Step.DECODE, token=TRY, worker="w", lease=60.0)]
    gone = settings.queues.of("cpu.gone")
    ledger.advance(parcel, token=TRY, to={Step.FEATURES: ids}, queues={Step.FEATURES: gone})
    redis.rpush(gone, "its message")
    announce(workspace, "cpu.testhost", "cpu", slots=1)
    time.sleep(0.3)

    published, did = run(workspace, patient)

    assert did.requeued == 2
    assert [step for _, step in published] == [Step.DECODE]
    assert [item.step for item in batches.iterate(job.id)] == [Step.DECODE] * 2


def test_the_queue_of_a_host_that_lives_is_left_alone(workspace: Workspace, settings: Settings, redis: Redis):
    new_batch(2)
    patient = small(settings)
    ((parcel, _),) = run(workspace, patient)[0]
    ids = [item.id for item in ledger.claim(parcel, Step.DECODE, token=TRY, worker="w", lease=60.0)]
    ledger.advance(parcel, token=TRY, to={Step.FEATURES: ids}, queues=workspace.queues())
    redis.rpush(settings.queues.own, "its message")
    announce(workspace, "cpu.testhost", "cpu", slots=1)
    time.sleep(0.3)

    assert run(workspace, patient)[1].requeued == 0


def roots_of(settings: Settings, workspace: Workspace, job: BatchJob) -> dict[str, set[str | None]]:
    """Dispatch, and return the queues that the files of each root of a batch wait in."""
    run(workspace, settings)
    found: dict[str, set[str | None]] = {}
    for item in batches.iterate(job.id):
        found.setdefault(item.root, set()).add(item.queue)
    return found


def test_files_of_a_named_root_go_to_those_who_reach_it(workspace: Workspace, settings: Settings):
    job = new_batch(4, files_per_chain=1)
    batches.add_items([new_item(job.id, number, root=root) for number in (1, 2) for root in ("kits", "loops")])
    announce(workspace, "cpu.a", "cpu", "cpu@kits", slots=4, name="cpu-1@a")
    announce(workspace, "cpu.b", "cpu", slots=4, name="cpu-1@b")

    of = settings.queues.of
    assert roots_of(settings, workspace, job) == {"/library": {of("cpu")}, "kits": {of("cpu@kits")}, "loops": {None}}

    announce(workspace, "cpu.b", "cpu", "cpu@loops", slots=4, name="cpu-1@b")
    assert roots_of(settings, workspace, job)["loops"] == {of("cpu@loops")}


def test_a_parcel_holds_files_of_one_root(workspace: Workspace, settings: Settings):
    job = new_batch(0)
    batches.add_items([new_item(job.id, number, root=f"/{number % 2}") for number in range(6)])

    run(workspace, settings)

    roots: dict[str, set[str]] = {}
    for item in batches.iterate(job.id):
        roots.setdefault(str(item.parcel_id), set()).add(item.root)
    assert [len(found) for found in roots.values()] == [1] * len(roots)


def test_a_path_that_a_host_lacks_goes_to_those_who_reach_it(workspace: Workspace, settings: Settings):
    job = new_batch(3, files_per_chain=1)
    announce(workspace, "cpu.testhost", "cpu", slots=4)
    workspace.board.lack("testhost", "/library")
    # There is no other worker.
    assert roots_of(settings, workspace, job) == {"/library": {None}}

    own = f"cpu@{quote('/library', safe='')}"
    workspace.board.announce(WorkerSign("cpu-1@b", "b", tuple(map(settings.queues.of, ("cpu", own))), 4))
    assert roots_of(settings, workspace, job) == {"/library": {settings.queues.of(own)}}

    workspace.board.reach("testhost", "/library")
    assert workspace.board.lacks() == set()


def test_what_is_analysed_goes_on_while_nobody_reaches_its_root(workspace: Workspace, settings: Settings):
    job = new_batch(2, files_per_chain=1)
    batches.add_items([new_item(job.id, 9, step=Step.STORE.value)])
    announce(workspace, "cpu.testhost", "cpu", slots=4)
    workspace.board.lack("testhost", "/library")

    assert [step for _, step in run(workspace, settings)[0]] == [Step.STORE]


def test_the_queue_of_a_root_that_nobody_reaches_is_taken_back(workspace: Workspace, settings: Settings, redis: Redis):
    job = new_batch(0)
    batches.add_items([new_item(job.id, 1, root="kits")])
    queue = settings.queues.of_root("kits")
    # For the first to come, as no worker is there.
    assert roots_of(small(settings), workspace, job) == {"kits": {queue}}
    redis.rpush(queue, "its message")
    time.sleep(0.3)
    assert run(workspace, small(settings))[1].requeued == 0

    announce(workspace, "cpu.testhost", "cpu", slots=4)

    assert run(workspace, small(settings))[1].requeued == 1
    assert roots_of(small(settings), workspace, job) == {"kits": {None}}


def test_the_files_of_one_root_leave_room_for_those_of_others(workspace: Workspace, settings: Settings):
    job = new_batch(0, files_per_chain=1)
    batches.add_items([new_item(job.id, number, root=root) for root in ("kits", "loops") for number in range(60)])
    announce(workspace, "cpu.a", "cpu", "cpu@kits", slots=2, name="cpu-1@a")
    announce(workspace, "cpu.b", "cpu", "cpu@loops", slots=4, name="cpu-1@b")

    run(workspace, settings)

    queued = Counter(item.root for item in batches.iterate(job.id, state=State.QUEUED))
    assert queued == {"kits": 2 * settings.window_per_slot, "loops": 4 * settings.window_per_slot}


def test_workers_from_before_the_prefix_get_work_while_there_are_no_others(
    workspace: Workspace, settings: Settings, redis: Redis
):
    queues: list[str] = []
    new_batch(1)
    # The announcement of a worker of such a version.
    redis.set("samplemind:worker:cpu-1@testhost", b'{"host":"testhost","queues":["cpu.testhost","cpu"],"slots":2}')
    dispatch(settings, workspace.board, lambda *parcel: queues.append(parcel[2]))

    new_batch(1)
    announce(workspace, "cpu.testhost", "cpu", slots=1)
    dispatch(settings, workspace.board, lambda *parcel: queues.append(parcel[2]))

    assert queues == ["cpu", f"{settings.database}:cpu"]


def test_a_message_in_an_old_queue_that_was_lost_is_queued_again(workspace: Workspace, settings: Settings):
    job = new_batch(1)
    parcels.reserve(job.id, [row["_id"] for row in parcels.pending(job.id, limit=1)], queue="cpu")
    time.sleep(0.3)

    assert run(workspace, small(settings))[1].requeued == 1
    assert [item.queue for item in batches.iterate(job.id)] == [settings.queues.of("cpu")]


def test_two_deployments_in_one_redis_do_not_take_each_others_turn(workspace: Workspace, settings: Settings):
    other = Workspace(settings.model_copy(update={"database": "other"}))
    announce(other, "cpu", slots=64)
    new_batch(50, files_per_chain=1)

    assert [one.board.take_turn(60.0) for one in (workspace, other)] == [True, True]
    # The other's workers do not count.
    assert len(run(workspace, settings)[0]) == 2 * settings.window_per_slot
    other.close()


def test_what_waits_after_the_checkpoint_begins_there_again(workspace: Workspace, settings: Settings):
    new_batch(2)
    patient = small(settings)
    ((parcel, _),) = run(workspace, patient)[0]
    ids = [item.id for item in ledger.claim(parcel, Step.DECODE, token=TRY, worker="w", lease=60.0)]
    ledger.advance(parcel, token=TRY, to={Step.SUMMARIZE: ids}, queues=workspace.queues())
    time.sleep(0.3)

    published, _ = run(workspace, patient)

    assert [step for _, step in published] == [Step.SUMMARIZE]
