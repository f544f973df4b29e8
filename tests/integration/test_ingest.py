"""Takes sample packs from an inbox into the library and the real record; also kills runs, and refuses packs."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from samplemind_worker.documents.batch import BatchStatus
from samplemind_worker.documents.pack import Pack, PackState, Turn
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import ServiceUnavailableError, UsageError
from samplemind_worker.packs import ingest, nightly, watch
from samplemind_worker.packs.report import Report
from samplemind_worker.store import batches, mongo, packs, parcels, results
from tests import zips
from tests.factories import analysis_facts, audio_facts

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("workspace")]

PROJECT = Path(__file__).parents[2]


class Place:
    """An inbox and a library, and runs between them."""

    def __init__(self, settings: Settings, folder: Path, **changes: Any) -> None:
        self.inbox, self.library = folder / "inbox", folder / "library"
        self.inbox.mkdir(exist_ok=True)
        given = {
            "home": folder / "home",
            "inbox": self.inbox,
            "library_root": self.library,
            "inbox_settle_seconds": 0.0,
        }
        self.settings = settings.model_copy(update={**given, "pack_free_bytes": 0, **changes})
        self.said: list[str] = []

    def run(self, *, wait_for_incomplete: bool = False) -> Report:
        report = ingest.ingest(
            self.settings, wait_for_incomplete=wait_for_incomplete, wait_for_turn=False, say=self.said.append
        )
        assert report is not None
        return report

    def changed(self, **changes: Any) -> "Place":
        return Place(self.settings, self.inbox.parent, **changes)

    def paths(self) -> set[str]:
        """Every file in the inbox and the library."""
        return {
            str(path.relative_to(self.inbox.parent))
            for folder in (self.inbox, self.library)
            for path in folder.rglob("*")
            if not path.is_dir()
        }

    def folders(self) -> set[str]:
        """The packs in the library, and anything else beside them."""
        return {str(path.relative_to(self.library)) for path in self.library.glob("*/*")}


@pytest.fixture
def place(settings: Settings, tmp_path: Path) -> Place:
    return Place(settings, tmp_path)


def statuses(report: Report) -> dict[str, str]:
    return {outcome.pack: outcome.status for outcome in report.outcomes}


def all_packs() -> list[Pack]:
    return mongo.run(Pack.find_all().to_list())


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_zips_folders_and_files_become_bulk_batches_in_the_library(place: Place):
    zips.good(place.inbox / "acme" / "one.zip", seed=1)
    put(place.inbox / "two" / "deep" / "a.wav", zips.wav(50))
    put(place.inbox / "two" / "b.wav", zips.wav(51))
    put(place.inbox / "loose.wav", zips.wav(52))

    report = place.run()

    assert statuses(report) == {"acme/one.zip": "taken", "two": "taken", "loose.wav": "taken"}
    assert place.paths() == {
        "library/acme/one/Kicks/kick 0.wav",
        "library/acme/one/Kicks/kick 1.wav",
        "library/unknown/two/deep/a.wav",
        "library/unknown/two/b.wav",
        "library/unknown/loose/loose.wav",
        "inbox/done/acme/one.zip",
        "inbox/done/two/deep/a.wav",
        "inbox/done/two/b.wav",
        "inbox/done/loose.wav",
    }
    jobs = [batches.find(batch_id) for batch_id in report.batches]
    assert [(job.priority, job.recorded, job.name) for job in jobs] == [
        ("bulk", True, "acme/one"),
        ("bulk", True, "unknown/loose"),
        ("bulk", True, "unknown/two"),
    ]
    assert {path for job in jobs for path in job.paths} == {
        str(place.library / name) for name in ("acme/one", "unknown/two", "unknown/loose")
    }
    assert {(pack.state, pack.files) for pack in all_packs()} == {(PackState.DONE, 2), (PackState.DONE, 1)}
    said = report.as_dict()
    assert (said["files"], said["new"], said["known"], said["pending"], said["failed"]) == (5, 5, 0, 5, 0)
    assert said["analyzed"] == 0
    assert report.outcomes[0].left_out == {"not_audio_type": 2}
    assert report.is_clean


def test_a_pack_that_was_seen_before_is_not_taken_twice(place: Place):
    zips.good(place.inbox / "one.zip", seed=1)
    put(place.inbox / "folder" / "a.wav", zips.wav(50))
    first = place.run()
    zips.good(place.inbox / "acme" / "renamed.zip", seed=1)
    put(place.inbox / "other name" / "a.wav", zips.wav(50))
    put(place.inbox / "other name" / "new notes.txt", b"notes do not count")

    second = place.run()

    assert statuses(second) == {"acme/renamed.zip": "known", "other name": "known"}
    assert {outcome.folder for outcome in second.outcomes} == {"unknown/one", "unknown/folder"}
    assert place.folders() == {"unknown/one", "unknown/folder"}
    assert {job.id for job in batches.recent(10)} == set(first.batches)
    assert (place.inbox / "done" / "acme" / "renamed.zip").is_file()
    assert second.is_clean
    assert second.as_dict()["files"] == 0


def test_a_second_run_changes_nothing(place: Place):
    zips.good(place.inbox / "good.zip")
    zips.HOSTILE["slip"][0](place.inbox / "bad.zip")
    put(place.inbox / "notes.txt", b"no pack")
    place.run()
    before, recorded = place.paths(), all_packs()

    report = place.run()

    assert report.outcomes == []
    assert report.left_alone == ["notes.txt"]
    assert place.paths() == before
    assert all_packs() == recorded
    assert len(batches.recent(10)) == 1


@pytest.mark.parametrize("kind", ["slip", "link", "bomb", "encrypted", "truncated", "twice by case", "nested"])
def test_a_hostile_pack_is_refused_with_the_reason_and_the_next_one_is_taken(kind: str, place: Place):
    zips.HOSTILE[kind][0](place.inbox / "acme" / "bad.zip")
    original = (place.inbox / "acme" / "bad.zip").read_bytes()
    zips.good(place.inbox / "good.zip")

    report = place.run()

    assert statuses(report) == {"acme/bad.zip": "refused", "good.zip": "taken"}
    assert zips.HOSTILE[kind][1] in (report.outcomes[0].reason or "")
    assert zips.HOSTILE[kind][1] in (place.inbox / "refused" / "acme" / "bad.zip.reason.txt").read_text()
    assert (place.inbox / "refused" / "acme" / "bad.zip").read_bytes() == original
    assert place.folders() == {"unknown/good"}
    assert not report.is_clean
    assert {pack.source: pack.state for pack in all_packs()} == {
        "acme/bad.zip": PackState.REFUSED,
        "good.zip": PackState.DONE,
    }


def test_what_was_refused_is_taken_once_the_rules_allow_it(place: Place):
    zips.bomb(place.inbox / "silence.zip")
    place.run()
    (place.inbox / "refused" / "silence.zip").rename(place.inbox / "silence.zip")

    report = place.changed(pack_max_ratio=2000).run()

    assert statuses(report) == {"silence.zip": "taken"}
    assert place.folders() == {"unknown/silence"}


def test_packs_of_one_name_lie_beside_each_other(place: Place):
    for number in range(3):
        zips.good(place.inbox / "pack.zip", seed=number)
        place.run()
    put(place.library / "unknown" / "pack-4" / "mine.txt", b"not ours")
    zips.good(place.inbox / "pack.zip", seed=4)

    place.run()

    assert place.folders() == {f"unknown/{name}" for name in ("pack", "pack-2", "pack-3", "pack-4", "pack-5")}
    done = {path.name for path in (place.inbox / "done").iterdir()}
    assert done == {"pack.zip", "pack-2.zip", "pack-3.zip", "pack-4.zip"}


def test_a_pack_that_changed_lately_waits_unless_it_is_marked(place: Place):
    zips.good(place.inbox / "growing.zip", seed=1)
    zips.good(place.inbox / "acme" / "marked.zip", seed=2)
    put(place.inbox / "acme" / "marked.zip.done", b"")
    put(place.inbox / "folder" / "a.wav", zips.wav(50))
    put(place.inbox / "folder.done", b"")

    report = place.changed(inbox_settle_seconds=3600.0).run()

    assert statuses(report) == {"growing.zip": "waiting", "acme/marked.zip": "taken", "folder": "taken"}
    assert (place.inbox / "growing.zip").is_file()
    done = {str(path.relative_to(place.inbox)) for path in (place.inbox / "done").rglob("*") if path.is_file()}
    assert done == {"done/acme/marked.zip", "done/acme/marked.zip.done", "done/folder/a.wav", "done/folder.done"}


def test_old_times_of_a_copy_do_not_make_it_complete(place: Place):
    path = zips.good(place.inbox / "copy.zip")
    os.utime(path, (1_000_000_000, 1_000_000_000))

    assert statuses(place.changed(inbox_settle_seconds=3600.0).run()) == {"copy.zip": "waiting"}


def test_a_patient_run_gives_a_pack_the_time_to_be_complete(place: Place):
    zips.good(place.inbox / "fresh.zip")

    assert statuses(place.changed(inbox_settle_seconds=1.0).run(wait_for_incomplete=True)) == {"fresh.zip": "taken"}


def test_links_and_what_is_hidden_or_no_audio_is_left_out_of_a_folder(place: Place, tmp_path: Path):
    secret = put(tmp_path / "secret.wav", zips.wav(9))
    put(place.inbox / "pack" / "a.wav", zips.wav(1))
    put(place.inbox / "pack" / ".hidden" / "b.wav", zips.wav(2))
    put(place.inbox / "pack" / "notes.txt", b"text")
    (place.inbox / "pack" / "link.wav").symlink_to(secret)
    (place.inbox / "pack" / "up").symlink_to(tmp_path)
    os.mkfifo(place.inbox / "pack" / "pipe.wav")
    (place.inbox / "link.zip").symlink_to(zips.good(tmp_path / "elsewhere.zip"))

    report = place.run()

    assert statuses(report) == {"pack": "taken"}
    assert report.outcomes[0].left_out == {"hidden": 1, "not_audio_type": 1, "link": 2, "special": 1}
    assert [path for path in place.paths() if path.startswith("library")] == ["library/unknown/pack/a.wav"]
    assert (tmp_path / "elsewhere.zip").is_file()


def test_names_that_are_no_text_are_taken(place: Place):
    put(place.inbox / os.fsdecode(b"p\xffck\n") / os.fsdecode(b"k\xfeck.wav"), zips.wav())

    report = place.run()

    [outcome] = report.outcomes
    assert (outcome.pack, outcome.status, outcome.folder) == ("p\\xffck\n", "taken", "unknown/p\\xffck_")
    [path] = (place.library / "unknown" / "p\\xffck_").iterdir()
    assert os.fsencode(path.name) == b"k\xfeck.wav"
    assert report.as_text().isascii()
    assert "\nck" not in report.as_text()


def test_a_folder_that_breaks_a_rule_is_refused(place: Place):
    put(place.inbox / "deep" / "/".join("abcd") / "a.wav", zips.wav(1))
    for number in range(6):
        put(place.inbox / "many" / f"{number}.wav", zips.wav(number))
    put(place.inbox / "texts" / "a.txt", b"")

    report = place.changed(pack_max_depth=3, pack_max_entries=5).run()

    assert {outcome.pack: (outcome.reason or "").split(" (")[0] for outcome in report.outcomes} == {
        "deep": "too deep: SAMPLEMIND_PACK_MAX_DEPTH allows 3 folders",
        "many": "more than 5 entries",
        "texts": "no audio files in it",
    }
    assert not place.library.exists() or place.folders() == set()


def test_a_full_disk_leaves_the_pack_for_the_next_run(place: Place):
    path = zips.good(place.inbox / "pack.zip")

    report = place.changed(pack_free_bytes=2**60).run()

    assert statuses(report) == {"pack.zip": "postponed"}
    assert "SAMPLEMIND_PACK_FREE_BYTES" in (report.outcomes[0].reason or "")
    assert path.is_file()
    assert place.folders() == set()
    assert not report.is_clean
    assert statuses(place.run()) == {"pack.zip": "taken"}
    assert place.folders() == {"unknown/pack"}


def test_files_that_are_analysed_are_known(place: Place):
    import hashlib  # noqa: PLC0415 -- slow import

    content = hashlib.sha256(zips.wav(0)).hexdigest()
    results.save_analyses([(audio_facts(content), analysis_facts(content, versions=dict(VERSIONS)))])
    sounds = {"a.wav": zips.wav(0), "b.wav": zips.wav(1), "copy of b.wav": zips.wav(1)}
    zips.write_zip(place.inbox / "pack.zip", sounds)

    said = place.run().as_dict()

    assert (said["files"], said["new"], said["known"]) == (3, 1, 2)


def test_the_counts_of_a_report_add_up(place: Place):
    sounds = {"a.wav": zips.wav(0), "b.wav": zips.wav(1), "read me.txt": b"text"}
    zips.write_zip(place.inbox / "pack.zip", sounds)
    report = place.run()
    [batch_id] = report.batches
    items = mongo.database()["batch_items"]
    mongo.run(items.update_one({"batch_id": batch_id}, {"$set": {"state": "failed"}}))
    spent = {"calls": 1, "requests": 1, "input_tokens": 9, "output_tokens": 9, "micro_usd": 250_000}
    mongo.run(mongo.database()["purses"].insert_one({"_id": f"batch:{batch_id}", "providers": {"gemini": spent}}))

    ingest.refresh(report)

    said = report.as_dict()
    assert (said["files"], said["analyzed"], said["failed"], said["pending"]) == (2, 0, 1, 1)
    assert said["summary_spend_usd"] == 0.25
    lines = report.as_text().splitlines()
    assert lines[3:5] == ["files    2: 2 new, 0 known", "so far   0 analysed or linked, 1 failed, 1 pending"]
    assert lines[-1].endswith("in unknown/pack; left out: 1 not_audio_type")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"library_root": "inbox/library"}, "must not lie in each other"),
        ({"inbox": "library/inbox"}, "must not lie in each other"),
        ({"roots": {"library": Path("/elsewhere")}}, "SAMPLEMIND_LIBRARY_ROOT: .* lies under none of the roots"),
    ],
)
def test_an_inbox_or_library_at_the_wrong_place_is_told(
    changes: dict[str, Any], said: str, place: Place, tmp_path: Path
):
    absolute = {name: tmp_path / value if isinstance(value, str) else value for name, value in changes.items()}
    zips.good(place.inbox / "pack.zip")

    with pytest.raises(UsageError, match=said):
        place.changed(**absolute).run()

    assert (place.inbox / "pack.zip").is_file()


def test_a_missing_inbox_is_told_and_that_of_the_settings_is_made(place: Place, tmp_path: Path):
    own = place.changed(inbox=None, home=tmp_path / "new home")

    with pytest.raises(UsageError, match="no such folder"):
        ingest.ingest(own.settings, inbox=tmp_path / "missing", say=print)

    assert own.run().outcomes == []
    assert (tmp_path / "new home" / "inbox").is_dir()


def test_items_are_recorded_below_the_root_that_workers_know(place: Place):
    zips.good(place.inbox / "pack.zip", files=1)

    report = place.changed(roots={"samples": place.library}).run()

    [item] = batches.iterate(report.batches[0])
    assert (item.root, item.path) == ("samples", "unknown/pack/Kicks/kick 0.wav")


# What a run is killed at: (module, function of it, before or after the call).
MOMENTS = [
    ("samplemind_worker.store.packs", "begin", "after"),
    ("samplemind_worker.packs.staging", "Staging.write", "after"),
    ("samplemind_worker.packs.staging", "Staging.place", "before"),
    ("samplemind_worker.packs.staging", "Staging.place", "after"),
    ("samplemind_worker.store.batches", "create", "after"),
    ("samplemind_worker.store.batches", "add_items", "before"),
    ("samplemind_worker.store.batches", "close_recording", "before"),
    ("samplemind_worker.store.batches", "close_recording", "after"),
    ("samplemind_worker.packs.inbox", "Inbox.move_done", "before"),
    ("samplemind_worker.packs.inbox", "Inbox.move_done", "after"),
]
KILLED = """
import importlib, operator, os, sys
from config.settings import Settings
from samplemind_worker.packs import ingest
from samplemind_worker.store import mongo
module, name, moment = sys.argv[1:]
owner = importlib.import_module(module)
*path, name = name.split(".")
for part in path:
    owner = getattr(owner, part)
call = getattr(owner, name)
def killed(*arguments, **named):
    if moment == "after":
        call(*arguments, **named)
    os.kill(os.getpid(), 9)
setattr(owner, name, killed)
settings = Settings(_env_file=None)
mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database)
ingest.ingest(settings, say=print)
"""


def run_and_be_killed(place: Place, moment: tuple[str, str, str]) -> None:
    assert place.settings.mongodb_url is not None
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAMPLEMIND_")}
    environment = {
        "SAMPLEMIND_MONGODB_URL": place.settings.mongodb_url.get_secret_value(),
        "SAMPLEMIND_DATABASE": place.settings.database,
        "SAMPLEMIND_HOME": str(place.settings.home),
        "SAMPLEMIND_INBOX": str(place.inbox),
        "SAMPLEMIND_LIBRARY_ROOT": str(place.library),
        "SAMPLEMIND_INBOX_SETTLE_SECONDS": "0",
        "SAMPLEMIND_PACK_FREE_BYTES": "0",
    }
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *moment],
        env={**kept, **environment},
        cwd=PROJECT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == -9, done.stderr


def let_leases_end() -> None:
    """Let the time of a lease pass."""

    async def _end() -> None:
        past = await mongo.read_clock() - timedelta(seconds=1)
        await Turn.get_pymongo_collection().update_many({}, {"$set": {"lease_until": past}})

    mongo.run(_end())


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: f"{moment[2]} {moment[1]}")
def test_a_run_that_was_killed_is_finished_by_the_next(moment: tuple[str, str, str], place: Place):
    zips.good(place.inbox / "acme" / "one.zip")

    run_and_be_killed(place, moment)
    let_leases_end()
    report = place.run()

    assert [outcome.status for outcome in report.outcomes] == ["taken"]
    assert place.paths() == {
        "library/acme/one/Kicks/kick 0.wav",
        "library/acme/one/Kicks/kick 1.wav",
        "inbox/done/acme/one.zip",
    }
    assert place.folders() == {"acme/one"}
    [pack] = all_packs()
    assert (pack.state, pack.files, pack.folder) == (PackState.DONE, 2, "acme/one")
    # An incompletely recorded batch is never dispatched; the dispatcher abandons it after a while.
    good = [job for job in batches.recent(10) if job.recorded and job.status is not BatchStatus.FAILED]
    assert [(job.id, job.total_files) for job in good] == [(pack.batch_id, 2)]
    assert place.run().outcomes == []


@pytest.mark.parametrize("moment", MOMENTS[:4], ids=lambda moment: f"{moment[2]} {moment[1]}")
def test_what_a_killed_run_left_of_a_pack_that_vanished_is_cleared_up(moment: tuple[str, str, str], place: Place):
    path = zips.good(place.inbox / "one.zip")

    run_and_be_killed(place, moment)
    let_leases_end()
    path.unlink()
    report = place.run()

    was_placed = moment[1:] == ("Staging.place", "after")
    assert statuses(report) == {"one.zip": "taken" if was_placed else "refused"}
    assert (place.folders() if place.library.exists() else set()) == ({"unknown/one"} if was_placed else set())
    assert packs.unfinished() == []
    assert len(batches.recent(10)) == was_placed
    assert place.run().outcomes == []


def test_a_run_does_not_begin_beside_another(place: Place):
    zips.good(place.inbox / "pack.zip")
    assert packs.take_turn("other", lease=60.0)

    with packs.turn_kept("other", lease=60.0):
        beside = ingest.ingest(place.settings, wait_for_incomplete=False, wait_for_turn=False, say=place.said.append)
        assert (beside, place.said) == (None, [])
        assert (place.inbox / "pack.zip").is_file()

    assert statuses(place.run()) == {"pack.zip": "taken"}


def test_a_run_waits_for_another_and_says_so(place: Place):
    zips.good(place.inbox / "pack.zip")
    assert packs.take_turn("other", lease=1.0)

    report = ingest.ingest(place.settings, wait_for_incomplete=False, say=place.said.append)

    assert place.said[0] == "another run takes in packs; waiting for its end"
    assert report is not None
    assert statuses(report) == {"pack.zip": "taken"}


def test_runs_at_once_take_every_pack_once(place: Place):
    for number in range(6):
        zips.good(place.inbox / f"pack {number}.zip", seed=number, files=1)
    reports: list[Report | None] = []

    def run() -> None:
        reports.append(ingest.ingest(place.settings, wait_for_incomplete=False, say=lambda _: None))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    taken = [outcome.pack for report in reports if report is not None for outcome in report.outcomes]
    assert sorted(taken) == [f"pack {number}.zip" for number in range(6)]
    assert len(batches.recent(20)) == 6
    assert len(place.folders()) == 6


def test_a_run_that_lost_its_turn_writes_nothing(place: Place):
    zips.good(place.inbox / "pack.zip")
    place.run()
    [pack] = all_packs()

    assert packs.take_turn("first", lease=60.0)
    let_leases_end()
    assert packs.take_turn("second", lease=60.0)

    with pytest.raises(ServiceUnavailableError, match="another one took over"):
        packs.require_turn("first")
    with pytest.raises(ServiceUnavailableError, match="another one took over"):
        packs.update(pack.id, run="first", files=99)
    packs.require_turn("second")
    assert all_packs() == [pack]


def test_a_lease_is_renewed_while_a_run_goes_on():
    assert packs.take_turn("first", lease=0.5)

    with packs.turn_kept("first", lease=0.5):
        waited = threading.Event()
        for _ in range(8):
            waited.wait(0.2)
            assert packs.take_turn("second", lease=0.5) is False

    assert packs.take_turn("second", lease=60.0)


@pytest.fixture
def at_night(place: Place) -> Callable[[timedelta], Report | None]:
    """Run the nightly task's step as if it had been due so long ago."""

    def run(ago: timedelta) -> Report | None:
        due = (mongo.now() - ago).astimezone()
        return nightly.run_if_due(place.settings.model_copy(update={"nightly": f"{due:%H:%M}"}))

    return run


def test_a_night_is_taken_once_and_a_missed_one_caught_up(place: Place, at_night: Callable[[timedelta], Report | None]):
    zips.good(place.inbox / "one.zip", seed=1)
    hours_ago = timedelta(hours=5)

    first = at_night(hours_ago)
    zips.good(place.inbox / "two.zip", seed=2)
    second = at_night(hours_ago)

    assert first is not None
    assert statuses(first) == {"one.zip": "taken"}
    assert second is None
    reports = {path.suffix for path in (place.settings.home / "reports").iterdir()}
    assert reports == {".json", ".txt"}


def test_a_night_that_is_the_first_to_record_makes_the_indexes(
    settings: Settings, place: Place, at_night: Callable[[timedelta], Report | None]
):
    assert settings.mongodb_url is not None
    # Like a worker that is the first to open an empty database.
    mongo.close()
    mongo.connect(settings.mongodb_url.get_secret_value(), database=f"{settings.database}w", create_indexes=False)
    zips.good(place.inbox / "one.zip")

    assert at_night(timedelta(hours=5)) is not None

    assert parcels.reserve_last_chance(lambda *_: "cpu") is None  # it names its index


def test_no_night_is_taken_unless_the_settings_name_one(place: Place):
    zips.good(place.inbox / "one.zip")

    assert nightly.run_if_due(place.settings) is None
    assert (place.inbox / "one.zip").is_file()


def test_a_night_beside_another_run_is_left_to_it(place: Place, at_night: Callable[[timedelta], Report | None]):
    zips.good(place.inbox / "one.zip")
    assert packs.take_turn("other", lease=60.0)

    assert at_night(timedelta(hours=5)) is None
    assert (place.inbox / "one.zip").is_file()


def test_watch_says_what_it_will_move_and_where_to_before_it_does(place: Place):
    zips.good(place.inbox / "first.zip", seed=1)
    zips.good(place.inbox / "acme" / "second.zip", seed=2)
    said: list[tuple[str, bool]] = []

    def say(line: str) -> None:
        said.append((line, (place.inbox / "first.zip").exists() and (place.inbox / "acme" / "second.zip").exists()))

    reports = watch.watch(place.settings, place.inbox, say=say)
    assert statuses(next(reports)) == {"first.zip": "taken", "acme/second.zip": "taken"}
    plan = said[:4]
    zips.good(place.inbox / "acme" / "third.zip", seed=3)
    next(reports)

    assert plan == [
        (f"packs in {place.inbox} (zips, folders, single files) are taken into {place.library}; Ctrl-C ends it", True),
        (f"originals are moved to {place.inbox}/done, or to {place.inbox}/refused with the reason", True),
        (f"acme/second.zip goes into {place.library}/acme/second", True),
        (f"first.zip goes into {place.library}/unknown/first", True),
    ]
    lines = [line for line, _ in said[4:] if "third" in line]
    assert lines == [f"acme/third.zip goes into {place.library}/acme/third", "taking acme/third.zip"]
