"""Batch jobs and their items in the real record."""

import itertools
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from bson import ObjectId

from samplemind_worker.documents.batch import BatchJob, BatchStatus, State, Step
from samplemind_worker.errors import NotAudioError, UnreadableError, UsageError
from samplemind_worker.store import batches, interrupted, ledger, mongo, parcels
from tests.factories import new_batch, new_item

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("workspace")]

COUNTS = ("completed", "failed", "skipped", "cancelled", "pending", "running")
TRY = "task.0"
QUEUES = {step: step.value for step in Step}


def counts(batch_id: str) -> dict[str, int]:
    """The counts of a batch that are not 0."""
    report = batches.report(batches.find(batch_id))
    return {name: report[name] for name in COUNTS if report[name]}


def claim(batch_id: str, limit: int = 1, *, token: str = TRY) -> tuple[str, list[ObjectId]]:
    """Reserve and claim the next pending items; their parcel and ids."""
    parcel, _ = parcels.reserve(batch_id, [row["_id"] for row in parcels.pending(batch_id, limit=limit)], queue="cpu")
    items = ledger.claim(parcel, Step.DECODE, token=token, worker="w", lease=60.0)
    return parcel, [item.id for item in items]


def complete(batch_id: str, files: int = 1) -> None:
    parcel, ids = claim(batch_id, files)
    ledger.complete(parcel, token=TRY, ids=ids)


def fail(batch_id: str, files: int = 1) -> None:
    parcel, ids = claim(batch_id, files)
    ledger.fail(parcel, token=TRY, errors=dict.fromkeys(ids, UnreadableError("cannot be decoded")))


def skip(batch_id: str) -> None:
    parcel, ids = claim(batch_id)
    ledger.skip(parcel, token=TRY, ids=ids, reason="known")


def hand_on(batch_id: str) -> None:
    parcel, ids = claim(batch_id)
    ledger.advance(parcel, token=TRY, to={Step.FEATURES: ids}, queues=QUEUES)


# Name to (what happens to one item of a batch, how it counts then).
MOVES = {
    "left alone": (lambda _: None, "pending"),
    "queued": (
        lambda batch: parcels.reserve(batch, [parcels.pending(batch, limit=1)[0]["_id"]], queue="cpu"),
        "pending",
    ),
    "claimed": (claim, "running"),
    "between two steps": (hand_on, "running"),
    "completed": (complete, "completed"),
    "failed": (fail, "failed"),
    "skipped": (skip, "skipped"),
}


def test_a_batch_that_is_being_recorded_is_not_dispatched():
    job = batches.create(name="kit", paths=["/a"], priority="bulk", files_per_chain=8, ai=False, force=True)
    batches.add_items([new_item(job.id)])

    found = batches.find(job.id)

    assert (found.recorded, found.status, found.total_files) == (False, BatchStatus.PENDING, 0)
    assert (found.name, found.paths, found.priority, found.files_per_chain) == ("kit", ["/a"], "bulk", 8)
    assert (found.ai, found.force) == (False, True)
    assert batches.open_batches() == []
    assert batches.close_if_done(job.id) is False


def test_report_of_a_batch_that_is_being_recorded_counts_what_is_there():
    job = batches.create(name="kit", paths=["/a"], priority="bulk", files_per_chain=8, ai=False, force=True)
    batches.add_items([new_item(job.id, 1), new_item(job.id, 2), new_item(job.id, 3, skip_reason="hidden")])

    report = batches.report(batches.find(job.id))

    assert (report["total_files"], report["recorded"]) == (3, False)
    assert counts(job.id) == {"pending": 2, "skipped": 1}


def test_closing_the_recording_opens_the_batch():
    job = new_batch(3)

    assert (job.recorded, job.total_files) == (True, 3)
    assert [one.id for one in batches.open_batches()] == [job.id]


@pytest.mark.parametrize("several", [0, 1, 2, len(MOVES)])
def test_report_counts_add_up_in_every_mix_of_states(several: int):
    for moves in itertools.combinations(MOVES, several):
        job = new_batch(10)
        expected = {"pending": 10}
        for move in moves:
            act, counted = MOVES[move]
            act(job.id)
            expected["pending"] -= 1
            expected[counted] = expected.get(counted, 0) + 1

        report = batches.report(batches.find(job.id))

        assert (moves, {name: report[name] for name in COUNTS if report[name]}) == (moves, expected)
        assert sum(report[name] for name in COUNTS) == report["total_files"] == 10


def test_report_has_the_fields_of_the_contract():
    job = new_batch(1)

    report = batches.report(batches.find(job.id))

    assert [
        name
        for name in (
            "batch_id",
            "name",
            "status",
            "total_files",
            *COUNTS,
            "created_at",
            "finished_at",
            "files_per_second",
            "eta_seconds",
            "errors",
        )
        if name not in report
    ] == []
    assert (report["batch_id"], report["name"], report["status"]) == (job.id, "kit", "pending")
    assert report["created_at"].endswith("Z")
    assert report["finished_at"] is None
    assert report["eta_seconds"] is None


def test_report_counts_errors_by_code_most_frequent_first():
    job = new_batch(3)
    parcel, ids = claim(job.id, 3)
    ledger.fail(parcel, token=TRY, errors={ids[0]: NotAudioError("a"), ids[1]: UnreadableError("b")})
    ledger.fail(parcel, token=TRY, errors={ids[2]: UnreadableError("c")})

    report = batches.report(batches.find(job.id))

    assert list(report["errors"].items()) == [("unreadable", 2), ("not_audio", 1)]


def test_report_of_a_batch_in_work_says_how_fast_and_how_long():
    job = new_batch(4)
    complete(job.id, 2)

    report = batches.report(batches.find(job.id))

    assert report["status"] == "processing"
    assert report["files_per_second"] > 0
    assert report["eta_seconds"] == round(2 / report["files_per_second"])
    assert report["started_at"] is not None


def test_a_batch_whose_items_have_ended_is_closed():
    job = new_batch(2)
    complete(job.id)
    assert batches.close_if_done(job.id) is False
    fail(job.id)

    assert batches.close_if_done(job.id) is True

    report = batches.report(batches.find(job.id))
    assert report["status"] == "completed"
    assert (report["completed"], report["failed"], report["errors"]) == (1, 1, {"unreadable": 1})
    assert report["finished_at"] is not None
    assert report["eta_seconds"] == 0
    assert batches.open_batches() == []


def test_a_batch_of_skipped_files_that_never_started_is_closed():
    job = new_batch(2, items={"skip_reason": "known"})

    assert batches.close_if_done(job.id) is True
    assert counts(job.id) == {"skipped": 2}


def test_many_callers_at_once_close_a_batch_once():
    job = new_batch(1)
    complete(job.id)
    start = threading.Barrier(8)
    closed: list[bool] = []

    def close() -> None:
        start.wait()
        closed.append(batches.close_if_done(job.id))

    threads = [threading.Thread(target=close) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(closed) == [False] * 7 + [True]


def test_closing_a_closed_batch_changes_nothing():
    job = new_batch(1)
    complete(job.id)
    batches.close_if_done(job.id)
    before = batches.report(batches.find(job.id))

    assert batches.close_if_done(job.id) is False
    assert batches.report(batches.find(job.id)) == before


def test_closing_an_unknown_batch_is_false():
    assert batches.close_if_done("nothing") is False


def test_cancel_ends_what_has_not_ended_and_keeps_what_has():
    job = new_batch(6)
    complete(job.id)
    fail(job.id)
    parcel, ids = claim(job.id)
    hand_on(job.id)

    assert batches.cancel(job.id) == 4

    report = batches.report(batches.find(job.id))
    assert report["status"] == "cancelled"
    assert counts(job.id) == {"completed": 1, "failed": 1, "cancelled": 4}
    assert report["finished_at"] is not None
    assert ledger.complete(parcel, token=TRY, ids=ids) == 0
    assert batches.open_batches() == []


def test_cancel_of_a_batch_that_has_ended_changes_nothing():
    job = new_batch(1)
    complete(job.id)
    batches.close_if_done(job.id)

    assert batches.cancel(job.id) == 0
    assert batches.report(batches.find(job.id))["status"] == "completed"


def test_cancel_counts_what_others_cancel_beside_it():
    job = new_batch(25_000)
    together = threading.Barrier(3)

    def cancel() -> int:
        together.wait()
        return batches.cancel(job.id)

    with ThreadPoolExecutor(3) as pool:
        counted = [future.result() for future in [pool.submit(cancel) for _ in range(3)]]

    # The dispatcher finishes cancels that seem interrupted; the caller that began first has counted them all.
    assert max(counted) == 25_000
    assert counts(job.id) == {"cancelled": 25_000}


@pytest.mark.parametrize("end", [batches.cancel, batches.abandon])
def test_ending_a_batch_again_changes_nothing(end: Callable[[str], object]):
    job = new_batch(3)
    end(job.id)
    before = batches.report(batches.find(job.id))
    time.sleep(0.01)

    assert not end(job.id)

    assert batches.report(batches.find(job.id)) == before


def test_cancel_while_a_batch_is_recorded_lasts():
    job = batches.create(name="kit", paths=["/a"], priority="bulk", files_per_chain=8, ai=True, force=False)
    batches.add_items([new_item(job.id, number) for number in range(2)])
    batches.cancel(job.id)
    batches.add_items([new_item(job.id, number) for number in range(2, 5)])

    batches.close_recording(job.id, total_files=5)

    assert batches.find(job.id).status == BatchStatus.CANCELLED
    assert counts(job.id) == {"cancelled": 5}
    assert batches.open_batches() == []


def test_retry_makes_the_failed_files_pending_and_the_batch_open():
    job = new_batch(3)
    complete(job.id)
    fail(job.id, 2)
    batches.close_if_done(job.id)

    assert batches.retry(job.id) == 2

    assert [one.id for one in batches.open_batches()] == [job.id]
    assert counts(job.id) == {"completed": 1, "pending": 2}
    report = batches.report(batches.find(job.id))
    assert (report["status"], report["finished_at"], report["errors"]) == ("processing", None, {})
    items = list(batches.iterate(job.id, state=State.PENDING))
    assert [(item.step, item.starts, item.error) for item in items] == [(Step.DECODE, 0, None)] * 2


@pytest.mark.parametrize("code", [None, "unreadable"])
def test_retry_goes_page_by_page(monkeypatch: pytest.MonkeyPatch, code: str | None):
    monkeypatch.setattr(batches, "_CHUNK", 3)
    job = new_batch(8)
    complete(job.id)
    fail(job.id, 7)
    batches.close_if_done(job.id)

    assert batches.retry(job.id, code=code) == 7

    assert counts(job.id) == {"completed": 1, "pending": 7}
    assert batches.retry(job.id, code=code) == 0


def test_what_fails_again_while_retry_goes_on_is_not_retried_twice(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batches, "_CHUNK", 2)
    job = new_batch(6)
    fail(job.id, 6)
    batches.close_if_done(job.id)
    stop = threading.Event()

    def fail_all() -> None:
        while not stop.is_set():
            if parcels.pending(job.id, limit=1):
                fail(job.id)
                batches.close_if_done(job.id)

    with ThreadPoolExecutor(1) as pool:
        failing = pool.submit(fail_all)
        try:
            assert batches.retry(job.id) == 6
        finally:
            stop.set()
        failing.result()


def test_a_retry_that_was_killed_between_two_pages_is_finished_by_another(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batches, "_CHUNK", 2)
    job = new_batch(5)
    fail(job.id, 5)
    batches.close_if_done(job.id)
    opened = vars(batches)["_open"]
    calls: list[str] = []

    async def open_and_die(batch_id: str) -> None:
        calls.append(batch_id)
        await opened(batch_id)
        if len(calls) == 2:
            raise RuntimeError("killed")

    monkeypatch.setattr(batches, "_open", open_and_die)
    with pytest.raises(RuntimeError, match="killed"):
        batches.retry(job.id)
    monkeypatch.setattr(batches, "_open", opened)

    assert counts(job.id) == {"failed": 3, "pending": 2}
    complete(job.id, 2)
    assert batches.close_if_done(job.id)
    assert batches.retry(job.id) == 3
    assert counts(job.id) == {"completed": 2, "pending": 3}


def test_retry_of_a_batch_without_failures_leaves_it_closed():
    job = new_batch(1)
    complete(job.id)
    batches.close_if_done(job.id)

    assert batches.retry(job.id) == 0
    assert batches.find(job.id).status == BatchStatus.COMPLETED


def test_retry_is_never_closed_at_the_same_time():
    job = new_batch(1)
    fail(job.id)
    batches.close_if_done(job.id)
    stop = threading.Event()

    def close() -> None:
        while not stop.is_set():
            batches.close_if_done(job.id)

    thread = threading.Thread(target=close)
    thread.start()
    seen: list[BatchStatus] = []
    try:
        for _ in range(20):
            batches.retry(job.id)
            seen.append(batches.find(job.id).status)
            fail(job.id)
            while batches.find(job.id).results is None:
                pass
    finally:
        stop.set()
        thread.join()

    assert set(seen) == {BatchStatus.PROCESSING}


def test_a_batch_that_was_retried_closes_again():
    job = new_batch(1)
    fail(job.id)
    batches.close_if_done(job.id)
    batches.retry(job.id)
    complete(job.id)

    assert batches.close_if_done(job.id) is True
    assert counts(job.id) == {"completed": 1}


def test_abandon_marks_the_batch_failed_and_its_items_cancelled():
    job = batches.create(name="kit", paths=["/a"], priority="bulk", files_per_chain=8, ai=True, force=False)
    batches.add_items([new_item(job.id, 0), new_item(job.id, 1), new_item(job.id, 2, skip_reason="hidden")])

    batches.abandon(job.id)

    report = batches.report(batches.find(job.id))
    assert (report["status"], report["total_files"]) == ("failed", 3)
    assert counts(job.id) == {"cancelled": 2, "skipped": 1}
    assert batches.open_batches() == []


def test_a_recording_that_stands_still_is_found_and_given_up():
    job = batches.create(name="kit", paths=["/a"], priority="bulk", files_per_chain=8, ai=True, force=False)
    batches.add_items([new_item(job.id, 0)])
    new_batch(1)
    time.sleep(2.1)

    assert interrupted.stalled_recordings(older_than=60.0) == []
    assert interrupted.stalled_recordings(older_than=1.0) == [job.id]
    batches.add_items([new_item(job.id, 1)])
    assert interrupted.stalled_recordings(older_than=1.0) == []


def test_who_goes_on_recording_what_was_given_up_is_told():
    job = batches.create(name="kit", paths=["/a"], priority="bulk", files_per_chain=8, ai=True, force=False)
    batches.add_items([new_item(job.id, 0)])
    batches.abandon(job.id)
    batches.add_items([new_item(job.id, 1)])

    with pytest.raises(UsageError, match=f"batch {job.id} was given up; submit it again"):
        batches.close_recording(job.id, total_files=2)

    assert counts(job.id) == {"cancelled": 2}
    assert batches.open_batches() == []


def test_find_takes_an_id_or_its_unique_beginning():
    job = new_batch()

    assert batches.find(job.id).id == job.id
    assert batches.find(job.id[:-1]).id == job.id
    assert batches.find(job.id[:4]).id == job.id


def test_find_refuses_a_beginning_of_more_than_one_batch():
    first, second = new_batch(), new_batch()
    common = "".join(
        a for a, b in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first.id, second.id, strict=True))
    )

    with pytest.raises(UsageError, match=f"more than one batch begins with '{common}'"):
        batches.find(common)


@pytest.mark.parametrize("batch_id", ["", "19990101", ".*", "$ne", "2", "a\nb", "\udcff", "\U0010ffff"])
def test_find_of_an_unknown_batch_says_so(batch_id: str):
    with pytest.raises(UsageError, match=r"no batch '.*'; `samplemind status` lists the recent ones"):
        batches.find(batch_id)


def test_recent_gives_the_newest_first():
    jobs = [new_batch() for _ in range(4)]

    assert [job.id for job in batches.recent(3)] == [jobs[3].id, jobs[2].id, jobs[1].id]


def test_open_batches_are_interactive_first_then_whose_turn_was_longest_ago():
    bulk, first, second = new_batch(2, priority="bulk"), new_batch(2), new_batch(2)
    for job in (first, bulk, second):
        parcels.reserve(job.id, [parcels.pending(job.id, limit=1)[0]["_id"]], queue="cpu")
    parcels.reserve(first.id, [parcels.pending(first.id, limit=1)[0]["_id"]], queue="cpu")

    assert [job.id for job in batches.open_batches()] == [second.id, first.id, bulk.id]


def test_iterate_goes_on_past_a_page_without_loss_or_repetition():
    job = new_batch(2350)

    items = list(batches.iterate(job.id))

    assert [item.path for item in items] == [f"{number:04}.wav" for number in range(2350)]


def test_iterate_gives_each_item_once_while_they_move_on():
    job = new_batch(2350)
    items = batches.iterate(job.id)

    seen = [next(items).path]
    complete(job.id, 1500)
    seen += [item.path for item in items]

    assert seen == [f"{number:04}.wav" for number in range(2350)]


def test_iterate_of_a_state_gives_those_alone():
    job = new_batch(5)
    fail(job.id, 2)
    new_batch(3)

    assert [item.path for item in batches.iterate(job.id, state=State.FAILED)] == ["0000.wav", "0001.wav"]
    assert [item.error.code for item in batches.iterate(job.id, state=State.FAILED) if item.error] == ["unreadable"] * 2
    assert [item.state for item in batches.iterate(job.id)] == [State.FAILED] * 2 + [State.PENDING] * 3


def test_items_keep_paths_that_are_no_utf8():
    job = new_batch(1, items={"path": "caf\\xe9.wav", "raw_path": b"caf\xe9.wav"})

    (item,) = batches.iterate(job.id)

    assert (item.path, item.raw_path) == ("caf\\xe9.wav", b"caf\xe9.wav")


def test_working_on_names_files_that_are_running():
    job = new_batch(9)
    claim(job.id, 5)

    assert batches.working_on(job.id) == ["0000.wav", "0001.wav", "0002.wav"]
    assert len(batches.working_on(job.id, limit=9)) == 5


def test_a_cancel_that_was_interrupted_is_found_and_finished():
    job = new_batch(3)

    async def stop_halfway() -> None:
        await BatchJob.get_pymongo_collection().update_one({"_id": job.id}, {"$set": {"status": "cancelled"}})

    mongo.run(stop_halfway())
    found = interrupted.half_cancelled()
    for batch_id in found:
        batches.cancel(batch_id)

    assert found == [job.id]
    assert interrupted.half_cancelled() == []
    assert batches.report(batches.find(job.id))["cancelled"] == 3


def test_a_batch_that_was_cancelled_while_it_was_recorded_keeps_no_open_item():
    job = batches.create(name="kit", paths=["/library"], priority="bulk", files_per_chain=8, ai=True, force=False)
    batches.cancel(job.id)
    batches.add_items([new_item(job.id, number) for number in range(2)])

    for batch_id in interrupted.half_cancelled():
        batches.cancel(batch_id)

    assert {item.state for item in batches.iterate(job.id)} == {State.CANCELLED}
    assert interrupted.half_cancelled() == []


def test_report_has_no_other_fields_than_the_contract():
    contract = (Path(__file__).parents[2] / "docs" / "contract.md").read_text()
    example = contract.partition("\n## A batch\n")[2].partition("```json\n")[2].partition("```")[0]

    # `status` adds the notes.
    assert {*batches.report(new_batch()), "notes"} == {*json.loads(example)}
