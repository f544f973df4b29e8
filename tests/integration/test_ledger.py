"""Claims, leases and the taking back of items, in the real record."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest
from bson import ObjectId
from loguru import logger

from config.queues import IO, Queues
from samplemind_worker.documents.batch import BatchItem, State, Step
from samplemind_worker.errors import UnreadableError
from samplemind_worker.store import batches, ledger, parcels
from samplemind_worker.store.parcels import InFlight
from tests.factories import content_id, let_pass_since_deaths, new_batch, new_item

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("workspace")]

T = TypeVar("T")
QUEUES = {step: f"queue of {step.value}" for step in Step}
NAMES = Queues("samplemind", "here")


def queue_of(step: Step, _root: str) -> str:
    return QUEUES[step]


FIRST, SECOND = "task-a.0", "task-b.0"
NOBODY = "task-z.0"


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """The results of so many threads that call this at the same moment."""
    start = threading.Barrier(count)
    results: list[T] = []

    def run(number: int) -> None:
        start.wait()
        results.append(work(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def reserve(batch_id: str, limit: int = 1000, *, queue: str = "cpu") -> str:
    parcel, count = parcels.reserve(
        batch_id, [row["_id"] for row in parcels.pending(batch_id, limit=limit)], queue=queue
    )
    assert count > 0
    return parcel


def claim(
    parcel: str, step: Step = Step.DECODE, *, token: str = FIRST, previous: Sequence[str] = (), lease: float = 60.0
) -> list[ObjectId]:
    items = ledger.claim(parcel, step, token=token, previous=previous, worker="host:1:1", lease=lease)
    return [item.id for item in items]


def advance(parcel: str, ids: list[ObjectId], to: Step = Step.FEATURES, *, token: str = FIRST) -> int:
    return ledger.advance(parcel, token=token, to={to: ids}, queues=QUEUES).get(to, 0)


def items_of(batch_id: str) -> list[BatchItem]:
    return sorted(batches.iterate(batch_id), key=lambda item: item.id)


def states(batch_id: str) -> list[State]:
    return [item.state for item in items_of(batch_id)]


def starts(batch_id: str) -> list[int]:
    return [item.starts for item in items_of(batch_id)]


def test_pending_gives_the_next_items_in_path_order():
    job = new_batch(5)
    new_batch(2)

    assert [row["path"] for row in parcels.pending(job.id, limit=3)] == ["0000.wav", "0001.wav", "0002.wav"]


def test_reserve_makes_a_parcel_and_starts_the_batch():
    job = new_batch(2)

    parcel = reserve(job.id, queue="cpu")

    items = items_of(job.id)
    assert [(str(item.parcel_id), item.queue, item.state, item.attempt) for item in items] == [
        (parcel, "cpu", State.QUEUED, 1)
    ] * 2
    assert starts(job.id) == [0, 0]
    started = batches.find(job.id)
    assert started.status == "processing"
    assert started.started_at is not None
    assert started.dispatched_at is not None


def test_reserve_leaves_alone_what_is_no_longer_pending():
    job = new_batch(3)
    ids = [row["_id"] for row in parcels.pending(job.id, limit=3)]
    parcels.reserve(job.id, ids[:2], queue="cpu")

    _, count = parcels.reserve(job.id, ids, queue="cpu")
    _, none = parcels.reserve(job.id, ids, queue="cpu")

    assert (count, none) == (1, 0)


def test_reserve_by_many_dispatchers_at_once_never_gives_an_item_twice():
    job = new_batch(200)

    def dispatch(_: int) -> list[tuple[str, int]]:
        made: list[tuple[str, int]] = []
        while rows := parcels.pending(job.id, limit=7):
            made.append(parcels.reserve(job.id, [row["_id"] for row in rows], queue="cpu"))
        return made

    reserved = [parcel for made in at_once(4, dispatch) for parcel in made]

    assert sum(count for _, count in reserved) == 200
    assert [item.attempt for item in items_of(job.id)] == [1] * 200
    claimed = [len(claim(parcel)) for parcel, _ in reserved]
    assert claimed == [count for _, count in reserved]


def test_claim_gives_what_a_step_needs_to_know():
    job = new_batch()
    document = new_item(job.id, root="kits", path="caf\\xe9.wav", raw_path=b"caf\xe9.wav", size=77)
    batches.add_items([document, new_item(job.id, root="kits", path="é.wav", size=78)])
    parcel = reserve(job.id)

    items = ledger.claim(parcel, Step.DECODE, token=FIRST, worker="host:1:1", lease=60.0)

    assert [(item.batch_id, item.root, item.path, item.size, item.file_id) for item in items] == [
        (job.id, "kits", b"caf\xe9.wav", 77, None),
        (job.id, "kits", "é.wav".encode(), 78, None),
    ]
    assert items[0].id == document["_id"]


def test_claim_is_exclusive():
    job = new_batch(3)
    parcel = reserve(job.id)

    assert len(claim(parcel, token=FIRST)) == 3
    assert claim(parcel, token=SECOND) == []


def test_twenty_claims_at_once_give_each_item_to_exactly_one():
    job = new_batch(30)
    parcel = reserve(job.id)

    got = at_once(20, lambda number: len(claim(parcel, token=f"task-{number}.0")))

    claims = [item.claim for item in items_of(job.id)]
    assert sorted(got) == sorted(claims.count(f"task-{number}.0") for number in range(20))
    assert sum(got) == 30
    assert starts(job.id) == [1] * 30


def test_claim_of_the_same_message_delivered_a_hundred_times_has_one_effect():
    job = new_batch(2)
    parcel = reserve(job.id)

    got = [len(claim(parcel)) for _ in range(50)] + at_once(50, lambda _: len(claim(parcel)))

    assert got == [2] + [0] * 99
    assert starts(job.id) == [1, 1]


def test_claim_of_a_message_that_comes_again_after_the_step_finds_nothing():
    job = new_batch(2)
    parcel = reserve(job.id)
    advance(parcel, claim(parcel))

    assert claim(parcel) == []
    assert [(item.state, item.step) for item in items_of(job.id)] == [(State.QUEUED, Step.FEATURES)] * 2


def test_claim_of_an_earlier_dispatch_finds_nothing():
    job = new_batch(1)
    old = reserve(job.id)
    parcels.requeue([ObjectId(old)])
    new = reserve(job.id)

    assert claim(old) == []
    assert len(claim(new)) == 1


def test_claim_of_another_step_finds_nothing():
    job = new_batch(1)
    parcel = reserve(job.id)

    assert claim(parcel, Step.FEATURES) == []
    assert states(job.id) == [State.QUEUED]


def test_claim_of_an_unknown_parcel_finds_nothing():
    assert claim(str(ObjectId())) == []


def test_a_retry_takes_over_the_items_of_its_own_try_before():
    job = new_batch(2)
    parcel = reserve(job.id)
    ids = claim(parcel, token="task-a.0")  # noqa: S106 -- no secret

    assert claim(parcel, token="task-b.1", previous=["task-b.0"]) == []  # noqa: S106 -- no secret
    assert claim(parcel, token="task-a.3", previous=["task-a.0", "task-a.1", "task-a.2"]) == ids  # noqa: S106 -- no secret

    assert starts(job.id) == [1, 1]
    assert advance(parcel, ids, token="task-a.0") == 0  # noqa: S106 -- no secret
    assert advance(parcel, ids, token="task-a.3") == 2  # noqa: S106 -- no secret


def test_a_stale_token_writes_nothing():
    job = new_batch(1)
    parcel = reserve(job.id)
    ids = claim(parcel)
    before = items_of(job.id)

    ledger.identify(parcel, token=NOBODY, file_ids={ids[0]: content_id(1)})
    ledger.fail(parcel, token=NOBODY, errors={ids[0]: UnreadableError("no")})

    assert advance(parcel, ids, token=NOBODY) == 0
    assert ledger.complete(parcel, token=NOBODY, ids=ids) == 0
    assert ledger.skip(parcel, token=NOBODY, ids=ids, reason="known") == 0
    assert items_of(job.id) == before


def test_a_token_of_another_parcel_writes_nothing():
    job = new_batch(2)
    first, second = reserve(job.id, 1), reserve(job.id, 1)
    ids = claim(first)
    claim(second)

    assert ledger.complete(second, token=FIRST, ids=ids) == 0
    assert states(job.id) == [State.RUNNING, State.RUNNING]


def test_items_that_end_are_let_go():
    job = new_batch(4)
    parcel = reserve(job.id)
    ids = claim(parcel)

    ledger.identify(parcel, token=FIRST, file_ids={ids[0]: content_id(1)})
    assert ledger.complete(parcel, token=FIRST, ids=ids[:2]) == 2
    assert ledger.skip(parcel, token=FIRST, ids=ids[2:3], reason="known") == 1
    ledger.fail(parcel, token=FIRST, errors={ids[3]: UnreadableError("cannot be decoded")})

    items = items_of(job.id)
    assert states(job.id) == [State.COMPLETED, State.COMPLETED, State.SKIPPED, State.FAILED]
    held = {(item.parcel_id, item.queue, item.claim, item.worker, item.lease_until, item.queued_at) for item in items}
    assert held == {(None,) * 6}
    assert items[0].file_id == content_id(1)
    assert items[2].skip_reason == "known"
    assert items[3].error is not None
    assert items[3].error.model_dump() == {"code": "unreadable", "message": "cannot be decoded"}


def test_a_file_that_fails_is_named_in_the_log_with_its_batch():
    job = new_batch(1)
    parcel = reserve(job.id)
    ids = claim(parcel)
    said: list[dict[str, object]] = []
    sink = logger.add(lambda message: said.append(message.record["extra"]["fields"]), format="{message}")

    ledger.fail(parcel, token=NOBODY, errors={ids[0]: UnreadableError("of a claim that ended")})
    ledger.fail(parcel, token=FIRST, errors={ids[0]: UnreadableError("cannot be decoded")})
    logger.remove(sink)

    (item,) = items_of(job.id)
    which = {"batch": job.id, "root": item.root, "path": item.path, "item": str(item.id)}
    assert said == [{**which, "code": "unreadable", "message": "cannot be decoded"}]


def test_a_file_that_is_given_up_is_named_in_the_log_with_its_batch():
    job = new_batch(1)
    crash(job.id, times=2)
    claim(last_chance(), lease=0.0)
    said: list[dict[str, object]] = []
    sink = logger.add(lambda message: said.append(message.record["extra"]["fields"]), format="{message}")
    time.sleep(0.01)

    assert parcels.take_back_expired(max_starts=3) == 1
    logger.remove(sink)

    (item,) = items_of(job.id)
    assert [(one["batch"], one["path"], one["code"]) for one in said] == [(job.id, item.path, "worker_crashed")]


def test_advance_hands_items_to_the_queues_of_their_steps():
    job = new_batch(3)
    parcel = reserve(job.id)
    ids = claim(parcel)

    moved = ledger.advance(
        parcel, token=FIRST, to={Step.FEATURES: ids[:2], Step.SUMMARIZE: ids[2:], Step.STORE: []}, queues=QUEUES
    )

    assert moved == {Step.FEATURES: 2, Step.SUMMARIZE: 1}
    assert [(item.state, item.step, item.queue, item.claim, item.lease_until) for item in items_of(job.id)] == [
        (State.QUEUED, Step.FEATURES, "queue of features", None, None),
        (State.QUEUED, Step.FEATURES, "queue of features", None, None),
        (State.QUEUED, Step.SUMMARIZE, "queue of summarize", None, None),
    ]


def test_advance_records_the_content_of_each_item():
    job = new_batch(3)
    parcel = reserve(job.id)
    ids = claim(parcel)
    contents = {item: content_id(number) for number, item in enumerate(ids, 1)}
    to = {Step.SUMMARIZE: ids[:1], Step.FEATURES: ids[1:]}

    moved = ledger.advance(parcel, token=NOBODY, to=to, queues=QUEUES, file_ids=contents)
    assert moved == {Step.SUMMARIZE: 0, Step.FEATURES: 0}
    assert [item.file_id for item in items_of(job.id)] == [None, None, None]

    ledger.advance(parcel, token=FIRST, to=to, queues=QUEUES, file_ids=contents)
    assert [(item.step, item.file_id) for item in items_of(job.id)] == [
        (Step.SUMMARIZE, content_id(1)),
        (Step.FEATURES, content_id(2)),
        (Step.FEATURES, content_id(3)),
    ]


def test_a_start_is_counted_once_an_attempt():
    job = new_batch(1)
    parcel = reserve(job.id)
    for step, following in ((Step.DECODE, Step.FEATURES), (Step.FEATURES, Step.TEMPO_KEY)):
        advance(parcel, claim(parcel, step), following)

    assert starts(job.id) == [1]

    claim(parcel, Step.TEMPO_KEY, lease=0.0)
    parcels.take_back_expired(max_starts=3)
    claim(reserve(job.id))

    assert starts(job.id) == [2]


def test_an_expired_lease_is_taken_back_and_its_items_travel_alone():
    job = new_batch(2)
    parcel = reserve(job.id)
    ids = claim(parcel, lease=0.05)
    time.sleep(0.1)

    assert parcels.take_back_expired(max_starts=3) == 2

    assert [(item.state, item.alone, item.parcel_id, item.claim) for item in items_of(job.id)] == [
        (State.PENDING, True, None, None)
    ] * 2
    assert ledger.complete(parcel, token=FIRST, ids=ids) == 0


def test_a_lease_that_still_runs_is_not_taken_back():
    job = new_batch(1)
    claim(reserve(job.id), lease=60.0)

    assert parcels.take_back_expired(max_starts=3) == 0
    assert states(job.id) == [State.RUNNING]


def test_an_item_that_never_ends_fails_after_its_last_start():
    job = new_batch(1)
    for attempt in (1, 2, 3):
        assert states(job.id) == [State.PENDING]
        claim(reserve(job.id) if attempt < 3 else last_chance(), lease=0.0)
        assert starts(job.id) == [attempt]
        time.sleep(0.01)
        parcels.take_back_expired(max_starts=3)

    (item,) = items_of(job.id)
    assert item.state == State.FAILED
    assert item.error is not None
    assert item.error.code == "worker_crashed"
    assert item.error.message == "the worker died or vanished 3 times with this file in its hands"
    assert (item.parcel_id, item.claim, item.lease_until) == (None, None, None)


def last_chance() -> str:
    let_pass_since_deaths(parcels.QUIET)
    reserved = parcels.reserve_last_chance(queue_of)
    assert reserved is not None
    return reserved[0]


def crash(batch_id: str, *, times: int) -> None:
    """Let every item of a batch lose its worker this many times, of three."""
    for _ in range(times):
        claim(reserve(batch_id), lease=0.0)
        time.sleep(0.01)
        parcels.take_back_expired(max_starts=3)


def test_no_two_last_chances_are_in_flight_together():
    job = new_batch(3)
    crash(job.id, times=2)
    assert parcels.pending(job.id, limit=10) == []
    let_pass_since_deaths(parcels.QUIET)

    reserved = [parcel for parcel in at_once(8, lambda _: parcels.reserve_last_chance(queue_of)) if parcel is not None]

    assert [step for _, step, _ in reserved] == [Step.DECODE]
    assert sorted(states(job.id)) == [State.PENDING, State.PENDING, State.QUEUED]
    assert {item.queue for item in items_of(job.id)} == {None, QUEUES[Step.DECODE]}


@pytest.mark.parametrize("ending", ["completed", "crashed", "lost", "cancelled"])
def test_the_next_last_chance_comes_when_the_one_in_flight_has_ended(ending: str):
    job, other = new_batch(1), new_batch(1)
    crash(job.id, times=2)
    crash(other.id, times=2)
    parcel = last_chance()
    assert parcels.reserve_last_chance(queue_of) is None

    if ending == "completed":
        ledger.complete(parcel, token=FIRST, ids=claim(parcel))
    elif ending == "crashed":
        claim(parcel, lease=0.0)
        time.sleep(0.01)
        parcels.take_back_expired(max_starts=3)
    elif ending == "lost":
        parcels.requeue([ObjectId(parcel)])
    else:
        batches.cancel(job.id)
        batches.cancel(other.id)
        crash(new_batch(1).id, times=2)

    last_chance()


def test_a_last_chance_waits_until_nothing_has_died_for_a_while():
    job, others = new_batch(1), new_batch(2)
    crash(job.id, times=2)
    assert parcels.reserve_last_chance(queue_of) is None
    let_pass_since_deaths(parcels.QUIET)
    crash(others.id, times=1)
    assert parcels.reserve_last_chance(queue_of) is None

    let_pass_since_deaths(parcels.QUIET)

    assert parcels.reserve_last_chance(queue_of) is not None


def test_a_last_chance_does_not_wait_for_ever_for_what_dies_elsewhere():
    job = new_batch(1)
    crash(job.id, times=2)
    let_pass_since_deaths(parcels.LONGEST_WAIT)
    crash(new_batch(1).id, times=1)

    assert parcels.reserve_last_chance(queue_of) is not None


def test_a_last_chance_that_holds_goes_through_the_steps():
    job = new_batch(1)
    crash(job.id, times=2)
    parcel = last_chance()

    assert advance(parcel, claim(parcel)) == 1
    assert parcels.reserve_last_chance(queue_of) is None
    ledger.complete(parcel, token=SECOND, ids=claim(parcel, Step.FEATURES, token=SECOND))

    assert (states(job.id), starts(job.id)) == ([State.COMPLETED], [3])


def test_retry_forgets_how_often_it_crashed():
    job = new_batch(1)
    crash(job.id, times=2)
    claim(last_chance(), lease=0.0)
    time.sleep(0.01)
    parcels.take_back_expired(max_starts=3)
    assert states(job.id) == [State.FAILED]

    batches.retry(job.id)

    assert len(parcels.pending(job.id, limit=10)) == 1
    assert parcels.reserve_last_chance(queue_of) is None


def test_what_rests_between_two_tries_burns_no_start():
    job = new_batch(2)
    parcel = reserve(job.id)
    ids = claim(parcel, lease=0.0)
    ledger.rest(parcel, token=FIRST)
    time.sleep(0.01)

    assert parcels.take_back_expired(max_starts=1) == 2

    assert [(item.state, item.starts, item.alone) for item in items_of(job.id)] == [(State.PENDING, 0, False)] * 2
    assert ledger.complete(parcel, token=FIRST, ids=ids) == 0


def test_what_is_tried_again_rests_no_more():
    job = new_batch(1)
    parcel = reserve(job.id)
    claim(parcel)
    ledger.rest(parcel, token=FIRST)
    claim(parcel, token=SECOND, previous=[FIRST], lease=0.0)
    time.sleep(0.01)

    parcels.take_back_expired(max_starts=3)

    assert [(item.state, item.starts, item.alone) for item in items_of(job.id)] == [(State.PENDING, 1, True)]


def test_give_back_takes_what_that_process_holds_and_burns_no_start():
    job = new_batch(3)
    first, second, third = (reserve(job.id, limit=1) for _ in range(3))
    for parcel, worker in ((first, "host:7:71:1"), (second, "host:7:72:2"), (third, "host:77:1:1")):
        ledger.claim(parcel, Step.DECODE, token=FIRST, worker=worker, lease=60.0)
    ids = [item.id for item in items_of(job.id)]

    assert parcels.give_back("host:7:") == 2

    assert states(job.id) == [State.PENDING, State.PENDING, State.RUNNING]
    assert [(item.starts, item.alone) for item in items_of(job.id)] == [(0, False), (0, False), (1, False)]
    assert ledger.complete(first, token=FIRST, ids=ids[:1]) == 0  # the holder has lost it


@pytest.mark.parametrize(
    ("step", "again_at"),
    [
        (Step.DECODE, Step.DECODE),
        (Step.FEATURES, Step.DECODE),
        (Step.TEMPO_KEY, Step.DECODE),
        (Step.SUMMARIZE, Step.SUMMARIZE),
        (Step.STORE, Step.STORE),
    ],
)
def test_what_is_taken_back_begins_again_where_the_record_stands(step: Step, again_at: Step):
    job = new_batch()
    batches.add_items([new_item(job.id, step=step.value)])
    claim(reserve(job.id), step, lease=0.0)
    time.sleep(0.01)

    parcels.take_back_expired(max_starts=3)

    assert [(item.state, item.step) for item in items_of(job.id)] == [(State.PENDING, again_at)]


def test_take_back_of_a_parcel_takes_what_that_task_held():
    job = new_batch(2)
    parcel = reserve(job.id)
    claim(parcel, token="task-a.7")  # noqa: S106 -- no secret

    assert parcels.take_back_parcel(parcel, task_id="task", max_starts=3, code="worker_crashed") == 0
    assert parcels.take_back_parcel(parcel, task_id="task.a", max_starts=3, code="worker_crashed") == 0
    assert parcels.take_back_parcel(parcel, task_id="task-a", max_starts=3, code="worker_crashed") == 2
    assert states(job.id) == [State.PENDING, State.PENDING]


def test_take_back_of_a_parcel_says_why_on_the_last_start():
    job = new_batch(1)
    parcel = reserve(job.id)
    claim(parcel)

    parcels.take_back_parcel(parcel, task_id="task-a", max_starts=1, code="timeout")

    (item,) = items_of(job.id)
    assert item.error is not None
    assert item.error.code == "timeout"
    assert item.error.message.startswith("1 times the step was not done within its time limit")


def test_lease_is_kept_as_long_as_the_step_runs():
    job = new_batch(1)
    parcel = reserve(job.id)
    claim(parcel, lease=0.6)

    with ledger.lease_kept(parcel, token=FIRST, lease=0.6, limit=60.0):
        time.sleep(1.2)
        assert parcels.take_back_expired(max_starts=3) == 0
    time.sleep(0.8)

    assert parcels.take_back_expired(max_starts=3) == 1


def test_lease_is_let_go_whenever_the_block_ends():
    job = new_batch(1)
    parcel = reserve(job.id)
    claim(parcel)
    for moment in range(30):
        with ledger.lease_kept(parcel, token=FIRST, lease=0.006, limit=60.0):
            time.sleep(0.004 + moment * 0.0002)
    time.sleep(0.2)

    (before,) = items_of(job.id)
    time.sleep(0.1)

    assert items_of(job.id) == [before]


def test_lease_is_not_kept_beyond_its_limit():
    job = new_batch(1)
    parcel = reserve(job.id)
    claim(parcel, lease=0.3)

    with ledger.lease_kept(parcel, token=FIRST, lease=0.3, limit=0.3):
        time.sleep(1.0)
        assert parcels.take_back_expired(max_starts=3) == 1


def test_lease_of_items_that_went_to_another_is_not_touched():
    job = new_batch(1)
    old = reserve(job.id)
    claim(old, lease=0.1)
    time.sleep(0.2)

    with ledger.lease_kept(old, token=FIRST, lease=60.0, limit=60.0):
        parcels.take_back_expired(max_starts=3)
        claim(reserve(job.id), token=SECOND, lease=30.0)
        (before,) = items_of(job.id)
        time.sleep(0.2)

    assert items_of(job.id) == [before]


def test_requeue_makes_waiting_items_pending_and_burns_no_start():
    job = new_batch(3)
    parcel = reserve(job.id)

    assert parcels.requeue([ObjectId(parcel)]) == 3

    assert [(item.state, item.starts, item.alone, item.parcel_id) for item in items_of(job.id)] == [
        (State.PENDING, 0, False, None)
    ] * 3


def test_requeue_between_two_steps_burns_no_start():
    job = new_batch(1)
    for _ in range(4):
        parcel = reserve(job.id)
        advance(parcel, claim(parcel))
        parcels.requeue([ObjectId(parcel)])
    claim(reserve(job.id))

    assert starts(job.id) == [1]


def test_requeue_keeps_the_starts_that_ended_in_a_crash():
    job = new_batch(1)
    claim(reserve(job.id), lease=0.0)
    time.sleep(0.01)
    parcels.take_back_expired(max_starts=3)
    parcel = reserve(job.id)
    advance(parcel, claim(parcel))

    parcels.requeue([ObjectId(parcel)])

    assert starts(job.id) == [1]
    assert [item.alone for item in items_of(job.id)] == [True]


def test_requeue_leaves_alone_what_runs():
    job = new_batch(1)
    parcel = reserve(job.id)
    claim(parcel)

    assert parcels.requeue([ObjectId(parcel)]) == 0
    assert states(job.id) == [State.RUNNING]


def test_requeue_of_nothing_is_nothing():
    assert parcels.requeue([]) == 0


def test_in_flight_counts_parcels_by_where_they_are():
    job = new_batch(12)
    assert parcels.in_flight(NAMES) == InFlight(cpu=0, ai=0, io=0, roots={})

    reserved = [reserve(job.id, 3) for _ in range(4)]
    assert parcels.in_flight(NAMES) == InFlight(cpu=4, ai=0, io=0, roots={"/library": 4})

    advance(reserved[0], claim(reserved[0]), Step.TEMPO_KEY)
    advance(reserved[1], claim(reserved[1]), Step.SUMMARIZE)
    claim(reserved[2])
    assert parcels.in_flight(NAMES) == InFlight(cpu=3, ai=1, io=0, roots={"/library": 3})

    ledger.complete(reserved[2], token=FIRST, ids=[item.id for item in items_of(job.id) if item.state == State.RUNNING])
    assert parcels.in_flight(NAMES) == InFlight(cpu=2, ai=1, io=0, roots={"/library": 2})


def test_a_summary_that_asks_no_model_is_in_flight_where_it_is_written():
    job = new_batch(2)
    for queue in (NAMES.of(IO), QUEUES[Step.SUMMARIZE]):
        parcel = reserve(job.id, 1)
        queues = {**QUEUES, Step.SUMMARIZE: queue}
        ledger.advance(parcel, token=FIRST, to={Step.SUMMARIZE: claim(parcel)}, queues=queues)

    assert parcels.in_flight(NAMES) == InFlight(cpu=0, ai=1, io=1, roots={})


def test_waiting_parcels_are_those_queued_for_long():
    job = new_batch(4)
    first = reserve(job.id, 2, queue="cpu")
    time.sleep(0.3)
    reserve(job.id, 1, queue="cpu")
    running = reserve(job.id, 1, queue="io")
    claim(running)

    waiting, now = parcels.waiting_parcels(older_than=0.2)

    assert [(str(parcel.parcel_id), parcel.queue) for parcel in waiting] == [(first, "cpu")]
    assert 0.2 < (now - waiting[0].queued_at).total_seconds() < 60.0
    assert len(parcels.waiting_parcels(older_than=0.0)[0]) == 2


def test_newest_claims_tell_how_far_each_queue_was_read():
    job = new_batch(3)
    reserved = [reserve(job.id, 1, queue=queue) for queue in ("cpu", "cpu", "io")]
    queued_at = {item.path: item.queued_at for item in items_of(job.id)}
    assert parcels.newest_claims() == {}

    for parcel in reserved:
        claim(parcel)

    assert parcels.newest_claims() == {"cpu": queued_at["0001.wav"], "io": queued_at["0002.wav"]}


def test_live_parcels_are_those_with_items_in_flight():
    job = new_batch(3)
    queued, running, done = (reserve(job.id, 1) for _ in range(3))
    claim(running)
    ledger.complete(done, token=FIRST, ids=claim(done))

    assert parcels.live_parcels([queued, running, done, str(ObjectId())]) == {queued, running}
    assert parcels.live_parcels([]) == set()


def test_cancelled_items_are_fenced_off():
    job = new_batch(2)
    parcel = reserve(job.id)
    ids = claim(parcel)
    batches.cancel(job.id)

    assert advance(parcel, ids) == 0
    assert ledger.complete(parcel, token=FIRST, ids=ids) == 0
    assert claim(parcel) == []
    assert states(job.id) == [State.CANCELLED, State.CANCELLED]
    assert parcels.in_flight(NAMES) == InFlight(cpu=0, ai=0, io=0, roots={})
