"""A library in a bucket: submitted, analysed without a copy of it on this machine, and followed as it changes."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.locations import ObjectPath
from config.settings import Settings, get_settings
from samplemind_worker.documents.batch import State, Step
from samplemind_worker.errors import RootNotReachedError, ServiceUnavailableError, TransientError
from samplemind_worker.finding.reports import reports_of
from samplemind_worker.pipeline import decode
from samplemind_worker.pipeline.workspace import Run, Workspace
from samplemind_worker.store import batches, places
from samplemind_worker.store.landing import IN_MEMORY
from samplemind_worker.store.places import Area
from samplemind_worker.upkeep.places import Ended
from tests.bucket import SLOW_DOWN, BucketServer, Request
from tests.chain import analyse, items_of, publish, run_chain, submit, work
from tests.command import Cli
from tests.factories import write_audio
from training import signals

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("chroma")]

BUCKET = "sounds"
LIBRARY = ObjectPath(BUCKET, "lib")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three sounds, one of them in a folder."""
    made = tmp_path / "library"
    write_audio(made / "kick.wav", signals.kick())
    write_audio(made / "snare.wav", signals.snare())
    write_audio(made / "kit" / "tom.wav", signals.tom(0.3))
    return made


@pytest.fixture
def bucket(bucket_server: BucketServer, folder: Path) -> Iterator[BucketServer]:
    """The same sounds in a bucket."""
    bucket_server.fill(BUCKET, folder, "lib/")
    bucket_server.reset()
    yield bucket_server
    bucket_server.reset()
    bucket_server.empty(BUCKET)


@pytest.fixture
def remote(workspace: Workspace) -> Iterator[Workspace]:
    """A workspace whose one root lies in the bucket."""
    with Workspace(workspace.settings.model_copy(update={"roots": {"library": LIBRARY}})) as made:
        yield made


def put(server: BucketServer, key: str, body: bytes) -> None:
    server.client.put_object(Bucket=BUCKET, Key=key, Body=body)


def delete(server: BucketServer, key: str) -> None:
    server.client.delete_object(Bucket=BUCKET, Key=key)


def states(batch_id: str) -> dict[str, tuple[str, str | None]]:
    """Return the state of each item by its path, and the reason of one that was skipped or failed."""
    return {
        path: (item.state.value, item.skip_reason or (item.error.code if item.error else None))
        for path, item in items_of(batch_id).items()
    }


def results() -> dict[str, dict[str, Any]]:
    """Return the report of each file by its path, without what measures time."""
    pages = [place for page in places.below(Area("library", b"")) for place in page]
    found = reports_of([place.file_id for place in pages])
    timed = ("seconds", "analyzed_at")
    return {
        place.shown: {name: value for name, value in found[place.file_id].items() if name not in timed}
        for place in pages
    }


def test_results_equal_those_of_the_files(workspace: Workspace, folder: Path, bucket: BucketServer, remote: Workspace):
    with Workspace(workspace.settings.model_copy(update={"roots": {"library": folder}})) as local:
        assert analyse(local, folder)["completed"] == 3
    before = results()

    report = analyse(remote, LIBRARY, force=True)

    assert (report["completed"], report["failed"]) == (3, 0)
    assert sorted(before) == ["library/kick.wav", "library/kit/tom.wav", "library/snare.wav"]
    assert results() == before
    assert bucket.reads == {"lib/kick.wav": 1, "lib/kit/tom.wav": 1, "lib/snare.wav": 1}


def test_what_is_unchanged_is_skipped_without_being_read(bucket: BucketServer, remote: Workspace):
    analyse(remote, LIBRARY)
    bucket.reset()

    report = analyse(remote, LIBRARY)

    assert (report["skipped"], report["completed"]) == (3, 0)
    assert bucket.seen["GET"] == 0


def test_without_named_roots_a_bucket_is_its_own_root(workspace: Workspace, bucket: BucketServer):
    report = analyse(workspace, LIBRARY)
    again = analyse(workspace, ObjectPath(BUCKET))

    assert report["completed"] == 3
    assert again["skipped"] == 3
    assert bucket.seen["GET"] == 3
    shown = [place.shown for page in places.below(Area("s3://sounds", b"")) for place in page]
    assert sorted(shown) == ["s3://sounds/lib/kick.wav", "s3://sounds/lib/kit/tom.wav", "s3://sounds/lib/snare.wav"]


def test_an_object_that_changes_or_goes_after_it_was_recorded(bucket: BucketServer, remote: Workspace, folder: Path):
    job = submit(remote, LIBRARY)
    delete(bucket, "lib/kick.wav")
    put(bucket, "lib/snare.wav", (folder / "kit" / "tom.wav").read_bytes())

    work(remote)

    assert states(job.id) == {
        "kick.wav": ("failed", "missing"),
        "snare.wav": ("completed", None),
        "kit/tom.wav": ("completed", None),
    }
    items = items_of(job.id)
    assert items["snare.wav"].file_id == items["kit/tom.wav"].file_id


def test_an_object_that_changes_between_two_steps_is_missing(bucket: BucketServer, remote: Workspace, folder: Path):
    job = submit(remote, ObjectPath(BUCKET, "lib/kick.wav"))
    [(parcel, first)] = publish(remote)
    run_chain(remote, parcel, first, until=Step.DECODE)
    remote.scratch.drop([f"{parcel}.signal"])
    put(bucket, "lib/kick.wav", (folder / "snare.wav").read_bytes())

    run_chain(remote, parcel, Step.FEATURES)

    assert states(job.id) == {"kick.wav": ("failed", "missing")}


def test_places_end_whose_objects_are_gone_or_have_changed(bucket: BucketServer, remote: Workspace, folder: Path):
    analyse(remote, LIBRARY)
    delete(bucket, "lib/kick.wav")
    put(bucket, "lib/kit/tom.wav", (folder / "kick.wav").read_bytes())
    heard: list[Ended] = []

    job = submit(remote, LIBRARY, on_ended=heard.append)

    assert heard[0].gone == 2
    work(remote)
    assert states(job.id) == {"snare.wav": ("skipped", "known"), "kit/tom.wav": ("skipped", "known")}
    assert bucket.reads["lib/kit/tom.wav"] == 2
    assert sorted(results()) == ["library/kit/tom.wav", "library/snare.wav"]


def test_a_part_that_is_submitted_ends_no_place_elsewhere(bucket: BucketServer, remote: Workspace):
    analyse(remote, LIBRARY)
    delete(bucket, "lib/kick.wav")
    heard: list[Ended] = []

    submit(remote, ObjectPath(BUCKET, "lib/kit"), on_ended=heard.append)

    assert heard[0].gone == 0


@pytest.mark.parametrize("code", ["NoSuchBucket", "InvalidAccessKeyId"])
def test_a_bucket_that_vanishes_gives_its_files_back(bucket: BucketServer, remote: Workspace, code: str):
    job = submit(remote, LIBRARY)
    [(parcel, _)] = publish(remote)
    bucket.fault = lambda _: ("403 Forbidden", code)

    with pytest.raises(RootNotReachedError, match=code):
        decode.run(remote, Run(parcel, f"{parcel}-decode.0"))

    items = items_of(job.id).values()
    assert {(item.state, item.starts, item.alone) for item in items} == {(State.PENDING, 0, False)}
    assert remote.board.lacks() == {("testhost", "library")}
    [(_, said)] = remote.board.complaints()
    assert code in said
    bucket.reset()
    remote.board.reach("testhost", "library")
    work(remote)
    assert batches.report(batches.find(job.id))["completed"] == 3


def test_one_that_vanishes_while_its_objects_are_read_fails_none(bucket: BucketServer, remote: Workspace):
    job = submit(remote, LIBRARY)
    [(parcel, _)] = publish(remote)
    bucket.fault = lambda request: ("404 Not Found", "NoSuchBucket") if request.key else None

    with pytest.raises(RootNotReachedError):
        decode.run(remote, Run(parcel, f"{parcel}-decode.0"))

    assert {state for state, _ in states(job.id).values()} == {"pending"}


@pytest.mark.usefixtures("few_attempts")
def test_a_bucket_that_throttles_for_long_is_asked_by_the_next_try(bucket: BucketServer, remote: Workspace):
    job = submit(remote, LIBRARY)
    [(parcel, first)] = publish(remote)
    bucket.fault = lambda request: SLOW_DOWN if request.key.endswith("snare.wav") else None

    with pytest.raises(ServiceUnavailableError, match="SlowDown"):
        decode.run(remote, Run(parcel, f"{parcel}-decode.0"))
    bucket.reset()
    # As the task's next try does.
    decode.run(remote, Run(parcel, f"{parcel}-decode.1", (f"{parcel}-decode.0",)))
    run_chain(remote, parcel, Step.FEATURES)

    assert {state for state, _ in states(job.id).values()} == {"completed"}
    assert first is Step.DECODE


def test_a_copy_that_the_budget_has_no_room_for_waits(bucket: BucketServer, remote: Workspace, tmp_path: Path):
    long = write_audio(tmp_path / "long.wav", np.tile(signals.kick(1.0), 110).astype(np.float32)).read_bytes()
    assert len(long) > IN_MEMORY
    put(bucket, "lib/long.wav", long)
    small = remote.settings.model_copy(update={"scratch_bytes": len(long) + IN_MEMORY})
    with Workspace(small) as waiting:
        job = submit(waiting, ObjectPath(BUCKET, "lib/long.wav"))
        [(parcel, _)] = publish(waiting)
        # As if another parcel had a copy.
        with waiting.scratch.room("0" * 24, IN_MEMORY + 1):
            with pytest.raises(TransientError, match="SAMPLEMIND_SCRATCH_BYTES"):
                decode.run(waiting, Run(parcel, f"{parcel}-decode.0"))
            assert waiting.scratch.used() == IN_MEMORY + 1
        assert states(job.id) == {"long.wav": ("running", None)}

        # As the task's next try does.
        decode.run(waiting, Run(parcel, f"{parcel}-decode.1", (f"{parcel}-decode.0",)))
        run_chain(waiting, parcel, Step.FEATURES)
        assert states(job.id) == {"long.wav": ("completed", None)}
        assert waiting.scratch.used() == 0


def test_an_object_that_may_not_be_read_fails_alone(bucket: BucketServer, remote: Workspace):
    job = submit(remote, LIBRARY)

    def refused(request: Request) -> tuple[str, str] | None:
        return ("403 Forbidden", "AccessDenied") if request.key.endswith("snare.wav") else None

    bucket.fault = refused
    work(remote)

    assert states(job.id) == {
        "kick.wav": ("completed", None),
        "kit/tom.wav": ("completed", None),
        "snare.wav": ("failed", "permission"),
    }


def test_odd_keys_are_taken_or_skipped_with_a_reason(bucket: BucketServer, remote: Workspace, folder: Path):
    sound = (folder / "kick.wav").read_bytes()
    longest = "k" * (1024 - len("lib/.wav")) + ".wav"
    for key in ("a//b.wav", "/c.wav", "ünï/ÄÖ 😀.wav", longest, "../escape.wav", ".trash/old/d.wav", ".trash/e.wav"):
        put(bucket, f"lib/{key}", sound)
    for key, body in (("marker/", b""), ("notes.txt", b"x"), (".hidden.wav", b"x"), ("empty.wav", b"")):
        put(bucket, f"lib/{key}", body)

    job = submit(remote, LIBRARY)
    work(remote)

    assert states(job.id) == {
        "kick.wav": ("completed", None),
        "snare.wav": ("completed", None),
        "kit/tom.wav": ("completed", None),
        "a//b.wav": ("completed", None),
        "/c.wav": ("completed", None),
        "ünï/ÄÖ 😀.wav": ("completed", None),
        longest: ("completed", None),
        "..": ("skipped", "hidden_folder"),
        ".trash": ("skipped", "hidden_folder"),
        ".hidden.wav": ("skipped", "hidden"),
        "notes.txt": ("skipped", "not_audio_type"),
        "empty.wav": ("failed", "empty"),
    }


Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(cli: Cli, workspace: Workspace, settings: Settings) -> Say:
    """Run a command, and keep this test's connection to the record."""

    def told(*arguments: str) -> tuple[int, str, str]:
        answer = cli(*arguments)
        workspace.connect()
        return answer

    assert settings.roots == {}
    return told


def test_commands_take_urls_of_buckets(say: Say, bucket: BucketServer, workspace: Workspace, folder: Path):
    assert say("submit", "--dry-run", "s3://sounds/lib")[:2] == (0, f"3 audio files, {size_of(folder)}\n")
    analyse(workspace, LIBRARY)

    code, out, _ = say("show", "s3://sounds/lib/kick.wav", "--json")
    assert (code, json.loads(out)["path"]) == (0, "s3://sounds/lib/kick.wav")
    code, out, _ = say("search", "--path", "s3://sounds/lib/kit", "--paths0")
    assert (code, out) == (0, "s3://sounds/lib/kit/tom.wav\0")
    assert say("show", "s3://sounds/lib/none.wav")[0] == 2
    assert say("forget", "s3://sounds/lib/kit")[:2] == (0, "forgot 1 file at s3://sounds/lib/kit\n")
    assert bucket.seen["GET"] == 3


def test_what_needs_a_folder_says_so_in_one_line(say: Say, bucket: BucketServer, workspace: Workspace, tmp_path: Path):
    analyse(workspace, LIBRARY)
    read = bucket.seen["GET"]
    url = "s3://sounds/lib/kick.wav"
    for arguments, words in (
        (("tag", "--to", "files", url), f"{url} is in a bucket"),
        (("slice", url), f"{url} is in a bucket"),
        (("stems", url), f"{url} is in a bucket"),
        (("kit", "--output", str(tmp_path / "kit")), "lies in a folder of this machine"),
    ):
        code, out, told = say(*arguments)
        assert (code, out) == (2, ""), told
        assert words in told
        assert told.count("\n") == 1
    code, _, told = say("tag", "--to", "files", "kick")
    assert "in a bucket, not in a folder of this machine" in told
    assert bucket.seen["GET"] == read


def size_of(folder: Path) -> str:
    from samplemind_cli.output import in_bytes  # noqa: PLC0415 -- slow import

    return in_bytes(sum(path.stat().st_size for path in folder.rglob("*.wav")))


def test_analyze_reads_from_a_bucket(say: Say, bucket: BucketServer, folder: Path):
    code, out, _ = say("analyze", "--jobs", "1", "--json", "s3://sounds/lib/kick.wav")
    local = say("analyze", "--jobs", "1", "--json", str(folder / "kick.wav"))[1]

    found = json.loads(out)
    assert (code, found["path"], bucket.seen["GET"]) == (0, "s3://sounds/lib/kick.wav", 1)
    assert found["file_id"] == json.loads(local)["file_id"]


def test_what_cannot_be_submitted_is_told_in_one_line(say: Say, bucket: BucketServer):
    for url, code, words in (
        ("s3://sounds/none", 2, "no such object or prefix: s3://sounds/none"),
        ("s3://nowhere", 3, "s3://nowhere is not reached: NoSuchBucket"),
        ("s3://x", 2, "wanted s3://bucket/prefix"),
        ("s3://key:secret@sounds/lib", 2, "wanted s3://bucket/prefix"),
        ("https://example.org/a.wav", 2, "not from https://"),
        ("s3://sounds/lib/" + "k" * 1024, 2, "1024 bytes"),
    ):
        answer = say("submit", url)

        assert answer[0] == code, url
        assert words in answer[2]
        assert answer[2].count("\n") == 1
    assert bucket.seen["GET"] == 0


def test_wrong_credentials_are_told_in_one_line(say: Say, bucket: BucketServer):
    bucket.fault = lambda request: ("403 Forbidden", "InvalidAccessKeyId") if request.key_id else None

    code, _, err = say("submit", "s3://sounds/lib")

    assert (code, err.count("\n")) == (3, 1)
    assert "s3://sounds is not reached: InvalidAccessKeyId" in err
    assert list(batches.recent(10)) == []


def test_a_listing_that_fails_on_its_way_gives_the_batch_up(
    bucket: BucketServer, remote: Workspace, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("samplemind_worker.store.objects._PAGE", 1)
    lists = iter(range(100))
    bucket.fault = lambda request: ("403 Forbidden", "ExpiredToken") if not request.key and next(lists) > 3 else None
    made: list[str] = []

    with pytest.raises(ServiceUnavailableError, match="ExpiredToken"):
        submit(remote, LIBRARY, on_created=made.append)

    assert batches.report(batches.find(made[0]))["status"] == "failed"
    bucket.reset()
    assert publish(remote) == []


def test_with_named_roots_only_these_buckets_are_read(say: Say, bucket: BucketServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAMPLEMIND_ROOTS", "library=s3://sounds/lib")
    get_settings.cache_clear()

    code, _, err = say("submit", "s3://sounds/elsewhere.wav")

    assert code == 2
    put(bucket, "library.wav", b"x")
    code, _, err = say("submit", "s3://sounds/library.wav")
    assert (code, "under none of the roots" in err) == (2, True)


def test_places_are_kept_that_cannot_be_compared(
    bucket: BucketServer, remote: Workspace, monkeypatch: pytest.MonkeyPatch
):
    analyse(remote, LIBRARY)
    delete(bucket, "lib/kick.wav")
    monkeypatch.setattr("samplemind_worker.store.objects._PAGE", 1)
    lists = iter(range(100))
    # The walk asks four times, and the comparison after it fails.
    bucket.fault = lambda request: ("403 Forbidden", "ExpiredToken") if not request.key and next(lists) > 4 else None
    heard: list[Ended] = []

    job = submit(remote, LIBRARY, on_ended=heard.append)

    assert heard[0].gone == 0
    assert batches.report(batches.find(job.id))["skipped"] == 2
