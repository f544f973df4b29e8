"""Waveforms are made by the decode step, once, and go with their contents."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samplemind_worker.documents.batch import State
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import mongo, places, results, waveforms
from samplemind_worker.upkeep import tidy
from samplemind_worker.upkeep.places import forget
from tests.chain import analyse, items_of, publish, run_chain, submit
from tests.factories import write_audio
from training import signals

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("chroma")]

NOW = timedelta(0)


@pytest.fixture
def library(workspace: Workspace, tmp_path: Path) -> Path:
    """Three analysed contents, one of them twice, one silent."""
    folder = tmp_path / "library"
    for name, y in (("kick", signals.kick()), ("kick copy", signals.kick()), ("silence", signals.silence(0.2))):
        write_audio(folder / f"{name}.wav", y)
    write_audio(folder / "snare.flac", signals.snare())
    analyse(workspace, folder)
    return folder


def contents() -> list[str]:
    return [audio.file_id for audio, _ in results.iterate()]


def content_at(folder: Path, name: bytes) -> str:
    place = places.at(str(folder), name)
    assert place is not None
    return place.file_id


def drop(*file_ids: str) -> None:
    mongo.run(mongo.collection("waveforms").delete_many({"_id": {"$in": list(file_ids)}}))


def counts(report: dict[str, Any]) -> dict[str, int]:
    return {name: report[name] for name in ("total_files", "completed", "failed", "skipped") if report[name]}


def test_each_content_has_a_waveform(library: Path):
    found = waveforms.of(contents())

    assert sorted(found) == contents()
    assert len(found) == 3
    assert set(found[content_at(library, b"silence.wav")]) == {128}
    assert len(set(found[content_at(library, b"kick.wav")])) > 50


def test_a_library_without_waveforms_is_decoded_for_them_and_no_more(workspace: Workspace, library: Path):
    before, analyses = waveforms.of(contents()), list(results.iterate())
    drop(*before)

    job = submit(workspace, library)
    published = publish(workspace)
    ran = [run_chain(workspace, parcel, step) for parcel, step in published]

    assert [[step.value for step in steps] for steps in ran] == [["decode"]]
    assert waveforms.of(contents()) == before
    # Nothing was analysed again, and no summary written.
    assert list(results.iterate()) == analyses
    assert {item.state for item in items_of(job.id).values()} == {State.COMPLETED}
    assert counts(analyse(workspace, library)) == {"total_files": 4, "skipped": 4}


def test_only_what_lacks_a_waveform_is_read_again(workspace: Workspace, library: Path):
    drop(content_at(library, b"snare.flac"))

    assert counts(analyse(workspace, library)) == {"total_files": 4, "completed": 1, "skipped": 3}


def test_a_waveform_of_an_older_version_is_made_anew_and_served_until_then(workspace: Workspace, library: Path):
    snare = content_at(library, b"snare.flac")
    older = {"$set": {"version": 0, "data": b"older!"}}
    mongo.run(mongo.collection("waveforms").update_one({"_id": snare}, older))

    assert waveforms.of([snare]) == {snare: b"older!"}
    assert counts(analyse(workspace, library)) == {"total_files": 4, "completed": 1, "skipped": 3}
    assert waveforms.of([snare])[snare] != b"older!"


def test_a_summary_and_a_waveform_that_are_missing_are_both_made(workspace: Workspace, library: Path):
    snare = content_at(library, b"snare.flac")
    drop(snare)
    results.update_analyses({snare: {"versions.summarize": 0, "ai_summary": None}})

    assert counts(analyse(workspace, library)) == {"total_files": 4, "completed": 1, "skipped": 3}

    assert snare in waveforms.of([snare])
    assert results.load([snare])[snare][1].ai_summary


def test_a_file_that_cannot_be_decoded_any_more_fails_and_keeps_its_analysis(workspace: Workspace, library: Path):
    snare = content_at(library, b"snare.flac")
    drop(snare)
    small = Workspace(workspace.settings.model_copy(update={"max_duration": 0.05}))

    report = analyse(small, library)

    assert counts(report) == {"total_files": 4, "failed": 1, "skipped": 3}
    assert report["errors"] == {"too_long": 1}
    assert snare in results.load([snare])


def test_a_waveform_goes_with_its_content(workspace: Workspace, library: Path):
    snare, others = content_at(library, b"snare.flac"), set(contents()) - {content_at(library, b"snare.flac")}
    forget([library / "snare.flac"], settings=workspace.settings)
    assert snare in waveforms.of([snare])

    tidy.sweep(workspace.vectors, older_than=NOW)

    assert waveforms.of([snare]) == {}
    assert set(waveforms.of(sorted(others))) == others


def test_what_is_taken_out_is_put_back_with_its_waveform(library: Path):
    assert library.is_dir()
    before = waveforms.of(contents())

    taken = results.take_out(sorted(before))
    assert waveforms.of(sorted(before)) == {}
    results.put_back(taken)

    assert waveforms.of(contents()) == before


def test_a_long_file_is_drawn_from_its_beginning_to_its_end(workspace: Workspace, tmp_path: Path):
    sr = 8_000
    y = np.zeros((300 * sr, 2), np.float32)
    y[5 * sr : 10 * sr, 0] = y[290 * sr : 295 * sr, 0] = signals.sine(500.0, 5.0, sr=sr)
    # The channels cancel each other, so that the first one is drawn.
    y[:, 1] = -y[:, 0]
    write_audio(tmp_path / "long.wav", y, sr=sr)
    analyse(workspace, tmp_path)

    (data,) = waveforms.of(contents()).values()

    heights = np.abs(np.frombuffer(data, np.uint8).reshape(-1, 6).astype(int) - 128).max(axis=1)
    seconds = np.flatnonzero(heights > 60) * 300 / len(heights)
    assert len(heights) > 300
    assert (seconds.min(), seconds.max()) == (pytest.approx(5, abs=2), pytest.approx(295, abs=2))
    assert ((seconds < 12) | (seconds > 288)).all()
