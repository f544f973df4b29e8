"""Packs of an inbox are unpacked into a bucket, recorded and analysed there."""

import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.locations import ObjectPath
from config.settings import Settings
from samplemind_worker.documents.batch import State
from samplemind_worker.documents.pack import PackState
from samplemind_worker.packs import ingest, watch
from samplemind_worker.packs.report import Report
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import batches, mongo, packs, places
from samplemind_worker.store.landing import IN_MEMORY
from tests import zips
from tests.bucket import SLOW_DOWN, BucketServer, Request
from tests.chain import items_of, work

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("chroma")]

BUCKET = "packs"


@pytest.fixture
def bucket(bucket_server: BucketServer) -> Iterator[BucketServer]:
    bucket_server.client.create_bucket(Bucket=BUCKET)
    bucket_server.reset()
    yield bucket_server
    bucket_server.reset()
    bucket_server.empty(BUCKET)


@pytest.fixture
def remote(workspace: Workspace, bucket: BucketServer, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace whose one root, into which packs are unpacked, lies in the bucket."""
    assert bucket.url
    (tmp_path / "inbox").mkdir()
    own: dict[str, Any] = {
        "home": tmp_path / "home",
        "inbox": tmp_path / "inbox",
        "roots": {"library": ObjectPath(BUCKET)},
        "library_root": ObjectPath(BUCKET, "new"),
        "inbox_settle_seconds": 0.0,
    }
    with Workspace(workspace.settings.model_copy(update=own)) as made:
        yield made


def run(settings: Settings) -> Report:
    report = ingest.ingest(settings, wait_for_incomplete=False, wait_for_turn=False, say=lambda _: None)
    assert report is not None
    return report


def keys(server: BucketServer) -> list[str]:
    return [row["Key"] for row in server.client.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def body(server: BucketServer, key: str) -> bytes:
    return server.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def kick(number: int, seed: int = 0) -> bytes:
    return zips.wav(seed * 100 + number)


def test_a_pack_is_unpacked_recorded_and_analysed(remote: Workspace, bucket: BucketServer):
    inbox = remote.settings.inbox_folder
    zips.good(inbox / "vendor" / "kicks.zip")
    (inbox / "loose.wav").write_bytes(kick(7))

    report = run(remote.settings)

    assert {outcome.pack: (outcome.status, outcome.folder) for outcome in report.outcomes} == {
        "loose.wav": ("taken", "unknown/loose"),
        "vendor/kicks.zip": ("taken", "vendor/kicks"),
    }
    assert keys(bucket) == [
        "new/unknown/loose/loose.wav",
        "new/vendor/kicks/Kicks/kick 0.wav",
        "new/vendor/kicks/Kicks/kick 1.wav",
    ]
    assert body(bucket, "new/vendor/kicks/Kicks/kick 1.wav") == kick(1)
    assert (inbox / "done" / "vendor" / "kicks.zip").is_file()
    work(remote)
    assert [batches.report(batches.find(one))["completed"] for one in report.batches] == [1, 2]
    assert places.at("library", b"new/vendor/kicks/Kicks/kick 0.wav") is not None


def test_watch_says_where_in_the_bucket_packs_go(remote: Workspace):
    inbox = remote.settings.inbox_folder
    zips.good(inbox / "kicks.zip")
    said: list[str] = []

    report = next(watch.watch(remote.settings, inbox, say=said.append))

    assert [outcome.folder for outcome in report.outcomes] == ["unknown/kicks"]
    assert "kicks.zip goes into s3://packs/new/unknown/kicks" in said


def test_a_pack_of_another_name_is_known_and_one_of_the_same_name_gets_a_number(
    remote: Workspace, bucket: BucketServer
):
    inbox = remote.settings.inbox_folder
    zips.good(inbox / "kicks.zip")
    run(remote.settings)
    zips.good(inbox / "again.zip")
    zips.good(inbox / "kicks.zip", seed=1, files=1)

    report = run(remote.settings)

    assert {outcome.pack: (outcome.status, outcome.folder) for outcome in report.outcomes} == {
        "again.zip": ("known", "unknown/kicks"),
        "kicks.zip": ("taken", "unknown/kicks-2"),
    }
    assert body(bucket, "new/unknown/kicks/Kicks/kick 0.wav") == kick(0)
    assert body(bucket, "new/unknown/kicks-2/Kicks/kick 0.wav") == kick(0, seed=1)


def test_what_others_have_put_there_is_left_alone(remote: Workspace, bucket: BucketServer):
    bucket.client.put_object(Bucket=BUCKET, Key="new/unknown/kicks/Kicks/kick 0.wav", Body=b"of another")
    zips.good(remote.settings.inbox_folder / "kicks.zip")

    report = run(remote.settings)

    assert [outcome.folder for outcome in report.outcomes] == ["unknown/kicks-2"]
    assert body(bucket, "new/unknown/kicks/Kicks/kick 0.wav") == b"of another"


def test_a_large_file_is_uploaded_in_parts(remote: Workspace, bucket: BucketServer):
    data = zips.wav(frames=IN_MEMORY // 2 + 100_000)
    (remote.settings.inbox_folder / "long.wav").write_bytes(data)

    run(remote.settings)

    assert len(data) > IN_MEMORY
    assert body(bucket, "new/unknown/long/long.wav") == data


def test_a_damaged_file_is_refused_and_never_uploaded(remote: Workspace, bucket: BucketServer):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("kick.wav", kick(0))
    broken = bytearray(archive.getvalue())
    broken[100] ^= 0xFF
    (remote.settings.inbox_folder / "broken.zip").write_bytes(broken)

    report = run(remote.settings)

    assert [outcome.status for outcome in report.outcomes] == ["refused"]
    assert keys(bucket) == []


@pytest.mark.usefixtures("few_attempts")
def test_a_bucket_that_throttles_postpones_a_pack_and_the_next_run_finishes_it(remote: Workspace, bucket: BucketServer):
    inbox = remote.settings.inbox_folder
    zips.good(inbox / "kicks.zip", files=3)
    bucket.fault = lambda request: SLOW_DOWN if request.method == "PUT" and "kick 1" in request.key else None

    report = run(remote.settings)

    assert [outcome.status for outcome in report.outcomes] == ["postponed"]
    assert "SlowDown" in str(report.outcomes[0].reason)
    assert keys(bucket) == ["new/unknown/kicks/Kicks/kick 0.wav"]
    assert batches.recent(10) == []
    assert (inbox / "kicks.zip").is_file()

    bucket.reset()
    report = run(remote.settings)
    assert [(outcome.status, outcome.folder) for outcome in report.outcomes] == [("taken", "unknown/kicks")]
    assert [key[-5] for key in keys(bucket)] == ["0", "1", "2"]
    [batch] = batches.recent(10)
    assert (batch.recorded, batch.total_files) == (True, 3)


@pytest.mark.usefixtures("few_attempts")
def test_a_bucket_that_may_not_be_written_is_told(remote: Workspace, bucket: BucketServer):
    zips.good(remote.settings.inbox_folder / "kicks.zip")
    bucket.fault = lambda request: ("403 Forbidden", "AccessDenied") if request.method == "PUT" else None

    report = run(remote.settings)

    assert [outcome.status for outcome in report.outcomes] == ["postponed"]
    assert f"s3://{BUCKET}" in str(report.outcomes[0].reason)
    assert "AccessDenied" in str(report.outcomes[0].reason)


class Killed(BaseException):
    """Ends a run where it is, as SIGKILL would."""


@pytest.mark.parametrize("at", ["while it uploads", "before it is recorded"])
def test_the_next_run_finishes_what_a_killed_one_began(
    remote: Workspace, bucket: BucketServer, monkeypatch: pytest.MonkeyPatch, at: str
):
    inbox = remote.settings.inbox_folder
    zips.good(inbox / "kicks.zip", files=3)
    uploads: Counter[str] = Counter()

    def count(request: Request) -> None:
        if request.method == "PUT":
            uploads[request.key] += 1

    bucket.fault = count
    real = packs.update

    def update(digest: str, *, run: str, **values: Any) -> None:
        if at == "while it uploads" and "inode" in values:
            raise Killed
        real(digest, run=run, **values)
        if "uploaded" in values:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(packs, "update", update)
        with pytest.raises(Killed):
            run(remote.settings)

    report = run(remote.settings)

    assert [(outcome.status, outcome.folder, outcome.files) for outcome in report.outcomes] == [
        ("taken", "unknown/kicks", 3)
    ]
    assert set(uploads.values()) == {2 if at == "while it uploads" else 1}
    assert len(keys(bucket)) == 3
    [batch] = batches.recent(10)
    assert {item.state for item in items_of(batch.id).values()} == {State.PENDING}
    [pack] = mongo.run(mongo.collection("packs").find({}).to_list())
    assert (pack["state"], pack["uploaded"]) == (PackState.DONE.value, True)
