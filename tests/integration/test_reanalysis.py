"""What a new version would do again is said beforehand, and done after all other work."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId

from config.settings import Settings
from samplemind_worker.documents.batch import BatchItem, Step
from samplemind_worker.documents.versions import VERSIONS, WAVEFORM_VERSION
from samplemind_worker.errors import UsageError
from samplemind_worker.finding import query
from samplemind_worker.finding.filters import Filter
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import batches, mongo, outdated, pausing, places, results, unfinished, waveforms
from samplemind_worker.submission import plan, reanalysis
from samplemind_worker.submission.options import DEFAULTS
from samplemind_worker.submission.plan import Wanted
from tests.chain import analyse, items_of, publish, run_chain, submit, work
from tests.command import Cli
from tests.factories import analysis_facts, audio_facts, content_id, new_batch, write_audio
from training import signals

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("chroma")]

OLDER = VERSIONS["tempo_key"] - 1


@pytest.fixture
def library(workspace: Workspace, tmp_path: Path) -> Path:
    """Three files that are analysed."""
    folder = tmp_path / "library"
    write_audio(folder / "kick.wav", signals.kick())
    write_audio(folder / "snare.wav", signals.snare())
    write_audio(folder / "pack" / "hat.wav", signals.hat_closed())
    analyse(workspace, folder)
    return folder


def content_at(library: Path, name: str) -> str:
    found = places.at(str(library), name.encode())
    assert found is not None
    return found.file_id


def set_analysis(content: str, **values: Any) -> None:
    mongo.run(mongo.collection("analyses").update_one({"_id": content}, {"$set": values}))


def make_older(*contents: str, step: str = "tempo_key") -> None:
    """As if an older version had done a step; what follows from it was done by that version, too."""
    for content in contents:
        set_analysis(content, **{f"versions.{step}": VERSIONS[step] - 1})


def versions_of(content: str) -> dict[str, int]:
    return results.progress_of([content])[content]["versions"]


@pytest.mark.usefixtures("library")
def test_of_the_current_version_nothing_is_done_again(settings: Settings):
    made = plan.make(settings, Wanted())

    assert (made.contents, set(made.old.values()), made.elapsed) == (3, {0}, 0)
    assert reanalysis.record(settings, Wanted(), DEFAULTS).job is None
    assert batches.open_batches() == []


def test_what_an_older_version_analysed_is_analysed_again(workspace: Workspace, settings: Settings, library: Path):
    kick, snare = content_at(library, "kick.wav"), content_at(library, "snare.wav")
    set_analysis(kick, tempo=1.0, **{"versions.tempo_key": OLDER})
    before = results.progress_of([kick, snare])

    made = plan.make(settings, Wanted())
    done = reanalysis.record(settings, Wanted(), DEFAULTS)

    assert made.old == {"decode": 0, "features": 0, "tempo_key": 1, "summarize": 0}
    assert (made.tally.analyse, made.tally.texts, made.tally.is_exact) == (1, 1, True)
    assert made.tally.seconds == pytest.approx(sum(results.load([kick])[kick][1].seconds.values()))
    assert done.job is not None
    assert [item.file_id for item in items_of(done.job.id).values()] == [kick]
    work(workspace)
    assert batches.find(done.job.id).results == {
        "counts": {"completed": 1, "failed": 0, "skipped": 0, "cancelled": 0, "running": 0, "pending": 0}, "errors": {},
    }  # fmt: skip
    assert versions_of(kick) == VERSIONS
    assert results.load([kick])[kick][1].tempo is None
    assert results.progress_of([snare])[snare] == before[snare]


def test_a_summary_of_an_older_version_is_written_again_without_the_file(
    workspace: Workspace, settings: Settings, library: Path
):
    kick = content_at(library, "kick.wav")
    make_older(kick, step="summarize")
    set_analysis(kick, ai_summary="as it was")
    (library / "kick.wav").chmod(0)

    done = reanalysis.record(settings, Wanted(), DEFAULTS)

    assert plan.make(settings, Wanted()).tally.summarize == 1
    assert done.job is not None
    assert [item.step for item in items_of(done.job.id).values()] == [Step.SUMMARIZE]
    work(workspace)
    assert batches.report(batches.find(done.job.id))["completed"] == 1
    assert versions_of(kick) == VERSIONS
    assert results.load([kick])[kick][1].ai_summary != "as it was"


def test_of_a_summary_by_a_model_none_is_asked_for_again(workspace: Workspace, settings: Settings, library: Path):
    kick = content_at(library, "kick.wav")
    make_older(kick, step="summarize")
    set_analysis(kick, ai_state="written", ai_provider="gemini", ai_summary="by a model")

    assert plan.make(settings, Wanted()).tally.texts == 0
    reanalysis.record(settings, Wanted(), DEFAULTS)
    work(workspace)

    assert results.load([kick])[kick][1].ai_summary == "by a model"
    assert versions_of(kick) == VERSIONS


@pytest.mark.parametrize(
    ("step", "taken"), [(None, {"kick.wav", "snare.wav"}), ("tempo_key", {"kick.wav"}), ("summarize", {"snare.wav"})]
)
def test_a_step_narrows_what_is_done_again(settings: Settings, library: Path, step: str | None, taken: set[str]):
    make_older(content_at(library, "kick.wav"))
    make_older(content_at(library, "snare.wav"), step="summarize")

    done = reanalysis.record(settings, Wanted(step), DEFAULTS)

    assert done.job is not None
    assert items_of(done.job.id).keys() == taken


def older_waveform(*contents: str) -> None:
    change = {"$set": {"version": WAVEFORM_VERSION - 1, "data": b"older"}}
    mongo.run(mongo.collection("waveforms").update_many({"_id": {"$in": list(contents)}}, change))


@pytest.mark.parametrize("wanted", [Wanted(), Wanted("waveform"), Wanted(chosen=Filter(packs=("library",)))])
def test_a_file_with_an_older_waveform_is_decoded_for_that_alone(
    workspace: Workspace, settings: Settings, library: Path, wanted: Wanted
):
    kick, snare = content_at(library, "kick.wav"), content_at(library, "snare.wav")
    drawn, before = waveforms.of([kick, snare]), list(results.iterate())
    older_waveform(kick)
    mongo.run(mongo.collection("waveforms").delete_one({"_id": snare}))

    made = plan.make(settings, wanted)
    done = reanalysis.record(settings, wanted, DEFAULTS)

    tally = made.tally
    assert (made.waveforms, tally.draw, tally.analyse, tally.texts, tally.is_exact) == (2, 2, 0, 0, True)
    assert tally.seconds == pytest.approx(sum(results.load([one])[one][1].seconds["decode"] for one in (kick, snare)))
    assert done.job is not None
    assert items_of(done.job.id).keys() == {"kick.wav", "snare.wav"}
    assert [run_chain(workspace, parcel, step) for parcel, step in publish(workspace)] == [[Step.DECODE]]
    assert batches.report(batches.find(done.job.id))["completed"] == 2
    assert waveforms.of([kick, snare]) == drawn
    assert list(results.iterate()) == before
    assert reanalysis.record(settings, wanted, DEFAULTS).job is None


def test_a_file_with_an_older_waveform_and_an_older_summary_gets_both(
    workspace: Workspace, settings: Settings, library: Path
):
    kick, snare = content_at(library, "kick.wav"), content_at(library, "snare.wav")
    drawn = waveforms.of([kick])
    make_older(kick, snare, step="summarize")
    older_waveform(kick)

    made = plan.make(settings, Wanted())
    done = reanalysis.record(settings, Wanted(), DEFAULTS)

    assert (made.tally.draw, made.tally.summarize) == (1, 2)
    assert done.job is not None
    assert {item.path: item.step for item in items_of(done.job.id).values()} == {
        "kick.wav": Step.DECODE, "snare.wav": Step.SUMMARIZE,
    }  # fmt: skip
    work(workspace)
    assert batches.report(batches.find(done.job.id))["completed"] == 2
    assert waveforms.of([kick]) == drawn
    assert versions_of(kick) == versions_of(snare) == VERSIONS


def test_an_older_waveform_does_not_widen_what_was_asked_for(settings: Settings, library: Path):
    make_older(content_at(library, "kick.wav"))
    older_waveform(content_at(library, "snare.wav"))

    made = plan.make(settings, Wanted("tempo_key"))
    done = reanalysis.record(settings, Wanted("tempo_key"), DEFAULTS)

    assert (made.tally.analyse, made.tally.draw, made.waveforms) == (1, 0, 1)
    assert done.job is not None
    assert items_of(done.job.id).keys() == {"kick.wav"}


def test_of_many_older_waveforms_all_are_counted(settings: Settings, library: Path, monkeypatch: pytest.MonkeyPatch):
    older_waveform(*(content_at(library, name) for name in ("kick.wav", "snare.wav", "pack/hat.wav")))
    monkeypatch.setattr(plan, "_SAMPLE", 1)
    monkeypatch.setattr(plan, "_KEYS", 2)

    made = plan.make(settings, Wanted())
    done = reanalysis.record(settings, Wanted(), DEFAULTS)

    assert (made.tally.draw, made.tally.is_exact, done.files) == (3, False, 3)


@pytest.mark.usefixtures("workspace")
def test_the_plan_of_an_empty_record_is_empty(cli: Cli, settings: Settings):
    made = plan.make(settings, Wanted())

    assert (made.contents, made.elapsed, made.waveforms, made.tally) == (0, 0, 0, plan.Tally())
    assert reanalysis.record(settings, Wanted(), DEFAULTS).job is None
    assert json.loads(cli("plan", "--json")[1])["contents"] == 0
    assert "nothing to do again" in cli("plan")[1]
    assert cli("reanalyze")[0] == 0


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(query=query.read("hat"), force=True),
        Wanted(chosen=Filter(packs=("pack",)), force=True),
        Wanted("features", query=query.read("hat -kick"), force=True),
    ],
)
def test_a_search_and_force_choose_what_is_done_again(
    workspace: Workspace, settings: Settings, library: Path, wanted: Wanted
):
    hat = content_at(library, "pack/hat.wav")
    before = results.progress_of([hat])[hat]["analyzed_at"]

    assert plan.make(settings, wanted).tally.analyse == 1
    done = reanalysis.record(settings, wanted, DEFAULTS)

    assert done.job is not None
    assert items_of(done.job.id).keys() == {"pack/hat.wav"}
    work(workspace)
    assert results.progress_of([hat])[hat]["analyzed_at"] > before


def test_of_copies_one_that_was_asked_for_is_taken(workspace: Workspace, settings: Settings, library: Path):
    copies = [library / "a" / "copy.wav", library / "pack" / "copy.wav", library / "z" / "copy.wav"]
    for copy in copies:
        write_audio(copy, signals.snare(seed=3))
    analyse(workspace, library)

    done = reanalysis.record(settings, Wanted(chosen=Filter(paths=(str(copies[1]),)), force=True), DEFAULTS)

    assert done.job is not None
    assert items_of(done.job.id).keys() == {"pack/copy.wav"}


def test_what_is_gone_is_left_out(workspace: Workspace, settings: Settings, library: Path):
    kick = content_at(library, "kick.wav")
    make_older(kick, content_at(library, "snare.wav"))
    (library / "kick.wav").unlink()
    analyse(workspace, library)
    make_older(content_at(library, "snare.wav"))

    made = plan.make(settings, Wanted())
    done = reanalysis.record(settings, Wanted(), DEFAULTS)

    assert (made.tally.analyse, made.tally.gone) == (1, 1)
    assert (done.files, done.gone) == (1, 1)


@pytest.mark.usefixtures("workspace")
def test_a_large_library_is_judged_by_a_sample(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    contents = [content_id(number) for number in range(40)]
    old = dict.fromkeys(("decode", "features", "tempo_key", "summarize"), 1)
    results.save_analyses(
        [
            (audio_facts(content), analysis_facts(content, versions=old, seconds={"decode": 0.5, "tempo_key": 1.5}))
            for content in contents
        ]
    )
    lie = [places.Place("/lib", name.encode(), name, 1, 1, 1, settled=True) for name in contents]
    places.save(lie)
    monkeypatch.setattr(plan, "_SAMPLE", 8)

    tally = plan.make(settings, Wanted()).tally

    assert (tally.analyse, tally.seconds, tally.is_exact) == (40, 80.0, False)


def test_the_pace_is_that_of_the_last_batches(workspace: Workspace, tmp_path: Path):
    for number in range(24):
        write_audio(tmp_path / "many" / f"{number}.wav", signals.kick(seed=number))
    job = submit(workspace, tmp_path / "many")
    work(workspace)
    ended = batches.find(job.id)

    pace = outdated.pace()

    assert ended.finished_at is not None
    assert ended.started_at is not None
    assert (pace.batches, pace.files) == (1, 24)
    assert pace.elapsed == (ended.finished_at - ended.started_at).total_seconds()
    assert pace.seconds > 0


def test_it_is_done_after_everything_else(workspace: Workspace, settings: Settings, library: Path, tmp_path: Path):
    make_older(content_at(library, "kick.wav"))
    done = reanalysis.record(settings, Wanted(), DEFAULTS)
    assert done.job is not None
    write_audio(tmp_path / "new" / "tom.wav", signals.kick(seed=7))
    bulk = submit(workspace, tmp_path / "new", priority="bulk")

    assert [job.id for job in batches.open_batches()] == [bulk.id, done.job.id]
    parcels = [items_by_parcel(parcel) for parcel, _ in publish(workspace)]
    assert parcels == [{bulk.id}, {done.job.id}]


def items_by_parcel(parcel: str) -> set[str]:
    async def _find() -> list[BatchItem]:
        return await BatchItem.find({"parcel_id": ObjectId(parcel)}).to_list()

    return {item.batch_id for item in mongo.run(_find())}


def test_the_same_is_not_begun_twice(settings: Settings, library: Path):
    make_older(content_at(library, "kick.wav"))
    done = reanalysis.record(settings, Wanted(), DEFAULTS)

    assert done.job is not None
    with pytest.raises(UsageError, match=done.job.id):
        reanalysis.record(settings, Wanted(), DEFAULTS)


def test_of_two_at_once_one_records(workspace: Workspace, settings: Settings, library: Path):
    make_older(content_at(library, "kick.wav"))
    together = threading.Barrier(4)

    def record() -> str:
        together.wait()
        try:
            return "recorded" if reanalysis.record(settings, Wanted(), DEFAULTS).job is not None else "nothing"
        except UsageError:
            return "refused"

    with ThreadPoolExecutor(4) as pool:
        ends = [future.result() for future in [pool.submit(record) for _ in range(4)]]

    assert sorted(ends) == ["recorded", "refused", "refused", "refused"]
    [job] = batches.open_batches()
    assert job.total_files == 1
    work(workspace)
    assert reanalysis.record(settings, Wanted(), DEFAULTS).job is None


def test_a_paused_batch_begins_nothing_until_it_is_resumed(workspace: Workspace, settings: Settings, library: Path):
    make_older(*(content_at(library, name) for name in ("kick.wav", "snare.wav", "pack/hat.wav")))
    done = reanalysis.record(settings, Wanted(), DEFAULTS.model_copy(update={"files_per_chain": 1}))
    assert done.job is not None
    under_way = publish(workspace, window_per_slot=1)

    assert pausing.pause(done.job.id)
    assert not pausing.pause(done.job.id)
    assert unfinished.at_work() == []
    assert unfinished.batch_ids() == [done.job.id]
    for parcel, step in under_way:
        run_chain(workspace, parcel, step)
    held = batches.report(batches.find(done.job.id))
    assert (held["completed"], held["pending"]) == (2, 1)
    assert held["paused_at"] is not None
    assert held["eta_seconds"] is None
    assert publish(workspace) == []

    assert pausing.resume(done.job.id)
    assert not pausing.resume(done.job.id)
    work(workspace)
    report = batches.report(batches.find(done.job.id))
    assert (report["status"], report["completed"], report["paused_at"]) == ("completed", 3, None)
    with pytest.raises(UsageError, match="has ended"):
        pausing.pause(done.job.id)


def test_a_pause_does_not_count_as_time_at_work(workspace: Workspace):
    job = new_batch(3, files_per_chain=1)
    publish(workspace, window_per_slot=1)
    pausing.pause(job.id)
    ago = mongo.now() - timedelta(hours=2)
    jobs = mongo.collection("batch_jobs")
    # As if it had begun two hours ago, and been paused half an hour later.
    values = {"started_at": ago, "paused_at": ago + timedelta(minutes=30)}
    mongo.run(jobs.update_one({"_id": job.id}, {"$set": values}))

    def minutes_at_work() -> float:
        return round(batches.find(job.id).seconds_at_work(mongo.now()) / 60)

    assert minutes_at_work() == 30
    pausing.resume(job.id)
    assert minutes_at_work() == 30
    pausing.pause(job.id)
    assert minutes_at_work() == 30
    batches.cancel(job.id)
    ended = batches.find(job.id)
    assert (ended.paused_at, round(ended.seconds_at_work(ended.finished_at) / 60)) == (None, 30)


def test_a_batch_that_ends_is_no_longer_paused(workspace: Workspace, settings: Settings, library: Path):
    make_older(content_at(library, "kick.wav"))
    done = reanalysis.record(settings, Wanted(), DEFAULTS)
    assert done.job is not None
    [(parcel, step)] = publish(workspace)
    pausing.pause(done.job.id)

    run_chain(workspace, parcel, step)
    batches.close_if_done(done.job.id)
    report = batches.report(batches.find(done.job.id))
    assert (report["status"], report["paused_at"], report["eta_seconds"]) == ("completed", None, 0)


def test_the_last_chance_of_a_paused_batch_waits(workspace: Workspace):
    job = new_batch(1, items={"alone": True})
    items = mongo.collection("batch_items")
    mongo.run(items.update_one({"batch_id": job.id}, {"$set": {"last_chance": True}}))
    pausing.pause(job.id)

    assert publish(workspace) == []
    pausing.resume(job.id)
    assert len(publish(workspace)) == 1


def test_the_command_plans_does_and_holds(cli: Cli, workspace: Workspace, library: Path):
    kick = content_at(library, "kick.wav")
    make_older(kick)

    code, out, _ = cli("plan", "--json", "--step", "key")
    report = json.loads(out)
    assert (code, report["analyze"], report["contents"]) == (0, 1, 3)
    assert report["steps"]["tempo_key"] == {"version": VERSIONS["tempo_key"], "outdated": 1}
    assert cli("plan")[1].splitlines()[-2].startswith("1 file to analyse again, of 3 files")

    code, out, _ = cli("reanalyze", "--where", "kick", "--path", str(library), "--json")
    batch = json.loads(out)
    assert (code, batch["total_files"]) == (0, 1)
    assert batch["name"] == f"reanalyze --where kick --path {library}"
    assert "is paused" in cli("pause", "last")[2]
    assert "it is paused" in json.loads(cli("status", "last", "--json")[1])["notes"][0]
    assert "goes on" in cli("resume", "last")[2]
    workspace.connect()
    [item] = items_of(batch["batch_id"]).values()
    run_chain(workspace, str(item.parcel_id), Step.DECODE)

    assert versions_of(kick) == VERSIONS
    assert "nothing to do again" in cli("reanalyze")[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--step", "store"), "reindex"),
        (("--step", "chorus"), "no step 'chorus'"),
        (("--where", ""), "empty"),
        (("--where", "..."), "no word"),
        (("--bpm", "fast"), "fast"),
    ],
)
def test_bad_options_end_in_a_line(cli: Cli, arguments: tuple[str, ...], said: str):
    for command in ("plan", "reanalyze"):
        code, out, err = cli(command, *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert said in err
