"""`library` on a real record: what it holds, what is new and what has failed."""

import json
from typing import Any

import pytest

from samplemind_worker.documents.batch import Step
from samplemind_worker.errors import EmptyFileError, UnreadableError
from samplemind_worker.finding import duplicates, entry, overview
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import batches, entries, ledger, mongo, parcels, places, results, stale
from samplemind_worker.store import overview as counting
from samplemind_worker.store.places import Place
from tests.command import Cli
from tests.factories import analysis_facts, audio_facts, content_id, new_batch

pytestmark = pytest.mark.services


def record(*paths: str, **values: Any) -> str:
    """Record one content that lies at some paths below /library."""
    file_id = content_id(paths[0])
    facts = {"key": None, "mode": None, "camelot": None, **values}
    results.save_analyses([(audio_facts(file_id, duration=60.0, file_size=1000), analysis_facts(file_id, **facts))])
    places.save([Place("/library", path.encode(), file_id, 1000, 1, 1, settled=True) for path in paths])
    entry.refresh([file_id])
    return file_id


@mongo.synchronous
async def drop_entries() -> None:
    await mongo.collection("library_entries").delete_many({})


def told(cli: Cli, workspace: Workspace) -> dict[str, Any]:
    code, out, err = cli("library", "--json")
    workspace.connect()  # the command has closed the connection
    assert (code, err) == (0, "")
    return json.loads(out)


def test_counts_what_the_library_holds(workspace: Workspace, cli: Cli):
    record("Drums.1/a.wav", "Drums.1/copy.wav", tempo=174.0, instrument="drum_loop")
    record("Drums.1/b.wav", kind="one_shot", tempo=None, instrument="kick")
    record("Keys/c.wav", tempo=92.5, key="A", mode="minor", camelot="8A", instrument="piano")

    report = told(cli, workspace)

    assert report == {
        "files": 4,
        "contents": 3,
        "seconds": 180.0,
        "bytes": 3000,
        "copies": {"files": 1, "bytes": 1000},
        "kinds": {"loop": 2, "one_shot": 1},
        "instruments": {"drum_loop": 1, "kick": 1, "piano": 1},
        "keys": {"8A": 1},
        "tempi": [
            {"from": start, "to": start + 10, "contents": int(start in (90, 170))} for start in range(90, 180, 10)
        ],
        "packs": {"Drums.1": 2, "Keys": 1},
        "pack_count": 2,
        "added": {"7": 3, "30": 3},
        "open": 0,
        "failed": {},
    }


def test_counts_of_a_large_library_are_read_part_by_part(
    workspace: Workspace, cli: Cli, monkeypatch: pytest.MonkeyPatch
):
    kinds, keys = ("loop", "one_shot", "track"), (None, "8A", "10B", "1A", "12A")
    instruments = (None, "kick", "bass", "vocal", "string_section", "Other")
    for number in range(60):
        record(
            *(f"{number}/{copy}.wav" for copy in range(1 + number % 4)),
            kind=kinds[number % 3],
            camelot=keys[number % 5],
            tempo=None if number % 2 else 50.0 + 3 * number,
            pitch_midi=None if number % 7 else 20 + number,
            instrument=instruments[number % 6],
        )
    whole = told(cli, workspace)
    record("last.wav", instrument=None, tempo=None)
    monkeypatch.setattr(counting, "_SLICE", 2)

    parts = told(cli, workspace)

    assert (whole["contents"], whole["copies"]) == (60, {"files": 90, "bytes": 90_000})
    assert (parts["contents"], parts["copies"]) == (61, whole["copies"])
    assert parts["seconds"] == whole["seconds"] + 60.0
    assert parts["kinds"] == whole["kinds"] | {"loop": whole["kinds"]["loop"] + 1}
    assert parts["keys"] == whole["keys"] == {"1A": 12, "8A": 12, "10B": 12, "12A": 12}
    assert len(whole["instruments"]) == 5
    assert parts["instruments"] == whole["instruments"]
    assert parts["tempi"] == whole["tempi"]
    assert sum(step["contents"] for step in whole["tempi"]) == 30


def test_counts_follow_what_changes(workspace: Workspace, cli: Cli):
    record("kit/a.wav")
    assert entry.build()
    assert told(cli, workspace)["contents"] == 1
    file_id = record("kit/b.wav", kind="track")
    assert told(cli, workspace)["kinds"] == {"loop": 1, "track": 1}

    place = Place("/library", b"kit/b.wav", file_id, 1000, 1, 1, settled=True)
    assert places.end([place]) == 1
    entry.refresh([file_id])

    assert (told(cli, workspace)["kinds"], told(cli, workspace)["files"]) == ({"loop": 1}, 1)


def test_counts_under_way_are_not_kept(workspace: Workspace, cli: Cli):
    file_id = record("kit/a.wav")
    results.save_analyses([(audio_facts(file_id), analysis_facts(file_id, kind="track"))])
    # Another process has drawn its ticket and not written yet.
    reading = entries.read([file_id])

    assert stale.marked() == [file_id]
    assert told(cli, workspace)["kinds"] == {"loop": 1}
    made = {file_id: entry.entry_of(reading.sources[file_id])}
    entries.write(reading, made, contents=[file_id])
    assert told(cli, workspace)["kinds"] == {"track": 1}


def test_names_what_waits_and_what_has_failed(workspace: Workspace, cli: Cli):
    job = new_batch(4)
    ids = [row["_id"] for row in parcels.pending(job.id, limit=4)]
    parcel, _ = parcels.reserve(job.id, ids[:3], queue="cpu")
    ledger.claim(parcel, Step.DECODE, token="task.0", worker="w", lease=60.0)  # noqa: S106 -- no password
    ledger.fail(
        parcel,
        token="task.0",  # noqa: S106 -- no password
        errors={ids[0]: UnreadableError("no"), ids[1]: EmptyFileError("no"), ids[2]: UnreadableError("no")},
    )
    record("0002.wav")  # analysed since
    report = told(cli, workspace)
    code, out, _ = cli("library")
    workspace.connect()

    assert (report["open"], report["failed"]) == (1, {"empty": 1, "unreadable": 1})
    assert code == 0
    assert "in progress  1 file\n" in out
    assert "failed       empty 1, unreadable 1\n" in out
    batches.cancel(job.id)
    assert told(cli, workspace)["open"] == 0


def fail(path: str) -> Place:
    """Record a file of /library that was read and could not be decoded; return its place."""
    job = new_batch(1, items={"path": path})
    parcel, _ = parcels.reserve(job.id, [row["_id"] for row in parcels.pending(job.id, limit=1)], queue="cpu")
    (item,) = ledger.claim(parcel, Step.DECODE, token="task.0", worker="w", lease=60.0)  # noqa: S106 -- no password
    place = Place("/library", path.encode(), content_id("broken"), 1000, 1, 1, settled=True)
    places.save([place])
    ledger.fail(parcel, token="task.0", errors={item.id: UnreadableError("no")})  # noqa: S106 -- no password
    return place


def test_a_file_that_failed_is_a_failure_and_no_file_of_the_library(workspace: Workspace, cli: Cli):
    record("kit/a.wav")
    fail("kit/broken.wav")
    fail("kit/copy of broken.wav")

    report = told(cli, workspace)

    assert (report["files"], report["contents"], report["copies"]) == (1, 1, {"files": 0, "bytes": 0})
    assert report["failed"] == {"unreadable": 2}
    assert overview.summary(["/library"])["files"] == 1
    assert duplicates.find(workspace.settings, threshold=None, say=lambda _: None).files == 1


def test_a_file_that_failed_and_is_gone_is_no_failure(workspace: Workspace, cli: Cli):
    place = fail("kit/broken.wav")
    assert told(cli, workspace)["failed"] == {"unreadable": 1}

    places.end([place])

    assert told(cli, workspace)["failed"] == {}


def test_says_that_the_index_is_incomplete(workspace: Workspace, cli: Cli):
    del workspace
    file_id = record("kit/a.wav")
    drop_entries()

    for command in (("library",), ("match", "--bpm", "120"), ("match", file_id)):
        code, _, err = cli(*command)
        assert (code, err.count("\n")) == (3, 1)
        assert "the search index holds 0 of 1 file" in err


def test_empty_library(workspace: Workspace, cli: Cli):
    del workspace

    assert cli("library")[:2] == (0, "library      0 files, 0 s, 0 bytes\nadded        0 in 7 days, 0 in 30 days\n")
