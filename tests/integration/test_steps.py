"""The five steps over real files and stores, without Celery."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from samplemind_worker.documents.batch import State, Step
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import RootNotReachedError, ServiceUnavailableError, UnreadableError
from samplemind_worker.pipeline.workspace import Run, Workspace, claimed
from samplemind_worker.store import batches, ledger, mongo, places, results
from samplemind_worker.submission import scan
from samplemind_worker.submission.listing import Listing
from tests.chain import RUNS, analyse, items_of, publish, run_chain, submit, work
from tests.factories import write_audio
from training import signals

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("chroma")]

NON_UTF8 = os.fsdecode(b"caf\xe9.wav")


@pytest.fixture
def workspace(settings: Settings) -> Any:
    """A workspace that takes lost parcels back at once."""
    made = Workspace(settings.model_copy(update={"requeue_seconds": 0.1}))
    made.connect(create_indexes=True)
    yield made
    made.close()
    mongo.close()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five contents, one of them twice, one silent; a broken, an empty and a foreign file."""
    folder = tmp_path_factory.mktemp("template")
    write_audio(folder / "tom.wav", signals.tom(0.3))
    write_audio(folder / "snare.flac", signals.snare())
    write_audio(folder / "kick.wav", signals.kick())
    shutil.copy(folder / "kick.wav", folder / "kick copy.wav")
    write_audio(folder / "silence.wav", signals.silence(0.3))
    write_audio(folder / NON_UTF8, signals.clap())
    (folder / "broken.wav").write_bytes(b"RIFF\x10\x00\x00\x00WAVEjunk")
    (folder / "empty.wav").touch()
    (folder / "cover.jpg").write_bytes(b"no audio")
    return folder


@pytest.fixture
def few(template: Path, tmp_path: Path) -> Path:
    """The two equal files, the silent and the broken one."""
    folder = tmp_path / "few"
    folder.mkdir()
    for name in ("kick.wav", "kick copy.wav", "silence.wav", "broken.wav"):
        shutil.copy(template / name, folder)
    return folder


@pytest.fixture
def library(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "library")


def file_at(root: Path, path: bytes) -> str | None:
    place = places.at(str(root), path)
    return None if place is None else place.file_id


def only_parcel(workspace: Workspace) -> str:
    ((parcel, step),) = publish(workspace)
    assert step == Step.DECODE
    return parcel


def scratch_files(workspace: Workspace) -> list[str]:
    folder = workspace.scratch.folder
    return sorted(path.suffix for path in folder.iterdir()) if folder.exists() else []


def analyses() -> dict[str, dict[str, Any]]:
    """Everything recorded about each file name, except times and the user."""
    moving = {"seconds", "analyzed_at", "ai_batch"}
    return {
        audio.filename: {**audio.model_dump(), **analysis.model_dump(exclude=moving)}
        for audio, analysis in results.iterate()
    }


def test_a_folder_of_good_bad_and_equal_files_is_analysed(workspace: Workspace, library: Path):
    job = submit(workspace, library)

    work(workspace)

    report = batches.report(batches.find(job.id))
    assert report["status"] == "completed"
    counts = {name: report[name] for name in ("total_files", "completed", "failed", "skipped", "cancelled")}
    assert counts == {"total_files": 9, "completed": 6, "failed": 2, "skipped": 1, "cancelled": 0}
    items = items_of(job.id)
    assert {path: item.error.code for path, item in items.items() if item.error} == {
        "broken.wav": "unreadable",
        "empty.wav": "empty",
    }
    assert {path: item.skip_reason for path, item in items.items() if item.skip_reason} == {
        "cover.jpg": "not_audio_type"
    }
    assert items["kick.wav"].file_id == items["kick copy.wav"].file_id
    assert items["caf\\xe9.wav"].state == State.COMPLETED


def test_each_content_has_one_analysis_and_what_sounds_one_vector(workspace: Workspace, library: Path):
    job = submit(workspace, library)

    work(workspace)

    items = items_of(job.id)
    contents = {item.file_id for item in items.values() if item.state == State.COMPLETED}
    recorded = {audio.file_id: analysis for audio, analysis in results.iterate()}
    assert len(contents) == 5
    assert set(recorded) == contents
    assert {content for content, analysis in recorded.items() if analysis.vector is None} == {
        items["silence.wav"].file_id
    }
    assert workspace.vectors.ids() == contents - {items["silence.wav"].file_id}
    assert {tuple(sorted(analysis.versions.items())) for analysis in recorded.values()} == {
        tuple(sorted(VERSIONS.items()))
    }


def test_the_answers_are_those_that_were_synthesized(workspace: Workspace, tmp_path: Path):
    write_audio(tmp_path / "drums_120.wav", signals.drum_loop(120.0, bars=2))
    write_audio(tmp_path / "music.flac", signals.melodic_loop(9, "minor", 100.0))
    write_audio(tmp_path / "silence.wav", signals.silence(0.5))

    analyse(workspace, tmp_path)

    found = analyses()
    assert found["drums_120.wav"]["tempo"] == pytest.approx(120.0, rel=0.01)
    assert (found["music.flac"]["key"], found["music.flac"]["mode"]) == ("A", "minor")
    assert found["music.flac"]["format"] == "FLAC"
    assert found["silence.wav"]["tempo"] is None
    assert {one["ai_provider"] for one in found.values()} == {"local"}
    assert [name for name, one in found.items() if not one["ai_summary"]] == []


def test_places_of_equal_files_are_all_kept(workspace: Workspace, library: Path):
    job = submit(workspace, library)
    work(workspace)

    content = items_of(job.id)["kick.wav"].file_id

    assert content is not None
    assert sorted(place.shown for place in places.of([content])[content]) == [
        f"{library}/kick copy.wav",
        f"{library}/kick.wav",
    ]
    assert file_at(library, b"caf\xe9.wav") == items_of(job.id)["caf\\xe9.wav"].file_id


def test_scratch_is_empty_at_the_end(workspace: Workspace, library: Path):
    submit(workspace, library)
    parcel = only_parcel(workspace)
    run_chain(workspace, parcel, Step.DECODE, until=Step.DECODE)
    assert scratch_files(workspace) == [".signal"]
    run_chain(workspace, parcel, Step.FEATURES, until=Step.FEATURES)
    assert scratch_files(workspace) == [".features"]

    run_chain(workspace, parcel, Step.TEMPO_KEY)

    assert scratch_files(workspace) == []


@pytest.fixture
def bare(workspace: Workspace) -> Iterator[Workspace]:
    """The same without scratch memory."""
    with Workspace(workspace.settings.model_copy(update={"scratch_bytes": 0})) as made:
        yield made


def test_without_scratch_the_results_are_the_same(workspace: Workspace, bare: Workspace, library: Path):
    analyse(workspace, library)
    kept = analyses()

    report = analyse(bare, library, force=True)

    assert (report["completed"], report["failed"]) == (6, 2)
    assert analyses() == kept
    assert scratch_files(bare) == []


def test_files_one_by_one_give_the_same_results_as_a_parcel(workspace: Workspace, library: Path):
    analyse(workspace, library)
    together = analyses()

    report = analyse(workspace, library, force=True, files_per_chain=1)

    assert (report["completed"], report["failed"], report["skipped"]) == (6, 2, 1)
    assert analyses() == together


def test_a_second_batch_does_nothing_again(workspace: Workspace, library: Path):
    analyse(workspace, library)
    before = {audio.file_id: analysis.analyzed_at for audio, analysis in results.iterate()}

    job = submit(workspace, library)
    parcel = only_parcel(workspace)
    assert run_chain(workspace, parcel, Step.DECODE) == [Step.DECODE]

    report = batches.report(batches.find(job.id))
    assert (report["status"], report["completed"], report["failed"], report["skipped"]) == ("completed", 0, 2, 7)
    assert {item.skip_reason for item in batches.iterate(job.id, state=State.SKIPPED)} == {"known", "not_audio_type"}
    assert {audio.file_id: analysis.analyzed_at for audio, analysis in results.iterate()} == before


def test_a_file_that_did_not_change_for_a_while_is_not_even_opened_again(workspace: Workspace, tmp_path: Path):
    path = write_audio(tmp_path / "kick.wav", signals.kick())
    time.sleep(2.1)  # so long its times must be older than its reading
    analyse(workspace, path)

    job = submit(workspace, path)

    assert (job.status, publish(workspace)) == ("completed", [])
    assert [(item.state, item.skip_reason) for item in items_of(job.id).values()] == [(State.SKIPPED, "known")]


def test_a_file_with_other_content_is_analysed_anew(workspace: Workspace, tmp_path: Path):
    path = write_audio(tmp_path / "a.wav", signals.kick())
    analyse(workspace, path)
    write_audio(path, signals.snare())

    report = analyse(workspace, path)

    assert report["completed"] == 1
    assert len(list(results.iterate())) == 2
    assert file_at(tmp_path, b"a.wav") == next(iter(batches.iterate(report["batch_id"]))).file_id


def test_force_analyses_again(workspace: Workspace, library: Path):
    analyse(workspace, library)
    before = {audio.file_id: analysis.analyzed_at for audio, analysis in results.iterate()}
    time.sleep(0.01)

    report = analyse(workspace, library, force=True)

    after = {audio.file_id: analysis.analyzed_at for audio, analysis in results.iterate()}
    assert report["completed"] == 6
    assert set(after) == set(before)
    assert [content for content in before if not after[content] > before[content]] == []


def test_an_equal_file_in_a_later_parcel_is_completed_without_work(workspace: Workspace, library: Path):
    job = submit(workspace, library / "kick copy.wav", library / "kick.wav", files_per_chain=1)
    (first, _), (second, _) = publish(workspace)

    assert run_chain(workspace, first, Step.DECODE) == list(Step)
    assert run_chain(workspace, second, Step.DECODE) == [Step.DECODE]

    assert batches.report(batches.find(job.id))["completed"] == 2
    assert len(list(results.iterate())) == 1


@pytest.mark.parametrize("step", [Step.SUMMARIZE, Step.STORE])
def test_only_the_steps_that_are_missing_are_done(workspace: Workspace, library: Path, step: Step):
    analyse(workspace, library)
    before = {audio.file_id: analysis.analyzed_at for audio, analysis in results.iterate()}
    results.update_analyses({content: {f"versions.{step.value}": 0} for content in before})

    job = submit(workspace, library)

    assert work(workspace) == 1
    report = batches.report(batches.find(job.id))
    assert (report["status"], report["completed"], report["failed"]) == ("completed", 6, 2)
    assert {audio.file_id: analysis.analyzed_at for audio, analysis in results.iterate()} == before
    assert {analysis.versions[step.value] for _, analysis in results.iterate()} == {VERSIONS[step.value]}


def test_a_chain_goes_on_for_those_who_are_ahead_when_all_others_fail(bare: Workspace, tmp_path: Path):
    ahead = write_audio(tmp_path / "ahead.wav", signals.kick())
    analyse(bare, ahead)
    results.update_analyses({audio.file_id: {"versions.summarize": 0} for audio, _ in results.iterate()})
    changing = write_audio(tmp_path / "changing.wav", signals.snare())
    job = submit(bare, tmp_path)
    parcel = only_parcel(bare)
    run_chain(bare, parcel, Step.DECODE, until=Step.DECODE)
    write_audio(changing, signals.clap())

    run_chain(bare, parcel, Step.FEATURES)

    assert {path: item.state for path, item in items_of(job.id).items()} == {
        "ahead.wav": State.COMPLETED,
        "changing.wav": State.FAILED,
    }
    assert batches.find(job.id).status == "completed"


@pytest.mark.parametrize("last", [Step.DECODE, Step.FEATURES, Step.TEMPO_KEY, Step.SUMMARIZE])
def test_a_chain_that_is_lost_between_two_steps_is_begun_again(workspace: Workspace, few: Path, last: Step):
    job = submit(workspace, few)
    run_chain(workspace, only_parcel(workspace), Step.DECODE, until=last)
    assert publish(workspace, requeue_seconds=3600.0) == []
    time.sleep(0.2)

    assert work(workspace) == 1

    report = batches.report(batches.find(job.id))
    assert (report["status"], report["completed"], report["failed"]) == ("completed", 3, 1)
    assert len(list(results.iterate())) == 2


@pytest.mark.parametrize("step", list(Step))
def test_a_worker_that_dies_in_a_step_loses_nothing(workspace: Workspace, few: Path, step: Step):
    job = submit(workspace, few)
    parcel = only_parcel(workspace)
    if step != Step.DECODE:
        run_chain(workspace, parcel, Step.DECODE, until=list(Step)[list(Step).index(step) - 1])
    held = ledger.claim(parcel, step, token="dead.0", worker="dead", lease=0.01)  # noqa: S106 -- no secret
    time.sleep(0.05)

    assert work(workspace) == len(held)  # each file alone from here on

    report = batches.report(batches.find(job.id))
    assert (report["status"], report["completed"], report["failed"]) == ("completed", 3, 1)
    assert {item.starts for item in batches.iterate(job.id, state=State.COMPLETED)} == {2}
    assert len(list(results.iterate())) == 2
    assert len(workspace.vectors.ids()) == 1


@pytest.mark.parametrize(("fault", "code"), [(MemoryError(), "out_of_memory"), (KeyError("x"), "internal")])
def test_a_fault_nobody_foresaw_ends_the_files_it_follows(workspace: Workspace, few: Path, fault: Exception, code: str):
    job = submit(workspace, few)
    while published := publish(workspace):
        for parcel, _ in published:
            task = Run(parcel, "x.0")
            with pytest.raises(RuntimeError, match=type(fault).__name__), claimed(workspace, task, Step.DECODE):
                raise fault

    report = batches.report(batches.find(job.id))
    assert (report["status"], report["errors"]) == ("completed", {code: 4})
    assert {item.starts for item in batches.iterate(job.id)} == {3}


@pytest.mark.parametrize("fault", [ServiceUnavailableError("gone"), UnreadableError("no")])
def test_a_fault_that_is_known_is_left_to_who_knows_it(workspace: Workspace, few: Path, fault: Exception):
    job = submit(workspace, few)
    parcel = only_parcel(workspace)

    with pytest.raises(type(fault)), claimed(workspace, Run(parcel, "x.0"), Step.DECODE):
        raise fault

    resting = isinstance(fault, ServiceUnavailableError) or None
    assert {(item.state, item.resting) for item in batches.iterate(job.id)} == {(State.RUNNING, resting)}


def test_a_message_that_comes_again_does_nothing_again(workspace: Workspace, library: Path):
    job = submit(workspace, library)
    parcel = only_parcel(workspace)
    run_chain(workspace, parcel, Step.DECODE)
    before, known = batches.report(batches.find(job.id)), analyses()

    assert [RUNS[step](workspace, Run(parcel, "again.0")) for step in Step] == [False] * 5

    assert batches.report(batches.find(job.id)) == before
    assert analyses() == known


def test_a_cancelled_batch_is_not_worked_on(workspace: Workspace, library: Path):
    job = submit(workspace, library)
    parcel = only_parcel(workspace)
    run_chain(workspace, parcel, Step.DECODE, until=Step.FEATURES)
    batches.cancel(job.id)

    assert run_chain(workspace, parcel, Step.TEMPO_KEY) == [Step.TEMPO_KEY]
    assert list(results.iterate()) == []


def test_a_file_that_changes_between_two_steps_fails_and_says_so(workspace: Workspace, library: Path):
    job = submit(workspace, library / "kick.wav")
    parcel = only_parcel(workspace)
    run_chain(workspace, parcel, Step.DECODE, until=Step.DECODE)
    workspace.scratch.drop([f"{parcel}.signal"])
    write_audio(library / "kick.wav", signals.snare())

    run_chain(workspace, parcel, Step.FEATURES)

    (item,) = batches.iterate(job.id)
    assert item.error is not None
    assert (item.error.code, item.error.message) == (
        "missing",
        "the file changed while it was being analysed; submit it again",
    )
    assert list(results.iterate()) == []


def test_a_file_that_vanishes_between_two_steps_is_missing(workspace: Workspace, library: Path):
    job = submit(workspace, library / "kick.wav")
    (library / "kick.wav").unlink()

    work(workspace)

    (item,) = batches.iterate(job.id)
    assert item.error is not None
    assert item.error.code == "missing"


def test_a_root_that_vanishes_fails_no_file(workspace: Workspace, library: Path):
    job = submit(workspace, library)
    parcel = only_parcel(workspace)
    away = library.rename(library.parent / "away")

    for where in ("gone", "empty"):
        if where == "empty":
            library.mkdir()
        with pytest.raises(RootNotReachedError):
            run_chain(workspace, parcel, Step.DECODE)

        # Given back for workers that reach it: nothing is queued here, and no start is counted.
        assert publish(workspace) == []
        open_items = [item for item in batches.iterate(job.id) if item.state is not State.SKIPPED]
        assert {(item.state, item.starts) for item in open_items} == {(State.PENDING, 0)}
        workspace.board.reach(workspace.settings.host, str(library))
        parcel = only_parcel(workspace)

    library.rmdir()
    away.rename(library)
    run_chain(workspace, parcel, Step.DECODE)
    assert batches.report(batches.find(job.id))["errors"].get("missing") is None
    assert State.COMPLETED in {item.state for item in batches.iterate(job.id)}


def test_a_root_that_vanishes_between_two_steps_fails_no_file(workspace: Workspace, library: Path):
    job = submit(workspace, library)
    parcel = only_parcel(workspace)
    run_chain(workspace, parcel, Step.DECODE, until=Step.DECODE)
    workspace.scratch.drop([f"{parcel}.signal"])
    failed = {item.path for item in batches.iterate(job.id) if item.state is State.FAILED}
    library.rename(library.parent / "away")

    with pytest.raises(RootNotReachedError):
        run_chain(workspace, parcel, Step.FEATURES)

    assert {item.path for item in batches.iterate(job.id) if item.state is State.FAILED} == failed
    given_back = list(batches.iterate(job.id, state=State.PENDING))
    assert {(item.step, item.starts) for item in given_back} == {(Step.DECODE, 0)}


def test_retry_analyses_a_file_that_was_mended(workspace: Workspace, library: Path):
    report = analyse(workspace, library)
    write_audio(library / "broken.wav", signals.clap())

    assert batches.retry(report["batch_id"]) == 2
    work(workspace)

    again = batches.report(batches.find(report["batch_id"]))
    assert (again["status"], again["completed"], again["failed"]) == ("completed", 7, 1)


def test_a_folder_is_walked_once(workspace: Workspace, few: Path):
    cover = few / "a cover.jpg"
    cover.write_bytes(b"no audio")
    # The walk has passed it already; a second walk would miss it.
    job = submit(workspace, few, on_created=lambda _: cover.unlink())

    assert items_of(job.id)["a cover.jpg"].skip_reason == "not_audio_type"


def test_named_roots_are_the_only_folders_that_are_read(workspace: Workspace, library: Path, tmp_path: Path):
    job = scan.submit(
        Listing([library / "kick.wav"]), settings=workspace.settings.model_copy(update={"roots": {"kits": library}})
    )
    elsewhere = workspace.settings.model_copy(update={"roots": {"packs": tmp_path}})

    with Workspace(elsewhere) as other, pytest.raises(RootNotReachedError, match="kits"):
        work(other)

    (item,) = batches.iterate(job.id)
    assert (item.root, item.path) == ("kits", "kick.wav")
    assert (item.state, item.starts, item.error) == (State.PENDING, 0, None)
