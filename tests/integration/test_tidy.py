"""Tidying removes contents that are nowhere any more, and the items of batches that ended long ago."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from samplemind_worker.documents.batch import BatchJob, State, Step
from samplemind_worker.errors import UnreadableError, UsageError
from samplemind_worker.packs.report import Report
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import batches, ledger, mongo, parcels, places, results, thinning
from samplemind_worker.summaries import resummarize
from samplemind_worker.upkeep import tidy
from tests.chain import analyse, submit, work
from tests.command import Cli
from tests.factories import new_batch, new_item, write_audio
from training import signals

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("chroma")]

NOW = timedelta(0)
TRY = "t.0"
COUNTS = ("completed", "failed", "skipped", "cancelled", "pending", "running")


@pytest.fixture
def library(workspace: Workspace, tmp_path: Path) -> Path:
    """Two files that are analysed, of which one is then deleted."""
    write_audio(tmp_path / "library" / "kick.wav", signals.kick())
    write_audio(tmp_path / "library" / "snare.wav", signals.snare())
    analyse(workspace, tmp_path / "library")
    (tmp_path / "library" / "kick.wav").unlink()
    analyse(workspace, tmp_path / "library")
    return tmp_path / "library"


def eager(settings: Settings) -> Settings:
    return settings.model_copy(update={"keep_gone_days": 0.0, "keep_items_days": 0.0})


def contents() -> list[str]:
    return [audio.file_id for audio, _ in results.iterate()]


def test_a_content_that_lies_nowhere_is_kept_for_its_time_and_then_swept(workspace: Workspace, library: Path):
    before = contents()
    assert tidy.sweep(workspace.vectors, older_than=timedelta(days=1)) == {}
    assert (contents(), workspace.vectors.ids()) == (before, set(before))

    assert tidy.sweep(workspace.vectors, older_than=NOW) == {"places": 1, "contents": 1}

    snare = places.at(str(library), b"snare.wav")
    assert snare is not None
    assert (contents(), workspace.vectors.ids()) == ([snare.file_id], {snare.file_id})
    assert places.at(str(library), b"kick.wav") is None
    assert tidy.sweep(workspace.vectors, older_than=NOW) == {}


def test_a_content_that_lies_elsewhere_is_not_swept(workspace: Workspace, tmp_path: Path):
    first = write_audio(tmp_path / "library" / "kick.wav", signals.kick())
    analyse(workspace, first.parent)
    first.rename(first.with_name("moved.wav"))
    analyse(workspace, first.parent)

    assert tidy.sweep(workspace.vectors, older_than=NOW) == {"places": 1}

    assert len(contents()) == len(workspace.vectors.ids()) == 1


def test_a_content_that_another_one_replaced_is_kept_for_its_time_and_then_swept(workspace: Workspace, tmp_path: Path):
    path = write_audio(tmp_path / "library" / "a.wav", signals.kick())
    analyse(workspace, path.parent)
    (first,) = contents()
    write_audio(path, signals.snare())
    analyse(workspace, path.parent)
    assert tidy.sweep(workspace.vectors, older_than=timedelta(days=1)) == {}
    assert first in contents()

    assert tidy.sweep(workspace.vectors, older_than=NOW) == {"contents": 1}

    (second,) = contents()
    assert second != first
    assert workspace.vectors.ids() == {second}
    assert tidy.sweep(workspace.vectors, older_than=NOW) == {}


def test_a_content_that_was_replaced_and_came_back_is_not_swept(workspace: Workspace, tmp_path: Path):
    path = write_audio(tmp_path / "library" / "a.wav", signals.kick())
    analyse(workspace, path.parent)
    (first,) = contents()
    write_audio(path, signals.snare())
    analyse(workspace, path.parent)
    write_audio(path, signals.kick())
    analyse(workspace, path.parent)

    assert tidy.sweep(workspace.vectors, older_than=NOW) == {"contents": 1}

    assert contents() == [first]
    assert workspace.vectors.ids() == {first}


def test_what_was_swept_and_comes_back_is_analysed_anew(workspace: Workspace, library: Path):
    tidy.sweep(workspace.vectors, older_than=NOW)
    write_audio(library / "kick.wav", signals.kick())

    assert analyse(workspace, library)["completed"] == 1
    assert len(contents()) == len(workspace.vectors.ids()) == 2


def test_a_sweep_that_was_killed_is_finished_by_the_next(workspace: Workspace, library: Path):
    gone = places.at(str(library), b"kick.wav")
    assert gone is not None
    results.take_out([gone.file_id])  # the sweep died right after this

    assert tidy.sweep(workspace.vectors, older_than=NOW) == {"places": 1, "contents": 1}

    assert workspace.vectors.ids() == set(contents())


def test_what_is_taken_out_can_be_put_back(library: Path):
    before = results.load(contents())

    taken = results.take_out(contents())
    assert contents() == []
    results.put_back(taken)

    assert library.is_dir()
    assert results.load(contents()) == before


def old_batch(*, failed: int = 1, completed: int = 2, skipped: int = 1) -> BatchJob:
    """A batch that has ended, with so many items."""
    job = new_batch(failed + completed)
    parcel, ids = claimed(job.id)
    ledger.fail(parcel, token=TRY, errors=dict.fromkeys(ids[:failed], UnreadableError("no")))
    ledger.complete(parcel, token=TRY, ids=ids[failed:])
    batches.add_items([new_item(job.id, 100 + number, skip_reason="known") for number in range(skipped)])
    batches.close_recording(job.id, total_files=failed + completed + skipped)
    assert batches.close_if_done(job.id)
    return job


def claimed(batch_id: str) -> tuple[str, list[Any]]:
    parcel, _ = parcels.reserve(batch_id, [row["_id"] for row in parcels.pending(batch_id, limit=99)], queue="cpu")
    return parcel, [item.id for item in ledger.claim(parcel, Step.DECODE, token=TRY, worker="w", lease=60.0)]


def counts(batch_id: str) -> dict[str, int]:
    """The counts of a batch that are not 0; they add up."""
    report = batches.report(batches.find(batch_id))
    assert sum(report[name] for name in COUNTS) == report["total_files"]
    return {name: report[name] for name in COUNTS if report[name]}


def test_an_old_batch_loses_its_items_and_keeps_counts_and_failures(workspace: Workspace):
    job, fresh = old_batch(), new_batch(2)
    before = batches.report(batches.find(job.id))
    assert tidy.run(workspace.vectors, workspace.settings) == {}

    assert tidy.run(workspace.vectors, eager(workspace.settings)) == {"items": 3, "batches": 1}

    after = batches.report(batches.find(job.id))
    assert after["thinned_at"] is not None
    assert {**after, "thinned_at": None} == before
    assert [item.state for item in batches.iterate(job.id)] == [State.FAILED]
    assert len(list(batches.iterate(fresh.id))) == 2
    assert tidy.run(workspace.vectors, workspace.settings) == {}


def test_a_batch_that_is_retried_after_thinning_keeps_its_counts(workspace: Workspace):
    job = old_batch(failed=2)
    tidy.run(workspace.vectors, eager(workspace.settings))

    assert batches.retry(job.id) == 2
    assert counts(job.id) == {"completed": 2, "skipped": 1, "pending": 2}
    parcel, ids = claimed(job.id)
    ledger.complete(parcel, token=TRY, ids=ids)
    assert batches.close_if_done(job.id)

    assert counts(job.id) == {"completed": 4, "skipped": 1}
    assert tidy.run(workspace.vectors, workspace.settings) == {}
    assert batches.cancel(job.id) == 0
    assert counts(job.id) == {"completed": 4, "skipped": 1}


@pytest.mark.usefixtures("workspace")
def test_a_retry_finishes_the_thinning_that_was_interrupted():
    job = old_batch()
    kept = {"completed": 2, "skipped": 1, "cancelled": 0}
    mongo.run(mongo.database()["batch_jobs"].update_one({"_id": job.id}, {"$set": {"thinned": kept}}))

    assert batches.retry(job.id) == 1

    assert counts(job.id) == {"completed": 2, "skipped": 1, "pending": 1}
    assert len(list(batches.iterate(job.id))) == 1


def test_a_cancelled_batch_that_was_thinned_is_cancelled_again_without_loss(workspace: Workspace):
    job = new_batch(4)
    batches.cancel(job.id)
    tidy.run(workspace.vectors, eager(workspace.settings))

    batches.cancel(job.id)

    assert counts(job.id) == {"cancelled": 4}


def test_commands_say_that_a_batch_was_thinned(workspace: Workspace, cli: Cli):
    job = old_batch()
    tidy.run(workspace.vectors, eager(workspace.settings))
    said = f"batch {job.id} ended long ago: of its 4 files only those that failed, or were retried, are listed still\n"

    with pytest.raises(UsageError, match="ended so long ago that its files are not listed"):
        resummarize.record(workspace.settings, batch_id=job.id)
    code, out, err = cli("files", job.id, "--json")
    assert (code, [json.loads(line)["state"] for line in out.splitlines()], err) == (0, ["failed"], said)
    code, out, err = cli("export", job.id, "--format", "json")
    assert (code, len(json.loads(out)), err) == (0, 1, said)
    _, out, _ = cli("status", job.id)
    assert "files listed  only those that failed, or were retried\n" in out


def test_the_report_of_a_run_by_the_command_says_what_was_removed(
    workspace: Workspace, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    old_batch()
    tidy.run(workspace.vectors, eager(workspace.settings))
    for name in ("home", "inbox", "packs"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("SAMPLEMIND_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SAMPLEMIND_LIBRARY_ROOT", str(tmp_path / "packs"))
    removed = "removed  3 file entries of 1 batch that ended long ago\n"

    code, out, err = cli("ingest", str(tmp_path / "inbox"))

    assert (code, removed in out) == (0, True), err
    [kept] = (tmp_path / "home" / "reports").glob("*.txt")
    assert removed in kept.read_text()
    assert "removed" not in cli("ingest", str(tmp_path / "inbox"))[1]


def test_the_nightly_report_says_what_was_removed(workspace: Workspace, library: Path):
    old_batch()
    done = tidy.run(workspace.vectors, eager(workspace.settings))
    tidy.run(workspace.vectors, workspace.settings)

    removed = thinning.take_removed()

    assert library.is_dir()
    # Besides the old batch those two that analysed the library: two files, and one that was known.
    assert removed == done == {"places": 1, "contents": 1, "items": 6, "batches": 3}
    assert thinning.take_removed() == {}
    report = Report("run", "/inbox", "/library", mongo.now(), removed=removed)
    assert report.as_dict()["removed"] == removed
    assert (
        "removed  6 file entries of 3 batches that ended long ago, 1 analysis of files that are nowhere any more"
        in report.as_text()
    )


def test_work_goes_on_while_old_batches_are_thinned(workspace: Workspace, library: Path):
    write_audio(library / "clap.wav", signals.clap())
    job = submit(workspace, library)
    tidy.run(workspace.vectors, eager(workspace.settings))
    work(workspace)

    assert batches.report(batches.find(job.id))["completed"] == 1
