"""The query plans of every query: MongoDB's profiler watches every public function of the stores on a filled record."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import FunctionType, ModuleType
from typing import Any

import pytest
from bson import ObjectId

from config.queues import Queues
from samplemind_worker.documents.batch import BatchStatus, State, Step
from samplemind_worker.documents.pack import PackState
from samplemind_worker.documents.versions import ENTRY_VERSION, PLANNED, VERSIONS
from samplemind_worker.errors import UnreadableError
from samplemind_worker.finding import entry
from samplemind_worker.finding.filters import passing
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import (
    ai_jobs,
    audit,
    batch_lists,
    batches,
    copies,
    credentials,
    displaced,
    entries,
    entry_search,
    entry_vectors,
    fits,
    interrupted,
    ledger,
    marks,
    mongo,
    outdated,
    overview,
    pack_lists,
    packs,
    parcels,
    pausing,
    places,
    recipes,
    results,
    sample_collections,
    schemas,
    sound_map,
    spend,
    stale,
    thinning,
    totals,
    turns,
    unfinished,
    users,
    vector_index,
    waiting,
    waveforms,
)
from samplemind_worker.store.entry_search import Position
from samplemind_worker.store.marks import Change
from samplemind_worker.store.packs import Origin
from samplemind_worker.store.places import Area, Place
from samplemind_worker.store.recipes import Outdated
from samplemind_worker.store.spend import Call, Caps, Reservation
from samplemind_worker.usage import Usage
from tests.factories import analysis_facts, audio_facts, content_id, new_batch, new_item

pytestmark = pytest.mark.services

MARK = Change({"tag 1": "Tag 1"}, frozenset({"tag 2"}), frozenset({"favourites:bert"}), frozenset())
OTHERS = 700  # items, contents and places that are not asked for
FEW = 60  # documents that a query about one small batch or parcel may look at
TRY, NEXT_TRY = "task.0", "task.1"
CONTENT, PATH = content_id(0), b"0000.wav"
AREAS = [Area("/", b"library/0000.wav"), Area("/", b"elsewhere"), Area("samples", b"kit"), Area("nothing", b"")]


@dataclass(frozen=True)
class Case:
    """A small batch: three files in a running parcel, one failed, one completed, two pending."""

    batch: str
    parcel: str
    ids: list[ObjectId]
    pending: list[ObjectId]


def make_case() -> Case:
    job = new_batch(7)
    ids = [row["_id"] for row in parcels.pending(job.id, limit=7)]
    ended, _ = parcels.reserve(job.id, ids[:2], queue="cpu")
    ledger.claim(ended, Step.DECODE, token=TRY, worker="w", lease=60.0)
    ledger.fail(ended, token=TRY, errors={ids[0]: UnreadableError("no")})
    ledger.complete(ended, token=TRY, ids=ids[1:2])
    parcel, _ = parcels.reserve(job.id, ids[2:5], queue="cpu")
    ledger.claim(parcel, Step.DECODE, token=TRY, worker="w", lease=60.0)
    return Case(job.id, parcel, ids[2:5], ids[5:])


def place(number: int) -> Place:
    return Place("/library", f"{number:04}.wav".encode(), content_id(number), 1000, 1, 1, settled=True)


def keep_lease(case: Case) -> None:
    with ledger.lease_kept(case.parcel, token=TRY, lease=0.03, limit=1.0):
        time.sleep(0.2)


def origin(number: int) -> Origin:
    return Origin(content_id(number), "/inbox", f"{number}.zip", "zip")


def keep_turn(_: Case) -> None:
    packs.take_turn("run", lease=60.0)
    with packs.turn_kept("run", lease=0.1):
        time.sleep(0.1)


def keep_turn_of_job(_: Case) -> None:
    turns.take("job", "run", lease=60.0)
    with turns.kept("job", "run", lease=0.1):
        time.sleep(0.1)


def requeue(case: Case) -> None:
    parcel, _ = parcels.reserve(case.batch, case.pending, queue="cpu")
    parcels.requeue([ObjectId(parcel)])


def to_cpu(*_: object) -> str:
    return "cpu"


def last_chance(case: Case) -> None:
    for _ in range(2):
        parcel, _ = parcels.reserve(case.batch, case.pending[:1], queue="cpu")
        ledger.claim(parcel, Step.DECODE, token=TRY, worker="w", lease=60.0)
        parcels.take_back_parcel(parcel, task_id=TRY.partition(".")[0], max_starts=3, code="timeout")
    assert parcels.reserve_last_chance(to_cpu) is None  # the last of them died a moment ago


def close_batch(case: Case) -> None:
    assert batches.close_if_done(case.batch) is False
    parcel, _ = parcels.reserve(case.batch, case.pending, queue="cpu")
    ledger.claim(parcel, Step.DECODE, token=TRY, worker="w", lease=60.0)
    ledger.complete(parcel, token=TRY, ids=case.pending)
    ledger.complete(case.parcel, token=TRY, ids=case.ids)
    assert batches.close_if_done(case.batch) is True


def thin(case: Case) -> None:
    batches.cancel(case.batch)
    assert thinning.thin(older_than=timedelta(0)) is not None


def put_aside(batch: str) -> Reservation:
    made = spend.reserve(Call(batch, "gemini", "model", "audio_analysis", 1, 2), Caps())
    assert isinstance(made, Reservation)
    return made


def refused_one(batch: str) -> None:
    assert spend.reserve(Call(batch, "gemini", "model", "audio_analysis", 1, 2), Caps(day=1)) == "day"


def begin_again() -> None:
    assert ai_jobs.begin("another", writer="w", patience=0.0) is not None  # the turn of who is taken for dead


def write_entry() -> None:
    reading = entries.read([CONTENT, content_id("gone")])
    made = {key: entry.entry_of(source) for key, source in reading.sources.items()}
    entries.write(reading, made, contents=[CONTENT, content_id("gone")])


def begin_entries() -> None:
    row = {"version": ENTRY_VERSION, "building": 0, "looked_at": mongo.now() + timedelta(days=1)}
    mongo.run(mongo.collection("entry_indexes").update_one({"_id": "entries"}, {"$set": row}, upsert=True))
    assert entries.begin() is None
    assert entries.begin(anew=True) == ""


def add_token(name: str) -> None:
    credentials.add_token(name, user_id=name, name=name, digest=name, scopes=["read"], expires_at=None)


# How each public function is called, by its full name.
CALLS: dict[str, Callable[[Case], object]] = {
    "batches.create": lambda _: batches.create(
        name="kit", paths=["/a"], priority="bulk", files_per_chain=8, ai=True, force=False
    ),
    "batches.note_hint": lambda case: batches.note_hint(case.batch, "hint"),
    "batches.add_items": lambda case: batches.add_items([new_item(case.batch, 99)]),
    "batches.close_recording": lambda case: batches.close_recording(case.batch, total_files=7),
    "batches.abandon": lambda case: batches.abandon(case.batch),
    "interrupted.stalled_recordings": lambda _: interrupted.stalled_recordings(older_than=600.0),
    "interrupted.half_cancelled": lambda _: interrupted.half_cancelled(),
    "batches.find": lambda case: (batches.find(case.batch), batches.find(case.batch[:-1])),
    "batches.recent": lambda case: (
        batches.recent(3),
        batches.recent(3, since=batches.find(case.batch).created_at, until=mongo.now()),
    ),
    "batches.report": lambda case: batches.report(batches.find(case.batch)),
    "batches.close_if_done": close_batch,
    "batches.open_batches": lambda _: batches.open_batches(),
    "unfinished.batch_ids": lambda _: unfinished.batch_ids(),
    "unfinished.at_work": lambda _: unfinished.at_work(),
    "pausing.pause": lambda case: pausing.pause(case.batch),
    "pausing.resume": lambda case: pausing.resume(case.batch),
    "schemas.forms": lambda _: schemas.forms(),
    "schemas.are_empty": lambda _: schemas.are_empty(["analyses"]),
    "schemas.begin": lambda _: schemas.begin("analyses", 2),
    "schemas.change_page": lambda _: schemas.change_page(
        "analyses", 2, after=None, older={"user_id": {"$exists": False}}, change=[{"$set": {"user_id": "x"}}], limit=3
    ),
    "schemas.finish": lambda _: schemas.finish("analyses", 2),
    "outdated.groups": lambda _: outdated.groups(),
    "outdated.contents_of": lambda _: outdated.contents_of(dict.fromkeys(PLANNED, 1), after=CONTENT, limit=3),
    "outdated.versions_of": lambda _: outdated.versions_of([CONTENT]),
    "outdated.sample": lambda _: outdated.sample([CONTENT]),
    "outdated.pace": lambda _: outdated.pace(),
    "outdated.without_waveform": lambda _: outdated.without_waveform(),
    "batches.cancel": lambda case: batches.cancel(case.batch),
    "batches.retry": lambda case: batches.retry(case.batch),
    "batches.is_cancelled": lambda case: batches.is_cancelled(case.batch),
    "batch_lists.get": lambda case: batch_lists.get(case.batch),
    "batch_lists.page": lambda case: (
        batch_lists.page(statuses=[], before=case.batch + "~", limit=3),
        batch_lists.page(statuses=[BatchStatus.COMPLETED, BatchStatus.FAILED], before=None, limit=3),
    ),
    "batch_lists.reports": lambda case: batch_lists.reports([batches.find(case.batch)]),
    "batch_lists.hide": lambda case: batch_lists.hide(case.batch),
    "batch_lists.items": lambda case: [
        batch_lists.items(case.batch, state=state, code=code, after=case.ids[0], limit=3)
        for state, code in ((None, None), (State.FAILED, None), (None, "unreadable"))
    ],
    "batch_lists.failures": lambda case: batch_lists.failures(case.batch, groups=5, examples=2),
    "batch_lists.ids_of_content": lambda _: batch_lists.ids_of_content(CONTENT, limit=10),
    "batch_lists.watched": lambda case: batch_lists.watched([case.batch], since=mongo.now()),
    "batches.iterate": lambda case: (
        list(batches.iterate(case.batch)),
        list(batches.iterate(case.batch, state=State.FAILED)),
    ),
    "batches.working_on": lambda case: batches.working_on(case.batch),
    "ledger.claim": lambda case: ledger.claim(
        case.parcel, Step.DECODE, token=NEXT_TRY, previous=[TRY], worker="w", lease=60.0
    ),
    "ledger.lease_kept": keep_lease,
    "ledger.rest": lambda case: ledger.rest(case.parcel, token=TRY),
    "parcels.take_back_claim": lambda case: parcels.take_back_claim(
        case.parcel, token=TRY, max_starts=3, code="internal"
    ),
    "ledger.advance": lambda case: ledger.advance(
        case.parcel, token=TRY, to={Step.FEATURES: case.ids}, queues={Step.FEATURES: "cpu.here"}
    ),
    "ledger.queued_after": lambda case: ledger.queued_after(case.parcel, Step.DECODE),
    "ledger.queue_of": lambda case: ledger.queue_of(case.parcel, Step.SUMMARIZE),
    "ledger.identify": lambda case: ledger.identify(case.parcel, token=TRY, file_ids={case.ids[0]: CONTENT}),
    "ledger.complete": lambda case: ledger.complete(case.parcel, token=TRY, ids=case.ids),
    "ledger.skip": lambda case: ledger.skip(case.parcel, token=TRY, ids=case.ids, reason="known"),
    "ledger.fail": lambda case: ledger.fail(case.parcel, token=TRY, errors={case.ids[0]: UnreadableError("no")}),
    "parcels.pending": lambda case: parcels.pending(case.batch, limit=10),
    "parcels.reserve": lambda case: parcels.reserve(case.batch, case.pending, queue="cpu"),
    "parcels.reserve_last_chance": last_chance,
    "parcels.in_flight": lambda _: parcels.in_flight(Queues("samplemind", "here")),
    "parcels.take_back_expired": lambda _: parcels.take_back_expired(max_starts=3),
    "parcels.take_back_parcel": lambda case: parcels.take_back_parcel(
        case.parcel, task_id="task", max_starts=3, code="timeout"
    ),
    "waiting.waits_for": lambda case: waiting.waits_for(case.batch),
    "waiting.roots_to_read": lambda case: waiting.roots_to_read(batches.find(case.batch)),
    "parcels.give_back_claim": lambda case: parcels.give_back_claim(case.parcel, token="nobody"),  # noqa: S106 -- a claim
    "parcels.give_back": lambda _: parcels.give_back("w"),
    "parcels.waiting_parcels": lambda _: parcels.waiting_parcels(older_than=0.0),
    "parcels.newest_claims": lambda _: parcels.newest_claims(),
    "parcels.requeue": requeue,
    "parcels.live_parcels": lambda case: parcels.live_parcels([case.parcel]),
    "displaced.note": lambda _: mongo.run(displaced.note([CONTENT])),
    "displaced.expired": lambda _: displaced.expired(older_than=timedelta(0), limit=5),
    "displaced.drop": lambda _: displaced.drop({content_id(1): mongo.now()}),
    "displaced.forget": lambda _: displaced.forget([content_id(2)]),
    "stale.mark": lambda _: stale.mark([CONTENT]),
    "stale.note": lambda _: mongo.run(stale.note([CONTENT])),
    "stale.drop": lambda _: mongo.run(stale.drop({CONTENT: "token"})),
    "stale.marked": lambda _: stale.marked(limit=3),
    "entries.read": lambda _: entries.read([CONTENT]),
    "entries.write": lambda _: write_entry(),
    "entries.progress": lambda _: entries.progress(),
    "entries.generation": lambda _: entries.generation(),
    "entries.raise_generation": lambda _: entries.raise_generation(),
    "entries.raised_here": lambda _: (entries.raised_here(), entries.generation()),
    "entries.begin": lambda _: begin_entries(),
    "entries.next_contents": lambda _: entries.next_contents(after="", limit=3),
    "entries.advance": lambda _: entries.advance(CONTENT),
    "entries.finish": lambda _: entries.finish(),
    "entry_search.count": lambda _: entry_search.count([["loop"], ["kind=loop", "kind=track"]], most=10),
    "entry_search.by_terms": lambda _: entry_search.by_terms(
        ["0001"], passing([["loop"], ["kind=loop", "kind=track"]], ["none"], [{"tempo": {"$gte": 0}}]), limit=10
    ),
    "entry_search.shares": lambda _: entry_search.shares([["0001"], ["nothing"]], counted=1),
    "entry_search.shared_moments": lambda _: entry_search.shared_moments(["0001"], ["0001+"], before=None, keys=10),
    "entry_search.keys_of": lambda _: entry_search.keys_of("0001", most=10),
    "entry_search.of_moments": lambda _: entry_search.of_moments([0, 1], {}, limit=10),
    "entry_search.at_moments": lambda _: entry_search.at_moments(["0001"], [0, 1], {}, limit=10),
    "entry_search.sorted_among": lambda _: entry_search.sorted_among(["0001"], {}, order="duration", limit=3),
    "entry_search.in_order": lambda _case: [
        entry_search.in_order({}, order=order, limit=3, after=after)
        for order in entry_search.ORDERS
        for after in (None, Position(8.0 if order != "name" else "0", CONTENT), Position(None, CONTENT))
        if not (order == "added" and after)
    ],
    "entry_search.place_behind": lambda _case: [
        entry_search.place_behind(terms, {}, order=order, skip=2, after=after)
        for order in entry_search.ORDERS
        for terms in ([], ["0001"])
        for after in (None, Position(8.0 if order != "name" else "0", CONTENT))
    ],
    "entry_search.total": lambda _: entry_search.total(),
    "entry_search.of": lambda _: entry_search.of([CONTENT]),
    "entry_search.next_terms": lambda _: entry_search.next_terms("000", limit=3),
    "entry_search.sample_of_terms": lambda _: entry_search.sample_of_terms(),
    "places.save": lambda _: places.save([place(0)]),
    "places.unchanged": lambda _: places.unchanged([(place(0).id, 1000, 1, 1)], versions=VERSIONS),
    "places.at": lambda _: places.at("/library", PATH),
    "places.of": lambda _: (places.of([CONTENT]), places.of([CONTENT], gone=True)),
    "places.some_of": lambda _: places.some_of(CONTENT, limit=3),
    "places.lying_in": lambda _: places.lying_in([CONTENT], roots=["/library"]),
    "places.with_ids": lambda _: places.with_ids(["00" * 16]),
    "places.below": lambda _: [list(places.below(area, in_order=sort)) for area in AREAS for sort in (False, True)],
    "places.by_path": lambda _: list(places.by_path()),
    "places.end": lambda _: places.end([place(1)]),
    "places.move": lambda _: places.move([(place(2), replace(place(2), path=b"moved.wav"))]),
    "places.expired": lambda _: places.expired(older_than=timedelta(0), limit=5),
    "places.wanted": lambda _: places.wanted([CONTENT], older_than=timedelta(days=1)),
    "places.drop": lambda _: places.drop([replace(place(3), gone_at=mongo.now())]),
    "thinning.thin": thin,
    "thinning.finish_thinning": lambda case: mongo.run(thinning.finish_thinning(case.batch)),
    "thinning.note_removed": lambda _: thinning.note_removed({"items": 1}),
    "thinning.take_removed": lambda _: thinning.take_removed(),
    "results.take_out": lambda _: results.take_out([content_id("x")]),
    "results.put_back": lambda _: results.put_back({"audio_files": [{"_id": content_id("x")}]}),
    "places.remember_mounts": lambda _: places.remember_mounts("host", [b"/media"]),
    "places.known_mounts": lambda _: places.known_mounts("host"),
    "waveforms.save": lambda _: waveforms.save({CONTENT: b"\x80" * 6}),
    "waveforms.lacking": lambda _: waveforms.lacking([CONTENT]),
    "waveforms.present": lambda _: mongo.run(waveforms.present({CONTENT})),
    "waveforms.of": lambda _: waveforms.of([CONTENT]),
    "results.progress_of": lambda _: results.progress_of([CONTENT]),
    "results.vectors_of": lambda _: results.vectors_of([CONTENT]),
    "results.mark_stored": lambda _: results.mark_stored([CONTENT], version=VERSIONS["store"]),
    "results.save_analyses": lambda _: results.save_analyses([(audio_facts(CONTENT), analysis_facts(CONTENT))]),
    "results.update_analyses": lambda _: results.update_analyses({CONTENT: {"ai_summary": "A loop."}}),
    "copies.repeated": lambda _: copies.repeated(),
    "copies.same_audio": lambda _: copies.same_audio(),
    "copies.facts_of": lambda _: copies.facts_of([CONTENT]),
    "copies.without_hash": lambda _: copies.without_hash(),
    "copies.count_files": lambda _: copies.count_files([CONTENT]),
    "copies.fingerprints": lambda _: list(copies.fingerprints()),
    "results.unwritten": lambda _: results.unwritten(after=CONTENT[:2], limit=3),
    "results.added_between": lambda _: results.added_between([CONTENT], datetime(2026, 1, 1, tzinfo=UTC), None),
    "results.unwritten_of": lambda _: results.unwritten_of([CONTENT]),
    "results.unwritten_among": lambda _: results.unwritten_among([CONTENT], "none"),
    "results.load": lambda _: results.load([CONTENT]),
    "results.form_of": lambda _: results.form_of(CONTENT),
    "results.resolve": lambda _: results.resolve(CONTENT[:12]),
    "results.last_error_at": lambda case: results.last_error_at(
        {"batch_id": case.batch, "state": "failed", "$or": [{"root": "/library", "path": "0000.wav"}]}
    ),
    "results.iterate": lambda _: list(results.iterate()),
    "packs.take_turn": lambda _: packs.take_turn("run", lease=60.0),
    "packs.turn_kept": keep_turn,
    "packs.require_turn": lambda _: (packs.take_turn("run", lease=60.0), packs.require_turn("run")),
    "packs.note_run": lambda _: packs.note_run("run", began=mongo.now()),
    "packs.last_run": lambda _: packs.last_run(),
    "packs.begin": lambda _: packs.begin(origin(OTHERS), run="run", folders=["unknown/0", "unknown/new"]),
    "packs.adopt": lambda _: packs.adopt(content_id(0), run="run"),
    "packs.update": lambda _: packs.update(content_id(0), run="run", files=2),
    "packs.finish": lambda _: packs.finish(content_id(0), run="run"),
    "packs.refuse": lambda _: packs.refuse(origin(1), run="run", reason="no"),
    "packs.find": lambda _: packs.find(content_id(0)),
    "packs.unfinished": lambda _: packs.unfinished(),
    "pack_lists.page": lambda _: [
        pack_lists.page(state=state, before=before, limit=3)
        for state in (None, PackState.DONE)
        for before in (None, (mongo.now(), content_id(0)))
    ],
    "pack_lists.keep_report": lambda _: pack_lists.keep_report({"run": "run", "outcomes": []}),
    "pack_lists.reports": lambda _: (pack_lists.reports(before=None, limit=3), pack_lists.reports(before="s", limit=3)),
    "pack_lists.report_of": lambda _: pack_lists.report_of("run"),
    "spend.reserve": lambda case: (put_aside(case.batch), refused_one(case.batch)),
    "spend.settle": lambda case: spend.settle(put_aside(case.batch), usage=Usage(1, 1, 1), spent=1),
    "spend.counted": lambda _: spend.counted(),
    "spend.purses": lambda _: spend.purses(days=30),
    "spend.sums_of_batch": lambda case: mongo.run(spend.sums_of_batch(case.batch)),
    "ai_jobs.begin": lambda case: (ai_jobs.begin(case.batch, writer="w", patience=0.0), begin_again()),
    "ai_jobs.prepare": lambda _: ai_jobs.prepare(
        "0", writer="w", prompt_version="1", parcels={"0-0": [CONTENT]}, reservation=None, read_at=mongo.now()
    ),
    "ai_jobs.count_attempt": lambda _: ai_jobs.count_attempt("0"),
    "ai_jobs.drop": lambda case: ai_jobs.drop(case.batch),
    "ai_jobs.submitted": lambda _: ai_jobs.submitted("0", name="n"),
    "ai_jobs.contents_under_way": lambda _: ai_jobs.contents_under_way(),
    "ai_jobs.under_way": lambda _: ai_jobs.under_way(),
    "ai_jobs.end": lambda _: ai_jobs.end("0"),
    "fits.look_up": lambda _: fits.look_up(
        [{"camelot": {"$in": ["8A", "9A"]}, "tempo": {"$gte": 119.0, "$lte": 121.0}}, {"tempo": {"$gt": 300.0}}],
        limit=FEW,
    ),
    "fits.are_few": lambda _: fits.are_few([{"terms": {"$in": ["kind=loop"]}}], limit=3),
    "marks.tag_keys": lambda _: marks.tag_keys(marks.of([CONTENT])[CONTENT]),
    "marks.known": lambda _: marks.known([CONTENT]),
    "marks.of": lambda _: marks.of([CONTENT]),
    "marks.write": lambda _: marks.write([CONTENT], MARK),
    "marks.drop": lambda _: marks.drop([content_id("x")]),
    "marks.tag_names": lambda _: marks.tag_names(["tag 1", "none"]),
    "marks.tag_counts": lambda _: marks.tag_counts(limit=3),
    "marks.members": lambda _: marks.members("favourites:bert", limit=3),
    "marks.count": lambda _: marks.count("favourites:bert"),
    "sample_collections.create": lambda _: sample_collections.create("local", name="0", key="0"),
    "sample_collections.rename": lambda _: sample_collections.rename("none", name="0", key="0"),
    "sample_collections.of_user": lambda _: sample_collections.of_user("bert", limit=3),
    "sample_collections.find": lambda _: (
        sample_collections.find("bert", collection="none"),
        sample_collections.find("bert", key="set"),
    ),
    "sample_collections.touch": lambda _: sample_collections.touch("none"),
    "sample_collections.hide": lambda _: sample_collections.hide("none"),
    "sample_collections.hidden": lambda _: sample_collections.hidden(limit=3),
    "sample_collections.drop": lambda _: sample_collections.drop("none"),
    "turns.take": lambda _: turns.take("job", "run", lease=60.0),
    "turns.kept": keep_turn_of_job,
    "turns.give_back": lambda _: turns.give_back("job", "run"),
    "turns.require": lambda _: (turns.take("job", "run", lease=60.0), turns.require("job", "run")),
    "turns.is_held": lambda _: turns.is_held("job"),
    "sound_map.sources": lambda _: list(sound_map.sources()),
    "sound_map.state": lambda _: sound_map.state(),
    "sound_map.entries": lambda _: sound_map.entries(),
    "sound_map.note": lambda _: sound_map.note(progress=0.5),
    "sound_map.save": lambda case: sound_map.save(case.batch, "ids", b"1"),
    "sound_map.publish": lambda _: sound_map.publish("2", instead_of="1", values={}),
    "sound_map.drop_others": lambda _: sound_map.drop_others(["0"]),
    "sound_map.read": lambda _: sound_map.read("0", "ids"),
    "sound_map.report": lambda _: sound_map.report(),
    "places.copies_in": lambda _: places.copies_in({"none", "/none"}),
    "entry_search.ids_of": lambda _: entry_search.ids_of(["kind=none"]),
    "entry_search.tag_counts": lambda _: entry_search.tag_counts(["kind=none"]),
    "overview.counts_of": lambda _: overview.counts_of(["in=none"], {"none", "/none"}),
    "overview.counts": lambda _: overview.counts(),
    "overview.added_within": lambda _: overview.added_within((7, 30)),
    "overview.failures": lambda _: overview.failures(),
    "vector_index.names": lambda _: vector_index.names(1, first="first"),
    "vector_index.state": lambda _: vector_index.state(1),
    "vector_index.stored": lambda _: vector_index.stored(VERSIONS["store"]),
    "vector_index.with_vector": lambda _: vector_index.with_vector(VERSIONS["store"]),
    "vector_index.older": lambda _: vector_index.older(VERSIONS["store"]),
    "vector_index.with_older_vector": lambda _: vector_index.with_older_vector(VERSIONS["store"]),
    "vector_index.forget": lambda _: vector_index.forget(7),
    "vector_index.note_complete": lambda _: vector_index.note_complete(1),
    "vector_index.lately_complete": lambda _: vector_index.lately_complete(1, seconds=60.0, least=1),
    "recipes.convertible": lambda _: recipes.convertible(VERSIONS["store"], first=2, limit=3),
    "recipes.count_convertible": lambda _: recipes.count_convertible(VERSIONS["store"], first=2),
    "recipes.set_vectors": lambda _: recipes.set_vectors(3, [Outdated(CONTENT, 2, b"")], {CONTENT: [1.0]}),
    "recipes.mark_stored": lambda _: recipes.mark_stored(3, [CONTENT]),
    "entry_vectors.passing": lambda _: entry_vectors.passing([CONTENT], {"kind": "loop"}),
    "entry_vectors.total": lambda _: entry_vectors.total(),
    "entry_vectors.count": lambda _: entry_vectors.count({"terms": {"$in": ["tag=none"]}}, most=3),
    "entry_vectors.vectors": lambda _: entry_vectors.vectors({"terms": {"$in": ["tag=none"]}}, recipe=2),
    "entry_vectors.same_audio": lambda _: entry_vectors.same_audio("none"),
    "vector_index.sample": lambda _: vector_index.sample(VERSIONS["store"], 3),
    "vector_index.page": lambda _: vector_index.page(VERSIONS["store"], after=CONTENT, limit=3),
    "vector_index.still_there": lambda _: vector_index.still_there([CONTENT]),
    "vector_index.unmark": lambda _: vector_index.unmark([CONTENT]),
    "vector_index.take_check": lambda _: vector_index.take_check(1, first="first", seconds=60.0),
    "vector_index.note": lambda _: vector_index.note(1, complete=True, damaged=False),
    "vector_index.take": lambda _: vector_index.take(1, first="first", holder="run", lease=60.0),
    "vector_index.begin": lambda _: vector_index.begin(1, holder="run", building="second", total=1),
    "vector_index.advance": lambda _: vector_index.advance(1, holder="run", after=CONTENT, copied=1, lease=60.0),
    "vector_index.take_over": lambda _: vector_index.take_over(1, holder="run", active="second"),
    "vector_index.give_up": lambda _: vector_index.give_up(1, holder="run"),
    "vector_index.note_swept": lambda _: vector_index.note_swept(1, holder="run"),
    "users.create": lambda _: users.create(
        f"new{mongo.now():%f}",
        role="viewer",
        roots=None,
        password="hash",  # noqa: S106 -- of a test
    ),
    "users.find": lambda _: users.find("7"),
    "users.page": lambda _: users.page(after="7", limit=3),
    "users.exist": lambda _: users.exist(),
    "users.active_admins": lambda _: users.active_admins(),
    "users.change": lambda _: users.change("7", {"role": "viewer"}, end_sessions=True),
    "users.set_hash": lambda _: users.set_hash("7", old="hash", new="hash"),
    "credentials.begin_family": lambda _: credentials.begin_family(
        f"{mongo.now():%f}", user_id="7", digest="d", lifetime=timedelta(days=1)
    ),
    "credentials.rotate": lambda _: credentials.rotate("7", digest="d", new="d"),
    "credentials.revoke_family": lambda _: credentials.revoke_family("8"),
    "credentials.revoke_families": lambda _: credentials.revoke_families("9"),
    "credentials.is_family": lambda _: credentials.is_family("7"),
    "credentials.add_token": lambda _: add_token(f"{mongo.now():%f}"),
    "credentials.token_of": lambda _: credentials.token_of("7"),
    "credentials.note_use": lambda _: credentials.note_use("7"),
    "credentials.tokens_of": lambda _: credentials.tokens_of("7"),
    "credentials.revoke_token": lambda _: credentials.revoke_token("8", user_id="8"),
    "credentials.signing_keys": lambda _: credentials.signing_keys(),
    "credentials.add_signing_key": lambda _: credentials.add_signing_key(
        f"{mongo.now():%f}", b"", lifetime=timedelta(days=1)
    ),
    "audit.append": lambda _: audit.append("7", "login", "7", detail={}),
    "audit.page": lambda _: (audit.page(limit=3), audit.page(user_id="7", limit=3), audit.page(action="x", limit=3)),
    "audit.remove": lambda _: audit.remove(older_than=timedelta(days=1)),
    "totals.ended": lambda _: (totals.ended(None), totals.ended(mongo.now())),
    "totals.unfinished": lambda _: totals.unfinished(),
    "totals.in_flight": lambda _: totals.in_flight(Queues("samplemind", "here")),
    "totals.contents": lambda _: totals.contents(),
    "vector_index.leave": lambda _: vector_index.leave(1, holder="run"),
}
STORES = (
    ai_jobs, audit, batch_lists, batches, copies, credentials, displaced, entries, entry_search, entry_vectors, fits,
    interrupted, ledger, marks, outdated, overview, pack_lists, packs, parcels, pausing, places, recipes, results,
    sample_collections, schemas, sound_map, spend, stale, thinning, totals, turns, unfinished, users, vector_index,
    waiting, waveforms,
)  # fmt: skip
# These read all there is, page by page, or all that has failed.
READ_ALL = {
    "results.iterate",
    "places.by_path",
    "entries.finish",
    "entry_search.sample_of_terms",
    "marks.tag_counts",
    "sound_map.sources",
    "overview.failures",
    "copies.repeated",
    "copies.fingerprints",
    "copies.without_hash",
    "totals.ended",
    "outdated.without_waveform",
}


def public_functions(module: ModuleType) -> list[str]:
    name = module.__name__.rpartition(".")[2]
    return [
        f"{name}.{key}"
        for key, value in vars(module).items()
        if isinstance(value, (FunctionType, mongo.Query))
        and value.__module__ == module.__name__
        and not key.startswith("_")
    ]


def profiled(level: int) -> None:
    async def _set() -> None:
        await mongo.database().command("profile", level)

    mongo.run(_set())


def take_profile() -> list[dict[str, Any]]:
    """What the profiler saw of commands on our collections since the last time; forgets it."""

    async def _take() -> list[dict[str, Any]]:
        seen = mongo.database()["system.profile"]
        rows = await seen.find({"ns": {"$not": {"$regex": r"\.(system\.profile|\$cmd.*)$"}}}).to_list()
        await seen.drop()
        return rows

    return mongo.run(_take())


@pytest.fixture
def plans(workspace: Workspace) -> dict[str, list[dict[str, Any]]]:
    """What the profiler saw of each function, on a record with many items, contents and places of others."""
    new_batch(OTHERS)
    places.save([place(number) for number in range(OTHERS)])
    results.save_analyses(
        [
            (
                audio_facts(content_id(n)),
                analysis_facts(content_id(n), ai_state="written" if n % 50 else "deferred", ai_wanted=n % 50 == 1),
            )
            for n in range(OTHERS)
        ]
    )
    for number in range(0, OTHERS, 7):
        ids = [content_id(other) for other in range(number, number + 7)]
        marks.write(ids, Change({f"tag {number}": ""}, frozenset(), frozenset({f"favourites:{number}"}), frozenset()))
        sample_collections.create(f"user {number}", name="Set", key="set")
    waveforms.save({content_id(n): b"\x80" * 6 for n in range(OTHERS)})
    mongo.run(displaced.note(content_id(n) for n in range(OTHERS)))
    # The files are named by numbers, of which one is "0001".
    entry.refresh_marked()
    results.update_analyses({content_id(n): {"versions.store": VERSIONS["store"]} for n in range(OTHERS)})
    for number in range(OTHERS // 7):
        spend.settle(put_aside(f"other{number}"), usage=Usage(1, 1, 1), spent=1)
        ai_jobs.begin(str(number), writer="w", patience=900.0)
        ai_jobs.end(str(number))
    for number in range(OTHERS):
        packs.begin(origin(number), run="run", folders=[f"unknown/{number}"])
        packs.finish(content_id(number), run="run")
    for number in range(2 * FEW):
        name = str(number)
        users.create(name, role="viewer", roots=None, password="hash")  # noqa: S106 -- of a test
        credentials.begin_family(name, user_id=name, digest="d", lifetime=timedelta(days=1))
        credentials.add_signing_key(name, b"", lifetime=timedelta(days=1))
        add_token(name)
        audit.append(name, "login", name, detail={})
    assert workspace.settings.database == mongo.database().name
    found: dict[str, list[dict[str, Any]]] = {}
    for name, call in CALLS.items():
        case = make_case()
        profiled(2)
        call(case)
        profiled(0)
        found[name] = take_profile()
        batches.cancel(case.batch)
    return found


def test_every_public_function_of_the_stores_is_called():
    known = [name for module in STORES for name in public_functions(module)]

    assert sorted(CALLS) == sorted(known)


def test_no_query_scans_a_collection(plans: dict[str, list[dict[str, Any]]]):
    seen = [(name, row) for name, rows in plans.items() for row in rows]
    scans = [(name, row["command"]) for name, row in seen if "COLLSCAN" in row.get("planSummary", "")]
    silent = sorted(name for name, rows in plans.items() if not rows)
    many = [
        (name, row["docsExamined"], row["planSummary"])
        for name, row in seen
        if row.get("docsExamined", 0) > FEW and name not in READ_ALL
    ]
    sorted_in_memory = [
        name
        for name, row in seen
        if row.get("hasSortStage") and name in {"parcels.pending", "batches.iterate", "batches.recent"}
    ]
    counts = [row for row in plans["batches.report"] if is_count(row) and "fresh" not in str(row["command"])]

    assert scans == []
    assert silent == []
    assert many == []
    assert sorted_in_memory == []
    # Completed, failed, skipped, cancelled: counted by index keys alone.
    assert [row["docsExamined"] for row in counts] == [0, 0, 0, 0]
    for name in (
        "vector_index.stored",
        "vector_index.with_vector",
        "waveforms.lacking",
        "waveforms.present",
        "outdated.groups",
    ):
        assert [row["docsExamined"] for row in plans[name]] == [0]


def is_count(row: dict[str, Any]) -> bool:
    return any(
        "$group" in stage and stage["$group"].get("n") == {"$sum": 1} for stage in row["command"].get("pipeline", [])
    )
