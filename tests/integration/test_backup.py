"""A backup of the record is whole or not there, and what is restored from it is a record that work goes on with."""

import gzip
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bson
import pytest

from config.settings import Settings
from samplemind_worker.documents.batch import State, Step
from samplemind_worker.documents.collections import DOCUMENTS
from samplemind_worker.documents.states import BatchStatus
from samplemind_worker.errors import SetupError, UsageError
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import batches, ledger, mongo, raw_record, results
from samplemind_worker.store.mongo import collection
from samplemind_worker.upkeep import backup
from tests.chain import analyse, items_of, publish, submit, work
from tests.command import Cli
from tests.factories import write_audio
from training import signals

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("chroma")]

TRY = "t.0"


def silent(_done: int, _total: int) -> None:
    """Show no progress."""


@pytest.fixture
def library(workspace: Workspace, tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    write_audio(folder / "kick.wav", signals.kick())
    write_audio(folder / "snare.wav", signals.snare())
    (folder / "broken.wav").write_bytes(b"RIFF rubbish")
    analyse(workspace, folder)
    return folder


@pytest.fixture
def elsewhere(workspace: Workspace, settings: Settings) -> Iterator[Callable[[], Workspace]]:
    """Open an empty record of another name, in place of the one that is open; it is deleted afterwards."""
    made: list[Workspace] = []

    def _open() -> Workspace:
        mongo.close()
        other = settings.model_copy(update={"database": f"{settings.database}other"})
        made.append(Workspace(other))
        made[-1].connect()
        return made[-1]

    yield _open
    for each in made:
        each.close()
        each.connect()

        async def _drop() -> None:
            await mongo.database().client.drop_database(f"{settings.database}other")

        mongo.run(_drop())
    mongo.close()
    workspace.connect()


@mongo.synchronous
async def everything() -> dict[str, list[dict[str, Any]]]:
    """All documents that a backup holds."""
    return {name: await collection(name).find({}, sort=[("_id", 1)]).to_list() for name in backup.SAVED}


@mongo.synchronous
async def index_names(name: str) -> set[str]:
    return set(await collection(name).index_information())


def test_every_collection_is_saved_or_made_again():
    assert sorted(backup.SAVED + backup.MADE_AGAIN) == sorted(
        document.Settings.name  # pyright: ignore[reportAttributeAccessIssue]
        for document in DOCUMENTS
    )


def test_a_restored_record_is_what_was_saved(library: Path, tmp_path: Path, elsewhere: Callable[[], Workspace]):
    before = everything()
    indexes = {name: index_names(name) - {"_id_"} for name in backup.SAVED}
    made = backup.save(tmp_path / "saved", on_progress=silent)
    other = elsewhere()

    assert backup.restore(tmp_path / "saved", on_progress=silent) == made == backup.check(tmp_path / "saved")

    assert everything() == before
    assert {name: index_names(name) - {"_id_"} for name in backup.SAVED} == indexes
    assert {name: each.documents for name, each in made.collections.items() if each.documents} == {
        "batch_jobs": 1, "batch_items": 3, "file_locations": 3, "analyses": 2, "audio_files": 2, "waveforms": 2,
    }  # fmt: skip
    # Nothing that was known is analysed again.
    again = analyse(other, library)
    assert (again["completed"], again["skipped"], again["failed"]) == (0, 2, 1)


def test_it_is_for_its_owner_alone_and_holds_no_logins(library: Path, tmp_path: Path):
    assert library.is_dir()
    backup.save(tmp_path / "saved", on_progress=silent)

    files = [path for path in (tmp_path / "saved").rglob("*") if path.is_file() and path.suffix == ".gz"]
    assert {path.stat().st_mode & 0o077 for path in [*files, tmp_path / "saved"]} == {0}
    assert not {path.name.partition(".")[0] for path in files} & {"token_families", "signing_keys"}


def test_its_files_are_those_of_mongodump(library: Path, tmp_path: Path):
    assert library.is_dir()
    backup.save(tmp_path / "saved", on_progress=silent)

    with gzip.open(tmp_path / "saved" / "record" / "analyses.bson.gz") as file:
        documents = bson.decode_all(file.read())

    assert {row["_id"] for row in documents} == {audio.file_id for audio, _ in results.iterate()}


def test_what_was_in_flight_is_pending_and_counts_no_start(
    workspace: Workspace, tmp_path: Path, elsewhere: Callable[[], Workspace]
):
    write_audio(tmp_path / "library" / "kick.wav", signals.kick())
    write_audio(tmp_path / "library" / "snare.wav", signals.snare())
    job = submit(workspace, tmp_path / "library", files_per_chain=1)
    [(parcel, _), _] = publish(workspace)
    ledger.claim(parcel, Step.DECODE, token=TRY, worker="w", lease=60.0)
    backup.save(tmp_path / "saved", on_progress=silent)
    other = elsewhere()

    backup.restore(tmp_path / "saved", on_progress=silent)

    assert {(item.state, item.starts, item.parcel_id) for item in items_of(job.id).values()} == {
        (State.PENDING, 0, None)
    }
    work(other)
    assert batches.report(batches.find(job.id))["completed"] == 2


def test_a_backup_while_work_goes_on_calls_nothing_done_that_it_does_not_hold(
    workspace: Workspace, tmp_path: Path, elsewhere: Callable[[], Workspace], monkeypatch: pytest.MonkeyPatch
):
    for number in range(6):
        write_audio(tmp_path / "library" / f"{number}.wav", signals.kick(seed=number))
    job = submit(workspace, tmp_path / "library", files_per_chain=1)
    late = tmp_path / "late"
    write_audio(late / "hat.wav", signals.snare(seed=9))
    dump = raw_record.dump

    def _dump_and_work(name: str, write: Any, on_progress: Any) -> int:
        """Before each collection is read something is done: a file is analysed, a batch is recorded and ended."""
        if name == "batch_items":
            analyse(workspace, late)
        if name in {"batch_jobs", "batch_items", "file_locations", "analyses", "audio_files", "waveforms"}:
            for parcel, step in publish(workspace, window_per_slot=1):
                from tests.chain import run_chain  # noqa: PLC0415 -- slow import

                run_chain(workspace, parcel, step)
        return dump(name, write, on_progress)

    monkeypatch.setattr(raw_record, "dump", _dump_and_work)
    backup.save(tmp_path / "saved", on_progress=silent)
    monkeypatch.undo()
    other = elsewhere()
    backup.restore(tmp_path / "saved", on_progress=silent)

    held = everything()
    contents = {row["_id"] for row in held["analyses"]}
    done = {row["file_id"] for row in held["batch_items"] if row["state"] == "completed"}
    assert done <= contents
    assert contents <= {row["_id"] for row in held["audio_files"]} & {row["_id"] for row in held["waveforms"]}
    assert {row["batch_id"] for row in held["batch_items"]} == {row["_id"] for row in held["batch_jobs"]} == {job.id}
    work(other)
    assert batches.report(batches.find(job.id))["completed"] == 6
    assert analyse(other, late)["total_files"] == 1


def test_a_batch_that_was_opened_again_meanwhile_is_open(
    workspace: Workspace, tmp_path: Path, elsewhere: Callable[[], Workspace], monkeypatch: pytest.MonkeyPatch
):
    write_audio(tmp_path / "library" / "kick.wav", signals.kick())
    (tmp_path / "library" / "broken.wav").write_bytes(b"rubbish")
    ended = analyse(workspace, tmp_path / "library")["batch_id"]
    dump = raw_record.dump

    def _retry_between(name: str, write: Any, on_progress: Any) -> int:
        if name == "batch_items":
            batches.retry(ended)
        return dump(name, write, on_progress)

    monkeypatch.setattr(raw_record, "dump", _retry_between)
    backup.save(tmp_path / "saved", on_progress=silent)
    other = elsewhere()
    backup.restore(tmp_path / "saved", on_progress=silent)

    assert batches.find(ended).status is BatchStatus.PROCESSING
    work(other)
    report = batches.report(batches.find(ended))
    assert (report["status"], report["completed"], report["failed"]) == ("completed", 1, 1)


def test_nothing_is_overwritten(library: Path, tmp_path: Path):
    assert library.is_dir()
    saved = tmp_path / "saved"
    backup.save(saved, on_progress=silent)
    before = everything()

    with pytest.raises(UsageError, match="nothing is overwritten"):
        backup.save(saved, on_progress=silent)
    with pytest.raises(UsageError, match="not empty"):
        backup.restore(saved, on_progress=silent)
    assert everything() == before
    (tmp_path / "empty").mkdir()
    backup.save(tmp_path / "empty", on_progress=silent)
    assert backup.check(tmp_path / "empty").documents == backup.check(saved).documents


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda saved: damage(saved / "record" / "analyses.bson.gz"), "damaged"),
        (lambda saved: (saved / "record" / "audio_files.bson.gz").unlink(), "incomplete"),
        (lambda saved: (saved / "samplemind-backup.json").unlink(), "is no backup"),
        (lambda saved: (saved / "samplemind-backup.json").write_text("{"), "cannot be read"),
        (lambda saved: rewrite(saved, format=99), "this release does not read it"),
        (lambda saved: rewrite(saved, collections={"../x": {"documents": 0, "bytes": 0, "sha256": ""}}), "none of a"),
    ],
)  # fmt: skip
def test_a_backup_that_is_not_whole_is_refused_before_anything_is_written(
    library: Path, tmp_path: Path, elsewhere: Callable[[], Workspace], harm: Callable[[Path], Any], said: str
):
    assert library.is_dir()
    backup.save(tmp_path / "saved", on_progress=silent)
    harm(tmp_path / "saved")
    elsewhere()

    with pytest.raises(UsageError, match=said):
        backup.restore(tmp_path / "saved", on_progress=silent)
    assert raw_record.first_filled(backup.SAVED) is None
    assert not raw_record.is_interrupted()


def rewrite(saved: Path, **values: Any) -> None:
    path = saved / "samplemind-backup.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize("at", ["load", "settle", "take_place"])
def test_an_interrupted_restore_is_not_seen_and_goes_on(
    library: Path, tmp_path: Path, elsewhere: Callable[[], Workspace], monkeypatch: pytest.MonkeyPatch, at: str
):
    assert library.is_dir()
    before = everything()
    backup.save(tmp_path / "saved", on_progress=silent)
    elsewhere()
    real: Any = getattr(raw_record, at)
    calls: list[object] = []

    def _die(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) > 1 or at == "settle":
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(raw_record, at, _die)
    with pytest.raises(KeyboardInterrupt):
        backup.restore(tmp_path / "saved", on_progress=silent)
    monkeypatch.undo()
    assert everything()["batch_jobs"] == []
    assert raw_record.is_interrupted()

    backup.restore(tmp_path / "saved", on_progress=silent)

    assert everything() == before
    assert not raw_record.is_interrupted()


SAVE = """
import sys
from pathlib import Path
from samplemind_worker.store import mongo
from samplemind_worker.upkeep import backup
mongo.connect(sys.argv[1], database=sys.argv[2], create_indexes=False)
backup.save(Path(sys.argv[3]), on_progress=lambda done, total: print(done, flush=True))
"""


def test_a_full_disk_leaves_nothing(settings: Settings, library: Path, tmp_path: Path):
    assert library.is_dir()
    assert settings.mongodb_url is not None
    command = [sys.executable, "-c", SAVE, settings.mongodb_url.get_secret_value(), settings.database]
    done = subprocess.run(
        [*command, str(tmp_path / "saved")],
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400)),
    )

    assert "SetupError: the backup cannot be written" in done.stderr
    assert [path.name for path in tmp_path.iterdir() if "saved" in path.name] == []


def test_what_a_killed_backup_left_is_removed_by_the_next(settings: Settings, library: Path, tmp_path: Path):
    assert library.is_dir()
    assert settings.mongodb_url is not None
    command = [sys.executable, "-c", SAVE.replace("print(done, flush=True)", "(print(done, flush=True), input())")]
    arguments = [settings.mongodb_url.get_secret_value(), settings.database, str(tmp_path / "saved")]
    with subprocess.Popen([*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        assert (tmp_path / ".saved.part").is_dir()
        with pytest.raises(UsageError, match="another backup"):
            backup.save(tmp_path / "saved", on_progress=silent)
        os.kill(process.pid, signal.SIGKILL)
    assert not (tmp_path / "saved").exists()

    backup.save(tmp_path / "saved", on_progress=silent)

    assert not (tmp_path / ".saved.part").exists()
    assert backup.check(tmp_path / "saved").collections["analyses"].documents == 2


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path):
    with pytest.raises(UsageError, match="there is no folder"):
        backup.save(tmp_path / "no" / "saved", on_progress=silent)
    with pytest.raises((SetupError, UsageError)):
        backup.save(Path("/proc/saved"), on_progress=silent)


def test_the_commands_save_check_and_restore(
    cli: Cli, library: Path, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    assert library.is_dir()
    saved = str(tmp_path / "saved")

    code, out, _ = cli("backup", saved, "--json")
    assert (code, json.loads(out)["documents"]["analyses"]) == (0, 2)
    assert cli("restore", saved, "--dry-run")[:2] == (0, cli("restore", saved, "--dry-run")[1])
    code, out, err = cli("restore", saved)
    assert (code, out) == (2, "")
    assert "nothing is overwritten" in err

    monkeypatch.setenv("SAMPLEMIND_DATABASE", f"{settings.database}other")
    from config.settings import get_settings  # noqa: PLC0415 -- slow import

    get_settings.cache_clear()
    code, out, err = cli("restore", saved)
    assert (code, "2 analysed files, 1 batch" in out) == (0, True), err
    assert json.loads(cli("search", "kick", "--json")[1].splitlines()[0])["path"].endswith("kick.wav")
    code, out, _ = cli("similar", str(library / "kick.wav"), "--json")
    assert [Path(json.loads(line)["path"]).name for line in out.splitlines()] == ["snare.wav"]
    mongo.connect(settings.mongodb_url.get_secret_value() if settings.mongodb_url else "", database="x")

    async def _drop() -> None:
        await mongo.database().client.drop_database(f"{settings.database}other")

    mongo.run(_drop())
    mongo.close()
